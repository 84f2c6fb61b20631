//! One key in a backup.

use serde::Serialize;
use serde_json::value::RawValue;

use super::Opaque;
use crate::{backup::KeyBackupMetadata, encoding::json::RawObject};

/// What a server needs to know of a
/// [`KeyBackupData`](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid),
/// and the encrypted session as it came.
///
/// Not the library's own type: that one forgives, a server has to be exact.
#[derive(Clone, Serialize)]
pub(super) struct StoredKey {
    first_message_index: u64,
    forwarded_count: u64,
    is_verified: bool,
    session_data: Box<RawValue>,
}

impl StoredKey {
    /// Reads a key, whose four members must be there; others are dropped.
    ///
    /// The error is a sentence for people.
    pub(super) fn read(mut key: RawObject<'_>, opaque: Opaque) -> Result<Self, &'static str> {
        Ok(Self {
            first_message_index: integer(&mut key, "first_message_index")
                .ok_or("first_message_index must be a non-negative integer")?,
            forwarded_count: integer(&mut key, "forwarded_count")
                .ok_or("forwarded_count must be a non-negative integer")?,
            is_verified: key
                .take("is_verified")
                .and_then(|value| value.get().parse().ok())
                .ok_or("is_verified must be a boolean")?,
            session_data: key
                .take("session_data")
                .filter(|value| opaque.takes(value))
                .ok_or("session_data must be an object")?
                .to_owned(),
        })
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.session_data.get().len()
    }

    /// Whether this key takes the place of a stored one.
    pub(super) fn replaces(&self, stored: &Self) -> bool {
        self.metadata().replaces(&stored.metadata())
    }

    fn metadata(&self) -> KeyBackupMetadata {
        KeyBackupMetadata {
            is_verified: self.is_verified,
            first_message_index: Some(self.first_message_index),
            forwarded_count: Some(self.forwarded_count),
        }
    }
}

/// An integer from 0 to 2^53 - 1: what JSON in Matrix can hold.
fn integer(key: &mut RawObject<'_>, name: &str) -> Option<u64> {
    key.take(name)?.get().parse().ok().filter(|number| *number < 1 << 53)
}

//! Saved state: whose it is, and in which format.
//!
//! What a machine saves is JSON, in one part or in two, so that secrets can go to a keychain and the rest to
//! a disk. Each part says of which machine, user and device it is, and is taken up by these alone.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use thiserror::Error;

use crate::ids::{DeviceId, UserId};

/// Why saved state is not taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SavedStateError {
    /// It is not what was saved, or damaged.
    #[error("the saved state is damaged")]
    Damaged,
    /// Another version of this crate saved it.
    #[error("the saved state has the format {found}, and {FORMAT} is known")]
    Format {
        /// The format it has.
        found: u32,
    },
    /// It is that of another user or device.
    #[error("the saved state is that of another account or device")]
    OtherAccount,
    /// It is that of another machine, or the public part in place of the secret one.
    #[error("the saved state is another part of the state")]
    OtherPart,
}

/// What every part begins with.
#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    format: u32,
    part: String,
    user_id: UserId,
    device_id: DeviceId,
}

impl Header {
    pub(crate) fn new(part: &str, user_id: &UserId, device_id: &DeviceId) -> Self {
        let (user_id, device_id) = (user_id.clone(), device_id.clone());
        Self { format: FORMAT, part: part.to_owned(), user_id, device_id }
    }

    /// Reads the header of a part, and checks that it is the part and the account that is wanted.
    pub(crate) fn check(
        saved: &[u8],
        part: &str,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<(), SavedStateError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        serde_json::from_slice::<IgnoredAny>(saved).map_err(|_| SavedStateError::Damaged)?;
        let Format { format } =
            serde_json::from_slice(saved).map_err(|_| SavedStateError::Damaged)?;
        if format != FORMAT {
            return Err(SavedStateError::Format { found: format });
        }
        let header: Self = serde_json::from_slice(saved).map_err(|_| SavedStateError::Damaged)?;
        if header.part != part {
            return Err(SavedStateError::OtherPart);
        }
        if header.user_id != *user_id || header.device_id != *device_id {
            return Err(SavedStateError::OtherAccount);
        }
        Ok(())
    }
}

const FORMAT: u32 = 1;

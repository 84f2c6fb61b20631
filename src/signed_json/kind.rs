//! What kind of signed object something is.
//!
//! Nothing in a signature says what was signed, so the members have to: an object that could be read as
//! two kinds is read as none.

// docs/decisions.md, 14: the host signs, and nothing from outside.

use super::{SignedObject, to_sign::PUBLIC_KEY};

/// A kind of object that users and their devices sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The `auth_data` of a backup.
    BackupAuthData,
    /// A cross-signing key.
    CrossSigningKey,
    /// The keys of a device.
    DeviceKeys,
    /// The description of a key of the secret storage.
    KeyDescription,
}

impl Kind {
    /// The members that an object of this kind never has, and which make another kind of it.
    pub(crate) fn members_of_others(self) -> &'static [&'static str] {
        match self {
            Self::BackupAuthData => &["keys", "key", "usage", "user_id", "device_id", "algorithms"],
            Self::CrossSigningKey => &[PUBLIC_KEY, "key", "device_id", "algorithms"],
            Self::DeviceKeys => &[PUBLIC_KEY, "key", "usage"],
            Self::KeyDescription => {
                &[PUBLIC_KEY, "keys", "key", "usage", "user_id", "device_id", "algorithms"]
            }
        }
    }
}

impl SignedObject {
    /// The members that make another kind of it.
    pub(crate) fn members_of_other_kinds(&self, kind: Kind) -> impl Iterator<Item = &'static str> {
        let others = kind.members_of_others().iter().copied();
        others.filter(|name| self.get(name).is_some())
    }

    /// Whether it can be read as this kind and as no other.
    pub(crate) fn is_only(&self, kind: Kind) -> bool {
        self.members_of_other_kinds(kind).next().is_none()
    }
}

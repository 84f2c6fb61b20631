//! The names that the specification and its drafts give to secrets.

use std::fmt::Write as _;

use crate::{crypto::curve25519::Curve25519PublicKey, ids::SecretName};

/// The decryption key of the key backup: 32 bytes of Curve25519 in base64.
pub const MEGOLM_BACKUP_V1: &str = "m.megolm_backup.v1";

/// What an early draft called [`MEGOLM_BACKUP_V1`]. It is read and never written.
pub const MEGOLM_BACKUP_V1_RECOVERY_KEY: &str = "m.megolm_backup.v1.recovery_key";

/// The seed of the master cross-signing key: 32 bytes of Ed25519 in base64.
pub const CROSS_SIGNING_MASTER: &str = "m.cross_signing.master";

/// The seed of the self-signing key: 32 bytes of Ed25519 in base64.
pub const CROSS_SIGNING_SELF_SIGNING: &str = "m.cross_signing.self_signing";

/// The seed of the user-signing key: 32 bytes of Ed25519 in base64.
pub const CROSS_SIGNING_USER_SIGNING: &str = "m.cross_signing.user_signing";

/// The key of a dehydrated device
/// ([MSC3814](https://github.com/matrix-org/matrix-spec-proposals/pull/3814)): 32 bytes in base64.
pub const DEHYDRATED_DEVICE: &str = "m.dehydrated_device";

/// What clients call [`DEHYDRATED_DEVICE`] until the proposal is accepted.
pub const DEHYDRATED_DEVICE_UNSTABLE: &str = "org.matrix.msc3814";

/// All of them.
pub(crate) const WELL_KNOWN: [&str; 7] = [
    MEGOLM_BACKUP_V1,
    MEGOLM_BACKUP_V1_RECOVERY_KEY,
    CROSS_SIGNING_MASTER,
    CROSS_SIGNING_SELF_SIGNING,
    CROSS_SIGNING_USER_SIGNING,
    DEHYDRATED_DEVICE,
    DEHYDRATED_DEVICE_UNSTABLE,
];

/// Under which name the key of a backup is kept that another one takes the place of. What stands there is read as text, and so
/// makes nothing trusted: whatever opened may be kept.
pub(crate) fn former_backup_key(public_key: &Curve25519PublicKey) -> SecretName {
    let mut name = FORMER_BACKUP_KEY.to_owned();
    for byte in public_key.as_bytes().iter().take(8) {
        // Nothing can go wrong in a text.
        let _ = write!(name, "{byte:02x}");
    }
    name.into()
}

pub(crate) fn is_former_backup_key(name: &SecretName) -> bool {
    name.as_str().starts_with(FORMER_BACKUP_KEY)
}

const FORMER_BACKUP_KEY: &str = "strongroom.former_backup_key.";

/// The shape that the name of a secret asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SecretShape {
    /// 32 bytes of Curve25519.
    BackupKey,
    /// 32 bytes of Ed25519.
    CrossSigningSeed,
    /// 32 bytes, which belong to no public key.
    DehydratedDeviceKey,
    /// Any text.
    Text,
}

impl SecretShape {
    /// The shape for a name. Names that the crate does not know have none.
    pub(crate) fn of(name: &SecretName) -> Self {
        match name.as_str() {
            MEGOLM_BACKUP_V1 | MEGOLM_BACKUP_V1_RECOVERY_KEY => Self::BackupKey,
            CROSS_SIGNING_MASTER | CROSS_SIGNING_SELF_SIGNING | CROSS_SIGNING_USER_SIGNING => {
                Self::CrossSigningSeed
            }
            DEHYDRATED_DEVICE | DEHYDRATED_DEVICE_UNSTABLE => Self::DehydratedDeviceKey,
            _ => Self::Text,
        }
    }

    /// Whether a secret of this shape belongs to a public key, so that something can prove it.
    pub(crate) fn has_public_key(self) -> bool {
        matches!(self, Self::BackupKey | Self::CrossSigningSeed)
    }
}

/// Whether it is the name of an algorithm, under which no client looks for a secret:
/// `m.megolm_backup.v1.curve25519-aes-sha2` beside `m.megolm_backup.v1`, say.
pub(crate) fn is_algorithm(name: &SecretName) -> bool {
    let name = name.as_str();
    name.starts_with("m.") && name.ends_with("-sha2") || name == "m.pbkdf2"
}

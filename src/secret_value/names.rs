//! The names that the specification and its drafts give to secrets.

use crate::ids::SecretName;

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

/// The key of a dehydrated device (MSC3814), whose shape is not fixed yet.
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

/// Whether it is the name of an algorithm, under which no client looks for a secret:
/// `m.megolm_backup.v1.curve25519-aes-sha2` beside `m.megolm_backup.v1`, say.
pub(crate) fn is_algorithm(name: &SecretName) -> bool {
    let name = name.as_str();
    name.starts_with("m.") && name.ends_with("-sha2") || name == "m.pbkdf2"
}

//! What is not as it should be in the account data of a secret storage.

use thiserror::Error;

use crate::{
    encoding::format::FormatError,
    ids::{SecretName, SecretStorageKeyId},
};

/// Something in the account data that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretStorageFinding {
    /// The description of a key cannot be read.
    #[error("the description of a key cannot be used: {1}")]
    Key(SecretStorageKeyId, FormatError),
    /// What there is to check a key with cannot be read: the key is [unverifiable](super::KeyStanding::Unverifiable) until
    /// it has opened something.
    #[error("a recovery key cannot be checked against the description of a key: {1}")]
    KeyCheck(SecretStorageKeyId, FormatError),
    /// An event with the name of a known secret, or with `encrypted`, is no secret.
    #[error("a secret cannot be read: {1}")]
    Secret(SecretName, FormatError),
    /// A secret is encrypted to this key with an IV of zeros, or without one, as old clients for Android and iOS did.
    #[error("a secret is stored in an old form (\u{201c}iv\u{201d} is missing)")]
    WithoutIv(SecretName, SecretStorageKeyId),
    /// `m.secret_storage.default_key` names a key that is not described.
    #[error("the default key is not described")]
    DefaultKeyMissing(SecretStorageKeyId),
    /// `m.secret_storage.default_key` cannot be read.
    #[error("the entry that names the default key cannot be read")]
    DefaultKeyUnreadable,
    /// A key is named `m.default`, as an early draft marked the default one. It counts where there is
    /// no event that names the default key, and no other key has this name.
    #[error("a key is marked as default by its name, as an early draft had it")]
    DefaultByName(SecretStorageKeyId),
}

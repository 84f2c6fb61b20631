//! What may be found about the keys of a secret storage.

use thiserror::Error;

use super::{super::remedy::Remedy, Severity, quoted};
use crate::{
    excerpt::Excerpt,
    ids::{KeyId, SecretStorageKeyId},
    passphrase::PassphraseParametersError,
    secret_storage::{KeyDescriptionError, KeyTestError},
};

/// Something about the keys of the secret storage.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StorageFinding {
    /// There is no secret storage: no key is described in a way that can be read.
    #[error("The account has no secret storage.")]
    Absent,
    /// There are keys, and none is default.
    #[error("The account does not say which key of the secret storage is the default one.")]
    NoDefaultKey,
    /// The default key is not described.
    #[error("The default key {first} of the secret storage is not described.", first = quoted(.0))]
    DefaultKeyMissing(SecretStorageKeyId),
    /// The event that names the default key cannot be read.
    #[error("The account data that names the default key cannot be read.")]
    DefaultKeyUnreadable,
    /// A key is marked as default by its name, as an early draft had it.
    #[error("The key {first} is marked as default by its name, as an early draft had it.", first = quoted(.0))]
    DefaultByName(SecretStorageKeyId),
    /// The description of a key cannot be read.
    #[error("The key {first} cannot be used: {1}.", first = quoted(.0))]
    KeyUnreadable(SecretStorageKeyId, #[source] KeyDescriptionError),
    /// A key is of an algorithm that is not known.
    #[error("The key {first} is of the algorithm \u{201c}{1}\u{201d}, which is not known here.", first = quoted(.0))]
    KeyUnsupported(SecretStorageKeyId, Excerpt),
    /// The description of a key has nothing to check a key with.
    #[error("The key {first} has nothing to check it with, so a wrong one is not noticed.", first = quoted(.0))]
    KeyUnverifiable(SecretStorageKeyId),
    /// What there is to check a key with cannot be read.
    #[error("What there is to check the key {first} with cannot be read: {1}.", first = quoted(.0))]
    KeyCheckUnreadable(SecretStorageKeyId, #[source] KeyTestError),
    /// A key comes from a passphrase by few rounds.
    #[error("The passphrase of the key {first} is protected by few rounds ({1}): others can find it by trying.", first = quoted(.0))]
    FewRounds(SecretStorageKeyId, u32),
    /// How a key comes from its passphrase cannot be used.
    #[error("The passphrase of the key {first} cannot be used: {1}.", first = quoted(.0))]
    PassphraseUnusable(SecretStorageKeyId, #[source] PassphraseParametersError),
    /// A key is of the algorithm of 2019.
    #[error("The key {first} is of the algorithm of 2019, with which anybody can store secrets.", first = quoted(.0))]
    Asymmetric(SecretStorageKeyId),
    /// A signature of the description of a key is wrong.
    #[error("The description of the key {first} was changed after {second} had signed it.", first = quoted(.0), second = quoted(.1))]
    WrongSignature(SecretStorageKeyId, KeyId),
}

impl StorageFinding {
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::FewRounds(..) | Self::WrongSignature(..) => Severity::Danger,
            Self::Absent
            | Self::NoDefaultKey
            | Self::DefaultKeyMissing(_)
            | Self::DefaultKeyUnreadable
            | Self::KeyUnreadable(..)
            | Self::KeyUnsupported(..)
            | Self::KeyUnverifiable(_)
            | Self::KeyCheckUnreadable(..)
            | Self::PassphraseUnusable(..) => Severity::Warning,
            Self::DefaultByName(_) | Self::Asymmetric(_) => Severity::Notice,
        }
    }

    pub(super) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Absent => Some(Remedy::SetUpStorage),
            Self::NoDefaultKey | Self::DefaultKeyMissing(_) | Self::DefaultKeyUnreadable => {
                Some(Remedy::SetDefaultKey)
            }
            Self::DefaultByName(_) => None,
            Self::KeyUnreadable(id, _) => Some(Remedy::RemoveKey(id.clone())),
            Self::KeyUnsupported(..) => Some(Remedy::UpdateClient),
            Self::KeyUnverifiable(id)
            | Self::KeyCheckUnreadable(id, _)
            | Self::FewRounds(id, _)
            | Self::WrongSignature(id, _) => Some(Remedy::RotateStorageKey(id.clone())),
            Self::PassphraseUnusable(..) => Some(Remedy::EnterRecoveryKey),
            Self::Asymmetric(_) => Some(Remedy::Migrate),
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Absent => "storage.absent",
            Self::NoDefaultKey => "storage.no_default_key",
            Self::DefaultKeyMissing(_) => "storage.default_key_missing",
            Self::DefaultKeyUnreadable => "storage.default_key_unreadable",
            Self::DefaultByName(_) => "storage.default_by_name",
            Self::KeyUnreadable(..) => "storage.key_unreadable",
            Self::KeyUnsupported(..) => "storage.key_unsupported",
            Self::KeyUnverifiable(_) => "storage.key_unverifiable",
            Self::KeyCheckUnreadable(..) => "storage.key_check_unreadable",
            Self::FewRounds(..) => "storage.few_rounds",
            Self::PassphraseUnusable(..) => "storage.passphrase_unusable",
            Self::Asymmetric(_) => "storage.asymmetric",
            Self::WrongSignature(..) => "storage.wrong_signature",
        }
    }
}

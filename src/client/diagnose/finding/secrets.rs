//! What may be found about secrets.

use thiserror::Error;

use super::{super::remedy::Remedy, Severity, quoted};
use crate::{
    backup::BackupPublicKey,
    crypto::ed25519::Ed25519PublicKey,
    ids::{SecretName, SecretStorageKeyId},
    secret_storage::{EncryptedSecretError, SecretOpenError},
    secret_value::{MEGOLM_BACKUP_V1_RECOVERY_KEY, SecretValueError},
};

/// Something about a secret in the secret storage.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretFinding {
    /// A secret is needed, and not stored.
    #[error("The secret {first} is not in the secret storage.", first = quoted(.0))]
    Missing(SecretName),
    /// What stands in its place cannot be read.
    #[error("The secret {first} cannot be read: {1}.", first = quoted(.0))]
    Unreadable(SecretName, #[source] EncryptedSecretError),
    /// It is not encrypted to the default key, but to another one that is described.
    #[error("The secret {first} is not stored under the default key, but under {second}.", first = quoted(.0), second = quoted(.1))]
    UnderOtherKey(SecretName, SecretStorageKeyId),
    /// It is encrypted only to keys that nothing describes.
    #[error("The secret {first} is stored under the key {second}, which is not described any more.", first = quoted(.0), second = quoted(.1))]
    UnderUnknownKey(SecretName, SecretStorageKeyId),
    /// A key should open it and does not.
    #[error("The secret {first} does not open with the key {second}: {2}.", first = quoted(.0), second = quoted(.1))]
    DoesNotOpen(SecretName, SecretStorageKeyId, #[source] SecretOpenError),
    /// It opens, and is not what its name asks for.
    #[error("The secret {first} opens, but cannot be used: {1}.", first = quoted(.0))]
    Malformed(SecretName, #[source] SecretValueError),
    /// It is stored in a form of the past.
    #[error("The secret {first} is stored {1}.", first = quoted(.0))]
    Legacy(SecretName, LegacyForm),
    /// It was encrypted without an initialisation vector.
    #[error("The secret {first} was encrypted without an initialisation vector, as old clients for Android and iOS did.", first = quoted(.0))]
    WithoutIv(SecretName),
    /// Anybody could have stored it, and no public key vouches for it.
    #[error("Nobody vouches for the secret {first}: the homeserver could have put it there.", first = quoted(.0))]
    Unauthenticated(SecretName),
    /// A stored cross-signing key is not the one that is published.
    #[error("The stored secret {name} belongs to the public key {stored}, but the published one is {published}.", name = quoted(name))]
    CrossSigningKeyDiffers {
        /// Which key.
        name: SecretName,
        /// The public half of what is stored.
        stored: Ed25519PublicKey,
        /// What is published.
        published: Ed25519PublicKey,
    },
    /// One backup key is stored under today's name, and another one under that of a draft.
    #[error(
        "Two backup keys are stored: one for the backup {current}, and under an old name one for {draft}."
    )]
    TwoBackupKeys {
        /// The public half of the one under today's name.
        current: BackupPublicKey,
        /// The public half of the other.
        draft: BackupPublicKey,
    },
}

/// A form in which secrets are not stored any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum LegacyForm {
    /// Encrypted asymmetrically.
    #[error("in the way of 2019, which proves no sender")]
    Asymmetric,
    /// Not encrypted: the backup key is the storage key.
    #[error("as a reference to the storage key itself")]
    Passthrough,
    /// The backup key as `12,34,…`.
    #[error("as a list of numbers, which most clients cannot read")]
    NumberList,
    /// The backup key under the name of a draft.
    #[error("under the name of an early draft")]
    NameOfADraft,
}

impl SecretFinding {
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::Unauthenticated(_) => Severity::Danger,
            Self::Missing(_)
            | Self::Unreadable(..)
            | Self::UnderUnknownKey(..)
            | Self::DoesNotOpen(..)
            | Self::Malformed(..)
            | Self::CrossSigningKeyDiffers { .. } => Severity::Failure,
            Self::UnderOtherKey(..) | Self::WithoutIv(_) | Self::TwoBackupKeys { .. } => {
                Severity::Warning
            }
            Self::Legacy(..) => Severity::Notice,
        }
    }

    pub(super) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Unreadable(name, _)
            | Self::UnderUnknownKey(name, _)
            | Self::DoesNotOpen(name, ..)
            | Self::Malformed(name, _)
                if is_draft(name) =>
            {
                Some(Remedy::DeleteDraftBackupKey)
            }
            Self::UnderOtherKey(name, _) | Self::WithoutIv(name) if is_draft(name) => {
                Some(Remedy::Migrate)
            }
            Self::Missing(name)
            | Self::Unreadable(name, _)
            | Self::UnderUnknownKey(name, _)
            | Self::DoesNotOpen(name, ..)
            | Self::Malformed(name, _)
            | Self::WithoutIv(name)
            | Self::CrossSigningKeyDiffers { name, .. } => Some(Remedy::StoreSecret(name.clone())),
            Self::UnderOtherKey(name, _) => Some(Remedy::EncryptToDefaultKey(name.clone())),
            Self::Legacy(..) => Some(Remedy::Migrate),
            Self::Unauthenticated(name) => Some(Remedy::AskOtherDevice(name.clone())),
            Self::TwoBackupKeys { .. } => Some(Remedy::DeleteDraftBackupKey),
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "secret.missing",
            Self::Unreadable(..) => "secret.unreadable",
            Self::UnderOtherKey(..) => "secret.under_other_key",
            Self::UnderUnknownKey(..) => "secret.under_unknown_key",
            Self::DoesNotOpen(..) => "secret.does_not_open",
            Self::Malformed(..) => "secret.malformed",
            Self::Legacy(..) => "secret.legacy",
            Self::WithoutIv(_) => "secret.without_iv",
            Self::Unauthenticated(_) => "secret.unauthenticated",
            Self::CrossSigningKeyDiffers { .. } => "secret.cross_signing_key_differs",
            Self::TwoBackupKeys { .. } => "secret.two_backup_keys",
        }
    }
}

/// Whether a secret stands under a name under which nobody looks for it any more.
fn is_draft(name: &SecretName) -> bool {
    name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY
}

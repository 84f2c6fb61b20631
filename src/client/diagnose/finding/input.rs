//! What may be found about what somebody typed.

use thiserror::Error;

use super::{super::remedy::Remedy, Severity, quoted, shown};
use crate::{
    ids::{BackupVersion, SecretStorageKeyId},
    secret_storage::{UnlockFailure, UnlockOutcome},
};

/// Something about the recovery key or passphrase that was typed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InputFinding {
    /// It gives a key of the secret storage.
    #[error("What you entered unlocks the secret storage (key {first}).", first = quoted(.0))]
    StorageKeyFits(SecretStorageKeyId),
    /// It gives the key of the current backup.
    #[error("What you entered is the key of the backup (version {first}).", first = shown(.0))]
    BackupKeyFits(BackupVersion),
    /// It gives a key for which there is nothing to check it with.
    #[error("What you entered may be the key {first}: the account has nothing to check it with.", first = quoted(.0))]
    NotCheckable(SecretStorageKeyId),
    /// A key of the secret storage was asked for, and it gives the backup's.
    #[error("What you entered is the key of the backup (version {first}), not that of the secret storage.", first = shown(.0))]
    BackupKeyTyped(BackupVersion),
    /// The key of the backup was asked for, and it gives one of the secret storage.
    #[error("What you entered unlocks the secret storage (key {first}); it is not the key of the backup itself.", first = quoted(.0))]
    StorageKeyTyped(SecretStorageKeyId),
    /// It gives the key of an older version.
    #[error("What you entered is the key of an older backup (version {first}).", first = shown(.0))]
    OlderBackupKey(BackupVersion),
    /// It fits nothing.
    #[error("What you entered opens nothing here: {0}.")]
    FitsNothing(#[source] UnlockFailure),
    /// It could not be tried on a key.
    #[error("What you entered could not be tried on the key {first}: {1}.", first = quoted(.0))]
    NotTried(SecretStorageKeyId, #[source] UnlockOutcome),
    /// It was not tried on a backup that has a passphrase of its own: with all the others, that would have taken more
    /// rounds than are allowed, or it is one of too many.
    #[error("What you entered was not tried on the backup of version {first}: trying it on every backup would take too long.", first = shown(.0))]
    NotTriedOnBackup(BackupVersion),
}

impl InputFinding {
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::FitsNothing(_) => Severity::Failure,
            Self::StorageKeyFits(_) | Self::BackupKeyFits(_) => Severity::Information,
            Self::NotCheckable(_) => Severity::Notice,
            Self::BackupKeyTyped(_)
            | Self::StorageKeyTyped(_)
            | Self::OlderBackupKey(_)
            | Self::NotTried(..)
            | Self::NotTriedOnBackup(_) => Severity::Warning,
        }
    }

    pub(super) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::StorageKeyFits(_) | Self::BackupKeyFits(_) | Self::NotCheckable(_) => None,
            Self::BackupKeyTyped(_) => Some(Remedy::EnterStorageKey),
            Self::StorageKeyTyped(_) => Some(Remedy::UseSecretStorage),
            Self::OlderBackupKey(version) => Some(Remedy::RestoreVersion(version.clone())),
            Self::FitsNothing(failure) => match failure {
                UnlockFailure::NothingToTry => None,
                UnlockFailure::Empty { takes_passphrase: true } => Some(Remedy::EnterStorageKey),
                UnlockFailure::Empty { takes_passphrase: false }
                | UnlockFailure::RecoveryKeyExpected => Some(Remedy::EnterRecoveryKey),
                _ => Some(Remedy::CheckTyping),
            },
            Self::NotTried(_, UnlockOutcome::Unsupported(_)) => Some(Remedy::UpdateClient),
            Self::NotTried(..) | Self::NotTriedOnBackup(_) => Some(Remedy::EnterRecoveryKey),
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::StorageKeyFits(_) => "input.storage_key_fits",
            Self::BackupKeyFits(_) => "input.backup_key_fits",
            Self::NotCheckable(_) => "input.not_checkable",
            Self::BackupKeyTyped(_) => "input.backup_key_typed",
            Self::StorageKeyTyped(_) => "input.storage_key_typed",
            Self::OlderBackupKey(_) => "input.older_backup_key",
            Self::FitsNothing(_) => "input.fits_nothing",
            Self::NotTried(..) => "input.not_tried",
            Self::NotTriedOnBackup(_) => "input.not_tried_on_backup",
        }
    }
}

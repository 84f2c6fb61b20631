//! What may be found about what somebody entered.

use super::{
    super::remedy::Remedy, Severity, argument::Argument as _, names::Names, table::findings,
};
use crate::{
    ids::{BackupVersion, SecretStorageKeyId},
    secret_storage::{EntryKind, UnlockFailure, UnlockOutcome},
};

findings! {
    /// Something about the recovery key or passphrase that was entered.
    enum InputFinding {
        /// It gives a key of the key storage.
        StorageKeyFits { key: SecretStorageKeyId } =
            "input.storage_key_fits", Severity::Information, None,
            "What you entered unlocks your key storage (key {key}).";

        /// It is the key of the current backup.
        BackupKeyFits { version: BackupVersion } =
            "input.backup_key_fits", Severity::Information, None,
            "What you entered is the key of the backup itself (version {version}).";

        /// It gives a key for which there is nothing to check it with.
        NotCheckable { key: SecretStorageKeyId } =
            "input.not_checkable", Severity::Notice, None,
            "What you entered may be right for the key {key} of your key storage, but there is nothing to check it against.";

        /// The key of the key storage was asked for, and it is the backup's.
        BackupKeyTyped { version: BackupVersion } =
            "input.backup_key_typed", Severity::Warning, Some(Remedy::EnterStorageKey),
            "What you entered is the key of the backup itself (version {version}), not the recovery key of your key storage: it restores the message keys of that backup, but does not unlock your key storage.";

        /// The key of the backup was asked for, and it unlocks the key storage.
        StorageKeyTyped { key: SecretStorageKeyId } =
            "input.storage_key_typed", Severity::Warning, Some(Remedy::UseSecretStorage),
            "What you entered unlocks your key storage (key {key}); it is not the key of the backup itself.";

        /// It is a key of the key storage that was replaced, and its description was left behind: it opens nothing.
        OlderStorageKey {
            key: SecretStorageKeyId,
            default: SecretStorageKeyId,
            takes: EntryKind,
        } =
            "input.older_storage_key", Severity::Failure, Some(enter_key(*takes)),
            "This is an older key of your key storage ({key}), which opens nothing any more; the default one is {default}.";

        /// It is a key of the key storage that opens nothing, and another one than the default is in use.
        UnusedStorageKey { key: SecretStorageKeyId, used: SecretStorageKeyId, takes: EntryKind } =
            "input.unused_storage_key", Severity::Failure, Some(enter_key(*takes)),
            "What you entered belongs to the key {key} of your key storage, which opens nothing; the key in use is {used}.";

        /// It fits the description of a key, with which nothing is encrypted, nor with any other.
        NothingStored { key: SecretStorageKeyId } =
            "input.nothing_stored", Severity::Notice, None,
            "What you entered fits the key {key} of your key storage, but nothing is stored there.";

        /// It fits the description of a key, and opens nothing that is encrypted with it.
        OpensNothing { key: SecretStorageKeyId } =
            "input.opens_nothing", Severity::Failure, Some(Remedy::EnterRecoveryKey),
            "What you entered fits the description of the key {key} of your key storage, but opens nothing that is stored there; an older recovery key may open it, or what is stored is damaged.";

        /// It is not the default key, and there is something that only that opens.
        OpensPart { key: SecretStorageKeyId, default: SecretStorageKeyId, takes: EntryKind } =
            "input.opens_part", Severity::Warning, Some(enter_key(*takes)),
            "What you entered opens only a part of your key storage: it belongs to the key {key}, and the rest is encrypted with the default key {default}.";

        /// It is the key of an older version.
        OlderBackupKey { version: BackupVersion } =
            "input.older_backup_key", Severity::Warning,
            Some(Remedy::RestoreVersion(version.clone())),
            "What you entered is the key of an older backup (version {version}).";

        /// It fits nothing.
        FitsNothing { reason: UnlockFailure } =
            "input.fits_nothing", Severity::Failure, against(reason),
            "Nothing in this account was unlocked: {reason}.";

        /// It could not be tried on a key.
        NotTried { key: SecretStorageKeyId, reason: UnlockOutcome } =
            "input.not_tried", Severity::Warning,
            Some(match reason {
                UnlockOutcome::Unsupported(_) => Remedy::UpdateClient,
                _ => Remedy::EnterRecoveryKey,
            }),
            "What you entered could not be tried on the key {key} of your key storage: {reason}.";

        /// It was not tried on a backup that has a passphrase of its own: with all the others, that would have taken
        /// more rounds than are allowed.
        NotTriedOnBackup { version: BackupVersion } =
            "input.not_tried_on_backup", Severity::Warning, Some(Remedy::EnterRecoveryKey),
            "What you entered was not tried as the passphrase of the backup (version {version}): trying it on every backup would take too long.";
    }
}

/// What helps against what opens nothing.
fn against(reason: &UnlockFailure) -> Option<Remedy> {
    match reason {
        UnlockFailure::NothingToTry => None,
        UnlockFailure::Empty { storage, backup } => Some(enter(*storage, *backup)),
        UnlockFailure::PassphraseExpected => Some(Remedy::EnterPassphrase),
        UnlockFailure::BackupKey => Some(Remedy::EnterStorageKey),
        UnlockFailure::RecoveryKeyExpected => Some(Remedy::EnterRecoveryKey),
        UnlockFailure::BackupKeyExpected => Some(Remedy::EnterBackupKey),
        _ => Some(Remedy::CheckTyping),
    }
}

/// To enter what gives the key that is in use.
fn enter_key(takes: EntryKind) -> Remedy {
    enter(Some(takes), None)
}

/// To enter what is expected.
fn enter(storage: Option<EntryKind>, backup: Option<EntryKind>) -> Remedy {
    match (storage, backup) {
        (Some(EntryKind::Passphrase), None) => Remedy::EnterPassphrase,
        (Some(EntryKind::Either), _) => Remedy::EnterStorageKey,
        (Some(_), Some(_)) => Remedy::EnterBackupPassphrase,
        (Some(EntryKind::RecoveryKey) | None, None) => Remedy::EnterRecoveryKey,
        (None, Some(_)) => Remedy::EnterBackupKey,
    }
}

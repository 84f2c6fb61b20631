//! What can be done about a finding, and what a repair must not take from the user.

// docs/decisions.md, 30: a diagnosis is findings, not a verdict.

use std::fmt;

use super::{
    CurrentBackup, Diagnosis,
    finding::{argument::Argument as _, names::Names},
};
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, BackupVersionInfo},
    ids::{BackupVersion, KeyId, SecretName, SecretStorageKeyId},
};

/// Makes the enum of remedies from rows
///
/// ```text
/// /// What is done.
/// Variant(argument: Type) = "code", by whom, "The sentence, with {argument}.";
/// ```
macro_rules! remedies {
    ($(
        $(#[$doc:meta])*
        $variant:ident $(($argument:ident: $type:ty))? = $code:literal, $by:expr, $sentence:literal;
    )*) => {
        /// What can be done about a finding. It displays as a sentence for the user.
        ///
        /// Those that change account data or versions are [performed](super::Diagnosis::repair) by this crate, the
        /// others are for the user or the client.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Remedy {
            $($(#[$doc])* #[doc = concat!("\n\n`", $code, "`: *", $sentence, "*")] $variant $(($type))?,)*
        }

        impl Remedy {
            /// Its name, for programs: `store_secret`, say.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $code,)*
                }
            }

            /// Whether [`Diagnosis::repair`](super::Diagnosis::repair) performs it.
            #[must_use]
            pub fn is_repairable(&self) -> bool {
                let by = match self {
                    $(Self::$variant { .. } => $by,)*
                };
                by == By::Repair
            }

            /// The sentence for the user, with these names.
            pub(super) fn sentence(&self, names: &mut Names) -> String {
                match self {
                    $(Self::$variant $(($argument))? => {
                        $(let $argument = $argument.in_sentence(names);)?
                        format!($sentence)
                    })*
                }
            }
        }

        impl fmt::Display for Remedy {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.sentence(&mut Names::as_they_are()))
            }
        }
    };
}

/// Who performs a remedy.
#[derive(PartialEq, Eq)]
enum By {
    Repair,
    User,
}

remedies! {
    /// Look at what was entered.
    CheckTyping = "check_typing", By::User,
        "Check what you entered, and that it is for this account. If you cannot find the right one, another of your devices may still have your message keys.";

    /// Enter the recovery key or passphrase of the key storage.
    EnterStorageKey = "enter_storage_key", By::User,
        "Enter the recovery key of your key storage, or its passphrase if it has one.";

    /// Enter the recovery key of the key storage: no passphrase helps.
    EnterRecoveryKey = "enter_recovery_key", By::User,
        "Enter your current recovery key: 48 letters and digits, beginning with Es.";

    /// Enter the passphrase of the key storage: no recovery key helps.
    EnterPassphrase = "enter_passphrase", By::User,
        "Enter the passphrase of your key storage.";

    /// Enter the recovery key of the key storage, or the passphrase that the backup has of its own.
    EnterBackupPassphrase = "enter_backup_passphrase", By::User,
        "Enter the recovery key of your key storage, or the passphrase of the backup itself.";

    /// Enter the key of the backup: there is no key storage.
    EnterBackupKey = "enter_backup_key", By::User,
        "Enter the recovery key of the backup itself, or its passphrase if it has one.";

    /// Unlock the key storage with it; the backup's key is in there.
    UseSecretStorage = "use_secret_storage", By::User,
        "Unlock your key storage with it: the backup key should be in there.";

    /// Restore this older version with it.
    RestoreVersion(version: BackupVersion) = "restore_version", By::User,
        "Restore the older backup (version {version}) with it before it is deleted.";

    /// Create a key storage.
    SetUpStorage = "set_up_storage", By::Repair,
        "Set up key storage, and write its recovery key down.";

    /// Make a key default that is at hand.
    SetDefaultKey = "set_default_key", By::Repair,
        "Unlock your key storage with a recovery key that works, and make its key the default one.";

    /// Describe this key again, which is at hand and opens secrets.
    DescribeKey(key: SecretStorageKeyId) = "describe_key", By::Repair,
        "Unlock your key storage with the recovery key that belongs to {key}, and let this client write the description of that key again.";

    /// Put a new key in the place of this one.
    RotateStorageKey(key: SecretStorageKeyId) = "rotate_storage_key", By::Repair,
        "Replace the key {key} of your key storage; if you are shown a new recovery key, write it down.";

    /// Remove the description of this key.
    RemoveKey(key: SecretStorageKeyId) = "remove_key", By::Repair,
        "Remove the key {key} from your key storage if no secret needs it.";

    /// Bring everything into today's form.
    Migrate = "migrate", By::Repair,
        "Let this client convert your key storage to the current format.";

    /// Store this secret anew, if its value is at hand.
    StoreSecret(name: SecretName) = "store_secret", By::Repair,
        "Store {name} in your key storage again, from a device that still has it.";

    /// Take this secret from the key storage in the place of the one that the host has.
    UseStoredSecret(name: SecretName) = "use_stored_secret", By::User,
        "Let this client take {name} from your key storage.";

    /// Encrypt this secret to the default key as well.
    EncryptToDefaultKey(name: SecretName) = "encrypt_to_default_key", By::Repair,
        "Encrypt {name} with the default key as well.";

    /// Delete the backup key under the name of a draft.
    DeleteDraftBackupKey = "delete_draft_backup_key", By::Repair,
        "Delete the backup key under its old name once you need no backup that it opens.";

    /// Ask a verified device of the user for this secret.
    AskOtherDevice(name: SecretName) = "ask_other_device", By::User,
        "Verify another of your devices that still has {name}, and get it from there.";

    /// Create a backup: [`client::Backup`](crate::client::Backup) does it.
    CreateBackup = "create_backup", By::User,
        "Set up a backup, so that your message keys are not lost with this device.";

    /// Have backups made again: [`client::Backup`](crate::client::Backup) does it.
    SwitchBackupOn = "switch_backup_on", By::User,
        "If this is not what you want, switch the backup on again.";

    /// Put a new backup in the place of this one: [`client::Backup`](crate::client::Backup) does it.
    ReplaceBackup = "replace_backup", By::User,
        "Make a new backup from a device that still has your message keys, and keep this one for as long as it may hold others that you need.";

    /// Sign this backup.
    SignBackup(version: BackupVersion) = "sign_backup", By::Repair,
        "Sign the backup (version {version}) once you know that it is yours.";

    /// Delete these versions, once each of their sessions was read back from the current one.
    DeleteVersions(versions: Vec<BackupVersion>) = "delete_versions", By::User,
        "If message keys are missing, restore the older backups (versions: {versions}). It is safe to delete them only when every message key in them was read back from the current backup; until then, keep them.";

    /// Verify the device or key with this ID.
    VerifySigner(key: KeyId) = "verify_signer", By::User,
        "If {key} is one of your devices or your digital identity, verify it; otherwise there is nothing to do.";

    /// Compare the identity with another device.
    VerifyIdentity = "verify_identity", By::User,
        "Before you enter or change anything else, verify this device with another of your devices.";

    /// Set cross-signing up.
    SetUpCrossSigning = "set_up_cross_signing", By::User,
        "Set up your digital identity, so that others can tell your devices from those of strangers.";

    /// Publish the public half of this stored cross-signing key again.
    PublishKey(name: SecretName) = "publish_key", By::User,
        "Publish the public half of {name} again, using what your key storage holds; do not reset your digital identity.";

    /// Have the device publish its keys anew.
    UploadKeysAgain = "upload_keys_again", By::User,
        "Export the message keys of that device first, or make sure that they are all in the backup; then log it out and in again, so that it publishes its keys again.";

    /// Have a device that has the sessions upload them again.
    UploadAgain = "upload_again", By::User,
        "Let a device that has these message keys upload them again.";

    /// Fetch the response again.
    FetchAgain = "fetch_again", By::User,
        "Try again; if it keeps happening, tell the administrator of your homeserver.";

    /// Use a newer version of the client.
    UpdateClient = "update_client", By::User,
        "Use a newer version of this client, or the client that stored this.";
}

impl Diagnosis {
    /// Whether the current backup was given up: its key is not stored again.
    pub(super) fn is_given_up(&self) -> bool {
        self.current_key().is_some_and(|current| self.evidence.retired.contains(current))
    }

    /// Whether the backup key under the name of a draft opens something that may be needed. It may where nobody knows
    /// which versions there are, or what it opens.
    pub(super) fn needs_draft(&self) -> bool {
        let info = match &self.evidence.backup {
            CurrentBackup::Unknown => return true,
            CurrentBackup::Absent => None,
            CurrentBackup::Version(info) => Some(info),
        };
        let is_current = |drafted: &BackupDecryptionKey| {
            self.current_key().is_some_and(|current| drafted.public_key() == current)
        };
        let has_key = |info: &BackupVersionInfo| self.facts.key_of(&self.evidence, info).is_some();
        match &self.facts.drafted {
            Some(drafted) if info.is_none_or(|info| info.auth_data().is_ok()) => {
                is_current(drafted) || self.is_needed(drafted)
            }
            _ => !info.is_none_or(|info| has_key(info)) || !self.evidence.older_versions.is_empty(),
        }
    }

    /// The public key of the current backup.
    fn current_key(&self) -> Option<&BackupPublicKey> {
        Some(self.evidence.current()?.auth_data().ok()?.public_key())
    }

    /// Whether a key that is not the current one's opens an older version, or sessions of the current one.
    fn is_needed(&self, key: &BackupDecryptionKey) -> bool {
        let is_its = |info: &BackupVersionInfo| {
            info.auth_data().is_ok_and(|auth_data| auth_data.public_key() == key.public_key())
        };
        self.evidence.older_versions.iter().any(is_its) || self.opening.contains(key.public_key())
    }
}

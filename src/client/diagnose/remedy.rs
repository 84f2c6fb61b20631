//! What can be done about a finding.

use std::fmt;

use crate::{
    excerpt::Excerpt,
    ids::{BackupVersion, KeyId, SecretName, SecretStorageKeyId},
};

/// What can be done about a finding. It displays as a sentence for the user.
///
/// Those that change account data or versions are [performed](super::Diagnosis::repair) by this crate, the others
/// are for the user or the client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// Look at what was typed.
    CheckTyping,
    /// Enter the recovery key or passphrase of the secret storage.
    EnterStorageKey,
    /// Enter a recovery key: no passphrase helps.
    EnterRecoveryKey,
    /// Unlock the secret storage with it; the backup's key is in there.
    UseSecretStorage,
    /// Restore this older version with it.
    RestoreVersion(BackupVersion),
    /// Create a secret storage.
    SetUpStorage,
    /// Make a key default that is at hand.
    SetDefaultKey,
    /// Put a new key in the place of this one.
    RotateStorageKey(SecretStorageKeyId),
    /// Remove the description of this key.
    RemoveKey(SecretStorageKeyId),
    /// Bring everything into today's form.
    Migrate,
    /// Store this secret anew, if its value is at hand.
    StoreSecret(SecretName),
    /// Encrypt this secret to the default key as well.
    EncryptToDefaultKey(SecretName),
    /// Delete the backup key under the name of a draft.
    DeleteDraftBackupKey,
    /// Ask a verified device of the user for this secret.
    AskOtherDevice(SecretName),
    /// Create a backup: [`client::Backup`](crate::client::Backup) does it.
    CreateBackup,
    /// Put a new backup in the place of this one: [`client::Backup`](crate::client::Backup) does it.
    ReplaceBackup,
    /// Sign this backup.
    SignBackup(BackupVersion),
    /// Delete these versions.
    DeleteVersions(Vec<BackupVersion>),
    /// Verify the device or key with this ID.
    VerifySigner(KeyId),
    /// Compare the identity with another device.
    VerifyIdentity,
    /// Set cross-signing up.
    SetUpCrossSigning,
    /// Have the device publish its keys anew.
    UploadKeysAgain,
    /// Have a device that has the sessions upload them again.
    UploadAgain,
    /// Fetch the response again.
    FetchAgain,
    /// Use a newer version of the client.
    UpdateClient,
}

impl Remedy {
    /// Its name, for programs: `store_secret`, say.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::CheckTyping => "check_typing",
            Self::EnterStorageKey => "enter_storage_key",
            Self::EnterRecoveryKey => "enter_recovery_key",
            Self::UseSecretStorage => "use_secret_storage",
            Self::RestoreVersion(_) => "restore_version",
            Self::SetUpStorage => "set_up_storage",
            Self::SetDefaultKey => "set_default_key",
            Self::RotateStorageKey(_) => "rotate_storage_key",
            Self::RemoveKey(_) => "remove_key",
            Self::Migrate => "migrate",
            Self::StoreSecret(_) => "store_secret",
            Self::EncryptToDefaultKey(_) => "encrypt_to_default_key",
            Self::DeleteDraftBackupKey => "delete_draft_backup_key",
            Self::AskOtherDevice(_) => "ask_other_device",
            Self::CreateBackup => "create_backup",
            Self::ReplaceBackup => "replace_backup",
            Self::SignBackup(_) => "sign_backup",
            Self::DeleteVersions(_) => "delete_versions",
            Self::VerifySigner(_) => "verify_signer",
            Self::VerifyIdentity => "verify_identity",
            Self::SetUpCrossSigning => "set_up_cross_signing",
            Self::UploadKeysAgain => "upload_keys_again",
            Self::UploadAgain => "upload_again",
            Self::FetchAgain => "fetch_again",
            Self::UpdateClient => "update_client",
        }
    }

    /// Whether [`Diagnosis::repair`](super::Diagnosis::repair) performs it.
    #[must_use]
    pub fn is_repairable(&self) -> bool {
        matches!(
            self,
            Self::SetUpStorage
                | Self::SetDefaultKey
                | Self::RotateStorageKey(_)
                | Self::RemoveKey(_)
                | Self::Migrate
                | Self::StoreSecret(_)
                | Self::EncryptToDefaultKey(_)
                | Self::DeleteDraftBackupKey
                | Self::SignBackup(_)
                | Self::DeleteVersions(_)
        )
    }

    /// What is said to the user, if it names nothing of the account.
    fn sentence(&self) -> Option<&'static str> {
        Some(match self {
            Self::CheckTyping => {
                "Check what you entered, or look for a newer recovery key; another device may still have the keys."
            }
            Self::EnterStorageKey => "Enter the recovery key or passphrase of the secret storage.",
            Self::EnterRecoveryKey => {
                "Enter the recovery key, the 48 letters and digits that begin with Es."
            }
            Self::UseSecretStorage => {
                "Use it to unlock the secret storage; the key of the backup is in there."
            }
            Self::SetUpStorage => "Set up a secret storage, and write its recovery key down.",
            Self::SetDefaultKey => {
                "Unlock the secret storage with a key that works, and make it the default one."
            }
            Self::Migrate => "Let this client bring the secret storage into today\u{2019}s form.",
            _ => return self.sentence_about_backups(),
        })
    }

    fn sentence_about_backups(&self) -> Option<&'static str> {
        Some(match self {
            Self::DeleteDraftBackupKey => {
                "Delete the key under the old name once no older backup is needed that it opens."
            }
            Self::CreateBackup => "Set up a backup, so that nothing is lost with the device.",
            Self::ReplaceBackup => {
                "Make a new backup from a device that still has the keys of your messages."
            }
            Self::VerifyIdentity => {
                "Compare the security codes with another of your devices before you go on."
            }
            Self::SetUpCrossSigning => {
                "Set up cross-signing, so that your devices can vouch for each other."
            }
            Self::UploadKeysAgain => {
                "Log the device out and in again, so that it publishes its keys anew."
            }
            Self::UploadAgain => {
                "Let a device that has the keys of these messages upload them again."
            }
            Self::FetchAgain => {
                "Try again; if it stays like this, tell the administrator of the homeserver."
            }
            Self::UpdateClient => {
                "Use a newer version of this client, or the client that wrote it."
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RestoreVersion(version) => write!(
                f,
                "Restore the older backup {} with it, before it is deleted.",
                shown(version)
            ),
            Self::RotateStorageKey(id) => {
                write!(f, "Put a new key in the place of the key {}.", shown(id))
            }
            Self::RemoveKey(id) => {
                write!(f, "Remove the key {}, if no secret needs it.", shown(id))
            }
            Self::StoreSecret(name) => {
                write!(f, "Store the secret {} anew, from a device that has it.", shown(name))
            }
            Self::EncryptToDefaultKey(name) => {
                write!(f, "Store the secret {} under the default key as well.", shown(name))
            }
            Self::AskOtherDevice(name) => write!(
                f,
                "Get the secret {} from another of your devices, after verifying it.",
                shown(name)
            ),
            Self::SignBackup(version) => {
                write!(f, "Sign the backup {}, once you trust it.", shown(version))
            }
            Self::DeleteVersions(versions) => write!(
                f,
                "Delete the older backups ({}), once nothing in them is needed any more.",
                versions.len()
            ),
            Self::VerifySigner(key_id) => write!(f, "Verify {}, if it is yours.", shown(key_id)),
            other => f.write_str(other.sentence().unwrap_or_default()),
        }
    }
}

fn shown(name: &impl AsRef<str>) -> String {
    format!("\u{201c}{}\u{201d}", Excerpt::new(name.as_ref()))
}

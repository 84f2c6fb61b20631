//! From what a person has to the key of a backup.

use super::{flow::EnterError, rescue::BackupKeys};
use crate::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo},
    secret_storage::SecretStorage,
};

/// Returns the decryption key of the backup `version`, from what a person `typed`: the recovery key or passphrase of the
/// key storage, the recovery key of the backup itself or the key in base64 (43 characters), or the passphrase of an old
/// backup. `storage` is the account's [`SecretStorage`], an empty one if there is none.
///
/// The key that is returned is always that of `version`. A passphrase takes as many rounds of PBKDF2 as the account asks
/// for, up to [`Limits::unlock_rounds`] for the key storage and the backup together; who shows progress uses
/// [`SecretStorage::start_unlock`] and [`BackupPassphraseAttempts`](crate::backup::BackupPassphraseAttempts). Where an
/// account has several versions or the person several keys, [`BackupKeys`] finds what each of them leads to.
///
/// # Security
///
/// The key carries [where it came from](BackupDecryptionKey::provenance): that of a text is typed by the user, that of
/// a key storage as authentic as it was stored. It makes a backup trusted by
/// [`TrustedBackup::by_decryption_key`](crate::backup::TrustedBackup::by_decryption_key) alone, which refuses what a server
/// could have planted or found. So hand in what the user has just typed, and not what was read from a file: for that,
/// [`BackupDecryptionKey::from_base64`] asserts nothing.
///
/// # Errors
///
/// [`EnterError`] says which piece does not fit.
pub fn unlock_backup_key(
    typed: &str,
    storage: &SecretStorage,
    version: &BackupVersionInfo,
    limits: &Limits,
) -> Result<BackupDecryptionKey, EnterError> {
    version.auth_data().map_err(Clone::clone)?;
    let mut keys = BackupKeys::new(limits);
    keys.add_typed(typed, storage, &[version])?;
    keys.of_version(version).map(|(key, _)| key.clone()).ok_or(EnterError::NotStored)
}

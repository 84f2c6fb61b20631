//! From what a person has to the key of a backup.

use super::flow::EnterError;
use crate::{
    Limits,
    backup::{AuthData, BackupDecryptionKey, BackupPassphraseAttempts, BackupVersionInfo},
    encoding::secret_base64,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret_storage::{
        OpenedSecret, SecretOpenError, SecretStorage, SecretStorageKey, UnlockError, UnlockFailure,
    },
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
};

/// Returns the decryption key of the backup `version`, from what a person `typed`: the recovery key or passphrase of the
/// key storage, the recovery key of the backup itself or the key in base64 (43 characters), or the passphrase of an old
/// backup. `storage` is the account's [`SecretStorage`], an empty one if there is none.
///
/// The key that is returned is always that of `version`. A passphrase takes as many rounds of PBKDF2 as the account asks
/// for, up to [`Limits::unlock_rounds`] for the key storage and the backup together; who shows progress uses
/// [`SecretStorage::start_unlock`] and [`BackupPassphraseAttempts`].
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
    let auth_data = version.auth_data().map_err(Clone::clone)?;
    let recovery_key = RecoveryKey::typed_by_user(typed);
    let key = match own_key(typed, recovery_key.as_ref().ok(), auth_data) {
        Some(key) => key,
        None => indirect_key(typed, recovery_key, storage, auth_data, limits)?,
    };
    // Whoever finds the backup's passphrase has its key, wherever else it came from.
    let is_authentic = auth_data.provenance_of(&key).is_authentic();
    Ok(if is_authentic { key } else { key.unauthenticated() })
}

/// The key, if that is what was typed.
fn own_key(
    typed: &str,
    recovery_key: Option<&RecoveryKey>,
    auth_data: &AuthData,
) -> Option<BackupDecryptionKey> {
    let key = match recovery_key {
        Some(key) => BackupDecryptionKey::from_recovery_key(key.clone()),
        None => {
            let bytes = secret_base64::decode_array(typed.trim()).ok()?;
            BackupDecryptionKey::typed_by_user(bytes)
        }
    };
    (key.public_key() == auth_data.public_key()).then_some(key)
}

/// The key out of the secret storage, or of the backup's passphrase.
fn indirect_key(
    typed: &str,
    recovery_key: Result<RecoveryKey, RecoveryKeyError>,
    storage: &SecretStorage,
    auth_data: &AuthData,
    limits: &Limits,
) -> Result<BackupDecryptionKey, EnterError> {
    let backup = Some(*auth_data.public_key().as_curve25519());
    let public_keys = PublicKeys { backup, ..PublicKeys::default() };
    let unlock = storage.start_unlock(typed, &public_keys, limits);
    let left = limits.unlock_rounds.saturating_sub(unlock.progress().at_most);
    let error = match unlock.finish() {
        Ok(unlocked) => return stored_key(storage, unlocked.keys, &public_keys),
        Err(error) => error,
    };
    let attempts = match recovery_key {
        Ok(_) | Err(RecoveryKeyError::Empty) => None,
        Err(_) => BackupPassphraseAttempts::new(auth_data, typed).ok(),
    };
    let attempts = attempts.filter(|attempts| attempts.progress().at_most <= left);
    let was_tried = attempts.is_some();
    if let Some(fitting) = attempts.and_then(|attempts| attempts.finish().ok()) {
        return Ok(fitting.key);
    }
    let takes_passphrase = matches!(auth_data.passphrase(), Ok(Some(_)));
    let of_backup = UnlockFailure::of_backup(typed, backup.as_slice(), takes_passphrase, was_tried);
    let reason = error.reason.with_backup(of_backup);
    Err(EnterError::NotUnlocked(Box::new(UnlockError { reason, ..error })))
}

/// The key under its name in the storage, compared with the backup's public key.
fn stored_key(
    storage: &SecretStorage,
    mut keys: Vec<SecretStorageKey>,
    public_keys: &PublicKeys,
) -> Result<BackupDecryptionKey, EnterError> {
    let name = MEGOLM_BACKUP_V1.into();
    if storage.secret(&name).is_none() {
        return Err(EnterError::NotStored);
    }
    let opened = storage.open(&name, &mut keys, public_keys);
    let opened = opened.map_err(EnterError::NotOpened)?;
    // A guess that nothing shows to be right must decide nothing.
    let opened = Some(opened).filter(OpenedSecret::is_of_known_key);
    let key = opened.and_then(|opened| opened.backup_key());
    key.ok_or(EnterError::NotOpened(SecretOpenError::NotTried))
}

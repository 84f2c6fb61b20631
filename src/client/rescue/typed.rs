//! From what a person has to the keys of backups.

use super::{BackupKeys, KeySource};
use crate::{
    Limits,
    backup::{AuthData, BackupDecryptionKey, BackupPassphraseAttempts, BackupVersionInfo},
    client::flow::EnterError,
    encoding::secret_base64,
    ids::SecretName,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret_storage::{
        OpenedSecret, SecretOpenError, SecretStorage, SecretStorageKey, UnlockError, UnlockFailure,
    },
    secret_value::{
        MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys, is_former_backup_key,
    },
};

impl BackupKeys {
    /// Adds every key that a typed text leads to: the recovery key or passphrase of the key storage, today's or an older one, the
    /// recovery key of a backup or the key in base64 (43 characters), or the passphrase of one of the `versions`. `storage` is the
    /// account's [`SecretStorage`], an empty one if there is none.
    ///
    /// What is stored counts under every storage key that the text gives, described or not, and under today's name, that of a
    /// draft, and those under which a repair has kept the keys of former backups. A storage key that others can guess is not tried beside one that they cannot.
    ///
    /// A passphrase takes as many rounds of PBKDF2 as the account asks for, up to [`Limits::unlock_rounds`] for the storage and
    /// all versions together. It is tried on those versions that no key at hand fits, on no more than
    /// [`Limits::passphrase_keys`] and [`Limits::guessable_keys`] allow.
    ///
    /// # Errors
    ///
    /// [`EnterError`] if none of the keys that it leads to is that of one of the `versions`. They are kept all the same: a version
    /// may hold sessions of another key than its own.
    pub fn add_typed(
        &mut self,
        typed: &str,
        storage: &SecretStorage,
        versions: &[&BackupVersionInfo],
    ) -> Result<(), EnterError> {
        let usable: Vec<_> = versions.iter().filter_map(|info| info.auth_data().ok()).collect();
        let recovery_key = RecoveryKey::typed_by_user(typed);
        let is_recovery_key = recovery_key.is_ok();
        let text = Text { typed, recovery_key, storage, versions: &usable };
        let mut found = Found(text.own_key().into_iter().collect());
        // The key in base64 is no passphrase.
        let reason = if !is_recovery_key && found.is_any_of(&usable) {
            None
        } else {
            Some(text.look_further(&mut found, self))
        };
        let fits = found.is_any_of(&usable);
        for (key, source) in found.0 {
            // Whoever finds a backup's passphrase has its key, wherever else it came from.
            let mut of_backup = usable.iter().filter(|it| it.public_key() == key.public_key());
            let is_authentic = of_backup.all(|it| it.provenance_of(&key).is_authentic());
            self.add(if is_authentic { key } else { key.unauthenticated() }, source);
        }
        if fits {
            return Ok(());
        }
        let unusable = versions.first().and_then(|info| info.auth_data().err().cloned());
        Err(unusable.map_or_else(|| reason.unwrap_or(EnterError::NotStored), EnterError::from))
    }

    /// Adds what a secret storage holds under the names of a backup's key, encrypted with any of these storage keys.
    ///
    /// As where they come of a text, one that others can guess is not tried beside one that they cannot.
    pub fn add_stored(&mut self, keys: &[SecretStorageKey], storage: &SecretStorage) {
        for (key, source) in stored_keys(storage, keys) {
            self.add(key, source);
        }
    }
}

/// A text with what it can be tried on.
struct Text<'a> {
    typed: &'a str,
    recovery_key: Result<RecoveryKey, RecoveryKeyError>,
    storage: &'a SecretStorage,
    versions: &'a [&'a AuthData],
}

/// What it leads to.
struct Found(Vec<(BackupDecryptionKey, KeySource)>);

impl Found {
    fn is_of(&self, version: &AuthData) -> bool {
        self.0.iter().any(|(key, _)| key.public_key() == version.public_key())
    }

    fn is_any_of(&self, versions: &[&AuthData]) -> bool {
        versions.iter().any(|version| self.is_of(version))
    }
}

impl Text<'_> {
    /// The key itself, if that is what was typed.
    fn own_key(&self) -> Option<(BackupDecryptionKey, KeySource)> {
        let key = match &self.recovery_key {
            Ok(key) => BackupDecryptionKey::from_recovery_key(key.clone()),
            Err(_) => {
                let bytes = secret_base64::decode_array(self.typed.trim()).ok()?;
                BackupDecryptionKey::typed_by_user(bytes)
            }
        };
        Some((key, KeySource::Typed))
    }

    /// Tries the text on the storage, and then on those versions that no key fits. What is returned says why it may have led
    /// nowhere.
    fn look_further(&self, found: &mut Found, at_hand: &BackupKeys) -> EnterError {
        let limits = &at_hand.limits;
        let of_first = self.versions.first().map(|it| *it.public_key().as_curve25519());
        let public_keys = PublicKeys { backup: of_first, ..PublicKeys::default() };
        let unlock = self.storage.start_unlock(self.typed, &public_keys, limits);
        let left = limits.unlock_rounds.saturating_sub(unlock.progress().at_most);
        let unlocked = unlock.finish();
        if let Ok(unlocked) = &unlocked {
            found.0.extend(stored_keys(self.storage, &unlocked.keys));
        }
        let is_open = |it: &&&AuthData| !found.is_of(it) && !at_hand.has_key_of(it);
        let to_try: Vec<_> = self.versions.iter().filter(is_open).copied().collect();
        let (fitting, was_tried) = self.try_on_backups(&to_try, left, limits);
        found.0.extend(fitting);
        match unlocked {
            Ok(unlocked) => self.not_stored(unlocked.keys, &public_keys),
            Err(error) => self.not_unlocked(error, was_tried),
        }
    }

    /// Tries the text as the passphrase of these versions; `true` if it was tried on any.
    fn try_on_backups(
        &self,
        versions: &[&AuthData],
        mut rounds: u64,
        limits: &Limits,
    ) -> (Vec<(BackupDecryptionKey, KeySource)>, bool) {
        let (mut found, mut was_tried) = (Vec::new(), false);
        if !matches!(&self.recovery_key, Err(error) if *error != RecoveryKeyError::Empty) {
            return (found, was_tried);
        }
        let (mut left, mut guessable) = (limits.passphrase_keys, limits.guessable_keys);
        for version in versions {
            let Ok(attempts) = BackupPassphraseAttempts::new(version, self.typed) else { continue };
            let is_guessable = usize::from(version.has_guessable_passphrase());
            let less = (
                rounds.checked_sub(attempts.progress().at_most),
                left.checked_sub(1),
                guessable.checked_sub(is_guessable),
            );
            let (Some(rounds_left), Some(keys_left), Some(guessable_left)) = less else { continue };
            (rounds, left, guessable) = (rounds_left, keys_left, guessable_left);
            was_tried = true;
            let fitting = attempts.finish().ok();
            found.extend(fitting.map(|fitting| (fitting.key, KeySource::BackupPassphrase)));
        }
        (found, was_tried)
    }

    /// Why the storage, which is unlocked, does not give the key of the first version.
    fn not_stored(&self, mut keys: Vec<SecretStorageKey>, public_keys: &PublicKeys) -> EnterError {
        let mut names = NAMES.map(SecretName::from).into_iter();
        let Some(name) = names.find(|name| self.storage.secret(name).is_some()) else {
            return EnterError::NotStored;
        };
        let opened = self.storage.open(&name, &mut keys, public_keys);
        EnterError::NotOpened(opened.err().unwrap_or(SecretOpenError::NotTried))
    }

    /// Why neither the storage nor a version is opened.
    fn not_unlocked(&self, error: UnlockError, was_tried: bool) -> EnterError {
        let has_passphrase = |version: &&AuthData| matches!(version.passphrase(), Ok(Some(_)));
        let takes_passphrase = self.versions.iter().any(has_passphrase);
        let public_keys = self.versions.iter().map(|it| *it.public_key().as_curve25519());
        let public_keys: Vec<_> = public_keys.collect();
        let of_backup =
            UnlockFailure::of_backup(self.typed, &public_keys, takes_passphrase, was_tried);
        let reason = error.reason.with_backup(of_backup);
        EnterError::NotUnlocked(Box::new(UnlockError { reason, ..error }))
    }
}

/// Everything under the names of a backup's key, whichever of the keys it is encrypted with.
fn stored_keys(
    storage: &SecretStorage,
    keys: &[SecretStorageKey],
) -> Vec<(BackupDecryptionKey, KeySource)> {
    // Beside a sure key, the outcome would tell those who have guessed one whether they are right.
    let has_sure_key = keys.iter().any(SecretStorageKey::is_sure);
    let is_guess = |key: &SecretStorageKey| key.is_guess() || has_sure_key && key.is_guessable();
    let former = storage.secrets().map(|(name, _)| name).filter(|name| is_former_backup_key(name));
    let names = NAMES.map(SecretName::from).into_iter().chain(former.take(FORMER).cloned());
    let (names, mut found) = (names.collect::<Vec<_>>(), Vec::new());
    for mut storage_key in keys.iter().filter(|key| !is_guess(key)).cloned() {
        for name in &names {
            let Some(secret) = storage.secret(name) else { continue };
            let opened = storage_key.open(name, secret).ok();
            let opened = opened.filter(OpenedSecret::is_of_known_key);
            if let Some(key) = opened.and_then(|opened| opened.backup_key()) {
                let key_id = storage_key.id().clone();
                let is_default = storage.default_key() == Some(&key_id);
                let is_described = storage.key(&key_id).is_some();
                let name = name.clone();
                let source = KeySource::SecretStorage { key_id, name, is_default, is_described };
                found.push((key, source));
            }
        }
    }
    found
}

/// What the key of a backup is stored under.
const NAMES: [&str; 2] = [MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY];

/// How many keys of former backups are tried, which repairs have kept.
const FORMER: usize = 64;

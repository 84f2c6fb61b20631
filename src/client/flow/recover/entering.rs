//! What the user types, and what the host has.

use super::{EnterError, Recover, Stage};
use crate::{
    Limits,
    backup::{AuthData, BackupDecryptionKey, BackupPassphraseAttempts, BackupPublicKey},
    client::{
        backup::{Backup, Scope},
        key_kind::KeyKind,
    },
    recovery_key::RecoveryKey,
    secret_storage::{
        EncryptedSecret, SecretStorageKey, UnlockAttempt, UnlockError, UnlockFailure,
        UnlockOutcome, Unlocked,
    },
    secret_value::{MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys},
};

impl Recover {
    /// Keys of the secret storage, from wherever the host has them. Before it is known what there is they are kept until
    /// then; once the user's key was taken they are not looked at any more.
    pub fn unlocked(&mut self, keys: Vec<SecretStorageKey>, now_ms: u64) {
        match self.stage {
            Stage::Looking => self.given = Some(keys),
            Stage::Entering => self.open(keys, now_ms),
            Stage::Fetching | Stage::Finished | Stage::Ended => {}
        }
    }

    pub(super) fn entered(&mut self, typed: &str, now_ms: u64) -> Result<KeyKind, EnterError> {
        if self.stage != Stage::Entering {
            return Err(EnterError::NotAsked);
        }
        // A homeserver says how many rounds a text takes, and can let none fit.
        let allowed = self.limits.unlock_rounds.min(self.rounds_left);
        let is_short = allowed < self.limits.unlock_rounds;
        let (unlocked, left) = self.unlock(typed, allowed).ok_or(EnterError::NotAsked)?;
        let error = match unlocked {
            Ok(_) if self.holds_nothing() => EnterError::NothingStored,
            Ok(unlocked) if !unlocked.attempts.iter().any(|it| it.opens) => {
                EnterError::NotConfirmed
            }
            Ok(Unlocked { keys, .. }) => {
                if self.open_more(keys, now_ms) {
                    return Ok(KeyKind::Storage);
                }
                EnterError::NoBackupKey
            }
            Err(error) if self.holds_nothing() && is_idle(&error) => EnterError::NothingStored,
            Err(error) if is_short && error.attempts.iter().any(is_too_much) => {
                EnterError::TooMuchTried
            }
            Err(error) => EnterError::OpensNothing(Box::new(error)),
        };
        match self.backup_key(typed, left) {
            Ok(Some(key)) => {
                self.give_key(key, now_ms);
                Ok(KeyKind::Backup)
            }
            Err(TooMuchWork) if is_short => Err(EnterError::TooMuchTried),
            Ok(None) => Err(self.besides_backup(error, typed, true)),
            Err(TooMuchWork) => Err(self.besides_backup(error, typed, false)),
        }
    }

    /// The keys of the storage that the text gives, and how many of the allowed rounds are left.
    fn unlock(
        &mut self,
        typed: &str,
        allowed: u64,
    ) -> Option<(Result<Unlocked, UnlockError>, u64)> {
        let public_key = self.public_key();
        let public_keys = PublicKeys {
            backup: public_key.map(|public_key| *public_key.as_curve25519()),
            ..PublicKeys::default()
        };
        let limits = Limits { unlock_rounds: allowed, ..self.limits };
        let mut unlock = self.storage.as_ref()?.start_unlock(typed, &public_keys, &limits);
        while !unlock.advance(u32::MAX) {}
        let done = unlock.progress().done;
        let unlocked = unlock.finish();
        self.rounds_left = self.rounds_left.saturating_sub(done);
        Some((unlocked, allowed.saturating_sub(done)))
    }

    /// The key of the backup itself, if that was typed.
    fn backup_key(
        &mut self,
        typed: &str,
        allowed: u64,
    ) -> Result<Option<BackupDecryptionKey>, TooMuchWork> {
        let found = self.machine.get().and_then(Backup::found);
        let Some(auth_data) = found.and_then(|info| info.auth_data().ok()) else { return Ok(None) };
        if let Ok(key) = RecoveryKey::typed_by_user(typed) {
            let key = BackupDecryptionKey::from_recovery_key(key);
            return Ok(Some(key).filter(|key| auth_data.public_key() == key.public_key()));
        }
        let Ok(attempts) = BackupPassphraseAttempts::new(auth_data, typed) else { return Ok(None) };
        // That the sessions are asked for then would tell others whether they have guessed right.
        if self.limits.guessable_keys == 0 && is_guessable(auth_data) {
            return Ok(None);
        }
        let rounds = attempts.progress().at_most;
        if rounds > allowed {
            return Err(TooMuchWork);
        }
        self.rounds_left = self.rounds_left.saturating_sub(rounds);
        Ok(attempts.finish().ok().map(|fitting| fitting.key))
    }

    /// The error where the text opens neither the storage nor the backup, on which a passphrase may have been tried.
    fn besides_backup(&self, error: EnterError, typed: &str, was_tried: bool) -> EnterError {
        let EnterError::OpensNothing(mut error) = error else { return error };
        let found = self.machine.get().and_then(Backup::found);
        if let Some(auth_data) = found.and_then(|info| info.auth_data().ok()) {
            let takes_passphrase = matches!(auth_data.passphrase(), Ok(Some(_)));
            let was_tried = was_tried && takes_passphrase;
            let public_key = [*auth_data.public_key().as_curve25519()];
            let of_backup =
                UnlockFailure::of_backup(typed, &public_key, takes_passphrase, was_tried);
            error.reason = error.reason.with_backup(of_backup);
        }
        EnterError::OpensNothing(error)
    }

    /// Whether no key of the storage leads to anything.
    pub(super) fn holds_nothing(&self) -> bool {
        let is_readable =
            |secret: &EncryptedSecret| secret.entries().any(|(_, entry)| entry.is_ok());
        self.storage
            .as_ref()
            .is_none_or(|storage| !storage.secrets().any(|(_, secret)| is_readable(secret)))
    }

    /// Opens the secrets with keys that are not at hand yet; `false` if there are none of these.
    fn open_more(&mut self, keys: Vec<SecretStorageKey>, now_ms: u64) -> bool {
        let is_new = |key: &SecretStorageKey| {
            !self.storage_keys.iter().any(|at_hand| at_hand.id() == key.id())
        };
        let new: Vec<_> = keys.into_iter().filter(is_new).collect();
        if new.is_empty() {
            return false;
        }
        let keys = [std::mem::take(&mut self.storage_keys), new].concat();
        self.open(keys, now_ms);
        true
    }

    /// The public key of the backup, by the word of the homeserver.
    fn public_key(&self) -> Option<BackupPublicKey> {
        let auth_data = self.machine.get()?.found()?.auth_data().ok()?;
        Some(*auth_data.public_key())
    }

    /// Opens the secrets, and goes on with the backup's key among them.
    pub(super) fn open(&mut self, keys: Vec<SecretStorageKey>, now_ms: u64) {
        self.storage_keys = keys;
        let Some(storage) = &self.storage else { return };
        let public_keys = self.verified.as_public_keys();
        self.secrets = storage.open_all(&mut self.storage_keys, public_keys);
        self.has_secrets = !self.secrets.is_empty();
        // A guess is not compared with what a server says: that a request follows would tell it that it was right.
        let opened = |name: &str| {
            let verdict = self.secrets.iter().find(|verdict| verdict.name.as_str() == name)?;
            verdict.opened_by_known()?.backup_key()
        };
        let names = [MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY];
        let keys: Vec<_> = names.into_iter().filter_map(opened).collect();
        let public_key = self.public_key();
        let fits = |key: &&BackupDecryptionKey| Some(*key.public_key()) == public_key;
        match keys.iter().find(fits).or_else(|| keys.first()).cloned() {
            Some(key) => self.give_key(key, now_ms),
            None => self.fetch_or_ask(now_ms),
        }
    }

    pub(super) fn give_key(&mut self, key: BackupDecryptionKey, now_ms: u64) {
        let Some(backup) = self.machine.get_mut() else { return };
        self.fit = Some(backup.give_key(key.clone()));
        if backup.has_looked() {
            return self.fetch_or_ask(now_ms);
        }
        // Whether it belongs to the backup is seen later, by the flow or by the machine.
        backup.fetch(Scope::Everything, now_ms);
        self.unseen = Some(key);
        self.stage = if self.is_refused() { Stage::Finished } else { Stage::Fetching };
    }

    /// Fetches the sessions, or asks for the key of the backup if that is not at hand; whether there is one is waited for.
    fn fetch_or_ask(&mut self, now_ms: u64) {
        if self.lacks_backup_key() {
            self.stage = Stage::Entering;
        } else if self.machine.get().is_some_and(|backup| !backup.has_looked()) {
            self.stage = Stage::Looking;
        } else {
            self.fetch_if_possible(now_ms);
        }
    }

    /// Whether there is a backup that could be opened, and its key is not at hand.
    pub(super) fn lacks_backup_key(&self) -> bool {
        self.machine.get().is_some_and(|backup| {
            !backup.has_key() && backup.found().is_some_and(|info| info.auth_data().is_ok())
        })
    }

    /// Fetches the sessions, if the key of the backup is at hand.
    pub(super) fn fetch_if_possible(&mut self, now_ms: u64) {
        self.stage = Stage::Finished;
        if let Some(backup) = self.machine.get_mut().filter(|backup| backup.has_key()) {
            backup.fetch(Scope::Everything, now_ms);
            self.fit = self.fit.or(backup.key_fit());
            self.stage = Stage::Fetching;
        }
    }
}

/// Whether the passphrase of the backup itself has so few rounds that others can guess its key.
fn is_guessable(auth_data: &AuthData) -> bool {
    matches!(auth_data.passphrase(), Ok(Some(read)) if read.value.is_guessable())
}

/// The text asks for more rounds than are allowed.
struct TooMuchWork;

fn is_too_much(attempt: &UnlockAttempt) -> bool {
    matches!(attempt.outcome, UnlockOutcome::TooMuchWork { .. })
}

/// Whether a key fits its description and opens nothing. It may be right and everything damaged, but with it a recovery would end
/// with nothing: who has no other key goes on without one.
fn is_idle(error: &UnlockError) -> bool {
    matches!(error.reason, UnlockFailure::OlderKey { .. } | UnlockFailure::OpensNothing { .. })
}

/// As many texts as a user enters one after the other, each with as much work as one may take.
pub(super) const TEXTS: u64 = 10;

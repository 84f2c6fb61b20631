//! Why a text that was typed gives no key that opens anything.

use super::{
    EntryKind, Trial, Unlock, UnlockFailure, UnlockOutcome, expected::Expected, passphrase_of,
};
use crate::{
    crypto::key_material::{KeyLength, KeyMaterial},
    passphrase::PassphraseParameters,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret_storage::key::{KeyStanding, SecretStorageKey},
};

impl Unlock<'_> {
    /// Why there is no key to give; `None` if there is one.
    pub(super) fn failure(&self) -> Option<UnlockFailure> {
        let use_of_keys = self.use_of_keys();
        let is_unlocked = matches!(use_of_keys, UseOfKeys::Unlock);
        if self.is_backup_key && !(is_unlocked && self.trials.iter().any(Trial::is_sure)) {
            // A key that nothing describes would take it for its own.
            return Some(UnlockFailure::BackupKey);
        }
        match use_of_keys {
            UseOfKeys::Unlock => return None,
            UseOfKeys::OpenNothing(failure) => return Some(failure),
            UseOfKeys::NoneFits => {}
        }
        if self.trials.is_empty() {
            return Some(UnlockFailure::NoKeys);
        }
        let useful = || self.useful_trials();
        let was_tried = useful().any(|trial| was_tried(&trial.outcome));
        let needs_recovery_key =
            useful().any(|trial| matches!(trial.outcome, UnlockOutcome::NoPassphrase));
        if let Some(mistake) = self.typed.mistake(|key| self.describes(key)) {
            return Some(UnlockFailure::Mistyped(mistake));
        }
        let expected = self.expected();
        let looks_like_recovery_key = self.typed.looks_like_recovery_key;
        Some(match &self.typed.recovery_key {
            Err(RecoveryKeyError::Empty) => expected.where_nothing_is(),
            _ if looks_like_recovery_key && expected.storage == Some(EntryKind::Passphrase) => {
                UnlockFailure::PassphraseExpected
            }
            Ok(_) if was_tried => UnlockFailure::RecoveryKeyDoesNotFit,
            Err(error) if looks_like_recovery_key && expected.storage.is_some() => {
                UnlockFailure::RecoveryKey(*error)
            }
            Err(_) if was_tried => UnlockFailure::PassphraseDoesNotFit,
            Err(_) if needs_recovery_key => UnlockFailure::RecoveryKeyExpected,
            _ => UnlockFailure::NothingToTry,
        })
    }

    /// Whether it is a key that can be checked and that fits.
    fn describes(&self, key: &RecoveryKey) -> bool {
        let material = KeyMaterial::from(key.as_secret());
        self.useful_trials().any(|trial| {
            let accepted = trial.description.accept(&material);
            accepted.is_ok_and(|key| key.standing() == KeyStanding::Checked)
        })
    }

    /// The keys that something is encrypted with, or all if nothing is.
    fn useful_trials(&self) -> impl Iterator<Item = &Trial<'_>> {
        let has_useful = self.trials.iter().any(|trial| self.has_entries(trial));
        self.trials.iter().filter(move |trial| !has_useful || self.has_entries(trial))
    }

    /// What could unlock the storage, as far as is known: a passphrase that cannot be read gives no key.
    fn expected(&self) -> Expected {
        let known = self.useful_trials();
        let known = known.filter(|trial| trial.description.is_supported());
        let passphrases: Vec<_> = known.map(|trial| passphrase_of(&trial.description)).collect();
        let takes_passphrase = passphrases.iter().any(Result::is_ok);
        let takes_recovery_key =
            passphrases.iter().any(|it| !it.as_ref().is_ok_and(|it| has_other_length(it)));
        let storage = EntryKind::new(takes_recovery_key, takes_passphrase);
        Expected { storage, backup: None }
    }

    /// What the keys that fit are good for. What others can guess does not count beside what they cannot, or the answer would
    /// tell whether they have guessed right.
    fn use_of_keys(&self) -> UseOfKeys {
        let is_beyond_guessing =
            |trial: &Trial<'_>| trial.key.as_deref().is_some_and(SecretStorageKey::is_sure);
        let has_sure_key = self.trials.iter().any(is_beyond_guessing);
        let counts = |trial: &&Trial<'_>| {
            trial.key.is_some() && (!has_sure_key || is_beyond_guessing(trial))
        };
        let has_secrets = |trial: &Trial<'_>| self.has_readable_entries(trial);
        let others = || self.trials.iter().filter(|trial| trial.key.is_none());
        let fitting = || self.trials.iter().filter(counts);
        let is_guess = |trial: &Trial<'_>| {
            self.has_entries(trial) && trial.key.as_deref().is_some_and(SecretStorageKey::is_guess)
        };
        if fitting().any(|trial| trial.opens || is_guess(trial)) {
            return UseOfKeys::Unlock;
        }
        let sure = || fitting().filter(|trial| trial.is_sure());
        match sure().find(|trial| self.has_entries(trial)).or_else(|| sure().next()) {
            Some(idle) => self.use_of_idle_key(idle),
            // What nothing can be checked with may be the right key, where no other one opens anything.
            None if fitting().next().is_some() && !others().any(has_secrets) => UseOfKeys::Unlock,
            None => UseOfKeys::NoneFits,
        }
    }

    /// What a key is good for that fits its description and opens nothing. One that was left behind and one that an interrupted
    /// rotation has described look alike; who has the latter can make the plan again.
    fn use_of_idle_key(&self, idle: &Trial<'_>) -> UseOfKeys {
        let id = idle.description.id().clone();
        // Whether others have guessed a key that they describe does not change what is said. The default one comes first.
        let is_other = |trial: &&Trial<'_>| {
            let is_guessed = |key: &SecretStorageKey| key.is_guessable() && trial.is_sure();
            trial.description.id() != &id && trial.key.as_deref().is_none_or(is_guessed)
        };
        let mut others = self.trials.iter().filter(is_other);
        let is_default = |trial: &&Trial<'_>| self.default_key == Some(trial.description.id());
        let newer = if self.is_anything_encrypted() {
            others.find(|trial| self.has_readable_entries(trial))
        } else {
            others.find(is_default)
        };
        match newer {
            Some(newer) => UseOfKeys::OpenNothing(UnlockFailure::OlderKey {
                key: id,
                newer: newer.description.id().clone(),
                is_default: is_default(&newer),
            }),
            None if self.has_entries(idle) => {
                UseOfKeys::OpenNothing(UnlockFailure::OpensNothing { key: id })
            }
            None => UseOfKeys::Unlock,
        }
    }

    /// Whether anything stands under the key's ID, readable or not.
    fn has_entries(&self, trial: &Trial<'_>) -> bool {
        self.secrets.contains_key(trial.description.id())
    }

    /// Whether something is encrypted to the key, as far as can be seen.
    fn has_readable_entries(&self, trial: &Trial<'_>) -> bool {
        let id = trial.description.id();
        let mut secrets = self.secrets.get(id).into_iter().flatten();
        secrets.any(|(_, secret)| secret.entry(id).is_some_and(|entry| entry.is_ok()))
    }

    fn is_anything_encrypted(&self) -> bool {
        self.trials.iter().any(|trial| self.has_readable_entries(trial))
    }
}

/// What the keys are good for that a text gives.
enum UseOfKeys {
    /// They open something or may, or there is nothing to open.
    Unlock,
    /// They fit what describes them, and open nothing.
    OpenNothing(UnlockFailure),
    /// There are none, or nothing shows that they are the right ones.
    NoneFits,
}

fn was_tried(outcome: &UnlockOutcome) -> bool {
    matches!(outcome, UnlockOutcome::DoesNotFit | UnlockOutcome::OpensNothing)
}

/// Whether the key has more or fewer bytes than a recovery key.
fn has_other_length(parameters: &PassphraseParameters) -> bool {
    parameters.key_length() != KeyLength::default()
}

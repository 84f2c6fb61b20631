//! Why a text that was typed gives no key that opens anything.

use super::{EntryKind, Expected, Trial, Unlock, UnlockFailure, UnlockOutcome, passphrase_of};
use crate::{
    crypto::key_material::KeyLength,
    passphrase::PassphraseParameters,
    recovery_key::RecoveryKeyError,
    secret_storage::{key::SecretStorageKey, key_description::KeyAlgorithm},
};

impl Unlock<'_> {
    /// Why there is no key to give; `None` if there is one.
    pub(super) fn failure(&self) -> Option<UnlockFailure> {
        let older = self.older_key();
        if self.is_backup_key && (older.is_some() || !self.trials.iter().any(Trial::is_sure)) {
            // A key that nothing describes would take it for its own.
            return Some(UnlockFailure::BackupKey);
        }
        if self.trials.iter().any(|trial| trial.key.is_some()) {
            return older;
        }
        if self.trials.is_empty() {
            return Some(UnlockFailure::NoKeys);
        }
        let useful = || self.useful_trials();
        let was_tried = useful().any(|trial| was_tried(&trial.outcome));
        let needs_recovery_key =
            useful().any(|trial| matches!(trial.outcome, UnlockOutcome::NoPassphrase));
        let expected = self.expected();
        Some(match &self.typed.recovery_key {
            Err(RecoveryKeyError::Empty) => UnlockFailure::Empty { expected },
            Ok(_) if expected.storage == Some(EntryKind::Passphrase) => {
                UnlockFailure::PassphraseExpected
            }
            Ok(_) if was_tried => UnlockFailure::RecoveryKeyDoesNotFit,
            Err(error) if self.typed.looks_like_recovery_key => UnlockFailure::RecoveryKey(*error),
            Err(_) if was_tried => UnlockFailure::PassphraseDoesNotFit,
            Err(_) if needs_recovery_key => UnlockFailure::RecoveryKeyExpected,
            _ => UnlockFailure::NothingToTry,
        })
    }

    /// The keys that something is encrypted with, or all if nothing is.
    fn useful_trials(&self) -> impl Iterator<Item = &Trial<'_>> {
        let has_secrets = |trial: &Trial<'_>| self.secrets.contains_key(trial.description.id());
        let has_useful = self.trials.iter().any(has_secrets);
        self.trials.iter().filter(move |trial| !has_useful || has_secrets(trial))
    }

    /// What could unlock the storage, as far as is known: a passphrase that cannot be read gives no key.
    fn expected(&self) -> Expected {
        let known = self.useful_trials();
        let known = known
            .filter(|trial| !matches!(trial.description.algorithm(), KeyAlgorithm::Unsupported(_)));
        let passphrases: Vec<_> = known.map(|trial| passphrase_of(&trial.description)).collect();
        let takes_passphrase = passphrases.iter().any(Result::is_ok);
        let takes_recovery_key =
            passphrases.iter().any(|it| !it.as_ref().is_ok_and(|it| has_other_length(it)));
        let storage = EntryKind::new(takes_recovery_key, takes_passphrase);
        Expected { storage, backup: None }
    }

    /// Whether all that fits are keys that nothing is encrypted with any more, while other keys have secrets. What others
    /// can guess does not count beside what they cannot, or the answer would tell whether they have guessed right.
    fn older_key(&self) -> Option<UnlockFailure> {
        let has_secrets = |trial: &&Trial<'_>| self.secrets.contains_key(trial.description.id());
        let is_beyond_guessing =
            |trial: &Trial<'_>| trial.key.as_deref().is_some_and(SecretStorageKey::is_sure);
        let has_sure_key = self.trials.iter().any(is_beyond_guessing);
        let counts = |trial: &&Trial<'_>| {
            trial.key.is_some() && (!has_sure_key || is_beyond_guessing(trial))
        };
        let mut fitting = self.trials.iter().filter(counts);
        if fitting.clone().any(|trial| has_secrets(&trial)) {
            return None;
        }
        let older = fitting.find(|trial| trial.is_sure())?;
        // The default one comes first.
        let newer = self.trials.iter().find(has_secrets)?.description.id().clone();
        let is_default = self.default_key == Some(&newer);
        Some(UnlockFailure::OlderKey { key: older.description.id().clone(), newer, is_default })
    }
}

fn was_tried(outcome: &UnlockOutcome) -> bool {
    matches!(outcome, UnlockOutcome::DoesNotFit | UnlockOutcome::OpensNothing)
}

/// Whether the key has more or fewer bytes than a recovery key.
fn has_other_length(parameters: &PassphraseParameters) -> bool {
    parameters.key_length() != KeyLength::default()
}

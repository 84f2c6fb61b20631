//! From what somebody typed to the keys that it gives.

mod derivations;
mod expected;
mod failure;
mod proving;
mod report;
mod typed;

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use self::{
    derivations::{Derivations, passphrase_of},
    proving::{Fitting, Proving, ProvingStep},
    typed::Typed,
};
pub use self::{
    expected::EntryKind,
    report::{UnlockAttempt, UnlockError, UnlockFailure, UnlockOutcome, Unlocked},
};
use super::{
    account::SecretStorage,
    encrypted_secret::EncryptedSecret,
    key::{KeyStanding, SecretStorageKey},
    key_description::{KeyAlgorithm, KeyDescription},
};
use crate::{
    Limits,
    crypto::{curve25519::Curve25519SecretKey, key_material::KeyMaterial},
    ids::{SecretName, SecretStorageKeyId},
    passphrase::{self, PassphraseForm, PassphraseProgress},
    recovery_key::RecoveryKey,
    secret::SecretString,
    secret_value::PublicKeys,
};

/// A secret storage that is being unlocked with a typed text: a recovery key or a passphrase.
///
/// What is left are the rounds of the passphrases, and trying what they give, or a recovery key, on the keys that are
/// described. Dropping it gives up and wipes everything.
#[derive(Debug)]
pub struct Unlock<'a> {
    /// What can prove a key: the secrets that are encrypted to it.
    secrets: SecretsOfKeys<'a>,
    default_key: Option<&'a SecretStorageKeyId>,
    typed: Typed,
    is_backup_key: bool,
    trials: Vec<Trial<'a>>,
    derivations: Derivations,
    /// What is tried on the descriptions before anything else is derived.
    proving: Option<Box<Proving>>,
}

type SecretsOfKeys<'a> =
    HashMap<&'a SecretStorageKeyId, Vec<(&'a SecretName, &'a EncryptedSecret)>>;

/// A key, and what came of trying the text for it so far.
#[derive(Debug)]
struct Trial<'a> {
    /// What the account data says of it, or what can be said without them.
    description: Cow<'a, KeyDescription>,
    /// In a box: the place of a key that is not there would be filled with what was on the stack.
    key: Option<Box<SecretStorageKey>>,
    outcome: UnlockOutcome,
    /// Whether the key has opened a secret.
    opens: bool,
}

impl SecretStorage {
    /// Unlocks the storage with a text that somebody typed: a recovery key, or a passphrase in any
    /// Unicode normal form. Every key that is described is tried, whichever is default; a recovery key is tried as well
    /// for [keys that nothing describes](SecretStorage::undescribed_keys), on the secrets that are encrypted with them, and so is
    /// a passphrase, if how the key comes from it is left of the description.
    ///
    /// A key that opens nothing unlocks nothing, however well it fits its description, unless nothing is encrypted with any
    /// key. A recovery key that does not fit its description is tried on the secrets as well, since it may be the check that
    /// is damaged.
    ///
    /// A passphrase takes as much time as the descriptions ask for, within the limits; see
    /// [`SecretStorage::start_unlock`] for progress.
    ///
    /// # Errors
    ///
    /// [`UnlockError`] says what was tried and why each key failed.
    pub fn unlock(
        &self,
        typed: &str,
        public_keys: &PublicKeys,
        limits: &Limits,
    ) -> Result<Unlocked, UnlockError> {
        self.start_unlock(typed, public_keys, limits).finish()
    }

    /// Begins to unlock the storage, and leaves the rounds of passphrases and the trying of keys to
    /// [`Unlock::advance`].
    #[must_use]
    pub fn start_unlock(
        &self,
        typed: &str,
        public_keys: &PublicKeys,
        limits: &Limits,
    ) -> Unlock<'_> {
        let trials = self.keys_to_try(limits).into_iter().map(|description| {
            let described_as = self.key(description.id()).map(KeyDescription::known_algorithm);
            let outcome = match described_as {
                Some(KeyAlgorithm::Unsupported(name)) => UnlockOutcome::Unsupported(name.clone()),
                _ => UnlockOutcome::DoesNotFit,
            };
            Trial { description, key: None, outcome, opens: false }
        });
        let trials = trials.collect();
        let derivations = Derivations::new(limits.unlock_rounds);
        let recovery_key = Typed::new(typed);
        let is_backup_key =
            recovery_key.recovery_key.as_ref().is_ok_and(|key| is_backup_key(key, public_keys));
        let secrets = self.secrets_of_keys();
        let mut unlock = Unlock {
            secrets,
            default_key: self.default_key(),
            typed: recovery_key,
            is_backup_key,
            trials,
            derivations,
            proving: None,
        };
        unlock.start(typed, limits);
        unlock
    }

    fn secrets_of_keys(&self) -> SecretsOfKeys<'_> {
        let mut of_keys = SecretsOfKeys::new();
        for (name, secret) in self.secrets() {
            for (id, _) in secret.entries() {
                of_keys.entry(id).or_default().push((name, secret));
            }
        }
        of_keys
    }
}

impl Unlock<'_> {
    /// Runs about so many rounds of PBKDF2, or other work that takes as long: trying a key on a description, or on a
    /// secret that is encrypted to it. `true` if nothing is left.
    pub fn advance(&mut self, rounds: u32) -> bool {
        let mut left = rounds;
        while left > 0 {
            if self.prove() {
                left = left.saturating_sub(ROUNDS_PER_PROOF);
                continue;
            }
            let trials = &self.trials;
            let is_open = |index: usize| trials.get(index).is_some_and(|trial| !trial.is_sure());
            let Some((derived, keys)) = self.derivations.advance(&mut left, is_open) else { break };
            let typed_as = Some(derived.form);
            self.proving = Some(Box::new(Proving::new(derived.key, typed_as, keys)));
        }
        self.proving.is_none() && self.derivations.is_finished()
    }

    /// How far it has come, over all keys. There are fewer rounds once a key is found.
    #[must_use]
    pub fn progress(&self) -> PassphraseProgress {
        self.derivations.progress()
    }

    /// Runs the rounds that are left, and gives the keys.
    ///
    /// # Errors
    ///
    /// [`UnlockError`] if there are none.
    pub fn finish(self) -> Result<Unlocked, UnlockError> {
        let (keys, attempts) = self.finish_with_keys();
        attempts.map(|attempts| Unlocked { keys, attempts })
    }

    /// The same with the keys that fit, also where they unlock nothing.
    pub(crate) fn finish_with_keys(
        mut self,
    ) -> (Vec<SecretStorageKey>, Result<Vec<UnlockAttempt>, UnlockError>) {
        while !self.advance(u32::MAX) {}
        let reason = self.failure();
        let count = self.trials.len();
        let (mut keys, mut attempts) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for Trial { description, key, outcome, opens } in self.trials {
            keys.extend(key.map(|key| (!opens, *key)));
            attempts.push(UnlockAttempt { key_id: description.id().clone(), outcome, opens });
        }
        keys.sort_by_key(|(is_idle, key)| {
            (key.standing() == KeyStanding::Unverifiable, key.is_guessable(), *is_idle)
        });
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        let attempts = match reason {
            None => Ok(attempts),
            Some(reason) => {
                let recovery_key = self.typed.recovery_key.err();
                Err(UnlockError { reason, recovery_key, attempts })
            }
        };
        (keys, attempts)
    }

    fn start(&mut self, typed: &str, limits: &Limits) {
        let all = 0..self.trials.len();
        match &self.typed.recovery_key {
            Ok(key) => {
                let material = KeyMaterial::from(key.as_secret());
                let proving = Proving::new(material, None, all.collect());
                self.proving = Some(Box::new(proving));
            }
            Err(_) => {
                let candidates = passphrase::candidates(typed).into();
                let mut left = [limits.passphrase_keys, limits.guessable_keys];
                all.for_each(|index| self.queue(index, &candidates, &mut left));
            }
        }
    }

    /// Plans to derive the key from the text as a passphrase, unless it is one more than may be tried: in all, or of those that
    /// others can guess.
    fn queue(
        &mut self,
        index: usize,
        candidates: &Arc<[(PassphraseForm, SecretString)]>,
        [left, guessable]: &mut [usize; 2],
    ) {
        let Some(trial) = self.trials.get_mut(index) else { return };
        match passphrase_of(&trial.description) {
            Err(outcome) => trial.outcome = outcome,
            Ok(parameters) if parameters.is_guessable() && *guessable == 0 => {
                trial.outcome = UnlockOutcome::TooManyGuessable;
            }
            Ok(_) if *left == 0 => trial.outcome = UnlockOutcome::TooManyKeys,
            Ok(parameters) => {
                *left -= 1;
                *guessable -= usize::from(parameters.is_guessable());
                if !self.derivations.queue(index, parameters, candidates) {
                    let rounds = parameters.rounds();
                    trial.outcome = UnlockOutcome::TooMuchWork { rounds };
                }
            }
        }
    }

    /// Goes a step on with what is tried; `false` if nothing is.
    fn prove(&mut self) -> bool {
        let Some(proving) = &mut self.proving else { return false };
        let (index, outcome) = match proving.advance(&self.trials, &self.secrets) {
            ProvingStep::Working => return true,
            ProvingStep::Tried(index, outcome) => (index, outcome),
            ProvingStep::Finished => {
                self.proving = None;
                return true;
            }
        };
        let typed_as = proving.typed_as;
        let Some(trial) = self.trials.get_mut(index) else { return true };
        match outcome {
            // Of several forms of a passphrase that may be right, the first is.
            Ok(Fitting { key, opens })
                if trial.key.is_none() || key.standing() == KeyStanding::Proven =>
            {
                let is_idle = !opens && key.standing() == KeyStanding::Checked;
                trial.outcome = if is_idle && self.secrets.contains_key(key.id()) {
                    UnlockOutcome::OpensNothing
                } else {
                    UnlockOutcome::Fits(typed_as, key.standing())
                };
                (trial.key, trial.opens) = (Some(key), opens);
            }
            Ok(_) => {}
            // It was tried in spite of what describes it.
            Err(UnlockOutcome::OpensNothing)
                if matches!(trial.outcome, UnlockOutcome::Unsupported(_)) => {}
            Err(outcome) if trial.key.is_none() => trial.outcome = outcome,
            Err(_) => {}
        }
        true
    }
}

impl Trial<'_> {
    /// Whether the key was found, so that nothing else need be tried for it.
    fn is_sure(&self) -> bool {
        let standing = self.key.as_deref().map(SecretStorageKey::standing);
        standing.is_some_and(|standing| standing != KeyStanding::Unverifiable)
    }
}

fn is_backup_key(key: &RecoveryKey, public_keys: &PublicKeys) -> bool {
    let key = Curve25519SecretKey::from_bytes(key.as_secret().clone());
    public_keys.backup.is_some_and(|public| key.public_key() == public.canonical())
}

/// About as many rounds of PBKDF2 as it takes to try a key on a description or a secret.
const ROUNDS_PER_PROOF: u32 = 100;

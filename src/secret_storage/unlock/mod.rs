//! From what somebody typed to the keys that it gives.

mod derivations;
mod expected;
mod failure;
mod proving;
mod report;
mod typed;

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use self::{
    derivations::Derivations,
    proving::{Proving, ProvingStep},
    typed::Typed,
};
pub use self::{
    expected::{EntryKind, Expected},
    report::{TypedAs, UnlockAttempt, UnlockError, UnlockFailure, UnlockOutcome, Unlocked},
};
use super::{
    account::SecretStorage,
    encrypted_secret::EncryptedSecret,
    key::{KeyMismatch, KeyStanding, SecretStorageKey},
    key_description::{KeyAlgorithm, KeyDescription},
};
use crate::{
    Limits,
    crypto::{curve25519::Curve25519SecretKey, key_material::KeyMaterial},
    ids::{SecretName, SecretStorageKeyId},
    passphrase::{self, PassphraseCandidate, PassphraseParameters, PassphraseProgress},
    recovery_key::RecoveryKey,
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
}

impl SecretStorage {
    /// Unlocks the storage with a text that somebody typed: a recovery key, or a passphrase in any
    /// Unicode normal form. Every key that is described is tried, whichever is default; a recovery key is tried as well
    /// for [keys that nothing describes](SecretStorage::undescribed_keys), on the secrets that are encrypted with them.
    ///
    /// A key that fits its description and is an older one, with which nothing is encrypted any more, unlocks nothing.
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
        let default_key = self.default_key();
        let is_default = |key: &KeyDescription| Some(key.id()) == default_key;
        let (first, then): (Vec<_>, Vec<_>) = self.keys().partition(|key| is_default(key));
        let described = first.into_iter().chain(then).map(Cow::Borrowed);
        let descriptions = described.chain(self.presumed_keys().map(Cow::Owned));
        let trials = descriptions.map(|description| {
            let outcome = UnlockOutcome::DoesNotFit;
            Trial { description, key: None, outcome }
        });
        let trials = trials.collect();
        let derivations = Derivations::new(limits.unlock_rounds);
        let recovery_key = Typed::new(typed);
        let is_backup_key =
            recovery_key.recovery_key.as_ref().is_ok_and(|key| is_backup_key(key, public_keys));
        let secrets = self.secrets_of_keys();
        let mut unlock = Unlock {
            secrets,
            default_key,
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
            let typed_as = TypedAs::Passphrase(derived.form);
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
    pub fn finish(mut self) -> Result<Unlocked, UnlockError> {
        while !self.advance(u32::MAX) {}
        let reason = self.failure();
        let count = self.trials.len();
        let (mut keys, mut attempts) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for trial in self.trials {
            keys.extend(trial.key.map(|key| *key));
            let key_id = trial.description.id().clone();
            attempts.push(UnlockAttempt { key_id, outcome: trial.outcome });
        }
        keys.sort_by_key(|key| (key.standing() == KeyStanding::Unverifiable, key.is_guessable()));
        match reason {
            None => Ok(Unlocked { keys, attempts }),
            Some(reason) => {
                let recovery_key = self.typed.recovery_key.err();
                Err(UnlockError { reason, recovery_key, attempts })
            }
        }
    }

    fn start(&mut self, typed: &str, limits: &Limits) {
        let all = 0..self.trials.len();
        match &self.typed.recovery_key {
            Ok(key) => {
                let material = KeyMaterial::from(key.as_secret());
                let proving = Proving::new(material, TypedAs::RecoveryKey, all.collect());
                self.proving = Some(Box::new(proving));
            }
            Err(_) => {
                let candidates = passphrase::candidates(typed).into();
                let mut guessable = limits.guessable_keys;
                all.for_each(|index| self.queue(index, &candidates, &mut guessable));
            }
        }
    }

    /// Plans to derive the key from the text as a passphrase, unless it is one more that others can guess than may be tried.
    fn queue(
        &mut self,
        index: usize,
        candidates: &Arc<[PassphraseCandidate]>,
        guessable: &mut usize,
    ) {
        let Some(trial) = self.trials.get_mut(index) else { return };
        match passphrase_of(&trial.description) {
            Err(outcome) => trial.outcome = outcome,
            Ok(parameters) if parameters.is_guessable() && *guessable == 0 => {
                trial.outcome = UnlockOutcome::TooManyGuessable;
            }
            Ok(parameters) => {
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
            Ok(key) if trial.key.is_none() || key.standing() == KeyStanding::Proven => {
                trial.outcome = UnlockOutcome::Fits(typed_as, key.standing());
                trial.key = Some(key);
            }
            Err(outcome) if trial.key.is_none() => trial.outcome = outcome,
            _ => {}
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

/// The parameters of the key's passphrase, if the key can be derived from one.
fn passphrase_of(description: &KeyDescription) -> Result<&PassphraseParameters, UnlockOutcome> {
    if let KeyAlgorithm::Unsupported(name) = description.algorithm() {
        return Err(UnlockOutcome::Unsupported(name.clone()));
    }
    let passphrase = description.passphrase().map_err(Clone::clone)?;
    let parameters = &passphrase.ok_or(UnlockOutcome::NoPassphrase)?.parameters;
    let length = parameters.key_length();
    if description.algorithm() == &KeyAlgorithm::Curve25519AesSha2 && length.bytes() != 32 {
        return Err(UnlockOutcome::Length(length));
    }
    Ok(parameters)
}

fn is_backup_key(key: &RecoveryKey, public_keys: &PublicKeys) -> bool {
    let key = Curve25519SecretKey::from_bytes(key.as_secret().clone());
    public_keys.backup.is_some_and(|public| key.public_key() == public.canonical())
}

/// About as many rounds of PBKDF2 as it takes to try a key on a description or a secret.
const ROUNDS_PER_PROOF: u32 = 100;

impl From<KeyMismatch> for UnlockOutcome {
    fn from(mismatch: KeyMismatch) -> Self {
        match mismatch {
            KeyMismatch::DoesNotFit => Self::DoesNotFit,
            KeyMismatch::Length(length) => Self::Length(length),
            KeyMismatch::Unsupported(name) => Self::Unsupported(name),
        }
    }
}

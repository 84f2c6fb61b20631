//! Whether a key is the one that descriptions mean, found out step by step.

use std::{borrow::Cow, vec};

use super::{SecretsOfKeys, Trial, TypedAs, UnlockOutcome};
use crate::{
    crypto::{curve25519::Curve25519PublicKey, key_material::KeyMaterial},
    secret_storage::{
        key::{KeyStanding, SecretStorageKey},
        opened_secret::SecretOpenError,
    },
};

/// A key that is tried on one description after the other.
#[derive(Debug)]
pub(super) struct Proving {
    material: KeyMaterial,
    /// Its public half, if an asymmetric key was compared with it.
    public_half: Option<Curve25519PublicKey>,
    pub(super) typed_as: TypedAs,
    /// The descriptions that are left.
    left: vec::IntoIter<usize>,
    running: Option<Proof>,
}

/// A key that nothing describes, while it is tried on the secrets that are encrypted to it.
#[derive(Debug)]
struct Proof {
    index: usize,
    /// In a box, as in [`Trial`].
    key: Box<SecretStorageKey>,
    tried: usize,
    has_failed: bool,
}

/// What came of a step.
pub(super) enum ProvingStep {
    /// Nothing yet.
    Working,
    /// The key is that of this description, as far as can be told, or why not.
    Tried(usize, Result<Box<SecretStorageKey>, UnlockOutcome>),
    /// It was tried on all.
    Finished,
}

impl Proving {
    pub(super) fn new(material: KeyMaterial, typed_as: TypedAs, descriptions: Vec<usize>) -> Self {
        let left = descriptions.into_iter();
        Self { material, public_half: None, typed_as, left, running: None }
    }

    /// Compares the key with one more description, or tries it on one more secret.
    ///
    /// If it fits its description, it is the key. If there is nothing to check it with, it must open one of its secrets,
    /// unless there is none to try; if there is no description at all, it must open one. What others can guess is not
    /// tried: a server that stores a secret under each guess would learn which of them was right.
    pub(super) fn advance(
        &mut self,
        trials: &[Trial<'_>],
        secrets: &SecretsOfKeys<'_>,
    ) -> ProvingStep {
        match self.running.take() {
            Some(proof) => self.open_one(proof, trials, secrets),
            None => self.start_next(trials),
        }
    }

    fn start_next(&mut self, trials: &[Trial<'_>]) -> ProvingStep {
        let Some(index) = self.left.next() else { return ProvingStep::Finished };
        let Some(trial) = trials.get(index).filter(|trial| !trial.is_sure()) else {
            return ProvingStep::Working;
        };
        let accepted = trial.description.accept_with(&self.material, &mut self.public_half);
        match accepted.map(Box::new) {
            Err(mismatch) => ProvingStep::Tried(index, Err(mismatch.into())),
            Ok(key) if key.standing() != KeyStanding::Unverifiable || key.is_guess() => {
                ProvingStep::Tried(index, Ok(key))
            }
            Ok(key) => {
                self.running = Some(Proof { index, key, tried: 0, has_failed: false });
                ProvingStep::Working
            }
        }
    }

    fn open_one(
        &mut self,
        mut proof: Proof,
        trials: &[Trial<'_>],
        secrets: &SecretsOfKeys<'_>,
    ) -> ProvingStep {
        let next = secrets.get(proof.key.id()).and_then(|secrets| secrets.get(proof.tried));
        let Some((name, secret)) = next else {
            let is_presumed = |trial: &Trial<'_>| matches!(trial.description, Cow::Owned(_));
            let is_wrong = proof.has_failed || trials.get(proof.index).is_none_or(is_presumed);
            let outcome = if is_wrong { Err(UnlockOutcome::OpensNothing) } else { Ok(proof.key) };
            return ProvingStep::Tried(proof.index, outcome);
        };
        proof.has_failed |= matches!(proof.key.open(name, secret), Err(SecretOpenError::WrongKey));
        proof.tried += 1;
        if proof.key.standing() != KeyStanding::Unverifiable {
            return ProvingStep::Tried(proof.index, Ok(proof.key));
        }
        self.running = Some(proof);
        ProvingStep::Working
    }
}

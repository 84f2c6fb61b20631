//! Whether a key is the one that descriptions mean, found out step by step.

// docs/decisions.md, 15: what others can guess proves nothing.

use std::{borrow::Cow, vec};

use super::{SecretsOfKeys, Trial, UnlockOutcome};
use crate::{
    crypto::{curve25519::Curve25519PublicKey, key_material::KeyMaterial},
    passphrase::PassphraseForm,
    secret_storage::{
        key::{KeyStanding, SecretStorageKey},
        opened_secret::{OpenedSecret, SecretOpenError},
    },
};

/// A key that is tried on one description after the other. One that the host has is compared with its check alone, since nothing
/// was entered for it.
#[derive(Debug)]
pub(super) struct Proving {
    material: KeyMaterial,
    /// Its public half, if an asymmetric key was compared with it.
    public_half: Option<Curve25519PublicKey>,
    pub(super) typed_as: Option<PassphraseForm>,
    /// The descriptions that are left.
    left: vec::IntoIter<usize>,
    running: Option<Proof>,
}

/// A key while it is tried on the secrets that are encrypted to it.
#[derive(Debug)]
struct Proof {
    index: usize,
    /// In a box, as in [`Trial`].
    key: Box<SecretStorageKey>,
    /// Whether there is a check that the key does not fit.
    is_contradicted: bool,
    tried: usize,
    has_failed: bool,
}

/// A key that fits a description, as far as can be told.
pub(super) struct Fitting {
    pub(super) key: Box<SecretStorageKey>,
    /// Whether it has opened a secret.
    pub(super) opens: bool,
}

/// What came of a step.
pub(super) enum ProvingStep {
    /// Nothing yet.
    Working,
    /// The key is that of this description, as far as can be told, or why not.
    Tried(usize, Result<Fitting, UnlockOutcome>),
    /// It was tried on all.
    Finished,
}

impl Proving {
    pub(super) fn new(
        material: KeyMaterial,
        typed_as: Option<PassphraseForm>,
        descriptions: Vec<usize>,
    ) -> Self {
        let left = descriptions.into_iter();
        Self { material, public_half: None, typed_as, left, running: None }
    }

    /// Compares the key with one more description, or tries it on one more secret.
    ///
    /// If it fits its description, it is the key, and its secrets tell whether it opens anything. If there is nothing to
    /// check it with, it must open one of its secrets, unless there is none to try; if there is no description at all, or
    /// the check is that of another key, it must open one. What others can guess is not tried unless it fits: a server that
    /// stores a secret under each guess would learn which of them was right.
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
        let (key, is_contradicted) = match accepted {
            Ok(key) if key.is_guess() => {
                let fitting = Fitting { key: Box::new(key), opens: false };
                return ProvingStep::Tried(index, Ok(fitting));
            }
            Ok(key) => (Some(key), false),
            Err(UnlockOutcome::DoesNotFit) => {
                (trial.description.accept_for_proof(&self.material), true)
            }
            Err(mismatch) => return ProvingStep::Tried(index, Err(mismatch)),
        };
        let Some(key) = key.map(Box::new) else {
            return ProvingStep::Tried(index, Err(UnlockOutcome::DoesNotFit));
        };
        self.running = Some(Proof { index, key, is_contradicted, tried: 0, has_failed: false });
        ProvingStep::Working
    }

    fn open_one(
        &mut self,
        mut proof: Proof,
        trials: &[Trial<'_>],
        secrets: &SecretsOfKeys<'_>,
    ) -> ProvingStep {
        let next = secrets.get(proof.key.id()).and_then(|secrets| secrets.get(proof.tried));
        let Some((name, secret)) = next else {
            return ProvingStep::Tried(proof.index, proof.with_nothing_opened(trials));
        };
        let was_checked = proof.key.standing() == KeyStanding::Checked;
        let opened = proof.key.open(name, secret);
        proof.has_failed |= matches!(opened, Err(SecretOpenError::WrongKey));
        proof.tried += 1;
        let is_proven = proof.key.standing() == KeyStanding::Proven;
        if is_proven || was_checked && is_opened(&opened) {
            return ProvingStep::Tried(proof.index, Ok(Fitting { key: proof.key, opens: true }));
        }
        self.running = Some(proof);
        ProvingStep::Working
    }
}

impl Proof {
    /// What follows if none of the secrets has opened.
    fn with_nothing_opened(self, trials: &[Trial<'_>]) -> Result<Fitting, UnlockOutcome> {
        let is_presumed = |trial: &Trial<'_>| matches!(trial.description, Cow::Owned(_));
        let is_checked = self.key.standing() == KeyStanding::Checked;
        if self.is_contradicted {
            Err(UnlockOutcome::DoesNotFit)
        } else if !is_checked && (self.has_failed || trials.get(self.index).is_none_or(is_presumed))
        {
            Err(UnlockOutcome::OpensNothing)
        } else {
            Ok(Fitting { key: self.key, opens: false })
        }
    }
}

/// Whether the key is that of the secret, whatever the secret is.
fn is_opened(opened: &Result<OpenedSecret, SecretOpenError>) -> bool {
    matches!(opened, Ok(_) | Err(SecretOpenError::NotUtf8))
}

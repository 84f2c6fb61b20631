//! Changing a secret storage: every change is a [`Plan`], made from what the account holds.
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     secret_storage::{NewKey, SecretStorage},
//!     secret_value::SecretValue,
//! };
//!
//! let storage = SecretStorage::default(); // what the account data holds, here nothing
//! let key = NewKey::generate(Some("my laptop"))?;
//! let plan = storage.plan(&[], &Limits::default(), |change| {
//!     change.create(&key)?;
//!     let secret = SecretValue::kept_by_host(&"org.example.secret".into(), b"a secret")?;
//!     change.store(&secret.value)
//! })?;
//! println!("{plan}");
//! assert_eq!(plan.steps().len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// docs/decisions.md, 22: a change of the secret storage is a plan.

mod describe;
mod error;
mod former;
mod keys;
mod migrate;
mod new_key;
mod plan;
mod secrets;
mod verified_keys;

use std::{collections::HashSet, fmt};

use rand_core::CryptoRng;

pub(crate) use self::verified_keys::Belief;
pub use self::{
    error::ChangeError,
    new_key::NewKey,
    plan::{Plan, PlanNote, PlanStep},
    verified_keys::{NotVerified, VerifiedPublicKeys},
};
use super::{
    account::SecretStorage,
    at_hand::KeysAtHand,
    key::{KeyStanding, SecretStorageKey},
    opened_secret::OpenedSecret,
};
use crate::{
    Limits,
    encoding::json_object::JsonObject,
    ids::{EventType, SecretName, SecretStorageKeyId},
    randomness::with_os_rng,
    secret_value::is_former_backup_key,
};

/// A change in the making: each of its functions adds steps to the plan.
///
/// It works on a copy of the account, as it will be after the steps so far. It borrows the caller's generator, so that it need
/// not be `Send`, and does not leave the closure that it is made in.
pub struct Change<'a> {
    storage: SecretStorage,
    keys: KeysAtHand,
    steps: Vec<PlanStep>,
    notes: Vec<PlanNote>,
    noted: HashSet<PlanNote>,
    belief: Belief,
    /// Whether nothing may be taken away.
    keeps_all: bool,
    limits: Limits,
    rng: &'a mut dyn CryptoRng,
}

impl SecretStorage {
    /// Plans a change. `keys` are those that the user unlocked; without them nothing that is there can be
    /// encrypted anew. Of several with the same ID, the one with the surest [standing](super::KeyStanding) encrypts.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says why it cannot be planned.
    pub fn plan_with_rng(
        &self,
        keys: &[SecretStorageKey],
        limits: &Limits,
        rng: &mut impl CryptoRng,
        change: impl FnOnce(&mut Change<'_>) -> Result<(), ChangeError>,
    ) -> Result<Plan, ChangeError> {
        let (steps, notes, noted) = (Vec::new(), Vec::new(), HashSet::new());
        let (storage, keys) = (self.clone(), KeysAtHand::new(keys.to_vec()));
        let (belief, limits) = (Belief::default(), *limits);
        let keeps_all = false;
        let mut draft =
            Change { storage, keys, steps, notes, noted, belief, keeps_all, limits, rng };
        change(&mut draft)?;
        Ok(Plan::new(draft.steps, draft.notes))
    }

    /// The same with the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] says why it cannot be planned.
    pub fn plan(
        &self,
        keys: &[SecretStorageKey],
        limits: &Limits,
        change: impl FnOnce(&mut Change<'_>) -> Result<(), ChangeError>,
    ) -> Result<Plan, ChangeError> {
        with_os_rng(|rng| self.plan_with_rng(keys, limits, rng, change))?
    }
}

impl Change<'_> {
    /// What may be believed besides what only the user's keys can have stored: secrets that belong to these public keys,
    /// and those of these names, for which the user has accepted the risk.
    pub fn believe(&mut self, public_keys: &VerifiedPublicKeys, accepted: &[SecretName]) {
        self.trust(Belief::new(public_keys, accepted));
    }

    /// From now on nothing is taken away that is readable now: steps that would remove a key, a secret, or a secret from what a
    /// key opens, are left out. For a plan that somebody carries out by hand.
    pub fn keep_all(&mut self) {
        self.keeps_all = true;
    }

    pub(crate) fn trust(&mut self, belief: Belief) {
        self.belief = belief;
    }

    /// Whether a secret that was opened is the user's.
    fn is_believed(&self, opened: &OpenedSecret) -> bool {
        opened.is_authenticated()
            || self.belief.accepted.contains(opened.name())
            || proves_nothing(opened)
            || opened.value().is_ok_and(|read| {
                // Under an old name a secret has today's, and may be another one than the user has accepted.
                self.belief.verify(read.value).provenance().is_authentic()
            })
    }

    /// Adds a step, unless the event holds this already.
    fn write(&mut self, event_type: EventType, content: JsonObject, reason: PlanNote) {
        let before = self.storage.content(&event_type).cloned();
        let is_there = match &before {
            Some(before) => before == &content,
            None => content.is_empty(),
        };
        let is_wanted = !self.keeps_all || !reason.takes_away();
        if is_wanted && !is_there {
            self.storage.read(&event_type, &content, &self.limits);
            self.steps.push(PlanStep { event_type, before, content, reason });
        }
    }

    fn write_secret(&mut self, name: &SecretName, content: JsonObject, reason: PlanNote) {
        self.write(EventType::from(name.as_str()), content, reason);
    }

    /// Notes what stays as it is.
    pub(crate) fn note(&mut self, note: PlanNote) {
        if self.notes.len() < self.limits.findings && self.noted.insert(note.clone()) {
            self.notes.push(note);
        }
    }

    fn default_key(&self) -> Result<SecretStorageKeyId, ChangeError> {
        self.storage.default_key().cloned().ok_or(ChangeError::NoDefaultKey)
    }

    /// The key, if something may be encrypted with it: a symmetric one that was checked or proven, and that others cannot
    /// guess. A homeserver that has guessed a key can describe it with all that it is checked by.
    fn encrypting_key(&self, id: &SecretStorageKeyId) -> Result<SecretStorageKey, ChangeError> {
        let key = self.keys.of_id(id).next();
        let key = key.filter(|_| self.storage.key(id).is_some());
        match key.ok_or_else(|| ChangeError::NoSuchKey(id.clone()))? {
            key if key.is_asymmetric() => Err(ChangeError::Asymmetric(id.clone())),
            key if key.standing() == KeyStanding::Unverifiable => {
                Err(ChangeError::Unverifiable(id.clone()))
            }
            key if key.is_guessable() => Err(ChangeError::Guessable(id.clone())),
            key => Ok(key.clone()),
        }
    }

    /// What a key opens, if somebody who had the key stored it, or it is the user's for another reason.
    fn opened_by(&self, name: &SecretName, key: &SecretStorageKey) -> Option<OpenedSecret> {
        self.open(name, key).filter(|opened| self.is_believed(opened))
    }

    /// What a key opens; nothing if it is not encrypted to the key. What is said to be a key that nothing confirms is a
    /// guess, and no plan may tell whether it was right.
    fn open(&self, name: &SecretName, key: &SecretStorageKey) -> Option<OpenedSecret> {
        // A copy of a key is made only where there is something for it to open.
        let secret = self.storage.secret(name).filter(|secret| secret.entry(key.id()).is_some())?;
        let mut key = key.clone();
        let opened = key.open(name, secret).ok()?;
        (key.standing() != KeyStanding::Unverifiable).then_some(opened)
    }

    /// The keys at hand that a secret is encrypted to.
    fn keys_of(&self, name: &SecretName) -> impl Iterator<Item = &SecretStorageKey> {
        let secret = self.storage.secret(name);
        secret.into_iter().flat_map(|secret| self.keys.of_secret(secret))
    }

    /// What any of the keys opens but this one: what only the user can have stored goes before what is believed for
    /// another reason.
    fn opened_by_others(
        &self,
        name: &SecretName,
        but: &SecretStorageKeyId,
    ) -> Option<OpenedSecret> {
        let others = || self.keys_of(name).filter(|key| key.id() != but);
        let opened = || others().filter_map(|key| self.opened_by(name, key));
        opened().find(OpenedSecret::is_authenticated).or_else(|| opened().next())
    }

    fn secret_names(&self) -> Vec<SecretName> {
        self.storage.secrets().map(|(name, _)| name.clone()).collect()
    }
}

/// Whether it is a key that a repair has kept: it opens sessions and makes nothing trusted, whoever stored it, and so goes where
/// it will still open.
fn proves_nothing(opened: &OpenedSecret) -> bool {
    is_former_backup_key(opened.name()) && opened.backup_key().is_some()
}

impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            storage: _,
            keys,
            steps,
            notes,
            noted: _,
            belief: _,
            keeps_all: _,
            limits: _,
            rng: _,
        } = self;
        f.debug_struct("Change")
            .field("keys", keys)
            .field("steps", steps)
            .field("notes", notes)
            .finish_non_exhaustive()
    }
}

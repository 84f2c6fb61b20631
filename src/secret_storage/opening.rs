//! Opening secrets with the keys at hand, key by key, so that it can be given up.

// docs/decisions.md, 15: what others can guess proves nothing.

use std::vec;

use super::{
    at_hand::Places,
    encrypted_secret::EncryptedSecret,
    key::SecretStorageKey,
    opened_secret::{OpenedSecret, SecretOpenError},
};
use crate::{
    ids::{SecretName, SecretStorageKeyId},
    secret_value::{PublicKeys, SecretValue},
};

/// Secrets that are being opened, always with the same keys. Symmetric keys that nobody can guess come first, then other
/// symmetric ones: what somebody else could have written must not take the place of what only the owner could.
///
/// A key that others can guess is not tried if nothing shows that it is the right one, nor beside one that is sure
/// and that they cannot guess: a server that describes a key and stores a secret for each of its guesses would learn from what came
/// of it which one is right.
pub(crate) struct Opening<'a> {
    left: vec::IntoIter<(&'a SecretName, &'a EncryptedSecret)>,
    places: Places,
    /// Whether one of the keys is the right one for sure, and nobody can guess it.
    has_sure_key: bool,
    running: Option<Attempt<'a>>,
    verdicts: Vec<SecretVerdict>,
    /// Which key has opened which of the secrets.
    opened: Vec<(usize, usize)>,
}

/// A secret that some of its keys have not opened.
struct Attempt<'a> {
    name: &'a SecretName,
    secret: &'a EncryptedSecret,
    places: vec::IntoIter<usize>,
    /// The last one that was tried.
    place: usize,
    /// Whether there are keys that are not tried.
    has_guesses: bool,
    reasons: Vec<(SecretStorageKeyId, SecretOpenError)>,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(
        secrets: impl IntoIterator<Item = (&'a SecretName, &'a EncryptedSecret)>,
        keys: &[SecretStorageKey],
    ) -> Self {
        let left = secrets.into_iter().collect::<Vec<_>>().into_iter();
        let verdicts = Vec::with_capacity(left.len());
        let (places, opened) = (Places::new(keys), Vec::new());
        let has_sure_key = keys.iter().any(SecretStorageKey::is_sure);
        Self { left, places, has_sure_key, running: None, verdicts, opened }
    }

    /// Tries so many keys more, each on one secret; `true` if nothing is left to try.
    pub(crate) fn advance(
        &mut self,
        keys: &mut [SecretStorageKey],
        public_keys: &PublicKeys,
        at_most: u32,
    ) -> bool {
        for _ in 0..at_most {
            let Some(mut attempt) = self.running.take().or_else(|| self.start(keys)) else {
                return true;
            };
            match attempt.advance(keys, public_keys) {
                Some(outcome) => {
                    if outcome.is_ok() {
                        self.opened.push((self.verdicts.len(), attempt.place));
                    }
                    self.verdicts.push(SecretVerdict { name: attempt.name.clone(), outcome });
                }
                None => self.running = Some(attempt),
            }
        }
        self.running.is_none() && self.left.len() == 0
    }

    /// What became of each secret, as far as it was tried. One may have been opened by a key that a later one has proven.
    pub(crate) fn finish(mut self, keys: &[SecretStorageKey]) -> Vec<SecretVerdict> {
        for (verdict, place) in self.opened {
            let verdict = self.verdicts.get_mut(verdict).map(|verdict| &mut verdict.outcome);
            if let (Some(Ok(opened)), Some(key)) = (verdict, keys.get(place)) {
                opened.opened_by(key);
            }
        }
        self.verdicts
    }

    fn start(&mut self, keys: &[SecretStorageKey]) -> Option<Attempt<'a>> {
        let (name, secret) = self.left.next()?;
        let key = |place: &usize| keys.get(*place);
        let is_guess =
            |key: &SecretStorageKey| key.is_guess() || key.is_guessable() && self.has_sure_key;
        let (guesses, mut places): (Vec<_>, Vec<_>) = self
            .places
            .of_secret(secret)
            .into_iter()
            .partition(|place| key(place).is_some_and(is_guess));
        places.sort_by_key(|place| key(place).map(|it| (it.is_asymmetric(), it.is_guessable())));
        let has_guesses = !guesses.is_empty();
        let (places, reasons) = (places.into_iter(), Vec::new());
        Some(Attempt { name, secret, places, place: 0, has_guesses, reasons })
    }
}

impl Attempt<'_> {
    /// Tries the next key; the outcome, if it is known by then.
    fn advance(
        &mut self,
        keys: &mut [SecretStorageKey],
        public_keys: &PublicKeys,
    ) -> Option<Result<OpenedSecret, SecretOpenError>> {
        let Some(place) = self.places.next() else {
            let reasons = std::mem::take(&mut self.reasons);
            return Some(Err(if reasons.is_empty() && self.has_guesses {
                SecretOpenError::NotTried
            } else if reasons.is_empty() {
                SecretOpenError::OtherKeys
            } else {
                SecretOpenError::Keys(reasons)
            }));
        };
        self.place = place;
        let key = keys.get_mut(place)?;
        match key.open(self.name, self.secret).and_then(|opened| opened.check(public_keys)) {
            Ok(opened) => Some(Ok(opened)),
            Err(reason) => {
                self.reasons.push((key.id().clone(), reason));
                None
            }
        }
    }
}

/// What became of one secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecretVerdict {
    /// The secret.
    pub name: SecretName,
    /// The secret, or why each of the keys failed that it is encrypted to.
    pub outcome: Result<OpenedSecret, SecretOpenError>,
}

impl SecretVerdict {
    /// The secret as its name asks for it, with where it came from; nothing if it was not opened, or is not what its name asks
    /// for.
    #[must_use]
    pub fn value(&self) -> Option<SecretValue> {
        let opened = self.outcome.as_ref().ok()?;
        opened.value().ok().map(|read| read.value)
    }

    /// The secret, if something shows that the key which gave it is the right one.
    pub(crate) fn opened_by_known(&self) -> Option<&OpenedSecret> {
        self.outcome.as_ref().ok().filter(|opened| opened.is_of_known_key())
    }
}

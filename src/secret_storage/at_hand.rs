//! Keys at hand by their IDs: a server can describe as many keys as there are secrets, so nobody looks through them all.

use std::collections::HashMap;

use super::{
    encrypted_secret::EncryptedSecret,
    key::{KeyStanding, SecretStorageKey},
};
use crate::ids::SecretStorageKeyId;

/// Where in a list of keys those of an ID stand: more than one if nobody knows which is the right one.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<SecretStorageKeyId, Vec<usize>>);

/// Keys at hand, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct KeysAtHand {
    keys: Vec<SecretStorageKey>,
    places: Places,
}

impl Places {
    pub(super) fn new(keys: &[SecretStorageKey]) -> Self {
        let mut places = Self::default();
        keys.iter().enumerate().for_each(|(place, key)| places.add(key, place));
        places
    }

    fn add(&mut self, key: &SecretStorageKey, place: usize) {
        self.0.entry(key.id().clone()).or_default().push(place);
    }

    fn of_id(&self, id: &SecretStorageKeyId) -> &[usize] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }

    /// The places of all keys that a secret is encrypted to, in their order.
    pub(super) fn of_secret(&self, secret: &EncryptedSecret) -> Vec<usize> {
        let mut places: Vec<_> =
            secret.entries().flat_map(|(id, _)| self.of_id(id)).copied().collect();
        places.sort_unstable();
        places
    }
}

impl KeysAtHand {
    /// Of several keys with the same ID the surest is the first, whatever order they came in.
    pub(super) fn new(mut keys: Vec<SecretStorageKey>) -> Self {
        keys.sort_by_key(|key| (key.standing() == KeyStanding::Unverifiable, key.is_guessable()));
        let places = Places::new(&keys);
        Self { keys, places }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SecretStorageKey> {
        self.keys.iter()
    }

    /// The keys of this ID.
    pub(super) fn of_id(&self, id: &SecretStorageKeyId) -> impl Iterator<Item = &SecretStorageKey> {
        self.places.of_id(id).iter().filter_map(|place| self.keys.get(*place))
    }

    /// The keys that a secret is encrypted to.
    pub(super) fn of_secret(
        &self,
        secret: &EncryptedSecret,
    ) -> impl Iterator<Item = &SecretStorageKey> {
        self.places.of_secret(secret).into_iter().filter_map(|place| self.keys.get(place))
    }

    /// Adds a key, unless there is one of its ID.
    pub(super) fn add(&mut self, key: &SecretStorageKey) {
        if self.places.of_id(key.id()).is_empty() {
            self.places.add(key, self.keys.len());
            self.keys.push(key.clone());
        }
    }
}

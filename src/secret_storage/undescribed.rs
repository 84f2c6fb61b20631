//! Keys that secrets are encrypted with, and that nothing describes any more.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    KEY_PREFIX,
    account::SecretStorage,
    encrypted_secret::SecretEntry,
    key_description::{KeyAlgorithm, KeyDescription},
};
use crate::{
    Limits,
    ids::{EventType, SecretStorageKeyId},
};

impl SecretStorage {
    /// The IDs of the keys that secrets are encrypted with and whose descriptions are gone or cannot be used, in their
    /// order. A recovery key is the right one for such a key if it [opens](SecretStorage::unlock) one of these secrets.
    pub fn undescribed_keys(&self) -> impl Iterator<Item = &SecretStorageKeyId> {
        self.presumed_algorithms().into_keys()
    }

    /// All keys that a text can be tried on, the default one first: what describes them or, where nothing does that could be
    /// used, what can be said of them by the form of what is encrypted with them.
    pub(super) fn keys_to_try(&self, limits: &Limits) -> Vec<Cow<'_, KeyDescription>> {
        let is_default = |key: &&KeyDescription| Some(key.id()) == self.default_key();
        let (first, then): (Vec<_>, Vec<_>) = self.keys().partition(is_default);
        let described = first.into_iter().chain(then).map(|key| match key.known_algorithm() {
            KeyAlgorithm::Unsupported(_) => {
                self.presumed_in_place_of(key, limits).map_or(Cow::Borrowed(key), Cow::Owned)
            }
            KeyAlgorithm::AesHmacSha2 | KeyAlgorithm::Curve25519AesSha2 => Cow::Borrowed(key),
        });
        let presumed = self.presumed_algorithms().into_iter().take(MAX_PRESUMED);
        let presumed = presumed.filter_map(|(id, algorithm)| self.presumed(id, algorithm, limits));
        described.chain(presumed.map(Cow::Owned)).collect()
    }

    /// An algorithm that nobody knows may be a damaged name, if what is encrypted with the key is of a form that is known.
    fn presumed_in_place_of(
        &self,
        key: &KeyDescription,
        limits: &Limits,
    ) -> Option<KeyDescription> {
        let mut entries = self.secrets().filter_map(|(_, secret)| secret.entry(key.id())?.ok());
        let algorithm = match entries.next()? {
            SecretEntry::AesHmacSha2(_) => KeyAlgorithm::AesHmacSha2,
            SecretEntry::Curve25519AesSha2(_) | SecretEntry::Passthrough => {
                KeyAlgorithm::Curve25519AesSha2
            }
        };
        self.presumed(key.id(), algorithm, limits)
    }

    fn presumed(
        &self,
        id: &SecretStorageKeyId,
        algorithm: KeyAlgorithm,
        limits: &Limits,
    ) -> Option<KeyDescription> {
        let event_type = EventType::new(format!("{KEY_PREFIX}{}", id.as_str()));
        KeyDescription::presumed(id.clone(), algorithm, self.content(&event_type), limits)
    }

    fn presumed_algorithms(&self) -> BTreeMap<&SecretStorageKeyId, KeyAlgorithm> {
        let mut algorithms = BTreeMap::new();
        let entries = self.secrets().flat_map(|(_, secret)| secret.entries());
        for (id, entry) in entries.filter(|(id, _)| self.key(id).is_none()) {
            let algorithm = algorithms.entry(id).or_insert(KeyAlgorithm::Curve25519AesSha2);
            if matches!(entry, Ok(SecretEntry::AesHmacSha2(_))) {
                *algorithm = KeyAlgorithm::AesHmacSha2;
            }
        }
        algorithms
    }
}

/// As many keys without a description are tried: what is presumed of one takes many times what names it.
const MAX_PRESUMED: usize = 10_000;

//! Keys that secrets are encrypted with, and that nothing describes any more.

use std::collections::BTreeMap;

use super::{
    account::SecretStorage,
    encrypted_secret::SecretEntry,
    key_description::{KeyAlgorithm, KeyDescription},
};
use crate::ids::SecretStorageKeyId;

impl SecretStorage {
    /// The IDs of the keys that secrets are encrypted with and whose descriptions are gone or cannot be used, in their
    /// order. A recovery key is the right one for such a key if it [opens](SecretStorage::unlock) one of these secrets.
    pub fn undescribed_keys(&self) -> impl Iterator<Item = &SecretStorageKeyId> {
        self.presumed_algorithms().into_keys()
    }

    /// What can be said of these keys: their algorithms, by the form of what is encrypted with them.
    pub(super) fn presumed_keys(&self) -> impl Iterator<Item = KeyDescription> {
        let presumed = self.presumed_algorithms().into_iter();
        presumed.filter_map(|(id, algorithm)| KeyDescription::presumed(id.clone(), algorithm))
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

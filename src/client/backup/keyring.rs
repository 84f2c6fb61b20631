//! The decryption keys that a device has.

use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey},
    provenance::Provenance,
};

/// The decryption keys that a device has: of the backup in use and of those before it, of backups whose creation was
/// given up, since the request may arrive all the same, and those that may fit once the backup is seen. Which of them
/// counts is decided by the backup. What proves most comes first, then what is newest.
#[derive(Debug, Clone, Default)]
pub(super) struct Keyring(Vec<BackupDecryptionKey>);

impl Keyring {
    /// As it was saved.
    pub(super) fn new(keys: Vec<BackupDecryptionKey>) -> Self {
        Self(keys)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &BackupDecryptionKey> {
        self.0.iter()
    }

    /// The keys of the backup with this public key.
    pub(super) fn of(
        &self,
        public_key: &BackupPublicKey,
    ) -> impl Iterator<Item = &BackupDecryptionKey> {
        self.0.iter().filter(move |key| key.public_key() == public_key)
    }

    /// Adds a key, and returns whether it is new. The same key from elsewhere stays beside it, since each proves
    /// something of its own. What `is_needed` is not dropped when there are too many.
    pub(super) fn add(
        &mut self,
        key: BackupDecryptionKey,
        is_needed: impl Fn(&BackupPublicKey) -> bool,
    ) -> bool {
        let is_there = self.of(key.public_key()).any(|it| it.provenance() == key.provenance());
        if is_there {
            return false;
        }
        let index = self.0.partition_point(|other| worth(other) > worth(&key));
        self.0.insert(index, key);
        if self.0.len() > MAX_KEYS {
            self.drop_one(is_needed);
        }
        true
    }

    pub(super) fn retain(&mut self, is_kept: impl Fn(&BackupDecryptionKey) -> bool) {
        self.0.retain(is_kept);
    }

    /// Drops what is missed least: a key that is there from elsewhere, too, or else what proves least and is oldest.
    fn drop_one(&mut self, is_needed: impl Fn(&BackupPublicKey) -> bool) {
        let keys = || self.0.iter().enumerate().rev();
        let is_double = |(index, key): &(usize, &BackupDecryptionKey)| {
            self.0.iter().take(*index).any(|other| other.public_key() == key.public_key())
        };
        let dropped =
            keys().find(is_double).or_else(|| keys().find(|(_, key)| !is_needed(key.public_key())));
        if let Some(index) = dropped.map(|(index, _)| index) {
            self.0.remove(index);
        }
    }
}

/// How much a key proves, and for how long.
fn worth(key: &BackupDecryptionKey) -> u8 {
    match key.provenance() {
        Provenance::Generated | Provenance::TypedByUser | Provenance::VerifiedPublicKey => 3,
        Provenance::AuthenticatedSecretStorage
        | Provenance::KeptByHost
        | Provenance::AcceptedByUser => 2,
        Provenance::SharedByVerifiedDevice(_) => 1,
        Provenance::Unauthenticated => 0,
    }
}

/// More keys than anybody has at a time, and requests than a network may still deliver.
const MAX_KEYS: usize = 16;

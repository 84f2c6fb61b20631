//! The keys that are at hand, and whether one of them is that of the current backup.

use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustedBackup},
    secret::SecretString,
    secret_storage::{SecretStorage, SecretStorageKey},
    secret_value::PublicKeys,
};

use crate::{
    failure::Failure,
    input::Loaded,
    rescue::{Candidate, OpenedBy, Versions, candidates},
};

pub(super) struct AtHand {
    /// What opens the key storage.
    pub(super) storage_keys: Vec<SecretStorageKey>,
    /// What opens backups, and can be wrong for each of them.
    pub(super) backup_keys: Vec<Candidate>,
}

impl AtHand {
    /// Tries everything on everything.
    pub(super) fn find(
        saved: &Loaded,
        typed: &[SecretString],
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let (files, public_keys) = (&saved.files, PublicKeys::default());
        let storage = files.secret_storage(limits).unwrap_or_default();
        let unlocked = typed
            .iter()
            .filter_map(|text| storage.unlock(text.expose_str(), &public_keys, limits).ok());
        let mut storage_keys: Vec<_> = unlocked.flat_map(|unlocked| unlocked.keys).collect();
        let versions = Versions::new(files, false);
        let (mut backup_keys, reason) = candidates(files, versions.wanted(), typed, limits);
        // Under an old name, or kept by a repair.
        for key in stored(&storage, &mut storage_keys) {
            let is_it = |known: &Candidate| known.key.public_key() == key.public_key();
            if !backup_keys.iter().any(is_it) {
                backup_keys.push(Candidate { key, opened_by: OpenedBy::StorageKey });
            }
        }
        if storage_keys.is_empty() && backup_keys.is_empty() {
            return Err(Failure::other(reason.unwrap_or_else(|| "there is no key at hand".into())));
        }
        Ok(Self { storage_keys, backup_keys })
    }

    /// The backup, if one of the keys shows that it is the user's, and that key.
    pub(super) fn trusted(
        &self,
        info: &BackupVersionInfo,
    ) -> Option<(TrustedBackup, &BackupDecryptionKey)> {
        self.backup_keys.iter().find_map(|Candidate { key, .. }| {
            Some((TrustedBackup::by_decryption_key(info, key, &[]).ok()?, key))
        })
    }
}

fn stored(storage: &SecretStorage, keys: &mut [SecretStorageKey]) -> Vec<BackupDecryptionKey> {
    let opened = storage.open_all(keys, &PublicKeys::default()).into_iter();
    opened.filter_map(|verdict| verdict.outcome.ok()?.backup_key()).collect()
}

//! The keys that are at hand, and whether one of them is that of the current backup.

use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustedBackup},
    client::rescue::BackupKeys,
    secret::SecretString,
    secret_storage::SecretStorageKey,
    secret_value::PublicKeys,
};

use crate::{
    failure::Failure,
    input::Loaded,
    rescue::{Versions, keys_at_hand},
};

pub(super) struct AtHand {
    /// What opens the key storage.
    pub(super) storage_keys: Vec<SecretStorageKey>,
    /// What opens backups, and can be wrong for each of them.
    pub(super) backup_keys: BackupKeys,
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
        let storage_keys: Vec<_> = unlocked.flat_map(|unlocked| unlocked.keys).collect();
        let versions = Versions::new(files, false);
        let (mut backup_keys, reason) = keys_at_hand(files, versions.wanted(), typed, limits);
        backup_keys.add_stored(&storage_keys, &storage);
        if storage_keys.is_empty() && backup_keys.iter().next().is_none() {
            return Err(Failure::other(reason.unwrap_or_else(|| "there is no key at hand".into())));
        }
        Ok(Self { storage_keys, backup_keys })
    }

    /// The backup, if one of the keys shows that it is the user's, and that key.
    pub(super) fn trusted(
        &self,
        info: &BackupVersionInfo,
    ) -> Option<(TrustedBackup, &BackupDecryptionKey)> {
        self.backup_keys.iter().find_map(|(key, _)| {
            Some((TrustedBackup::by_decryption_key(info, key, &[]).ok()?, key))
        })
    }
}

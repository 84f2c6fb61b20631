//! What a recovery leaves to be fetched: the versions before the current one.

use super::{BackupKeys, KeySource, VersionWalk};
use crate::{Limits, client::flow::Recovered, secret_storage::SecretStorage};

impl Recovered {
    /// The versions of the backup before the one that was recovered, to be offered by name: *there is an older backup (version 3)*.
    /// No more than `at_most` numbers are asked for. A version that this device has used is looked for as well,
    /// also where the homeserver shows none, or an older one, as the current one.
    ///
    /// The sessions of a version are those of [`get_room_keys`](crate::api::get_room_keys), and
    /// [`BackupKeys::restore`] opens them with the keys [at hand](Self::backup_keys).
    ///
    /// ```
    /// # use strongroom::{api, backup::{BackupVersionInfo, RestoreOptions}, client::flow::Recovered};
    /// # use strongroom::{Limits, secret_storage::SecretStorage};
    /// # fn send<T>(_: &api::Request<T>) -> Option<T> { None }
    /// # fn wants(_: &BackupVersionInfo) -> bool { true }
    /// # fn sessions_of(_: &BackupVersionInfo) -> Vec<u8> { Vec::new() }
    /// fn older(recovered: &Recovered, storage: &SecretStorage) {
    ///     let keys = recovered.backup_keys(storage, &Limits::default());
    ///     let mut walk = recovered.older_versions(100);
    ///     while let Some(request) = walk.request() {
    ///         let Some(older) = walk.answer(send(&request).flatten()) else { continue };
    ///         // The user is asked, and the sessions are fetched, whatever keys there are.
    ///         if !wants(&older) {
    ///             continue;
    ///         }
    ///         if let Some(mut restore) = keys.restore(Some(&older), RestoreOptions::default()) {
    ///             let response = sessions_of(&older);
    ///             let mut pieces = response.as_slice();
    ///             while let Some(_verdicts) = restore.next_batch(&mut pieces) { /* into the host's store */ }
    ///             println!("version {}: {}", older.version(), restore.finish().1);
    ///         }
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn older_versions(&self, at_most: u64) -> VersionWalk {
        let used = self.backup.used_version().into_iter();
        let mut walk = used.fold(VersionWalk::new(at_most), VersionWalk::known);
        if let Some(current) = self.backup.found() {
            walk.answer(Some(current.clone()));
        }
        walk
    }

    /// All keys of backups that are at hand after the recovery: those of the machine, of backups before the current one, too, and what
    /// the key storage holds under every key that was entered. What was typed since then is [added](BackupKeys::add_typed).
    #[must_use]
    pub fn backup_keys(&self, storage: &SecretStorage, limits: &Limits) -> BackupKeys {
        let mut keys = BackupKeys::new(limits);
        keys.add_stored(&self.storage_keys, storage);
        for key in self.backup.keys_at_hand() {
            keys.add(key.clone(), KeySource::Host);
        }
        keys
    }
}

//! The backups of one user: versions, keys, and the rules of both.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{
    Part,
    stored_keys::{Rooms, StoredKeys},
};
use crate::{homeserver::refusal::Refusal, ids::BackupVersion};

/// The backup versions of one user. The newest is the current one.
#[derive(Clone, Default)]
pub(in crate::homeserver) struct Backups {
    live: BTreeMap<u64, Backup>,
    created: u64,
}

/// One backup version with its keys.
#[derive(Clone)]
pub(super) struct Backup {
    algorithm: String,
    auth_data: Box<RawValue>,
    etag: u64,
    keys: StoredKeys,
}

impl Backups {
    /// Creates a version under a number that was never used, and makes it the current one.
    pub(super) fn create(&mut self, algorithm: String, auth_data: Box<RawValue>) -> BackupVersion {
        self.created += 1;
        let backup = Backup { algorithm, auth_data, etag: 0, keys: StoredKeys::default() };
        self.live.insert(self.created, backup);
        to_version(self.created)
    }

    /// The current version.
    pub(super) fn current(&self) -> Option<(BackupVersion, &Backup)> {
        self.live.last_key_value().map(|(number, backup)| (to_version(*number), backup))
    }

    /// Any version that was not deleted.
    pub(super) fn get(&self, version: &BackupVersion) -> Option<&Backup> {
        self.live.get(&to_number(version)?)
    }

    /// Any version that was not deleted, to be changed.
    pub(super) fn get_mut(&mut self, version: &BackupVersion) -> Option<&mut Backup> {
        self.live.get_mut(&to_number(version)?)
    }

    /// Deletes a version with its keys; says whether it ever was.
    pub(super) fn delete(&mut self, version: &BackupVersion) -> bool {
        let number = to_number(version).filter(|number| (1..=self.created).contains(number));
        number.inspect(|number| drop(self.live.remove(number))).is_some()
    }

    /// About how many bytes all versions take.
    pub(in crate::homeserver) fn bytes(&self) -> usize {
        self.live.values().map(Backup::bytes).sum()
    }

    /// The current version, to be written to by a client that thinks it is `version`.
    pub(super) fn current_named(
        &mut self,
        version: &BackupVersion,
    ) -> Result<&mut Backup, Refusal> {
        let unknown = || Refusal::NotFound("There is no such backup version to write to");
        let number = to_number(version)
            .filter(|number| self.live.contains_key(number))
            .ok_or_else(unknown)?;
        let current = self.live.last_entry().ok_or_else(unknown)?;
        if *current.key() == number {
            Ok(current.into_mut())
        } else {
            Err(Refusal::WrongVersion { current: to_version(*current.key()) })
        }
    }
}

impl Backup {
    pub(super) fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The `auth_data` as it came.
    pub(super) fn auth_data(&self) -> &RawValue {
        &self.auth_data
    }

    /// A text that is another one after every change of the keys.
    pub(super) fn etag(&self) -> String {
        self.etag.to_string()
    }

    /// Changes what was said about the backup's key.
    pub(super) fn set_auth_data(&mut self, auth_data: Box<RawValue>) {
        self.auth_data = auth_data;
    }

    /// Its keys.
    pub(super) fn keys(&self) -> &StoredKeys {
        &self.keys
    }

    /// Stores the keys that are new or better than the stored ones.
    pub(super) fn store(&mut self, keys: Rooms) {
        if self.keys.store(keys) {
            self.etag += 1;
        }
    }

    /// Deletes keys; the etag moves even if there were none.
    pub(super) fn delete_keys(&mut self, part: &Part) {
        self.keys.delete(part);
        self.etag += 1;
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.algorithm.len() + self.auth_data.get().len() + self.keys.bytes()
    }
}

fn to_version(number: u64) -> BackupVersion {
    BackupVersion::from(number.to_string())
}

/// The number of a version as the server writes it: `01` is not `1`.
fn to_number(version: &BackupVersion) -> Option<u64> {
    let number = version.as_str().parse().ok()?;
    (to_version(number) == *version).then_some(number)
}

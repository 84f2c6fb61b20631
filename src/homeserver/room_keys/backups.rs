//! The backups of one user: versions, keys, and the rules of both.

use std::collections::{BTreeMap, btree_map::Entry};

use serde_json::value::RawValue;

use super::stored_key::StoredKey;
use crate::{
    homeserver::refusal::Refusal,
    ids::{BackupVersion, RoomId, SessionId},
};

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
    rooms: Rooms,
}

/// Keys by room and session.
pub(super) type Rooms = BTreeMap<RoomId, BTreeMap<SessionId, StoredKey>>;

impl Backups {
    /// Creates a version under a number that was never used, and makes it the current one.
    pub(super) fn create(&mut self, algorithm: String, auth_data: Box<RawValue>) -> BackupVersion {
        self.created += 1;
        let backup = Backup { algorithm, auth_data, etag: 0, rooms: Rooms::new() };
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

    /// How many keys there are.
    pub(super) fn count(&self) -> usize {
        self.rooms.values().map(BTreeMap::len).sum()
    }

    /// All keys; no room is empty.
    pub(super) fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Stores the keys that are new or better than the stored ones.
    pub(super) fn store(&mut self, keys: Rooms) {
        let mut changed = false;
        for (room, sessions) in keys {
            if sessions.is_empty() {
                continue;
            }
            let stored = self.rooms.entry(room).or_default();
            for (session, key) in sessions {
                changed |= store_one(stored, session, key);
            }
        }
        if changed {
            self.etag += 1;
        }
    }
}

fn store_one(
    stored: &mut BTreeMap<SessionId, StoredKey>,
    session: SessionId,
    key: StoredKey,
) -> bool {
    match stored.entry(session) {
        Entry::Occupied(entry) if !key.replaces(entry.get()) => false,
        Entry::Occupied(mut entry) => {
            entry.insert(key);
            true
        }
        Entry::Vacant(entry) => {
            entry.insert(key);
            true
        }
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

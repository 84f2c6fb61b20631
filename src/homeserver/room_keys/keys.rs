//! The keys of a backup: store, read, delete; all of them, those of a room, or one.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Opaque, Part, UNKNOWN_VERSION,
    backups::{Backup, Backups},
    body,
    stored_key::StoredKey,
    stored_keys::Sessions,
};
use crate::{
    homeserver::{call::Call, refusal::Refusal, reply::to_body},
    ids::{BackupVersion, RoomId},
};

/// Stores keys in the current version, all or none.
pub(super) fn put(
    part: &Part,
    call: &Call<'_>,
    opaque: Opaque,
    backups: &mut Backups,
) -> Result<Vec<u8>, Refusal> {
    let body = call.json_object()?;
    let backup = backups.current_named(&version_parameter(call)?)?;
    backup.store(body::read(part, body, opaque)?);
    Ok(stored(backup))
}

/// Reads keys of any version.
pub(super) fn get(part: &Part, call: &Call<'_>, backups: &Backups) -> Result<Vec<u8>, Refusal> {
    let backup = backups.get(&version_parameter(call)?).ok_or(UNKNOWN_VERSION)?;
    match part {
        Part::All => Ok(all(backup)),
        Part::Room(room) => Ok(match backup.keys().room(room) {
            Some(sessions) => to_body(&Room { sessions }),
            None => to_body(&Room { sessions: &BTreeMap::new() }),
        }),
        Part::Session(room, session) => {
            let key = backup.keys().room(room).and_then(|sessions| sessions.get(session));
            key.map(|key: &StoredKey| to_body(key)).ok_or(Refusal::NotFound("There is no such key"))
        }
    }
}

/// Deletes keys of any version.
pub(super) fn delete(
    part: &Part,
    call: &Call<'_>,
    backups: &mut Backups,
) -> Result<Vec<u8>, Refusal> {
    let backup = backups.get_mut(&version_parameter(call)?).ok_or(UNKNOWN_VERSION)?;
    backup.delete_keys(part);
    Ok(stored(backup))
}

#[derive(Serialize)]
struct Room<'a> {
    sessions: &'a Sessions,
}

fn all(backup: &Backup) -> Vec<u8> {
    #[derive(Serialize)]
    struct Reply<'a> {
        rooms: BTreeMap<&'a RoomId, Room<'a>>,
    }
    let rooms = backup.keys().rooms();
    to_body(&Reply { rooms: rooms.map(|(id, sessions)| (id, Room { sessions })).collect() })
}

fn stored(backup: &Backup) -> Vec<u8> {
    #[derive(Serialize)]
    struct Reply {
        etag: String,
        count: usize,
    }
    to_body(&Reply { etag: backup.etag(), count: backup.keys().count() })
}

fn version_parameter(call: &Call<'_>) -> Result<BackupVersion, Refusal> {
    call.parameter("version").map(BackupVersion::from)
}

//! The endpoints of
//! [server-side key backups](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups).
//!
//! Checks go in this order: the JSON of the body, the `version` parameter, whether there is such a
//! version, whether it is the current one, the shape of the body.

mod backups;
mod stored_key;

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

pub(super) use self::backups::Backups;
use self::{
    backups::{Backup, Rooms},
    stored_key::StoredKey,
};
use super::{call::Call, refusal::Refusal};
use crate::{
    encoding::json::{self, RawObject},
    ids::{BackupVersion, RoomId, SessionId},
};

/// An endpoint under `/room_keys`.
pub(super) enum RoomKeysRoute {
    /// `POST /version`
    CreateVersion,
    /// `GET /version`
    GetCurrentVersion,
    /// `GET /version/{version}`
    GetVersion(BackupVersion),
    /// `PUT /keys`
    PutKeys,
    /// `GET /keys`
    GetKeys,
}

impl RoomKeysRoute {
    /// Finds the endpoint for a method and the decoded segments of a path after `room_keys`.
    pub(super) fn find(method: &Method, segments: &[&str]) -> Result<Self, Refusal> {
        match segments {
            ["version"] => match *method {
                Method::POST => Ok(Self::CreateVersion),
                Method::GET => Ok(Self::GetCurrentVersion),
                _ => Err(Refusal::UnknownMethod),
            },
            ["version", version] if !version.is_empty() => match *method {
                Method::GET => Ok(Self::GetVersion(BackupVersion::from(*version))),
                _ => Err(Refusal::UnknownMethod),
            },
            ["keys"] => match *method {
                Method::PUT => Ok(Self::PutKeys),
                Method::GET => Ok(Self::GetKeys),
                _ => Err(Refusal::UnknownMethod),
            },
            _ => Err(Refusal::UnknownPath),
        }
    }
}

/// Does what a request asks for; returns the body of the response.
pub(super) fn respond(
    route: &RoomKeysRoute,
    call: &Call<'_>,
    backups: &mut Backups,
) -> Result<Vec<u8>, Refusal> {
    match route {
        RoomKeysRoute::CreateVersion => create_version(call, backups),
        RoomKeysRoute::GetCurrentVersion => {
            let (version, backup) = backups.current().ok_or(NO_BACKUP)?;
            Ok(version_info(&version, backup))
        }
        RoomKeysRoute::GetVersion(version) => {
            let backup = backups.get(version).ok_or(UNKNOWN_VERSION)?;
            Ok(version_info(version, backup))
        }
        RoomKeysRoute::PutKeys => put_keys(call, backups),
        RoomKeysRoute::GetKeys => get_keys(call, backups),
    }
}

fn create_version(call: &Call<'_>, backups: &mut Backups) -> Result<Vec<u8>, Refusal> {
    #[derive(Serialize)]
    struct Reply {
        version: BackupVersion,
    }
    let mut body = call.json_object()?;
    let algorithm = body
        .take("algorithm")
        .and_then(|value| json::public_string(value).ok())
        .ok_or(Refusal::BadJson("algorithm must be a string"))?;
    let auth_data = body
        .take("auth_data")
        .filter(|value| is_object(value))
        .ok_or(Refusal::BadJson("auth_data must be an object"))?;
    let version = backups.create(algorithm.into_owned(), auth_data.to_owned());
    Ok(to_body(&Reply { version }))
}

fn version_info(version: &BackupVersion, backup: &Backup) -> Vec<u8> {
    #[derive(Serialize)]
    struct Reply<'a> {
        algorithm: &'a str,
        auth_data: &'a RawValue,
        version: &'a BackupVersion,
        etag: String,
        count: usize,
    }
    to_body(&Reply {
        algorithm: backup.algorithm(),
        auth_data: backup.auth_data(),
        version,
        etag: backup.etag(),
        count: backup.count(),
    })
}

fn put_keys(call: &Call<'_>, backups: &mut Backups) -> Result<Vec<u8>, Refusal> {
    #[derive(Serialize)]
    struct Reply {
        etag: String,
        count: usize,
    }
    let body = call.json_object()?;
    let backup = backups.current_named(&version_parameter(call)?)?;
    backup.store(read_rooms(body)?);
    Ok(to_body(&Reply { etag: backup.etag(), count: backup.count() }))
}

fn get_keys(call: &Call<'_>, backups: &Backups) -> Result<Vec<u8>, Refusal> {
    #[derive(Serialize)]
    struct Reply<'a> {
        rooms: BTreeMap<&'a RoomId, Room<'a>>,
    }
    #[derive(Serialize)]
    struct Room<'a> {
        sessions: &'a BTreeMap<SessionId, StoredKey>,
    }
    let backup = backups.get(&version_parameter(call)?).ok_or(UNKNOWN_VERSION)?;
    let rooms = backup.rooms().iter().map(|(id, sessions)| (id, Room { sessions })).collect();
    Ok(to_body(&Reply { rooms }))
}

fn version_parameter(call: &Call<'_>) -> Result<BackupVersion, Refusal> {
    call.parameter("version").map(BackupVersion::from)
}

/// Reads `{"rooms": {…: {"sessions": {…: key}}}}`: all of it, or nothing.
fn read_rooms(mut body: RawObject<'_>) -> Result<Rooms, Refusal> {
    let rooms =
        body.take("rooms").and_then(object).ok_or(Refusal::BadJson("rooms must be an object"))?;
    let mut read = Rooms::new();
    for (id, room) in rooms.into_members() {
        let id = RoomId::from(identifier(id)?);
        let room = object(room).ok_or(Refusal::BadJson("A room must be an object"))?;
        read.insert(id.clone(), read_sessions(&id, room)?);
    }
    Ok(read)
}

/// Reads `{"sessions": {…: key}}`.
fn read_sessions(
    room: &RoomId,
    mut body: RawObject<'_>,
) -> Result<BTreeMap<SessionId, StoredKey>, Refusal> {
    let sessions = body
        .take("sessions")
        .and_then(object)
        .ok_or(Refusal::BadJson("sessions must be an object"))?;
    let mut read = BTreeMap::new();
    for (id, key) in sessions.into_members() {
        let session = SessionId::from(identifier(id)?);
        let key = StoredKey::read(key).map_err(|reason| Refusal::BadKey {
            room: room.clone(),
            session: session.clone(),
            reason,
        })?;
        read.insert(session, key);
    }
    Ok(read)
}

fn identifier(key: &RawValue) -> Result<String, Refusal> {
    json::public_string(key)
        .map(|text| text.into_owned())
        .map_err(|_| Refusal::BadJson("A room or session ID is not Unicode text"))
}

fn object(value: &RawValue) -> Option<RawObject<'_>> {
    RawObject::parse(value.get().as_bytes()).ok()
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

fn to_body(reply: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(reply).unwrap_or_default()
}

const NO_BACKUP: Refusal = Refusal::NotFound("There is no backup");
const UNKNOWN_VERSION: Refusal = Refusal::NotFound("There is no such backup version");

//! `GET /_matrix/client/v3/room_keys/keys`

use http::Method;
use serde_json::value::RawValue;

use super::{
    Endpoint,
    endpoint::{encode, object},
    error::ResponseError,
};
use crate::{
    Limits,
    backup::BackedUpSession,
    encoding::json::{self, RawObject},
    ids::{BackupVersion, RoomId, SessionId},
};

/// Asks for all sessions of a backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeys)).
///
/// Reading needs no trust: what comes back is unauthenticated in any case.
#[derive(Debug, Clone)]
pub struct GetRoomKeys {
    version: BackupVersion,
}

/// The sessions of a response, each of them unread, and the rooms that hold none.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RoomKeys {
    /// The sessions in the order of the response. One that occurs twice is here twice.
    pub sessions: Vec<BackedUpSession>,
    /// What is wrong with the entries of rooms: each cost its own sessions and no other's.
    pub broken_rooms: Vec<ResponseError>,
}

impl GetRoomKeys {
    /// For the sessions of this version.
    #[must_use]
    pub fn new(version: BackupVersion) -> Self {
        Self { version }
    }
}

impl Endpoint for GetRoomKeys {
    type Response = RoomKeys;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> String {
        format!("/_matrix/client/v3/room_keys/keys?version={}", encode(self.version.as_str()))
    }

    fn body(&self) -> Vec<u8> {
        Vec::new()
    }

    /// A response without `rooms`, an error body with status 200 for one, is an error and never an
    /// empty backup.
    fn read_body(&self, body: &[u8], _: &Limits) -> Result<RoomKeys, ResponseError> {
        let rooms = object(body)?.take("rooms").ok_or(ResponseError::Member("rooms"))?;
        let rooms =
            RawObject::parse(rooms.get().as_bytes()).map_err(|_| ResponseError::Member("rooms"))?;
        let mut keys = RoomKeys { sessions: Vec::new(), broken_rooms: Vec::new() };
        for (room_id, room) in rooms.iter() {
            let room_id = RoomId::new(read_key(room_id));
            match sessions_of(&room_id, room) {
                Some(sessions) => keys.sessions.extend(sessions),
                None => keys.broken_rooms.push(ResponseError::Room(room_id)),
            }
        }
        Ok(keys)
    }
}

fn sessions_of(room_id: &RoomId, room: &RawValue) -> Option<Vec<BackedUpSession>> {
    let mut room = RawObject::parse(room.get().as_bytes()).ok()?;
    let sessions = RawObject::parse(room.take("sessions")?.get().as_bytes()).ok()?;
    let sessions = sessions.iter().map(|(session_id, json)| BackedUpSession {
        room_id: room_id.clone(),
        session_id: SessionId::new(read_key(session_id)),
        json: json.to_owned(),
    });
    Some(sessions.collect())
}

/// The text of a key; one that is not Unicode stays as it is written.
fn read_key(key: &RawValue) -> String {
    json::public_string(key).map_or_else(|_| key.get().to_owned(), Into::into)
}

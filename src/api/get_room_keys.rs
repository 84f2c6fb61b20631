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
    excerpt::Excerpt,
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

/// The sessions of a response, each of them unread, and what is broken between them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RoomKeys {
    /// The sessions in the order of the response. One that occurs twice is here twice.
    pub sessions: Vec<BackedUpSession>,
    /// Rooms without sessions and sessions without an ID: each cost itself and nothing else.
    pub broken: Vec<ResponseError>,
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

    fn max_response_bytes(&self, limits: &Limits) -> usize {
        limits.sessions_response_bytes
    }

    /// A response without `rooms`, an error body with status 200 for one, is an error and never an
    /// empty backup.
    fn read_body(&self, body: &[u8], _: &Limits) -> Result<RoomKeys, ResponseError> {
        let mut keys = RoomKeys { sessions: Vec::new(), broken: Vec::new() };
        let rooms = object(body)?.take_all("rooms");
        if rooms.is_empty() {
            return Err(ResponseError::Member("rooms"));
        }
        for rooms in rooms {
            let rooms = RawObject::parse(rooms.get().as_bytes())
                .map_err(|_| ResponseError::Member("rooms"))?;
            rooms.iter().for_each(|(room_id, room)| keys.add_room(room_id, room));
        }
        Ok(keys)
    }
}

impl RoomKeys {
    fn add_room(&mut self, key: &RawValue, room: &RawValue) {
        let name = json::public_string(key).ok();
        let sessions = name.as_ref().and_then(|_| sessions_of(room));
        let (Some(name), Some(sessions)) = (name, sessions) else {
            return self.broken.push(ResponseError::Room(excerpt(key)));
        };
        let room_id = RoomId::from(name.as_ref());
        for (session_id, json) in sessions {
            match json::public_string(session_id) {
                Ok(session_id) => self.sessions.push(BackedUpSession {
                    room_id: room_id.clone(),
                    session_id: SessionId::from(session_id.as_ref()),
                    json: json.to_owned(),
                }),
                Err(_) => self.broken.push(ResponseError::SessionId(excerpt(key))),
            }
        }
    }
}

/// All sessions of a room, those of a second `sessions` included; `None` if there are none at all.
fn sessions_of(room: &RawValue) -> Option<Vec<(&RawValue, &RawValue)>> {
    let mut room = RawObject::parse(room.get().as_bytes()).ok()?;
    let members = room.take_all("sessions");
    let mut all = Vec::new();
    for sessions in &members {
        all.extend(RawObject::parse(sessions.get().as_bytes()).ok()?.iter());
    }
    if members.is_empty() { None } else { Some(all) }
}

/// The text of a key as far as it is shown; one that is not Unicode is shown as it is written.
fn excerpt(key: &RawValue) -> Excerpt {
    Excerpt::new(&json::public_string(key).unwrap_or_else(|_| key.get().into()))
}

//! Reading the keys of a request: all of them, or nothing.

use serde_json::value::RawValue;

use super::{
    Opaque, Part,
    stored_key::StoredKey,
    stored_keys::{Rooms, Sessions},
};
use crate::{
    encoding::json::{self, RawObject},
    homeserver::refusal::Refusal,
    ids::{RoomId, SessionId},
};

/// Reads the body of a request that stores this part of a backup.
pub(super) fn read(part: &Part, body: RawObject<'_>, opaque: Opaque) -> Result<Rooms, Refusal> {
    match part {
        Part::All => read_rooms(body, opaque),
        Part::Room(room) => Ok(Rooms::from([(room.clone(), read_sessions(room, body, opaque)?)])),
        Part::Session(room, session) => {
            let key = read_key(room, session, body, opaque)?;
            Ok(Rooms::from([(room.clone(), Sessions::from([(session.clone(), key)]))]))
        }
    }
}

/// Reads `{"rooms": {…: {"sessions": {…: key}}}}`.
fn read_rooms(mut body: RawObject<'_>, opaque: Opaque) -> Result<Rooms, Refusal> {
    let rooms =
        body.take("rooms").and_then(object).ok_or(Refusal::BadJson("rooms must be an object"))?;
    let mut read = Rooms::new();
    for (id, room) in rooms.into_members() {
        let id = RoomId::from(identifier(id)?);
        let room = object(room).ok_or(Refusal::BadJson("A room must be an object"))?;
        read.insert(id.clone(), read_sessions(&id, room, opaque)?);
    }
    Ok(read)
}

/// Reads `{"sessions": {…: key}}`.
fn read_sessions(
    room: &RoomId,
    mut body: RawObject<'_>,
    opaque: Opaque,
) -> Result<Sessions, Refusal> {
    let sessions = body
        .take("sessions")
        .and_then(object)
        .ok_or(Refusal::BadJson("sessions must be an object"))?;
    let mut read = Sessions::new();
    for (id, key) in sessions.into_members() {
        let session = SessionId::from(identifier(id)?);
        let key = object(key).ok_or_else(|| bad_key(room, &session, "A key must be an object"))?;
        let key = read_key(room, &session, key, opaque)?;
        read.insert(session, key);
    }
    Ok(read)
}

fn read_key(
    room: &RoomId,
    session: &SessionId,
    key: RawObject<'_>,
    opaque: Opaque,
) -> Result<StoredKey, Refusal> {
    StoredKey::read(key, opaque).map_err(|reason| bad_key(room, session, reason))
}

fn bad_key(room: &RoomId, session: &SessionId, reason: &'static str) -> Refusal {
    Refusal::BadKey { room: room.clone(), session: session.clone(), reason }
}

fn identifier(key: &RawValue) -> Result<String, Refusal> {
    json::public_string(key)
        .map(|text| text.into_owned())
        .map_err(|_| Refusal::BadJson("A room or session ID is not Unicode text"))
}

fn object(value: &RawValue) -> Option<RawObject<'_>> {
    RawObject::parse(value.get().as_bytes()).ok()
}

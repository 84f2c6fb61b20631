//! Sessions as a whole response returns them.

use crate::{
    api::ResponseError,
    backup::{BackedUpSession, FailedSession, ReturnedSession, RoomKeysItem, RoomKeysSplitter},
    ids::RoomId,
};

/// The sessions of a response, each of them unread, and what is broken between them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RoomKeys {
    /// The sessions in the order of the response. One that occurs twice is here twice.
    pub sessions: Vec<BackedUpSession>,
    /// Sessions that cannot be handed on, one under an ID that is not Unicode, say.
    pub failed: Vec<FailedSession>,
    /// Rooms whose entry is not an object with sessions: each cost itself and nothing else.
    pub broken_rooms: Vec<RoomId>,
}

impl RoomKeys {
    /// Reads a whole response. One without sessions where they should be, an error body with a status
    /// of success for one, is an error and never an empty backup.
    pub(super) fn read(mut splitter: RoomKeysSplitter, body: &[u8]) -> Result<Self, ResponseError> {
        let mut keys = Self { sessions: Vec::new(), failed: Vec::new(), broken_rooms: Vec::new() };
        let mut rest = body;
        while let Some(item) = splitter.next_item(&mut rest)? {
            match item {
                RoomKeysItem::Session(session) => keys.sessions.push(to_owned(session)),
                RoomKeysItem::FailedSession(failed) => keys.failed.push(failed),
                RoomKeysItem::BrokenRoom(room_id) => keys.broken_rooms.push(room_id.clone()),
            }
        }
        splitter.end()?;
        Ok(keys)
    }
}

fn to_owned(session: ReturnedSession<'_>) -> BackedUpSession {
    let ReturnedSession { room_id, session_id, json } = session;
    BackedUpSession {
        room_id: room_id.clone(),
        session_id: session_id.clone(),
        json: json.to_owned(),
    }
}

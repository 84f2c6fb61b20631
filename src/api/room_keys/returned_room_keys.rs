//! Sessions as a whole response returns them.

use crate::{
    Limits,
    api::ApiError,
    backup::{BackedUpSession, FailedSession, RoomKeysItem, RoomKeysSplitter},
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
    /// How many more there are that cannot be sessions: of failed ones, of broken rooms and of what is too short to be
    /// a session, no more than [`Limits::findings`] are kept, so that a response takes a few times its size in memory.
    pub surplus: u64,
}

impl RoomKeys {
    /// Reads a whole response. One without sessions where they should be, an error body with a status
    /// of success for one, is an error and never an empty backup.
    pub(super) fn read(
        mut splitter: RoomKeysSplitter,
        body: &[u8],
        limits: &Limits,
    ) -> Result<Self, ApiError> {
        let (sessions, failed, broken_rooms) = (Vec::new(), Vec::new(), Vec::new());
        let mut keys = Self { sessions, failed, broken_rooms, surplus: 0 };
        let (mut rest, mut short) = (body, 0);
        while let Some(item) = splitter.next_item(&mut rest)? {
            match item {
                RoomKeysItem::Session { room_id, session_id, json } => {
                    short += usize::from(json.len() < MIN_SESSION_BYTES);
                    if json.len() < MIN_SESSION_BYTES && short > limits.findings {
                        keys.surplus += 1;
                    } else {
                        let (room_id, session_id) = (room_id.clone(), session_id.clone());
                        let json = json.to_owned();
                        keys.sessions.push(BackedUpSession { room_id, session_id, json });
                    }
                }
                RoomKeysItem::FailedSession(failed) if keys.failed.len() < limits.findings => {
                    keys.failed.push(failed);
                }
                RoomKeysItem::BrokenRoom(room_id) if keys.broken_rooms.len() < limits.findings => {
                    keys.broken_rooms.push(room_id.clone());
                }
                RoomKeysItem::FailedSession(_) | RoomKeysItem::BrokenRoom(_) => keys.surplus += 1,
            }
        }
        splitter.end()?;
        Ok(keys)
    }
}

/// Less than the names of the members that a session has.
const MIN_SESSION_BYTES: usize = 57;

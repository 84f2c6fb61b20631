//! `PUT /_matrix/client/v3/room_keys/keys/{roomId}`

use http::Method;
use serde::Serialize;

use super::{
    PutRoomKeysError, StoredRoomKeys, keys_path,
    sealed_sessions::{SealedSessions, SessionsOfRoom, USUAL_LENGTH},
};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    backup::{SealedSession, TrustedBackup},
    encoding::json,
    ids::RoomId,
};

/// Stores sessions of one room in a backup
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3room_keyskeysroomid)).
///
/// As [`PutRoomKeys`](super::PutRoomKeys), for one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutRoomKeysForRoom {
    room_id: RoomId,
    sessions: SealedSessions,
}

impl PutRoomKeysForRoom {
    /// Collects sessions for upload. Of two that are the same session, the better one is sent.
    ///
    /// # Errors
    ///
    /// [`PutRoomKeysError::SealedToAnotherKey`] if a session was not sealed to this backup's key,
    /// otherwise [`PutRoomKeysError::OtherRoom`] if one belongs to another room.
    pub fn new(
        backup: &TrustedBackup,
        room_id: RoomId,
        sessions: impl IntoIterator<Item = SealedSession>,
    ) -> Result<Self, PutRoomKeysError> {
        let sessions = SealedSessions::new(backup, sessions)?;
        if sessions.rooms.keys().all(|other| *other == room_id) {
            return Ok(Self { room_id, sessions });
        }
        let is_fitting = |session: &SealedSession| *session.room_id() == room_id;
        let (fitting, refused) = sessions.into_sessions().into_iter().partition(is_fitting);
        Err(PutRoomKeysError::OtherRoom { refused, fitting })
    }

    /// How many sessions are sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The exact length of the body, in bytes. It takes about as long as writing it.
    #[must_use]
    pub fn body_len(&self) -> usize {
        json::len(&self.to_body())
    }

    /// The sessions, taken out.
    #[must_use]
    pub fn into_sessions(self) -> Vec<SealedSession> {
        self.sessions.into_sessions()
    }

    /// Two requests with half of the sessions each.
    ///
    /// # Errors
    ///
    /// The request itself if it has fewer than two sessions.
    pub fn split(self) -> Result<(Self, Self), Self> {
        let room_id = self.room_id;
        let with = |sessions| Self { room_id: room_id.clone(), sessions };
        match self.sessions.split() {
            Ok((first, second)) => Ok((with(first), with(second))),
            Err(sessions) => Err(with(sessions)),
        }
    }

    fn to_body(&self) -> Body<'_> {
        Body { sessions: self.sessions.rooms.get(&self.room_id).unwrap_or(SessionsOfRoom::none()) }
    }
}

impl Sealed for PutRoomKeysForRoom {}

impl Endpoint for PutRoomKeysForRoom {
    type Response = StoredRoomKeys;

    fn method(&self) -> Method {
        Method::PUT
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        keys_path::of_room(&self.sessions.version, &self.room_id)
    }

    fn body(&self) -> Vec<u8> {
        json::to_bytes(&self.to_body(), self.len() * USUAL_LENGTH)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<StoredRoomKeys, ResponseError> {
        StoredRoomKeys::read(body)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    sessions: &'a SessionsOfRoom,
}

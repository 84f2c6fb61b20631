//! Sessions with their room, as clients export and import them.

use super::{Repair, SessionData, SessionDataError};
use crate::{
    crypto::ed25519::PointTest,
    encoding::read::Read,
    ids::{RoomId, SessionId},
    secret::SecretVec,
};

/// A session and the room it belongs to: one element of a
/// [key export](https://spec.matrix.org/v1.16/client-server-api/#key-export-format).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedSession {
    /// The room, which nothing in the session proves.
    pub room_id: RoomId,
    /// The session.
    pub session: SessionData,
}

impl ExportedSession {
    /// Reads one element of a key export, as tolerantly as [`SessionData::from_json`].
    ///
    /// # Errors
    ///
    /// [`SessionDataError`] if it names no room or holds no usable session.
    pub fn from_json(text: &[u8]) -> Result<Read<Self, Repair>, SessionDataError> {
        let (Read { value: session, mut repairs }, claims) =
            SessionData::from_json_with_claims(text, &mut PointTest::Now)?;
        let room_id = claims.room_id.ok_or(SessionDataError::NoRoom)?;
        if claims.session_id.is_some_and(|claimed| claimed != session.session_id()) {
            repairs.push(Repair::OtherSessionIdClaimed);
        }
        Ok(Read { value: Self { room_id, session }, repairs })
    }

    /// The session's ID, the one inside its key.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.session.session_id()
    }

    /// Returns the JSON that clients import.
    ///
    /// # Errors
    ///
    /// [`SessionDataError::NotARoomId`] if clients would refuse the session, and with it every other one in the file: leave it out.
    pub fn to_json(&self) -> Result<SecretVec, SessionDataError> {
        if !self.room_id.is_read_by_clients() {
            return Err(SessionDataError::NotARoomId);
        }
        Ok(self.session.to_exported_json(&self.room_id))
    }
}

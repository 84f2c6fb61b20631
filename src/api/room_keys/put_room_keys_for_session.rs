//! `PUT /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`

use http::Method;

use super::{PutRoomKeysError, StoredRoomKeys, keys_path, sealed_sessions::USUAL_LENGTH};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    backup::{SealedSession, TrustedBackup},
    encoding::json,
    ids::BackupVersion,
};

/// Stores one session in a backup
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid)).
///
/// As [`PutRoomKeys`](super::PutRoomKeys), for one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutRoomKeysForSession {
    version: BackupVersion,
    session: SealedSession,
}

impl PutRoomKeysForSession {
    /// Takes a session for upload.
    ///
    /// # Errors
    ///
    /// [`PutRoomKeysError::SealedToAnotherKey`] if it was not sealed to this backup's key.
    pub fn new(backup: &TrustedBackup, session: SealedSession) -> Result<Self, PutRoomKeysError> {
        if session.sealed_to() != backup.public_key() {
            let (refused, fitting) = (vec![session], Vec::new());
            return Err(PutRoomKeysError::SealedToAnotherKey { refused, fitting });
        }
        Ok(Self { version: backup.version().clone(), session })
    }

    /// The exact length of the body, in bytes. It takes about as long as writing it.
    #[must_use]
    pub fn body_len(&self) -> usize {
        json::len(self.session.data())
    }

    /// The session, taken out.
    #[must_use]
    pub fn into_session(self) -> SealedSession {
        self.session
    }
}

impl Sealed for PutRoomKeysForSession {}

impl Endpoint for PutRoomKeysForSession {
    type Response = StoredRoomKeys;

    fn method(&self) -> Method {
        Method::PUT
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        keys_path::of_session(&self.version, self.session.room_id(), self.session.session_id())
    }

    fn body(&self) -> Vec<u8> {
        json::to_bytes(self.session.data(), USUAL_LENGTH)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<StoredRoomKeys, ResponseError> {
        StoredRoomKeys::read(body)
    }
}

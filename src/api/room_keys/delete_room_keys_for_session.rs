//! `DELETE /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`

use http::Method;

use super::{StoredRoomKeys, keys_path};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    ids::{BackupVersion, RoomId, SessionId},
};

/// Deletes one session from a backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keyskeysroomidsessionid)).
/// A session that is not there is a success, too.
#[derive(Debug, Clone)]
pub struct DeleteRoomKeysForSession {
    version: BackupVersion,
    room_id: RoomId,
    session_id: SessionId,
}

impl DeleteRoomKeysForSession {
    /// For this session of this room in this version, current or not.
    #[must_use]
    pub fn new(version: BackupVersion, room_id: RoomId, session_id: SessionId) -> Self {
        Self { version, room_id, session_id }
    }
}

impl Sealed for DeleteRoomKeysForSession {}

impl Endpoint for DeleteRoomKeysForSession {
    type Response = StoredRoomKeys;

    fn method(&self) -> Method {
        Method::DELETE
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        keys_path::of_session(&self.version, &self.room_id, &self.session_id)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<StoredRoomKeys, ResponseError> {
        StoredRoomKeys::read(body)
    }
}

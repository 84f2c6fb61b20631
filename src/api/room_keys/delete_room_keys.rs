//! `DELETE /_matrix/client/v3/room_keys/keys`, `…/{roomId}` and `…/{roomId}/{sessionId}`

use http::Method;

use super::{StoredRoomKeys, keys_path::KeysPath};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    ids::{BackupVersion, RoomId, SessionId},
};

/// Deletes all sessions of a backup version, which stays
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keyskeys)).
/// The `etag` moves even if there was nothing to delete.
#[derive(Debug, Clone)]
pub struct DeleteRoomKeys {
    version: BackupVersion,
    path: KeysPath,
}

impl DeleteRoomKeys {
    /// For the sessions of this version, current or not.
    #[must_use]
    pub fn new(version: BackupVersion) -> Self {
        Self { version, path: KeysPath::Backup }
    }

    /// For all sessions of this room in this version
    /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keyskeysroomid)).
    #[must_use]
    pub fn for_room(version: BackupVersion, room_id: RoomId) -> Self {
        Self { version, path: KeysPath::Room(room_id) }
    }

    /// For this session of this room in this version
    /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keyskeysroomidsessionid)).
    /// A session that is not there is a success, too.
    #[must_use]
    pub fn for_session(version: BackupVersion, room_id: RoomId, session_id: SessionId) -> Self {
        Self { version, path: KeysPath::Session(room_id, session_id) }
    }
}

impl Sealed for DeleteRoomKeys {}

impl Endpoint for DeleteRoomKeys {
    type Response = StoredRoomKeys;

    fn method(&self) -> Method {
        Method::DELETE
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        self.path.path_and_query(&self.version)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<StoredRoomKeys, ResponseError> {
        StoredRoomKeys::read(body)
    }
}

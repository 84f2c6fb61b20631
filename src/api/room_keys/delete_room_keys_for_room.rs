//! `DELETE /_matrix/client/v3/room_keys/keys/{roomId}`

use http::Method;

use super::{StoredRoomKeys, keys_path};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    ids::{BackupVersion, RoomId},
};

/// Deletes the sessions of one room from a backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keyskeysroomid)).
/// A room without sessions is a success, too.
#[derive(Debug, Clone)]
pub struct DeleteRoomKeysForRoom {
    version: BackupVersion,
    room_id: RoomId,
}

impl DeleteRoomKeysForRoom {
    /// For the sessions of this room in this version, current or not.
    #[must_use]
    pub fn new(version: BackupVersion, room_id: RoomId) -> Self {
        Self { version, room_id }
    }
}

impl Sealed for DeleteRoomKeysForRoom {}

impl Endpoint for DeleteRoomKeysForRoom {
    type Response = StoredRoomKeys;

    fn method(&self) -> Method {
        Method::DELETE
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        keys_path::of_room(&self.version, &self.room_id)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<StoredRoomKeys, ResponseError> {
        StoredRoomKeys::read(body)
    }
}

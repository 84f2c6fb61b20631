//! `GET /_matrix/client/v3/room_keys/keys/{roomId}`

use http::Method;

use super::{RoomKeys, keys_path};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    backup::RoomKeysSplitter,
    ids::{BackupVersion, RoomId},
};

/// Asks for the sessions of one room
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeysroomid)).
///
/// The response does not name the room. To restore it while it arrives, set
/// [`RestoreOptions::room_id`](crate::backup::RestoreOptions::room_id).
#[derive(Debug, Clone)]
pub struct GetRoomKeysForRoom {
    version: BackupVersion,
    room_id: RoomId,
}

impl GetRoomKeysForRoom {
    /// For the sessions of this room in this version.
    #[must_use]
    pub fn new(version: BackupVersion, room_id: RoomId) -> Self {
        Self { version, room_id }
    }
}

impl Sealed for GetRoomKeysForRoom {}

impl Endpoint for GetRoomKeysForRoom {
    type Response = RoomKeys;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        keys_path::of_room(&self.version, &self.room_id)
    }

    fn max_response_bytes(&self, limits: &Limits) -> usize {
        limits.sessions_response_bytes
    }

    /// A response without `sessions` is an error and never an empty room.
    fn read_body(&self, body: &[u8], limits: &Limits) -> Result<RoomKeys, ResponseError> {
        RoomKeys::read(RoomKeysSplitter::for_room(self.room_id.clone(), limits), body, limits)
    }
}

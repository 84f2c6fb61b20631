//! `GET /_matrix/client/v3/room_keys/keys` and `…/{roomId}`

use http::Method;

use super::{RoomKeys, keys_path::KeysPath};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    backup::RoomKeysSplitter,
    ids::{BackupVersion, RoomId},
};

/// Asks for all sessions of a backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeys)), or for those of one room
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeysroomid)). One session is
/// asked for by [`GetRoomKeysForSession`](super::GetRoomKeysForSession), since its response has another form.
///
/// Reading needs no trust: what comes back is unauthenticated in any case.
///
/// The response of a large backup has hundreds of megabytes. Do not wait for it as a whole: feed it to
/// a [`Restore`](crate::backup::Restore) while it arrives.
#[derive(Debug, Clone)]
pub struct GetRoomKeys {
    version: BackupVersion,
    room_id: Option<RoomId>,
}

impl GetRoomKeys {
    /// For the sessions of this version.
    #[must_use]
    pub fn new(version: BackupVersion) -> Self {
        Self { version, room_id: None }
    }

    /// For the sessions of this room in this version.
    ///
    /// The response does not name the room. To restore it while it arrives, set
    /// [`RestoreOptions::room_id`](crate::backup::RestoreOptions::room_id).
    #[must_use]
    pub fn for_room(version: BackupVersion, room_id: RoomId) -> Self {
        Self { version, room_id: Some(room_id) }
    }
}

impl Sealed for GetRoomKeys {}

impl Endpoint for GetRoomKeys {
    type Response = RoomKeys;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        let path = self.room_id.clone().map_or(KeysPath::Backup, KeysPath::Room);
        path.path_and_query(&self.version)
    }

    fn max_response_bytes(&self, limits: &Limits) -> usize {
        limits.sessions_response_bytes
    }

    /// A response without `rooms`, or `sessions` for one room, is an error and never an empty backup or room: an error body
    /// with status 200, for one.
    fn read_body(&self, body: &[u8], limits: &Limits) -> Result<RoomKeys, ResponseError> {
        let splitter = match &self.room_id {
            None => RoomKeysSplitter::new(limits),
            Some(room_id) => RoomKeysSplitter::for_room(room_id.clone(), limits),
        };
        RoomKeys::read(splitter, body, limits)
    }
}

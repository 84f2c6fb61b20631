//! `DELETE /_matrix/client/v3/room_keys/keys`, `…/{roomId}` and `…/{roomId}/{sessionId}`

use http::Method;

use super::{
    StoredRoomKeys,
    keys_path::{of_backup, of_room, of_session},
};
use crate::{
    api::{Request, RequestError, path::Path},
    ids::{BackupVersion, RoomId, SessionId},
};

/// Deletes all sessions of a backup version, current or not. The version stays
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keyskeys)).
/// The `etag` moves even if there was nothing to delete.
#[must_use]
pub fn delete_room_keys(version: &BackupVersion) -> Request<StoredRoomKeys> {
    delete(Ok(of_backup(version)))
}

/// Deletes all sessions of this room in this version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keyskeysroomid)).
#[must_use]
pub fn delete_room_keys_for_room(
    version: &BackupVersion,
    room_id: &RoomId,
) -> Request<StoredRoomKeys> {
    delete(of_room(version, room_id))
}

/// Deletes this session of this room in this version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keyskeysroomidsessionid)).
/// A session that is not there is a success, too.
#[must_use]
pub fn delete_room_keys_for_session(
    version: &BackupVersion,
    room_id: &RoomId,
    session_id: &SessionId,
) -> Request<StoredRoomKeys> {
    delete(of_session(version, room_id, session_id))
}

fn delete(path: Result<Path, RequestError>) -> Request<StoredRoomKeys> {
    Request::new(Method::DELETE, path, StoredRoomKeys::read)
}

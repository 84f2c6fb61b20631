//! The paths under `/room_keys/keys`.

use crate::{
    api::{RequestError, path::Path},
    ids::{BackupVersion, RoomId, SessionId},
};

/// Of all sessions of a version.
pub(super) fn of_backup(version: &BackupVersion) -> Path {
    Path::new("/room_keys/keys").query("version", version.as_str())
}

/// Of the sessions of a room.
pub(super) fn of_room(version: &BackupVersion, room_id: &RoomId) -> Result<Path, RequestError> {
    of_backup(version).segment("roomId", room_id.as_str())
}

/// Of one session.
pub(super) fn of_session(
    version: &BackupVersion,
    room_id: &RoomId,
    session_id: &SessionId,
) -> Result<Path, RequestError> {
    of_room(version, room_id)?.segment("sessionId", session_id.as_str())
}

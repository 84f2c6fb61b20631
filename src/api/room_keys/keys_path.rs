//! The paths under `/room_keys/keys`.

use crate::{
    api::{RequestError, path::Path},
    ids::{BackupVersion, RoomId, SessionId},
};

/// All sessions of a version.
pub(super) fn of_backup(version: &BackupVersion) -> String {
    finish(Path::new(KEYS), version)
}

/// The sessions of one room.
pub(super) fn of_room(version: &BackupVersion, room_id: &RoomId) -> Result<String, RequestError> {
    let path = Path::new(KEYS).segment("roomId", room_id.as_str())?;
    Ok(finish(path, version))
}

/// One session.
pub(super) fn of_session(
    version: &BackupVersion,
    room_id: &RoomId,
    session_id: &SessionId,
) -> Result<String, RequestError> {
    let path = Path::new(KEYS)
        .segment("roomId", room_id.as_str())?
        .segment("sessionId", session_id.as_str())?;
    Ok(finish(path, version))
}

fn finish(path: Path, version: &BackupVersion) -> String {
    path.query("version", version.as_str()).to_string()
}

const KEYS: &str = "/room_keys/keys";

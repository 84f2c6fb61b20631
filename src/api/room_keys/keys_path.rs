//! The paths under `/room_keys/keys`: of all sessions of a version, of a room's, or of one.

use crate::{
    api::{RequestError, path::Path},
    ids::{BackupVersion, RoomId, SessionId},
};

/// Which sessions of a version a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeysPath {
    /// All of them.
    Backup,
    /// Those of one room.
    Room(RoomId),
    /// One.
    Session(RoomId, SessionId),
}

impl KeysPath {
    pub(super) fn path_and_query(&self, version: &BackupVersion) -> Result<String, RequestError> {
        let path = Path::new("/room_keys/keys");
        let path = match self {
            Self::Backup => path,
            Self::Room(room_id) => path.segment("roomId", room_id.as_str())?,
            Self::Session(room_id, session_id) => path
                .segment("roomId", room_id.as_str())?
                .segment("sessionId", session_id.as_str())?,
        };
        Ok(path.query("version", version.as_str()).to_string())
    }
}

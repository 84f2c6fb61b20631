//! `GET /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`

use http::Method;

use super::keys_path::KeysPath;
use crate::{
    Limits,
    api::{
        Endpoint, RequestError, ResponseError,
        endpoint::{object, sealed::Sealed},
    },
    backup::BackedUpSession,
    ids::{BackupVersion, RoomId, SessionId},
};

/// Asks for one session
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid)).
///
/// Open it with [`BackupDecryptionKey::open_session`](crate::backup::BackupDecryptionKey::open_session). That the
/// backup does not hold it is [not found](crate::api::ApiError::is_not_found), and so is that there is
/// no such backup; ask for the version to tell them apart.
#[derive(Debug, Clone)]
pub struct GetRoomKeysForSession {
    version: BackupVersion,
    room_id: RoomId,
    session_id: SessionId,
}

impl GetRoomKeysForSession {
    /// For this session of this room in this version.
    #[must_use]
    pub fn new(version: BackupVersion, room_id: RoomId, session_id: SessionId) -> Self {
        Self { version, room_id, session_id }
    }
}

impl Sealed for GetRoomKeysForSession {}

impl Endpoint for GetRoomKeysForSession {
    type Response = BackedUpSession;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        let (room_id, session_id) = (self.room_id.clone(), self.session_id.clone());
        KeysPath::Session(room_id, session_id).path_and_query(&self.version)
    }

    fn max_response_bytes(&self, limits: &Limits) -> usize {
        limits.session_bytes
    }

    /// An object without `session_data` is no session; what else may be wrong is found when it is
    /// opened.
    fn read_body(&self, body: &[u8], _: &Limits) -> Result<BackedUpSession, ResponseError> {
        object(body)?.take("session_data").ok_or(ResponseError::Member("session_data"))?;
        let (room_id, session_id) = (self.room_id.clone(), self.session_id.clone());
        Ok(BackedUpSession { room_id, session_id, json: body.to_owned() })
    }
}

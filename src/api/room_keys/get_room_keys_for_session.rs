//! `GET /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`

use http::Method;

use super::keys_path::of_session;
use crate::{
    api::{Request, request::object},
    backup::BackedUpSession,
    encoding::format::FormatProblem,
    ids::{BackupVersion, RoomId, SessionId},
};

/// Asks for one session
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid)).
///
/// Open it with [`BackupDecryptionKey::open_session`](crate::backup::BackupDecryptionKey::open_session). That the
/// backup does not hold it is [not found](crate::api::ApiError::is_not_found), and so is that there is
/// no such backup; ask for the version to tell them apart.
#[must_use]
pub fn get_room_keys_for_session(
    version: &BackupVersion,
    room_id: &RoomId,
    session_id: &SessionId,
) -> Request<BackedUpSession> {
    let path = of_session(version, room_id, session_id);
    let (room_id, session_id) = (room_id.clone(), session_id.clone());
    // What else may be wrong with it is found when it is opened.
    let read = move |body: &[u8], _: &_| {
        object(body)?.take("session_data").ok_or(FormatProblem::Unusable("session_data"))?;
        let (room_id, session_id) = (room_id.clone(), session_id.clone());
        Ok(BackedUpSession { room_id, session_id, json: body.to_owned() })
    };
    Request::new(Method::GET, path, read).with_longest(|limits| limits.session_bytes)
}

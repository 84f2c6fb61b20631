//! `GET /_matrix/client/v3/room_keys/keys` and `…/{roomId}`

use http::Method;

use super::{
    RoomKeys,
    keys_path::{of_backup, of_room},
};
use crate::{
    Limits,
    api::Request,
    backup::RoomKeysSplitter,
    ids::{BackupVersion, RoomId},
};

/// Asks for all sessions of a backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeys)).
///
/// Reading needs no trust: what comes back is unauthenticated in any case.
///
/// The response of a large backup has hundreds of megabytes. Do not wait for it as a whole: feed it to
/// a [`Restore`](crate::backup::Restore) while it arrives.
///
/// A response without `rooms` is an error and never an empty backup: an error body with status 200, for one.
#[must_use]
pub fn get_room_keys(version: &BackupVersion) -> Request<RoomKeys> {
    let read =
        |body: &[u8], limits: &Limits| RoomKeys::read(RoomKeysSplitter::new(limits), body, limits);
    Request::new(Method::GET, Ok(of_backup(version)), read)
        .with_longest(|limits| limits.sessions_response_bytes)
}

/// Asks for the sessions of one room, as [`get_room_keys`] does for those of all
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeysroomid)).
///
/// The response does not name the room. To restore it while it arrives, set
/// [`RestoreOptions::room_id`](crate::backup::RestoreOptions::room_id).
#[must_use]
pub fn get_room_keys_for_room(version: &BackupVersion, room_id: &RoomId) -> Request<RoomKeys> {
    let path = of_room(version, room_id);
    let room_id = room_id.clone();
    let read = move |body: &[u8], limits: &Limits| {
        RoomKeys::read(RoomKeysSplitter::for_room(room_id.clone(), limits), body, limits)
    };
    Request::new(Method::GET, path, read).with_longest(|limits| limits.sessions_response_bytes)
}

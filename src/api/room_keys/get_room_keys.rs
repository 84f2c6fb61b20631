//! `GET /_matrix/client/v3/room_keys/keys`

use http::Method;

use super::{RoomKeys, keys_path};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    backup::RoomKeysSplitter,
    ids::BackupVersion,
};

/// Asks for all sessions of a backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeys)).
///
/// Reading needs no trust: what comes back is unauthenticated in any case.
///
/// The response of a large backup has hundreds of megabytes. Do not wait for it as a whole: feed it to
/// a [`Restore`](crate::backup::Restore) while it arrives.
#[derive(Debug, Clone)]
pub struct GetRoomKeys {
    version: BackupVersion,
}

impl GetRoomKeys {
    /// For the sessions of this version.
    #[must_use]
    pub fn new(version: BackupVersion) -> Self {
        Self { version }
    }
}

impl Sealed for GetRoomKeys {}

impl Endpoint for GetRoomKeys {
    type Response = RoomKeys;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        Ok(keys_path::of_backup(&self.version))
    }

    fn max_response_bytes(&self, limits: &Limits) -> usize {
        limits.sessions_response_bytes
    }

    /// A response without `rooms`, an error body with status 200 for one, is an error and never an
    /// empty backup.
    fn read_body(&self, body: &[u8], limits: &Limits) -> Result<RoomKeys, ResponseError> {
        RoomKeys::read(RoomKeysSplitter::new(limits), body, limits)
    }
}

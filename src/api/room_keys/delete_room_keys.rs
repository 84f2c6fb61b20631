//! `DELETE /_matrix/client/v3/room_keys/keys`

use http::Method;

use super::{StoredRoomKeys, keys_path};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    ids::BackupVersion,
};

/// Deletes all sessions of a backup version, which stays
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keyskeys)).
/// The `etag` moves even if there was nothing to delete.
#[derive(Debug, Clone)]
pub struct DeleteRoomKeys {
    version: BackupVersion,
}

impl DeleteRoomKeys {
    /// For the sessions of this version, current or not.
    #[must_use]
    pub fn new(version: BackupVersion) -> Self {
        Self { version }
    }
}

impl Sealed for DeleteRoomKeys {}

impl Endpoint for DeleteRoomKeys {
    type Response = StoredRoomKeys;

    fn method(&self) -> Method {
        Method::DELETE
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        Ok(keys_path::of_backup(&self.version))
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<StoredRoomKeys, ResponseError> {
        StoredRoomKeys::read(body)
    }
}

//! `GET /_matrix/client/v3/room_keys/version`

use http::Method;

use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed, path::Path},
    backup::BackupVersionInfo,
};

/// Asks for the current backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keysversion)).
///
/// `None` means that a Matrix homeserver says there is none. A proxy's 404 is an error.
#[derive(Debug, Clone, Copy)]
pub struct GetCurrentBackupVersion;

impl Sealed for GetCurrentBackupVersion {}

impl Endpoint for GetCurrentBackupVersion {
    type Response = Option<BackupVersionInfo>;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        Ok(Path::new("/room_keys/version").to_string())
    }

    fn read_body(&self, body: &[u8], limits: &Limits) -> Result<Self::Response, ResponseError> {
        Ok(Some(BackupVersionInfo::from_json(body, limits)?))
    }

    fn when_not_found(&self) -> Option<Self::Response> {
        Some(None)
    }
}

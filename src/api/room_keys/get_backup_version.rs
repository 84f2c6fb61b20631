//! `GET /_matrix/client/v3/room_keys/version/{version}`

use http::Method;

use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed, path::Path},
    backup::BackupVersionInfo,
    ids::BackupVersion,
};

/// Asks for one backup version, current or not
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keysversionversion)).
///
/// `None` means that a Matrix homeserver says there is none. The version of the response is the one
/// that the homeserver names, which one deployed server does not take for granted: it reads `01` as `1`.
#[derive(Debug, Clone)]
pub struct GetBackupVersion {
    version: BackupVersion,
}

impl GetBackupVersion {
    /// For this version.
    #[must_use]
    pub fn new(version: BackupVersion) -> Self {
        Self { version }
    }
}

impl Sealed for GetBackupVersion {}

impl Endpoint for GetBackupVersion {
    type Response = Option<BackupVersionInfo>;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        version_path(&self.version)
    }

    fn read_body(&self, body: &[u8], limits: &Limits) -> Result<Self::Response, ResponseError> {
        Ok(Some(BackupVersionInfo::from_json(body, limits)?))
    }

    fn when_not_found(&self) -> Option<Self::Response> {
        Some(None)
    }
}

/// The path of one version, for all that can be done with it.
pub(super) fn version_path(version: &BackupVersion) -> Result<String, RequestError> {
    let path = Path::new("/room_keys/version").segment("version", version.as_str())?;
    Ok(path.to_string())
}

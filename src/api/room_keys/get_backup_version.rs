//! `GET /_matrix/client/v3/room_keys/version` and `…/{version}`

use http::Method;

use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed, path::Path},
    backup::BackupVersionInfo,
    ids::BackupVersion,
};

/// Asks for the current backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keysversion)), or for one of them,
/// current or not
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keysversionversion)).
///
/// `None` means that a Matrix homeserver says there is none. A proxy's 404 is an error. The version of the response is the one
/// that the homeserver names, which one deployed server does not take for granted: it reads `01` as `1`.
#[derive(Debug, Clone)]
pub struct GetBackupVersion {
    version: Option<BackupVersion>,
}

impl GetBackupVersion {
    /// For the current version.
    #[must_use]
    pub fn current() -> Self {
        Self { version: None }
    }

    /// For this version.
    #[must_use]
    pub fn new(version: BackupVersion) -> Self {
        Self { version: Some(version) }
    }
}

impl Sealed for GetBackupVersion {}

impl Endpoint for GetBackupVersion {
    type Response = Option<BackupVersionInfo>;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        match &self.version {
            None => Ok(Path::new(VERSION).to_string()),
            Some(version) => version_path(version),
        }
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
    let path = Path::new(VERSION).segment("version", version.as_str())?;
    Ok(path.to_string())
}

const VERSION: &str = "/room_keys/version";

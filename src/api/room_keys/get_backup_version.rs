//! `GET /_matrix/client/v3/room_keys/version` and `…/{version}`

use http::Method;

use crate::{
    api::{Request, RequestError, path::Path},
    backup::BackupVersionInfo,
    ids::BackupVersion,
};

/// Asks for the current backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keysversion)).
///
/// `None` means that a Matrix homeserver says there is none. A proxy's 404 is an error. The version of the response is the one
/// that the homeserver names, which one deployed server does not take for granted: it reads `01` as `1`.
#[must_use]
pub fn get_current_backup_version() -> Request<Option<BackupVersionInfo>> {
    get(Ok(Path::new(VERSION)))
}

/// Asks for this backup version, current or not
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keysversionversion)), and is
/// answered as [`get_current_backup_version`] is.
#[must_use]
pub fn get_backup_version(version: &BackupVersion) -> Request<Option<BackupVersionInfo>> {
    get(version_path(version))
}

fn get(path: Result<Path, RequestError>) -> Request<Option<BackupVersionInfo>> {
    let read = |body: &[u8], limits: &_| Ok(Some(BackupVersionInfo::from_json(body, limits)?));
    Request::new(Method::GET, path, read).with_not_found(|| None)
}

/// The path of one version, for all that can be done with it.
pub(super) fn version_path(version: &BackupVersion) -> Result<Path, RequestError> {
    Path::new(VERSION).segment("version", version.as_str())
}

const VERSION: &str = "/room_keys/version";

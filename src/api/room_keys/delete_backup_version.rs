//! `DELETE /_matrix/client/v3/room_keys/version/{version}`

use http::Method;

use super::get_backup_version::version_path;
use crate::{
    api::{Request, request::done},
    ids::BackupVersion,
};

/// Deletes a backup version and every session in it
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keysversionversion)).
///
/// It needs no more than the version, so one whose `auth_data` cannot be used can be deleted, too. On
/// deployed servers the newest of the older versions becomes the current one again. One that is
/// deleted already is a success there; one that never was is [not
/// found](crate::api::ApiError::is_not_found).
#[must_use]
pub fn delete_backup_version(version: &BackupVersion) -> Request<()> {
    Request::new(Method::DELETE, version_path(version), done)
}

//! `DELETE /_matrix/client/v3/room_keys/version/{version}`

use http::Method;

use super::get_backup_version::version_path;
use crate::{
    Limits,
    api::{
        Endpoint, RequestError, ResponseError,
        endpoint::{acknowledgement, sealed::Sealed},
    },
    ids::BackupVersion,
};

/// Deletes a backup version and every session in it
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#delete_matrixclientv3room_keysversionversion)).
///
/// It needs no more than the version, so one whose `auth_data` cannot be used can be deleted, too. On
/// deployed servers the newest of the older versions becomes the current one again. One that is
/// deleted already is a success there; one that never was is [not
/// found](crate::api::ApiError::is_not_found).
#[derive(Debug, Clone)]
pub struct DeleteBackupVersion {
    version: BackupVersion,
}

impl DeleteBackupVersion {
    /// For this version.
    #[must_use]
    pub fn new(version: BackupVersion) -> Self {
        Self { version }
    }
}

impl Sealed for DeleteBackupVersion {}

impl Endpoint for DeleteBackupVersion {
    type Response = ();

    fn method(&self) -> Method {
        Method::DELETE
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        version_path(&self.version)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<(), ResponseError> {
        acknowledgement(body).map(drop)
    }
}

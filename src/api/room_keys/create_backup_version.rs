//! `POST /_matrix/client/v3/room_keys/version`

use http::Method;
use serde::Serialize;

use crate::{
    Limits,
    api::{
        Endpoint, RequestError, ResponseError,
        endpoint::{object, sealed::Sealed},
        path::Path,
    },
    backup::{AuthData, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2},
    encoding::json,
    ids::BackupVersion,
};

/// Creates a backup version, which becomes the current one
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3room_keysversion)).
#[derive(Debug, Clone)]
pub struct CreateBackupVersion {
    auth_data: AuthData,
}

impl CreateBackupVersion {
    /// For a backup of the current algorithm with this `auth_data`, signed or not.
    #[must_use]
    pub fn new(auth_data: AuthData) -> Self {
        Self { auth_data }
    }
}

impl Sealed for CreateBackupVersion {}

impl Endpoint for CreateBackupVersion {
    type Response = BackupVersion;

    fn method(&self) -> Method {
        Method::POST
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        Ok(Path::new("/room_keys/version").to_string())
    }

    fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            algorithm: &'static str,
            auth_data: &'a AuthData,
        }
        let body =
            Body { algorithm: MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, auth_data: &self.auth_data };
        json::to_bytes(&body, self.auth_data.as_json().len() + 128)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<BackupVersion, ResponseError> {
        object(body)?
            .take("version")
            .and_then(json::lenient_token)
            .and_then(BackupVersion::of_server)
            .ok_or(ResponseError::Member("version"))
    }
}

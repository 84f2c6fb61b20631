//! `GET /_matrix/client/v3/room_keys/version`

use http::{Method, Response};

use crate::{
    Limits,
    api::{
        Endpoint,
        endpoint::successful_body,
        error::{ApiError, ResponseError},
    },
    backup::{BackupVersionInfo, BackupVersionInfoError},
};

/// Asks for the current backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keysversion)).
///
/// `None` means that a Matrix homeserver says there is none. A proxy's 404 is an error.
#[derive(Debug, Clone, Copy)]
pub struct GetCurrentBackupVersion;

impl Endpoint for GetCurrentBackupVersion {
    type Response = Option<BackupVersionInfo>;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> String {
        "/_matrix/client/v3/room_keys/version".to_owned()
    }

    fn body(&self) -> Vec<u8> {
        Vec::new()
    }

    fn read_body(&self, body: &[u8], limits: &Limits) -> Result<Self::Response, ResponseError> {
        BackupVersionInfo::from_json(body, limits).map(Some).map_err(|error| match error {
            BackupVersionInfoError::NotJson => ResponseError::NotJson,
            BackupVersionInfoError::NotAnObject => ResponseError::NotAnObject,
            BackupVersionInfoError::Member(name) => ResponseError::Member(name),
            BackupVersionInfoError::Unkeepable => ResponseError::Unkeepable,
        })
    }

    fn read_response(
        &self,
        response: &Response<impl AsRef<[u8]>>,
        limits: &Limits,
    ) -> Result<Self::Response, ApiError> {
        match successful_body(response, self.max_response_bytes(limits)) {
            Ok(body) => Ok(self.read_body(body, limits)?),
            Err(error) if error.is_not_found() || is_not_found_of_early_servers(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Early servers have no code of their own for "no backup".
fn is_not_found_of_early_servers(error: &ApiError) -> bool {
    matches!(error, ApiError::Matrix(error)
        if error.status == 404 && error.errcode.as_str() == "M_UNKNOWN")
}

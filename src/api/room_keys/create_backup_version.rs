//! `POST /_matrix/client/v3/room_keys/version`

use http::Method;
use serde::Serialize;

use crate::{
    api::{Request, path::Path, request::object},
    backup::{AuthData, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2},
    encoding::{format::FormatProblem, json},
    ids::BackupVersion,
};

/// Creates a backup version of the current algorithm with this `auth_data`, signed or not. It becomes the current one
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3room_keysversion)).
#[must_use]
pub fn create_backup_version(auth_data: &AuthData) -> Request<BackupVersion> {
    #[derive(Serialize)]
    struct Body<'a> {
        algorithm: &'static str,
        auth_data: &'a AuthData,
    }
    let body = Body { algorithm: MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, auth_data };
    let read = |body: &[u8], _: &_| {
        object(body)?
            .take("version")
            .and_then(json::lenient_token)
            .and_then(BackupVersion::of_server)
            .ok_or(FormatProblem::Unusable("version").into())
    };
    Request::new(Method::POST, Ok(Path::new("/room_keys/version")), read)
        .with_body(json::to_bytes(&body, auth_data.as_json().len() + 128))
}

//! `PUT /_matrix/client/v3/room_keys/version/{version}`

use http::Method;
use serde::Serialize;

use super::get_backup_version::version_path;
use crate::{
    api::{Request, request::done},
    backup::{AuthData, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2},
    encoding::json,
    ids::BackupVersion,
};

/// Writes the `auth_data` of a backup version of the current algorithm anew: as it was read, or with a signature more or less
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3room_keysversionversion)).
///
/// The algorithm cannot be changed. The public key should not be either: what is stored was sealed to
/// the old one. The homeserver's `etag` does not move.
///
/// What a key of the user signs is never what the homeserver returned, but an
/// [`UnsignedAuthData`](crate::backup::UnsignedAuthData):
///
/// ```
/// # use strongroom::{api, backup::{BackupVersionInfo, TrustedBackup, UnsignedAuthData}};
/// # use strongroom::{crypto::ed25519::Ed25519Signature, ids::{KeyId, UserId}};
/// # fn sign(_: &[u8]) -> Ed25519Signature { Ed25519Signature::from_bytes([1; 64]) }
/// fn add_signature(
///     trusted: &TrustedBackup,
///     info: &BackupVersionInfo,
///     user_id: &UserId,
///     key_id: &KeyId,
/// ) -> Result<api::Request<()>, Box<dyn std::error::Error>> {
///     let unsigned = UnsignedAuthData::of_trusted(trusted, info, None)?;
///     let signature = sign(unsigned.to_sign().bytes());
///     let signed = unsigned.with_signature(user_id, key_id, &signature);
///     Ok(api::update_backup_version(info.version(), &signed.into_auth_data()))
/// }
/// ```
#[must_use]
pub fn update_backup_version(version: &BackupVersion, auth_data: &AuthData) -> Request<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        algorithm: &'static str,
        auth_data: &'a AuthData,
        version: &'a BackupVersion,
    }
    let body = Body { algorithm: MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, auth_data, version };
    Request::new(Method::PUT, version_path(version), done)
        .with_body(json::to_bytes(&body, auth_data.as_json().len() + 128))
}

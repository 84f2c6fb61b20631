//! The HTTP endpoints, as values: typed requests out, typed responses in.
//!
//! The crate has no client and opens no socket. An [`Endpoint`] becomes an `http::Request` when the
//! homeserver's URL and an access token are given, and reads the `http::Response` that came back. One
//! file per endpoint of the
//! [specification](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups).
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     api::{AccessToken, BaseUrl, Endpoint as _, GetCurrentBackupVersion},
//! };
//!
//! let request = GetCurrentBackupVersion.to_http(
//!     &BaseUrl::new("https://matrix.example.org")?,
//!     &AccessToken::from("syt_secret"),
//! )?;
//! assert_eq!(request.uri().path(), "/_matrix/client/v3/room_keys/version");
//!
//! let response = http::Response::builder()
//!     .status(404)
//!     .body(r#"{"errcode":"M_NOT_FOUND","error":"No backup found"}"#)?;
//! let current = GetCurrentBackupVersion.read_response(&response, &Limits::default())?;
//! assert!(current.is_none(), "there is no backup");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod create_backup_version;
mod endpoint;
mod error;
mod get_current_backup_version;
mod get_room_keys;
mod put_room_keys;

pub use self::{
    create_backup_version::CreateBackupVersion,
    endpoint::{AccessToken, BaseUrl, BaseUrlError, Endpoint, RequestError},
    error::{ApiError, ErrorKind, MatrixError, ResponseError},
    get_current_backup_version::GetCurrentBackupVersion,
    get_room_keys::{GetRoomKeys, RoomKeys},
    put_room_keys::{PutRoomKeys, PutRoomKeysError, StoredRoomKeys},
};

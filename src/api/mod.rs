//! The HTTP endpoints, as values: typed requests out, typed responses in.
//!
//! The crate has no client and opens no socket. An [`Endpoint`] becomes an `http::Request` when the
//! homeserver's URL and an access token are given, and reads the `http::Response` that came back. One
//! file per endpoint of the [specification](https://spec.matrix.org/v1.16/client-server-api/).
//!
//! | topic | requests |
//! |---|---|
//! | backup versions | [`CreateBackupVersion`], [`GetBackupVersion`], [`UpdateBackupVersion`], [`DeleteBackupVersion`] |
//! | all sessions | [`PutRoomKeys`], [`GetRoomKeys`], [`DeleteRoomKeys`] |
//! | the sessions of a room | [`PutRoomKeys::for_room`], [`GetRoomKeys::for_room`], [`DeleteRoomKeys::for_room`] |
//! | one session | [`PutRoomKeys::for_session`], [`GetRoomKeysForSession`], [`DeleteRoomKeys::for_session`] |
//! | account data | [`GetAccountData`], [`PutAccountData`], [`GetSync`] |
//! | devices and keys | [`SendToDevice`], [`QueryKeys`], [`UploadSignatures`], [`UploadSigningKeys`] |
//! | the account | [`GetWhoAmI`] |
//!
//! Every request fails with [`RequestError`] if an identifier cannot be part of a URL, and every
//! response with [`ApiError`], which says what a host can do about it.
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     api::{AccessToken, BaseUrl, Endpoint as _, GetBackupVersion},
//! };
//!
//! let request = GetBackupVersion::current().to_http(
//!     &BaseUrl::new("https://matrix.example.org")?,
//!     &AccessToken::from("syt_secret"),
//! )?;
//! assert_eq!(request.uri().path(), "/_matrix/client/v3/room_keys/version");
//!
//! let response = http::Response::builder()
//!     .status(404)
//!     .body(r#"{"errcode":"M_NOT_FOUND","error":"No backup found"}"#)?;
//! let current = GetBackupVersion::current().read_response(&response, &Limits::default())?;
//! assert!(current.is_none(), "there is no backup");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// docs/decisions.md, 3: wire types of our own.

mod access_token;
mod base_url;
mod endpoint;
mod error;
mod get_account_data;
mod get_who_am_i;
mod members;
mod path;
mod put_account_data;
mod query_keys;
mod room_keys;
mod send_to_device;
mod sync;
mod upload_signatures;
mod upload_signing_keys;

pub use self::{
    access_token::AccessToken,
    base_url::BaseUrl,
    endpoint::{Endpoint, RequestError},
    error::{ApiError, ErrorKind, MatrixError, ResponseError, RetryAfter, UserInteractiveAuth},
    get_account_data::GetAccountData,
    get_who_am_i::GetWhoAmI,
    put_account_data::PutAccountData,
    query_keys::{NewIdentityError, OwnKeys, QueriedKeys, QueryKeys},
    room_keys::{
        CreateBackupVersion, DeleteBackupVersion, DeleteRoomKeys, GetBackupVersion, GetRoomKeys,
        GetRoomKeysForSession, PutRoomKeys, PutRoomKeysError, RoomKeys, StoredRoomKeys,
        UpdateBackupVersion,
    },
    send_to_device::SendToDevice,
    sync::{GetSync, SyncResponse, ToDeviceEvent},
    upload_signatures::{SignatureFailure, UploadSignatures},
    upload_signing_keys::UploadSigningKeys,
};

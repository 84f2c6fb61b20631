//! The HTTP endpoints, as values: typed requests out, typed responses in.
//!
//! The crate has no client and opens no socket. A function makes the [`Request`] of its endpoint, which becomes an
//! `http::Request` when the homeserver's URL and an access token are given, and reads the `http::Response` that came back. One
//! file per endpoint of the [specification](https://spec.matrix.org/v1.16/client-server-api/).
//!
//! | topic | requests |
//! |---|---|
//! | backup versions | [`create_backup_version`], [`get_current_backup_version`], [`get_backup_version`], [`update_backup_version`], [`delete_backup_version`] |
//! | all sessions | [`PutRoomKeys::new`], [`get_room_keys`], [`delete_room_keys`] |
//! | the sessions of a room | [`PutRoomKeys::for_room`], [`get_room_keys_for_room`], [`delete_room_keys_for_room`] |
//! | one session | [`PutRoomKeys::for_session`], [`get_room_keys_for_session`], [`delete_room_keys_for_session`] |
//! | account data | [`get_account_data`], [`put_account_data`], [`delete_account_data`], [`get_sync`] |
//! | devices and keys | [`request_secret`], [`send_secret`], [`send_secret_request`], [`send_encrypted`], [`query_keys`], [`upload_signatures`], [`upload_signing_keys`] |
//! | the account | [`get_who_am_i`] |
//!
//! Every request fails with [`RequestError`] if an identifier cannot be part of a URL, and every
//! response with [`ApiError`], which says what a host can do about it.
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     api::{self, AccessToken, BaseUrl},
//! };
//!
//! let get = api::get_current_backup_version();
//! let request =
//!     get.to_http(&BaseUrl::new("https://matrix.example.org")?, &AccessToken::from("syt_secret"))?;
//! assert_eq!(request.uri().path(), "/_matrix/client/v3/room_keys/version");
//!
//! let response = http::Response::builder()
//!     .status(404)
//!     .body(r#"{"errcode":"M_NOT_FOUND","error":"No backup found"}"#)?;
//! let current = get.read_response(&response, &Limits::default())?;
//! assert!(current.is_none(), "there is no backup");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// docs/decisions.md, 3: wire types of our own.

mod access_token;
mod base_url;
mod error;
mod get_account_data;
mod get_who_am_i;
mod members;
mod path;
mod put_account_data;
mod query_keys;
mod request;
mod room_keys;
mod send_to_device;
mod sync;
mod upload_signatures;
mod upload_signing_keys;

pub(crate) use self::query_keys::DEVICES_UNREADABLE;
pub use self::{
    access_token::AccessToken,
    base_url::BaseUrl,
    error::{ApiError, RetryAfter, UserInteractiveAuth},
    get_account_data::get_account_data,
    get_who_am_i::get_who_am_i,
    put_account_data::{delete_account_data, put_account_data},
    query_keys::{OwnKeys, QueriedKeys, query_keys},
    request::{Request, RequestError},
    room_keys::{
        PutRoomKeys, PutRoomKeysError, RoomKeys, StoredRoomKeys, create_backup_version,
        delete_backup_version, delete_room_keys, delete_room_keys_for_room,
        delete_room_keys_for_session, get_backup_version, get_current_backup_version,
        get_room_keys, get_room_keys_for_room, get_room_keys_for_session, update_backup_version,
    },
    send_to_device::{request_secret, send_encrypted, send_secret, send_secret_request},
    sync::{SyncResponse, get_sync},
    upload_signatures::{SignatureFailure, upload_signatures},
    upload_signing_keys::{
        upload_signing_keys, upload_signing_keys_with_auth, upload_signing_keys_with_password,
    },
};

//! Requests as they leave, responses as they come back, errors of every kind.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod account;
mod errors;
mod identifiers;
mod keys;
mod malformations;
mod own_keys;
mod room_keys;
#[path = "../support/signing.rs"]
mod signing;
mod sync;
mod with_homeserver;

use http::{Method, Response};
use strongroom::{
    Limits,
    api::{self, AccessToken, ApiError, BaseUrl, RequestError},
    backup::{
        AuthData, BackupDecryptionKey, BackupVersionInfo, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        SealOptions, SealedSession, TrustedBackup,
    },
    ids::RoomId,
    session_data::{SessionData, SessionKey},
};

#[test]
fn a_request_has_the_url_the_token_and_the_body() {
    let key = BackupDecryptionKey::generate().unwrap();
    let request = api::create_backup_version(&AuthData::new(key.public_key()))
        .to_http(&BaseUrl::new("https://example.org:8448/prefix/").unwrap(), &"t0ken".into())
        .unwrap();
    assert_eq!(request.method(), Method::POST);
    let url = "https://example.org:8448/prefix/_matrix/client/v3/room_keys/version";
    assert_eq!(request.uri(), url);
    assert_eq!(request.headers()["authorization"], "Bearer t0ken");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.headers()["accept"], "application/json");
    assert_eq!(request.headers()["content-type"], "application/json");
    let expected = format!(
        r#"{{"algorithm":"{MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2}","auth_data":{{"public_key":"{}"}}}}"#,
        key.public_key(),
    );
    assert_eq!(String::from_utf8(request.into_body()).unwrap(), expected);
}

#[test]
fn a_request_without_a_body_has_no_type_of_it() {
    let base_url = BaseUrl::new("https://example.org").unwrap();
    let request = api::get_current_backup_version().to_http(&base_url, &"t0ken".into()).unwrap();
    assert!(request.headers().get("content-type").is_none());
    assert!(request.body().is_empty());
}

#[test]
fn a_token_that_fits_no_header_is_refused() {
    let token = AccessToken::from("a\nb");
    let base_url = BaseUrl::new("https://example.org").unwrap();
    let error = api::get_current_backup_version().to_http(&base_url, &token).unwrap_err();
    assert_eq!(error, RequestError::AccessToken);
}

/// Method, path with query from behind `/_matrix/client/v3`, and body.
#[track_caller]
fn wire(endpoint: &api::Request<impl Sized>) -> (String, String, String) {
    let base_url = BaseUrl::new("https://example.org").unwrap();
    let request = endpoint.to_http(&base_url, &"t0ken".into()).unwrap();
    let url = request.uri().to_string();
    let path = url.strip_prefix("https://example.org/_matrix/client/v3").unwrap().to_owned();
    assert!(endpoint.path_and_query().unwrap().ends_with(&path), "{path}");
    (request.method().to_string(), path, String::from_utf8(request.into_body()).unwrap())
}

/// Asserts what a request is on the wire.
#[track_caller]
fn assert_wire(endpoint: &api::Request<impl Sized>, method: &str, path: &str, body: &str) {
    assert_eq!(wire(endpoint), (method.to_owned(), path.to_owned(), body.to_owned()));
}

/// What an endpoint makes of a response.
fn answer<T>(endpoint: &api::Request<T>, status: u16, body: &str) -> Result<T, ApiError> {
    let response = Response::builder().status(status).body(body.to_owned()).unwrap();
    endpoint.read_response(&response, &Limits::default())
}

fn version_info(members: &str, algorithm: &str, auth_data: &str) -> BackupVersionInfo {
    let json = format!(r#"{{{members},"algorithm":"{algorithm}","auth_data":{auth_data}}}"#);
    BackupVersionInfo::from_json(json.as_bytes(), &Limits::default()).unwrap()
}

fn trusted(version: &str) -> (TrustedBackup, BackupDecryptionKey) {
    let key = BackupDecryptionKey::generate().unwrap();
    let auth_data = AuthData::new(key.public_key());
    let member = format!(r#""version":"{version}""#);
    let info = version_info(&member, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, auth_data.as_json());
    (TrustedBackup::by_decryption_key(&info, &key, &[]).unwrap(), key)
}

fn session() -> SessionData {
    let key = vodozemac::megolm::GroupSession::new(Default::default()).session_key();
    SessionData::of_unknown_sender(SessionKey::from_bytes(&key.to_bytes()).unwrap())
}

fn sealed(backup: &TrustedBackup, room_id: &str) -> SealedSession {
    backup.seal(RoomId::from(room_id), &session(), &SealOptions::default()).unwrap()
}

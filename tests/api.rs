//! Requests as they leave, responses as they come back.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use http::{Method, Response};
use strongroom::{
    Limits,
    api::{
        AccessToken, ApiError, BaseUrl, CreateBackupVersion, Endpoint, ErrorKind,
        GetCurrentBackupVersion, GetRoomKeys, PutRoomKeys, PutRoomKeysError, RequestError,
        ResponseError,
    },
    backup::{
        AuthData, AuthDataError, BackedUpSession, BackupDecryptionKey, BackupPublicKeyError,
        BackupVersionInfo, MEGOLM_BACKUP_V1, SealOptions, SealedSession, TrustError, TrustedBackup,
    },
    excerpt::Excerpt,
    ids::{BackupVersion, RoomId},
    session_data::{SessionData, SessionKey},
};

#[test]
fn a_request_has_the_url_the_token_and_the_body() {
    let key = BackupDecryptionKey::generate().unwrap();
    let request = CreateBackupVersion::new(AuthData::new(key.public_key()))
        .to_http(&BaseUrl::new("https://example.org:8448/prefix/").unwrap(), &"t0ken".into())
        .unwrap();
    assert_eq!(request.method(), Method::POST);
    let url = "https://example.org:8448/prefix/_matrix/client/v3/room_keys/version";
    assert_eq!(request.uri(), url);
    assert_eq!(request.headers()["authorization"], "Bearer t0ken");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.headers()["content-type"], "application/json");
    let expected = format!(
        r#"{{"algorithm":"{MEGOLM_BACKUP_V1}","auth_data":{{"public_key":"{}"}}}}"#,
        key.public_key(),
    );
    assert_eq!(String::from_utf8(request.into_body()).unwrap(), expected);
}

#[test]
fn a_token_that_fits_no_header_is_refused() {
    let token = AccessToken::from("a\nb");
    let base_url = BaseUrl::new("https://example.org").unwrap();
    let error = GetCurrentBackupVersion.to_http(&base_url, &token).unwrap_err();
    assert_eq!(error, RequestError::AccessToken);
}

#[test]
fn versions_are_percent_encoded() {
    let path = GetRoomKeys::new(BackupVersion::from("a/b+c&d=ä 1")).path_and_query();
    assert_eq!(path, "/_matrix/client/v3/room_keys/keys?version=a%2Fb%2Bc%26d%3D%C3%A4%201");
}

#[test]
fn sessions_are_stored_under_the_id_inside_and_the_better_of_two_is_sent() {
    let (backup, _) = trusted("7");
    let session = session();
    let mut verified = SealOptions::default();
    verified.is_verified = true;
    let seal = |options| backup.seal(RoomId::from("!a"), &session, options).unwrap();
    let put = PutRoomKeys::new(&backup, [seal(&verified), seal(&SealOptions::default())]).unwrap();
    assert_eq!(put.path_and_query(), "/_matrix/client/v3/room_keys/keys?version=7");
    let body: serde_json::Value = serde_json::from_slice(&put.body()).unwrap();
    let stored = &body["rooms"]["!a"]["sessions"][session.session_id().as_str()];
    assert_eq!(stored["is_verified"], true);
    assert_eq!(stored["first_message_index"], 0);
    assert_eq!(stored["forwarded_count"], 0);
}

#[test]
fn a_session_sealed_to_another_key_is_not_uploaded() {
    let (backup, _) = trusted("1");
    let (other, _) = trusted("1");
    let sealed: SealedSession =
        other.seal(RoomId::from("!a"), &session(), &SealOptions::default()).unwrap();
    let session_id = sealed.session_id().clone();
    let error = PutRoomKeys::new(&backup, [sealed]).unwrap_err();
    assert_eq!(error, PutRoomKeysError::SealedToAnotherKey { session_id });
}

/// Row 20 of the malformations.
#[test]
fn only_the_word_of_a_matrix_server_means_that_there_is_no_backup() {
    let none = [r#"{"errcode":"M_NOT_FOUND","error":"x"}"#, r#"{"errcode":"M_UNKNOWN"}"#];
    for body in none {
        assert!(current(404, body).unwrap().is_none(), "{body}");
    }
    let others = [
        (404, r#"{"errcode":"M_UNRECOGNIZED"}"#),
        (404, "<html>not found</html>"),
        (404, ""),
        (404, "[]"),
        (403, r#"{"errcode":"M_NOT_FOUND"}"#),
        (500, r#"{"errcode":"M_UNKNOWN"}"#),
    ];
    for (status, body) in others {
        assert!(current(status, body).is_err(), "{status} {body}");
    }
}

#[test]
fn refusals_say_what_was_refused() {
    let error = |status, body: &str| match current(status, body).unwrap_err() {
        ApiError::Matrix(error) => error,
        other => panic!("{other:?}"),
    };
    let wrong = error(403, r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","current_version":12}"#);
    let current_version = Some(BackupVersion::from("12"));
    assert_eq!(wrong.kind, ErrorKind::WrongRoomKeysVersion { current_version });
    assert_eq!(error(401, r#"{"errcode":"M_UNKNOWN_TOKEN"}"#).kind, ErrorKind::Unauthorized);
    let other = error(400, r#"{"errcode":"ORG.OWN","error":"because"}"#);
    assert_eq!((other.kind, other.status), (ErrorKind::Other, 400));
    assert_eq!(other.errcode.as_str(), "ORG.OWN");
    assert_eq!(other.message.as_str(), "because");
    let page = current(502, &format!("<html>\u{1b}[2J{}", "x".repeat(5000))).unwrap_err();
    let ApiError::NotMatrix { status: 502, excerpt } = page else { panic!("{page:?}") };
    assert!(excerpt.as_str().starts_with("<html>\\u{1b}[2Jxxx"));
    assert!(excerpt.as_str().len() < 100);
}

#[test]
fn a_response_over_the_limit_is_refused_unread() {
    let mut limits = Limits::default();
    limits.response_bytes = 3;
    let response = Response::new("null");
    let error = GetCurrentBackupVersion.read_response(&response, &limits).unwrap_err();
    assert_eq!(error, ApiError::TooLarge { limit: 3, found: 4 });
}

/// Row 19 of the malformations.
#[test]
fn early_servers_wrote_tokens_as_numbers_and_answered_with_nothing() {
    let (backup, _) = trusted("1");
    let put = PutRoomKeys::new(&backup, []).unwrap();
    let stored = put.read_response(&Response::new("{}"), &Limits::default()).unwrap();
    assert_eq!((stored.etag, stored.count), (None, None));
    let stored =
        put.read_response(&Response::new(r#"{"etag":5,"count":"6"}"#), &Limits::default()).unwrap();
    assert_eq!((stored.etag.as_deref(), stored.count), (Some("5"), Some(6)));
    let info = version_info(r#""version":3,"etag":7,"count":"8""#, MEGOLM_BACKUP_V1, &usable());
    assert_eq!(info.version().as_str(), "3");
    assert_eq!((info.etag(), info.count()), (Some("7"), Some(8)));
    let info = version_info(r#""version":"3""#, MEGOLM_BACKUP_V1, &usable());
    assert_eq!((info.etag(), info.count()), (None, None));
}

/// Rows 7, 13, 21 and 22 of the malformations.
#[test]
fn a_version_that_cannot_be_used_is_still_a_version() {
    let auth_data = |algorithm, json: &str| {
        let info = version_info(r#""version":"1""#, algorithm, json);
        assert_eq!(info.raw_auth_data(), json);
        info.auth_data().err().cloned()
    };
    let unknown = auth_data("org.example.new", "\"a string\"");
    assert!(
        matches!(unknown, Some(AuthDataError::UnsupportedAlgorithm(name)) if name.as_str() == "org.example.new")
    );
    assert!(matches!(auth_data(MEGOLM_BACKUP_V1, "\"a string\""), Some(AuthDataError::Json(_))));
    assert_eq!(auth_data(MEGOLM_BACKUP_V1, "{ }"), Some(AuthDataError::NoPublicKey));
    let public_key = |bytes: &[u8]| {
        format!(r#"{{"public_key":"{}", "x":[1]}}"#, strongroom::encoding::base64::encode(bytes))
    };
    let error = auth_data(MEGOLM_BACKUP_V1, &public_key(&[9; 45]));
    assert!(matches!(error, Some(AuthDataError::PublicKey(BackupPublicKeyError::Base64(_)))));
    let error = auth_data(MEGOLM_BACKUP_V1, &public_key(&[0; 32]));
    assert_eq!(error, Some(AuthDataError::PublicKey(BackupPublicKeyError::NonContributory)));
    assert_eq!(auth_data(MEGOLM_BACKUP_V1, &public_key(&[9; 32])), None);
}

/// Rows 7, 13 and 21 of the malformations.
#[test]
fn a_version_survives_a_round_trip_known_or_not() {
    let unknown = r#"{"algorithm":"org.example.new","auth_data":[1.50,{"z": "x=", "a":1}],"count":3,"etag":"7","version":"1","org.example.more":{"k":2.0}}"#;
    let info = BackupVersionInfo::from_json(unknown.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(serde_json::to_string(&info).unwrap(), unknown);
}

#[test]
fn only_sessions_may_take_a_long_response() {
    let long = format!("{{\"rooms\":{{}},\"x\":\"{}\"}}", "y".repeat(2 << 20));
    let response = Response::new(long);
    let limits = Limits::default();
    let keys = GetRoomKeys::new(BackupVersion::from("1")).read_response(&response, &limits);
    assert!(keys.unwrap().sessions.is_empty());
    let refused = GetCurrentBackupVersion.read_response(&response, &limits).unwrap_err();
    assert!(matches!(refused, ApiError::TooLarge { limit: 1_048_576, .. }));
}

#[test]
fn a_long_room_id_is_shared_by_its_sessions() {
    let sessions: Vec<_> = (0..10_000).map(|number| format!("\"{number}\":0")).collect();
    let room = "r".repeat(100_000);
    let body = format!("{{\"rooms\":{{\"{room}\":{{\"sessions\":{{{}}}}}}}}}", sessions.join(","));
    let keys = GetRoomKeys::new(BackupVersion::from("1"));
    let keys = keys.read_response(&Response::new(body), &Limits::default()).unwrap();
    let address = |session: &BackedUpSession| session.room_id.as_str().as_ptr();
    assert!(keys.sessions.iter().all(|one| address(one) == address(&keys.sessions[0])));
    assert_eq!(keys.sessions.len(), 10_000);
}

#[test]
fn a_retired_key_stays_retired_in_another_encoding() {
    let key = BackupDecryptionKey::generate().unwrap();
    let mut bytes = *key.public_key().as_curve25519().as_bytes();
    bytes[31] |= 0x80;
    let auth_data =
        format!(r#"{{"public_key":"{}"}}"#, strongroom::encoding::base64::encode(&bytes));
    let info = version_info(r#""version":"1""#, MEGOLM_BACKUP_V1, &auth_data);
    let retired = [*key.public_key()];
    let error = TrustedBackup::by_decryption_key(&info, &key, &retired).unwrap_err();
    assert_eq!(error, TrustError::Retired);
}

/// Row 16 of the malformations.
#[test]
fn a_broken_response_is_never_an_empty_backup() {
    let keys = |body: &str| {
        let get = GetRoomKeys::new(BackupVersion::from("1"));
        get.read_response(&Response::new(body.to_owned()), &Limits::default())
    };
    let broken = [
        ("{}", ResponseError::Member("rooms")),
        (r#"{"errcode":"M_UNKNOWN"}"#, ResponseError::Member("rooms")),
        (r#"{"rooms":null}"#, ResponseError::Member("rooms")),
        (r#"{"rooms":[]}"#, ResponseError::Member("rooms")),
        (r#"{"rooms":{}} x"#, ResponseError::NotJson),
        (r#"{"rooms":{}"#, ResponseError::NotJson),
        ("[]", ResponseError::NotAnObject),
    ];
    for (body, expected) in broken {
        let error = keys(body).unwrap_err();
        assert_eq!(error, ApiError::Response(expected), "{body}");
    }
    let empty = keys(r#"{"rooms":{}}"#).unwrap();
    assert!(empty.sessions.is_empty() && empty.broken.is_empty());
    let mixed = r#"{"rooms":{"!a":null,"!b":{"sessions":{"x":1,"x":{}}},"!c":{"sessions":[]}}}"#;
    let mixed = keys(mixed).unwrap();
    assert_eq!(mixed.sessions.len(), 2, "duplicates are both delivered");
    let twice = r#"{"rooms":{"!a":{"sessions":{"x":1}}},"rooms":{"!b":{"sessions":{"y":1},"sessions":{"z":1}}}}"#;
    assert_eq!(keys(twice).unwrap().sessions.len(), 3, "no member hides another");
    let half = r#"{"rooms":{"\ud800":{"sessions":{"x":1}},"!a":{"sessions":{"\udc00":1,"x":2}}}}"#;
    let half = keys(half).unwrap();
    assert_eq!((half.sessions.len(), half.broken.len()), (1, 2));
    let room = |id: &str| ResponseError::Room(Excerpt::new(id));
    assert_eq!(mixed.broken, [room("!a"), room("!c")]);
}

fn current(status: u16, body: &str) -> Result<Option<BackupVersionInfo>, ApiError> {
    let response = Response::builder().status(status).body(body.to_owned()).unwrap();
    GetCurrentBackupVersion.read_response(&response, &Limits::default())
}

fn version_info(members: &str, algorithm: &str, auth_data: &str) -> BackupVersionInfo {
    let json = format!(r#"{{{members},"algorithm":"{algorithm}","auth_data":{auth_data}}}"#);
    BackupVersionInfo::from_json(json.as_bytes(), &Limits::default()).unwrap()
}

fn usable() -> String {
    AuthData::new(BackupDecryptionKey::generate().unwrap().public_key()).as_json().to_owned()
}

fn trusted(version: &str) -> (TrustedBackup, BackupDecryptionKey) {
    let key = BackupDecryptionKey::generate().unwrap();
    let auth_data = AuthData::new(key.public_key());
    let member = format!(r#""version":"{version}""#);
    let info = version_info(&member, MEGOLM_BACKUP_V1, auth_data.as_json());
    (TrustedBackup::by_decryption_key(&info, &key, &[]).unwrap(), key)
}

fn session() -> SessionData {
    let key = vodozemac::megolm::GroupSession::new(Default::default()).session_key();
    SessionData::new(SessionKey::from_bytes(&key.to_bytes()).unwrap())
}

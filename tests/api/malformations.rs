//! The malformations that a reader of the API meets, by the number of their row.

use http::Response;
use strongroom::{
    Limits,
    api::{self, ApiError, PutRoomKeys},
    backup::{
        AuthData, BackupDecryptionKey, BackupVersionInfo, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        TrustError, TrustedBackup,
    },
    encoding::format::FormatProblem,
    ids::{BackupVersion, RoomId},
};

use crate::{answer, trusted, version_info, wire};

/// Row 20 of the malformations.
#[test]
fn row_20_only_the_word_of_a_matrix_server_means_that_there_is_no_backup() {
    let one = |status, body| answer(&api::get_backup_version(&"1".into()), status, body);
    let keys = |status, body| answer(&api::get_room_keys(&"1".into()), status, body);
    let none = [r#"{"errcode":"M_NOT_FOUND","error":"x"}"#, r#"{"errcode":"M_UNKNOWN"}"#];
    for body in none {
        assert!(current(404, body).unwrap().is_none(), "{body}");
        assert!(one(404, body).unwrap().is_none(), "{body}");
        assert!(keys(404, body).unwrap_err().is_not_found(), "{body}");
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
        assert!(one(status, body).is_err(), "{status} {body}");
        assert!(!keys(status, body).unwrap_err().is_not_found(), "{status} {body}");
    }
}

/// Row 19 of the malformations.
#[test]
fn row_19_early_servers_wrote_tokens_as_numbers_and_answered_with_nothing() {
    let (backup, _) = trusted("1");
    let put = PutRoomKeys::new(&backup, []).unwrap();
    let stored = put.request().read_response(&Response::new("{}"), &Limits::default()).unwrap();
    assert_eq!((stored.etag, stored.count), (None, None));
    let stored = put
        .request()
        .read_response(&Response::new(r#"{"etag":5,"count":"6"}"#), &Limits::default())
        .unwrap();
    assert_eq!((stored.etag.as_deref(), stored.count), (Some("5"), Some(6)));
    let info = version_info(
        r#""version":3,"etag":7,"count":"8""#,
        MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        &usable(),
    );
    assert_eq!(info.version().as_str(), "3");
    assert_eq!((info.etag(), info.count()), (Some("7"), Some(8)));
    let info = version_info(r#""version":"3""#, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, &usable());
    assert_eq!((info.etag(), info.count()), (None, None));

    let created =
        answer(&api::create_backup_version(&unsigned()), 200, r#"{"version":3}"#).unwrap();
    assert_eq!(created.as_str(), "3");
    let delete = api::delete_room_keys(&"1".into());
    let deleted = answer(&delete, 200, "{}").unwrap();
    assert_eq!((deleted.etag, deleted.count), (None, None));
    answer(&api::update_backup_version(&"1".into(), &unsigned()), 200, "{}").unwrap();
    answer(&api::delete_backup_version(&"1".into()), 200, "{}").unwrap();
}

/// Rows 7, 13, 21 and 22 of the malformations.
#[test]
fn rows_21_and_22_a_version_that_cannot_be_used_is_still_a_version() {
    let auth_data = |algorithm, json: &str| {
        let info = version_info(r#""version":"1""#, algorithm, json);
        assert_eq!(info.raw_auth_data(), json);
        info.auth_data().err().cloned()
    };
    let unknown = auth_data("org.example.new", "\"a string\"");
    assert!(
        matches!(unknown, Some(TrustError::UnsupportedAlgorithm(name)) if name.as_str() == "org.example.new")
    );
    assert!(matches!(
        auth_data(MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, "\"a string\""),
        Some(TrustError::Json(_))
    ));
    assert_eq!(
        auth_data(MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, "{ }"),
        Some(TrustError::Missing("public data"))
    );
    assert_eq!(
        auth_data(MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, "{\"other\":7}"),
        Some(TrustError::NoPublicKey)
    );
    let public_key = |bytes: &[u8]| {
        format!(r#"{{"public_key":"{}", "x":[1]}}"#, strongroom::encoding::base64::encode(bytes))
    };
    let error = auth_data(MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, &public_key(&[9; 45]));
    let Some(TrustError::PublicKey(error)) = error else { panic!("{error:?}") };
    assert!(matches!(error.problem, FormatProblem::Length { .. }), "{error}");
    let error = auth_data(MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, &public_key(&[0; 32]));
    assert_eq!(
        error,
        Some(TrustError::PublicKey(FormatProblem::Unsafe.of("the backup's public key")))
    );
    assert_eq!(auth_data(MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, &public_key(&[9; 32])), None);
}

/// Row 22 of the malformations: 45 bytes of public key were seen.
#[test]
fn row_22_a_version_that_cannot_be_used_is_listed_deleted_and_replaced() {
    let key = strongroom::encoding::base64::encode(&[9; 45]);
    let body = format!(
        r#"{{"version":"4","algorithm":"{MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2}","auth_data":{{"public_key":"{key}"}},"count":12}}"#
    );
    let listed = answer(&api::get_backup_version(&"4".into()), 200, &body).unwrap().unwrap();
    assert_eq!((listed.version().as_str(), listed.count()), ("4", Some(12)));
    assert!(listed.auth_data().is_err());
    let key = BackupDecryptionKey::generate().unwrap();
    assert!(TrustedBackup::by_decryption_key(&listed, &key, &[]).is_err());

    let version = || listed.version().clone();
    assert_eq!(wire(&api::get_room_keys(&version())).1, "/room_keys/keys?version=4");
    assert_eq!(wire(&api::delete_room_keys(&version())).1, "/room_keys/keys?version=4");
    assert_eq!(wire(&api::delete_backup_version(&version())).1, "/room_keys/version/4");
    let replaced = api::update_backup_version(&version(), &AuthData::new(key.public_key()));
    assert_eq!(wire(&replaced).1, "/room_keys/version/4");
    let created = api::create_backup_version(&AuthData::new(key.public_key()));
    assert_eq!(wire(&created).1, "/room_keys/version");
}

/// Row 16 of the malformations.
#[test]
fn row_16_a_broken_response_is_never_an_empty_room_or_a_session() {
    let room = api::get_room_keys_for_room(&"1".into(), &"!a".into());
    let session = api::get_room_keys_for_session(&"1".into(), &"!a".into(), &"x".into());
    let missing = |name| Some(ApiError::from(FormatProblem::Unusable(name)));
    for body in ["{}", r#"{"errcode":"M_UNKNOWN"}"#, r#"{"rooms":{}}"#] {
        assert_eq!(answer(&room, 200, body).err(), missing("sessions"), "{body}");
        assert_eq!(answer(&session, 200, body).err(), missing("session_data"), "{body}");
    }
    for body in [r#"{"sessions":null}"#, r#"{"sessions":[]}"#] {
        assert_eq!(answer(&room, 200, body).err(), missing("sessions"), "{body}");
    }
    for (body, error) in [
        (r#"{"sessions":{}} x"#, FormatProblem::NotJson),
        (r#"{"sessions":{"#, FormatProblem::NotJson),
        ("", FormatProblem::NotJson),
        ("null", FormatProblem::NotAnObject),
    ] {
        assert_eq!(answer(&room, 200, body).unwrap_err(), error.into(), "{body}");
        assert_eq!(answer(&session, 200, body).unwrap_err(), error.into(), "{body}");
    }
}

/// Rows 7, 13 and 21 of the malformations.
#[test]
fn row_13_a_version_survives_a_round_trip_known_or_not() {
    let unknown = r#"{"algorithm":"org.example.new","auth_data":[1.50,{"z": "x=", "a":1}],"count":3,"etag":"7","version":"1","org.example.more":{"k":2.0}}"#;
    let info = BackupVersionInfo::from_json(unknown.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(serde_json::to_string(&info).unwrap(), unknown);
}

/// Row 16 of the malformations.
#[test]
fn row_16_a_broken_response_is_never_an_empty_backup() {
    let keys = |body: &str| {
        let get = api::get_room_keys(&BackupVersion::from("1"));
        get.read_response(&Response::new(body.to_owned()), &Limits::default())
    };
    let broken = [
        ("{}", FormatProblem::Unusable("rooms")),
        (r#"{"errcode":"M_UNKNOWN"}"#, FormatProblem::Unusable("rooms")),
        (r#"{"rooms":null}"#, FormatProblem::Unusable("rooms")),
        (r#"{"rooms":[]}"#, FormatProblem::Unusable("rooms")),
        (r#"{"rooms":{}} x"#, FormatProblem::NotJson),
        (r#"{"rooms":{}"#, FormatProblem::NotJson),
        ("[]", FormatProblem::NotAnObject),
    ];
    for (body, expected) in broken {
        let error = keys(body).unwrap_err();
        assert_eq!(error, ApiError::from(expected), "{body}");
    }
    let empty = keys(r#"{"rooms":{}}"#).unwrap();
    assert!(empty.sessions.is_empty() && empty.failed.is_empty() && empty.broken_rooms.is_empty());
    let mixed = r#"{"rooms":{"!a":null,"!b":{"sessions":{"x":1,"x":{}}},"!c":{"sessions":[]}}}"#;
    let mixed = keys(mixed).unwrap();
    assert_eq!(mixed.sessions.len(), 2, "duplicates are both delivered");
    let twice = r#"{"rooms":{"!a":{"sessions":{"x":1}}},"rooms":{"!b":{"sessions":{"y":1},"sessions":{"z":1}}}}"#;
    assert_eq!(keys(twice).unwrap().sessions.len(), 3, "no member hides another");
    let half = r#"{"rooms":{"\ud800":{"sessions":{"x":1}},"!a":{"sessions":{"\udc00":1,"x":2}}}}"#;
    let half = keys(half).unwrap();
    assert_eq!((half.sessions.len(), half.failed.len(), half.broken_rooms.len()), (1, 2, 0));
    assert_eq!(mixed.broken_rooms, [RoomId::from("!a"), RoomId::from("!c")]);
}

fn current(status: u16, body: &str) -> Result<Option<BackupVersionInfo>, ApiError> {
    answer(&api::get_current_backup_version(), status, body)
}

fn unsigned() -> AuthData {
    AuthData::new(BackupDecryptionKey::generate().unwrap().public_key())
}

fn usable() -> String {
    unsigned().as_json().to_owned()
}

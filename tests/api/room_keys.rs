//! The endpoints of server-side key backups: what leaves, and what a success says.

use http::Response;
use strongroom::{
    Limits,
    api::{self, ApiError, PutRoomKeys, PutRoomKeysError},
    backup::{
        AuthData, BackedUpSession, BackupDecryptionKey, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        OpenError, SealOptions, SealedSession, TrustError, TrustedBackup,
    },
    encoding::format::FormatProblem,
    ids::{BackupVersion, RoomId, SessionId},
};

use crate::{answer, assert_wire, sealed, session, trusted, version_info, wire};

#[test]
fn versions_are_created_read_updated_and_deleted() {
    let auth_data = AuthData::new(BackupDecryptionKey::generate().unwrap().public_key());
    let json = auth_data.as_json();
    let (algorithm, one) = (MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, BackupVersion::from("1"));
    assert_wire(
        &api::create_backup_version(&auth_data),
        "POST",
        "/room_keys/version",
        &format!(r#"{{"algorithm":"{algorithm}","auth_data":{json}}}"#),
    );
    assert_wire(&api::get_current_backup_version(), "GET", "/room_keys/version", "");
    assert_wire(&api::get_backup_version(&one), "GET", "/room_keys/version/1", "");
    assert_wire(
        &api::update_backup_version(&one, &auth_data),
        "PUT",
        "/room_keys/version/1",
        &format!(r#"{{"algorithm":"{algorithm}","auth_data":{json},"version":"1"}}"#),
    );
    assert_wire(&api::delete_backup_version(&one), "DELETE", "/room_keys/version/1", "");
}

#[test]
fn sessions_are_read_and_deleted_all_by_room_and_one_by_one() {
    let (version, room, id) = ("7".into(), RoomId::from("!a"), SessionId::from("s/+1"));
    let version: BackupVersion = version;
    let (all, of_room, one) = (
        "/room_keys/keys?version=7",
        "/room_keys/keys/%21a?version=7",
        "/room_keys/keys/%21a/s%2F%2B1?version=7",
    );
    let v = || version.clone();
    assert_wire(&api::get_room_keys(&v()), "GET", all, "");
    assert_wire(&api::get_room_keys_for_room(&v(), &room), "GET", of_room, "");
    assert_wire(&api::get_room_keys_for_session(&v(), &room, &id), "GET", one, "");
    assert_wire(&api::delete_room_keys(&v()), "DELETE", all, "");
    assert_wire(&api::delete_room_keys_for_room(&v(), &room), "DELETE", of_room, "");
    assert_wire(&api::delete_room_keys_for_session(&v(), &room, &id), "DELETE", one, "");
}

#[test]
fn sessions_are_stored_all_by_room_and_one_by_one() {
    let (backup, _) = trusted("7");
    let sealed = sealed(&backup, "!a");
    let id = sealed.session_id().clone();
    let data = serde_json::to_string(sealed.data()).unwrap();
    let all = PutRoomKeys::new(&backup, [sealed.clone()]).unwrap();
    let body = format!(r#"{{"rooms":{{"!a":{{"sessions":{{"{id}":{data}}}}}}}}}"#);
    assert_wire(&all.request(), "PUT", "/room_keys/keys?version=7", &body);
    assert_eq!(all.body_len(), body.len());

    let of_room = PutRoomKeys::for_room(&backup, "!a".into(), [sealed.clone()]).unwrap();
    let body = format!(r#"{{"sessions":{{"{id}":{data}}}}}"#);
    assert_wire(&of_room.request(), "PUT", "/room_keys/keys/%21a?version=7", &body);
    assert_eq!(of_room.body_len(), body.len());

    let one = PutRoomKeys::for_session(&backup, sealed.clone()).unwrap();
    let encoded = id.as_str().replace('/', "%2F").replace('+', "%2B");
    assert_wire(&one.request(), "PUT", &format!("/room_keys/keys/%21a/{encoded}?version=7"), &data);
    assert_eq!(one.body_len(), data.len());
    assert_eq!(one.into_sessions(), [sealed]);
}

#[test]
fn sessions_are_stored_under_the_id_inside_and_the_better_of_two_is_sent() {
    let (backup, _) = trusted("7");
    let session = session();
    let mut verified = SealOptions::default();
    verified.is_verified = true;
    let seal = |options| backup.seal(RoomId::from("!a"), &session, options).unwrap();
    let put = PutRoomKeys::new(&backup, [seal(&verified), seal(&SealOptions::default())]).unwrap();
    assert_eq!(wire(&put.request()).1, "/room_keys/keys?version=7");
    let body: serde_json::Value = serde_json::from_slice(put.request().body()).unwrap();
    let stored = &body["rooms"]["!a"]["sessions"][session.session_id().as_str()];
    assert_eq!(stored["is_verified"], true);
    assert_eq!(stored["first_message_index"], 0);
    assert_eq!(stored["forwarded_count"], 0);
}

#[test]
fn a_session_sealed_to_another_key_is_not_uploaded() {
    let (backup, other) = (trusted("1").0, trusted("1").0);
    let refused = vec![sealed(&other, "!a")];
    let error = PutRoomKeys::new(&backup, refused.clone()).unwrap_err();
    assert_eq!(error, PutRoomKeysError::SealedToAnotherKey { refused, fitting: vec![] });
}

#[test]
fn what_does_not_fit_a_request_is_given_back_with_what_does() {
    let (backup, other) = (trusted("1").0, trusted("1").0);
    let (ours, elsewhere, theirs) =
        (sealed(&backup, "!a"), sealed(&backup, "!b"), sealed(&other, "!a"));
    let all = || [ours.clone(), theirs.clone(), elsewhere.clone()];
    let error = PutRoomKeys::new(&backup, all()).unwrap_err();
    assert_eq!(error.to_string(), "1 of 3 sessions were sealed to the key of another backup");
    let PutRoomKeysError::SealedToAnotherKey { refused, fitting } = error else { panic!() };
    assert_eq!(refused.as_slice(), std::slice::from_ref(&theirs));
    assert_eq!(PutRoomKeys::new(&backup, fitting.clone()).unwrap().len(), 2);

    let error = PutRoomKeys::for_room(&backup, "!a".into(), fitting).unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 sessions belong to another room");
    let PutRoomKeysError::OtherRoom { refused, fitting } = error else { panic!() };
    assert_eq!(
        (refused.as_slice(), fitting.as_slice()),
        ([elsewhere].as_slice(), [ours].as_slice())
    );

    let error = PutRoomKeys::for_session(&backup, theirs.clone()).unwrap_err();
    let PutRoomKeysError::SealedToAnotherKey { refused, fitting } = error else { panic!() };
    assert_eq!((refused, fitting), (vec![theirs], vec![]));
}

/// Row 28 of the malformations: a body that is too large is sent in halves.
#[test]
fn row_28_a_request_splits_until_each_part_is_small_enough() {
    let (backup, _) = trusted("1");
    let rooms = ["!a", "!b", "!b", "!b", "!c", "!d", "!d"];
    let sessions: Vec<_> = rooms.iter().map(|room| sealed(&backup, room)).collect();
    let put = PutRoomKeys::new(&backup, sessions.clone()).unwrap();
    let (whole, limit) = (put.body_len(), 2_500);
    assert!(whole > 2 * limit);
    let (mut waiting, mut sent) = (vec![put], Vec::new());
    while let Some(put) = waiting.pop() {
        let status = if put.request().body().len() > limit { 413 } else { 200 };
        match answer(&put.request(), status, "{}") {
            Ok(_) => sent.push(put),
            Err(error) => {
                assert!(error.is_request_too_large());
                let (first, second) = put.split().unwrap();
                assert!(first.len().abs_diff(second.len()) <= 1);
                waiting.extend([second, first]);
            }
        }
    }
    assert!(sent.iter().all(|put| !put.is_empty() && put.body_len() == put.request().body().len()));
    let mut arrived: Vec<_> = sent.into_iter().flat_map(PutRoomKeys::into_sessions).collect();
    let id = |session: &SealedSession| session.session_id().clone();
    arrived.sort_by_key(id);
    let mut sessions = sessions;
    sessions.sort_by_key(id);
    assert_eq!(arrived, sessions);
}

#[test]
fn a_request_of_one_session_does_not_split() {
    let (backup, _) = trusted("1");
    for sessions in [vec![], vec![sealed(&backup, "!a")]] {
        let put = PutRoomKeys::new(&backup, sessions.clone()).unwrap();
        assert_eq!(put.clone().split(), Err(put));
        let put = PutRoomKeys::for_room(&backup, "!a".into(), sessions).unwrap();
        assert_eq!(put.clone().split(), Err(put));
    }
    let two = [sealed(&backup, "!a"), sealed(&backup, "!a")];
    let put = PutRoomKeys::for_room(&backup, "!a".into(), two).unwrap();
    let (first, second) = put.clone().split().unwrap();
    assert_eq!(
        (first.len(), second.len(), wire(&first.request()).1),
        (1, 1, wire(&put.request()).1)
    );
    let both = [first.into_sessions(), second.into_sessions()].concat();
    assert_eq!(both, put.into_sessions());
}

#[test]
fn an_empty_request_is_still_the_specifications_json() {
    let (backup, _) = trusted("1");
    assert_eq!(PutRoomKeys::new(&backup, []).unwrap().request().body(), br#"{"rooms":{}}"#);
    let put = PutRoomKeys::for_room(&backup, "!a".into(), []).unwrap();
    assert_eq!(put.request().body(), br#"{"sessions":{}}"#);
}

#[test]
fn a_version_that_is_not_there_is_none_and_other_refusals_are_errors() {
    let get = api::get_backup_version(&"9".into());
    assert!(answer(&get, 404, r#"{"errcode":"M_NOT_FOUND"}"#).unwrap().is_none());
    assert!(answer(&get, 404, r#"{"errcode":"M_UNRECOGNIZED"}"#).is_err());
    let body = format!(
        r#"{{"version":"9","algorithm":"{MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2}","auth_data":{{}}}}"#
    );
    assert_eq!(answer(&get, 200, &body).unwrap().unwrap().version().as_str(), "9");
    let error = answer(&get, 200, r#"{"errcode":"M_UNKNOWN"}"#).unwrap_err();
    assert_eq!(error, FormatProblem::Unusable("version").into());
}

#[test]
fn row_56_a_version_without_an_algorithm_or_without_anything_is_unusable_and_survives() {
    for (body, missing) in [
        ("{}", "algorithm"),
        (r#"{"version":"9"}"#, "algorithm"),
        (r#"{"auth_data":{"public_key":"?"},"version":"9"}"#, "algorithm"),
        (r#"{"algorithm":7,"version":"9"}"#, "algorithm"),
        (r#"{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","version":"9"}"#, "public data"),
    ] {
        let get = api::get_backup_version(&"9".into());
        let info = answer(&get, 200, body).unwrap().unwrap();
        assert_eq!(info.auth_data().unwrap_err(), &TrustError::Missing(missing), "{body}");
        let written = serde_json::to_string(&info).unwrap();
        assert_eq!(written, body.replace(r#""algorithm":7,"#, ""));
        // No request goes to a version that has no name.
        let version = info.version().clone();
        assert_eq!(api::delete_backup_version(&version).path_and_query().is_err(), body == "{}");
    }
}

#[test]
fn the_sessions_of_one_room_are_read_without_its_name() {
    let get = api::get_room_keys_for_room(&"1".into(), &"!a".into());
    let keys = answer(&get, 200, r#"{"sessions":{"x":{"a":1},"y":null,"\ud800":{}}}"#).unwrap();
    let read = |session: &BackedUpSession| {
        (session.room_id.to_string(), session.session_id.to_string(), session.json.clone())
    };
    let (x, y) = (read(&keys.sessions[0]), read(&keys.sessions[1]));
    assert_eq!(x, ("!a".into(), "x".into(), br#"{"a":1}"#.to_vec()));
    assert_eq!(y, ("!a".into(), "y".into(), b"null".to_vec()));
    assert_eq!((keys.sessions.len(), keys.failed.len(), keys.broken_rooms.len()), (2, 1, 0));
    assert!(answer(&get, 200, r#"{"sessions":{}}"#).unwrap().sessions.is_empty());
}

#[test]
fn one_session_is_read_and_opened() {
    let (backup, key) = trusted("1");
    let session = session();
    let sealed = backup.seal("!a".into(), &session, &SealOptions::default()).unwrap();
    let get = api::get_room_keys_for_session(&"1".into(), &"!a".into(), sealed.session_id());
    let body = serde_json::to_string(sealed.data()).unwrap();
    let returned = answer(&get, 200, &body).unwrap();
    assert_eq!(key.open_session(&returned).unwrap().exported().session, session);
    assert!(answer(&get, 404, r#"{"errcode":"M_NOT_FOUND"}"#).unwrap_err().is_not_found());
    let mut limits = Limits::default();
    limits.session_bytes = 10;
    let error = get.read_response(&Response::new(body.clone()), &limits).unwrap_err();
    assert_eq!(error, ApiError::TooLarge { limit: 10, found: body.len() });
}

#[test]
fn storing_and_deleting_say_what_is_there_now() {
    let (backup, _) = trusted("1");
    let put = PutRoomKeys::new(&backup, []).unwrap();
    let delete = api::delete_room_keys_for_room(&"1".into(), &"!a".into());
    let body = r#"{"etag":"0x-5","count":6}"#;
    for stored in [answer(&put.request(), 200, body).unwrap(), answer(&delete, 200, body).unwrap()]
    {
        assert_eq!((stored.etag.as_deref(), stored.count), (Some("0x-5"), Some(6)));
    }
    answer(&api::delete_backup_version(&"1".into()), 200, "{}").unwrap();
}

#[test]
fn only_sessions_may_take_a_long_response() {
    let long = format!("{{\"rooms\":{{}},\"x\":\"{}\"}}", "y".repeat(2 << 20));
    let response = Response::new(long);
    let limits = Limits::default();
    let keys = api::get_room_keys(&BackupVersion::from("1")).read_response(&response, &limits);
    assert!(keys.unwrap().sessions.is_empty());
    let refused = api::get_current_backup_version().read_response(&response, &limits).unwrap_err();
    assert!(matches!(refused, ApiError::TooLarge { limit: 1_048_576, .. }));
}

#[test]
fn the_callers_limits_hold_for_a_response_that_is_there_as_a_whole() {
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(200));
    let deep = format!("{}{}", "[".repeat(20), "]".repeat(20));
    let long = "n".repeat(100);
    let sessions = format!(r#""large":{large},"deep":{deep},"{long}":1,"good":{{}}"#);
    let mut limits = Limits::default();
    (limits.session_bytes, limits.response_depth, limits.name_bytes) = (100, 10, 50);
    let all = format!(r#"{{"rooms":{{"!a":{{"sessions":{{{sessions}}}}}}}}}"#);
    let all = api::get_room_keys(&"1".into()).read_response(&Response::new(all), &limits).unwrap();
    let room = format!(r#"{{"sessions":{{{sessions}}}}}"#);
    let get = api::get_room_keys_for_room(&"1".into(), &"!a".into());
    let room = get.read_response(&Response::new(room), &limits).unwrap();
    for keys in [all, room] {
        assert_eq!(keys.sessions.len(), 1);
        let errors: Vec<_> = keys.failed.into_iter().map(|failed| failed.error).collect();
        let name = FormatProblem::TooLarge { limit: 50, found: 102 };
        let large = OpenError::TooLarge { limit: 100, found: large.len() };
        assert_eq!(errors, [large, OpenError::TooDeep { limit: 10 }, OpenError::SessionId(name)]);
    }
}

#[test]
fn a_long_room_id_is_shared_by_its_sessions() {
    let session = format!(r#"{{"x":"{}"}}"#, "y".repeat(60));
    let sessions: Vec<_> = (0..10_000).map(|number| format!("\"{number}\":{session}")).collect();
    let room = "r".repeat(4_000);
    let body = format!("{{\"rooms\":{{\"{room}\":{{\"sessions\":{{{}}}}}}}}}", sessions.join(","));
    let keys = api::get_room_keys(&BackupVersion::from("1"));
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
    let info = version_info(r#""version":"1""#, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2, &auth_data);
    let retired = [*key.public_key()];
    let error = TrustedBackup::by_decryption_key(&info, &key, &retired).unwrap_err();
    assert_eq!(error, TrustError::Retired);
}

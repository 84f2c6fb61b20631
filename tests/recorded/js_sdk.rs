//! Whole accounts of matrix-js-sdk on Synapse: from the recovery key to every session, compared
//! with what the client itself exported.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail by a panic")]

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{
    js_sdk::{accounts, backup_key_by_recovery_key, decryption_key, version_info},
    vectors::Row,
};
use http::Response;
use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    backup::{BackedUpSession, BackupDecryptionKey, RestoredSession},
    recovery_key::RecoveryKey,
};
use vodozemac::megolm::{ExportedSessionKey, InboundGroupSession};

#[test]
fn the_recovery_key_leads_to_the_backup_decryption_key() {
    for account in accounts() {
        let typed =
            RecoveryKey::typed_by_user(account.text("recovery_key")).expect("a recovery key");
        assert_eq!(typed.to_text().expose_str(), account.text("recovery_key"));
        let key = decryption_key(&account);
        let expected = backup_key_by_recovery_key(&account);
        assert_eq!(key.to_recovery_key().as_secret().expose_bytes().as_slice(), expected);
        let public_key = account.member("room_keys_version").pointer("/auth_data/public_key");
        assert_eq!(public_key, Some(&json!(key.public_key().to_base64())));
    }
}

#[test]
fn the_version_is_read_as_the_server_returned_it() {
    for account in accounts() {
        let (returned, info) = (account.member("room_keys_version"), version_info(&account));
        assert_eq!(returned.get("version"), Some(&json!(info.version().as_str())));
        assert_eq!(returned.get("algorithm"), Some(&json!(info.algorithm())));
        assert_eq!(returned.get("etag").and_then(Value::as_str), info.etag());
        assert_eq!(returned.get("count").and_then(Value::as_u64), info.count());
        let auth_data = info.auth_data().expect("usable auth_data");
        assert_eq!(auth_data.public_key(), decryption_key(&account).public_key());
        let kept: Value = serde_json::from_str(auth_data.as_json()).expect("JSON");
        assert_eq!(returned.get("auth_data"), Some(&kept));
    }
}

#[test]
fn every_session_is_restored_without_a_warning() {
    for account in accounts() {
        let returned = sessions_in(account.member("room_keys"));
        let restored = restore(&account);
        assert_eq!(restored.len(), returned, "one verdict for each session");
        if let Some(count) = version_info(&account).count() {
            assert_eq!(u64::try_from(returned), Ok(count));
        }
        for session in &restored {
            let warnings = session.warnings();
            assert!(warnings.is_empty(), "{}: {warnings:?}", session.exported().session_id());
        }
    }
}

#[test]
fn every_restored_session_equals_the_exported_one() {
    for account in accounts() {
        let truth = account.member("exported_room_keys").as_array().expect("an array");
        assert!(!truth.is_empty(), "there are no sessions");
        let truth: Vec<_> = truth.iter().map(as_we_write).collect();
        let restored: Vec<_> = restore(&account).iter().map(exported).collect();
        assert_eq!(restored.len(), truth.len());
        let (restored, truth) = (by_room_and_id(&restored), by_room_and_id(&truth));
        let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) =
            (restored.keys().collect(), truth.keys().collect());
        assert_eq!(ours, theirs, "no session is missing and none is invented");
        for (id, session) in &restored {
            assert_eq!(Some(session), truth.get(id), "{id:?}");
        }
    }
}

#[test]
fn vodozemac_imports_every_restored_session_key() {
    for account in accounts() {
        for session in restore(&account) {
            let key = session.exported().session.session_key();
            let theirs = ExportedSessionKey::from_bytes(key.expose_bytes()).expect("an export");
            let imported = InboundGroupSession::import(&theirs, Default::default());
            assert_eq!(imported.session_id(), key.session_id().as_str());
            assert_eq!(imported.first_known_index(), key.first_known_index());
        }
    }
}

#[test]
fn no_session_opens_with_the_key_of_another_account() {
    let other = BackupDecryptionKey::generate().expect("randomness");
    for account in accounts() {
        for session in room_keys(&account) {
            let error = other.open_session(&session).expect_err("it is sealed to another key");
            assert_eq!(error.cause().as_str(), "wrong_key");
        }
    }
}

fn restore(account: &Row) -> Vec<RestoredSession> {
    let key = decryption_key(account);
    let restored = room_keys(account).into_iter().map(|session| {
        key.open_session(&session).unwrap_or_else(|error| panic!("{}: {error}", session.session_id))
    });
    restored.collect()
}

fn room_keys(account: &Row) -> Vec<BackedUpSession> {
    let body = serde_json::to_vec(account.member("room_keys")).expect("JSON");
    let endpoint = api::get_room_keys(version_info(account).version());
    let response = endpoint.read_response(&Response::new(body), &Limits::default());
    let response = response.expect("a response with sessions");
    assert!(response.failed.is_empty(), "{:?}", response.failed);
    assert!(response.broken_rooms.is_empty(), "{:?}", response.broken_rooms);
    assert!(!response.sessions.is_empty(), "there are no sessions");
    response.sessions
}

fn sessions_in(room_keys: &Value) -> usize {
    let rooms = room_keys.get("rooms").and_then(Value::as_object).expect("rooms");
    let sessions = rooms.values().filter_map(|room| room.get("sessions")?.as_object());
    sessions.map(serde_json::Map::len).sum()
}

fn exported(session: &RestoredSession) -> Value {
    let json = session.exported().to_json().expect("a room");
    serde_json::from_slice(json.expose_bytes()).expect("JSON")
}

/// What the client exported, as we write it: two other names in the place of one, and no other change.
fn as_we_write(theirs: &Value) -> Value {
    let mut session = theirs.clone();
    let members = session.as_object_mut().expect("an object");
    let flag = members.remove("m.shared_history").expect("the client's name");
    members.insert("shared_history".into(), flag.clone());
    members.insert("org.matrix.msc3061.shared_history".into(), flag);
    session
}

fn by_room_and_id(sessions: &[Value]) -> BTreeMap<(&str, &str), &Value> {
    let text = |session: &'static str, value| Value::as_str(Value::get(value, session)?);
    let entries = sessions.iter().map(|session| {
        let id = text("room_id", session).zip(text("session_id", session));
        (id.expect("room and session ID"), session)
    });
    entries.collect()
}

//! Backups of matrix-js-sdk 2 to 5, some of them with the parameters of a passphrase in `auth_data`: from
//! what the user typed to every session, compared with what the client uploaded.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail by a panic")]

use std::convert::Infallible;

use crate::support::{
    signing::SignAnything as _,
    vectors::{self, Row},
};
use http::Response;
use serde_json::{Map, Value, json};
use strongroom::{
    Limits, api,
    backup::{
        AuthData, BackedUpSession, BackupDecryptionKey, BackupVersionInfo, FittingPassphrase,
        KeyBackupData, RestoreOptions, RestoredSession, TrustReason, TrustedBackup, restore_slice,
    },
    crypto::curve25519_aes_sha2::MacScheme,
    ids::UserId,
    passphrase::{PassphraseError, PassphraseForm},
    provenance::Provenance,
    recovery_key::RecoveryKey,
    signed_json::SignatureVerdict,
};

#[test]
fn a_backup_has_a_passphrase_if_its_auth_data_says_how_to_derive_the_key() {
    for row in rows() {
        let auth_data = auth_data(&row);
        let recorded = row.member("backup_version_response").get("auth_data").expect("auth_data");
        let read = auth_data.passphrase().expect("usable parameters, or none");
        let Some(read) = read else {
            assert_eq!(recorded.get("private_key_salt"), None, "{}", row.name());
            let error = BackupDecryptionKey::from_passphrase(&auth_data, "x").expect_err("none");
            assert_eq!(error, PassphraseError::NoPassphrase);
            assert_eq!(row.get_text("passphrase"), None, "{}", row.name());
            continue;
        };
        assert_eq!(recorded.get("private_key_salt"), Some(&json!(read.value.salt())));
        let rounds = json!(read.value.rounds());
        assert_eq!(recorded.get("private_key_iterations"), Some(&rounds));
        assert!(row.get_text("passphrase").is_some(), "{}", row.name());
    }
}

#[test]
fn the_passphrase_gives_the_recorded_key_and_opens_every_session() {
    let mut opened = 0;
    for row in rows() {
        let Some(passphrase) = row.get_text("passphrase") else { continue };
        let FittingPassphrase { key, form, .. } =
            BackupDecryptionKey::from_passphrase(&auth_data(&row), passphrase).expect("it fits");
        assert_eq!(form, PassphraseForm::AsTyped);
        assert_is_the_key(&row, &key);
        assert_opens_every_session(&row, &key, "restore_with_password");
        let trusted = TrustedBackup::by_decryption_key(&version_info(&row), &key, &[]);
        let typed = TrustReason::DecryptionKey(Provenance::TypedByUser);
        assert_eq!(trusted.expect("it was typed").reason(), &typed);
        opened += 1;
    }
    assert!(opened > 0, "no row has a passphrase");
}

#[test]
fn the_recovery_key_is_the_recorded_key_and_opens_every_session() {
    for row in rows() {
        let typed = RecoveryKey::typed_by_user(row.text("recovery_key")).expect("a recovery key");
        assert_eq!(typed.to_text().expose_str(), row.text("recovery_key"));
        let key = BackupDecryptionKey::from_recovery_key(typed);
        assert_is_the_key(&row, &key);
        assert_opens_every_session(&row, &key, "restore_with_recovery_key");
    }
}

#[test]
fn another_passphrase_is_refused() {
    for row in crate::one_of_each(3, rows()) {
        let Some(passphrase) = row.get_text("passphrase") else { continue };
        for other in ["", &format!("{passphrase} "), row.text("recovery_key")] {
            let error = BackupDecryptionKey::from_passphrase(&auth_data(&row), other);
            assert_eq!(error.expect_err("another"), PassphraseError::DoesNotFit, "{other:?}");
        }
    }
}

#[test]
fn another_key_opens_no_session() {
    let rows = rows();
    for (row, other) in rows.iter().zip(rows.iter().skip(1)) {
        let key = recorded_key(other);
        for session in room_keys(row) {
            let error = key.open_session(&session).expect_err("it is sealed to another key");
            assert_eq!(error.cause().as_str(), "wrong_key");
        }
    }
}

#[test]
fn plaintexts_are_those_that_the_client_sealed() {
    for row in rows() {
        let key = recorded_key(&row);
        for session in room_keys(&row) {
            let data = KeyBackupData::from_json(&session.json).expect("a session");
            let (read, scheme) = key.open(data.session_data()).expect("the key fits");
            assert_eq!(scheme, MacScheme::EmptyString);
            let (room_id, session_id) = (session.room_id.as_str(), session.session_id.as_str());
            let expected = plaintext(&row, room_id, session_id);
            let opened = read.value.to_json();
            let opened: Value = serde_json::from_slice(opened.expose_bytes()).expect("JSON");
            let expected: Map<String, Value> = serde_json::from_str(expected).expect("an object");
            assert!(expected.iter().all(|(name, value)| opened.get(name) == Some(value)));
        }
    }
}

#[test]
fn auth_data_survives_with_its_passphrase_and_its_signatures() {
    for row in rows() {
        let recorded = row.member("backup_version_response");
        let info = serde_json::to_value(version_info(&row)).expect("JSON");
        assert_eq!(&info, recorded, "{}", row.name());
        let auth_data = auth_data(&row);
        assert!(auth_data.bytes_to_sign().is_ok(), "{}", row.name());
        let signatures = recorded.pointer("/auth_data/signatures").and_then(Value::as_object);
        for (user_id, of_user) in signatures.into_iter().flatten() {
            let user_id = UserId::from(user_id.as_str());
            let report = auth_data.check_signatures(&user_id, &[], &Limits::default());
            assert_eq!(report.signatures().len(), of_user.as_object().map_or(0, Map::len));
            for (_, verdict) in report.signatures() {
                assert_eq!(*verdict, SignatureVerdict::UnknownSigner, "none is trusted");
            }
        }
    }
}

fn rows() -> Vec<Row> {
    vectors::rows("legacy-ssss/key_backup_auth_data.json")
}

fn version_info(row: &Row) -> BackupVersionInfo {
    let body = serde_json::to_vec(row.member("backup_version_response")).expect("JSON");
    let info = BackupVersionInfo::from_json(&body, &Limits::default()).expect("a version");
    assert_eq!(info.version().as_str(), row.text("version"));
    info
}

fn auth_data(row: &Row) -> AuthData {
    version_info(row).auth_data().expect("usable auth_data").clone()
}

fn recorded_key(row: &Row) -> BackupDecryptionKey {
    let text = row.text("private_key_b64");
    BackupDecryptionKey::from_base64(text).expect("a key")
}

fn assert_is_the_key(row: &Row, key: &BackupDecryptionKey) {
    assert_eq!(key.to_base64(), recorded_key(row).to_base64(), "{}", row.name());
    assert_eq!(key.public_key(), auth_data(row).public_key(), "{}", row.name());
    assert_eq!(key.provenance(), Provenance::TypedByUser);
    let written = key.to_recovery_key().to_text();
    assert_eq!(written.expose_str(), row.text("recovery_key"));
}

/// As many as the client says it restored, and each as the client exported it.
fn assert_opens_every_session(row: &Row, key: &BackupDecryptionKey, restored_by: &str) {
    let body = serde_json::to_vec(row.member("room_keys_keys_response")).expect("JSON");
    let mut restored = Vec::new();
    let (options, limits) = (RestoreOptions::default(), Limits::default());
    let report = restore_slice::<Infallible>(key, &body, options, &limits, |verdicts, _| {
        restored.extend(verdicts.into_iter().map(|verdict| match verdict {
            Ok(session) => session,
            Err(failed) => panic!("{}: {failed:?}", row.name()),
        }));
        Ok(())
    });
    let Ok(report) = report;
    assert!(report.is_complete() && report.warnings().is_empty(), "{report:?}");
    let client = row.member(restored_by);
    for count in ["total", "imported"] {
        assert_eq!(client.get(count), Some(&json!(restored.len())), "{}", row.name());
    }
    let exported = row.member("exported_sessions").as_array().expect("an array");
    assert_eq!(exported.len(), restored.len());
    for theirs in exported {
        let theirs = with_sealed_chain(row, theirs);
        assert!(restored.iter().any(|ours| says_all_of(ours, &theirs)), "{theirs}");
    }
}

/// What the client exported, with the forwarding chain that it backed up: it took the chain from where
/// there is none, and so backed up an empty one for sessions that had been forwarded.
fn with_sealed_chain(row: &Row, exported: &Value) -> Value {
    let text = |name| exported.get(name).and_then(Value::as_str).expect("a text");
    let sealed = plaintext(row, text("room_id"), text("session_id"));
    let sealed: Value = serde_json::from_str(sealed).expect("JSON");
    let mut exported = exported.clone();
    let chain = sealed.get(FORWARDING_CHAIN).expect("a chain").clone();
    exported.as_object_mut().expect("an object").insert(FORWARDING_CHAIN.into(), chain);
    exported
}

fn plaintext<'a>(row: &'a Row, room_id: &str, session_id: &str) -> &'a str {
    let of_room = row.member("expected_session_plaintexts").get(room_id);
    let expected = of_room.and_then(|room| room.get(session_id));
    expected.and_then(Value::as_str).expect("a plaintext")
}

/// Whether our export has every member of theirs; it writes `shared_history` besides.
fn says_all_of(ours: &RestoredSession, theirs: &Value) -> bool {
    let ours = ours.exported().to_json().expect("a room");
    let ours: Value = serde_json::from_slice(ours.expose_bytes()).expect("JSON");
    let theirs = theirs.as_object().expect("an object");
    theirs.iter().all(|(name, value)| ours.get(name) == Some(value))
}

fn room_keys(row: &Row) -> Vec<BackedUpSession> {
    let body = serde_json::to_vec(row.member("room_keys_keys_response")).expect("JSON");
    let endpoint = api::get_room_keys(version_info(row).version());
    let response = endpoint.read_response(&Response::new(body), &Limits::default());
    let response = response.expect("a response with sessions");
    assert!(response.failed.is_empty() && response.broken_rooms.is_empty());
    assert!(!response.sessions.is_empty(), "there are no sessions");
    response.sessions
}

const FORWARDING_CHAIN: &str = "forwarding_curve25519_key_chain";

//! Sessions with their room, as they stand in a key file.

use matrix_sdk_crypto::olm::ExportedRoomKey;
use serde_json::Value;
use strongroom::{
    secret::SecretVec,
    session_data::{ExportedSession, SessionData},
};

use crate::kit::{Megolm, ROOM, imported, in_their_names, machine};

#[tokio::test]
async fn what_we_export_it_imports_whole_and_decrypts_with() {
    let megolm = Megolm::new();
    for session in megolm.sessions() {
        let exported = exported(session.clone()).to_json().unwrap();
        let key: ExportedRoomKey = serde_json::from_slice(exported.expose_bytes()).unwrap();
        let read = serde_json::to_value(&key).unwrap();
        assert_eq!(read, in_their_names(exported.expose_bytes()));
        let stored = imported(&megolm, key).await;
        assert_eq!(stored.shared_history(), session.shared_history());
        let claimed = stored.signing_keys().iter().map(|(_, key)| key.to_base64());
        let expected = session.sender_claimed_keys().values().cloned();
        assert_eq!(claimed.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
}

/// They read a file as a whole: one session that they refuse costs all others.
#[tokio::test]
async fn a_session_of_an_unknown_sender_does_not_cost_the_others_in_the_file() {
    let known = || Megolm::new().session();
    let unknown = SessionData::of_unknown_sender(Megolm::new().session_key);
    let file =
        [known(), unknown, known()].map(|session| value(exported(session).to_json().unwrap()));
    let file = Value::from_iter(file);
    let keys: Vec<ExportedRoomKey> = serde_json::from_value(file).unwrap();
    let machine = machine().await;
    let result = machine.store().import_exported_room_keys(keys, |_, _| {}).await.unwrap();
    assert_eq!((result.imported_count, result.total_count), (3, 3));
}

#[test]
fn a_room_id_that_they_refuse_is_one_that_we_do_not_export() {
    let megolm = Megolm::new();
    for room in ["!room", "!", "!a:b/\u{e9}", "room:example.org", "#a:b", "", " !a:b", "!a\0:b"] {
        let exported = ExportedSession { room_id: room.into(), session: megolm.session() };
        let mut json = self::exported(megolm.session()).to_json().map(value).unwrap();
        json["room_id"] = room.into();
        let is_read = serde_json::from_value::<ExportedRoomKey>(json).is_ok();
        assert_eq!(exported.to_json().is_ok(), is_read, "{room:?}");
    }
    let long = ExportedSession {
        room_id: format!("!{}", "a".repeat(300)).into(),
        session: megolm.session(),
    };
    let json = long.to_json().unwrap();
    assert!(serde_json::from_slice::<ExportedRoomKey>(json.expose_bytes()).is_ok());
}

#[tokio::test]
async fn what_it_exports_we_import_whole() {
    let megolm = Megolm::new();
    for session in megolm.sessions() {
        let written = exported(session.clone()).to_json().unwrap();
        let key: ExportedRoomKey = serde_json::from_slice(written.expose_bytes()).unwrap();
        let theirs = imported(&megolm, key).await.export().await;
        let read = ExportedSession::from_json(&serde_json::to_vec(&theirs).unwrap()).unwrap();
        // They give up the forwarding chain when they import.
        assert_eq!(read.value, exported(session.with_forwarding_chain(Vec::new())));
        assert_eq!(read.repairs, Vec::new());
    }
}

fn value(json: SecretVec) -> Value {
    serde_json::from_slice(json.expose_bytes()).unwrap()
}

fn exported(session: SessionData) -> ExportedSession {
    ExportedSession { room_id: ROOM.into(), session }
}

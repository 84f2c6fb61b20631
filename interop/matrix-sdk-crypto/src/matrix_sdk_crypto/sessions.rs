//! Sessions that are sealed in a backup.

use matrix_sdk_crypto::{
    olm::{BackedUpRoomKey, ExportedRoomKey},
    store::types::BackupDecryptionKey as TheirKey,
};
use ruma::{OwnedRoomId, api::client::backup::EncryptedSessionData as Sealed};
use serde_json::{Value, json};
use strongroom::{
    backup::{BackupDecryptionKey, KeyBackupData},
    session_data::SessionData,
};

use crate::kit::{Megolm, ROOM, imported, in_their_names};

#[tokio::test]
async fn what_we_seal_it_opens_whole_and_decrypts_with() {
    let (key, megolm) = (BackupDecryptionKey::generate().unwrap(), Megolm::new());
    let theirs = TheirKey::from_base58(key.to_recovery_key().to_text().expose_str()).unwrap();
    for session in megolm.sessions() {
        let sealed = serde_json::to_value(key.public_key().seal(&session).unwrap()).unwrap();
        let sealed: Sealed = serde_json::from_value(sealed).unwrap();
        let opened = theirs.decrypt_session_data(sealed).unwrap();
        let read = serde_json::to_value(&opened).unwrap();
        assert_eq!(read, in_their_names(session.to_json().expose_bytes()));

        let (room_id, id) = (OwnedRoomId::try_from(ROOM).unwrap(), session.session_id());
        let id = id.as_str().to_owned();
        let key = ExportedRoomKey::from_backed_up_room_key(room_id, id, opened);
        let stored = imported(&megolm, key).await;
        assert_eq!(stored.shared_history(), session.shared_history());
        let sender = session.sender_key().map_or([0; 32], |key| *key.as_bytes());
        assert_eq!(stored.sender_key().to_bytes(), sender);
    }
}

#[tokio::test]
async fn what_it_seals_we_open_whole() {
    let (key, megolm) = (BackupDecryptionKey::generate().unwrap(), Megolm::new());
    let theirs = TheirKey::from_bytes(key.to_recovery_key().as_secret().expose_bytes());
    for session in megolm.sessions() {
        let backed_up: BackedUpRoomKey = read(session.to_json().expose_bytes()).unwrap();
        let (room_id, id) = (OwnedRoomId::try_from(ROOM).unwrap(), session.session_id());
        let id = id.as_str().to_owned();
        let exported = ExportedRoomKey::from_backed_up_room_key(room_id, id, backed_up);
        let stored = imported(&megolm, exported).await;
        let sealed = theirs.megolm_v1_public_key().encrypt(stored).await.unwrap();
        let data = KeyBackupData::from_json(&serde_json::to_vec(&sealed).unwrap()).unwrap();
        let (opened, _) = key.open(data.session_data()).unwrap();
        // They give up the forwarding chain when they import.
        assert_eq!(opened.value, session.with_forwarding_chain(Vec::new()));
        assert_eq!(opened.repairs, []);
    }
}

/// Why something stands in `sender_key` even if the sender is not known.
#[test]
fn it_refuses_a_session_without_a_sender_key() {
    let written = Megolm::new().session().to_json();
    let written: Value = serde_json::from_slice(written.expose_bytes()).unwrap();
    for other in [None, Some(Value::Null), Some(json!("")), Some(json!("unknown"))] {
        let mut without = written.clone();
        match other {
            None => drop(without.as_object_mut().unwrap().remove("sender_key")),
            Some(other) => without["sender_key"] = other,
        }
        let without = without.to_string();
        assert!(read::<BackedUpRoomKey>(without.as_bytes()).is_err(), "{without}");
        assert_eq!(SessionData::from_json(without.as_bytes()).unwrap().value.sender_key(), None);
    }
}

/// Why a claimed Ed25519 key that is none is not written.
#[test]
fn it_refuses_a_session_with_a_claimed_key_that_is_none() {
    let written = Megolm::new().session().to_json();
    let mut session: Value = serde_json::from_slice(written.expose_bytes()).unwrap();
    session["sender_claimed_keys"] = json!({ "ed25519": "none", "org.example": "none" });
    let session = session.to_string();
    assert!(read::<BackedUpRoomKey>(session.as_bytes()).is_err());
    let ours = SessionData::from_json(session.as_bytes()).unwrap().value.to_json();
    let theirs = read::<BackedUpRoomKey>(ours.expose_bytes()).unwrap();
    assert_eq!(theirs.sender_claimed_keys.into_iter().count(), 1);
}

/// Why the flag is written under exactly one of the two names that it reads, beside the specification's.
#[test]
fn it_reads_shared_history_under_two_names_and_refuses_both_at_once() {
    let shared = Megolm::new().session().with_shared_history(true).to_json();
    let shared: Value = serde_json::from_slice(shared.expose_bytes()).unwrap();
    let names = ["shared_history", "org.matrix.msc3061.shared_history", "m.shared_history"];
    for (kept, expected) in [
        (&names[..1], Some(false)), // the specification's name alone is lost on it
        (&names[1..2], Some(true)),
        (&names[2..], Some(true)),
        (&names[..2], Some(true)),
        (&names[1..], None),
        (&names[..], None),
    ] {
        let mut session = shared.clone();
        for name in names {
            session.as_object_mut().unwrap().remove(name);
        }
        for name in kept {
            session[*name] = json!(true);
        }
        let read = read::<BackedUpRoomKey>(session.to_string().as_bytes());
        assert_eq!(read.ok().map(|session| session.shared_history), expected, "{kept:?}");
    }
}

fn read<T: for<'a> serde::Deserialize<'a>>(json: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(json)
}

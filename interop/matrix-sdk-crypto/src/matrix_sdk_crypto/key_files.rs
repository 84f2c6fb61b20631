//! Encrypted key files.

use std::io::Cursor;

use matrix_sdk_crypto::{decrypt_room_key_export, encrypt_room_key_export, olm::ExportedRoomKey};
use serde_json::Value;
use strongroom::{
    Limits,
    key_export::{KeyFile, NewKeyFile},
    session_data::ExportedSession,
};

use crate::kit::{Megolm, ROOM, imported, in_their_names};

const PASSPHRASE: &str = "pâssphrase for the file";

#[tokio::test]
async fn a_key_file_that_we_write_it_imports_whole_and_decrypts_with() {
    let megolm = Megolm::new();
    let sessions =
        megolm.sessions().map(|session| ExportedSession { room_id: ROOM.into(), session });
    let mut file = Vec::new();
    let new = NewKeyFile::new(PASSPHRASE, NewKeyFile::MIN_ROUNDS).unwrap();
    assert_eq!(new.write(&mut file, &sessions).unwrap().sessions, sessions.len() as u64);
    assert!(decrypt_room_key_export(Cursor::new(&file), "another one").is_err());
    let keys = decrypt_room_key_export(Cursor::new(&file), PASSPHRASE).unwrap();
    assert_eq!(keys.len(), sessions.len());
    for (key, session) in keys.into_iter().zip(sessions) {
        let read = serde_json::to_value(&key).unwrap();
        assert_eq!(read, in_their_names(session.to_json().unwrap().expose_bytes()));
        imported(&megolm, key).await;
    }
}

#[test]
fn a_key_file_that_it_writes_we_read_whole() {
    let sessions = Megolm::new().sessions();
    let sessions = sessions.map(|session| ExportedSession { room_id: ROOM.into(), session });
    let keys = sessions.each_ref().map(|session| {
        let json = session.to_json().unwrap();
        serde_json::from_slice::<ExportedRoomKey>(json.expose_bytes()).unwrap()
    });
    let file = encrypt_room_key_export(&keys, PASSPHRASE, 100_000).unwrap();
    let KeyFile::Encrypted(read) = KeyFile::open(Cursor::new(file), &Limits::default()).unwrap()
    else {
        panic!("it is encrypted")
    };
    let mut attempts = read.unlock(PASSPHRASE);
    while !attempts.advance(10_000).unwrap() {}
    let mut reading = attempts.open().unwrap();
    let read: Vec<_> = reading.verdicts().map(|verdict| verdict.unwrap()).collect();
    assert!(read.iter().all(|read| read.repairs.is_empty()));
    let read: Vec<_> = read.into_iter().map(|read| read.value).collect();
    let json = |session: &ExportedSession| -> Value {
        serde_json::from_slice(session.to_json().unwrap().expose_bytes()).unwrap()
    };
    assert_eq!(read.iter().map(json).collect::<Vec<_>>(), sessions.each_ref().map(json));
    assert!(reading.finish().unwrap().is_everything());
}

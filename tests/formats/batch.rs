//! Many at once are the same as one by one: the same bytes, the same verdicts, the same order.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::{collections::BTreeSet, sync::LazyLock};

use crate::support::recorded_rng::RecordedRng;
use strongroom::{
    Limits,
    backup::{
        BackedUpSession, BackupDecryptionKey, BackupVersionInfo, KeyBackupData, OpenError,
        RestoredSession, SealOptions, SealedSession, SessionSealer, TrustedBackup,
    },
    crypto::{curve25519::Curve25519PublicKey, curve25519_aes_sha2::MacScheme},
    ids::RoomId,
    session_data::{SessionData, SessionKey},
};
use vodozemac::megolm::GroupSession;

/// Around nothing, the lengths from which on there is a table, and the parts that threads share.
const LENGTHS: [usize; 15] = [0, 1, 2, 19, 20, 21, 27, 28, 29, 32, 33, 50, 51, 52, 256];

#[test]
fn every_message_of_a_batch_has_an_ephemeral_key_of_its_own() {
    let (key, sessions) = (BackupDecryptionKey::generate().unwrap(), sessions(256));
    let sealer = SessionSealer::new(&trusted(&key));
    let batch = to_seal(&sessions);
    let twice = [sealer.seal(&batch).unwrap(), sealer.seal(&batch).unwrap()].concat();
    let ephemeral = |sealed: &SealedSession| ephemeral_of(sealed.data());
    let distinct: BTreeSet<_> = twice.iter().map(ephemeral).collect();
    assert_eq!(distinct.len(), 512);
}

#[test]
fn a_batch_of_sessions_is_what_is_sealed_one_by_one() {
    let backup = trusted(&BackupDecryptionKey::generate().unwrap());
    let sessions = sessions(256);
    for length in LENGTHS {
        let batch = &to_seal(&sessions)[..length];
        let random = random_bytes(32 * length);
        let rng = &mut RecordedRng::new(&random);
        let singly: Vec<_> = batch
            .iter()
            .map(|(room_id, session, options)| {
                backup.seal_with_rng((*room_id).clone(), session, options, rng).unwrap()
            })
            .collect();
        for sealer in [SessionSealer::new(&backup), SessionSealer::for_sessions(&backup, length)] {
            let together = sealer.seal_with_rng(batch, &mut RecordedRng::new(&random)).unwrap();
            assert!(together == singly, "{length} sessions");
            assert_eq!(sealer.sealed_to(), backup.public_key());
            let rng = &mut RecordedRng::new(&random);
            let parallel = sealer.seal_parallel_with_rng(batch, rng).unwrap();
            assert!(rng.is_used_up());
            assert!(parallel == singly, "{length} sessions on several threads");
        }
    }
}

#[test]
fn what_the_host_says_of_a_session_goes_with_it() {
    let (key, sessions) = (BackupDecryptionKey::generate().unwrap(), sessions(2));
    let mut batch = to_seal(&sessions);
    batch[1].2.is_verified = true;
    batch[1].2.forwarded_count = Some(7);
    batch[1].2.mac_scheme = MacScheme::Ciphertext;
    let sealed = SessionSealer::for_sessions(&trusted(&key), 2).seal(&batch).unwrap();
    let metadata = sealed[1].data().metadata();
    assert!(metadata.is_verified && !sealed[0].data().metadata().is_verified);
    assert_eq!(metadata.forwarded_count, Some(7));
    let schemes = sealed.iter().map(|sealed| open_sealed(&key, sealed).1);
    assert!(schemes.eq([MacScheme::EmptyString, MacScheme::Ciphertext]));
}

#[test]
fn each_restored_session_has_its_own_verdict_in_its_place() {
    let (key, sessions) = (BackupDecryptionKey::generate().unwrap(), sessions(100));
    let batch = to_seal(&sessions);
    let sealed = SessionSealer::new(&trusted(&key)).seal_parallel(&batch).unwrap();
    let other = BackupDecryptionKey::generate().unwrap();
    let sealed_to_other = SessionSealer::new(&trusted(&other)).seal(&batch).unwrap();
    let returned: Vec<_> = sealed
        .iter()
        .zip(&sealed_to_other)
        .enumerate()
        .map(|(index, (sealed, other))| match index % 5 {
            0 => returned(other, |json| json),
            1 => {
                returned(sealed, |json| json.replace("\"ciphertext\":\"", "\"ciphertext\":\"AAAA"))
            }
            2 => returned(sealed, |json| json.replace("ephemeral", "ephemera")),
            3 => returned(sealed, low_order_ephemeral),
            _ => returned(sealed, |json| json),
        })
        .collect();
    let together = key.open_sessions(&returned);
    let singly: Vec<_> = returned.iter().map(|returned| key.open_session(returned)).collect();
    assert!(together == singly);
    assert!(key.open_sessions_parallel(&returned) == singly);
    assert!(key.open_sessions(&[]).is_empty());
    for (index, result) in together.into_iter().enumerate() {
        assert!(is_expected(index, &result, &sessions[index]), "{index}: {result:?}");
    }
}

fn is_expected(
    index: usize,
    result: &Result<RestoredSession, OpenError>,
    session: &SessionData,
) -> bool {
    match (index % 5, result) {
        (0, Err(OpenError::WrongKey))
        | (1, Err(OpenError::Damaged))
        | (2, Err(OpenError::KeyBackupData(_)))
        | (3, Err(OpenError::NonContributory)) => true,
        (4, Ok(restored)) => restored.exported().session == *session,
        _ => false,
    }
}

/// What a server returns for a sealed session, after a change.
fn returned(sealed: &SealedSession, change: impl Fn(String) -> String) -> BackedUpSession {
    let json = change(serde_json::to_string(sealed.data()).unwrap());
    BackedUpSession {
        room_id: sealed.room_id().clone(),
        session_id: sealed.session_id().clone(),
        json: json.into_bytes(),
    }
}

fn ephemeral_of(data: &KeyBackupData) -> String {
    let json: serde_json::Value = serde_json::from_slice(&data.session_data().to_json()).unwrap();
    json["ephemeral"].as_str().unwrap().to_owned()
}

fn low_order_ephemeral(json: String) -> String {
    let ephemeral = ephemeral_of(&KeyBackupData::from_json(json.as_bytes()).unwrap());
    json.replace(&ephemeral, &Curve25519PublicKey::from_bytes([0; 32]).to_base64())
}

fn open_sealed(key: &BackupDecryptionKey, sealed: &SealedSession) -> (SessionData, MacScheme) {
    let (read, mac_scheme) = key.open(sealed.data().session_data()).unwrap();
    (read.value, mac_scheme)
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn trusted(key: &BackupDecryptionKey) -> TrustedBackup {
    let public_key = key.public_key();
    let info = format!(
        r#"{{"version":"1","algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{{"public_key":"{public_key}"}}}}"#
    );
    let info = BackupVersionInfo::from_json(info.as_bytes(), &Limits::default()).unwrap();
    TrustedBackup::by_decryption_key(&info, key, &[]).unwrap()
}

fn sessions(count: usize) -> Vec<SessionData> {
    let session_key = || GroupSession::new(Default::default()).session_key().to_bytes();
    (0..count)
        .map(|_| SessionData::of_unknown_sender(SessionKey::from_bytes(&session_key()).unwrap()))
        .collect()
}

fn to_seal(sessions: &[SessionData]) -> Vec<(&RoomId, &SessionData, SealOptions)> {
    static ROOM: LazyLock<RoomId> = LazyLock::new(|| "!room".into());
    let options = SealOptions::default();
    sessions.iter().map(|session| (&*ROOM, session, options)).collect()
}

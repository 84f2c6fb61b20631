//! Many at once are the same as one by one: the same bytes, the same verdicts, the same order.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::{collections::BTreeSet, sync::LazyLock};

use crate::support::recorded_rng::RecordedRng;
use curve25519_dalek::{EdwardsPoint, constants::EIGHT_TORSION};
use strongroom::{
    Limits,
    backup::{
        BackedUpSession, BackupDecryptionKey, BackupVersionInfo, KeyBackupData, OpenError,
        RestoredSession, SealOptions, SealedSession, SessionSealer, SessionToSeal, TrustedBackup,
    },
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey, NonContributory},
        curve25519_aes_sha2::{
            BatchSealer, MacScheme, MessageMac, MessageOpenError, SealedMessage, open, open_many,
            seal_with_rng,
        },
    },
    encoding::secret_base64,
    ids::RoomId,
    session_data::{SessionData, SessionKey},
};
use vodozemac::{
    megolm::GroupSession,
    pk_encryption::{Message, PkDecryption},
};

/// Around nothing, the lengths from which on there is a table, and the parts that threads share.
const LENGTHS: [usize; 15] = [0, 1, 2, 19, 20, 21, 27, 28, 29, 32, 33, 50, 51, 52, 256];

#[test]
fn a_batch_is_byte_for_byte_what_is_sealed_one_by_one() {
    let keys = [on_the_curve(), on_the_twist(), not_canonical(), with_high_bit(on_the_curve())];
    for key in keys {
        for length in LENGTHS {
            let random = random_bytes(32 * length);
            let plaintexts = plaintexts(length);
            for sealer in [BatchSealer::new(&key), BatchSealer::for_messages(&key, length)] {
                for scheme in [MacScheme::EmptyString, MacScheme::Ciphertext] {
                    let batch = sealed_together(&sealer, &plaintexts, scheme, &random).unwrap();
                    let singly = sealed_singly(&key, &plaintexts, scheme, &random).unwrap();
                    assert!(batch == singly, "{length} messages to {key}");
                }
            }
        }
    }
}

#[test]
fn every_edge_of_the_coordinate_agrees_with_one_by_one() {
    let (plaintexts, mut refused) = (plaintexts(2), 0);
    let edges = edges();
    for bytes in &edges {
        let key = Curve25519PublicKey::from_bytes(*bytes);
        let random = random_bytes(64);
        let singly = sealed_singly(&key, &plaintexts, MacScheme::Ciphertext, &random);
        for sealer in [BatchSealer::new(&key), BatchSealer::for_messages(&key, 2)] {
            let batch = sealed_together(&sealer, &plaintexts, MacScheme::Ciphertext, &random);
            assert!(batch == singly, "{key}");
        }
        assert_eq!(singly.is_err(), key.is_low_order(), "{key}");
        refused += usize::from(singly.is_err());
    }
    // 0, 1, p - 1, p, p + 1 and the two of order 8, each with and without the high bit, at least.
    assert!(refused >= 14, "{refused} of {} keys were refused", edges.len());
}

#[test]
fn scalars_at_their_bounds_agree_with_one_by_one() {
    let mut scalars = vec![[0; 32], [0xff; 32], [0x55; 32], [0xaa; 32], [0x88; 32], [0x77; 32]];
    scalars.extend((0..256).map(single_bit));
    let random = scalars.as_flattened();
    let plaintexts = plaintexts(scalars.len());
    for key in [on_the_curve(), on_the_twist(), not_canonical()] {
        let singly = sealed_singly(&key, &plaintexts, MacScheme::default(), random).unwrap();
        for sealer in [BatchSealer::new(&key), BatchSealer::for_messages(&key, 2)] {
            let batch = sealed_together(&sealer, &plaintexts, MacScheme::default(), random);
            assert!(batch.unwrap() == singly, "{key}");
        }
    }
}

#[test]
fn a_key_that_everybody_could_open_seals_nothing() {
    let key = Curve25519PublicKey::from_bytes([0; 32]);
    for sealer in [BatchSealer::new(&key), BatchSealer::for_messages(&key, 1)] {
        let sealed = sealed_together(&sealer, &plaintexts(3), MacScheme::default(), &[7; 96]);
        assert_eq!(sealed, Err(NonContributory));
        assert_eq!(sealer.public_key(), &key);
    }
}

#[test]
fn vodozemac_opens_every_message_of_a_batch() {
    let owner = PkDecryption::new();
    let key = Curve25519PublicKey::from_bytes(owner.public_key().to_bytes());
    for length in [3, 256] {
        let (sealer, plaintexts) = (BatchSealer::for_messages(&key, length), plaintexts(length));
        let random = random_bytes(32 * length);
        let batch = sealed_together(&sealer, &plaintexts, MacScheme::default(), &random).unwrap();
        for (message, plaintext) in batch.into_iter().zip(&plaintexts) {
            assert_eq!(&owner.decrypt(&to_vodozemac(message)).unwrap(), plaintext);
        }
    }
}

#[test]
fn every_message_of_a_batch_has_an_ephemeral_key_of_its_own() {
    let (key, sessions) = (BackupDecryptionKey::generate().unwrap(), sessions(256));
    let sealer = SessionSealer::new(&trusted(&key));
    let batch = to_seal(&sessions);
    let twice = [sealer.seal(&batch).unwrap(), sealer.seal(&batch).unwrap()].concat();
    let ephemeral = |sealed: &SealedSession| *message(sealed).ephemeral.as_bytes();
    let distinct: BTreeSet<_> = twice.iter().map(ephemeral).collect();
    assert_eq!(distinct.len(), 512);
}

#[test]
fn each_message_has_its_own_result() {
    let (key, other) = (secret_key(), secret_key());
    let good = seal_to(&key.public_key());
    let changed = |change: &dyn Fn(&mut SealedMessage)| {
        let mut message = good.clone();
        change(&mut message);
        message
    };
    let messages = [
        good.clone(),
        changed(&|message| message.ephemeral = Curve25519PublicKey::from_bytes([0; 32])),
        changed(&|message| message.mac = MessageMac::from_bytes([0; 8])),
        seal_to(&other.public_key()),
        changed(&|message| message.ciphertext.truncate(15)),
        seal_to(&key.public_key()),
    ];
    let verdicts: Vec<_> = open_many(&key, &messages).into_iter().map(Result::err).collect();
    let expected = [
        None,
        Some(MessageOpenError::NonContributory),
        Some(MessageOpenError::WrongKey),
        Some(MessageOpenError::WrongKey),
        Some(MessageOpenError::Damaged),
        None,
    ];
    assert_eq!(verdicts, expected);
}

#[test]
fn messages_are_opened_as_they_would_be_one_by_one() {
    let key = secret_key();
    let plaintexts = plaintexts(40);
    let random = random_bytes(32 * 40);
    let sealer = BatchSealer::new(&key.public_key());
    for scheme in [MacScheme::EmptyString, MacScheme::Ciphertext] {
        let messages = sealed_together(&sealer, &plaintexts, scheme, &random).unwrap();
        let together = open_many(&key, &messages);
        assert_eq!(together.len(), messages.len());
        for ((opened, message), plaintext) in together.iter().zip(&messages).zip(&plaintexts) {
            let (opened, singly) = (opened.as_ref().unwrap(), open(&key, message).unwrap());
            assert_eq!(opened.plaintext.expose_bytes(), plaintext);
            assert_eq!(singly.plaintext.expose_bytes(), plaintext);
            assert_eq!((opened.mac_scheme, singly.mac_scheme), (scheme, scheme));
        }
    }
    assert!(open_many(&key, &[]).is_empty());
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
            .map(|SessionToSeal { room_id, session, options }| {
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
    batch[1].options.is_verified = true;
    batch[1].options.forwarded_count = Some(7);
    batch[1].options.mac_scheme = MacScheme::Ciphertext;
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

fn low_order_ephemeral(json: String) -> String {
    let data = KeyBackupData::from_json(json.as_bytes()).unwrap();
    let ephemeral = data.session_data().message().ephemeral.to_base64();
    json.replace(&ephemeral, &Curve25519PublicKey::from_bytes([0; 32]).to_base64())
}

fn open_sealed(key: &BackupDecryptionKey, sealed: &SealedSession) -> (SessionData, MacScheme) {
    let opened = key.open(sealed.data().session_data()).unwrap();
    (opened.read.session, opened.mac_scheme)
}

fn message(sealed: &SealedSession) -> &SealedMessage {
    sealed.data().session_data().message()
}

fn sealed_together(
    sealer: &BatchSealer,
    plaintexts: &[Vec<u8>],
    scheme: MacScheme,
    random: &[u8],
) -> Result<Vec<SealedMessage>, NonContributory> {
    let mut rng = RecordedRng::new(random);
    let sealed = sealer.seal_with_rng(plaintexts, scheme, &mut rng);
    assert!(rng.is_used_up(), "as many random bytes as one by one");
    sealed
}

fn sealed_singly(
    key: &Curve25519PublicKey,
    plaintexts: &[Vec<u8>],
    scheme: MacScheme,
    random: &[u8],
) -> Result<Vec<SealedMessage>, NonContributory> {
    let mut rng = RecordedRng::new(random);
    plaintexts.iter().map(|plaintext| seal_with_rng(key, plaintext, scheme, &mut rng)).collect()
}

fn seal_to(key: &Curve25519PublicKey) -> SealedMessage {
    let random = random_bytes(32);
    seal_with_rng(key, b"plaintext", MacScheme::default(), &mut RecordedRng::new(&random)).unwrap()
}

fn to_vodozemac(message: SealedMessage) -> Message {
    Message {
        ciphertext: message.ciphertext,
        mac: message.mac.as_bytes().to_vec(),
        ephemeral_key: vodozemac::Curve25519PublicKey::from_bytes(*message.ephemeral.as_bytes()),
    }
}

/// Of all lengths up to a few blocks, and all different.
fn plaintexts(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|index| index.to_le_bytes().repeat(index % 7 + 1)[index % 5..].to_vec())
        .collect()
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Keys at every edge of arithmetic modulo p = 2^255 - 19, each with and without the ignored bit.
fn edges() -> Vec<[u8; 32]> {
    let low = |byte, fill, last| {
        let mut bytes = [fill; 32];
        (bytes[0], bytes[31]) = (byte, last);
        bytes
    };
    let small = (0..20).map(|byte| low(byte, 0, 0));
    let around_p = (0..=255).map(|byte| low(byte, 0xff, 0x7f));
    let bits = (0..255).map(single_bit);
    let torsion = EIGHT_TORSION.iter().map(|point| point.to_montgomery().to_bytes());
    let random = (0..100).map(|_| random_bytes(32).try_into().unwrap());
    let edges = small.chain(around_p).chain(bits).chain(torsion).chain(random);
    let edges = edges.chain((0..4).flat_map(|_| with_parts_of_small_order()));
    edges.flat_map(|bytes| [bytes, *with_high_bit(key(bytes)).as_bytes()]).collect()
}

/// A random point of the large subgroup, moved by each point of small order.
fn with_parts_of_small_order() -> [[u8; 32]; 8] {
    let point = EdwardsPoint::mul_base_clamped(random_bytes(32).try_into().unwrap());
    EIGHT_TORSION.map(|small| (point + small).to_montgomery().to_bytes())
}

fn single_bit(index: usize) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[index / 8] = 1 << (index % 8);
    bytes
}

fn key(bytes: [u8; 32]) -> Curve25519PublicKey {
    Curve25519PublicKey::from_bytes(bytes)
}

fn on_the_curve() -> Curve25519PublicKey {
    secret_key().public_key()
}

/// 2 is the coordinate of a point of the twist.
fn on_the_twist() -> Curve25519PublicKey {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    assert!(curve25519_dalek::MontgomeryPoint(bytes).to_edwards(0).is_none());
    key(bytes)
}

/// p + 9, another encoding of the base point.
fn not_canonical() -> Curve25519PublicKey {
    let mut bytes = [0xff; 32];
    (bytes[0], bytes[31]) = (0xed + 9, 0x7f);
    assert_eq!(key(bytes).canonical().as_bytes()[0], 9);
    key(bytes)
}

fn with_high_bit(key: Curve25519PublicKey) -> Curve25519PublicKey {
    let mut bytes = *key.as_bytes();
    bytes[31] |= 0x80;
    Curve25519PublicKey::from_bytes(bytes)
}

fn secret_key() -> Curve25519SecretKey {
    let key = BackupDecryptionKey::generate().unwrap().to_base64();
    let bytes = secret_base64::decode_array(key.expose_str()).unwrap();
    Curve25519SecretKey::from_bytes(bytes)
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

fn to_seal(sessions: &[SessionData]) -> Vec<SessionToSeal<'_>> {
    static ROOM: LazyLock<RoomId> = LazyLock::new(|| "!room".into());
    let options = SealOptions::default();
    sessions.iter().map(|session| SessionToSeal { room_id: &ROOM, session, options }).collect()
}

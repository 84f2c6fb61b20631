//! Ed25519 keys that are tested together: each session of a batch is what it is alone, whatever the keys in it and beside it are.

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any, proptest},
    prop_assert,
};
use serde_json::{Value, json};
use strongroom::{
    backup::{BackedUpSession, BackupDecryptionKey, OpenError, RestoredSession, Warning},
    encoding::base64,
    session_data::{Repair, SessionDataError},
};
use vodozemac::{
    megolm::{GroupSession, InboundGroupSession},
    pk_encryption::PkEncryption,
};

/// What stands where an Ed25519 key belongs. Besides a point, each is one that somebody may take for none: 2 is the y of no point.
const KEYS: [[u8; 32]; 5] =
    [ends(0x58, 0x66, 0x66), ends(2, 0, 0), ends(2, 0, 0x80), ends(1, 0, 0x80), [0xff; 32]];

/// The kinds of sessions that there are.
const KINDS: usize = 40;

const fn ends(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut key = [middle; 32];
    (key[0], key[31]) = (first, last);
    key
}

/// A session: with one of the keys inside its session key, among the claimed keys or beside them; whole, or with something else that is
/// wrong, before or behind the keys.
fn plaintext(kind: usize) -> Value {
    let outbound = GroupSession::new(Default::default());
    let mut shared = outbound.session_key().to_bytes();
    let inbound = InboundGroupSession::new(&outbound.session_key(), Default::default());
    let mut exported = inbound.export_at_first_known_index().to_bytes();
    let key = &KEYS[kind % KEYS.len()];
    exported[133..].copy_from_slice(key);
    shared[133..165].copy_from_slice(key);
    let (key, good) = (base64::encode(key), base64::encode(&KEYS[0]));
    let mut session = json!({
        "algorithm": "m.megolm.v1.aes-sha2",
        "sender_key": "no key",
        "sender_claimed_keys": { "ed25519": good },
        "forwarding_curve25519_key_chain": ["no key"],
        "session_key": base64::encode(&inbound.export_at_first_known_index().to_bytes()),
    });
    match kind / KEYS.len() {
        0 => session["session_key"] = base64::encode(&exported).into(),
        1 => session["session_key"] = base64::encode(&shared).into(),
        2 => session["sender_claimed_keys"]["ed25519"] = key.into(),
        3 => {
            session["sender_claimed_keys"] = json!({ "other": 1 });
            session["sender_claimed_ed25519_key"] = key.into();
        }
        4 => {
            session["sender_claimed_keys"] = json!({});
            session["sender_clencaimed_keys"] = json!({ "ed25519": key });
            session["sender_claimed_ed25519_key"] = good.into();
        }
        5 => {
            session["session_key"] = base64::encode(&exported).into();
            session["sender_claimed_keys"]["ed25519"] = key.into();
        }
        6 => {
            session["session_key"] = base64::encode(&exported[1..]).into();
            session["sender_claimed_keys"]["ed25519"] = key.into();
        }
        _ => {
            session["session_key"] = base64::encode(&exported).into();
            session["algorithm"] = "another".into();
        }
    }
    session
}

fn returned(key: &BackupDecryptionKey, kind: usize) -> BackedUpSession {
    let sealed_to = BackupDecryptionKey::generate().unwrap();
    let sealed_to = if kind < KINDS { key } else { &sealed_to };
    let public = *sealed_to.public_key().as_curve25519().as_bytes();
    let plaintext = plaintext(kind % KINDS).to_string();
    let message = PkEncryption::from_key(public.into()).encrypt(plaintext.as_bytes()).unwrap();
    let json = json!({
        "first_message_index": 0,
        "forwarded_count": 0,
        "is_verified": false,
        "session_data": {
            "ephemeral": message.ephemeral_key.to_base64(),
            "ciphertext": base64::encode(&message.ciphertext),
            "mac": base64::encode(&message.mac),
        },
    });
    BackedUpSession {
        room_id: "!room".into(),
        session_id: "id".into(),
        json: json.to_string().into_bytes(),
    }
}

fn all_ways_agree(kinds: &[usize]) -> Vec<Result<RestoredSession, OpenError>> {
    let key = BackupDecryptionKey::generate().unwrap();
    let returned: Vec<_> = kinds.iter().map(|kind| returned(&key, *kind)).collect();
    let singly: Vec<_> = returned.iter().map(|returned| key.open_session(returned)).collect();
    assert!(key.open_sessions(&returned) == singly, "{kinds:?}");
    assert!(key.open_sessions_parallel(&returned) == singly, "{kinds:?}");
    singly
}

#[test]
fn every_kind_of_session_is_the_same_in_a_batch() {
    let kinds: Vec<_> = (0..=KINDS).collect();
    let singly = all_ways_agree(&kinds);
    let no_id = OpenError::SessionData(SessionDataError::KeyWithoutId);
    for (kind, result) in singly.iter().enumerate() {
        let is_point = [true, false, false, true, true][kind % KEYS.len()];
        let dropped = Warning::Repaired(Repair::SenderClaimedKeysDropped);
        match (kind / KEYS.len(), result) {
            (0 | 5, result) => assert_eq!(result.is_ok(), is_point, "{kind}: {result:?}"),
            (1, Err(error)) => assert_eq!(*error == no_id, !is_point, "{kind}: {error:?}"),
            (2 | 4, Ok(restored)) => {
                assert_eq!(restored.warnings().contains(&dropped), !is_point, "{kind}");
            }
            (3, Ok(restored)) => {
                assert_eq!(
                    restored.exported().session.sender_claimed_ed25519().is_some(),
                    is_point
                );
            }
            (6 | 7, Err(error)) => assert!(*error != no_id, "{kind}: {error:?}"),
            (8, Err(error)) => assert_eq!(*error, OpenError::WrongKey),
            (_, result) => panic!("{kind}: {result:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_batch_is_what_its_sessions_are_one_by_one(kinds in vec(0..=KINDS, 0..40), good in any::<bool>()) {
        // Half of the batches have hardly anything that is wrong.
        let kinds: Vec<_> =
            kinds.iter().enumerate().map(|(at, kind)| if good && at != 1 { 0 } else { *kind }).collect();
        prop_assert!(all_ways_agree(&kinds).len() == kinds.len());
    }
}

//! Laws of the wire types: what is read is written again, to the last member that nobody knows.
#![expect(clippy::expect_used, reason = "a test may fail by a panic")]

use std::collections::BTreeMap;

use crate::support::base64;
use proptest::{
    array::uniform32,
    collection::{btree_map, vec},
    option,
    prelude::{Just, Strategy, any, prop_oneof, proptest},
    prop_assert, prop_assert_eq, prop_assume,
};
use serde_json::{Map, Value, json};
use strongroom::{
    backup::{EncryptedSessionData, KeyBackupData},
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::RoomId,
    session_data::{ExportedSession, SessionData, SessionDataError, SessionKey},
};

proptest! {
    #[test]
    fn an_encrypted_session_is_written_as_it_was_read(
        ephemeral in uniform32(any::<u8>()), ciphertext in vec(any::<u8>(), 0..300),
        mac in any::<[u8; 8]>(), unknown in unknown_members(), padded in any::<bool>(),
    ) {
        let unpadded = encrypted(&ephemeral, &ciphertext, &mac, false, &unknown);
        let given = encrypted(&ephemeral, &ciphertext, &mac, padded, &unknown);
        let read = EncryptedSessionData::from_json(given.to_string().as_bytes());
        let read = read.expect("an encrypted session");
        prop_assert_eq!(parse(&read.to_json()), unpadded);
        let again = EncryptedSessionData::from_json(&read.to_json());
        prop_assert_eq!(again.as_ref(), Ok(&read));
        let by_serde: EncryptedSessionData = serde_json::from_slice(&read.to_json()).expect("JSON");
        prop_assert_eq!(by_serde, read);
    }

    #[test]
    fn a_backed_up_session_is_written_as_it_was_read(
        ephemeral in uniform32(any::<u8>()), ciphertext in vec(any::<u8>(), 0..300),
        inner in unknown_members(), outer in unknown_members(), verified in any::<bool>(),
        index in option::of(any::<u64>()), count in option::of(any::<u64>()),
    ) {
        let mut given = outer;
        let session_data = encrypted(&ephemeral, &ciphertext, &[7; 8], false, &inner);
        given.insert("session_data".into(), session_data);
        given.insert("is_verified".into(), json!(verified));
        given.extend(index.map(|index| ("first_message_index".to_owned(), json!(index))));
        given.extend(count.map(|count| ("forwarded_count".to_owned(), json!(count))));
        let given = Value::Object(given);
        let read = KeyBackupData::from_json(given.to_string().as_bytes());
        let read = read.expect("a backed-up session");
        let metadata = read.metadata();
        prop_assert_eq!(metadata.is_verified, verified);
        prop_assert_eq!(metadata.first_message_index, index);
        prop_assert_eq!(metadata.forwarded_count, count);
        let missing = usize::from(index.is_none()) + usize::from(count.is_none());
        prop_assert_eq!(read.ignored().len(), missing);
        let written = serde_json::to_vec(&read).expect("JSON");
        prop_assert_eq!(parse(&written), given);
        prop_assert_eq!(KeyBackupData::from_json(&written), Ok(read));
    }

    #[test]
    fn a_session_is_read_as_it_was_written(session in session(), room in "!\\PC*") {
        let read = SessionData::from_json(session.to_json().expose_bytes()).expect("our own");
        prop_assert_eq!(&read.value, &session);
        prop_assert!(read.repairs.is_empty());
        let error = ExportedSession::from_json(session.to_json().expose_bytes()).unwrap_err();
        prop_assert_eq!(error, SessionDataError::NoRoom);
        let exported = ExportedSession { room_id: RoomId::from(room), session };
        let json = exported.to_json().expect("a room");
        let read = ExportedSession::from_json(json.expose_bytes()).expect("our own");
        prop_assert_eq!(read.value, exported);
        prop_assert!(read.repairs.is_empty());
    }

    #[test]
    fn a_session_keeps_the_members_that_nobody_knows(
        session in session(), unknown in unknown_members(),
        claimed in btree_map("[a-z0-9]{1,10}", any::<String>(), 0..4),
    ) {
        prop_assume!(!claimed.contains_key("ed25519"));
        let Value::Object(mut given) = parse(session.to_json().expose_bytes()) else {
            unreachable!("a session is an object");
        };
        given.insert("sender_claimed_keys".into(), json!(claimed));
        given.extend(unknown);
        let given = Value::Object(given);
        let read = SessionData::from_json(given.to_string().as_bytes()).expect("a session");
        prop_assert!(read.repairs.is_empty());
        prop_assert_eq!(read.value.sender_claimed_keys(), &claimed);
        prop_assert_eq!(parse(read.value.to_json().expose_bytes()), given);
        let again = SessionData::from_json(read.value.to_json().expose_bytes());
        prop_assert_eq!(again.expect("our own").value, read.value);
    }

    #[test]
    fn an_unknown_member_stays_as_it_is_spelt(
        session in session(),
        spelt in "[ \n]{0,2}(1\\.50|-0|1e2|\"\\\\u00e9\\\\/\"|\\[ 1, 2\\]|\\{ \"b\": 1\\})",
    ) {
        let text = session.to_json();
        let text = std::str::from_utf8(text.expose_bytes()).expect("UTF-8");
        let inner = text.strip_suffix('}').expect("an object");
        let given = format!("{inner},\"x_unknown\":{spelt}}}");
        let read = SessionData::from_json(given.as_bytes()).expect("a session").value.to_json();
        let written = std::str::from_utf8(read.expose_bytes()).expect("UTF-8");
        let expected = format!("\"x_unknown\":{}", spelt.trim_start());
        prop_assert!(written.contains(&expected), "{}", spelt);
    }

    #[test]
    fn arbitrary_json_is_a_verdict_and_no_panic(value in json_value(), text in any::<Vec<u8>>()) {
        let value = value.to_string();
        for text in [value.as_bytes(), &text] {
            prop_assert!(SessionData::from_json(text).is_err());
            prop_assert!(KeyBackupData::from_json(text).is_err());
            prop_assert!(EncryptedSessionData::from_json(text).is_err());
        }
    }
}

fn session() -> impl Strategy<Value = SessionData> {
    let sender = option::of((uniform32(any::<u8>()), uniform32(any::<u8>())));
    let chain = vec(uniform32(any::<u8>()).prop_map(Curve25519PublicKey::from_bytes), 0..4);
    (session_key(), sender, chain, any::<bool>()).prop_map(|(key, sender, chain, shared)| {
        let session = match sender {
            Some((sender, seed)) => {
                SessionData::new(key, Curve25519PublicKey::from_bytes(sender), ed25519(&seed))
            }
            None => SessionData::of_unknown_sender(key),
        };
        session.with_forwarding_chain(chain).with_shared_history(shared)
    })
}

fn session_key() -> impl Strategy<Value = SessionKey> {
    let ratchet = vec(any::<u8>(), 128);
    (any::<u32>(), ratchet, uniform32(any::<u8>())).prop_map(|(index, ratchet, seed)| {
        let public_key = ed25519(&seed);
        let bytes = [&[1], &index.to_be_bytes()[..], &ratchet, public_key.as_bytes()].concat();
        SessionKey::from_bytes(&bytes).expect("an exported key")
    })
}

fn ed25519(seed: &[u8; 32]) -> Ed25519PublicKey {
    let public_key = vodozemac::Ed25519SecretKey::from_slice(seed).public_key();
    Ed25519PublicKey::from_bytes(public_key.as_bytes()).expect("a public key")
}

/// Members with names that no specification has.
fn unknown_members() -> impl Strategy<Value = Map<String, Value>> {
    let members = btree_map("x_[^\u{0}]{0,8}", json_value(), 0..4);
    members.prop_map(|members: BTreeMap<_, _>| members.into_iter().collect())
}

/// JSON without floats, whose value may change when they are read.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn encrypted(
    ephemeral: &[u8],
    ciphertext: &[u8],
    mac: &[u8],
    padded: bool,
    unknown: &Map<String, Value>,
) -> Value {
    let mut members = unknown.clone();
    for (name, bytes) in [("ephemeral", ephemeral), ("ciphertext", ciphertext), ("mac", mac)] {
        let mut text = vodozemac::base64_encode(bytes);
        assert_eq!(base64::decode(&text).as_deref(), Some(bytes));
        while padded && text.len() % 4 != 0 {
            text.push('=');
        }
        members.insert(name.to_owned(), json!(text));
    }
    Value::Object(members)
}

fn parse(json: &[u8]) -> Value {
    serde_json::from_slice(json).expect("JSON")
}

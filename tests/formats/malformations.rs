//! What real clients have written into sessions, one test or more for each row of the list of
//! malformations, through a sealed session and back.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::{
        BackedUpSession, BackupDecryptionKey, BackupVersionInfo, EncryptedSessionData,
        FailureCause, OpenError, RestoredSession, Warning,
    },
    crypto::{curve25519::Curve25519PublicKey, curve25519_aes_sha2::MacScheme},
    encoding::base64,
    ids::{RoomId, SessionId},
    session_data::{ExportedSession, Repair, SessionData, SessionDataError},
};
use vodozemac::megolm::{GroupSession, InboundGroupSession};

use crate::response;

#[test]
fn row_1_missing_claimed_keys_are_empty() {
    let session = Case::new().without("sender_claimed_keys").restore().unwrap();
    assert!(session.exported().session.sender_claimed_keys().is_empty());
    assert_eq!(session.warnings(), []);
}

#[test]
fn row_2_misspelt_claimed_keys_are_read_and_written_correctly() {
    let session = Case::new()
        .without("sender_claimed_keys")
        .with("sender_clencaimed_keys", json!({"ed25519": CLAIMED}))
        .restore()
        .unwrap();
    assert_eq!(session.warnings(), [Warning::Repaired(Repair::SenderClaimedKeysRenamed)]);
    let written = written(&session);
    assert_eq!(written["sender_claimed_keys"], json!({"ed25519": CLAIMED}));
    assert_eq!(written.get("sender_clencaimed_keys"), None);
}

#[test]
fn row_2_the_right_spelling_counts_before_the_wrong_one() {
    let right = json!({"org.example": "right"});
    let session = Case::new()
        .with("sender_claimed_keys", right.clone())
        .with("sender_clencaimed_keys", json!({"ed25519": CLAIMED}))
        .restore()
        .unwrap();
    assert_eq!(written(&session)["sender_claimed_keys"], right);
    assert_eq!(session.warnings(), []);
}

#[test]
fn row_2_a_claimed_key_that_is_none_is_dropped() {
    for none in [json!("abc"), json!("\u{e9}"), json!("A".repeat(44)), json!(7), json!([])] {
        let claimed = json!({"ed25519": none, "org.example": "kept"});
        let session = Case::new().with("sender_claimed_keys", claimed).restore().unwrap();
        let written = written(&session);
        assert_eq!(written["sender_claimed_keys"], json!({"org.example": "kept"}), "{none}");
        assert_eq!(session.warnings(), [Warning::Repaired(Repair::SenderClaimedKeysDropped)]);
    }
    let claimed = json!({"ed25519": ""});
    let session = Case::new().with("sender_claimed_keys", claimed).restore().unwrap();
    assert_eq!(
        (written(&session)["sender_claimed_keys"].clone(), session.warnings().len()),
        (json!({}), 0)
    );
    let padded = json!({"ed25519": format!("{CLAIMED}=")});
    let session = Case::new().with("sender_claimed_keys", padded).restore().unwrap();
    assert_eq!(written(&session)["sender_claimed_keys"], json!({"ed25519": CLAIMED}));
}

#[test]
fn row_2_what_is_present_but_empty_is_missing() {
    let claimed = json!({"ed25519": CLAIMED});
    let session = Case::new()
        .with("sender_claimed_keys", json!({}))
        .with("sender_clencaimed_keys", claimed.clone())
        .with("forwarding_curve25519_key_chain", json!([]))
        .with("forwardingCurve25519KeyChain", json!([SENDER]))
        .restore()
        .unwrap();
    assert_eq!(session.warnings(), [Warning::Repaired(Repair::SenderClaimedKeysRenamed)]);
    assert_eq!(written(&session)["sender_claimed_keys"], claimed);
    assert_eq!(session.exported().session.forwarding_chain().len(), 1);
    for nothing in [json!(null), json!("")] {
        let session = Case::new().with("algorithm", nothing).restore().unwrap();
        assert_eq!(session.warnings(), [Warning::Repaired(Repair::AlgorithmMissing)]);
    }
}

const SENDER: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo";

/// The Ed25519 key that a device claims.
const CLAIMED: &str = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w";

#[test]
fn row_3_empty_claimed_keys_and_no_sender_key_are_an_unknown_sender() {
    for case in [Case::new().without("sender_key"), Case::new().with("sender_key", Value::Null)] {
        let session = case.restore().unwrap();
        assert_eq!(session.exported().session.sender_key(), None);
        assert_eq!(session.exported().session.sender_claimed_ed25519(), None);
        assert_eq!(session.warnings(), []);
        // What clients read: they refuse a session without a sender's key.
        assert_eq!(written(&session)["sender_key"], json!("A".repeat(43)));
    }
}

#[test]
fn row_3_the_sender_key_that_stands_for_none_is_an_unknown_sender_and_no_repair() {
    let zeros = json!("A".repeat(43));
    let session = Case::new().with("sender_key", zeros.clone()).restore().unwrap();
    assert_eq!(session.exported().session.sender_key(), None);
    assert_eq!(session.warnings(), []);
    assert_eq!(written(&session)["sender_key"], zeros);
}

#[test]
fn row_3_sender_keys_that_are_none_cost_themselves_alone() {
    for broken in [json!(7), json!("short"), json!("-_"), json!({})] {
        let session = Case::new().with("sender_key", broken).restore().unwrap();
        assert_eq!(session.warnings(), [Warning::Repaired(Repair::SenderKeyDropped)]);
    }
    for broken in [json!([]), json!("x"), json!({"ed25519": 7, "x": null})] {
        let session = Case::new().with("sender_claimed_keys", broken).restore().unwrap();
        assert_eq!(session.warnings(), [Warning::Repaired(Repair::SenderClaimedKeysDropped)]);
    }
}

#[test]
fn row_4_the_forwarding_chain_is_read_in_every_form() {
    let chain = |case: Case| {
        let session = case.restore().unwrap();
        let keys = session.exported().session.forwarding_chain().to_vec();
        (keys.iter().map(Curve25519PublicKey::to_base64).collect::<Vec<_>>(), session)
    };
    let (key, name) = (base64_key(), "forwarding_curve25519_key_chain");
    assert!(chain(Case::new().without(name)).0.is_empty());
    assert_eq!(chain(Case::new().with(name, json!([key, key]))).0.len(), 2);

    let camel_case = Case::new().without(name).with("forwardingCurve25519KeyChain", json!([key]));
    let (keys, session) = chain(camel_case);
    assert_eq!(keys.as_slice(), std::slice::from_ref(&key));
    assert_eq!(written(&session)[name], json!([key]));
    assert_eq!(written(&session).get("forwardingCurve25519KeyChain"), None);

    let (keys, session) = chain(Case::new().with(name, json!([key, "short", 7, null])));
    assert_eq!(keys.as_slice(), [key]);
    let dropped = Warning::Repaired(Repair::ForwardingKeysDropped { count: 3 });
    assert_eq!(session.warnings(), [dropped]);
    let (_, session) = chain(Case::new().with(name, json!("no array")));
    let dropped = Warning::Repaired(Repair::ForwardingKeysDropped { count: 1 });
    assert_eq!(session.warnings(), [dropped]);
}

#[test]
fn row_5_other_json_types_are_a_verdict_of_their_own() {
    let key = BackupDecryptionKey::generate().unwrap();
    for other in [json!(null), json!([]), json!("x"), json!(7), json!({})] {
        let cause = |json: Value| key.open_session(&returned("s", &json)).unwrap_err().cause();
        assert_eq!(cause(other.clone()), FailureCause::Malformed, "{other}");
        assert_eq!(cause(json!({"session_data": other})), FailureCause::Malformed, "{other}");
        let sealed = seal(&key, other.to_string().as_bytes());
        let error = key.open_session(&returned("s", &sealed)).unwrap_err();
        assert!(matches!(error, OpenError::SessionData(_)), "{other}: {error}");
        assert_eq!(error.cause(), FailureCause::Malformed);
    }
}

#[test]
fn row_6_another_key_is_named_as_such() {
    let other = BackupDecryptionKey::generate().unwrap();
    let case = Case::new();
    let sealed = seal(&case.key, case.payload.to_string().as_bytes());
    assert_eq!(other.open_session(&returned("s", &sealed)), Err(OpenError::WrongKey));
}

#[test]
fn row_7_an_unknown_algorithm_is_named() {
    let error = Case::new().with("algorithm", json!("m.megolm.v9")).restore().unwrap_err();
    let OpenError::UnsupportedAlgorithm(name) = &error else { panic!("{error:?}") };
    assert_eq!(name.as_str(), "m.megolm.v9");
    assert_eq!(error.cause(), FailureCause::UnsupportedAlgorithm);
    let session = Case::new().without("algorithm").restore().unwrap();
    assert_eq!(session.warnings(), [Warning::Repaired(Repair::AlgorithmMissing)]);
    let error = Case::new().with("algorithm", json!(7)).restore().unwrap_err();
    assert_eq!(error.cause(), FailureCause::Malformed);
}

#[test]
fn row_8_the_sharing_format_is_verified_and_kept_as_export_format() {
    let case = Case::new();
    let shared = case.megolm.session_key();
    let exported = case.payload["session_key"].clone();
    let session = case.with("session_key", json!(shared.to_base64())).restore().unwrap();
    assert_eq!(written(&session)["session_key"], exported);

    let mut bytes = shared.to_bytes();
    bytes[60] ^= 1;
    let forged = base64::encode(&bytes);
    let error = Case::new().with("session_key", json!(forged)).restore().unwrap_err();
    assert_eq!(error.cause(), FailureCause::Malformed);
}

#[test]
fn row_9_shared_history_is_read_under_three_names() {
    let names = ["shared_history", "m.shared_history", "org.matrix.msc3061.shared_history"];
    for name in names {
        let session = Case::new().without("shared_history").with(name, json!(true));
        let session = session.restore().unwrap();
        assert!(session.exported().session.shared_history(), "{name}");
    }
    for other in [json!("true"), json!(1), json!(null)] {
        let session = Case::new().with("shared_history", other).restore().unwrap();
        assert!(!session.exported().session.shared_history());
    }
}

#[test]
fn row_9_shared_history_is_written_under_two_names_sealed_or_exported() {
    let written_names = ["shared_history", "org.matrix.msc3061.shared_history"];
    let names = ["shared_history", "m.shared_history", "org.matrix.msc3061.shared_history"];
    for (read, flag) in names.into_iter().flat_map(|name| [(name, true), (name, false)]) {
        let session = Case::new().without("shared_history").with(read, json!(flag));
        let session = session.restore().unwrap();
        let sealed = session.exported().session.to_json();
        for json in [sealed, session.exported().to_json().unwrap()] {
            let json: Value = serde_json::from_slice(json.expose_bytes()).unwrap();
            assert!(written_names.iter().all(|name| json[name] == json!(flag)), "{json}");
            // Clients that know the third name take it for the second one, twice, and refuse the session.
            assert_eq!(json.get("m.shared_history"), None);
        }
    }
}

#[test]
fn row_10_the_id_inside_counts_and_what_disagrees_is_a_warning() {
    let mut case = Case::new();
    case.session_id = SessionId::from("another");
    let inside = case.megolm.session_id();
    let session =
        case.with("room_id", json!("!other")).with("session_id", json!("third")).restore().unwrap();
    assert_eq!(session.exported().session_id().as_str(), inside);
    assert_eq!(
        session.warnings(),
        [
            Warning::OtherSessionId(SessionId::from("another")),
            Warning::OtherRoomClaimed,
            Warning::OtherSessionIdClaimed,
        ]
    );
    assert_eq!(session.exported().room_id, RoomId::from("!room"));
}

#[test]
fn row_12_numbers_are_hints() {
    let with = |index: Value, count: Value, verified: Value| {
        let case = Case::new();
        let mut sealed = seal(&case.key, case.payload.to_string().as_bytes());
        sealed["first_message_index"] = index;
        sealed["forwarded_count"] = count;
        sealed["is_verified"] = verified;
        let session_id = case.megolm.session_id();
        case.key.open_session(&returned(&session_id, &sealed)).unwrap().warnings().to_vec()
    };
    assert_eq!(with(json!("0"), json!("12"), json!(true)), []);
    let all = [
        Warning::MetadataIgnored("is_verified"),
        Warning::MetadataIgnored("first_message_index"),
        Warning::MetadataIgnored("forwarded_count"),
    ];
    assert_eq!(with(json!(0.5), json!(-1), json!("true")), all);
    assert_eq!(with(json!(null), json!([]), json!(null)), all);
    let other = Warning::OtherFirstMessageIndex { returned: 3, actual: 0 };
    assert_eq!(with(json!(3), json!(0), json!(false)), [other]);
}

#[test]
fn row_13_unknown_members_are_kept_and_written_back() {
    let session = Case::new().with("x.future", json!({"a": [1, 2.5, "ä"]})).restore().unwrap();
    assert_eq!(written(&session)["x.future"], json!({"a": [1, 2.5, "ä"]}));

    let case = Case::new();
    let mut sealed = seal(&case.key, case.payload.to_string().as_bytes());
    sealed["session_data"]["x"] = json!({"y": 1});
    let data =
        EncryptedSessionData::from_json(sealed["session_data"].to_string().as_bytes()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&data.to_json()).unwrap(), sealed["session_data"]);
}

#[test]
fn row_14_escapes_are_read_and_a_lone_surrogate_is_malformed() {
    let case = Case::new();
    let text =
        case.payload.to_string().replace('/', "\\/").replace("session_key", "\\u0073ession_key");
    assert!(text.contains("\\/") || !case.payload.to_string().contains('/'));
    let sealed = seal(&case.key, text.as_bytes());
    assert!(case.key.open_session(&returned("s", &sealed)).is_ok());
    for broken in [r#""x":"\ud800""#, r#""\udfff":1"#, r#""sender_claimed_keys":{"a":"\ud800"}"#] {
        let text = case.payload.to_string().replacen('{', &format!("{{{broken},"), 1);
        let text = text.replace(r#""sender_claimed_keys":{},"#, "");
        let error =
            case.key.open_session(&returned("s", &seal(&case.key, text.as_bytes()))).unwrap_err();
        assert_eq!(error.cause(), FailureCause::Malformed, "{text}");
    }
}

#[test]
fn flipped_bits_are_one_verdict_whatever_they_hit() {
    let case = Case::new();
    for broken in ["{", "", "{\"algorithm\":\"m.meg", "\u{0}"] {
        let sealed = seal(&case.key, broken.as_bytes());
        assert_eq!(case.key.open_session(&returned("s", &sealed)), Err(OpenError::Damaged));
    }
    let sealed = seal(&case.key, b"{\"a\":\"\xff\"}");
    assert_eq!(case.key.open_session(&returned("s", &sealed)), Err(OpenError::Damaged));
}

#[test]
fn deep_nesting_costs_one_session_and_no_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let case = Case::new();
    let text = case.payload.to_string().replacen('{', &format!("{{\"x\":{deep},"), 1);
    let error =
        case.key.open_session(&returned("s", &seal(&case.key, text.as_bytes()))).unwrap_err();
    assert_eq!(error.cause(), FailureCause::Malformed);
}

#[test]
fn row_29_secrets_are_read_padded_or_not_and_written_unpadded() {
    let case = Case::new();
    let shared = case.megolm.session_key().to_base64();
    let exported = case.payload["session_key"].clone();
    let session = case.with("session_key", json!(format!("{shared}=="))).restore().unwrap();
    assert_eq!(written(&session)["session_key"], exported);

    let key = BackupDecryptionKey::generate().unwrap();
    let unpadded = key.to_base64().expose_str().to_owned();
    for text in [unpadded.clone(), format!("{unpadded}="), with_unused_bits(&unpadded)] {
        let read = BackupDecryptionKey::from_base64(&text).unwrap();
        assert_eq!(read.to_base64().expose_str(), unpadded, "{text}");
    }
}

#[test]
fn row_31_ephemeral_keys_of_small_order_are_refused_and_bit_255_is_ignored() {
    let case = Case::new();
    let sealed = seal(&case.key, case.payload.to_string().as_bytes());
    let with_ephemeral = |bytes: &[u8; 32]| {
        let mut sealed = sealed.clone();
        sealed["session_data"]["ephemeral"] = json!(base64::encode(bytes));
        case.key.open_session(&returned(case.session_id.as_str(), &sealed))
    };
    let mut one = [0; 32];
    one[0] = 1;
    for low_order in [[0; 32], one] {
        assert_eq!(with_ephemeral(&low_order), Err(OpenError::NonContributory));
    }
    let text = sealed["session_data"]["ephemeral"].as_str().unwrap();
    let mut bytes: [u8; 32] = base64::decode_array(text).unwrap();
    bytes[31] |= 0x80;
    assert!(with_ephemeral(&bytes).is_ok());
}

#[test]
fn row_32_a_mac_of_any_other_length_is_refused() {
    let case = Case::new();
    let mut sealed = seal(&case.key, case.payload.to_string().as_bytes());
    let text = sealed["session_data"]["mac"].as_str().unwrap().to_owned();
    let mac: [u8; 8] = base64::decode_array(&text).unwrap();
    for length in (0..8).chain(9..=32) {
        let other: Vec<u8> = mac.iter().copied().chain([0; 24]).take(length).collect();
        sealed["session_data"]["mac"] = json!(base64::encode(&other));
        let error = case.key.open_session(&returned("s", &sealed)).unwrap_err();
        assert_eq!(error.cause(), FailureCause::Malformed, "{length} bytes");
    }
}

#[test]
fn row_55_numbers_beside_a_session_and_of_a_version_are_read_by_their_value() {
    let case = Case::new();
    let mut sealed = seal(&case.key, case.payload.to_string().as_bytes());
    let warnings = |sealed: &Value, index: &str| {
        let mut returned = returned(case.session_id.as_str(), sealed);
        let text = String::from_utf8(returned.json).unwrap();
        returned.json = text.replace("\"INDEX\"", index).into_bytes();
        case.key.open_session(&returned).unwrap().warnings().to_vec()
    };
    sealed["first_message_index"] = json!("INDEX");
    for zero in ["0", "0.0", "-0.0", "0e5"] {
        assert_eq!(warnings(&sealed, zero), [], "{zero}");
    }
    let other = Warning::OtherFirstMessageIndex { returned: 300, actual: 0 };
    for number in ["300.0", "3e2", "3.00E+2"] {
        assert_eq!(warnings(&sealed, number), std::slice::from_ref(&other), "{number}");
    }
    let ignored = Warning::MetadataIgnored("first_message_index");
    for none in ["1.5", "1e400", "-3"] {
        assert_eq!(warnings(&sealed, none), std::slice::from_ref(&ignored), "{none}");
    }
    let json = r#"{"version":7.0,"algorithm":"m.x","auth_data":{},"etag":1e1,"count":3.6e1}"#;
    let info = BackupVersionInfo::from_json(json.as_bytes(), &Limits::default()).unwrap();
    assert_eq!((info.version().as_str(), info.count()), ("7", Some(36)));
    assert_eq!(info.etag(), Some("10"));
}

#[test]
fn row_61_an_empty_sender_key_is_none() {
    let session = Case::new().with("sender_key", json!("")).restore().unwrap();
    assert_eq!(session.exported().session.sender_key(), None);
    assert_eq!(session.warnings(), [Warning::Repaired(Repair::SenderKeyDropped)]);
}

#[test]
fn row_61_shared_history_beside_the_session_is_compared_with_what_the_session_says() {
    for (inside, beside) in [(false, false), (false, true), (true, false), (true, true)] {
        let case = Case::new().with("shared_history", json!(inside));
        let mut sealed = seal(&case.key, case.payload.to_string().as_bytes());
        sealed["org.matrix.msc3061.shared_history"] = json!(beside);
        let session = case.key.open_session(&returned(case.session_id.as_str(), &sealed)).unwrap();
        assert_eq!(session.exported().session.shared_history(), inside, "what is sealed counts");
        let expected =
            (inside != beside).then_some(Warning::OtherSharedHistory { returned: beside });
        assert_eq!(session.warnings(), expected.as_slice());
    }
    let case = Case::new();
    let mut sealed = seal(&case.key, case.payload.to_string().as_bytes());
    sealed["org.matrix.msc3061.shared_history"] = json!("yes");
    let session = case.key.open_session(&returned(case.session_id.as_str(), &sealed)).unwrap();
    assert_eq!(session.warnings(), []);
}

#[test]
fn row_61_a_claimed_key_outside_of_the_claimed_keys_is_one_of_them() {
    let exported = |claimed: Value, alone: Value| {
        let mut payload = Case::new().payload;
        payload["room_id"] = json!("!room");
        payload["sender_claimed_keys"] = claimed;
        payload["sender_claimed_ed25519_key"] = alone;
        let read = ExportedSession::from_json(payload.to_string().as_bytes()).unwrap();
        let written = read.value.to_json().unwrap();
        let written: Value = serde_json::from_slice(written.expose_bytes()).unwrap();
        (written["sender_claimed_keys"].clone(), read.repairs)
    };
    let found = json!({"ed25519": CLAIMED});
    for none in [json!({}), json!(null)] {
        let moved = (found.clone(), vec![Repair::SenderClaimedKeyMoved]);
        assert_eq!(exported(none.clone(), json!(CLAIMED)), moved);
        let dropped = vec![Repair::SenderClaimedKeysDropped];
        assert_eq!(exported(none.clone(), json!(7)), (json!({}), dropped));
        assert_eq!(exported(none, json!(null)), (json!({}), vec![]));
    }
    assert_eq!(exported(found.clone(), json!("other")), (found.clone(), vec![]));
    let junk = json!({"ed25519": "junk"});
    let repairs = vec![Repair::SenderClaimedKeysDropped, Repair::SenderClaimedKeyMoved];
    assert_eq!(exported(junk, json!(CLAIMED)), (found, repairs));
    let dropped = (json!({}), vec![Repair::SenderClaimedKeysDropped]);
    assert_eq!(exported(json!({}), json!("junk")), dropped);
    let mut payload = Case::new().payload;
    payload["room_id"] = json!("");
    let refused = ExportedSession::from_json(payload.to_string().as_bytes()).unwrap_err();
    assert_eq!(refused, SessionDataError::NoRoom);
}

/// Clients read a key file as a whole: what they refuse of one session costs all others.
#[test]
fn a_room_id_that_others_refuse_keeps_a_session_out_of_key_files_alone() {
    for odd in
        ["room:example.org", "#room:example.org", " !room:example.org", "!room\0:example.org"]
    {
        let mut case = Case::new();
        case.payload["room_id"] = json!(odd);
        let read = ExportedSession::from_json(case.payload.to_string().as_bytes()).unwrap();
        assert_eq!(read.value.room_id.as_str(), odd);
        assert_eq!(read.value.to_json(), Err(SessionDataError::NotARoomId), "{odd:?}");
        let mut exported = case.restore().unwrap().into_exported();
        assert!(exported.to_json().is_ok());
        exported.room_id = odd.into();
        assert_eq!(exported.to_json(), Err(SessionDataError::NotARoomId), "{odd:?}");
    }
}

#[test]
fn what_a_server_calls_things_steers_no_terminal() {
    let mut case = Case::new();
    case.session_id = SessionId::from("\u{1b}[2J\u{202e}evil");
    let session = case.restore().unwrap();
    for warning in session.warnings() {
        assert!(!warning.to_string().contains(['\u{1b}', '\u{202e}']), "{warning}");
        assert!(warning.to_string().contains("\\u{1b}"), "{warning}");
    }
    assert_eq!(session.warnings().len(), 1);
}

/// The same 32 bytes with the two unused bits of the last character set.
fn with_unused_bits(unpadded: &str) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (rest, last) = unpadded.split_at(42);
    let other = alphabet.as_bytes()[alphabet.find(last).unwrap() | 3];
    format!("{rest}{}", char::from(other))
}

/// A real session, as the payload that a client seals.
struct Case {
    key: BackupDecryptionKey,
    megolm: GroupSession,
    session_id: SessionId,
    payload: Value,
}

impl Case {
    fn new() -> Self {
        let megolm = GroupSession::new(Default::default());
        let inbound = InboundGroupSession::new(&megolm.session_key(), Default::default());
        let payload = json!({
            "algorithm": "m.megolm.v1.aes-sha2",
            "forwarding_curve25519_key_chain": [],
            "sender_claimed_keys": {},
            "sender_key": base64_key(),
            "session_key": inbound.export_at_first_known_index().to_base64(),
            "shared_history": false,
        });
        let key = BackupDecryptionKey::generate().unwrap();
        Self { key, session_id: SessionId::new(megolm.session_id()), megolm, payload }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.payload[name] = value;
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.payload.as_object_mut().unwrap().remove(name);
        self
    }

    fn restore(&self) -> Result<RestoredSession, OpenError> {
        let sealed = seal(&self.key, self.payload.to_string().as_bytes());
        self.key.open_session(&returned(self.session_id.as_str(), &sealed))
    }
}

/// Seals any bytes as clients seal a session.
fn seal(key: &BackupDecryptionKey, plaintext: &[u8]) -> Value {
    response::seal(key, plaintext, MacScheme::EmptyString)
}

fn returned(session_id: &str, json: &Value) -> BackedUpSession {
    BackedUpSession {
        room_id: RoomId::from("!room"),
        session_id: SessionId::from(session_id),
        json: json.to_string().into_bytes(),
    }
}

/// What would be backed up again.
fn written(session: &RestoredSession) -> Value {
    let session: &SessionData = &session.exported().session;
    serde_json::from_slice(session.to_json().expose_bytes()).unwrap()
}

fn base64_key() -> String {
    Curve25519PublicKey::from_bytes([9; 32]).to_base64()
}

//! What real clients and servers have put into responses: one test or more for each row of the list of
//! malformations that concerns them, through a whole response.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::convert::Infallible;

use crate::response::{Megolm, Outcome, member, one_room, response as body, room, seal};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, FailedSession, FailureCause, OpenError, RestoreOptions,
        RestoredSession, StreamError, Warning, restore_slice,
    },
    crypto::curve25519_aes_sha2::MacScheme,
    encoding::{base64, format::FormatProblem},
    ids::RoomId,
};

#[test]
fn row_5_other_json_types_cost_themselves_alone() {
    let (key, good) = (key(), Megolm::new());
    for other in [json!(null), json!([]), json!("x"), json!(7), json!(-0.5), json!(true), json!({})]
    {
        let payload = seal(&key, other.to_string().as_bytes(), MacScheme::EmptyString);
        let members = [
            member("a", &other),
            member("b", &json!({"session_data": other})),
            member("c", &payload),
            good.member(&key),
        ];
        let outcome = Outcome::of(&key, &one_room(&members));
        assert_eq!(outcome.letters(), "mmmr", "{other}");
        assert!(outcome.report.is_complete());
    }
}

#[test]
fn row_6_another_key_costs_its_sessions_alone() {
    let (key, other) = (key(), key());
    let members = [&key, &other, &key].map(|key| Megolm::new().member(key));
    let outcome = Outcome::of(&key, &one_room(&members));
    assert_eq!(outcome.letters(), "rwr");
    assert_eq!(outcome.report.failed_by(FailureCause::WrongKey), 1);
    assert_eq!(failure(&outcome, 0), OpenError::WrongKey);
}

/// The commonest mistake there is: the key of the key storage is given to the backup.
#[test]
fn a_key_that_opens_nothing_is_told_once() {
    let (key, other) = (key(), key());
    let members: Vec<_> = (0..36).map(|_| Megolm::new().member(&other)).collect();
    let outcome = Outcome::of(&key, &one_room(&members));
    let told = outcome.report.wrong_key().unwrap();
    assert_eq!((&told, outcome.report.failures().len()), (&OpenError::NoneFits { tried: 36 }, 36));
    assert_eq!(
        told.to_string(),
        "the key is not the key of this backup: it opens none of the 36 message keys that were tried; if it is the \
         recovery key of your key storage, unlock that with it: the key of the backup is in there"
    );
    // What cannot be read belongs to no key.
    let mut broken = members.clone();
    broken.push(member("b", &json!({ "session_data": null })));
    assert_eq!(
        Outcome::of(&key, &one_room(&broken)).report.wrong_key(),
        Some(OpenError::NoneFits { tried: 36 })
    );
    // One that is sealed to the key shows that it is the right one, even if it is damaged.
    let damaged = member("d", &seal(&key, b"no JSON", MacScheme::EmptyString));
    for good in [Megolm::new().member(&key), damaged] {
        let mut members = members.clone();
        members.push(good);
        assert!(Outcome::of(&key, &one_room(&members)).report.wrong_key().is_none());
    }
    assert!(Outcome::of(&key, &one_room(&[])).report.wrong_key().is_none());
    let results = [Err::<(), _>(OpenError::WrongKey), Err(OpenError::WrongKey)];
    assert_eq!(OpenError::of_results(&results), Some(OpenError::NoneFits { tried: 2 }));
    assert!(OpenError::of_results(&[Err(OpenError::WrongKey), Ok(())]).is_none());
}

#[test]
fn row_7_an_unknown_algorithm_is_counted_as_such() {
    let (key, mut session) = (key(), Megolm::new());
    session.payload["algorithm"] = json!("m.megolm.v9");
    let outcome = Outcome::of(&key, &one_room(&[session.member(&key)]));
    let OpenError::UnsupportedAlgorithm(name) = failure(&outcome, 0) else { panic!("{outcome:?}") };
    assert_eq!(name.as_str(), "m.megolm.v9");
    assert_eq!(outcome.report.failed_by(FailureCause::UnsupportedAlgorithm), 1);
}

#[test]
fn row_10_a_session_is_restored_under_the_id_inside_with_a_warning() {
    let (key, mut session) = (key(), Megolm::new());
    session.payload["room_id"] = json!("!elsewhere");
    session.payload["session_id"] = json!("another");
    let outcome = Outcome::of(&key, &one_room(&[member("map key", &session.sealed(&key))]));
    let Ok(restored) = &outcome.verdicts[0] else { panic!("{outcome:?}") };
    assert_eq!(restored.exported().session.session_id().as_str(), session.id);
    assert_eq!(restored.exported().room_id.as_str(), "!a");
    let (_, session_id, warnings) = &outcome.report.warnings()[0];
    assert_eq!((outcome.report.warned(), session_id.as_str()), (1, session.id.as_str()));
    let expected = [
        Warning::OtherSessionId("map key".into()),
        Warning::OtherRoomClaimed,
        Warning::OtherSessionIdClaimed,
    ];
    assert_eq!(*warnings, expected);
}

#[test]
fn row_11_a_session_under_two_rooms_is_reported_if_asked_for() {
    let (key, session) = (key(), Megolm::new());
    let [a, b, other] = [&session, &session, &Megolm::new()].map(|session| session.member(&key));
    let text = body(&[room("!a", &[a.clone(), a]), room("!b", &[b, other])]);
    let mut options = RestoreOptions::default();
    let outcome = Outcome::with(&key, &text, options.clone());
    assert_eq!((outcome.letters().as_str(), outcome.report.warned()), ("rrrr", 0));

    options.check_rooms = true;
    let outcome = Outcome::with(&key, &text, options);
    assert_eq!((outcome.letters().as_str(), outcome.report.warned()), ("rrrr", 1));
    let (room_id, session_id, warnings) = &outcome.report.warnings()[0];
    assert_eq!((room_id.as_str(), session_id.as_str()), ("!b", &*session.id));
    assert_eq!(*warnings, [Warning::UnderTwoRooms]);
}

#[test]
fn row_12_numbers_are_hints() {
    let (key, session) = (key(), Megolm::new());
    let mut sealed = session.sealed(&key);
    let text = |sealed: &Value| one_room(&[member(&session.id, sealed)]);
    sealed["first_message_index"] = json!("0");
    assert_eq!(Outcome::of(&key, &text(&sealed)).report.warned(), 0);
    sealed["first_message_index"] = json!(0.5);
    sealed["forwarded_count"] = json!("x");
    sealed.as_object_mut().unwrap().remove("is_verified");
    let outcome = Outcome::of(&key, &text(&sealed));
    assert_eq!(outcome.letters(), "r");
    let all = ["is_verified", "first_message_index", "forwarded_count"];
    assert_eq!(outcome.report.warnings()[0].2, all.map(Warning::MetadataIgnored));
}

#[test]
fn row_14_escapes_are_read_and_a_lone_surrogate_costs_one_session() {
    let (key, good) = (key(), Megolm::new());
    let escaped =
        good.member(&key).replace('/', "\\/").replace("session_data", "s\\u0065ssion_data");
    let lone = escaped.replacen('{', r#"{"x":"\ud800","#, 1);
    let text = one_room(&[escaped, lone, good.member(&key)]);
    let text = text.replace("\"rooms\"", "\"r\\u006foms\"").replace("\"!a\"", "\"\\u0021\\u0061\"");
    let outcome = Outcome::of(&key, &text);
    assert_eq!(outcome.letters(), "rmr");
    let Ok(restored) = &outcome.verdicts[0] else { panic!("{outcome:?}") };
    assert_eq!(restored.exported().room_id.as_str(), "!a");
    assert_eq!(restored.warnings(), []);
}

#[test]
fn row_14_a_lone_surrogate_in_an_id_costs_what_it_names() {
    let (key, good) = (key(), Megolm::new());
    let lone = format!(r#""\ud800":{}"#, good.sealed(&key));
    let lone_room = room("!lone", &[good.member(&key)]).replace("!lone", "\\ud800");
    let outcome = Outcome::of(&key, &body(&[lone_room, room("!a", &[lone, good.member(&key)])]));
    assert_eq!(outcome.letters(), "mmr");
    assert_eq!(failure(&outcome, 0), OpenError::RoomId(FormatProblem::NotText));
    assert_eq!(outcome.report.failures()[0].room_id.as_str(), r#""\ud800""#);
    assert_eq!(failure(&outcome, 1), OpenError::SessionId(FormatProblem::NotText));
    assert_eq!(outcome.report.failures()[1].session_id.as_str(), r#""\ud800""#);
    assert!(outcome.report.is_complete());
}

#[test]
fn row_15_a_cut_response_delivers_all_complete_sessions() {
    let key = key();
    let members: Vec<_> = (0..3).map(|_| Megolm::new().member(&key)).collect();
    let text = one_room(&members);
    let outcome = Outcome::of(&key, &text[..text.len() - 40]);
    assert_eq!(outcome.letters(), "rrm");
    assert_eq!(outcome.report.ended_early(), Some(StreamError::CutOff));
    assert_eq!(failure(&outcome, 0), OpenError::HalfRead);
    let outcome = Outcome::of(&key, text.trim_end_matches('}'));
    assert_eq!(outcome.letters(), "rrm", "not even its last bracket has come");
    let outcome = Outcome::of(&key, &text[..text.len() - 1]);
    assert_eq!(outcome.letters(), "rrr");
    assert_eq!(outcome.report.ended_early(), Some(StreamError::CutOff));
}

#[test]
fn row_16_what_is_no_response_is_an_error_and_never_zero_sessions() {
    let key = key();
    let rooms = StreamError::Member("rooms");
    for (text, expected) in [
        ("{}", rooms),
        (r#"{"errcode":"M_UNKNOWN","error":"no"}"#, rooms),
        (r#"{"rooms":null}"#, rooms),
        (r#"{"rooms":[{"sessions":{}}]}"#, rooms),
        (r#"{"rooms":"x"}"#, rooms),
        (r#"{"x":{"rooms":{}}}"#, rooms),
        ("[]", StreamError::NotAnObject),
        ("null", StreamError::NotAnObject),
        ("12", StreamError::NotAnObject),
        ("", StreamError::CutOff),
        ("<html>", StreamError::Syntax),
        (r#"{"rooms":{}}x"#, StreamError::TrailingBytes),
        (r#"{"rooms":{}}{"rooms":{}}"#, StreamError::TrailingBytes),
        ("\u{feff}{\"rooms\":{}}", StreamError::Syntax),
    ] {
        let outcome = Outcome::of(&key, text);
        assert_eq!(outcome.report.ended_early(), Some(expected), "{text}");
        assert!(!outcome.report.is_complete());
    }
}

#[test]
fn row_16_a_broken_room_is_reported_and_costs_no_other() {
    let key = key();
    let good = room("!good", &[Megolm::new().member(&key)]);
    for broken in
        ["null", "[]", "7", "{}", r#"{"x":{}}"#, r#"{"sessions":null}"#, r#"{"sessions":[]}"#]
    {
        let text = body(&[format!("\"!broken\":{broken}"), good.clone()]);
        let outcome = Outcome::of(&key, &text);
        assert_eq!(outcome.letters(), "r", "{broken}");
        assert_eq!(outcome.report.broken_rooms(), [RoomId::from("!broken")]);
        assert_eq!(outcome.report.broken_room_count(), 1);
        assert!(!outcome.report.is_complete());
        assert_eq!(outcome.report.ended_early(), None);
    }
}

#[test]
fn row_16_bytes_behind_the_response_do_not_cost_what_came_before() {
    let key = key();
    let outcome = Outcome::of(&key, &format!("{} x", one_room(&[Megolm::new().member(&key)])));
    assert_eq!(outcome.letters(), "r");
    assert_eq!(outcome.report.ended_early(), Some(StreamError::TrailingBytes));
}

#[test]
fn row_17_duplicates_each_get_a_verdict() {
    let (key, session) = (key(), Megolm::new());
    let twice =
        room("!a", &[session.member(&key), session.member(&key), member(&session.id, &json!(0))]);
    let outcome = Outcome::of(&key, &body(&[twice.clone(), twice]));
    assert_eq!(outcome.letters(), "rrmrrm");
}

#[test]
fn row_17_members_that_occur_twice_are_both_read() {
    let key = key();
    let [a, b, c] = [0; 3].map(|_| Megolm::new().member(&key));
    let text = format!(
        r#"{{"rooms":{{"!a":{{"sessions":{{{a}}},"sessions":{{{b}}}}}}},"rooms":{{"!a":{{"sessions":{{{c}}}}}}}}}"#
    );
    let outcome = Outcome::of(&key, &text);
    assert_eq!(outcome.letters(), "rrr");
    assert!(outcome.report.is_everything());
}

#[test]
fn row_18_an_empty_backup_is_a_success_with_zero_and_final_progress() {
    let limits = Limits::default();
    for text in
        [r#"{"rooms":{}}"#, r#"{"rooms":{"!a":{"sessions":{}}}}"#, " {\n\"rooms\" : { } }\n"]
    {
        let mut options = RestoreOptions::default();
        options.expected = Some(0);
        let mut calls = Vec::new();
        let each = |verdicts: Vec<Result<RestoredSession, FailedSession>>, progress| {
            assert!(verdicts.is_empty());
            calls.push(progress);
            Ok::<_, Infallible>(())
        };
        let Ok(report) = restore_slice(&key(), text.as_bytes(), options, &limits, each);
        assert!(report.is_complete());
        assert_eq!((report.total(), report.broken_room_count(), calls.len()), (0, 0, 1));
        assert!(calls[0].is_over);
        assert_eq!((calls[0].bytes, calls[0].fraction()), (text.len() as u64, Some(1.0)));
    }
}

#[test]
fn row_21_session_data_that_is_a_string_is_malformed() {
    let (key, good) = (key(), Megolm::new());
    let sealed = good.sealed(&key);
    let text = json!({"session_data": sealed["session_data"].to_string()});
    let outcome = Outcome::of(&key, &one_room(&[member("x", &text), good.member(&key)]));
    assert_eq!(outcome.letters(), "mr");
}

#[test]
fn row_29_padding_and_unused_bits_make_no_difference_anywhere() {
    let (key, session) = (key(), Megolm::new());
    let pad = |text: &Value| {
        let text = text.as_str().unwrap();
        json!(format!("{text}{}", "=".repeat(text.len().wrapping_neg() % 4)))
    };
    let mut payload = session.payload.clone();
    let curve25519 = base64::encode(
        BackupDecryptionKey::generate().unwrap().public_key().as_curve25519().as_bytes(),
    );
    payload["sender_key"] = pad(&json!(curve25519));
    payload["forwarding_curve25519_key_chain"] = json!([pad(&json!(curve25519))]);
    payload["session_key"] = pad(&payload["session_key"]);
    payload["session_id"] = pad(&json!(session.id));
    let mut sealed = seal(&key, payload.to_string().as_bytes(), MacScheme::EmptyString);
    for name in ["ephemeral", "ciphertext", "mac"] {
        sealed["session_data"][name] = pad(&sealed["session_data"][name]);
    }
    let padded_id = pad(&json!(session.id));
    let outcome = Outcome::of(&key, &one_room(&[member(padded_id.as_str().unwrap(), &sealed)]));
    let [Ok(restored)] = &outcome.verdicts[..] else { panic!("{outcome:?}") };
    assert_eq!(restored.warnings(), [], "the bytes are compared");
    assert_eq!(restored.exported().session.forwarding_chain().len(), 1);
}

#[test]
fn row_31_an_ephemeral_key_of_low_order_is_malformed_and_bit_255_is_ignored() {
    let (key, good) = (key(), Megolm::new());
    let mut zero = good.sealed(&key);
    let ephemeral = base64::decode(zero["session_data"]["ephemeral"].as_str().unwrap()).unwrap();
    let mut bit_255 = zero.clone();
    zero["session_data"]["ephemeral"] = json!(base64::encode(&[0; 32]));
    let mut bytes = ephemeral;
    bytes[31] |= 0x80;
    bit_255["session_data"]["ephemeral"] = json!(base64::encode(&bytes));
    let members = [member(&good.id, &zero), member(&good.id, &bit_255)];
    let outcome = Outcome::of(&key, &one_room(&members));
    assert_eq!(outcome.letters(), "mr");
    assert_eq!(failure(&outcome, 0), OpenError::NonContributory);
}

#[test]
fn row_32_a_mac_of_another_length_is_malformed() {
    let (key, good) = (key(), Megolm::new());
    let sealed = good.sealed(&key);
    let mac = base64::decode(sealed["session_data"]["mac"].as_str().unwrap()).unwrap();
    let of_length = |length: usize| {
        let mut sealed = sealed.clone();
        let bytes: Vec<u8> = mac.iter().copied().chain([0; 24]).take(length).collect();
        sealed["session_data"]["mac"] = json!(base64::encode(&bytes));
        member(&good.id, &sealed)
    };
    let lengths = [0, 1, 7, 8, 9, 16, 32];
    let outcome = Outcome::of(&key, &one_room(&lengths.map(of_length)));
    assert_eq!(outcome.letters(), "mmmrmmm");
}

#[test]
fn both_schemes_of_the_mac_are_read_and_counted() {
    let (key, session) = (key(), Megolm::new());
    let payload = session.payload.to_string();
    let ciphertext = seal(&key, payload.as_bytes(), MacScheme::Ciphertext);
    let members = [session.member(&key), member(&session.id, &ciphertext)];
    let report = Outcome::of(&key, &one_room(&members)).report;
    assert_eq!(report.restored_under(MacScheme::EmptyString), 1);
    assert_eq!(report.restored_under(MacScheme::Ciphertext), 1);
}

fn key() -> BackupDecryptionKey {
    BackupDecryptionKey::generate().unwrap()
}

fn failure(outcome: &Outcome, index: usize) -> OpenError {
    outcome.report.failures()[index].error.clone()
}

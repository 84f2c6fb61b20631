//! Restoring a response while it arrives: pieces, cuts, limits, filters, reports.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::{
    convert::Infallible,
    io::{self, Read},
};

use crate::response::{Megolm, Outcome, member, one_room, response as body, room};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::json;
use strongroom::{
    Limits,
    api::BaseUrl,
    backup::{
        Authenticity, BackupDecryptionKey, FailedSession, OpenError, Restore, RestoreOptions,
        RestoredSession, StreamError, restore_all, restore_reader, restore_slice,
    },
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    ids::RoomId,
    provenance::Provenance,
    recovery_key::RecoveryKey,
    session_data::SessionKey,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn verdicts_do_not_depend_on_the_pieces(cuts in vec(any::<Index>(), 0..40)) {
        let (key, text) = mixed();
        let whole = Outcome::of(&key, &text);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let starts = [0].into_iter().chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([text.len()]);
        let pieces = starts.zip(ends).map(|(start, end)| &text.as_bytes()[start..end]);
        let (options, limits) = (RestoreOptions::default(), Limits::default());
        prop_assert_eq!(Outcome::in_pieces(&key, pieces, options, &limits), whole);
    }

    #[test]
    fn a_changed_byte_costs_nothing_that_came_before(at: Index, byte: u8) {
        let (key, text) = mixed();
        let whole = Outcome::of(&key, &text);
        let mut changed = text.clone().into_bytes();
        let at = at.index(changed.len());
        changed[at] = byte;
        let outcome = |text| {
            let (options, limits) = (RestoreOptions::default(), Limits::default());
            Outcome::in_pieces(&key, [text], options, &limits)
        };
        let before = outcome(&changed[..at]).verdicts;
        let complete = before.iter().filter(|verdict| !is_half_read(verdict)).count();
        prop_assert_eq!(&outcome(&changed).verdicts[..complete], &whole.verdicts[..complete]);
    }
}

#[test]
fn a_response_byte_by_byte_is_the_response() {
    let (key, text) = mixed();
    let (options, limits) = (RestoreOptions::default(), Limits::default());
    let outcome = Outcome::in_pieces(&key, text.as_bytes().chunks(1), options, &limits);
    assert_eq!(outcome, Outcome::of(&key, &text));
    assert_eq!(outcome.letters(), "rwmr");
    assert_eq!(outcome.report.broken_rooms(), [RoomId::from("!null")]);
}

#[test]
fn a_cut_at_any_byte_delivers_exactly_the_complete_sessions() {
    let key = key();
    let members =
        [member("a", &json!({"x": ["}"]})), Megolm::new().member(&key), member("c", &json!(12))];
    let text = one_room(&members);
    let whole = Outcome::of(&key, &text);
    // The end of each session; that of a number shows in the byte behind it.
    let mut end = text.find("\"a\"").unwrap();
    let ends = members.clone().map(|member| {
        end += member.len() + 1;
        if member.ends_with('2') { end } else { end - 1 }
    });
    for cut in 0..text.len() {
        let outcome = Outcome::of(&key, &text[..cut]);
        let complete = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(outcome.verdicts[..complete], whole.verdicts[..complete], "{cut}");
        let rest = &outcome.verdicts[complete..];
        assert!(rest.len() <= 1 && rest.iter().all(is_half_read), "{cut} {rest:?}");
        assert_eq!(outcome.report.ended_early(), Some(StreamError::CutOff), "{cut}");
    }
    assert!(whole.report.is_complete());
}

#[test]
fn a_session_that_is_no_json_ends_the_stream_and_fails() {
    let key = key();
    let good = Megolm::new().member(&key);
    for broken in [r#"{"a":tru}"#, "-x", "{]", r#""\x""#, "nul,", "\"\u{1}\"", r#"{"a":1,}"#, ""] {
        let text = one_room(&[good.clone(), format!("\"broken\":{broken}"), good.clone()]);
        let outcome = Outcome::of(&key, &text);
        assert_eq!(outcome.letters(), "rm", "{broken}");
        assert_eq!(outcome.report.failures()[0].session_id.as_str(), "broken");
        assert_eq!(outcome.report.failures()[0].error, OpenError::HalfRead);
        assert_eq!(outcome.report.ended_early(), Some(StreamError::Syntax));
    }
}

#[test]
fn unknown_members_are_passed_over() {
    let key = key();
    let sessions = room("!a", &[Megolm::new().member(&key)]);
    let decoy = r#""x":{"rooms":{"!no":{"sessions":{"n":{}}}}},"sessions":{"n":{}}"#;
    let text = format!(r#"{{{decoy},"rooms":{{{sessions}}},"etag":[1,2.5,"}}"]}}"#);
    let outcome = Outcome::of(&key, &text);
    assert_eq!(outcome.letters(), "r");
    assert!(outcome.report.is_complete());
}

#[test]
fn the_response_of_one_room_is_read_for_that_room() {
    let key = key();
    let session = Megolm::new();
    let text = format!(r#"{{"sessions":{{{}}}}}"#, session.member(&key));
    let mut options = RestoreOptions::default();
    options.room_id = Some("!one".into());
    let outcome = Outcome::with(&key, &text, options.clone());
    let [Ok(restored)] = &outcome.verdicts[..] else { panic!("{outcome:?}") };
    assert_eq!(restored.exported().room_id, RoomId::from("!one"));
    for error in ["{}", r#"{"sessions":null}"#, r#"{"rooms":{}}"#] {
        let report = Outcome::with(&key, error, options.clone()).report;
        assert_eq!(report.ended_early(), Some(StreamError::Member("sessions")), "{error}");
    }
}

#[test]
fn what_is_not_wanted_is_counted_and_not_opened() {
    let key = key();
    let sessions = [(); 4].map(|()| Megolm::new());
    let [a, b, c, d] = [0, 1, 2, 3].map(|index| sessions[index].member(&key));
    let text = body(&[room("!a", &[a, b]), room("!b", &[c, d, member("broken", &json!(null))])]);
    let options = RestoreOptions::nothing()
        .with_room("!a".into())
        .with_session("!b".into(), sessions[3].id.as_str().into());
    let outcome = Outcome::with(&key, &text, options);
    assert_eq!(outcome.letters(), "rrr");
    assert_eq!((outcome.report.skipped(), outcome.report.failed()), (2, 0));
    let cut = &text[..text.len() - 6];
    let outcome = Outcome::with(&key, cut, RestoreOptions::nothing());
    assert_eq!((outcome.report.total(), outcome.report.skipped()), (0, 5));
    assert!(!outcome.report.is_complete());
}

#[test]
fn batches_come_while_the_response_arrives() {
    let key = key();
    let members: Vec<_> = (0..600).map(|index| member(&index.to_string(), &json!(null))).collect();
    let text = one_room(&members);
    let mut options = RestoreOptions::default();
    options.expected = Some(600);
    let mut restore = Restore::new(key, options, &Limits::default());
    let mut input = &text.as_bytes()[..text.len() - 2];
    let mut lengths = Vec::new();
    while let Some(batch) = restore.next_batch(&mut input) {
        lengths.push(batch.len());
        assert_eq!(restore.progress().sessions, lengths.iter().sum::<usize>() as u64);
        assert!(restore.progress().bytes < text.len() as u64);
    }
    assert_eq!(lengths, [256, 256]);
    assert_eq!(restore.progress().fraction(), Some(512.0 / 600.0));
    assert_eq!(restore.flush().len(), 88);
    assert_eq!(restore.progress().fraction(), Some(1.0));
    assert!(restore.next_batch(&mut &text.as_bytes()[text.len() - 2..]).is_none());
    let (last, report) = restore.finish();
    assert_eq!((last.len(), report.total()), (0, 600));
    assert!(report.is_complete());
}

#[test]
fn several_threads_give_the_same() {
    let (key, text) = mixed();
    let mut options = RestoreOptions::default();
    options.parallel = true;
    assert_eq!(Outcome::with(&key, &text, options), Outcome::of(&key, &text));
}

#[test]
fn a_slice_and_a_reader_give_the_same() {
    let (key, text) = mixed();
    let whole = Outcome::of(&key, &text);
    let (options, limits) = (RestoreOptions::default(), Limits::default());
    let (mut by_slice, mut by_reader) = (Vec::new(), Vec::new());
    let each = |verdicts: Vec<_>, _| {
        by_slice.extend(verdicts);
        Ok::<_, Infallible>(())
    };
    let Ok(report) = restore_slice(&key, text.as_bytes(), options.clone(), &limits, each);
    assert_eq!((report, by_slice), (whole.report.clone(), whole.verdicts.clone()));
    let each = |verdicts: Vec<_>, _| {
        by_reader.extend(verdicts);
        Ok::<_, Infallible>(())
    };
    let Ok(report) = restore_reader(&key, text.as_bytes(), options, &limits, each);
    assert_eq!((report, by_reader), (whole.report, whole.verdicts));
}

#[test]
fn all_of_a_response_is_restored_in_one_call_and_told_in_words_and_in_json() {
    let (key, text) = mixed();
    let whole = Outcome::of(&key, &text);
    let (sessions, report) = restore_all(&key, text.as_bytes());
    assert_eq!(report, whole.report);
    assert_eq!(sessions, whole.verdicts.into_iter().flatten().collect::<Vec<_>>());
    assert!(sessions.iter().all(|it| it.authenticity() == Authenticity::Unauthenticated));
    let (some, all) = (report.restored(), report.total());
    assert!(some > 0 && some < all, "{report}");
    let beginning = format!("{some} of {all} message keys were restored; ");
    assert!(report.to_string().starts_with(&beginning), "{report}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["restored"], &json["total"]), (&some.into(), &all.into()));
    let causes: u64 =
        json["causes"].as_object().unwrap().values().filter_map(|it| it.as_u64()).sum();
    assert_eq!((causes, &json["failed"]), (all - some, &(all - some).into()));
    assert_eq!(json["failures"][0]["error"], report.failures()[0].error.to_string());
    let (_, cut) = restore_all(&key, &text.as_bytes()[..text.len() / 2]);
    assert!(cut.to_string().ends_with("is cut off, so there may be more"), "{cut}");
    assert_eq!(serde_json::to_value(&cut).unwrap()["is_complete"], false);
}

#[test]
fn what_is_typed_or_kept_in_files_is_parsed_as_it_is_read() {
    let key = key();
    let public = key.public_key().to_base64();
    assert_eq!(public.parse(), Ok(*key.public_key()));
    assert_eq!(public.parse(), Ok(*key.public_key().as_curve25519()));
    let parsed: BackupDecryptionKey = key.to_base64().expose_str().parse().unwrap();
    assert_eq!(
        (parsed.public_key(), parsed.provenance()),
        (key.public_key(), Provenance::Unauthenticated)
    );
    let recovery_key = key.to_recovery_key();
    let parsed: RecoveryKey = recovery_key.to_text().expose_str().parse().unwrap();
    assert_eq!((&parsed, parsed.provenance()), (&recovery_key, Provenance::Unauthenticated));
    assert!("".parse::<Ed25519PublicKey>().is_err() && "".parse::<Ed25519Signature>().is_err());
    assert!("".parse::<SessionKey>().is_err() && "not a URL".parse::<BaseUrl>().is_err());
    let error = "?".parse::<Ed25519PublicKey>().unwrap_err();
    assert_eq!(error.to_string(), "the Ed25519 public key is not valid base64");
    assert!(std::error::Error::source(&error).is_none(), "it is said already");
}

#[test]
fn a_reader_that_fails_is_a_response_that_is_cut() {
    let key = key();
    let good = Megolm::new().member(&key);
    let text = one_room(&[good.clone(), good]);
    let reader = text.as_bytes()[..text.len() - 20].chain(Fails);
    let (options, limits) = (RestoreOptions::default(), Limits::default());
    let each = |_, _| Ok::<_, Infallible>(());
    let Ok(report) = restore_reader(&key, reader, options.clone(), &limits, each);
    assert_eq!(report.ended_early(), Some(StreamError::Read(io::ErrorKind::ConnectionReset)));
    assert_eq!((report.restored(), report.failed()), (1, 1));
    let whole = text.as_bytes().chain(Fails);
    let Ok(report) = restore_reader(&key, whole, options, &limits, each);
    assert!(report.is_everything(), "nothing is missing");
}

#[test]
fn after_an_error_nothing_more_is_read() {
    let reader = (&b"<html>"[..]).chain(io::repeat(b'x'));
    let (options, limits) = (RestoreOptions::default(), Limits::default());
    let each = |_, _| Ok::<_, Infallible>(());
    let Ok(report) = restore_reader(&key(), reader, options, &limits, each);
    assert_eq!(report.ended_early(), Some(StreamError::Syntax));
}

#[test]
fn whoever_takes_the_verdicts_can_stop_the_restore() {
    let members: Vec<_> = (0..600).map(|index| member(&index.to_string(), &json!(null))).collect();
    let reader = one_room(&members).into_bytes().into_iter().collect::<Vec<_>>();
    let (options, limits) = (RestoreOptions::default(), Limits::default());
    let mut calls = 0;
    let each = |verdicts: Vec<Result<RestoredSession, FailedSession>>, _| {
        calls += 1;
        Err(verdicts.len())
    };
    assert_eq!(restore_reader(&key(), &*reader, options, &limits, each), Err(256));
    assert_eq!(calls, 1);
}

#[test]
fn a_broken_room_that_is_wanted_leaves_the_restore_incomplete() {
    let key = key();
    let good = room("!a", &[Megolm::new().member(&key)]);
    let text = body(&["\"!b\":null".to_owned(), good]);
    let report = Outcome::of(&key, &text).report;
    assert!(!report.is_complete() && !report.is_everything() && report.ended_early().is_none());
    let options = RestoreOptions::nothing().with_room("!a".into());
    let report = Outcome::with(&key, &text, options).report;
    assert!(report.is_everything());
    assert_eq!(report.broken_room_count(), 0);
}

#[test]
fn a_failure_is_printed_without_what_steers_a_terminal() {
    let key = key();
    let session = member("\u{1b}[2J\u{202e}", &json!(null));
    let failed = &Outcome::of(&key, &body(&[room("!\r", &[session])])).report.failures()[0].clone();
    let shown = failed.to_string();
    assert!(shown.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{shown:?}");
    assert!(shown.contains("[2J"), "{shown}");
}

/// A response with sessions that are restored, fail and are malformed, and a broken room.
fn mixed() -> (BackupDecryptionKey, String) {
    let (key, other) = (key(), key());
    let good = room("!a", &[Megolm::new().member(&key), Megolm::new().member(&other)]);
    let rest = room("!ä\\", &[member("\"", &json!([1, "\"]"])), Megolm::new().member(&key)]);
    (key, format!(" {} ", body(&[good, "\"!null\": null ".to_owned(), rest])))
}

fn key() -> BackupDecryptionKey {
    BackupDecryptionKey::generate().unwrap()
}

fn is_half_read(verdict: &Result<RestoredSession, FailedSession>) -> bool {
    matches!(verdict, Err(failed) if failed.error == OpenError::HalfRead)
}

/// A connection that is dropped.
struct Fails;

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

//! Restoring a response while it arrives: what limits allow, and what exceeds them.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::{
    convert::Infallible,
    io::{self, Read},
};

use crate::response::{Megolm, Outcome, member, one_room, response as body, room};
use serde_json::json;
use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, OpenError, RestoreOptions, RoomKeysItem, RoomKeysSplitter,
        StreamError, restore_reader,
    },
    encoding::format::FormatProblem,
};

#[test]
fn an_oversized_session_costs_itself_alone() {
    let key = key();
    let large = member("large", &json!({"x": "y".repeat(5000)}));
    let text = one_room(&[Megolm::new().member(&key), large, Megolm::new().member(&key)]);
    let mut limits = Limits::default();
    limits.session_bytes = 2000;
    let outcome = Outcome::limited(&key, &text, &limits);
    assert_eq!(outcome.letters(), "rmr");
    let error = &outcome.report.failures()[0].error;
    assert_eq!(*error, OpenError::TooLarge { limit: 2000, found: 5008 });
    let pieces = text.as_bytes().chunks(7);
    let again = Outcome::in_pieces(&key, pieces, RestoreOptions::default(), &limits);
    assert_eq!(again, outcome);
}

#[test]
fn a_session_that_is_nested_too_deep_costs_itself_alone() {
    let key = key();
    let good = Megolm::new().member(&key);
    let too_deep = OpenError::TooDeep { limit: 128 };
    for depth in [124, 125, 1 << 20] {
        let nested = format!("\"x\":{}{}", "[".repeat(depth), "]".repeat(depth));
        let outcome = Outcome::of(&key, &one_room(&[good.clone(), nested, good.clone()]));
        assert_eq!(outcome.letters(), "rmr");
        assert_eq!(outcome.report.failures()[0].error == too_deep, depth > 124, "{depth}");
        assert!(outcome.report.is_complete());
    }
    let endless = format!("{{\"x\":{}", "[".repeat(1 << 20));
    assert_eq!(Outcome::of(&key, &endless).report.ended_early(), Some(StreamError::CutOff));
}

#[test]
fn a_name_that_is_too_long_costs_what_it_names() {
    let key = key();
    let good = Megolm::new().member(&key);
    let name = |length: usize| "n".repeat(length);
    let sessions = [member(&name(4094), &json!(1)), member(&name(4095), &json!(1)), good.clone()];
    let member = format!("\"{}\":[]", name(1 << 20));
    let rooms = [
        room("!a", &sessions),
        room(&name(5000), std::slice::from_ref(&good)),
        room("!b", &[good]),
    ];
    let text = body(&rooms).replacen('{', &format!("{{{member},"), 1);
    let outcome = Outcome::of(&key, &text);
    assert_eq!(outcome.letters(), "mmrmr");
    let errors = [1, 2].map(|index| outcome.report.failures()[index].error.clone());
    let too_long = |found| FormatProblem::TooLarge { limit: 4096, found };
    assert_eq!(errors, [OpenError::SessionId(too_long(4097)), OpenError::RoomId(too_long(5002))]);
    let shown = format!("\"{}", name(4095));
    assert_eq!(outcome.report.failures()[1].session_id.as_str(), shown);
    assert!(outcome.report.is_complete());
    let pieces = text.as_bytes().chunks(7);
    let (options, limits) = (RestoreOptions::default(), Limits::default());
    assert_eq!(Outcome::in_pieces(&key, pieces, options, &limits), outcome);
}

#[test]
fn a_response_without_an_end_is_left_at_the_limit() {
    let key = key();
    let text = one_room(&[Megolm::new().member(&key), Megolm::new().member(&key)]);
    let mut limits = Limits::default();
    limits.streamed_response_bytes = text.len() as u64;
    assert!(Outcome::limited(&key, &text, &limits).report.is_complete());
    limits.streamed_response_bytes -= 5;
    let outcome = Outcome::limited(&key, &text, &limits);
    assert_eq!(outcome.letters(), "rm");
    let too_long = StreamError::TooLong { limit: text.len() as u64 - 5 };
    assert_eq!(outcome.report.ended_early(), Some(too_long));
    let pieces = text.as_bytes().chunks(7);
    let options = RestoreOptions::default();
    assert_eq!(Outcome::in_pieces(&key, pieces, options.clone(), &limits), outcome);
    let endless = text.as_bytes().chain(io::repeat(b' '));
    let each = |_, _| Ok::<_, Infallible>(());
    let Ok(report) = restore_reader(&key, endless, options, &limits, each);
    assert_eq!(report.ended_early(), Some(too_long));
}

#[test]
fn a_report_names_a_bounded_number_and_counts_all() {
    let key = key();
    let nulls: Vec<_> = (0..50).map(|index| member(&index.to_string(), &json!(null))).collect();
    let mut rooms: Vec<_> = (0..30).map(|index| format!("\"!{index}\":null")).collect();
    rooms.push(room("!a", &nulls));
    let good = Megolm::new();
    let warned: Vec<_> = (0..5).map(|_| member("other", &good.sealed(&key))).collect();
    rooms.push(room("!b", &warned));
    let mut limits = Limits::default();
    limits.findings = 3;
    let report = Outcome::limited(&key, &body(&rooms), &limits).report;
    assert_eq!((report.failed(), report.failures().len()), (50, 3));
    assert_eq!((report.warned(), report.warnings().len()), (5, 3));
    assert_eq!((report.broken_room_count(), report.broken_rooms().len()), (30, 3));
    assert_eq!(report.failures()[2].session_id.as_str(), "2", "the first ones");
}

#[test]
fn memory_does_not_grow_with_the_response() {
    let session = member("x", &json!({"session_data": "y".repeat(900)}));
    let piece = format!("{session},").repeat(64);
    let mut splitter = RoomKeysSplitter::new(&Limits::default());
    let mut sessions = 0;
    let mut feed = |mut piece: &[u8]| {
        while let Some(item) = splitter.next_item(&mut piece).unwrap() {
            assert!(matches!(item, RoomKeysItem::Session { .. }));
            sessions += 1;
        }
        assert!(splitter.buffered_bytes() < 4096, "{}", splitter.buffered_bytes());
    };
    feed(br#"{"rooms":{"!a":{"sessions":{"#);
    for _ in 0..900 {
        piece.as_bytes().chunks(10_007).for_each(&mut feed);
    }
    feed(b"\"last\":{}}}}}");
    assert!(piece.len() * 900 > 50 << 20);
    assert_eq!(sessions, 64 * 900 + 1);
    splitter.end().unwrap();
}

#[test]
fn an_oversized_session_takes_no_memory() {
    let mut splitter = RoomKeysSplitter::new(&Limits::default());
    let mut found = None;
    let pieces = [&br#"{"rooms":{"!a":{"sessions":{"x":""#[..]];
    let long = vec![b'y'; 1 << 16];
    let pieces = pieces.into_iter().chain((0..500).map(|_| &long[..])).chain([&b"\"}}}}"[..]]);
    for mut piece in pieces {
        while let Some(item) = splitter.next_item(&mut piece).unwrap() {
            if let RoomKeysItem::FailedSession(failed) = item {
                found = Some(failed.error);
            }
        }
        assert!(splitter.buffered_bytes() <= 2 << 20);
    }
    splitter.end().unwrap();
    let found_bytes = (500 << 16) + 2;
    assert_eq!(found, Some(OpenError::TooLarge { limit: 1 << 20, found: found_bytes }));
}

fn key() -> BackupDecryptionKey {
    BackupDecryptionKey::generate().unwrap()
}

//! What must hold for any bytes that come as a response: the fuzz target and `tests/stream_corpus.rs`
//! check it.
//!
//! The first byte of an input says into which pieces the rest is cut.

#[path = "restore.rs"]
mod restore;
#[path = "whole.rs"]
mod whole;

use serde_json::value::RawValue;
use strongroom::{
    Limits,
    backup::{OpenError, RoomKeysItem, RoomKeysSplitter, StreamError},
    ids::RoomId,
};

use whole::{depth, whole_parse};

/// What a response is split into, in order, and how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) items: Vec<Item>,
    pub(crate) end: Result<(), StreamError>,
    pub(crate) half_read: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Session { room: String, session: String, json: Vec<u8> },
    Failed { room: String, session: String, error: OpenError },
    BrokenRoom(String),
}

/// Checks every law on one input.
pub(crate) fn check(input: &[u8]) {
    let Some((seed, text)) = input.split_first() else { return };
    for one_room in [false, true] {
        for limits in [Limits::default(), tight()] {
            let whole = split([text], one_room, &limits);
            assert_eq!(whole, split(text.chunks(1), one_room, &limits), "byte by byte");
            assert_eq!(whole, split(pieces(text, *seed), one_room, &limits), "in pieces");
            assert!(whole.end.is_err() || whole.half_read.is_none());
            restore::check(text, &pieces(text, *seed), one_room, &limits);
        }
        let whole = split([text], one_room, &Limits::default());
        check_against_whole_parse(text, one_room, &whole);
        check_prefix(text, *seed, one_room, &whole);
    }
}

/// Splits a response that comes in these pieces.
pub(crate) fn split<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    one_room: bool,
    limits: &Limits,
) -> Outcome {
    let mut splitter = if one_room {
        RoomKeysSplitter::for_room(RoomId::new("!one"), limits)
    } else {
        RoomKeysSplitter::new(limits)
    };
    let mut items = Vec::new();
    'pieces: for mut piece in pieces {
        loop {
            match splitter.next_item(&mut piece) {
                Ok(None) => break,
                Ok(Some(item)) => items.push(own(item)),
                Err(_) => break 'pieces,
            }
        }
        assert!(piece.is_empty(), "all of a piece is taken");
        let largest = limits.session_bytes.max(limits.name_bytes);
        assert!(splitter.buffered_bytes() <= 2 * largest + 64, "memory is bounded");
    }
    let half_read =
        splitter.half_read().map(|(room, id)| (room.as_str().to_owned(), id.as_str().to_owned()));
    Outcome { items, end: splitter.end(), half_read }
}

fn own(item: RoomKeysItem<'_>) -> Item {
    match item {
        RoomKeysItem::Session { room_id, session_id, json } => Item::Session {
            room: room_id.as_str().to_owned(),
            session: session_id.as_str().to_owned(),
            json: json.to_owned(),
        },
        RoomKeysItem::FailedSession(failed) => Item::Failed {
            room: failed.room_id.as_str().to_owned(),
            session: failed.session_id.as_str().to_owned(),
            error: failed.error,
        },
        RoomKeysItem::BrokenRoom(room_id) => Item::BrokenRoom(room_id.as_str().to_owned()),
        other => panic!("{other:?}"),
    }
}

/// Cuts a text into pieces of changing lengths.
fn pieces(text: &[u8], seed: u8) -> Vec<&[u8]> {
    let (mut rest, mut pieces, mut state) = (text, Vec::new(), u32::from(seed) + 1);
    while !rest.is_empty() {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        let length = 1 + (state >> 16) as usize % (2 + usize::from(seed));
        let (piece, after) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn tight() -> Limits {
    let mut limits = Limits::default();
    limits.session_bytes = 12;
    limits.name_bytes = 16;
    limits.response_depth = 6;
    limits
}

/// A response is read to its end exactly if it is JSON of the right form, and then the sessions are
/// those of the whole, in its order.
fn check_against_whole_parse(text: &[u8], one_room: bool, outcome: &Outcome) {
    for item in &outcome.items {
        if let Item::Session { json, .. } = item {
            serde_json::from_slice::<&RawValue>(json).expect("a session is well-formed");
        }
    }
    let is_json = serde_json::from_slice::<&RawValue>(text).is_ok();
    match outcome.end {
        Ok(()) => assert!(
            is_json || depth(text) > Limits::default().response_depth,
            "what is read to its end is JSON"
        ),
        Err(StreamError::Syntax | StreamError::CutOff | StreamError::TrailingBytes) => {
            assert!(!is_json, "JSON is read to its end, not {:?}", outcome.end);
        }
        Err(_) => {}
    }
    let Some(expected) = whole_parse(text, one_room) else { return };
    assert_eq!(outcome.end, expected.end);
    if outcome.end.is_ok() {
        assert_eq!(outcome.items, expected.items());
    }
}

/// What is delivered of a response that is cut are the sessions that are complete.
fn check_prefix(text: &[u8], seed: u8, one_room: bool, whole: &Outcome) {
    let cut = text.len() * usize::from(seed) / 256;
    check_cut(text, cut, one_room, whole);
}

/// As far as a response that is cut here goes, nothing is lost and nothing made up.
pub(crate) fn check_cut(text: &[u8], cut: usize, one_room: bool, whole: &Outcome) {
    let part = split([&text[..cut]], one_room, &Limits::default());
    assert!(whole.items.starts_with(&part.items), "{part:?} of {whole:?}");
    assert!(part.end.is_err() || text[cut..].trim_ascii().is_empty() || whole.end.is_err());
    let Some(expected) = whole_parse(text, one_room).filter(|_| whole.end.is_ok()) else { return };
    let complete = expected.sessions().filter(|session| session.end <= cut);
    let delivered = part.items.iter().filter(|item| !matches!(item, Item::BrokenRoom(_)));
    assert!(delivered.eq(complete.map(|session| &session.item)), "{part:?}");
    let half_read =
        expected.sessions().find(|session| session.name_end <= cut && cut < session.end);
    let half_read = half_read.and_then(|session| match &session.item {
        Item::Session { room, session, .. } | Item::Failed { room, session, .. } => {
            Some((room.clone(), session.clone()))
        }
        Item::BrokenRoom(_) => None,
    });
    assert_eq!(part.half_read, half_read);
}

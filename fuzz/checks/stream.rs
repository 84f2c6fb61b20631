//! What must hold for any bytes that come as a response: the fuzz target and `tests/stream_corpus.rs`
//! check it.
//!
//! The first byte of an input says into which pieces the rest is cut.

use std::{collections::HashSet, fmt};

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use strongroom::{
    Limits,
    backup::{OpenError, RoomKeysItem, RoomKeysSplitter, StreamError},
    ids::RoomId,
};

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
    let half_read = splitter.half_read().map(|(room, id)| (room.to_string(), id.to_string()));
    Outcome { items, end: splitter.end(), half_read }
}

fn own(item: RoomKeysItem<'_>) -> Item {
    match item {
        RoomKeysItem::Session(session) => Item::Session {
            room: session.room_id.to_string(),
            session: session.session_id.to_string(),
            json: session.json.to_owned(),
        },
        RoomKeysItem::FailedSession(failed) => Item::Failed {
            room: failed.room_id.to_string(),
            session: failed.session_id.to_string(),
            error: failed.error,
        },
        RoomKeysItem::BrokenRoom(room_id) => Item::BrokenRoom(room_id.to_string()),
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
    if matches!(outcome.end, Err(StreamError::TooDeep { .. } | StreamError::NameTooLong { .. })) {
        return;
    }
    for item in &outcome.items {
        if let Item::Session { json, .. } = item {
            serde_json::from_slice::<&RawValue>(json).expect("a session is well-formed");
        }
    }
    let is_json = serde_json::from_slice::<&RawValue>(text).is_ok();
    match outcome.end {
        Ok(()) => assert!(is_json, "what is read to its end is JSON"),
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

/// What a whole JSON text without duplicate names holds.
struct Whole {
    end: Result<(), StreamError>,
    items: Vec<Placed>,
}

/// An item and where it stands.
struct Placed {
    item: Item,
    name_end: usize,
    /// From how many bytes on it is known to be complete.
    end: usize,
}

impl Whole {
    fn items(&self) -> Vec<Item> {
        self.items.iter().map(|placed| placed.item.clone()).collect()
    }

    fn sessions(&self) -> impl Iterator<Item = &Placed> {
        self.items.iter().filter(|placed| !matches!(placed.item, Item::BrokenRoom(_)))
    }

    fn add_room(&mut self, text: &str, room: &str, sessions: Option<Members<'_>>) {
        let Some(sessions) = sessions else {
            let item = Item::BrokenRoom(room.to_owned());
            return self.items.push(Placed { item, name_end: 0, end: 0 });
        };
        let end = |part: &str| part.as_ptr().addr() - text.as_ptr().addr() + part.len();
        for Member { name, is_unicode, written, json } in sessions.0 {
            let shows_its_end = !json.ends_with(|last: char| last.is_ascii_digit());
            let (name_end, end) = (end(written), end(json) + usize::from(!shows_its_end));
            let (room, session) = (room.to_owned(), name);
            let item = if is_unicode {
                Item::Session { room, session, json: json.as_bytes().to_vec() }
            } else {
                Item::Failed { room, session, error: OpenError::SessionIdNotUnicode }
            };
            self.items.push(Placed { item, name_end, end });
        }
    }
}

/// Reads a whole JSON text without duplicate names; `None` for any other.
fn whole_parse(text: &[u8], one_room: bool) -> Option<Whole> {
    serde_json::from_slice::<&RawValue>(text).ok()?;
    let fails = |error| Some(Whole { end: Err(error), items: Vec::new() });
    let wanted = if one_room { "sessions" } else { "rooms" };
    let text = str::from_utf8(text).ok()?;
    let (outer, mut duplicates) = Members::read(text);
    let Some(outer) = outer else { return fails(StreamError::NotAnObject) };
    let (inner, more) = outer.find(wanted).map_or((None, false), Members::read);
    duplicates |= more;
    let mut whole = Whole { end: Ok(()), items: Vec::new() };
    match inner {
        None => whole.end = Err(StreamError::Member(wanted)),
        Some(sessions) if one_room => whole.add_room(text, "!one", Some(sessions)),
        Some(rooms) => {
            for room in rooms.0 {
                let (members, more) = Members::read(room.json);
                duplicates |= more;
                let sessions = members.and_then(|members| members.find("sessions"));
                let (sessions, more) = sessions.map_or((None, false), Members::read);
                duplicates |= more;
                whole.add_room(text, &room.name, sessions.filter(|_| room.is_unicode));
            }
        }
    }
    (!duplicates).then_some(whole)
}

/// The members of an object in their order.
struct Members<'a>(Vec<Member<'a>>);

struct Member<'a> {
    /// The name, as it is written if it is not Unicode.
    name: String,
    is_unicode: bool,
    written: &'a str,
    json: &'a str,
}

impl<'a> Members<'a> {
    /// The members if it is an object, and whether a name occurs twice.
    fn read(text: &'a str) -> (Option<Self>, bool) {
        if !text.trim_ascii().starts_with('{') {
            return (None, false);
        }
        let members = serde_json::Deserializer::from_str(text).deserialize_map(ReadMembers);
        let members = members.expect("known to be JSON");
        let names: HashSet<_> = members.iter().map(|member| &member.name).collect();
        let has_duplicates = names.len() < members.len();
        (Some(Self(members)), has_duplicates)
    }

    fn find(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|member| member.name == name).map(|member| member.json)
    }
}

struct ReadMembers;

impl<'de> Visitor<'de> for ReadMembers {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let (written, json) = (name.get(), value.get());
            let read: Result<String, _> = serde_json::from_str(written);
            let is_unicode = read.is_ok();
            let name = read.unwrap_or_else(|_| written.to_owned());
            members.push(Member { name, is_unicode, written, json });
        }
        Ok(members)
    }
}

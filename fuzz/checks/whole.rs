//! What a response holds, read as a whole by `serde_json`: what the splitter is held against.

use std::{collections::HashSet, fmt};

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use strongroom::{
    Limits,
    backup::{OpenError, StreamError},
    encoding::format::FormatProblem,
};

use super::Item;

/// What a whole JSON text without duplicate names holds.
pub(super) struct Whole {
    pub(super) end: Result<(), StreamError>,
    items: Vec<Placed>,
}

/// An item and where it stands.
pub(super) struct Placed {
    pub(super) item: Item,
    pub(super) name_end: usize,
    /// From how many bytes on it is known to be complete.
    pub(super) end: usize,
}

impl Whole {
    pub(super) fn items(&self) -> Vec<Item> {
        self.items.iter().map(|placed| placed.item.clone()).collect()
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &Placed> {
        self.items.iter().filter(|placed| !matches!(placed.item, Item::BrokenRoom(_)))
    }

    fn add_room(&mut self, text: &str, room: &Room<'_>, sessions: Option<Members<'_>>) {
        let Some(sessions) = sessions else {
            let item = Item::BrokenRoom(room.name.to_owned());
            return self.items.push(Placed { item, name_end: 0, end: 0 });
        };
        let end = |part: &str| part.as_ptr().addr() - text.as_ptr().addr() + part.len();
        for Member { name, problem, written, json } in sessions.0 {
            let shows_its_end = !json.ends_with(|last: char| last.is_ascii_digit());
            let (name_end, end) = (end(written), end(json) + usize::from(!shows_its_end));
            let limit = Limits::default().response_depth;
            let error = if let Some(problem) = room.problem {
                Some(OpenError::RoomId(problem))
            } else if let Some(problem) = problem {
                Some(OpenError::SessionId(problem))
            } else if room.depth + depth(json.as_bytes()) > limit {
                Some(OpenError::TooDeep { limit })
            } else {
                None
            };
            let (room, session) = (room.name.to_owned(), name);
            let item = match error {
                None => Item::Session { room, session, json: json.as_bytes().to_vec() },
                Some(error) => Item::Failed { room, session, error },
            };
            self.items.push(Placed { item, name_end, end });
        }
    }
}

/// A room and how deep its sessions stand.
struct Room<'a> {
    name: &'a str,
    problem: Option<FormatProblem>,
    depth: usize,
}

/// How deep the arrays and objects of a text are nested, going by brackets and strings alone.
pub(super) fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Reads a whole JSON text without duplicate names; `None` for any other.
pub(super) fn whole_parse(text: &[u8], one_room: bool) -> Option<Whole> {
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
        Some(sessions) if one_room => {
            let room = Room { name: "!one", problem: None, depth: 2 };
            whole.add_room(text, &room, Some(sessions));
        }
        Some(rooms) => {
            for room in rooms.0 {
                let (members, more) = Members::read(room.json);
                duplicates |= more;
                let sessions = members.and_then(|members| members.find("sessions"));
                let (sessions, more) = sessions.map_or((None, false), Members::read);
                duplicates |= more;
                let room = Room { name: &room.name, problem: room.problem, depth: 4 };
                whole.add_room(text, &room, sessions);
            }
        }
    }
    (!duplicates).then_some(whole)
}

/// The members of an object in their order.
struct Members<'a>(Vec<Member<'a>>);

struct Member<'a> {
    /// The name; its beginning as it is written if it is not usable.
    name: String,
    problem: Option<FormatProblem>,
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
            let (limit, found) = (Limits::default().name_bytes, written.len());
            let (name, problem) = match serde_json::from_str(written) {
                _ if found > limit => {
                    let beginning = String::from_utf8_lossy(&written.as_bytes()[..limit]);
                    (beginning.into_owned(), Some(FormatProblem::TooLarge { limit, found }))
                }
                Ok(name) => (name, None),
                Err(_) => (written.to_owned(), Some(FormatProblem::NotText)),
            };
            members.push(Member { name, problem, written, json });
        }
        Ok(members)
    }
}

//! The events of a room.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{CREATE, MEMBER};
use crate::{
    encoding::json_object::JsonObject,
    homeserver::refusal::Refusal,
    ids::{DeviceId, RoomId, UserId},
};

/// The rooms of one user, who is alone in each.
#[derive(Clone, Default)]
pub(in crate::homeserver) struct Rooms(BTreeMap<RoomId, Room>);

/// A room with all its events, in the order in which they came.
#[derive(Clone, Default)]
pub(in crate::homeserver) struct Room {
    events: Vec<Event>,
    bytes: usize,
}

/// An event before it has its place in a room.
#[derive(Clone)]
pub(super) struct NewEvent {
    kind: String,
    state_key: Option<String>,
    content: JsonObject,
    /// Which device sent it, under which transaction ID.
    transaction: Option<(DeviceId, String)>,
}

#[derive(Clone)]
pub(super) struct Event {
    id: String,
    sender: UserId,
    /// When it came, as a position of the stream.
    position: u64,
    is: NewEvent,
}

/// A room as `/sync` returns it.
#[derive(Serialize)]
pub(in crate::homeserver) struct JoinedRoom<'a> {
    timeline: Timeline<'a>,
    state: NoEvents,
    account_data: NoEvents,
    ephemeral: NoEvents,
}

#[derive(Serialize)]
struct Timeline<'a> {
    events: Vec<ShownEvent<'a>>,
    limited: bool,
}

#[derive(Serialize, Default)]
struct NoEvents {
    events: [(); 0],
}

/// An event as its reader sees it.
#[derive(Serialize)]
pub(super) struct ShownEvent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a RoomId>,
    event_id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_key: Option<&'a str>,
    sender: &'a UserId,
    origin_server_ts: u64,
    content: &'a JsonObject,
    unsigned: Unsigned<'a>,
}

#[derive(Serialize)]
struct Unsigned<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<&'a str>,
}

impl Rooms {
    /// Their IDs.
    pub(super) fn ids(&self) -> impl Iterator<Item = &RoomId> {
        self.0.keys()
    }

    pub(super) fn get(&self, id: &RoomId) -> Option<&Room> {
        self.0.get(id)
    }

    pub(super) fn get_or_insert(&mut self, id: &RoomId) -> &mut Room {
        self.0.entry(id.clone()).or_default()
    }

    /// The rooms in which something happened after a position, with all of that.
    pub(in crate::homeserver) fn after<'a>(
        &'a self,
        position: u64,
        device: &'a DeviceId,
    ) -> impl Iterator<Item = (&'a RoomId, JoinedRoom<'a>)> {
        self.0.iter().filter_map(move |(id, room)| Some((id, room.after(position, device)?)))
    }

    /// About how many bytes they take.
    pub(in crate::homeserver) fn bytes(&self) -> usize {
        self.0.iter().map(|(id, room)| id.as_str().len() + room.bytes).sum()
    }
}

impl Room {
    /// Adds an event, and returns its ID.
    pub(super) fn add(&mut self, is: NewEvent, sender: &UserId, position: u64) -> &str {
        let id = format!("$event{position}");
        self.bytes += is.bytes();
        self.events.push(Event { id, sender: sender.clone(), position, is });
        self.events.last().map_or("", |event| &event.id)
    }

    /// The ID of what a device sent under a transaction ID already.
    pub(super) fn sent(&self, device: &DeviceId, kind: &str, transaction: &str) -> Option<&str> {
        let is_it = |event: &&Event| {
            let sent = event.is.transaction.as_ref();
            let is_same = sent.is_some_and(|(by, under)| by == device && under == transaction);
            is_same && event.is.kind == kind
        };
        let mut recent = self.events.iter().rev().take(EVENTS_REMEMBERED);
        recent.find(is_it).map(|event| event.id.as_str())
    }

    /// All events, in the order in which they came.
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// The event with an ID.
    pub(super) fn event(&self, id: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.id == id)
    }

    /// The event that is the state of a type and a key.
    pub(super) fn state(&self, kind: &str, key: &str) -> Option<&Event> {
        let is_it =
            |event: &&Event| event.is.kind == kind && event.is.state_key.as_deref() == Some(key);
        self.events.iter().rfind(is_it)
    }

    fn after<'a>(&'a self, position: u64, device: &DeviceId) -> Option<JoinedRoom<'a>> {
        let first = self.events.partition_point(|event| event.position <= position);
        let new = self.events.get(first..)?;
        let events: Vec<_> = new.iter().map(|event| event.shown(None, device)).collect();
        (!events.is_empty()).then(|| JoinedRoom {
            timeline: Timeline { events, limited: false },
            state: NoEvents::default(),
            account_data: NoEvents::default(),
            ephemeral: NoEvents::default(),
        })
    }
}

impl NewEvent {
    /// A message that a device wants to send.
    pub(super) fn message(
        kind: &str,
        content: JsonObject,
        device: &DeviceId,
        transaction: &str,
    ) -> Result<Self, Refusal> {
        let transaction = Some((device.clone(), transaction.to_owned()));
        Self { kind: kind.to_owned(), state_key: None, content, transaction }.checked()
    }

    /// State that a device wants to set.
    pub(super) fn state(kind: &str, key: &str, content: JsonObject) -> Result<Self, Refusal> {
        Self::first_state(kind, key, content).checked()
    }

    /// State that a room begins with.
    pub(super) fn first_state(kind: &str, key: &str, content: JsonObject) -> Self {
        let (kind, state_key) = (kind.to_owned(), Some(key.to_owned()));
        Self { kind, state_key, content, transaction: None }
    }

    fn checked(self) -> Result<Self, Refusal> {
        if self.kind == MEMBER || self.kind == CREATE {
            return Err(Refusal::Forbidden("Rooms keep the member and the version that they have"));
        }
        if self.bytes() > MAX_EVENT_BYTES {
            return Err(Refusal::TooLarge { limit: MAX_EVENT_BYTES });
        }
        Ok(self)
    }

    /// About how many bytes it takes, or will take.
    pub(super) fn bytes(&self) -> usize {
        let transaction = self.transaction.as_ref().map_or(0, |(_, id)| id.len());
        let key = self.state_key.as_ref().map_or(0, String::len);
        size_of::<Event>() + self.kind.len() + key + transaction + self.content.as_bytes().len()
    }
}

impl Event {
    pub(super) fn content(&self) -> &JsonObject {
        &self.is.content
    }

    /// The event as a device sees it; `/sync` says the room elsewhere.
    pub(super) fn shown<'a>(
        &'a self,
        room_id: Option<&'a RoomId>,
        device: &DeviceId,
    ) -> ShownEvent<'a> {
        let NewEvent { kind, state_key, content, transaction } = &self.is;
        let transaction = transaction.as_ref().filter(|(sender, _)| sender == device);
        ShownEvent {
            room_id,
            event_id: &self.id,
            kind,
            state_key: state_key.as_deref(),
            sender: &self.sender,
            origin_server_ts: self.position,
            content,
            unsigned: Unsigned { transaction_id: transaction.map(|(_, id)| id.as_str()) },
        }
    }
}

/// Among how many events of a room a transaction ID is looked for.
const EVENTS_REMEMBERED: usize = 1_000;

/// The [largest event](https://spec.matrix.org/v1.16/client-server-api/#size-limits), in bytes.
const MAX_EVENT_BYTES: usize = 65_536;

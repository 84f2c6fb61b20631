//! The keys of one backup version.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{Part, stored_key::StoredKey};
use crate::ids::{RoomId, SessionId};

/// Keys by room and session. No room is empty.
#[derive(Clone, Default)]
pub(super) struct StoredKeys {
    rooms: Rooms,
    count: usize,
    bytes: usize,
}

/// Keys by room and session.
pub(super) type Rooms = BTreeMap<RoomId, Sessions>;

/// Keys by session.
pub(super) type Sessions = BTreeMap<SessionId, StoredKey>;

impl StoredKeys {
    /// How many keys there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rooms in order.
    pub(super) fn rooms(&self) -> impl Iterator<Item = (&RoomId, &Sessions)> {
        self.rooms.iter()
    }

    /// The keys of a room; none if it has none.
    pub(super) fn room(&self, room: &RoomId) -> Option<&Sessions> {
        self.rooms.get(room)
    }

    /// Stores the keys that are new or better than the stored ones; says whether there were any.
    pub(super) fn store(&mut self, keys: Rooms) -> bool {
        let mut changed = false;
        for (room, sessions) in keys {
            for (session, key) in sessions {
                changed |= self.store_one(&room, session, key);
            }
        }
        changed
    }

    /// Deletes what there is of this part.
    pub(super) fn delete(&mut self, part: &Part) {
        match part {
            Part::All => *self = Self::default(),
            Part::Room(room) => {
                let Some(sessions) = self.rooms.remove(room) else { return };
                self.bytes -= room_size(room);
                for (session, key) in &sessions {
                    self.forget(session, key);
                }
            }
            Part::Session(room, session) => self.delete_one(room, session),
        }
    }

    fn store_one(&mut self, room: &RoomId, session: SessionId, key: StoredKey) -> bool {
        let bytes = size(&session, &key);
        let sessions = self.rooms.entry(room.clone()).or_insert_with(|| {
            self.bytes += room_size(room);
            Sessions::new()
        });
        match sessions.entry(session) {
            Entry::Occupied(entry) if !key.replaces(entry.get()) => return false,
            Entry::Occupied(mut entry) => {
                self.bytes -= size(entry.key(), entry.get());
                entry.insert(key);
            }
            Entry::Vacant(entry) => {
                self.count += 1;
                entry.insert(key);
            }
        }
        self.bytes += bytes;
        true
    }

    fn delete_one(&mut self, room: &RoomId, session: &SessionId) {
        let Some(sessions) = self.rooms.get_mut(room) else { return };
        let removed = sessions.remove(session);
        if sessions.is_empty() {
            self.rooms.remove(room);
            self.bytes -= room_size(room);
        }
        if let Some(key) = removed {
            self.forget(session, &key);
        }
    }

    fn forget(&mut self, session: &SessionId, key: &StoredKey) {
        self.count -= 1;
        self.bytes -= size(session, key);
    }
}

fn room_size(room: &RoomId) -> usize {
    size_of::<(RoomId, Sessions)>() + room.as_str().len()
}

fn size(session: &SessionId, key: &StoredKey) -> usize {
    size_of::<SessionId>() + session.as_str().len() + key.bytes()
}

//! Sessions that are looked for in all of their room.

use super::{Call, RequestKind, Scope, download::Download, missing::Missing};
use crate::{backup::RestoreOptions, ids::RoomId};

impl Download {
    /// What is sent for so much of the backup.
    pub(super) fn kind(&self, scope: &Scope) -> RequestKind {
        if self.is_by_room(scope) { RequestKind::FetchRoom } else { kind(scope) }
    }

    /// Whether a session is looked for in all of its room.
    pub(super) fn is_by_room(&self, scope: &Scope) -> bool {
        let Scope::Session(room_id, session_id) = scope else { return false };
        self.by_room.contains(&(room_id.clone(), session_id.clone()))
    }

    /// Whether what the server says of a session alone is to be compared with what the room has: a proxy that decodes paths
    /// takes `/` and `+` for something else.
    pub(super) fn is_doubtful(&self, scope: &Scope, now: u64) -> bool {
        let Scope::Session(room_id, session_id) = scope else { return false };
        let is_awkward = session_id.as_str().contains(['/', '+']);
        let known = self.rooms.get(room_id).filter(|known| known.until_ms > now);
        let is_known = known.is_some_and(|known| known.etag == self.etag);
        is_awkward && !is_known && !self.is_by_room(scope)
    }

    /// A room was looked through.
    pub(super) fn looked_through(&mut self, room_id: RoomId, until_ms: u64) {
        if self.rooms.len() >= MAX_ROOMS {
            self.rooms.clear();
        }
        self.rooms.insert(room_id, Missing { until_ms, etag: self.etag });
    }
}

/// Rooms that are remembered as looked through.
const MAX_ROOMS: usize = 1_000;

/// How the response for so much of the backup is read, which has so many sessions in all.
pub(super) fn restore_options(scope: &Scope, call: &Call, count: Option<u64>) -> RestoreOptions {
    let mut options = RestoreOptions::default();
    match scope {
        Scope::Everything => options.expected = count,
        Scope::Room(room_id) | Scope::Session(room_id, _) if matches!(call, Call::Room(..)) => {
            options.room_id = Some(room_id.clone());
        }
        Scope::Room(_) | Scope::Session(..) => {}
    }
    options
}

/// What a request for so much of the backup is.
fn kind(scope: &Scope) -> RequestKind {
    match scope {
        Scope::Session(..) => RequestKind::FetchSession,
        Scope::Room(_) => RequestKind::FetchRoom,
        Scope::Everything => RequestKind::FetchEverything,
    }
}

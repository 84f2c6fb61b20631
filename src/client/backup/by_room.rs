//! What is asked for, for so much of the backup: for a session perhaps all of its room.

use std::{collections::BTreeSet, mem};

use super::{Call, RequestKind, Scope, download::Download, missing::Missing};
use crate::{
    api::{Endpoint, GetRoomKeys, GetRoomKeysForSession},
    backup::RestoreOptions,
    ids::{BackupVersion, RoomId, SessionId},
};

impl Download {
    /// What is sent for so much of the backup.
    pub(super) fn kind(&self, scope: &Scope) -> RequestKind {
        kind(scope, &self.by_room)
    }

    /// The request for so much of the backup; `None` if an ID cannot stand in one.
    pub(super) fn call(&self, scope: &Scope, version: &BackupVersion) -> Option<Call> {
        let v = version.clone();
        match scope {
            Scope::Everything => Some(Call::Everything(v.clone(), valid(GetRoomKeys::new(v))?)),
            Scope::Session(room_id, session_id) if !self.is_by_room(scope) => {
                let call =
                    GetRoomKeysForSession::new(v.clone(), room_id.clone(), session_id.clone());
                Some(Call::Session(v, valid(call)?))
            }
            Scope::Room(room_id) | Scope::Session(room_id, _) => {
                let call = GetRoomKeys::for_room(v.clone(), room_id.clone());
                Some(Call::Room(v, valid(call)?))
            }
        }
    }

    /// What is sent for all of this, found out without looking at each. What is by room is one of the sessions.
    pub(super) fn kinds(&self) -> BTreeSet<RequestKind> {
        let wanted = &self.wanted;
        let by_room = !self.by_room.is_empty();
        let rest = wanted.len() - wanted.sessions();
        let everything = wanted.contains(&Scope::Everything);
        let kinds = [
            (everything, RequestKind::FetchEverything),
            (by_room || rest > usize::from(everything), RequestKind::FetchRoom),
            (wanted.sessions() > self.by_room.len(), RequestKind::FetchSession),
        ];
        kinds.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, kind)| kind).collect()
    }

    /// A scope is not wanted any more.
    pub(super) fn forgets(&mut self, scope: &Scope) {
        self.by_room.remove(scope);
    }

    /// Whether a session is looked for in all of its room.
    pub(super) fn is_by_room(&self, scope: &Scope) -> bool {
        self.by_room.contains(scope)
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

    /// Takes out the sessions that were sought in so much of the backup.
    pub(super) fn take_sought(&mut self, scope: &Scope) -> Vec<(RoomId, SessionId)> {
        let covered: Vec<_> = match scope {
            Scope::Everything => return mem::take(&mut self.sought).into_iter().collect(),
            Scope::Session(room_id, session_id) => {
                return self
                    .sought
                    .take(&(room_id.clone(), session_id.clone()))
                    .into_iter()
                    .collect();
            }
            Scope::Room(room_id) => {
                let first = (room_id.clone(), SessionId::from(""));
                self.sought
                    .range(first..)
                    .take_while(|(room, _)| room == room_id)
                    .cloned()
                    .collect()
            }
        };
        for session in &covered {
            self.sought.remove(session);
        }
        covered
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
pub(super) fn restore_options(scope: &Scope, count: Option<u64>) -> RestoreOptions {
    let mut options = RestoreOptions::default();
    match scope {
        Scope::Everything => options.expected = count,
        Scope::Room(room_id) | Scope::Session(room_id, _) => {
            options.room_id = Some(room_id.clone());
        }
    }
    options
}

/// What is sent for a scope, if these sessions are looked for in all of their room.
pub(super) fn kind(scope: &Scope, by_room: &BTreeSet<Scope>) -> RequestKind {
    match scope {
        Scope::Session(..) if by_room.contains(scope) => RequestKind::FetchRoom,
        Scope::Session(..) => RequestKind::FetchSession,
        Scope::Room(_) => RequestKind::FetchRoom,
        Scope::Everything => RequestKind::FetchEverything,
    }
}

/// The request, unless an ID cannot stand in one.
fn valid<E: Endpoint>(call: E) -> Option<E> {
    call.path_and_query().is_ok().then_some(call)
}

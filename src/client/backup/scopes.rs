//! So much of the backup as is wanted, and what the backup did not have.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Deref,
};

use serde::{Deserialize, Serialize};

use super::RequestKind;
use crate::{
    excerpt::Excerpt,
    ids::{RoomId, SessionId},
};

/// How much of the backup is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// All sessions.
    Everything,
    /// All sessions of this room.
    Room(RoomId),
    /// This session.
    Session(RoomId, SessionId),
}

impl Scope {
    /// Whether it is among these, or a part of one of them.
    pub(super) fn is_covered_by(&self, wanted: &BTreeSet<Self>) -> bool {
        let of_room = match self {
            Self::Session(room, _) => wanted.contains(&Self::Room(room.clone())),
            Self::Room(_) | Self::Everything => false,
        };
        of_room || wanted.contains(self) || wanted.contains(&Self::Everything)
    }

    /// Those of a set that come with this one.
    pub(super) fn covered(&self, scopes: &BTreeSet<Self>) -> impl Iterator<Item = Self> {
        let first = match self {
            Self::Room(room_id) => Self::Session(room_id.clone(), "".into()),
            Self::Everything | Self::Session(..) => self.clone(),
        };
        scopes.range(first..).take_while(|it| self.covers(it)).cloned()
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, _) => true,
            (Self::Room(room), Self::Room(other) | Self::Session(other, _)) => room == other,
            (Self::Session(..), _) => self == other,
            (Self::Room(_), Self::Everything) => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Room(room_id) => write!(f, "room {}", Excerpt::new(room_id.as_str())),
            Self::Session(room_id, session_id) => {
                let [room_id, session_id] =
                    [room_id.as_str(), session_id.as_str()].map(Excerpt::new);
                write!(f, "session {session_id} of room {room_id}")
            }
        }
    }
}

/// So much of the backup as is wanted. How many single sessions are among it, and what has not failed yet, is kept beside
/// it: a set of thousands is not looked through each time, also if what is sent for most of them has to wait.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    scopes: BTreeSet<Scope>,
    sessions: usize,
    /// What has not failed in this round, by what is sent for it.
    fresh: BTreeMap<RequestKind, BTreeSet<Scope>>,
    /// Sessions that are looked for in all of their room, since a proxy may have spoilt the request for one.
    by_room: BTreeSet<Scope>,
}

impl Scopes {
    pub(super) fn insert(&mut self, scope: Scope) {
        if self.scopes.insert(scope.clone()) {
            self.sessions += usize::from(matches!(scope, Scope::Session(..)));
            self.fresh.entry(self.kind(&scope)).or_default().insert(scope);
        }
    }

    pub(super) fn remove(&mut self, scope: &Scope) {
        if self.scopes.remove(scope) {
            self.sessions -= usize::from(matches!(scope, Scope::Session(..)));
            self.put_last(scope);
            self.by_room.remove(scope);
        }
    }

    /// The others come before it.
    pub(super) fn put_last(&mut self, scope: &Scope) {
        if let Some(fresh) = self.fresh.get_mut(&self.kind(scope)) {
            fresh.remove(scope);
        }
    }

    /// From now on this session is looked for in all of its room.
    pub(super) fn seek_in_room(&mut self, session: &Scope) {
        self.put_last(session);
        self.by_room.insert(session.clone());
        self.fresh.entry(self.kind(session)).or_default().insert(session.clone());
    }

    pub(super) fn is_sought_in_room(&self, session: &Scope) -> bool {
        self.by_room.contains(session)
    }

    /// What comes next of what may be sent. What has failed has its turn when nothing else is left, and a new round begins.
    pub(super) fn next(&mut self, may_send: impl Fn(RequestKind) -> bool) -> Option<Scope> {
        let kinds: Vec<_> = self.kinds().filter(|kind| may_send(*kind)).collect();
        let first = |fresh: &BTreeMap<_, BTreeSet<Scope>>| {
            kinds.iter().find_map(|kind| fresh.get(kind)?.last().cloned())
        };
        let next = first(&self.fresh);
        if next.is_some() || kinds.is_empty() {
            return next;
        }
        let mut fresh = BTreeMap::<_, BTreeSet<_>>::new();
        for scope in &self.scopes {
            fresh.entry(self.kind(scope)).or_default().insert(scope.clone());
        }
        self.fresh = fresh;
        first(&self.fresh)
    }

    pub(super) fn kind(&self, scope: &Scope) -> RequestKind {
        match scope {
            Scope::Session(..) if !self.by_room.contains(scope) => RequestKind::FetchSession,
            Scope::Session(..) | Scope::Room(_) => RequestKind::FetchRoom,
            Scope::Everything => RequestKind::FetchEverything,
        }
    }

    /// What is sent for all of it, found out without looking at each. Single sessions have the first turn, since somebody
    /// waits for them.
    pub(super) fn kinds(&self) -> impl Iterator<Item = RequestKind> + use<> {
        let everything = self.contains(&Scope::Everything);
        let rest = self.len() - self.sessions;
        let by_room = !self.by_room.is_empty();
        let kinds = [
            (self.sessions > self.by_room.len(), RequestKind::FetchSession),
            (by_room || rest > usize::from(everything), RequestKind::FetchRoom),
            (everything, RequestKind::FetchEverything),
        ];
        kinds.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, kind)| kind)
    }
}

impl Deref for Scopes {
    type Target = BTreeSet<Scope>;

    fn deref(&self) -> &BTreeSet<Scope> {
        &self.scopes
    }
}

/// Sessions that the backup did not have lately, and no more of them than a machine remembers.
#[derive(Debug, Default)]
pub(super) struct MissingSessions {
    sessions: BTreeMap<Scope, Missing>,
    /// When the first of them is asked for again, or earlier.
    next_ms: Option<u64>,
}

/// The backup did not have something when it had this `ETag`.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) until_ms: u64,
    pub(super) etag: Option<[u8; 32]>,
}

impl MissingSessions {
    /// What is remembered of a session, until it is asked for again.
    pub(super) fn get(&self, session: &Scope, now: u64) -> Option<&Missing> {
        self.sessions.get(session).filter(|missing| missing.until_ms > now)
    }

    /// Remembers that the backup does not have a session, and returns whether there was room for it.
    pub(super) fn add(&mut self, session: Scope, missing: Missing, now: u64) -> bool {
        // Not for each session, since there may be many.
        if self.sessions.len() >= MAX_MISSING && self.next_ms.is_some_and(|next| next <= now) {
            self.sessions.retain(|_, missing| missing.until_ms > now);
            self.next_ms = self.sessions.values().map(|missing| missing.until_ms).min();
        }
        if self.sessions.len() >= MAX_MISSING && !self.sessions.contains_key(&session) {
            return false;
        }
        self.next_ms = self.next_ms.into_iter().chain([missing.until_ms]).min();
        self.sessions.insert(session, missing);
        true
    }

    pub(super) fn clear(&mut self) {
        self.sessions.clear();
    }
}

/// As many as are wanted at a time.
const MAX_MISSING: usize = 10_000;

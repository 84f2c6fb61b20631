//! Sessions that the backup did not have lately.

use std::collections::BTreeMap;

use crate::ids::{RoomId, SessionId};

/// Sessions that the backup did not have lately, and no more of them than a machine remembers.
#[derive(Debug, Default)]
pub(super) struct MissingSessions {
    sessions: BTreeMap<(RoomId, SessionId), Missing>,
    /// When the first of them is asked for again, or earlier.
    next_ms: Option<u64>,
}

/// The backup did not have a session.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) until_ms: u64,
    pub(super) etag: Option<[u8; 32]>,
}

impl MissingSessions {
    /// What is remembered of a session, until it is asked for again.
    pub(super) fn get(&self, session: &(RoomId, SessionId), now: u64) -> Option<&Missing> {
        self.sessions.get(session).filter(|missing| missing.until_ms > now)
    }

    /// Remembers that the backup does not have a session, and returns whether there was room for it.
    pub(super) fn add(&mut self, session: (RoomId, SessionId), missing: Missing, now: u64) -> bool {
        self.forget_past(now);
        if self.sessions.len() >= MAX_MISSING && !self.sessions.contains_key(&session) {
            return false;
        }
        let next_ms = self.next_ms.map_or(missing.until_ms, |next| next.min(missing.until_ms));
        self.next_ms = Some(next_ms);
        self.sessions.insert(session, missing);
        true
    }

    pub(super) fn clear(&mut self) {
        self.sessions.clear();
    }

    /// Not for each session, since there may be many.
    fn forget_past(&mut self, now: u64) {
        let is_full = self.sessions.len() >= MAX_MISSING;
        if is_full && self.next_ms.is_some_and(|next| next <= now) {
            self.sessions.retain(|_, missing| missing.until_ms > now);
            self.next_ms = self.sessions.values().map(|missing| missing.until_ms).min();
        }
    }
}

/// As many as are wanted at a time.
const MAX_MISSING: usize = 10_000;

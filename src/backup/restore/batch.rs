//! Sessions that wait until there are enough to be opened together.

use std::fmt;

use super::FailedSession;
use crate::{
    backup::{OpenError, RestoredSession, ReturnedSession},
    ids::{RoomId, SessionId},
};

/// Sessions in the order of the response, their JSON one behind the other in one buffer: so those that lie in different pieces
/// are opened together, and a copy of 1 KiB is little beside an agreement.
#[derive(Default)]
pub(super) struct Batch {
    json: Vec<u8>,
    sessions: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    room_id: RoomId,
    session_id: SessionId,
    /// How many bytes of JSON it has, or why it has none.
    content: Result<usize, OpenError>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { json, sessions } = self;
        f.debug_struct("Batch")
            .field("bytes", &json.len())
            .field("sessions", &sessions.len())
            .finish_non_exhaustive()
    }
}

impl Batch {
    /// Adds a session.
    pub(super) fn push(&mut self, session: ReturnedSession<'_>) {
        let ReturnedSession { room_id, session_id, json } = session;
        self.json.extend_from_slice(json);
        let (room_id, session_id) = (room_id.clone(), session_id.clone());
        self.sessions.push(Waiting { room_id, session_id, content: Ok(json.len()) });
    }

    /// Adds a session that has failed already.
    pub(super) fn push_failed(&mut self, failed: FailedSession) {
        let FailedSession { room_id, session_id, error } = failed;
        self.sessions.push(Waiting { room_id, session_id, content: Err(error) });
    }

    pub(super) fn is_full(&self) -> bool {
        self.sessions.len() >= MAX_SESSIONS || self.json.len() >= MAX_BYTES
    }

    /// Opens everything that waits, by a function that has a result for each session: a verdict for
    /// each, in their order.
    pub(super) fn open(
        &mut self,
        open: impl FnOnce(&[ReturnedSession<'_>]) -> Opened,
    ) -> Vec<Result<RestoredSession, FailedSession>> {
        let mut opened = open(&self.borrowed()).into_iter();
        let sessions = self.sessions.drain(..);
        let verdicts = sessions.map(|waiting| {
            #[expect(clippy::expect_used, reason = "what opens has a result for each session")]
            let result = waiting.content.and_then(|_| opened.next().expect("a result for each"));
            let (room_id, session_id) = (waiting.room_id, waiting.session_id);
            result.map_err(|error| FailedSession { room_id, session_id, error })
        });
        let verdicts = verdicts.collect();
        self.json.clear();
        verdicts
    }

    fn borrowed(&self) -> Vec<ReturnedSession<'_>> {
        let mut rest = self.json.as_slice();
        let sessions = self.sessions.iter().filter_map(|waiting| {
            let (json, after) = rest.split_at_checked(*waiting.content.as_ref().ok()?)?;
            rest = after;
            let Waiting { room_id, session_id, .. } = waiting;
            Some(ReturnedSession { room_id, session_id, json })
        });
        sessions.collect()
    }
}

/// A result for each session, in their order.
pub(super) type Opened = Vec<Result<RestoredSession, OpenError>>;

/// Enough to share what is computed once for many sessions.
const MAX_SESSIONS: usize = 256;

/// Many times what 256 usual sessions take.
const MAX_BYTES: usize = 1 << 20;

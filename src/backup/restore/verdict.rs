//! What becomes of one session.

use std::fmt;

use crate::{
    backup::{OpenError, RestoredSession},
    excerpt::Excerpt,
    ids::{RoomId, SessionId},
};

/// What became of one session of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is restored.
    Restored(RestoredSession),
    /// It is not.
    Failed(FailedSession),
}

/// A session that is not restored, under the names that the server returned it under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedSession {
    /// The room it was returned for.
    pub room_id: RoomId,
    /// The session ID it was returned for.
    pub session_id: SessionId,
    /// What is wrong with it.
    pub error: OpenError,
}

impl fmt::Display for FailedSession {
    /// The beginnings of both names, without what steers a terminal, and what is wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { room_id, session_id, error } = self;
        let [room_id, session_id] = [room_id.as_str(), session_id.as_str()].map(Excerpt::new);
        write!(f, "session {session_id} in room {room_id}: {error}")
    }
}

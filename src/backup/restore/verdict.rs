//! What becomes of one session.

use crate::{
    backup::{OpenError, UnauthenticatedSession},
    ids::{RoomId, SessionId},
};

/// What became of one session of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is restored.
    Restored(UnauthenticatedSession),
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

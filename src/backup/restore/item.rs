//! What a response is split into.

use super::FailedSession;
use crate::{backup::ReturnedSession, ids::RoomId};

/// What a response turned out to hold next.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RoomKeysItem<'a> {
    /// A session, unread.
    Session(ReturnedSession<'a>),
    /// A session that was passed over: one of more bytes than [`Limits::session_bytes`](crate::Limits::session_bytes), or one whose
    /// ID is not Unicode and stands here as it is written.
    FailedSession(FailedSession),
    /// The entry of this room is not an object with sessions, or the room's ID is not Unicode and
    /// stands here as it is written.
    BrokenRoom(&'a RoomId),
}

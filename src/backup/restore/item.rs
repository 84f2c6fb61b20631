//! What a response is split into.

use super::FailedSession;
use crate::{backup::ReturnedSession, ids::RoomId};

/// What a response turned out to hold next.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RoomKeysItem<'a> {
    /// A session, unread.
    Session(ReturnedSession<'a>),
    /// A session that was passed over, because it exceeds [`Limits`](crate::Limits) or stands under a
    /// name that is no ID. Such a name stands here as it is written, as far as it is kept. Under a room of such a name, each
    /// session is one, so that the totals are right.
    FailedSession(FailedSession),
    /// The entry of this room is not an object with sessions.
    BrokenRoom(&'a RoomId),
}

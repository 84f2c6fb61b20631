//! One session as a server returned it, unread.

use std::fmt;

use crate::ids::{RoomId, SessionId};

/// One session as a server returned it, unread: whatever is wrong with it concerns it alone.
#[derive(Clone)]
pub struct BackedUpSession {
    /// The room it was returned for.
    pub room_id: RoomId,
    /// The session ID it was returned for.
    pub session_id: SessionId,
    /// The bytes of its JSON, which should be [`KeyBackupData`](crate::backup::KeyBackupData) and may
    /// be anything.
    pub json: Vec<u8>,
}

/// One session as a server returned it, unread and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct ReturnedSession<'a> {
    pub(crate) room_id: &'a RoomId,
    pub(crate) session_id: &'a SessionId,
    pub(crate) json: &'a [u8],
}

impl BackedUpSession {
    pub(super) fn borrowed(&self) -> ReturnedSession<'_> {
        let Self { room_id, session_id, json } = self;
        ReturnedSession { room_id, session_id, json }
    }
}

impl fmt::Debug for BackedUpSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { room_id, session_id, json } = self;
        f.debug_struct("BackedUpSession")
            .field("room_id", room_id)
            .field("session_id", session_id)
            .field("bytes", &json.len())
            .finish_non_exhaustive()
    }
}

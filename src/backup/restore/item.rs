//! What a response is split into, and what becomes of it.

use std::{fmt, io};

use thiserror::Error;

use crate::{
    backup::OpenError,
    encoding::json::SyntaxError,
    excerpt::Excerpt,
    ids::{RoomId, SessionId},
};

/// What a response turned out to hold next.
#[derive(Clone)]
#[non_exhaustive]
pub enum RoomKeysItem<'a> {
    /// A session, unread.
    Session {
        /// The room it was returned for.
        room_id: &'a RoomId,
        /// The session ID it was returned for.
        session_id: &'a SessionId,
        /// Well-formed JSON, which should be [`KeyBackupData`](crate::backup::KeyBackupData) and may be anything.
        json: &'a [u8],
    },
    /// A session that was passed over, because it exceeds [`Limits`](crate::Limits) or stands under a
    /// name that is no ID. Such a name stands here as it is written, as far as it is kept. Under a room of such a name, each
    /// session is one, so that the totals are right.
    FailedSession(FailedSession),
    /// The entry of this room is not an object with sessions.
    BrokenRoom(&'a RoomId),
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

impl fmt::Debug for RoomKeysItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session { room_id, session_id, json } => f
                .debug_struct("Session")
                .field("room_id", room_id)
                .field("session_id", session_id)
                .field("bytes", &json.len())
                .finish_non_exhaustive(),
            Self::FailedSession(failed) => f.debug_tuple("FailedSession").field(failed).finish(),
            Self::BrokenRoom(room_id) => f.debug_tuple("BrokenRoom").field(room_id).finish(),
        }
    }
}

impl std::error::Error for FailedSession {}

impl fmt::Display for FailedSession {
    /// The beginnings of both names, without what steers a terminal, and what is wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { room_id, session_id, error } = self;
        let [room_id, session_id] = [room_id.as_str(), session_id.as_str()].map(Excerpt::new);
        write!(f, "session {session_id} in room {room_id}: {error}")
    }
}

/// Why a response with sessions is not read to its end.
///
/// Whatever came before is delivered all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It ends in the middle: the connection was dropped, say.
    #[error("the homeserver's response is cut off")]
    CutOff,
    /// It is no JSON from here on, so that nobody knows where the next session begins.
    #[error("the homeserver's response is not valid JSON")]
    Syntax,
    /// Something follows the JSON.
    #[error("something follows the end of the homeserver's response")]
    TrailingBytes,
    /// It is JSON of another type.
    #[error("the homeserver's response is not a JSON object")]
    NotAnObject,
    /// A member is missing or of another type: it is an error in the place of sessions, say.
    #[error("the homeserver's response has no usable \u{201c}{0}\u{201d}")]
    Member(&'static str),
    /// It has more bytes than
    /// [`Limits::streamed_response_bytes`](crate::Limits::streamed_response_bytes).
    #[error("the homeserver's response is longer than the limit of {limit} bytes")]
    TooLong {
        /// How many bytes it may have.
        limit: u64,
    },
    /// It could not be read any further.
    #[error("the homeserver's response could not be read: {0}")]
    Read(io::ErrorKind),
}

impl From<SyntaxError> for StreamError {
    fn from(_: SyntaxError) -> Self {
        Self::Syntax
    }
}

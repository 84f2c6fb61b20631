//! Why a response is not read to its end.

use std::io;

use thiserror::Error;

use crate::encoding::json::SyntaxError;

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

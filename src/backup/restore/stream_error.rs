//! Why a response is not read to its end.

use std::io;

use thiserror::Error;

use crate::encoding::json::ScanError;

/// Why a response with sessions is not read to its end.
///
/// Whatever came before is delivered all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It ends in the middle: the connection was dropped, say.
    #[error("the homeserver's response is cut off")]
    CutOff,
    /// It is no JSON from here on.
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
    /// Its arrays and objects are nested deeper than
    /// [`Limits::response_depth`](crate::Limits::response_depth).
    #[error("the homeserver's response is nested deeper than the limit of {limit}")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
    /// A name is longer than [`Limits::name_bytes`](crate::Limits::name_bytes).
    #[error("a name in the homeserver's response is longer than the limit of {limit} bytes")]
    NameTooLong {
        /// How many bytes it may have.
        limit: usize,
    },
    /// It could not be read any further.
    #[error("the homeserver's response could not be read: {0}")]
    Read(io::ErrorKind),
}

impl StreamError {
    pub(super) fn from_scan(error: ScanError, limit: usize) -> Self {
        match error {
            ScanError::Syntax => Self::Syntax,
            ScanError::TooDeep => Self::TooDeep { limit },
        }
    }
}

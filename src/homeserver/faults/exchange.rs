//! What a client sees of a request that it sent.

use std::fmt;

use http::Response;

/// What a client sees of a request that it sent.
#[derive(Clone)]
pub enum Exchange {
    /// An answer arrives.
    Answered {
        /// The answer. If it was cut, its body ends early and its headers do not say so.
        response: Response<Vec<u8>>,
        /// How long it takes, in milliseconds: there is no clock here, so the caller waits, or moves the
        /// clock of its test.
        delay_ms: u64,
    },
    /// No answer ever arrives: the connection broke, or the client waited long enough. Whether the
    /// homeserver acted cannot be told.
    Dropped,
}

impl Exchange {
    /// The answer, if one arrived.
    #[must_use]
    pub fn into_response(self) -> Option<Response<Vec<u8>>> {
        match self {
            Self::Answered { response, .. } => Some(response),
            Self::Dropped => None,
        }
    }
}

impl fmt::Debug for Exchange {
    /// Shows the status and the length: the body may hold an access token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { response, delay_ms } => f
                .debug_struct("Answered")
                .field("status", &response.status())
                .field("bytes", &response.body().len())
                .field("delay_ms", delay_ms)
                .finish_non_exhaustive(),
            Self::Dropped => f.write_str("Dropped"),
        }
    }
}

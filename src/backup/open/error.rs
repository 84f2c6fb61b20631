//! Why a session is not restored.

// docs/decisions.md, 18: the MAC covers the empty string, and comes first.

use std::fmt;

use thiserror::Error;

use crate::{
    crypto::curve25519_aes_sha2::MessageOpenError,
    encoding::format::{FormatError, FormatProblem},
    excerpt::Excerpt,
    session_data::SessionDataError,
};

/// Why a backed-up session is not restored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It was sealed to another key.
    #[error("the message key is encrypted with another backup key")]
    WrongKey,
    /// All of the sessions that were tried were sealed to another key: the one that was used is not the backup's. It is said
    /// once, of all of them.
    #[error(
        "the key is not the key of this backup: it opens none of the {tried} message keys that were tried; if it is the \
         recovery key of your key storage, unlock that with it: the key of the backup is in there"
    )]
    NoneFits {
        /// How many sessions were tried.
        tried: u64,
    },
    /// It was sealed to this key, but what it holds is broken.
    #[error("the message key is damaged")]
    Damaged,
    /// Its ephemeral key is one that gives everybody the same secret.
    #[error(
        "the message key is encrypted in an unsafe way (\u{201c}ephemeral\u{201d} cannot be used)"
    )]
    NonContributory,
    /// What the server returned is not an encrypted session.
    #[error(transparent)]
    KeyBackupData(#[from] FormatError),
    /// What the server returned has more bytes than
    /// [`Limits::session_bytes`](crate::Limits::session_bytes).
    #[error("the message key has {found} bytes, more than the limit of {limit}")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// How many bytes it has.
        found: usize,
    },
    /// What the server returned has arrays and objects that are nested deeper than
    /// [`Limits::response_depth`](crate::Limits::response_depth).
    #[error("the message key is nested deeper than the limit of {limit}")]
    TooDeep {
        /// How deep they may be, counted from the response's outermost object.
        limit: usize,
    },
    /// The name that it was returned under is no session ID.
    #[error("the message key was returned under a session ID that {0}")]
    SessionId(FormatProblem),
    /// The name of the room that it was returned for is no room ID.
    #[error("the message key was returned under a room ID that {0}")]
    RoomId(FormatProblem),
    /// The response ended, or was no JSON any more, in the middle of the session.
    #[error("the homeserver's response breaks off in the middle of the message key")]
    HalfRead,
    /// What was decrypted is whole, but not a session.
    #[error(transparent)]
    SessionData(SessionDataError),
    /// What was decrypted is a session of an algorithm that this version does not know.
    #[error("the message key's algorithm \u{201c}{0}\u{201d} is not supported")]
    UnsupportedAlgorithm(Excerpt),
}

/// The four causes that failures are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FailureCause {
    /// Sealed to another key.
    WrongKey,
    /// Sealed to this key, but broken.
    Damaged,
    /// Not what the specification says.
    Malformed,
    /// Of an unknown algorithm.
    UnsupportedAlgorithm,
}

impl OpenError {
    /// The cause that this failure is counted under.
    #[must_use]
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::WrongKey | Self::NoneFits { .. } => FailureCause::WrongKey,
            Self::Damaged => FailureCause::Damaged,
            Self::NonContributory
            | Self::KeyBackupData(_)
            | Self::TooLarge { .. }
            | Self::TooDeep { .. }
            | Self::SessionId(_)
            | Self::RoomId(_)
            | Self::HalfRead
            | Self::SessionData(_) => FailureCause::Malformed,
            Self::UnsupportedAlgorithm(_) => FailureCause::UnsupportedAlgorithm,
        }
    }
}

impl FailureCause {
    /// The name of the cause in reports: `wrong_key`, `damaged`, `malformed`, `unsupported_algorithm`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongKey => "wrong_key",
            Self::Damaged => "damaged",
            Self::Malformed => "malformed",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
        }
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<MessageOpenError> for OpenError {
    fn from(error: MessageOpenError) -> Self {
        match error {
            MessageOpenError::NonContributory => Self::NonContributory,
            MessageOpenError::WrongKey => Self::WrongKey,
            MessageOpenError::Damaged => Self::Damaged,
        }
    }
}

impl From<SessionDataError> for OpenError {
    /// Text that is no JSON is what flipped bits leave behind: one verdict with wrong padding.
    fn from(error: SessionDataError) -> Self {
        match error {
            SessionDataError::NotJson => Self::Damaged,
            SessionDataError::UnsupportedAlgorithm(name) => Self::UnsupportedAlgorithm(name),
            other => Self::SessionData(other),
        }
    }
}

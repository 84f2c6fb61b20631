//! Why a file cannot be used, and what a homeserver refused.

use thiserror::Error;

use crate::{api::ApiError, encoding::format::FormatError, excerpt::Excerpt};

/// Why nothing is read from a file. The caller knows the file's name, and puts it before this.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SavedFileError {
    /// It is no text.
    #[error("{0}: it is neither UTF-8 nor UTF-16")]
    NotText(FormatError),
    /// It is larger than [`Limits::saved_file_bytes`](crate::Limits::saved_file_bytes) allows.
    #[error("the file has {bytes} bytes, and {max} are allowed")]
    TooLarge {
        /// How many bytes it has.
        bytes: usize,
        /// How many it may have.
        max: usize,
    },
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is an error of the homeserver that was saved in the place of data.
    #[error("this is an error of the homeserver instead of data, {errcode}: {message}")]
    Refused {
        /// The error code.
        errcode: Excerpt,
        /// The explanation for people, as the homeserver worded it.
        message: Excerpt,
    },
    /// It is text, and neither JSON nor an encrypted key file.
    #[error(
        "this is not JSON, or it was cut off: save the homeserver\u{2019}s response again, whole and unchanged"
    )]
    NotJson,
    /// It is JSON, and nothing in it is known.
    #[error(
        "this is JSON of an unknown kind: it should be account data, or a response of /room_keys or /keys/query"
    )]
    UnknownKind,
    /// It is the body of a `/sync` without account data.
    #[error(
        "this is a response of /sync without account data: save that of a first /sync, which has no \u{201c}since\u{201d}"
    )]
    NoAccountData,
    /// It is a backup version that cannot be read.
    #[error("{0}")]
    Version(FormatError),
    /// It is a response of `/keys/query` that cannot be read.
    #[error("the users\u{2019} keys cannot be read: {0}")]
    Keys(ApiError),
    /// It is a secrets bundle that cannot be read.
    #[error("{0}: export it again on the device that has the secrets")]
    Bundle(FormatError),
    /// A member that holds one of several parts cannot be read.
    #[error("the member \u{201c}{0}\u{201d}: {1}")]
    Member(&'static str, Box<SavedFileError>),
}

impl From<ApiError> for SavedFileError {
    fn from(error: ApiError) -> Self {
        Self::Keys(error)
    }
}

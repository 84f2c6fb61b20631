//! What a homeserver answers when it does not do what it was asked for.

use http::StatusCode;
use thiserror::Error;

use crate::{
    encoding::json::{self, RawObject},
    excerpt::Excerpt,
    ids::BackupVersion,
};

/// Why a response is not the expected one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The homeserver refused, in the words of the specification.
    #[error(transparent)]
    Matrix(#[from] MatrixError),
    /// Somebody refused, but not a Matrix homeserver: a proxy, say.
    #[error("the server answered with status {status} and no Matrix error: {excerpt}")]
    NotMatrix {
        /// The HTTP status.
        status: u16,
        /// How the body begins.
        excerpt: Excerpt,
    },
    /// The body is longer than [`Limits`](crate::Limits) allow for this endpoint.
    #[error("the response has {found} bytes, more than the limit of {limit}")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// The homeserver agreed, but its response is not what the endpoint returns.
    #[error(transparent)]
    Response(#[from] ResponseError),
}

/// A [standard error](https://spec.matrix.org/v1.16/client-server-api/#standard-error-response) of a
/// homeserver.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the homeserver refused with {errcode}: {message}")]
#[non_exhaustive]
pub struct MatrixError {
    /// The HTTP status.
    pub status: u16,
    /// The error code as it came.
    pub errcode: Excerpt,
    /// The explanation for people, as the homeserver worded it.
    pub message: Excerpt,
    /// What the error code means here.
    pub kind: ErrorKind,
}

/// The error codes that a client acts upon.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was asked for is not there.
    NotFound,
    /// The backup version is not the current one.
    WrongRoomKeysVersion {
        /// What the homeserver says the current version is.
        ///
        /// Do not trust it: one deployed server returns the version that was asked for. Ask
        /// `GET /room_keys/version` instead.
        current_version: Option<BackupVersion>,
    },
    /// The access token is missing, unknown or expired.
    Unauthorized,
    /// Any other code.
    Other,
}

/// Why the body of a successful response cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// It is no JSON, or something follows the JSON.
    #[error("the homeserver's response is not valid JSON")]
    NotJson,
    /// It is JSON of another type.
    #[error("the homeserver's response is not a JSON object")]
    NotAnObject,
    /// A member is missing or of another type.
    #[error("the homeserver's response has no usable \u{201c}{0}\u{201d}")]
    Member(&'static str),
    /// A text in it has half a character, or it is nested too deep to be kept.
    #[error("the homeserver's response holds text that is not Unicode, or is nested too deep")]
    Unkeepable,
    /// The entry of one room is not an object with sessions.
    #[error("the homeserver's response has no usable sessions for the room {0}")]
    Room(Excerpt),
    /// The ID of a session in this room is not Unicode.
    #[error("the homeserver's response has a session without a usable ID in the room {0}")]
    SessionId(Excerpt),
}

impl ApiError {
    /// Whether what was asked for is not there, by the word of a Matrix homeserver.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Matrix(error) if error.kind == ErrorKind::NotFound)
    }

    /// Reads the body of a response that is no success.
    pub(super) fn from_body(status: StatusCode, body: &[u8]) -> Self {
        MatrixError::from_body(status, body).map_or_else(
            || {
                let start = body.get(..MAX_EXCERPT_BYTES).unwrap_or(body);
                let excerpt = Excerpt::new(&String::from_utf8_lossy(start));
                Self::NotMatrix { status: status.as_u16(), excerpt }
            },
            Self::Matrix,
        )
    }
}

impl MatrixError {
    fn from_body(status: StatusCode, body: &[u8]) -> Option<Self> {
        let mut object = RawObject::parse(body).ok()?;
        let errcode = json::public_string(object.take("errcode")?).ok()?.into_owned();
        let message = object.take("error").and_then(|value| json::public_string(value).ok());
        let kind = match (errcode.as_str(), status) {
            ("M_NOT_FOUND", StatusCode::NOT_FOUND) => ErrorKind::NotFound,
            ("M_WRONG_ROOM_KEYS_VERSION", _) => {
                let current = object.take("current_version").and_then(json::lenient_token);
                ErrorKind::WrongRoomKeysVersion { current_version: current.map(Into::into) }
            }
            ("M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN", _) => ErrorKind::Unauthorized,
            _ => ErrorKind::Other,
        };
        Some(Self {
            status: status.as_u16(),
            errcode: Excerpt::new(&errcode),
            message: Excerpt::new(message.as_deref().unwrap_or_default()),
            kind,
        })
    }
}

/// More than enough for an excerpt of 64 characters.
const MAX_EXCERPT_BYTES: usize = 512;

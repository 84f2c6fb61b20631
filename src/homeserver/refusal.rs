//! Why a request is refused, and the response that says so.

use std::fmt;

use http::StatusCode;
use serde::Serialize;

use crate::{
    encoding::json::RawObjectError,
    excerpt::Excerpt,
    ids::{BackupVersion, RoomId, SessionId},
};

/// A [standard error](https://spec.matrix.org/v1.16/client-server-api/#standard-error-response).
pub(super) enum Refusal {
    /// No endpoint has this path.
    UnknownPath,
    /// No endpoint has this path and this method.
    UnknownMethod,
    /// There is no access token.
    MissingToken,
    /// The access token is nobody's.
    UnknownToken,
    /// The body is not JSON.
    NotJson,
    /// The body is JSON, but not what the endpoint takes: a sentence that says why.
    BadJson(&'static str),
    /// One of the keys in the body is not as it must be.
    BadKey {
        /// Where it stands.
        room: RoomId,
        /// Where it stands.
        session: SessionId,
        /// A sentence that says why.
        reason: &'static str,
    },
    /// A query parameter is missing.
    MissingParameter(&'static str),
    /// What was asked for is not there: a sentence that says what.
    NotFound(&'static str),
    /// The backup version exists, but keys are only stored in the current one.
    WrongVersion {
        /// The current one.
        current: BackupVersion,
    },
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownPath | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::UnknownMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::MissingToken | Self::UnknownToken => StatusCode::UNAUTHORIZED,
            Self::NotJson | Self::BadJson(_) | Self::BadKey { .. } | Self::MissingParameter(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::WrongVersion { .. } => StatusCode::FORBIDDEN,
        }
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let body = ErrorBody {
            errcode: self.errcode(),
            error: self.to_string(),
            soft_logout: matches!(self, Self::UnknownToken).then_some(false),
            current_version: match self {
                Self::WrongVersion { current } => Some(current),
                _ => None,
            },
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    fn errcode(&self) -> &'static str {
        match self {
            Self::UnknownPath | Self::UnknownMethod => "M_UNRECOGNIZED",
            Self::MissingToken => "M_MISSING_TOKEN",
            Self::UnknownToken => "M_UNKNOWN_TOKEN",
            Self::NotJson => "M_NOT_JSON",
            Self::BadJson(_) | Self::BadKey { .. } => "M_BAD_JSON",
            Self::MissingParameter(_) => "M_MISSING_PARAM",
            Self::NotFound(_) => "M_NOT_FOUND",
            Self::WrongVersion { .. } => "M_WRONG_ROOM_KEYS_VERSION",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPath => f.write_str("Unrecognized path"),
            Self::UnknownMethod => f.write_str("Unrecognized method for this path"),
            Self::MissingToken => f.write_str("Missing access token"),
            Self::UnknownToken => f.write_str("Unknown access token"),
            Self::NotJson => f.write_str("The body is not JSON"),
            Self::BadJson(reason) | Self::NotFound(reason) => f.write_str(reason),
            Self::BadKey { room, session, reason } => {
                let (room, session) = (Excerpt::new(room.as_str()), Excerpt::new(session.as_str()));
                write!(f, "{reason}, in session {session} of room {room}")
            }
            Self::MissingParameter(name) => write!(f, "Missing query parameter {name}"),
            Self::WrongVersion { current } => write!(f, "The current version is {current}"),
        }
    }
}

impl From<RawObjectError> for Refusal {
    fn from(error: RawObjectError) -> Self {
        match error {
            RawObjectError::Syntax => Self::NotJson,
            RawObjectError::NotAnObject => Self::BadJson("The body is not a JSON object"),
        }
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    errcode: &'static str,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    soft_logout: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<&'a BackupVersion>,
}

//! Why a request is refused, and the response that says so.

use std::fmt;

use http::StatusCode;
use serde::Serialize;

use crate::{
    encoding::json::RawObjectError,
    excerpt::Excerpt,
    ids::{BackupVersion, RoomId, SessionId},
};

/// A [standard error](https://spec.matrix.org/v1.16/client-server-api/#standard-error-response). Which code is for what follows
/// from the specification's own descriptions of the codes.
pub(super) enum Refusal {
    /// No endpoint has this path.
    UnknownPath,
    /// No endpoint has this path and this method.
    UnknownMethod,
    /// There is no access token.
    MissingToken,
    /// The access token is nobody's, or was logged out.
    UnknownToken {
        /// Whether the device may log in again.
        soft_logout: bool,
    },
    /// The request needs a stage of authentication.
    Interactive(Interactive),
    /// The body is not JSON.
    NotJson,
    /// The body is nested deeper than this homeserver reads.
    TooDeep,
    /// The body is JSON, but not what the endpoint takes: a sentence that says why.
    BadJson(&'static str),
    /// A member of the body must be a string.
    NotAString(&'static str),
    /// A member of the body must be a boolean.
    NotABoolean(&'static str),
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
    /// Something is not what it must be: a sentence that says what.
    InvalidParameter(&'static str),
    /// A signature is not valid: a sentence that says which.
    InvalidSignature(&'static str),
    /// The user may not do this: a sentence that says why.
    Forbidden(&'static str),
    /// What was asked for is not there: a sentence that says what.
    NotFound(&'static str),
    /// The request or what it stores is too large.
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The homeserver would keep too much.
    ResourceLimit,
    /// Account data of this type has an endpoint of its own.
    ServerControlled,
    /// There is no such way to log in.
    UnknownLogin,
    /// The name of the new user is taken.
    UserInUse,
    /// Nobody can have this name.
    InvalidUserName,
    /// The backup version exists, but keys are only stored in the current one.
    WrongVersion {
        /// The current one.
        current: BackupVersion,
    },
}

/// What [user-interactive authentication](https://spec.matrix.org/v1.16/client-server-api/#user-interactive-authentication-api)
/// asks for.
pub(super) struct Interactive {
    /// The one stage.
    pub(super) stage: &'static str,
    /// Whether it was tried and failed.
    pub(super) failed: bool,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownPath | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::UnknownMethod | Self::ServerControlled => StatusCode::METHOD_NOT_ALLOWED,
            Self::MissingToken | Self::UnknownToken { .. } | Self::Interactive(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::WrongVersion { .. } | Self::Forbidden(_) | Self::ResourceLimit => {
                StatusCode::FORBIDDEN
            }
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The body of the response.
    pub(super) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.to_error()).unwrap_or_default()
    }

    /// What is wrong, to be written as JSON.
    pub(super) fn to_error(&self) -> ErrorBody {
        let asked = if let Self::Interactive(asked) = self { Some(asked) } else { None };
        let is_error = asked.is_none_or(|asked| asked.failed);
        ErrorBody {
            errcode: is_error.then(|| self.errcode()),
            error: is_error.then(|| self.to_string()),
            soft_logout: match self {
                Self::UnknownToken { soft_logout } => Some(*soft_logout),
                _ => None,
            },
            current_version: match self {
                Self::WrongVersion { current } => Some(current.clone()),
                _ => None,
            },
            admin_contact: matches!(self, Self::ResourceLimit).then_some("mailto:nobody@localhost"),
            challenge: asked.map(Challenge::new),
        }
    }

    fn errcode(&self) -> &'static str {
        match self {
            Self::UnknownPath | Self::UnknownMethod => "M_UNRECOGNIZED",
            Self::MissingToken => "M_MISSING_TOKEN",
            Self::UnknownToken { .. } => "M_UNKNOWN_TOKEN",
            Self::NotJson | Self::TooDeep => "M_NOT_JSON",
            Self::BadJson(_)
            | Self::NotAString(_)
            | Self::NotABoolean(_)
            | Self::BadKey { .. }
            | Self::ServerControlled => "M_BAD_JSON",
            Self::MissingParameter(_) => "M_MISSING_PARAM",
            Self::InvalidParameter(_) => "M_INVALID_PARAM",
            Self::InvalidSignature(_) => "M_INVALID_SIGNATURE",
            Self::Forbidden(_) | Self::Interactive(_) => "M_FORBIDDEN",
            Self::NotFound(_) => "M_NOT_FOUND",
            Self::TooLarge { .. } => "M_TOO_LARGE",
            Self::ResourceLimit => "M_RESOURCE_LIMIT_EXCEEDED",
            Self::UnknownLogin => "M_UNKNOWN",
            Self::UserInUse => "M_USER_IN_USE",
            Self::InvalidUserName => "M_INVALID_USERNAME",
            Self::WrongVersion { .. } => "M_WRONG_ROOM_KEYS_VERSION",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownPath => "Unrecognized path",
            Self::UnknownMethod => "Unrecognized method for this path",
            Self::MissingToken => "Missing access token",
            Self::UnknownToken { .. } => "Unknown access token",
            Self::Interactive(_) => "The authentication failed",
            Self::NotJson => "The body is not JSON",
            Self::TooDeep => "The body is nested too deep",
            Self::ResourceLimit => "The homeserver keeps no more",
            Self::ServerControlled => "The server controls account data of this type",
            Self::UnknownLogin => "There is no such way to log in",
            Self::UserInUse => "There is a user of this name",
            Self::InvalidUserName => "Nobody can have this name",
            Self::BadJson(reason)
            | Self::InvalidParameter(reason)
            | Self::InvalidSignature(reason)
            | Self::Forbidden(reason)
            | Self::NotFound(reason) => reason,
            Self::BadKey { room, session, reason } => {
                let (room, session) = (Excerpt::new(room.as_str()), Excerpt::new(session.as_str()));
                return write!(f, "{reason}, in session {session} of room {room}");
            }
            Self::NotAString(name) => return write!(f, "{name} must be a string"),
            Self::NotABoolean(name) => return write!(f, "{name} must be true or false"),
            Self::MissingParameter(name) => return write!(f, "Missing query parameter {name}"),
            Self::TooLarge { limit } => return write!(f, "More than {limit} bytes are too many"),
            Self::WrongVersion { current } => {
                return write!(f, "The current version is {current}");
            }
        })
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

/// The JSON of an error.
#[derive(Serialize)]
pub(super) struct ErrorBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    soft_logout: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<BackupVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_contact: Option<&'static str>,
    #[serde(flatten)]
    challenge: Option<Challenge>,
}

/// What a client has to do before it is let through.
#[derive(Serialize)]
struct Challenge {
    flows: [Flow; 1],
    params: NoMembers,
    session: &'static str,
}

#[derive(Serialize)]
struct Flow {
    stages: [&'static str; 1],
}

#[derive(Serialize)]
struct NoMembers {}

impl Challenge {
    fn new(asked: &Interactive) -> Self {
        Self { flows: [Flow { stages: [asked.stage] }], params: NoMembers {}, session: "1" }
    }
}

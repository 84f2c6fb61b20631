//! The standard error of a homeserver.

use http::StatusCode;

use super::{ApiError, RetryAfter};
use crate::{
    encoding::json::{self, RawObject},
    excerpt::Excerpt,
    ids::BackupVersion,
};

/// The error codes that a client acts upon.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was asked for is not there: `M_NOT_FOUND` with a status of 404. Early servers said
    /// `M_UNKNOWN` with this status when there was no backup.
    ///
    /// `M_UNRECOGNIZED` with this status is not meant: it says that there is no such endpoint.
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
    Unauthorized {
        /// Whether the user may log in again on the same device, which keeps its keys
        /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#soft-logout)).
        soft_logout: bool,
    },
    /// There were too many requests: `M_LIMIT_EXCEEDED`, or any code with a status of 429.
    RateLimited,
    /// The request was too large: `M_TOO_LARGE`, or any code with a status of 413.
    RequestTooLarge,
    /// Any other code.
    Other,
}

impl ApiError {
    /// Reads a standard error from its members; `None` if it has no error code.
    pub(super) fn read_matrix(
        status: StatusCode,
        mut object: RawObject<'_>,
        retry_after: Option<RetryAfter>,
    ) -> Option<Self> {
        let errcode = json::public_string(object.take("errcode")?).ok()?.into_owned();
        let message = object.take("error").and_then(|value| json::public_string(value).ok());
        Some(Self::Matrix {
            status: status.as_u16(),
            errcode: Excerpt::new(&errcode),
            message: Excerpt::new(message.as_deref().unwrap_or_default()),
            kind: ErrorKind::read(status, &errcode, &mut object),
            retry_after,
        })
    }
}

impl ErrorKind {
    fn read(status: StatusCode, errcode: &str, object: &mut RawObject<'_>) -> Self {
        match (errcode, status) {
            ("M_NOT_FOUND" | "M_UNKNOWN", StatusCode::NOT_FOUND) => Self::NotFound,
            ("M_WRONG_ROOM_KEYS_VERSION", _) => {
                let current = object.take("current_version").and_then(json::lenient_token);
                Self::WrongRoomKeysVersion { current_version: current.map(Into::into) }
            }
            ("M_LIMIT_EXCEEDED", _) | (_, StatusCode::TOO_MANY_REQUESTS) => Self::RateLimited,
            ("M_TOO_LARGE", _) | (_, StatusCode::PAYLOAD_TOO_LARGE) => Self::RequestTooLarge,
            ("M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN", _) | (_, StatusCode::UNAUTHORIZED) => {
                let soft_logout = object.take("soft_logout");
                Self::Unauthorized {
                    soft_logout: soft_logout.is_some_and(|value| value.get() == "true"),
                }
            }
            _ => Self::Other,
        }
    }
}

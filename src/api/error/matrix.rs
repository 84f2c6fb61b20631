//! The standard error of a homeserver.

use http::StatusCode;

use super::{ApiError, RetryAfter};
use crate::{
    encoding::json::{self, RawObject},
    excerpt::Excerpt,
};

/// The one thing that a standard error means to a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What was asked for is not there: `M_NOT_FOUND` with a status of 404. Early servers said
    /// `M_UNKNOWN` with this status when there was no backup.
    ///
    /// `M_UNRECOGNIZED` with this status is not meant: it says that there is no such endpoint.
    NotFound,
    /// The backup version is not the current one.
    WrongRoomKeysVersion,
    /// The access token is missing, unknown or expired.
    Unauthorized,
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
            soft_logout: object.take("soft_logout").is_some_and(|value| value.get() == "true"),
            retry_after,
        })
    }
}

impl Meaning {
    pub(super) fn of(status: u16, errcode: &str) -> Self {
        match (errcode, status) {
            ("M_NOT_FOUND" | "M_UNKNOWN", 404) => Self::NotFound,
            // The `current_version` beside it is not read: one deployed server returns the version that was asked for.
            ("M_WRONG_ROOM_KEYS_VERSION", _) => Self::WrongRoomKeysVersion,
            ("M_LIMIT_EXCEEDED", _) | (_, 429) => Self::RateLimited,
            ("M_TOO_LARGE", _) | (_, 413) => Self::RequestTooLarge,
            ("M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN", _) | (_, 401) => Self::Unauthorized,
            _ => Self::Other,
        }
    }
}

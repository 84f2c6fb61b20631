//! What a homeserver, or something before it, answers when it does not do what it was asked for.

mod matrix;
mod response;
mod retry_after;
mod user_interactive_auth;

use http::{HeaderMap, StatusCode};
use thiserror::Error;

use self::matrix::Meaning;
pub use self::{retry_after::RetryAfter, user_interactive_auth::UserInteractiveAuth};
use crate::{
    Limits,
    encoding::{format::FormatError, json::RawObject},
    excerpt::Excerpt,
};

/// Why a response is not the expected one.
///
/// Match on it, or ask it what matters to you: some answers mean the same whoever gave them, a
/// homeserver or a proxy in front of it.
///
/// | what the host does | ask |
/// |---|---|
/// | what was asked for is not there | [`is_not_found`](Self::is_not_found) |
/// | ask for the current backup version again | [`means_other_version`](Self::means_other_version) |
/// | send less at once | [`is_request_too_large`](Self::is_request_too_large) |
/// | wait | [`is_rate_limited`](Self::is_rate_limited), [`retry_after`](Self::retry_after) |
/// | get a new access token | [`is_unauthorized`](Self::is_unauthorized), [`is_soft_logout`](Self::is_soft_logout) |
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The homeserver refused, by a
    /// [standard error](https://spec.matrix.org/v1.16/client-server-api/#standard-error-response).
    #[error("the homeserver refused with {errcode}{}", after_colon(message))]
    Matrix {
        /// The HTTP status.
        status: u16,
        /// The error code as it came.
        errcode: Excerpt,
        /// The explanation for people, as the homeserver worded it.
        message: Excerpt,
        /// Whether the user may log in again on the same device, if the access token is what was refused.
        soft_logout: bool,
        /// When to ask again, if the homeserver says so.
        retry_after: Option<RetryAfter>,
    },
    /// The homeserver wants the user to authenticate first.
    #[error(transparent)]
    UserInteractiveAuth(#[from] UserInteractiveAuth),
    /// Somebody refused, but not a Matrix homeserver: a proxy, say.
    #[error("the server answered with status {status} and no Matrix error{}", after_colon(excerpt))]
    NotMatrix {
        /// The HTTP status.
        status: u16,
        /// How the body begins.
        excerpt: Excerpt,
        /// When to ask again, if it says so.
        retry_after: Option<RetryAfter>,
    },
    /// The body is longer than [`Limits`] allow for this endpoint.
    #[error("the response has {found} bytes, more than the limit of {limit}")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// The homeserver agreed, but its response is not what the endpoint returns.
    #[error(transparent)]
    Response(FormatError),
    /// The response has a status of success, and is an error with this code all the same.
    #[error("the homeserver's response has a status of success, but is the error {0}")]
    Errcode(Excerpt),
}

impl ApiError {
    /// The HTTP status of a refusal; `None` if the status was one of success.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::UserInteractiveAuth(_) => Some(StatusCode::UNAUTHORIZED.as_u16()),
            Self::Matrix { status, .. } | Self::NotMatrix { status, .. } => Some(*status),
            Self::TooLarge { .. } | Self::Response(_) | Self::Errcode(_) => None,
        }
    }

    /// Whether what was asked for is not there, by the word of a Matrix homeserver.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.meaning() == Some(Meaning::NotFound)
    }

    /// Whether the backup version that was written to is not the current one, or is gone.
    ///
    /// Either way, ask for the current one with
    /// [`get_current_backup_version`](super::get_current_backup_version). What the error itself says of the
    /// current version is not to be trusted.
    #[must_use]
    pub fn means_other_version(&self) -> bool {
        matches!(self.meaning(), Some(Meaning::WrongRoomKeysVersion | Meaning::NotFound))
    }

    /// Whether the request was too large for the homeserver or for anything in front of it: a status
    /// of 413, or `M_TOO_LARGE`.
    #[must_use]
    pub fn is_request_too_large(&self) -> bool {
        self.status() == Some(StatusCode::PAYLOAD_TOO_LARGE.as_u16())
            || self.meaning() == Some(Meaning::RequestTooLarge)
    }

    /// Whether there were too many requests: a status of 429, or `M_LIMIT_EXCEEDED`.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(StatusCode::TOO_MANY_REQUESTS.as_u16())
            || self.meaning() == Some(Meaning::RateLimited)
    }

    /// When to ask again, if the answer says so; an answer that the server is overloaded may, too.
    #[must_use]
    pub fn retry_after(&self) -> Option<RetryAfter> {
        match self {
            Self::Matrix { retry_after, .. } | Self::NotMatrix { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the homeserver does not accept the access token.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.meaning() == Some(Meaning::Unauthorized)
    }

    /// Whether the homeserver does not accept the access token, but the device goes on to exist: keys
    /// and backups are to be kept until the user has logged in again
    /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#soft-logout)).
    #[must_use]
    pub fn is_soft_logout(&self) -> bool {
        self.is_unauthorized() && matches!(self, Self::Matrix { soft_logout: true, .. })
    }

    /// An excerpt of an error code that clients act upon is the code.
    fn meaning(&self) -> Option<Meaning> {
        let Self::Matrix { status, errcode, .. } = self else { return None };
        Some(Meaning::of(*status, errcode.as_str()))
    }

    /// Reads a response that is no success.
    pub(super) fn from_parts(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        limits: &Limits,
    ) -> Self {
        let object = (body.len() <= limits.response_bytes).then(|| RawObject::parse(body).ok());
        let mut object = object.flatten();
        let retry_after = RetryAfter::read(headers, object.as_mut(), limits);
        let read = object.and_then(|object| {
            if status == StatusCode::UNAUTHORIZED
                && let Some(auth) = UserInteractiveAuth::read(object.clone(), body)
            {
                return Some(auth.into());
            }
            Self::read_matrix(status, object, retry_after)
        });
        read.unwrap_or_else(|| {
            let start = body.get(..MAX_EXCERPT_BYTES).unwrap_or(body);
            let excerpt = Excerpt::new(&String::from_utf8_lossy(start));
            Self::NotMatrix { status: status.as_u16(), excerpt, retry_after }
        })
    }
}

/// What is said, behind the colon that belongs to it.
fn after_colon(said: &Excerpt) -> String {
    if said.as_str().is_empty() { String::new() } else { format!(": {said}") }
}

/// More than enough for an excerpt of 64 characters.
const MAX_EXCERPT_BYTES: usize = 512;

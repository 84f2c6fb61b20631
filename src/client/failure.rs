//! Why a request did not do what it was sent for, and what follows for others.

use crate::api::ApiError;

/// Why a request did not do what it was sent for.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody knows whether it arrived.
    NoAnswer,
    /// The server, or something before it, cannot do it now.
    Later { wait_ms: u64 },
    /// The server wants nothing of anybody for a while.
    RateLimited { wait_ms: u64 },
    /// The access token is not accepted.
    Unauthorized,
    /// What it is about is not there.
    NotFound,
    /// The version is not the current one.
    OtherVersion,
    /// It will never be accepted, or is too large.
    Refused(ApiError),
}

impl Failure {
    /// Whose fault it is.
    pub(super) fn new(error: ApiError, now_ms: u64) -> Self {
        let wait = error.retry_after().map(|retry_after| retry_after.wait(now_ms));
        let wait_ms = wait.map_or(0, |wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        if error.is_unauthorized() {
            Self::Unauthorized
        } else if error.is_rate_limited() {
            Self::RateLimited { wait_ms }
        } else if error.is_not_found() {
            Self::NotFound
        } else if error.means_other_version() {
            Self::OtherVersion
        } else if is_final(&error) {
            Self::Refused(error)
        } else {
            Self::Later { wait_ms }
        }
    }

    /// Whether the same request may succeed later, whatever it asks for.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::NoAnswer | Self::Later { .. } | Self::RateLimited { .. } | Self::Unauthorized => {
                true
            }
            Self::NotFound | Self::OtherVersion | Self::Refused(_) => false,
        }
    }

    /// How long the server asks to wait.
    pub(super) fn wait_ms(&self) -> u64 {
        match self {
            Self::Later { wait_ms } | Self::RateLimited { wait_ms } => *wait_ms,
            _ => 0,
        }
    }
}

/// Whether the same request will be refused again, by the word of a homeserver, or by its size.
fn is_final(error: &ApiError) -> bool {
    let is_matrix = matches!(error, ApiError::Matrix { status, .. } if (400..500).contains(status));
    is_matrix || error.is_request_too_large()
}

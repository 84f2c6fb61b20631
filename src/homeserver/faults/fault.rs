//! What may go wrong.

use http::{HeaderValue, Response, StatusCode};

use super::answers;

/// One thing that goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The request is lost: the homeserver does not act, and no answer comes.
    DropRequest,
    /// The answer is lost: the homeserver acts, and the client does not learn it.
    DropAnswer,
    /// The answer takes so long.
    Delay {
        /// In milliseconds.
        ms: u64,
    },
    /// The homeserver gets the request twice, as from a proxy that tries again; the client gets the
    /// second answer.
    DeliverTwice,
    /// 429 `M_LIMIT_EXCEEDED`; the homeserver does not act. It may say when to try again
    /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#rate-limiting)).
    RateLimit {
        /// What the header `Retry-After` says: a number of seconds, a date, or anything else.
        retry_after: Option<HeaderValue>,
        /// The `retry_after_ms` of the body, as old servers write it.
        retry_after_ms: Option<u64>,
    },
    /// An error of the homeserver: this status with `M_UNKNOWN`.
    ServerError {
        /// 500, 503, …
        status: StatusCode,
        /// Whether the homeserver did before what it was asked for.
        acted: bool,
    },
    /// A page in HTML from a proxy in front of the homeserver.
    ProxyPage {
        /// 200, 403, 413, 502, 504, …
        status: StatusCode,
        /// Whether the homeserver did before what it was asked for.
        acted: bool,
    },
    /// The body of the answer ends early: so many bytes arrive.
    CutAfterBytes(usize),
    /// The body of the answer ends early: so many thousandths arrive.
    CutAfterPerMille(u16),
    /// 401 `M_UNKNOWN_TOKEN` for this request alone; the homeserver does not act. For all requests of a
    /// token, [log it out](crate::homeserver::Homeserver::log_out).
    Unauthorized {
        /// Whether the device may log in again and keep what it has.
        soft_logout: bool,
    },
    /// 413 `M_TOO_LARGE`, however large the request is; the homeserver does not act.
    TooLarge,
    /// Another device of the same user was faster: it makes a new backup version, which is the current one when the request
    /// is dealt with. This and what else another device does goes through the same endpoints as any request, and what they
    /// refuse does not happen: without a current version there is nothing to delete or to sign, and what is no JSON is not
    /// stored.
    OtherDeviceReplacesVersion {
        /// The algorithm of the new version.
        algorithm: String,
        /// The `auth_data` of the new version, in JSON.
        auth_data: String,
    },
    /// Another device has just deleted the current backup version.
    OtherDeviceDeletesVersion,
    /// Another device has just written other `auth_data` into the current backup version, with more or fewer signatures for
    /// example.
    OtherDeviceSignsVersion {
        /// The new `auth_data`, in JSON.
        auth_data: String,
    },
    /// Another device has just stored account data, another default key of secret storage for example.
    OtherDeviceSetsAccountData {
        /// The type.
        kind: String,
        /// The content, in JSON.
        content: String,
    },
}

impl Fault {
    /// Whether the homeserver does not get the request.
    pub(super) fn keeps_from_homeserver(&self) -> bool {
        match self {
            Self::DropRequest
            | Self::RateLimit { .. }
            | Self::Unauthorized { .. }
            | Self::TooLarge => true,
            Self::ServerError { acted, .. } | Self::ProxyPage { acted, .. } => !acted,
            Self::DropAnswer
            | Self::Delay { .. }
            | Self::DeliverTwice
            | Self::CutAfterBytes(_)
            | Self::CutAfterPerMille(_)
            | Self::OtherDeviceReplacesVersion { .. }
            | Self::OtherDeviceDeletesVersion
            | Self::OtherDeviceSignsVersion { .. }
            | Self::OtherDeviceSetsAccountData { .. } => false,
        }
    }

    /// The answer of somebody else than the homeserver; none if the request is lost.
    pub(super) fn made_up_answer(&self) -> Option<Response<Vec<u8>>> {
        match self {
            Self::RateLimit { retry_after, retry_after_ms } => {
                Some(answers::rate_limit(retry_after.as_ref(), *retry_after_ms))
            }
            Self::ServerError { status, .. } => Some(answers::error(*status)),
            Self::ProxyPage { status, .. } => Some(answers::page(*status)),
            Self::Unauthorized { soft_logout } => Some(answers::unknown_token(*soft_logout)),
            Self::TooLarge => Some(answers::too_large()),
            _ => None,
        }
    }
}

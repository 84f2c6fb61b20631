//! Why a homeserver did not do what it was asked for.

use std::io;

use strongroom::{
    api::{ApiError, RequestError},
    backup::StreamError,
    encoding::format::FormatProblem,
};
use ureq::Timeout;

use super::sentence;
use crate::failure::{Failure, quoted};

/// Why there is no answer, or none of use.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The connection was not made, or broke.
    Link(ureq::Error),
    /// The server refused, or answered something else than was asked for.
    Refused(ApiError),
    /// The server sends us elsewhere, where no token goes.
    Redirected(String),
    /// The request cannot be made.
    Request(RequestError),
    /// A response with sessions is not one.
    Stream(StreamError),
}

impl Trouble {
    /// Whether the access token is not accepted.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_unauthorized())
    }

    /// Whether this request alone is refused: another one may not be.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(error @ ApiError::Matrix { .. }) if !self.may_be_too_much()
            && !error.is_unauthorized() && !error.is_rate_limited())
    }

    /// Whether less at once may come through: somebody gave up waiting, or what came has no end.
    pub(crate) fn may_be_too_much(&self) -> bool {
        match self {
            Self::Link(ureq::Error::Timeout(of)) => {
                !matches!(of, Timeout::Resolve | Timeout::Connect)
            }
            Self::Link(ureq::Error::Io(error)) => matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            ),
            Self::Link(ureq::Error::Protocol(_)) | Self::Stream(_) => true,
            Self::Refused(error) => {
                !error.is_unauthorized()
                    && !error.is_rate_limited()
                    && error.status().is_none_or(|status| status >= 408)
            }
            Self::Link(_) | Self::Redirected(_) | Self::Request(_) => false,
        }
    }

    /// Whether it broke off in the middle.
    pub(crate) fn is_cut(&self) -> bool {
        matches!(self, Self::Link(ureq::Error::Io(_)) | Self::Stream(StreamError::CutOff))
            && self.may_be_too_much()
    }

    /// Whether a proxy may be the reason: nobody was reached, or not what was expected.
    pub(super) fn may_be_of_proxy(&self) -> bool {
        match self {
            Self::Link(ureq::Error::Io(error)) => sentence::tls(&error.to_string(), "").is_none(),
            Self::Link(error) => {
                !matches!(error, ureq::Error::Timeout(of) if !matches!(of, Timeout::Resolve | Timeout::Connect))
                    && sentence::tls(&error.to_string(), "").is_none()
            }
            _ => false,
        }
    }

    /// What is said of it.
    pub(crate) fn into_failure(self, address: &str) -> Failure {
        self.with(sentence::of(&self, &quoted(address)).to_string())
    }

    /// The same, where the address is no more than the name of a server that stands in an account's ID.
    pub(super) fn into_failure_of_name(self, address: &str) -> Failure {
        self.with(sentence::of(&self, &quoted(address)).of_name())
    }

    /// What is the matter, without what to do.
    pub(crate) fn reason(&self, address: &str) -> String {
        sentence::of(self, &quoted(address)).reason
    }

    fn with(&self, message: String) -> Failure {
        match self {
            Self::Link(_) => Failure::network(message),
            Self::Refused(_) | Self::Redirected(_) | Self::Stream(_) => Failure::refused(message),
            Self::Request(RequestError::AccessToken) => Failure::usage(message),
            Self::Request(_) => Failure::other(message),
        }
    }
}

impl From<ureq::Error> for Trouble {
    fn from(error: ureq::Error) -> Self {
        Self::Link(error)
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<FormatProblem> for Trouble {
    /// Of what a homeserver answers to what the library has no type for.
    fn from(problem: FormatProblem) -> Self {
        Self::Refused(problem.into())
    }
}

impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<StreamError> for Trouble {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

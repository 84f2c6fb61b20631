//! Why a homeserver did not do what it was asked for, as sentences that say what to do.

use std::io;

use strongroom::{
    api::{ApiError, RequestError, ResponseError},
    backup::StreamError,
};
use ureq::Timeout;

use crate::failure::{Failure, quoted, visible};

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
        matches!(self, Self::Refused(error @ ApiError::Matrix(_)) if !self.may_be_too_much()
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
            Self::Link(ureq::Error::Io(error)) => tls(&error.to_string(), "").is_none(),
            Self::Link(error) => {
                !matches!(error, ureq::Error::Timeout(of) if !matches!(of, Timeout::Resolve | Timeout::Connect))
                    && tls(&error.to_string(), "").is_none()
            }
            _ => false,
        }
    }

    /// What is said of it.
    pub(crate) fn into_failure(self, address: &str) -> Failure {
        let address = quoted(address);
        match self {
            Self::Link(error) => Failure::network(link(&error, &address)),
            Self::Refused(error) => Failure::refused(refused(&error, &address)),
            Self::Redirected(to) => Failure::refused(format!(
                "{address} sends us on to {}: if that is right, name it with --homeserver",
                quoted(&to)
            )),
            Self::Request(RequestError::AccessToken) => Failure::usage(
                "the access token has characters that none can have: the file should hold the token and nothing else",
            ),
            Self::Request(error) => Failure::other(error.to_string()),
            Self::Stream(error) => {
                Failure::refused(format!("what {address} answers cannot be read: {error}"))
            }
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

impl From<ResponseError> for Trouble {
    fn from(error: ResponseError) -> Self {
        Self::Refused(error.into())
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

fn link(error: &ureq::Error, address: &str) -> String {
    let text = visible(&error.to_string());
    if let Some(sentence) = tls(&text, address) {
        return sentence;
    }
    match error {
        ureq::Error::HostNotFound => not_found(address),
        ureq::Error::Io(error) if text.contains("lookup address") => not_found_or(error, address),
        ureq::Error::Io(error) => io(error, address),
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => format!(
            "{address} cannot be reached in time: check the address, and whether there is a connection to the internet"
        ),
        ureq::Error::Timeout(_) => format!(
            "{address} took too long to answer: try again later, or wait for longer with --timeout"
        ),
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => format!(
            "what answers at {address} does not speak HTTP: check the port, and whether the address begins with https://"
        ),
        _ => format!("{address} cannot be asked: {text}"),
    }
}

fn io(error: &io::Error, address: &str) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!(
            "nothing answers at {address}: check the address and its port, and whether the server runs"
        ),
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown => {
            format!("there is no way to {address}: check the connection to the internet")
        }
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => {
            format!("the connection to {address} broke off: try again, and check the port")
        }
        _ => format!("{address} cannot be reached: {}", visible(&error.to_string())),
    }
}

fn not_found(address: &str) -> String {
    format!(
        "the name in {address} was not found: check how it is spelled, and whether there is a connection to the internet"
    )
}

fn not_found_or(error: &io::Error, address: &str) -> String {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        io(error, address)
    } else {
        not_found(address)
    }
}

/// What the encryption stumbled over. The words are those of rustls, whose types are not part of `ureq`'s interface.
fn tls(text: &str, address: &str) -> Option<String> {
    if text.contains("invalid peer certificate") {
        let reason = if text.contains("CaUsedAsEndEntity") {
            "it is that of an authority (CA:TRUE), and no server can have such a one; whoever runs the server has to make one \
             with CA:FALSE, which can then be named with --ca-file"
        } else if text.contains("UnknownIssuer") {
            "nobody who is trusted has signed it; if the server has an authority of its own, name its certificate with --ca-file"
        } else if text.contains("xpired") {
            "it has expired; check the clock of this machine, or tell who runs the server"
        } else if text.contains("NotValidForName") || text.contains("not valid for name") {
            "it is that of another server; check the address"
        } else {
            "check the address, or tell who runs the server"
        };
        return Some(format!("the certificate of {address} is not accepted: {reason}"));
    }
    if text.contains("corrupt message") || text.contains("InvalidContentType") {
        return Some(format!(
            "what answers at {address} does not speak TLS: check the port, or begin the address with http:// if the server is \
             on this machine"
        ));
    }
    text.contains("received fatal alert").then(|| {
        format!("{address} refuses an encrypted connection as we make it: check the address and its port")
    })
}

fn refused(error: &ApiError, address: &str) -> String {
    match error {
        _ if error.is_unauthorized() => format!(
            "{address} does not accept the access token: it was logged out or mistyped; log in again with \u{201c}strongroom \
             login\u{201d}"
        ),
        _ if error.is_rate_limited() => {
            format!("{address} has had too many requests and asks for patience: try again later")
        }
        ApiError::Response(ResponseError::NotJson | ResponseError::NotAnObject) => {
            not_a_homeserver(address)
        }
        ApiError::NotMatrix { status, .. } => match status {
            500.. => format!("{address} is out of order (status {status}): try again later"),
            _ => not_a_homeserver(address),
        },
        ApiError::Matrix(refusal) => {
            format!("{address} refuses: {error}; {}", advice(refusal.errcode.as_str()))
        }
        _ => format!(
            "{address} answers something else than was asked for: {error}; try again later, or tell who runs it"
        ),
    }
}

/// What to do about a refusal.
fn advice(code: &str) -> &'static str {
    match code {
        "M_USER_DEACTIVATED" => "this account was closed: use another one",
        "M_USER_LOCKED" | "M_USER_SUSPENDED" => {
            "ask who runs the homeserver to open the account again"
        }
        "M_CONSENT_NOT_GIVEN" => "agree to the terms of the homeserver in a client, and try again",
        "M_RESOURCE_LIMIT_EXCEEDED" => "ask who runs the homeserver",
        "M_UNRECOGNIZED" => {
            "the homeserver is too old for this, or the address is that of something else"
        }
        "M_FORBIDDEN" => "check that the account is the right one, or ask who runs the homeserver",
        _ => "try again later, or ask who runs the homeserver",
    }
}

fn not_a_homeserver(address: &str) -> String {
    format!(
        "what answers at {address} is no Matrix homeserver, but perhaps a website: check the address, or give the server name \
         alone, as example.org"
    )
}

//! What is said of a trouble: the reason, and what to do.

use std::{
    fmt::{self, Display},
    io,
};

use strongroom::{
    api::{ApiError, RequestError},
    encoding::format::{FormatError, FormatProblem},
};
use ureq::Timeout;

use super::trouble::Trouble;
use crate::failure::{quoted, visible};

/// One sentence.
pub(super) struct Sentence {
    pub(super) reason: String,
    advice: Advice,
}

enum Advice {
    /// The reason says all there is.
    None,
    /// Something about the address that was named.
    Address(&'static str),
    /// Something else.
    Other(&'static str),
}

impl Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.advice {
            Advice::None => Ok(()),
            Advice::Address(advice) | Advice::Other(advice) => write!(f, ": {advice}"),
        }
    }
}

impl Sentence {
    /// As it is said where nobody has named an address: there is none to be checked.
    pub(super) fn of_name(&self) -> String {
        match self.advice {
            Advice::Address(_) => format!("{}: {NAME_IT}", self.reason),
            Advice::None | Advice::Other(_) => format!("{self}; or {NAME_IT}"),
        }
    }
}

pub(super) fn of(trouble: &Trouble, address: &str) -> Sentence {
    match trouble {
        Trouble::Link(error) => link(error, address),
        Trouble::Refused(error) => refused(error, address),
        Trouble::Redirected(to) => other(
            format!("{address} sends us on to {}", quoted(to)),
            "if that is right, name it with --homeserver",
        ),
        Trouble::Request(RequestError::AccessToken) => other(
            "the access token has characters that none can have",
            "the file should hold the token and nothing else",
        ),
        Trouble::Request(error) => plain(error.to_string()),
        Trouble::Stream(error) => plain(format!("what {address} answers cannot be read: {error}")),
    }
}

fn link(error: &ureq::Error, address: &str) -> Sentence {
    let text = visible(&error.to_string());
    if let Some(sentence) = tls(&text, address) {
        return sentence;
    }
    match error {
        ureq::Error::HostNotFound => not_found(address),
        ureq::Error::Io(error)
            if text.contains("lookup address")
                && error.kind() != io::ErrorKind::ConnectionRefused =>
        {
            not_found(address)
        }
        ureq::Error::Io(error) => io(error, address),
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => other(
            format!("{address} cannot be reached in time"),
            "check the address, and whether there is a connection to the internet",
        ),
        ureq::Error::Timeout(_) => other(
            format!("{address} took too long to answer"),
            "try again later, or wait for longer with --timeout",
        ),
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => about_address(
            format!("what answers at {address} does not speak HTTP"),
            "check the port, and whether the address begins with https://",
        ),
        _ => plain(format!("{address} cannot be asked: {text}")),
    }
}

fn io(error: &io::Error, address: &str) -> Sentence {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => about_address(
            format!("nothing answers at {address}"),
            "check the address and its port, and whether the server runs",
        ),
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown => {
            other(format!("there is no way to {address}"), "check the connection to the internet")
        }
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => {
            other(format!("the connection to {address} broke off"), "try again, and check the port")
        }
        _ => plain(format!("{address} cannot be reached: {}", visible(&error.to_string()))),
    }
}

fn not_found(address: &str) -> Sentence {
    other(
        format!("the name in {address} was not found"),
        "check how it is spelled, and whether there is a connection to the internet",
    )
}

/// What the encryption stumbled over. The words are those of rustls, whose types are not part of `ureq`'s interface.
pub(super) fn tls(text: &str, address: &str) -> Option<Sentence> {
    if text.contains("invalid peer certificate") {
        let advice = if text.contains("CaUsedAsEndEntity") {
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
        return Some(other(format!("the certificate of {address} is not accepted"), advice));
    }
    if text.contains("corrupt message") || text.contains("InvalidContentType") {
        return Some(about_address(
            format!("what answers at {address} does not speak TLS"),
            "check the port, or begin the address with http:// if the server is on this machine",
        ));
    }
    text.contains("received fatal alert").then(|| {
        about_address(
            format!("{address} refuses an encrypted connection as we make it"),
            "check the address and its port",
        )
    })
}

fn refused(error: &ApiError, address: &str) -> Sentence {
    match error {
        _ if error.is_unauthorized() => other(
            format!("{address} does not accept the access token"),
            "it was logged out or mistyped; log in again with \u{201c}strongroom login\u{201d}",
        ),
        _ if error.is_rate_limited() => other(
            format!("{address} has had too many requests and asks for patience"),
            "try again later",
        ),
        ApiError::Response(FormatError {
            problem: FormatProblem::NotJson | FormatProblem::NotAnObject,
            ..
        }) => not_a_homeserver(address),
        ApiError::NotMatrix { status: status @ (504 | 524), .. } => other(
            format!("a proxy before {address} gave up waiting for it (status {status})"),
            "try again later",
        ),
        ApiError::NotMatrix { status: status @ 500.., .. } => {
            other(format!("{address} is out of order (status {status})"), "try again later")
        }
        ApiError::NotMatrix { .. } => not_a_homeserver(address),
        ApiError::Matrix { errcode, .. } => {
            other(format!("{address} refuses: {error}"), advice(errcode.as_str()))
        }
        _ => other(
            format!("{address} answers something else than was asked for, {error}"),
            "try again later, or tell who runs it",
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

fn not_a_homeserver(address: &str) -> Sentence {
    about_address(
        format!("what answers at {address} is no Matrix homeserver, but perhaps a website"),
        "check the address, or give the server name alone, as example.org",
    )
}

fn about_address(reason: String, advice: &'static str) -> Sentence {
    Sentence { reason, advice: Advice::Address(advice) }
}

fn other(reason: impl Into<String>, advice: &'static str) -> Sentence {
    Sentence { reason: reason.into(), advice: Advice::Other(advice) }
}

fn plain(reason: String) -> Sentence {
    Sentence { reason, advice: Advice::None }
}

const NAME_IT: &str =
    "name the address of your homeserver with --homeserver, as https://matrix.example.org";

//! What people write for a homeserver.

use std::net::IpAddr;

use http::Uri;
use strongroom::api::BaseUrl;

use super::Outcome;
use crate::failure::{Failure, quoted, shown, tell};

/// What was named.
pub(super) enum Named {
    /// A server name, whose homeserver is to be looked up.
    Server(String),
    /// An address.
    Address(Address),
}

/// The address of a homeserver: what stands before `/_matrix`.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) base_url: BaseUrl,
    pub(super) text: String,
    pub(super) uri: Uri,
}

impl Named {
    /// Sees whether a name or an address was written; an address with too much in it is cut, and told.
    pub(super) fn read(text: &str) -> Outcome<Self> {
        let text = text.trim();
        let cut = text.split("/_matrix").next().unwrap_or_default().trim_end_matches('/');
        if cut != text.trim_end_matches('/') {
            tell(format_args!(
                "The address of the homeserver ends before /_matrix: {} is taken.",
                quoted(cut)
            ));
        }
        if text.contains("://") {
            return Address::read(cut).map(Self::Address);
        }
        let is_name = !cut.is_empty()
            && cut.parse::<http::uri::Authority>().is_ok_and(|it| !it.as_str().contains('@'));
        if is_name {
            return Ok(Self::Server(cut.to_owned()));
        }
        Err(Failure::usage(format!(
            "\u{201c}{}\u{201d} is neither the name of a server, as example.org, nor the address of one, as \
             https://matrix.example.org",
            shown(cut)
        )))
    }
}

impl Address {
    pub(super) fn read(text: &str) -> Outcome<Self> {
        let refused = |why: &dyn std::fmt::Display| {
            Failure::usage(format!(
                "{}: {why}; it looks like https://matrix.example.org",
                quoted(text)
            ))
        };
        let base_url = BaseUrl::new(text).map_err(|error| refused(&error))?;
        let text = text.split('#').next().unwrap_or_default().trim_end_matches('/').to_owned();
        let uri: Uri = text.parse().map_err(|error| refused(&error))?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let has_port = authority.len() > uri.host().map_or(0, str::len);
        if has_port && uri.port_u16().is_none() {
            return Err(refused(&"a port is a number up to 65535"));
        }
        Ok(Self { base_url, text, uri })
    }

    /// Whether what is sent there is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Whether what is sent there stays on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        self.uri.host().is_some_and(is_loopback)
    }

    /// Refuses to send secrets where others read along.
    pub(super) fn require_privacy(&self, insecure_http: bool) -> Outcome<()> {
        if self.is_encrypted() || self.is_loopback() || insecure_http {
            return Ok(());
        }
        let address = quoted(&self.text);
        Err(Failure::usage(format!(
            "{address} is not encrypted, and everybody on the way could read your password or access token: write https:// instead, or \
             add --insecure-http if the network is yours"
        )))
    }
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_an_address() {
        for (text, expected) in [
            ("example.org", "example.org"),
            ("example.org:8448", "example.org:8448"),
            ("example.org/_matrix/client", "example.org"),
        ] {
            assert!(matches!(Named::read(text), Ok(Named::Server(name)) if name == expected));
        }
        for (text, expected) in [
            ("https://example.org/", "https://example.org"),
            ("https://example.org/_matrix/client/v3", "https://example.org"),
            ("https://example.org/behind/_matrix", "https://example.org/behind"),
            (" http://127.0.0.1:8008 ", "http://127.0.0.1:8008"),
        ] {
            assert!(matches!(Named::read(text), Ok(Named::Address(it)) if it.text == expected));
        }
        for text in
            ["", "@me:example.org", "ftp://example.org", "https://", "https://a:b@example.org"]
        {
            assert!(Named::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn plain_http_goes_no_further_than_this_machine() {
        for (text, expected) in [
            ("http://127.0.0.1:8008", true),
            ("http://[::1]:8008", true),
            ("http://localhost", true),
            ("http://localhost.example.org", false),
            ("http://10.0.0.1", false),
            ("https://10.0.0.1", true),
        ] {
            let address = Address::read(text).unwrap();
            assert_eq!(address.require_privacy(false).is_ok(), expected, "{text}");
            assert!(address.require_privacy(true).is_ok());
        }
    }
}

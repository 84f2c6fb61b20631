//! Paths and queries with identifiers that somebody else chose.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::RequestError;
use crate::ids;

/// A path under `/_matrix/client/v3`, and its query.
pub(super) struct Path {
    text: String,
    has_query: bool,
}

impl Path {
    /// Begins with a path that is the same for all requests of an endpoint: `/keys/query`.
    pub(super) fn new(path: &str) -> Self {
        Self { text: format!("{ROOT}{path}"), has_query: false }
    }

    /// Adds a part of the path that is the same for all requests: `/account_data`.
    pub(super) fn part(mut self, part: &str) -> Self {
        self.text.push_str(part);
        self
    }

    /// Adds an identifier as one segment; `name` is what the specification calls it.
    ///
    /// Percent-encoding keeps it in one piece, but does not help a segment of one or two dots: URL
    /// parsers resolve `%2E%2E` as they resolve `..`. An empty one is another path to every server.
    pub(super) fn segment(mut self, name: &'static str, id: &str) -> Result<Self, RequestError> {
        if ids::is_lost_in_url(id) {
            return Err(RequestError::Segment(name));
        }
        if !ids::is_segment(id) {
            return Err(RequestError::TooLong(name));
        }
        self.text.push('/');
        self.text.extend(encode(id));
        Ok(self)
    }

    /// Adds a parameter to the query.
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.text.push_str(name);
        self.text.push('=');
        self.text.extend(encode(value));
        self.has_query = true;
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Percent-encodes a text for a segment or for the value of a parameter.
fn encode(text: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(text, RESERVED)
}

const ROOT: &str = "/_matrix/client/v3";

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_encoded_to_the_last_slash() {
        let path = Path::new("/keys").segment("roomId", "!a/b+c:d#ä").unwrap();
        let path = path.part("/x").query("from", "a b").query("to", "c&d=e").to_string();
        assert_eq!(
            path,
            "/_matrix/client/v3/keys/%21a%2Fb%2Bc%3Ad%23%C3%A4/x?from=a%20b&to=c%26d%3De"
        );
    }

    #[test]
    fn a_segment_that_a_url_would_lose_is_refused() {
        for lost in ["", ".", ".."] {
            let refused = Path::new("/keys").segment("roomId", lost).err();
            assert_eq!(refused, Some(RequestError::Segment("roomId")), "{lost:?}");
        }
        for kept in ["...", "%2e", ".a", " "] {
            assert!(Path::new("/keys").segment("roomId", kept).is_ok(), "{kept:?}");
        }
    }
}

//! Paths and queries with identifiers that somebody else chose.

use std::{collections::BTreeMap, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::RequestError;
use crate::ids;

/// A path under `/_matrix/client/v3`, and its query.
#[derive(Clone)]
pub(super) struct Path {
    text: String,
    query: BTreeMap<&'static str, String>,
}

impl Path {
    /// Begins with a path that is the same for all requests of an endpoint: `/keys/query`.
    pub(super) fn new(path: &str) -> Self {
        Self { text: format!("{ROOT}{path}"), query: BTreeMap::new() }
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
        self.text.extend(utf8_percent_encode(id, RESERVED));
        Ok(self)
    }

    /// Sets a parameter of the query.
    pub(super) fn query(mut self, name: &'static str, value: &str) -> Self {
        self.query.insert(name, value.to_owned());
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            write!(f, "{separator}{name}={}", utf8_percent_encode(value, RESERVED))?;
        }
        Ok(())
    }
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

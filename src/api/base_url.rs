//! Where a homeserver is.

use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// The URL of a homeserver's client-server API: what stands before `/_matrix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// Why a text is not the URL of a homeserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// It is no URL, or one without a host.
    #[error("the homeserver's address is not a URL")]
    NotAUrl,
    /// It does not begin with `http://` or `https://`.
    #[error("the homeserver's address must begin with https:// or http://")]
    Scheme,
    /// It holds a user name or a password, which would end up in logs.
    #[error("the homeserver's address must not hold a user name or password")]
    Credentials,
    /// It has a query.
    #[error("the homeserver's address must not have a query")]
    Query,
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    /// As [`BaseUrl::new`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl BaseUrl {
    /// Takes the URL of a homeserver; a slash at its end does not matter.
    ///
    /// # Errors
    ///
    /// [`BaseUrlError`] if it is no `http` or `https` URL, or has a query.
    pub fn new(url: &str) -> Result<Self, BaseUrlError> {
        let uri: Uri = url.parse().map_err(|_| BaseUrlError::NotAUrl)?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            Some(_) => return Err(BaseUrlError::Scheme),
            None => return Err(BaseUrlError::NotAUrl),
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(BaseUrlError::Credentials);
        }
        if uri.query().is_some() {
            return Err(BaseUrlError::Query);
        }
        Ok(Self(url.split('#').next().unwrap_or_default().trim_end_matches('/').to_owned()))
    }

    /// The URL without a slash at its end.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_http_without_a_query() {
        assert_eq!(BaseUrl::new("https://a.org/x/").unwrap().0, "https://a.org/x");
        assert_eq!(BaseUrl::new("http://127.0.0.1:8008").unwrap().0, "http://127.0.0.1:8008");
        assert_eq!(BaseUrl::new("a.org"), Err(BaseUrlError::NotAUrl));
        assert_eq!(BaseUrl::new("ftp://a.org"), Err(BaseUrlError::Scheme));
        assert_eq!(BaseUrl::new("https://a.org?x=1"), Err(BaseUrlError::Query));
        assert_eq!(BaseUrl::new("https://u:p@a.org"), Err(BaseUrlError::Credentials));
    }
}

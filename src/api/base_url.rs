//! Where a homeserver is.

use std::str::FromStr;

use http::Uri;

use super::RequestError;

/// The URL of a homeserver's client-server API: what stands before `/_matrix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl FromStr for BaseUrl {
    type Err = RequestError;

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
    /// [`RequestError`] if it is no `http` or `https` URL, or has a query.
    pub fn new(url: &str) -> Result<Self, RequestError> {
        let uri: Uri = url.parse().map_err(|_| RequestError::BaseUrl)?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            Some(_) => return Err(RequestError::BaseUrlScheme),
            None => return Err(RequestError::BaseUrl),
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(RequestError::BaseUrlCredentials);
        }
        if uri.query().is_some() {
            return Err(RequestError::BaseUrlQuery);
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
        assert_eq!(BaseUrl::new("a.org"), Err(RequestError::BaseUrl));
        assert_eq!(BaseUrl::new("ftp://a.org"), Err(RequestError::BaseUrlScheme));
        assert_eq!(BaseUrl::new("https://a.org?x=1"), Err(RequestError::BaseUrlQuery));
        assert_eq!(BaseUrl::new("https://u:p@a.org"), Err(RequestError::BaseUrlCredentials));
    }
}

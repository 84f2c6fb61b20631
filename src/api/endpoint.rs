//! What all endpoints share.

use std::fmt;

use http::{
    HeaderValue, Method, Request, Response, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use super::error::{ApiError, ResponseError};
use crate::{
    Limits,
    encoding::json::{RawObject, RawObjectError},
    secret::SecretString,
};

/// One endpoint with its parameters: it makes the request and reads the response.
pub trait Endpoint {
    /// What a successful response says.
    type Response;

    /// The HTTP method.
    fn method(&self) -> Method;

    /// Path and query, percent-encoded, from `/_matrix` on.
    fn path_and_query(&self) -> String;

    /// The JSON body; empty for requests without one.
    fn body(&self) -> Vec<u8>;

    /// The longest successful response that is read, in bytes.
    fn max_response_bytes(&self, limits: &Limits) -> usize {
        limits.response_bytes
    }

    /// Reads the body of a successful response.
    ///
    /// # Errors
    ///
    /// [`ResponseError`] if it is not what the endpoint returns.
    fn read_body(&self, body: &[u8], limits: &Limits) -> Result<Self::Response, ResponseError>;

    /// The request, ready to be sent.
    ///
    /// The access token stands in a header that is marked sensitive, so that it is not printed. The
    /// copy in the request is not wiped: that is up to the HTTP stack.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the access token or the URL cannot stand in a request.
    fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Request<Vec<u8>>, RequestError> {
        let body = self.body();
        let mut request = Request::builder()
            .method(self.method())
            .uri(format!("{}{}", base_url.0, self.path_and_query()))
            .header(ACCEPT, JSON)
            .header(AUTHORIZATION, token.to_header()?);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, JSON);
        }
        request.body(body).map_err(|_| RequestError::Url)
    }

    /// Reads the response, whatever its status.
    ///
    /// # Errors
    ///
    /// [`ApiError`] if it is not a success, is too large, or is not what the endpoint returns.
    fn read_response(
        &self,
        response: &Response<impl AsRef<[u8]>>,
        limits: &Limits,
    ) -> Result<Self::Response, ApiError> {
        let body = successful_body(response, self.max_response_bytes(limits))?;
        Ok(self.read_body(body, limits)?)
    }
}

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
}

/// An access token: whoever has it acts for the user.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(SecretString);

impl AccessToken {
    fn to_header(&self) -> Result<HeaderValue, RequestError> {
        let text = SecretString::from(format!("Bearer {}", self.0.expose_str()));
        let mut value =
            HeaderValue::from_str(text.expose_str()).map_err(|_| RequestError::AccessToken)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl From<&str> for AccessToken {
    fn from(token: &str) -> Self {
        Self(token.into())
    }
}

impl From<SecretString> for AccessToken {
    fn from(token: SecretString) -> Self {
        Self(token)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.debug_struct("AccessToken").finish_non_exhaustive()
    }
}

/// Why a request cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The access token has characters that no header can have.
    #[error("the access token has characters that it cannot have")]
    AccessToken,
    /// The URL is too long or otherwise refused by `http`.
    #[error("the request's address is not a valid URL")]
    Url,
}

/// The body of a successful response; otherwise what went wrong.
pub(super) fn successful_body(
    response: &Response<impl AsRef<[u8]>>,
    limit: usize,
) -> Result<&[u8], ApiError> {
    let body = response.body().as_ref();
    if body.len() > limit {
        Err(ApiError::TooLarge { limit, found: body.len() })
    } else if response.status().is_success() {
        Ok(body)
    } else {
        Err(ApiError::from_body(response.status(), body))
    }
}

/// The members of a response.
pub(super) fn object(body: &[u8]) -> Result<RawObject<'_>, ResponseError> {
    RawObject::parse(body).map_err(|error| match error {
        RawObjectError::Syntax => ResponseError::NotJson,
        RawObjectError::NotAnObject => ResponseError::NotAnObject,
    })
}

/// Percent-encodes an identifier for a path or a query.
pub(super) fn encode(id: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(id, RESERVED)
}

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const JSON: &str = "application/json";

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

    #[test]
    fn identifiers_are_encoded_to_the_last_slash() {
        assert_eq!(encode("!a/b+c:d#ä").to_string(), "%21a%2Fb%2Bc%3Ad%23%C3%A4");
    }
}

//! What all endpoints share.

use std::fmt;

use http::{
    Method, Request, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use super::{
    AccessToken, BaseUrl,
    error::{ApiError, ResponseError},
};
use crate::{
    Limits,
    encoding::json::{RawObject, RawObjectError},
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
            .uri(format!("{}{}", base_url.as_str(), self.path_and_query()))
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
    fn identifiers_are_encoded_to_the_last_slash() {
        assert_eq!(encode("!a/b+c:d#ä").to_string(), "%21a%2Fb%2Bc%3Ad%23%C3%A4");
    }
}

//! What all endpoints share.

// docs/decisions.md, 4: no foreign type in the interface.

use http::{
    Method, Request, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use thiserror::Error;

use super::{
    AccessToken, BaseUrl,
    error::{ApiError, ResponseError},
};
use crate::{
    Limits,
    encoding::json::{self, RawObject, RawObjectError},
    excerpt::Excerpt,
};

/// One endpoint with its parameters: it makes the request and reads the response.
///
/// Nothing of a request depends on the homeserver or the user until [`Endpoint::to_http`] is called.
/// The trait is sealed: only the types of this module implement it.
pub trait Endpoint: sealed::Sealed {
    /// What a successful response says.
    type Response;

    /// The HTTP method.
    fn method(&self) -> Method;

    /// Path and query, percent-encoded, from `/_matrix` on.
    ///
    /// # Errors
    ///
    /// [`RequestError::Segment`] if an identifier cannot stand in a path.
    fn path_and_query(&self) -> Result<String, RequestError>;

    /// The JSON body; empty for requests without one.
    fn body(&self) -> Vec<u8> {
        Vec::new()
    }

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

    /// What a homeserver's "not found" says, where it is an answer like any other; otherwise it is an
    /// error, as for a session, for which it may mean that the whole backup is gone.
    fn when_not_found(&self) -> Option<Self::Response> {
        None
    }

    /// The request, ready to be sent.
    ///
    /// The access token stands in a header that is marked sensitive, so that it is not printed. The
    /// copy in the request is not wiped: that is up to the HTTP stack.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the access token, an identifier or the URL cannot stand in a request.
    fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Request<Vec<u8>>, RequestError> {
        let url = format!("{}{}", base_url.as_str(), self.path_and_query()?);
        let body = self.body();
        let mut request = Request::builder()
            .method(self.method())
            .uri(url)
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
        match successful_body(response, self.max_response_bytes(limits), limits) {
            Ok(body) => Ok(self.read_body(body, limits)?),
            Err(error) if error.is_not_found() => self.when_not_found().ok_or(error),
            Err(error) => Err(error),
        }
    }
}

pub(super) mod sealed {
    /// Implemented by the endpoints of this crate alone, so that the trait can grow.
    pub trait Sealed {}
}

/// Why a request cannot be made, or a [`BaseUrl`] for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The homeserver's address is no URL, or one without a host.
    #[error("the homeserver's address is not a URL")]
    BaseUrl,
    /// It does not begin with `http://` or `https://`.
    #[error("the homeserver's address must begin with https:// or http://")]
    BaseUrlScheme,
    /// It holds a user name or a password, which would end up in logs.
    #[error("the homeserver's address must not hold a user name or password")]
    BaseUrlCredentials,
    /// It has a query.
    #[error("the homeserver's address must not have a query")]
    BaseUrlQuery,
    /// The access token has characters that no header can have.
    #[error("the access token has characters that it cannot have")]
    AccessToken,
    /// This parameter is empty, `.` or `..`. Somewhere on the way to the homeserver such a segment
    /// is dropped, percent-encoded or not, and the request would be another one.
    #[error(
        "the parameter \u{201c}{0}\u{201d} is empty or made of dots, and cannot be part of a URL"
    )]
    Segment(&'static str),
    /// This parameter has more than 1,024 bytes, four times as many as an identifier of Matrix may have.
    #[error("the parameter \u{201c}{0}\u{201d} is too long to be part of a URL")]
    TooLong(&'static str),
    /// The URL is too long or otherwise refused by `http`.
    #[error("the request's address is not a valid URL")]
    Url,
}

/// The body of a successful response; otherwise what went wrong.
pub(super) fn successful_body<'a>(
    response: &'a Response<impl AsRef<[u8]>>,
    limit: usize,
    limits: &Limits,
) -> Result<&'a [u8], ApiError> {
    let body = response.body().as_ref();
    if !response.status().is_success() {
        Err(ApiError::from_parts(response.status(), response.headers(), body, limits))
    } else if body.len() > limit {
        Err(ApiError::TooLarge { limit, found: body.len() })
    } else {
        Ok(body)
    }
}

/// The members of a response.
pub(super) fn object(body: &[u8]) -> Result<RawObject<'_>, ResponseError> {
    RawObject::parse(body).map_err(|error| match error {
        RawObjectError::Syntax => ResponseError::NotJson,
        RawObjectError::NotAnObject => ResponseError::NotAnObject,
    })
}

/// The members of a response that need not have any, so that an error with a status of success would
/// pass for one.
pub(super) fn acknowledgement(body: &[u8]) -> Result<RawObject<'_>, ResponseError> {
    let mut object = object(body)?;
    match object.take("errcode").map(json::public_string) {
        Some(Ok(errcode)) => Err(ResponseError::Errcode(Excerpt::new(&errcode))),
        _ => Ok(object),
    }
}

const JSON: &str = "application/json";

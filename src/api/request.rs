//! What all endpoints share: a request, and what reads its response.

// docs/decisions.md, 4: no foreign type in the interface.

use std::{fmt, sync::Arc};

use http::{
    Method, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use thiserror::Error;

use super::{AccessToken, BaseUrl, error::ApiError, path::Path};
use crate::{
    Limits,
    encoding::{
        format::FormatProblem,
        json::{self, RawObject},
    },
    excerpt::Excerpt,
};

/// A request to one endpoint, whose successful response says a `T`.
///
/// Nothing of it depends on the homeserver's address or the access token until [`Request::to_http`] is called. It may be sent
/// more than once.
pub struct Request<T> {
    method: Method,
    path: Result<Path, RequestError>,
    body: Vec<u8>,
    longest: fn(&Limits) -> usize,
    read: Arc<Reader<T>>,
    not_found: Option<fn() -> T>,
}

/// Reads the body of a successful response.
type Reader<T> = dyn Fn(&[u8], &Limits) -> Result<T, ApiError> + Send + Sync;

impl<T> Request<T> {
    /// One without a body, whose response has a usual length and is never "not found".
    pub(super) fn new(
        method: Method,
        path: Result<Path, RequestError>,
        read: impl Fn(&[u8], &Limits) -> Result<T, ApiError> + Send + Sync + 'static,
    ) -> Self {
        let longest = |limits: &Limits| limits.response_bytes;
        Self { method, path, body: Vec::new(), longest, read: Arc::new(read), not_found: None }
    }

    /// With a JSON body.
    pub(super) fn with_body(self, body: Vec<u8>) -> Self {
        Self { body, ..self }
    }

    /// With another limit for the response.
    pub(super) fn with_longest(self, longest: fn(&Limits) -> usize) -> Self {
        Self { longest, ..self }
    }

    /// With "not found" as an answer like any other. Otherwise it is an error, as for a session, for which it may mean that
    /// the whole backup is gone.
    pub(super) fn with_not_found(self, not_found: fn() -> T) -> Self {
        Self { not_found: Some(not_found), ..self }
    }

    /// With another path.
    pub(super) fn with_path(self, change: impl FnOnce(Path) -> Path) -> Self {
        Self { path: self.path.map(change), ..self }
    }

    /// The HTTP method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Path and query, percent-encoded, from `/_matrix` on.
    ///
    /// # Errors
    ///
    /// [`RequestError::Segment`] or [`RequestError::TooLong`] if an identifier cannot stand in a path.
    pub fn path_and_query(&self) -> Result<String, RequestError> {
        self.path.as_ref().map(Path::to_string).map_err(|error| *error)
    }

    /// The JSON body; empty for requests without one.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The longest successful response that is read, in bytes.
    #[must_use]
    pub fn max_response_bytes(&self, limits: &Limits) -> usize {
        (self.longest)(limits)
    }

    /// The request, ready to be sent.
    ///
    /// The access token stands in a header that is marked sensitive, so that it is not printed. The
    /// copy in the request is not wiped: that is up to the HTTP stack.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the access token, an identifier or the URL cannot stand in a request.
    pub fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<http::Request<Vec<u8>>, RequestError> {
        let url = format!("{}{}", base_url.as_str(), self.path_and_query()?);
        let mut request = http::Request::builder()
            .method(&self.method)
            .uri(url)
            .header(ACCEPT, JSON)
            .header(AUTHORIZATION, token.to_header()?);
        if !self.body.is_empty() {
            request = request.header(CONTENT_TYPE, JSON);
        }
        request.body(self.body.clone()).map_err(|_| RequestError::Url)
    }

    /// Reads the response, whatever its status.
    ///
    /// # Errors
    ///
    /// [`ApiError`] if it is not a success, is too large, or is not what the endpoint returns.
    pub fn read_response(
        &self,
        response: &Response<impl AsRef<[u8]>>,
        limits: &Limits,
    ) -> Result<T, ApiError> {
        match successful_body(response, self.max_response_bytes(limits), limits) {
            Ok(body) => self.read_body(body, limits),
            Err(error) if error.is_not_found() => self.when_not_found().ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// Reads the body of a successful response.
    ///
    /// # Errors
    ///
    /// [`ApiError::Response`] or [`ApiError::Errcode`] if it is not what the endpoint returns.
    pub fn read_body(&self, body: &[u8], limits: &Limits) -> Result<T, ApiError> {
        (self.read)(body, limits)
    }

    /// What a homeserver's "not found" says, where it is an answer like any other; `None` where it is an error.
    #[must_use]
    pub fn when_not_found(&self) -> Option<T> {
        self.not_found.map(|not_found| not_found())
    }
}

impl<T> Clone for Request<T> {
    fn clone(&self) -> Self {
        Self {
            method: self.method.clone(),
            path: self.path.clone(),
            body: self.body.clone(),
            longest: self.longest,
            read: Arc::clone(&self.read),
            not_found: self.not_found,
        }
    }
}

/// Shows where it goes, and not what is sent.
impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, body: _, longest: _, read: _, not_found: _ } = self;
        let path = path.as_ref().map(Path::to_string);
        f.debug_struct("Request")
            .field("method", method)
            .field("path", &path)
            .finish_non_exhaustive()
    }
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
fn successful_body<'a>(
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
pub(super) fn object(body: &[u8]) -> Result<RawObject<'_>, ApiError> {
    Ok(RawObject::parse(body).map_err(|error| FormatProblem::of_object(error, "it"))?)
}

/// The members of a response that need not have any, so that an error with a status of success would
/// pass for one.
pub(super) fn acknowledgement(body: &[u8]) -> Result<RawObject<'_>, ApiError> {
    let mut object = object(body)?;
    match object.take("errcode").map(json::public_string) {
        Some(Ok(errcode)) => Err(ApiError::Errcode(Excerpt::new(&errcode))),
        _ => Ok(object),
    }
}

/// Reads a response that says no more than that it is done.
pub(super) fn done(body: &[u8], _: &Limits) -> Result<(), ApiError> {
    acknowledgement(body).map(drop)
}

const JSON: &str = "application/json";

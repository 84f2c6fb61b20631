//! Answers that no homeserver thought about.

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::homeserver::reply::to_body;

#[derive(Serialize, Default)]
struct Error {
    errcode: &'static str,
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    soft_logout: Option<bool>,
}

pub(super) fn rate_limit(
    retry_after: Option<&HeaderValue>,
    retry_after_ms: Option<u64>,
) -> Response<Vec<u8>> {
    let error = Error {
        errcode: "M_LIMIT_EXCEEDED",
        error: "Too many requests",
        retry_after_ms,
        ..Error::default()
    };
    let mut response = json(StatusCode::TOO_MANY_REQUESTS, &error);
    if let Some(value) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, value.clone());
    }
    response
}

pub(super) fn error(status: StatusCode) -> Response<Vec<u8>> {
    let error = "The homeserver has a fault";
    json(status, &Error { errcode: "M_UNKNOWN", error, ..Error::default() })
}

pub(super) fn unknown_token(soft_logout: bool) -> Response<Vec<u8>> {
    let error = Error {
        errcode: "M_UNKNOWN_TOKEN",
        error: "Unknown access token",
        soft_logout: Some(soft_logout),
        ..Error::default()
    };
    json(StatusCode::UNAUTHORIZED, &error)
}

pub(super) fn too_large() -> Response<Vec<u8>> {
    let error = "The request is too large";
    let error = Error { errcode: "M_TOO_LARGE", error, ..Error::default() };
    json(StatusCode::PAYLOAD_TOO_LARGE, &error)
}

pub(super) fn page(status: StatusCode) -> Response<Vec<u8>> {
    let title = format!("{} {}", status.as_str(), status.canonical_reason().unwrap_or_default());
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         </body>\r\n</html>\r\n"
    );
    with_type(status, "text/html", page.into_bytes())
}

fn json(status: StatusCode, error: &Error) -> Response<Vec<u8>> {
    with_type(status, "application/json", to_body(error))
}

fn with_type(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

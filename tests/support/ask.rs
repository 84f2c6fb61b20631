//! Requests as a client of any make sends them, and what is compared of the answers.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests stop at the first surprise"
)]

use http::{Request, Response};
use serde_json::{Value, json};
use strongroom::homeserver::Homeserver;

/// Status and body.
pub(crate) type Answer = (u16, Value);

/// A request of somebody with a token, or without one if it is empty.
pub(crate) fn request(token: &str, method: &str, path: &str, body: &str) -> Request<Vec<u8>> {
    let mut request = Request::builder().method(method).uri(format!("http://localhost{path}"));
    if !token.is_empty() {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    request.body(body.as_bytes().to_vec()).unwrap()
}

/// Asks the in-memory homeserver.
pub(crate) fn ask(
    homeserver: &mut Homeserver,
    token: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Answer {
    parsed(&homeserver.respond(&request(token, method, path, body)))
}

pub(crate) fn parsed(response: &Response<Vec<u8>>) -> Answer {
    assert_eq!(response.headers()["Content-Type"], "application/json");
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
}

/// An answer without the sentence for people.
pub(crate) fn without_error((status, mut body): Answer) -> Answer {
    if let Some(body) = body.as_object_mut() {
        body.remove("error");
    }
    (status, body)
}

#[track_caller]
pub(crate) fn assert_refused(answer: Answer, status: u16, errcode: &str) {
    assert_eq!((answer.0, answer.1["errcode"].as_str()), (status, Some(errcode)), "{}", answer.1);
    assert!(answer.1["error"].is_string(), "{}", answer.1);
}

/// A session's key as it is stored.
pub(crate) fn key(index: u64, count: u64, verified: bool, data: &str) -> Value {
    json!({
        "first_message_index": index,
        "forwarded_count": count,
        "is_verified": verified,
        "session_data": { "d": data },
    })
}

/// A backup version to be created.
pub(crate) fn new_version() -> Value {
    json!({ "algorithm": ALGORITHM, "auth_data": { "public_key": "k" } })
}

pub(crate) const ALGORITHM: &str = "m.megolm_backup.v1.curve25519-aes-sha2";

pub(crate) const V3: &str = "/_matrix/client/v3";

pub(crate) const ROOM_KEYS: &str = "/_matrix/client/v3/room_keys";

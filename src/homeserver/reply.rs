//! The body of a successful response.

use serde::Serialize;

use crate::encoding::json;

/// A body that says no more than that all is well.
pub(super) fn empty() -> Vec<u8> {
    b"{}".to_vec()
}

/// A body with members.
pub(super) fn to_body(reply: &impl Serialize) -> Vec<u8> {
    json::to_bytes(reply, 256)
}

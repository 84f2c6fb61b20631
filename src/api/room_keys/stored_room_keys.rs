//! What a backup holds after a change.

use crate::{
    Limits,
    api::{ApiError, request::acknowledgement},
    encoding::json,
};

/// What the homeserver says after sessions were stored or deleted; early servers say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredRoomKeys {
    /// An opaque token that changes when the stored sessions do. Without one, everything may have
    /// changed.
    pub etag: Option<String>,
    /// How many sessions the backup holds now.
    pub count: Option<u64>,
}

impl StoredRoomKeys {
    /// Reads a response; early servers wrote a number for `etag` or a string for `count`.
    pub(super) fn read(body: &[u8], _: &Limits) -> Result<Self, ApiError> {
        let mut object = acknowledgement(body)?;
        Ok(Self {
            etag: object.take("etag").and_then(json::lenient_token),
            count: object.take("count").and_then(json::lenient_integer),
        })
    }
}

//! How far a device has read.

use serde::{Serialize, Serializer};

use crate::homeserver::refusal::Refusal;

/// A `next_batch` token: two positions of the stream, since messages may lag behind.
#[derive(Clone, Copy)]
pub(super) struct SyncToken {
    /// Up to where the device knows what changed.
    pub(super) changes: u64,
    /// Up to where the device has its messages.
    pub(super) messages: u64,
}

impl SyncToken {
    /// Reads a token that this homeserver gave out; none is ahead of `end`.
    pub(super) fn parse(text: &str, end: u64) -> Result<Self, Refusal> {
        let read = || {
            let (changes, messages) = text.strip_prefix('s')?.split_once('_')?;
            let token = Self { changes: changes.parse().ok()?, messages: messages.parse().ok()? };
            (token.to_text() == text && token.changes <= end && token.messages <= token.changes)
                .then_some(token)
        };
        read().ok_or(Refusal::InvalidParameter("since is no token of this homeserver"))
    }

    fn to_text(self) -> String {
        format!("s{}_{}", self.changes, self.messages)
    }
}

impl Serialize for SyncToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

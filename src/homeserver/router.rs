//! Which endpoint a request is for.

use http::Method;
use percent_encoding::percent_decode_str;

use super::{refusal::Refusal, room_keys::RoomKeysRoute};

/// An endpoint with what its path says, by topic.
pub(super) enum Route {
    /// An endpoint of server-side key backups.
    RoomKeys(RoomKeysRoute),
}

impl Route {
    /// Finds the endpoint for a method and a path.
    ///
    /// Segments are decoded after the path is split, so an identifier may have slashes in it.
    pub(super) fn find(method: &Method, path: &str) -> Result<Self, Refusal> {
        let decoded = path
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Refusal::UnknownPath)?;
        let segments: Vec<&str> = decoded.iter().map(AsRef::as_ref).collect();
        match segments.as_slice() {
            ["", "_matrix", "client", "v3", "room_keys", rest @ ..] => {
                RoomKeysRoute::find(method, rest).map(Self::RoomKeys)
            }
            _ => Err(Refusal::UnknownPath),
        }
    }
}

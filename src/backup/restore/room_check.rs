//! Whether a session is restored for two rooms.

use std::collections::{HashMap, hash_map::Entry};

use sha2::{Digest as _, Sha256};

use crate::ids::{RoomId, SessionId};

/// Remembers which room each session was restored for: 16 bytes a session, as hashes.
///
/// Hashes of 8 bytes do for a warning: a million sessions agree by chance once in 40 million restores.
#[derive(Debug, Default)]
pub(super) struct RoomCheck(HashMap<u64, u64>);

impl RoomCheck {
    /// Whether the session was seen for another room before.
    pub(super) fn is_under_another_room(
        &mut self,
        session_id: &SessionId,
        room_id: &RoomId,
    ) -> bool {
        let room = hash(room_id.as_str());
        match self.0.entry(hash(session_id.as_str())) {
            Entry::Occupied(first) => *first.get() != room,
            Entry::Vacant(place) => {
                place.insert(room);
                false
            }
        }
    }
}

fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

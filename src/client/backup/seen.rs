//! How good the sessions are that the backup is known to have.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::{
    backup::KeyBackupMetadata,
    ids::{RoomId, SessionId},
};

/// How good the sessions are that the backup is known to have: a hash of their IDs, and their metadata.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<SessionHash, KeyBackupMetadata>);

/// A session that the backup is known to have, and how good it is.
pub(super) type SeenSession = (SessionHash, KeyBackupMetadata);

type SessionHash = [u8; 16];

impl Seen {
    /// The best that is known of a session.
    pub(super) fn get(
        &self,
        room_id: &RoomId,
        session_id: &SessionId,
    ) -> Option<&KeyBackupMetadata> {
        self.0.get(&hash(room_id, session_id))
    }

    /// Remembers a session, unless a better one is known. When there are too many, all are forgotten.
    pub(super) fn add(&mut self, (session, metadata): SeenSession, limit: usize) {
        if self.0.len() >= limit {
            self.0.clear();
        }
        let known = self.0.entry(session).or_insert(metadata);
        if metadata.replaces(known) {
            *known = metadata;
        }
    }
}

/// Long enough that nobody finds two sessions with one hash.
pub(super) fn hash(room_id: &RoomId, session_id: &SessionId) -> SessionHash {
    let length = room_id.as_str().len().to_be_bytes();
    let parts = [&length[..], room_id.as_str().as_bytes(), session_id.as_str().as_bytes()];
    let hash = parts.into_iter().fold(Sha256::new(), Sha256::chain_update).finalize();
    let mut start = [0; 16];
    start.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    start
}

//! The sessions of a device, as a client has them in its crypto store.

use std::collections::BTreeMap;

use strongroom::{
    backup::{RestoredSession, SealOptions},
    client::backup::OfferedSession,
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::{BackupVersion, RoomId, SessionId},
    session_data::{ExportedSession, SessionData, SessionKey},
};
use vodozemac::{megolm::GroupSession, olm::Account};

use crate::Result;

#[derive(Default)]
pub(crate) struct Store {
    sessions: BTreeMap<(RoomId, SessionId), Entry>,
    last_token: u64,
}

struct Entry {
    offered: OfferedSession,
    stored_in: Option<BackupVersion>,
}

impl Store {
    /// Real Megolm sessions of one device in a few rooms.
    pub(crate) fn add_new(&mut self, count: usize) -> Result<()> {
        let device = Account::new();
        let sender = Curve25519PublicKey::from_bytes(device.curve25519_key().to_bytes());
        let claimed = Ed25519PublicKey::from_bytes(device.ed25519_key().as_bytes())?;
        for number in 0..count {
            let megolm = GroupSession::new(Default::default());
            let key = SessionKey::from_base64(&megolm.session_key().to_base64())?;
            let room_id = RoomId::from(format!("!room{}:localhost", number % 3));
            let session = SessionData::new(key, sender, claimed);
            self.add(ExportedSession { room_id, session }, false, None);
        }
        Ok(())
    }

    /// What came from a version need not go there again.
    pub(crate) fn import(&mut self, version: &BackupVersion, sessions: &[RestoredSession]) {
        for session in sessions {
            self.add(session.exported().clone(), true, Some(version.clone()));
        }
    }

    fn add(
        &mut self,
        session: ExportedSession,
        is_imported: bool,
        stored_in: Option<BackupVersion>,
    ) {
        self.last_token += 1;
        let id = (session.room_id.clone(), session.session_id());
        let (token, options) = (self.last_token, SealOptions::default());
        let offered = OfferedSession { token, session, options, is_imported };
        self.sessions.entry(id).or_insert(Entry { offered, stored_in });
    }

    pub(crate) fn not_stored_in(
        &self,
        version: &BackupVersion,
        count: usize,
    ) -> Vec<OfferedSession> {
        let entries = self.sessions.values();
        let left = entries.filter(|entry| entry.stored_in.as_ref() != Some(version));
        left.map(|entry| entry.offered.clone()).take(count).collect()
    }

    pub(crate) fn mark(&mut self, version: &BackupVersion, tokens: &[u64]) {
        let entries = self.sessions.values_mut();
        for entry in entries.filter(|entry| tokens.contains(&entry.offered.token)) {
            entry.stored_in = Some(version.clone());
        }
    }

    /// Nothing is stored in this version, as far as is known.
    pub(crate) fn forget(&mut self, version: &BackupVersion) {
        let entries = self.sessions.values_mut();
        let stored = entries.filter(|entry| entry.stored_in.as_ref() == Some(version));
        stored.for_each(|entry| entry.stored_in = None);
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(crate) fn first(&self) -> Option<(RoomId, SessionId)> {
        self.sessions.keys().next().cloned()
    }

    /// Whether all sessions of the other's first room are here, equal in every byte.
    pub(crate) fn has_first_room_of(&self, other: &Self) -> bool {
        let Some((first, _)) = other.first() else { return false };
        let mut room = other.sessions.iter().filter(|((room_id, _), _)| *room_id == first);
        room.all(|(id, entry)| {
            let here = self.sessions.get(id);
            here.is_some_and(|here| here.offered.session == entry.offered.session)
        })
    }
}

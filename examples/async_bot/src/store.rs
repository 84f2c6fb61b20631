//! The bot's own store, in memory: its Olm account, and its sessions. Put yours in its place.

use std::collections::BTreeMap;

use strongroom::{
    backup::{RestoredSession, SealOptions},
    client::backup::OfferedSession,
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Signature},
    },
    ids::{BackupVersion, DeviceId, KeyId, RoomId, SessionId},
    session_data::{ExportedSession, SessionData, SessionKey},
    signed_json::TrustedSigner,
};
use vodozemac::{megolm::GroupSession, olm::Account};

use crate::Result;

#[derive(Default)]
pub(crate) struct Store {
    account: Account,
    sessions: BTreeMap<(RoomId, SessionId), Entry>,
    last_token: u64,
}

struct Entry {
    offered: OfferedSession,
    stored_in: Option<BackupVersion>,
}

impl Store {
    /// Real Megolm sessions in a few rooms.
    pub(crate) fn add_new(&mut self, count: usize) -> Result<()> {
        let sender = Curve25519PublicKey::from_bytes(self.account.curve25519_key().to_bytes());
        let claimed = Ed25519PublicKey::from_bytes(self.account.ed25519_key().as_bytes())?;
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

    /// Whether every session is in a backup.
    pub(crate) fn is_stored(&self) -> bool {
        self.sessions.values().all(|entry| entry.stored_in.is_some())
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether all sessions of another store are here, equal in every byte.
    pub(crate) fn has_all_of(&self, other: &Self) -> bool {
        other.sessions.iter().all(|(id, entry)| {
            let here = self.sessions.get(id);
            here.is_some_and(|here| here.offered.session == entry.offered.session)
        })
    }

    /// Signs with the key of the device.
    pub(crate) fn sign(
        &self,
        device_id: &DeviceId,
        bytes: &[u8],
    ) -> Result<(KeyId, Ed25519Signature)> {
        let signature = self.account.sign(bytes).to_base64();
        Ok((KeyId::ed25519(device_id), Ed25519Signature::from_base64(&signature)?))
    }

    /// The key of the device.
    pub(crate) fn signer(&self, device_id: &DeviceId) -> Result<TrustedSigner> {
        let key = Ed25519PublicKey::from_bytes(self.account.ed25519_key().as_bytes())?;
        Ok(TrustedSigner::new(KeyId::ed25519(device_id), key))
    }
}

//! The sessions of the device, as a client has them in its crypto store.

use std::collections::BTreeMap;

use serde_json::Value;
use strongroom::{
    backup::{RestoredSession, SealOptions},
    client::backup::OfferedSession,
    ids::{BackupVersion, RoomId, SessionId},
    session_data::ExportedSession,
};

use crate::host::Result;

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
    pub(crate) fn add_own(&mut self, session: ExportedSession) {
        self.add(session, false, None);
    }

    /// What came from a version need not go there again.
    pub(crate) fn import(&mut self, version: &BackupVersion, sessions: Vec<RestoredSession>) {
        for session in sessions {
            self.add(session.into_exported(), true, Some(version.clone()));
        }
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

    /// The array that clients import, without the sessions that they would refuse all others for.
    pub(crate) fn exported(&self) -> Result<Value> {
        let sessions = self.sessions.values();
        let sessions = sessions.filter_map(|entry| entry.offered.session.to_json().ok());
        let sessions = sessions.map(|json| serde_json::from_slice(json.expose_bytes()));
        Ok(sessions.collect::<serde_json::Result<Vec<Value>>>()?.into())
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
}

//! Message keys of all versions, encrypted to the key of one.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
};

use serde_json::json;
use strongroom::{
    Limits,
    api::PutRoomKeys,
    backup::{
        AuthData, BackupDecryptionKey, BackupVersionInfo, RestoredSession, SealOptions,
        SessionSealer, TrustedBackup,
    },
    client::rescue::{BackupKeys, KeySource},
    session_data::{BestCopies, ExportedSession},
};

use crate::{
    failure::Failure,
    folder::NewFolder,
    input::Loaded,
    rescue::{Bodies, Report, Versions},
    to_apply::SESSIONS,
};

/// The backup that message keys are put into, and its key.
pub(super) struct Target {
    pub(super) backup: TrustedBackup,
    pub(super) key: BackupDecryptionKey,
    /// What the homeserver will say of it, if it is to be made.
    pub(super) new: Option<BackupVersionInfo>,
}

/// What was written.
pub(super) struct Sealed {
    pub(super) count: u64,
    /// How many are in the backup already, and open with its key.
    pub(super) kept: u64,
    /// How many have a room that clients do not take.
    pub(super) left_out: u64,
    /// How many have the ID of another one, and are no copies of it: a backup has room for one.
    pub(super) displaced: u64,
    pub(super) report: Report,
}

impl Target {
    /// A backup with a new key.
    pub(super) fn new(limits: &Limits) -> Result<Self, Failure> {
        let failed = |error: &dyn std::error::Error| Failure::other(error.to_string());
        let key = BackupDecryptionKey::generate().map_err(|error| failed(&error))?;
        // The homeserver will give it a number.
        let auth_data = AuthData::new(key.public_key());
        let auth_data: serde_json::Value =
            serde_json::from_str(auth_data.as_json()).map_err(|error| failed(&error))?;
        let algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
        let info = json!({ "version": "new", "algorithm": algorithm, "auth_data": auth_data });
        let info = BackupVersionInfo::from_json(info.to_string().as_bytes(), limits)
            .map_err(|error| failed(&error))?;
        let backup = TrustedBackup::by_decryption_key(&info, &key, &[]);
        let backup = backup.map_err(|error| failed(&error))?;
        Ok(Self { backup, key, new: Some(info) })
    }

    /// Writes into the folder what the backup lacks of all that opens.
    pub(super) fn seal(
        &self,
        saved: &Loaded,
        keys: &BackupKeys,
        folder: &NewFolder,
    ) -> Result<Sealed, Failure> {
        let (there, kept) = self.current(saved)?;
        let versions = Versions::new(&saved.files, false);
        let bodies = Bodies::new(saved, &versions, keys)?;
        let mut sessions = bodies.rescue(None);
        let (sealer, mut waiting) = (SessionSealer::new(&self.backup), Vec::new());
        let (mut count, mut left_out, mut displaced, mut files) = (0, 0, 0, 0);
        let mut names = Names::default();
        loop {
            let session = sessions.next().map(RestoredSession::into_exported);
            let is_end = session.is_none();
            match session {
                Some(session) if !session.room_id.is_read_by_clients() => left_out += 1,
                Some(session) if there.has(&session) => {}
                Some(session) if !names.insert(&session) => displaced += 1,
                session => waiting.extend(session),
            }
            if waiting.len() >= SESSIONS_OF_FILE || is_end && !waiting.is_empty() {
                if files == 0 {
                    folder.folder(SESSIONS)?;
                }
                files += 1;
                count += waiting.len() as u64;
                let body = self.body(&sealer, &waiting)?;
                folder.write(&format!("{SESSIONS}/{files}.json"), &body)?;
                waiting.clear();
            }
            if is_end {
                break;
            }
        }
        Ok(Sealed { count, kept, left_out, displaced, report: sessions.into_report()? })
    }

    /// What the backup has already, of which clients read what its own key opens.
    fn current(&self, saved: &Loaded) -> Result<(BestCopies, u64), Failure> {
        if self.new.is_some() {
            return Ok((BestCopies::default(), 0));
        }
        current(saved, &self.keys())
    }

    /// Whether the backup holds message keys that it should not: encrypted to another key at hand. No homeserver has them replaced by
    /// what is no better, so only a new backup takes them.
    pub(super) fn is_mixed(&self, saved: &Loaded, keys: &BackupKeys) -> Result<bool, Failure> {
        Ok(current(saved, keys)?.1 > current(saved, &self.keys())?.1)
    }

    /// Its key alone.
    fn keys(&self) -> BackupKeys {
        let mut keys = BackupKeys::new(&Limits::default());
        keys.add(self.key.clone(), KeySource::Typed);
        keys
    }

    fn body(
        &self,
        sealer: &SessionSealer,
        sessions: &[ExportedSession],
    ) -> Result<Vec<u8>, Failure> {
        let sessions = sessions.iter().map(|it| (&it.room_id, &it.session, SealOptions::default()));
        let sealed = sealer.seal(&sessions.collect::<Vec<_>>());
        let sealed = sealed.map_err(|error| Failure::other(error.to_string()))?;
        let put = PutRoomKeys::new(&self.backup, sealed);
        let put = put.map_err(|error| Failure::other(error.to_string()))?;
        Ok(put.request().body().to_vec())
    }
}

/// What these keys open of the current version, and how much that is.
fn current(saved: &Loaded, keys: &BackupKeys) -> Result<(BestCopies, u64), Failure> {
    let versions = Versions::new(&saved.files, true);
    let mut best = BestCopies::default();
    // Where nothing of it was given, it lacks all.
    let Ok(bodies) = Bodies::new(saved, &versions, keys) else { return Ok((best, 0)) };
    let mut sessions = bodies.rescue(None);
    sessions.by_ref().for_each(|session| best.see(0, session.exported()));
    Ok((best, sessions.into_report()?.restored()))
}

/// Which sessions were written, each by a number that nobody outside knows.
#[derive(Default)]
struct Names(HashSet<u64>, RandomState);

impl Names {
    fn insert(&mut self, exported: &ExportedSession) -> bool {
        let Self(seen, hasher) = self;
        seen.insert(hasher.hash_one((&exported.room_id, exported.session_id())))
    }
}

/// Some megabytes.
const SESSIONS_OF_FILE: usize = 5_000;

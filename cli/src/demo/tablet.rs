//! The device that has nothing but the recovery key: it checks the backup and restores.

use indicatif::ProgressBar;
use strongroom::{
    api::{self, RoomKeys},
    backup::{BackupDecryptionKey, TrustedBackup},
    excerpt::Excerpt,
    ids::SessionId,
    recovery_key::RecoveryKey,
    session_data::ExportedSession,
};

use super::homeserver::Connection;
use crate::Result;

/// What the homeserver returned of the backup.
pub(super) struct Download {
    keys: RoomKeys,
    pub(super) bytes: usize,
}

impl Download {
    pub(super) fn count(&self) -> usize {
        self.keys.sessions.len()
    }
}

/// What became of a download.
pub(super) struct Opened {
    pub(super) sessions: Vec<ExportedSession>,
    /// A sentence for each session that was not restored.
    pub(super) complaints: Vec<String>,
}

/// The backup's secret half from the recovery key as it was typed.
pub(super) fn typed(text: &str) -> Result<BackupDecryptionKey> {
    Ok(BackupDecryptionKey::from_recovery_key(RecoveryKey::typed_by_user(text)?))
}

/// Asks for the current backup, and makes sure that the key is the backup's.
pub(super) fn check(
    connection: &mut Connection,
    key: &BackupDecryptionKey,
) -> Result<TrustedBackup> {
    let (current, _) = connection.send(&api::get_current_backup_version())?;
    let current = current.ok_or("the homeserver has no backup")?;
    Ok(TrustedBackup::by_decryption_key(&current, key, &[])?)
}

pub(super) fn download(connection: &mut Connection, backup: &TrustedBackup) -> Result<Download> {
    let (keys, bytes) = connection.send(&api::get_room_keys(backup.version()))?;
    Ok(Download { keys, bytes })
}

/// Opens every session; one that does not open costs no other.
pub(super) fn open(
    key: &BackupDecryptionKey,
    download: &Download,
    progress: &ProgressBar,
) -> Opened {
    let mut opened = Opened { sessions: Vec::new(), complaints: Vec::new() };
    let mut complain = |id: &SessionId, why: &dyn std::fmt::Display| {
        opened.complaints.push(format!("{}: {why}", Excerpt::new(id.as_str())));
    };
    for failed in &download.keys.failed {
        complain(&failed.session_id, &failed.error);
    }
    for batch in download.keys.sessions.chunks(BATCH) {
        for (returned, result) in batch.iter().zip(key.open_sessions(batch)) {
            match result {
                Ok(session) => opened.sessions.push(session.into_exported()),
                Err(error) => complain(&returned.session_id, &error),
            }
        }
        progress.inc(batch.len() as u64);
    }
    progress.finish_and_clear();
    opened
}

/// Sessions that are opened between two steps of the progress bar.
const BATCH: usize = 256;

//! The device that has nothing: it checks the backup and restores.

use std::time::Instant;

use strongroom::{
    api::{self, RoomKeys},
    backup::{BackupDecryptionKey, FailedSession, OpenError, TrustedBackup},
    excerpt::Excerpt,
    ids::SessionId,
    recovery_key::RecoveryKey,
    session_data::ExportedSession,
};

use crate::{Result, print_rate, server::Server};

/// From the typed recovery key to the sessions.
pub(crate) fn restore(server: &mut Server, typed: &str) -> Result<Vec<ExportedSession>> {
    let key = BackupDecryptionKey::from_recovery_key(RecoveryKey::typed_by_user(typed)?);
    let (current, _) = server.send(&api::get_current_backup_version())?;
    let current = current.ok_or("the homeserver has no backup")?;
    let backup = TrustedBackup::by_decryption_key(&current, &key, &[])?;
    println!(
        "checked    version {}: the recovery key belongs to it; the server says {} sessions",
        backup.version(),
        current.count().map_or_else(|| "some".to_owned(), |count| count.to_string()),
    );
    let start = Instant::now();
    let (keys, bytes) = server.send(&api::get_room_keys(backup.version()))?;
    let restored = open_all(&key, &keys);
    print_rate("restored", restored.len(), bytes, start.elapsed());
    Ok(restored)
}

/// Opens every session; one that does not open is named and costs no other.
pub(crate) fn open_all(key: &BackupDecryptionKey, keys: &RoomKeys) -> Vec<ExportedSession> {
    let results = key.open_sessions(&keys.sessions);
    let wrong_key = OpenError::of_results(&results);
    if let Some(error) = &wrong_key {
        println!("failed     {error}");
    }
    let mut restored = Vec::with_capacity(keys.sessions.len());
    for (returned, result) in keys.sessions.iter().zip(results) {
        match result {
            Ok(session) => {
                for warning in session.warnings() {
                    println!("warning    {}: {warning}", name(&returned.session_id));
                }
                restored.push(session.into_exported());
            }
            // That was said for all of them.
            Err(OpenError::WrongKey) if wrong_key.is_some() => {}
            Err(error) => println!("failed     {}: {error}", name(&returned.session_id)),
        }
    }
    for FailedSession { session_id, error, .. } in &keys.failed {
        println!("failed     {}: {error}", name(session_id));
    }
    for room_id in &keys.broken_rooms {
        println!("failed     the room {}", Excerpt::new(room_id.as_str()));
    }
    if keys.surplus > 0 {
        println!("failed     {} more", keys.surplus);
    }
    restored
}

/// What a server calls a session, fit to be printed.
fn name(session_id: &SessionId) -> Excerpt {
    Excerpt::new(session_id.as_str())
}

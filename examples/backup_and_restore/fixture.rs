//! A real client's backup, recorded with the sessions it holds.

use std::{path::Path, time::Instant};

use strongroom::{
    Limits,
    api::{Endpoint as _, GetRoomKeys, QueriedKeys},
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustedBackup},
    client::unlock_backup_key,
    ids::UserId,
    saved_files::SavedFiles,
    session_data::ExportedSession,
    signed_json::TrustedSigner,
};

use crate::{Result, print_rate, same_sessions, saved, second_device::open_all};

/// Restores the backup of a fixture; also says whether its signatures are valid and the sessions are
/// those of the fixture.
pub(crate) fn restore(path: &Path) -> Result<(bool, Vec<ExportedSession>)> {
    let (limits, mut fixture) = (Limits::default(), SavedFiles::default());
    saved::read(&mut fixture, path, &limits)?;
    let missing = |what| format!("{}: there is no {what}", path.display());

    let info = fixture.versions().next().ok_or_else(|| missing("backup version"))?;
    let user_id = fixture.user_id().ok_or_else(|| missing("user ID"))?;
    let keys = fixture.keys().ok_or_else(|| missing("answer to /keys/query"))?;
    let signers = signers(&fixture, user_id, keys);
    let auth_data = info.auth_data().map_err(Clone::clone)?;
    let report = auth_data.check_signatures(user_id, &signers, &limits);
    println!("signatures {report}");
    let signed = TrustedBackup::by_signature(info, user_id, &signers, &[], &limits)?;

    let key = decryption_key(&fixture, info, &limits)?;
    let backup = TrustedBackup::by_decryption_key(info, &key, &[])?;
    println!("checked    version {}: key and signatures belong to it", signed.version());

    let start = Instant::now();
    let body = fixture.room_keys().next().ok_or_else(|| missing("answer to /room_keys/keys"))?;
    let response = http::Response::new(body.expose_bytes());
    let keys = GetRoomKeys::new(backup.version().clone()).read_response(&response, &limits)?;
    let restored = open_all(&key, &keys);
    print_rate("restored", restored.len(), body.expose_bytes().len(), start.elapsed());
    let signed_by_all = signers.iter().all(|signer| report.is_valid_by(signer));
    let truth = fixture.sessions().map(|read| Ok(read.clone()?.value));
    let truth = truth.collect::<Result<_>>()?;
    Ok((signed_by_all && same_sessions(truth, &restored), restored))
}

/// The backup's key, from what stands in the fixture as typed: the recovery key or passphrase of the secret storage that
/// holds the key, or the backup's own.
fn decryption_key(
    fixture: &SavedFiles,
    info: &BackupVersionInfo,
    limits: &Limits,
) -> Result<BackupDecryptionKey> {
    let typed = fixture.typed().next().ok_or("the fixture has no recovery key")?.expose_str();
    let storage = fixture.secret_storage(limits).ok_or("the fixture has no account data")?;
    let key = unlock_backup_key(typed, &storage, info, limits)?;
    println!("unlocked   the backup's key");
    Ok(key)
}

/// The device and the master key of the fixture's user, which are taken as verified.
fn signers(fixture: &SavedFiles, user_id: &UserId, keys: &QueriedKeys) -> Vec<TrustedSigner> {
    let master = keys.master_keys.get(user_id);
    let master = master.map(|key| TrustedSigner::of_cross_signing_key(*key.ed25519()));
    let devices = keys.device_keys.get(user_id);
    let device = fixture.device_id().and_then(|id| devices?.get(id));
    let device = device.map(|keys| TrustedSigner::new(keys.key_id().clone(), *keys.ed25519()));
    master.into_iter().chain(device).collect()
}

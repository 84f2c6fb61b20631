//! A real client's backup, recorded with the sessions it holds.

use std::{path::Path, time::Instant};

use strongroom::{
    Limits,
    api::{Endpoint as _, GetRoomKeys, QueriedKeys},
    backup::{AuthData, BackupDecryptionKey, TrustedBackup},
    ids::UserId,
    recovery_key::RecoveryKey,
    saved_files::SavedFiles,
    secret_storage::UnlockFailure,
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
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

    let key = decryption_key(&fixture, auth_data, &limits)?;
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

/// The backup's key out of the secret storage that the recovery key opens, or the recovery key itself if it is the
/// backup's.
fn decryption_key(
    fixture: &SavedFiles,
    auth_data: &AuthData,
    limits: &Limits,
) -> Result<BackupDecryptionKey> {
    let mut public_keys = PublicKeys::default();
    public_keys.backup = Some(*auth_data.public_key().as_curve25519());
    let typed = fixture.typed().next().ok_or("the fixture has no recovery key")?.expose_str();
    let storage = fixture.secret_storage(limits).ok_or("the fixture has no account data")?;
    let mut keys = match storage.unlock(typed, &public_keys, limits) {
        Ok(unlocked) => unlocked.keys,
        Err(error) if error.reason == UnlockFailure::BackupKey => {
            return Ok(BackupDecryptionKey::from_recovery_key(RecoveryKey::typed_by_user(typed)?));
        }
        Err(error) => return Err(error.into()),
    };
    let secret = storage.open(&MEGOLM_BACKUP_V1.into(), &mut keys, &public_keys)?;
    println!("unlocked   secret storage, which holds the backup's key");
    secret.backup_key().ok_or_else(|| "what is stored is no backup key".into())
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

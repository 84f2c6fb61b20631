//! A real client's backup, recorded with the sessions it holds.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use serde::Deserialize;
use serde_json::value::RawValue;
use strongroom::{
    Limits,
    api::{Endpoint, GetCurrentBackupVersion, GetRoomKeys},
    backup::{AuthData, BackupDecryptionKey, TrustedBackup},
    crypto::ed25519::Ed25519PublicKey,
    encoding::json_object::JsonObject,
    ids::{DeviceId, EventType, KeyId, UserId},
    recovery_key::RecoveryKey,
    secret_storage::{SecretStorage, UnlockFailure},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
    session_data::ExportedSession,
    signed_json::TrustedSigner,
};

use crate::{Result, print_rate, same_sessions, second_device::open_all};

/// The members of a fixture that matter here.
#[derive(Deserialize)]
struct Fixture {
    user_id: UserId,
    device_id: DeviceId,
    recovery_key: String,
    account_data: BTreeMap<String, Box<RawValue>>,
    room_keys_version: Box<RawValue>,
    room_keys: Box<RawValue>,
    keys_query: KeysQuery,
    exported_room_keys: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct KeysQuery {
    device_keys: BTreeMap<UserId, BTreeMap<DeviceId, Keys>>,
    master_keys: BTreeMap<UserId, Keys>,
}

#[derive(Deserialize)]
struct Keys {
    keys: BTreeMap<KeyId, String>,
}

/// Restores the backup of a fixture; also says whether its signatures are valid and the sessions are
/// those of the fixture.
pub(crate) fn restore(path: &Path) -> Result<(bool, Vec<ExportedSession>)> {
    let fixture: Fixture = serde_json::from_slice(&fs::read(path)?)?;
    let limits = Limits::default();

    let info = answer(&GetCurrentBackupVersion, &fixture.room_keys_version, &limits)?
        .ok_or("the fixture has no backup")?;
    let signers = fixture.signers()?;
    let auth_data = info.auth_data().map_err(Clone::clone)?;
    let report = auth_data.check_signatures(&fixture.user_id, &signers, &limits);
    println!("signatures {report}");
    let signed = TrustedBackup::by_signature(&info, &fixture.user_id, &signers, &[], &limits)?;

    let key = fixture.decryption_key(auth_data, &limits)?;
    let backup = TrustedBackup::by_decryption_key(&info, &key, &[])?;
    println!("checked    version {}: key and signatures belong to it", signed.version());

    let start = Instant::now();
    let keys = answer(&GetRoomKeys::new(backup.version().clone()), &fixture.room_keys, &limits)?;
    let restored = open_all(&key, &keys);
    print_rate("restored", restored.len(), fixture.room_keys.get().len(), start.elapsed());
    let signed_by_all = signers.iter().all(|signer| report.is_valid_by(signer));
    Ok((signed_by_all && same_sessions(fixture.truth()?, &restored), restored))
}

impl Fixture {
    /// The backup's key out of the secret storage that the recovery key opens, or the recovery key itself
    /// if it is the backup's.
    fn decryption_key(&self, auth_data: &AuthData, limits: &Limits) -> Result<BackupDecryptionKey> {
        let mut public_keys = PublicKeys::default();
        public_keys.backup = Some(*auth_data.public_key().as_curve25519());
        let storage = self.secret_storage(limits)?;
        let mut keys = match storage.unlock(&self.recovery_key, &public_keys, limits) {
            Ok(unlocked) => unlocked.keys,
            Err(error) if error.reason == UnlockFailure::BackupKey => {
                let typed = RecoveryKey::typed_by_user(&self.recovery_key)?;
                return Ok(BackupDecryptionKey::from_recovery_key(typed));
            }
            Err(error) => return Err(error.into()),
        };
        let secret = storage.open(&MEGOLM_BACKUP_V1.into(), &mut keys, &public_keys)?;
        println!("unlocked   secret storage, which holds the backup's key");
        secret.backup_key().ok_or_else(|| "what is stored is no backup key".into())
    }

    fn secret_storage(&self, limits: &Limits) -> Result<SecretStorage> {
        let mut events = Vec::new();
        for (event_type, content) in &self.account_data {
            let content = JsonObject::from_json(content.get().as_bytes())?;
            events.push((EventType::from(event_type.as_str()), content));
        }
        let events = events.iter().map(|(event_type, content)| (event_type, content));
        Ok(SecretStorage::from_account_data(events, limits))
    }

    /// The device and the master key of the fixture's user, which are taken as verified.
    fn signers(&self) -> Result<Vec<TrustedSigner>> {
        let mut signers = Vec::new();
        for (key_id, key) in
            self.keys_query.master_keys.get(&self.user_id).iter().flat_map(|k| &k.keys)
        {
            signers.push((key_id, key));
        }
        let device =
            self.keys_query.device_keys.get(&self.user_id).and_then(|d| d.get(&self.device_id));
        for (key_id, key) in device.iter().flat_map(|keys| &keys.keys) {
            signers.push((key_id, key));
        }
        let signers = signers.into_iter().filter(|(key_id, _)| key_id.algorithm() == "ed25519");
        signers
            .map(|(key_id, key)| {
                Ok(TrustedSigner::new(key_id.clone(), Ed25519PublicKey::from_base64(key)?))
            })
            .collect()
    }

    fn truth(&self) -> Result<Vec<ExportedSession>> {
        let read = |json: &RawValue| ExportedSession::from_json(json.get().as_bytes());
        let mut truth = Vec::new();
        for session in &self.exported_room_keys {
            truth.push(read(session)?.exported);
        }
        Ok(truth)
    }
}

/// What the endpoint reads from a recorded body.
fn answer<E: Endpoint>(endpoint: &E, body: &RawValue, limits: &Limits) -> Result<E::Response> {
    let response = http::Response::new(body.get().as_bytes());
    Ok(endpoint.read_response(&response, limits)?)
}

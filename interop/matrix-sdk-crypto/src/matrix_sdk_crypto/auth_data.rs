//! `auth_data` of a backup version, and who signed it.

use matrix_sdk_crypto::{
    backups::SignatureState, store::types::BackupDecryptionKey as TheirKey,
    types::RoomKeyBackupInfo,
};
use ruma::DeviceKeyId;
use serde_json::json;
use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, BackupVersionInfo, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        TrustedBackup, UnsignedAuthData,
    },
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    ids::KeyId,
    signed_json::TrustedSigner,
};

use crate::kit::machine;

#[tokio::test]
async fn what_we_write_it_reads_and_trusts() {
    let (key, machine) = (BackupDecryptionKey::generate().unwrap(), machine().await);
    let unsigned = UnsignedAuthData::new(&key).unwrap();
    let message = str::from_utf8(unsigned.to_sign().bytes()).unwrap();
    let signatures = machine.sign(message).await.unwrap();
    let signature =
        signatures.get_signature(machine.user_id(), <&DeviceKeyId>::try_from(KEY_ID).unwrap());
    let signature = Ed25519Signature::from_bytes(signature.unwrap().to_bytes());
    let auth_data = unsigned
        .with_signature(&machine.user_id().as_str().into(), &KeyId::new(KEY_ID), &signature)
        .into_auth_data();

    let info = json!({
        "algorithm": MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        "auth_data": auth_data,
    });
    let theirs: RoomKeyBackupInfo = serde_json::from_value(info.clone()).unwrap();
    assert_eq!(serde_json::to_value(&theirs).unwrap(), info);
    let their_key = TheirKey::from_base58(key.to_recovery_key().to_text().expose_str()).unwrap();
    assert!(their_key.backup_key_matches(&theirs));
    let verdict = machine.backup_machine().verify_backup(theirs, true).await.unwrap();
    assert_eq!(verdict.device_signature, SignatureState::ValidAndTrusted);
}

#[tokio::test]
async fn what_it_writes_we_read_and_trust() {
    let (key, machine) = (TheirKey::new(), machine().await);
    let mut info = key.to_backup_info();
    machine.backup_machine().sign_backup(&mut info).await.unwrap();
    let mut json = serde_json::to_value(&info).unwrap();
    json["version"] = "1".into();
    let limits = Limits::default();
    let info = BackupVersionInfo::from_json(json.to_string().as_bytes(), &limits).unwrap();
    let public_key = info.auth_data().unwrap().public_key().to_base64();
    assert_eq!(public_key, key.megolm_v1_public_key().to_base64());
    let device = machine.identity_keys().ed25519;
    let device = Ed25519PublicKey::from_bytes(device.as_bytes()).unwrap();
    let signer = TrustedSigner::new(KeyId::new(KEY_ID), device);
    let user_id = machine.user_id().as_str().into();
    TrustedBackup::by_signature(&info, &user_id, &[signer], &[], &limits).unwrap();
}

const KEY_ID: &str = "ed25519:ALICE";

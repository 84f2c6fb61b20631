//! What is sealed, and a backup to seal it to.

use serde_json::json;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustedBackup},
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    session_data::{SessionData, SessionKey},
};
use vodozemac::{megolm::GroupSession, olm::Account};

/// A backup with a key that is not hidden.
pub(crate) fn backup() -> TrustedBackup {
    let key = BackupDecryptionKey::generate().unwrap();
    let info = json!({
        "version": "1",
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": key.public_key().to_base64() },
    });
    let info = BackupVersionInfo::from_json(info.to_string().as_bytes(), &Limits::default());
    TrustedBackup::by_decryption_key(&info.unwrap(), &key, &[]).unwrap()
}

pub(crate) fn session() -> SessionData {
    let device = Account::new();
    let key = GroupSession::new(Default::default()).session_key();
    SessionData::new(
        SessionKey::from_bytes(&key.to_bytes()).unwrap(),
        Curve25519PublicKey::from_bytes(device.curve25519_key().to_bytes()),
        Ed25519PublicKey::from_bytes(device.ed25519_key().as_bytes()).unwrap(),
    )
}

//! All versions, all keys: what is there is found, tried and merged, whatever a homeserver says.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod keys;
mod table;
mod walk;

#[path = "../support/account.rs"]
mod account;
#[path = "../support/primitives.rs"]
mod primitives;
#[path = "../support/response.rs"]
mod response;

use serde_json::json;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo},
    secret::SecretBytes,
};

fn backup_key(bytes: &[u8; 32]) -> BackupDecryptionKey {
    BackupDecryptionKey::from_bytes(SecretBytes::init_with(|it| *it = *bytes))
}

fn version(number: &str, auth_data: serde_json::Value) -> BackupVersionInfo {
    let json = json!({
        "version": number, "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": auth_data,
    });
    BackupVersionInfo::from_json(json.to_string().as_bytes(), &Limits::default()).unwrap()
}

fn version_of(number: &str, key: &BackupDecryptionKey) -> BackupVersionInfo {
    version(number, json!({"public_key": key.public_key().to_base64()}))
}

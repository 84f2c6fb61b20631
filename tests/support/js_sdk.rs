//! Whole accounts of matrix-js-sdk, and the way from their recovery key to their backup key.
//!
//! The recovery key of such an account is that of its secret storage, where the backup key lies.
//! The two steps are made here with nothing but HKDF, HMAC and AES.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use super::asserted::Asserted as _;
use aes::{
    Aes256,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo},
    provenance::Provenance,
    recovery_key::RecoveryKey,
};

use super::{
    base64,
    vectors::{self, Row},
};

/// The accounts.
pub(crate) fn accounts() -> [Row; 2] {
    ["js-sdk/random.json", "js-sdk/passphrase.json"].map(vectors::fixture)
}

/// The current version of the backup, as the server returned it.
pub(crate) fn version_info(account: &Row) -> BackupVersionInfo {
    let body = serde_json::to_vec(account.member("room_keys_version")).expect("JSON");
    BackupVersionInfo::from_json(&body, &Limits::default()).expect("a version")
}

/// The recorded backup key.
pub(crate) fn decryption_key(account: &Row) -> BackupDecryptionKey {
    let text = account.text("backup_decryption_key_base64");
    BackupDecryptionKey::asserted_base64(text, Provenance::AuthenticatedSecretStorage)
        .expect("base64")
}

/// The backup key that the recovery key leads to: it is that key, or opens it in secret storage.
pub(crate) fn backup_key_by_recovery_key(account: &Row) -> Vec<u8> {
    let stored = secret_by_recovery_key(account, "m.megolm_backup.v1");
    stored.map_or_else(
        || typed(account).as_secret().expose_bytes().to_vec(),
        |stored| base64::decode(&stored).expect("base64"),
    )
}

/// The secret of this name that the recovery key opens.
pub(crate) fn secret_by_recovery_key(account: &Row, name: &str) -> Option<String> {
    let account_data = |name| account.get("account_data").and_then(|data| data.get(name));
    let secret = account_data(name)?;
    let key_id = account_data("m.secret_storage.default_key").and_then(|key| key.get("key"));
    let key_id = key_id.and_then(Value::as_str).expect("a default key");
    let secret = secret.get("encrypted").and_then(|encrypted| encrypted.get(key_id));
    let secret = secret.expect("the secret is encrypted under the default key");
    let member = |name| secret.get(name).and_then(Value::as_str).and_then(base64::decode);
    let plaintext = open(
        name,
        typed(account).as_secret().expose_bytes(),
        &member("iv").expect("an IV"),
        &member("ciphertext").expect("a ciphertext"),
        &member("mac").expect("a MAC"),
    );
    Some(String::from_utf8(plaintext).expect("UTF-8"))
}

fn typed(account: &Row) -> RecoveryKey {
    RecoveryKey::typed_by_user(account.text("recovery_key")).expect("a recovery key")
}

/// Opens a secret of `m.secret_storage.v1.aes-hmac-sha2`.
fn open(name: &str, key: &[u8; 32], iv: &[u8], ciphertext: &[u8], mac: &[u8]) -> Vec<u8> {
    let mut keys = [0; 64];
    Hkdf::<Sha256>::new(Some(&[0; 32]), key).expand(name.as_bytes(), &mut keys).expect("64");
    let mut hmac = Hmac::<Sha256>::new_from_slice(&keys[32..]).expect("any length is valid");
    hmac.update(ciphertext);
    assert_eq!(hmac.finalize().into_bytes().as_slice(), mac, "the recovery key is another one");
    let aes = Aes256::new_from_slice(&keys[..32]).expect("32 bytes");
    let mut counter = u128::from_be_bytes(iv.try_into().expect("16 bytes"));
    let mut plaintext = Vec::new();
    for block in ciphertext.chunks(16) {
        let mut stream = counter.to_be_bytes().into();
        aes.encrypt_block(&mut stream);
        plaintext.extend(block.iter().zip(stream).map(|(byte, mask)| byte ^ mask));
        counter = counter.wrapping_add(1);
    }
    plaintext
}

//! What an account looked like in 2019: everything encrypted asymmetrically, the backup key passed through.

use rand_core::UnwrapErr;
use serde_json::json;
use strongroom::{
    backup::BackupDecryptionKey,
    crypto::{
        curve25519_aes_sha2::MacScheme,
        ed25519::{Ed25519PublicKey, Ed25519Seed},
    },
    encoding::{json_object::JsonObject, secret_base64},
    recovery_key::RecoveryKey,
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1},
};

use crate::{Result, account::Account, primitives::curve25519_aes_sha2::seal_with_rng};

/// What the owner of an old account has, and what is in it.
pub(crate) struct OldAccount<'a> {
    pub(crate) recovery_key: String,
    /// The public half of the stored master key, which the user has compared.
    pub(crate) master: Ed25519PublicKey,
    pub(crate) secrets: Vec<(&'a str, String)>,
}

/// Writes the account data. The backup key of the account is the storage key itself.
pub(crate) fn fill<'a>(
    account: &mut Account,
    secrets: &[(&'a str, &'a str)],
) -> Result<OldAccount<'a>> {
    let key = RecoveryKey::generate()?;
    let secret_key = BackupDecryptionKey::from_bytes(key.as_secret().clone());
    let description = json!({
        "algorithm": "m.secret_storage.v1.curve25519-aes-sha2",
        "pubkey": secret_key.public_key().to_base64(),
    });
    put(account, &format!("m.secret_storage.key.{ID}"), &description)?;
    put(account, "m.secret_storage.default_key", &json!({"key": ID}))?;
    put(account, MEGOLM_BACKUP_V1, &json!({"encrypted": {ID: {"passthrough": true}}}))?;
    let encrypted: Vec<_> = secrets.iter().filter(|(name, _)| *name != MEGOLM_BACKUP_V1).collect();
    for (name, text) in &encrypted {
        let rng = &mut UnwrapErr(getrandom::SysRng);
        let scheme = MacScheme::EmptyString;
        let message =
            seal_with_rng(secret_key.public_key().as_curve25519(), text.as_bytes(), scheme, rng);
        put(account, name, &json!({"encrypted": {ID: message.to_value()}}))?;
    }
    let master = encrypted.iter().find(|(name, _)| *name == CROSS_SIGNING_MASTER);
    let (_, master) = master.ok_or("there is no master key")?;
    let master = Ed25519Seed::from_bytes(secret_base64::decode_array(master)?).public_key();
    let recovery_key = key.to_text().expose_str().to_owned();
    let backup_key = secret_base64::encode(key.as_secret().expose_bytes());
    let mut secrets: Vec<_> =
        encrypted.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    secrets.push((MEGOLM_BACKUP_V1, backup_key.expose_str().to_owned()));
    Ok(OldAccount { recovery_key, master, secrets })
}

fn put(account: &mut Account, event_type: &str, content: &serde_json::Value) -> Result<()> {
    account.put(&event_type.into(), JsonObject::from_json(&serde_json::to_vec(content)?)?)
}

const ID: &str = "old key";

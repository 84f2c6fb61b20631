//! The three cross-signing keys of a user.

use serde_json::json;
use strongroom::{
    crypto::ed25519::Ed25519PublicKey,
    ids::{KeyId, UserId},
    secret_sharing::DeviceIdentity,
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING, SecretValue,
    },
    signed_json::SignedObject,
};
use vodozemac::Ed25519SecretKey;

use super::{Result, Server, object, olm::device_keys, signed};

/// The seeds of the keys.
pub(crate) struct CrossSigning {
    user_id: UserId,
    master: Ed25519SecretKey,
    self_signing: Ed25519SecretKey,
    user_signing: Ed25519SecretKey,
}

impl CrossSigning {
    pub(crate) fn new(user_id: UserId) -> Self {
        let [master, self_signing, user_signing] = [(); 3].map(|()| Ed25519SecretKey::new());
        Self { user_id, master, self_signing, user_signing }
    }

    /// From the seeds that came out of the secret storage or from another device.
    pub(crate) fn from_seeds(user_id: UserId, seeds: [[u8; 32]; 3]) -> Self {
        let [master, self_signing, user_signing] =
            seeds.map(|seed| Ed25519SecretKey::from_slice(&seed));
        Self { user_id, master, self_signing, user_signing }
    }

    pub(crate) fn master(&self) -> Result<Ed25519PublicKey> {
        Ok(Ed25519PublicKey::from_bytes(self.master.public_key().as_bytes())?)
    }

    /// Uploads the public keys, the other two signed by the master key.
    pub(crate) fn publish(&self, server: &mut Server, token: &str) -> Result<()> {
        let body = json!({
            "master_key": self.public(&self.master, "master")?,
            "self_signing_key": self.public(&self.self_signing, "self_signing")?,
            "user_signing_key": self.public(&self.user_signing, "user_signing")?,
        });
        server.post(token, "keys/device_signing/upload", &body).map(drop)
    }

    /// Says that a device is the user's: its keys, as they were compared and not as a homeserver has them, with a
    /// signature of the self-signing key.
    pub(crate) fn sign_device(&self, compared: &DeviceIdentity) -> Result<SignedObject> {
        self.sign_own(device_keys(&self.user_id, compared))
    }

    /// The same for a device that publishes more of itself: all that it has published, which was compared.
    pub(crate) fn sign_own(&self, own: serde_json::Value) -> Result<SignedObject> {
        let key = &self.self_signing;
        object(&signed(own, &self.user_id, &key_id(key), |bytes| key.sign(bytes))?)
    }

    /// Signs with the master key.
    pub(crate) fn sign_by_master(&self, bytes: &[u8]) -> (KeyId, vodozemac::Ed25519Signature) {
        (key_id(&self.master), self.master.sign(bytes))
    }

    /// The seeds as the secrets that devices share.
    pub(crate) fn secrets(&self) -> Result<Vec<SecretValue>> {
        let seeds = [
            (CROSS_SIGNING_MASTER, &self.master),
            (CROSS_SIGNING_SELF_SIGNING, &self.self_signing),
            (CROSS_SIGNING_USER_SIGNING, &self.user_signing),
        ];
        let read = |(name, key): (&str, &Ed25519SecretKey)| {
            let read = SecretValue::kept_by_host(&name.into(), key.to_base64().as_bytes())?;
            Ok(read.value)
        };
        seeds.into_iter().map(read).collect()
    }

    fn public(&self, key: &Ed25519SecretKey, usage: &str) -> Result<serde_json::Value> {
        let public = json!({
            "user_id": self.user_id,
            "usage": [usage],
            "keys": { (key_id(key).as_str()): key.public_key().to_base64() },
        });
        if usage == "master" {
            return Ok(public);
        }
        signed(public, &self.user_id, &key_id(&self.master), |bytes| self.master.sign(bytes))
    }
}

fn key_id(key: &Ed25519SecretKey) -> KeyId {
    KeyId::new(format!("ed25519:{}", key.public_key().to_base64()))
}

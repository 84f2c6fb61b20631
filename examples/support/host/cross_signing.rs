//! The three cross-signing keys of a user.

use serde_json::json;
use strongroom::{
    Limits,
    api::QueriedKeys,
    cross_signing::{ExpectedDevice, SelfSigningKey, SignedKey},
    crypto::ed25519::Ed25519PublicKey,
    ids::{KeyId, UserId},
    secret_sharing::DeviceIdentity,
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING, SecretValue,
    },
};
use vodozemac::Ed25519SecretKey;

use super::{Result, Server, signed};

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

    /// The self-signing key, if it and the master key are what the homeserver publishes.
    pub(crate) fn self_signing_key(&self, published: &QueriedKeys) -> Result<SelfSigningKey> {
        let master = published.master_keys.get(&self.user_id).ok_or("there is no master key")?;
        let self_signing = published.self_signing_keys.get(&self.user_id);
        let self_signing = self_signing.ok_or("there is no self-signing key")?;
        let (pinned, limits) = (Some(self.master()?), Limits::default());
        Ok(SelfSigningKey::new(master, self_signing, pinned, &self.secrets()?, &limits)?)
    }

    /// Says that a device is the user's, which was compared.
    pub(crate) fn sign_device(
        &self,
        published: &QueriedKeys,
        compared: &DeviceIdentity,
    ) -> Result<SignedKey> {
        let DeviceIdentity { device_id, curve25519, ed25519 } = compared;
        let (user, device) = (self.user_id.clone(), device_id.clone());
        let expected = ExpectedDevice::own(user, device, *curve25519, *ed25519);
        self.sign_expected(published, &expected)
    }

    /// The same for a device of which anything was compared.
    pub(crate) fn sign_expected(
        &self,
        published: &QueriedKeys,
        expected: &ExpectedDevice,
    ) -> Result<SignedKey> {
        let devices = published.device_keys.get(expected.user_id());
        let device = devices.and_then(|devices| devices.get(expected.device_id()));
        let device = device.ok_or("the homeserver shows no such device")?;
        let key = self.self_signing_key(published)?;
        Ok(key.sign_device(device, expected, &Limits::default())?)
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

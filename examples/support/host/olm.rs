//! The Olm account of a device, and its sessions with others.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use strongroom::{
    Limits,
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    encoding::{canonical_json::JsonValue, json_object::JsonObject},
    ids::{DeviceId, KeyId, UserId},
    secret_sharing::DeviceIdentity,
    signed_json::{SignedObject, TrustedSigner},
};
use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig};
use zeroize::Zeroizing;

use super::{Result, object, signed};

pub(crate) struct Olm {
    user_id: UserId,
    identity: DeviceIdentity,
    account: Account,
    /// By the identity key of the other side.
    sessions: Vec<(Curve25519PublicKey, Session)>,
}

/// What an Olm message held.
pub(crate) struct Decrypted {
    /// The identity key of the other side of the session.
    pub(crate) session_key: Curve25519PublicKey,
    pub(crate) plaintext: Zeroizing<Vec<u8>>,
}

/// The content of `m.room.encrypted`, as far as Olm needs it.
#[derive(Deserialize)]
struct Content {
    sender_key: String,
    ciphertext: BTreeMap<String, OlmMessage>,
}

impl Olm {
    pub(crate) fn new(user_id: UserId, device_id: DeviceId) -> Result<Self> {
        let account = Account::new();
        let curve25519 = Curve25519PublicKey::from_bytes(account.curve25519_key().to_bytes());
        let ed25519 = Ed25519PublicKey::from_bytes(account.ed25519_key().as_bytes())?;
        let identity = DeviceIdentity { device_id, curve25519, ed25519 };
        Ok(Self { user_id, identity, account, sessions: Vec::new() })
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> vodozemac::Ed25519Signature {
        self.account.sign(bytes)
    }

    pub(crate) fn user_id(&self) -> &UserId {
        &self.user_id
    }

    pub(crate) fn identity(&self) -> &DeviceIdentity {
        &self.identity
    }

    /// The public keys of the device, signed by itself.
    pub(crate) fn device_keys(&self) -> Result<SignedObject> {
        self.signed(device_keys(&self.user_id, &self.identity))
    }

    /// New one-time keys by their IDs, to be published.
    pub(crate) fn one_time_keys(&mut self, count: usize) -> Result<BTreeMap<String, SignedObject>> {
        self.account.generate_one_time_keys(count);
        let keys = self.account.one_time_keys().into_iter().map(|(id, key)| {
            let key = self.signed(json!({ "key": key.to_base64() }))?;
            Ok((format!("{ONE_TIME_KEY}:{}", id.to_base64()), key))
        });
        let keys = keys.collect::<Result<_>>()?;
        self.account.mark_keys_as_published();
        Ok(keys)
    }

    pub(crate) fn has_session(&self, with: &DeviceIdentity) -> bool {
        self.sessions.iter().any(|(key, _)| *key == with.curve25519)
    }

    /// Begins a session with a device of a user that signed this one-time key.
    pub(crate) fn start_session(
        &mut self,
        user_id: &UserId,
        with: &DeviceIdentity,
        one_time_key: &SignedObject,
    ) -> Result<()> {
        let signer = TrustedSigner::new(KeyId::ed25519(&with.device_id), with.ed25519);
        let report = one_time_key.verify(user_id, &[signer], &Limits::default());
        report.trusted_signer().ok_or("the device did not sign its one-time key")?;
        let one_time_key = one_time_key.get("key").and_then(JsonValue::as_str);
        let session = self.account.create_outbound_session(
            SessionConfig::version_1(),
            vodozemac::Curve25519PublicKey::from_bytes(*with.curve25519.as_bytes()),
            vodozemac::Curve25519PublicKey::from_base64(one_time_key.ok_or("there is no key")?)?,
        )?;
        self.sessions.push((with.curve25519, session));
        Ok(())
    }

    /// Encrypts for a device with which there is a session: the content of `m.room.encrypted`.
    pub(crate) fn encrypt(&mut self, to: &DeviceIdentity, plaintext: &[u8]) -> Result<JsonObject> {
        let mut sessions = self.sessions.iter_mut().rev();
        let session = sessions.find(|(key, _)| *key == to.curve25519);
        let (_, session) = session.ok_or("there is no session with the device")?;
        let content = json!({
            "algorithm": OLM_V1,
            "sender_key": self.identity.curve25519.to_base64(),
            "ciphertext": { (to.curve25519.to_base64()): session.encrypt(plaintext)? },
        });
        Ok(JsonObject::from_json(content.to_string().as_bytes())?)
    }

    /// Decrypts the content of `m.room.encrypted`.
    pub(crate) fn decrypt(&mut self, content: &JsonObject) -> Result<Decrypted> {
        let mut content: Content = serde_json::from_slice(content.as_bytes())?;
        let message = content.ciphertext.remove(&self.identity.curve25519.to_base64());
        let message = message.ok_or("the message is not for this device")?;
        let session_key = Curve25519PublicKey::from_base64(&content.sender_key)?;
        let mut sessions = self.sessions.iter_mut().filter(|(key, _)| *key == session_key);
        let plaintext = match (&message, sessions.find_map(|(_, one)| one.decrypt(&message).ok())) {
            (_, Some(plaintext)) => plaintext,
            (OlmMessage::PreKey(first), None) => {
                // It fails unless the session was made with this key, so nobody can claim another's.
                let key = vodozemac::Curve25519PublicKey::from_bytes(*session_key.as_bytes());
                let config = SessionConfig::version_1();
                let created = self.account.create_inbound_session(config, key, first)?;
                self.sessions.push((session_key, created.session));
                created.plaintext
            }
            (OlmMessage::Normal(_), None) => return Err("no session decrypts the message".into()),
        };
        Ok(Decrypted { session_key, plaintext: Zeroizing::new(plaintext) })
    }

    fn signed(&self, own: serde_json::Value) -> Result<SignedObject> {
        let key_id = KeyId::ed25519(&self.identity.device_id);
        object(&signed(own, &self.user_id, &key_id, |bytes| self.account.sign(bytes))?)
    }
}

/// What every device of these examples publishes of itself, without signatures.
pub(super) fn device_keys(user_id: &UserId, device: &DeviceIdentity) -> serde_json::Value {
    let DeviceIdentity { device_id, curve25519, ed25519 } = device;
    json!({
        "user_id": user_id,
        "device_id": device_id,
        "algorithms": [OLM_V1],
        "keys": {
            (format!("curve25519:{device_id}")): curve25519.to_base64(),
            (format!("ed25519:{device_id}")): ed25519.to_base64(),
        },
    })
}

/// The algorithm of the keys with which sessions begin.
pub(super) const ONE_TIME_KEY: &str = "signed_curve25519";

const OLM_V1: &str = "m.olm.v1.curve25519-aes-sha2";

//! A user, the keys of the user, and what a homeserver says of them.

use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo},
    crypto::{
        curve25519::Curve25519PublicKey,
        curve25519_aes_sha2::MacScheme,
        ed25519::{Ed25519PublicKey, Ed25519Signature},
    },
    encoding::json_object::JsonObject,
    ids::{EventType, KeyId},
    secret_storage::SecretStorage,
    signed_json::{SignedObject, TrustedSigner},
};

use crate::{primitives::curve25519_aes_sha2::seal_with_rng, signing_anything::SignAnything as _};

pub(crate) const USER: &str = "@alice:example.org";
pub(crate) const BACKUP: &str = "m.megolm_backup.v1";
pub(crate) const ALGORITHM: &str = "m.megolm_backup.v1.curve25519-aes-sha2";

/// The user's.
pub(crate) fn master() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The homeserver's.
pub(crate) fn evil() -> SigningKey {
    SigningKey::from_bytes(&[66; 32])
}

pub(crate) fn public(key: &SigningKey) -> Ed25519PublicKey {
    Ed25519PublicKey::from_bytes(key.verifying_key().as_bytes()).unwrap()
}

pub(crate) fn label(key: &SigningKey) -> KeyId {
    KeyId::new(format!("ed25519:{}", public(key).to_base64()))
}

pub(crate) fn signature(key: &SigningKey, bytes: &[u8]) -> Ed25519Signature {
    Ed25519Signature::from_bytes(key.sign(bytes).to_bytes())
}

pub(crate) fn signer(key: &SigningKey) -> TrustedSigner {
    TrustedSigner::of_cross_signing_key(public(key))
}

/// An object with a signature of the user's by this key, as a homeserver or another client makes it.
pub(crate) fn signed(object: &Value, key: &SigningKey, key_id: &KeyId) -> Value {
    let object = SignedObject::from_json(&object.to_string(), &Limits::default()).unwrap();
    let signature = signature(key, &object.bytes_to_sign().unwrap());
    let object = object.with_signature(&USER.into(), key_id, &signature);
    serde_json::from_str(object.as_json()).unwrap()
}

/// What a homeserver says of the current version.
pub(crate) fn version(auth_data: &Value) -> Value {
    json!({
        "version": "5", "algorithm": ALGORITHM, "count": 3, "etag": "1", "auth_data": auth_data,
    })
}

pub(crate) fn info(auth_data: &Value) -> BackupVersionInfo {
    let text = version(auth_data).to_string();
    BackupVersionInfo::from_json(text.as_bytes(), &Limits::default()).unwrap()
}

pub(crate) fn auth_data(key: &BackupDecryptionKey) -> Value {
    json!({ "public_key": key.public_key().to_base64() })
}

pub(crate) type Events = Vec<(EventType, JsonObject)>;

pub(crate) fn event(event_type: &str, content: &Value) -> (EventType, JsonObject) {
    (event_type.into(), JsonObject::from_json(content.to_string().as_bytes()).unwrap())
}

pub(crate) fn storage(events: &Events) -> SecretStorage {
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    SecretStorage::from_account_data(events, &Limits::default())
}

/// The events after a plan.
pub(crate) fn after(events: &Events, plan: &strongroom::secret_storage::Plan) -> Events {
    let mut events = events.clone();
    for step in plan.steps() {
        events.retain(|(event_type, _)| *event_type != step.event_type);
        events.push((step.event_type.clone(), step.content.clone()));
    }
    events
}

/// A text that anybody has encrypted to this public key, as secrets were in 2019.
pub(crate) fn planted(text: &str, id: &str, public_key: &Curve25519PublicKey) -> Value {
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let sealed = seal_with_rng(public_key, text.as_bytes(), MacScheme::EmptyString, rng);
    json!({ "encrypted": { id: sealed.to_value() } })
}

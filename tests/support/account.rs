//! The account data of somebody with a secret storage, made for a test.
#![allow(dead_code, reason = "each test includes it and uses a part")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    crypto::{curve25519_aes_sha2::MacScheme, key_material::KeyMaterial},
    encoding::{base64, json_object::JsonObject},
    ids::EventType,
    recovery_key::RecoveryKey,
    secret::SecretBytes,
    secret_storage::SecretStorage,
};

use crate::primitives::{
    aes_hmac_sha2::{KeyCheck, seal},
    curve25519_aes_sha2::seal_with_rng,
};

pub(crate) const ID: &str = "key";
pub(crate) const OTHER_ID: &str = "other key";
pub(crate) const ASYMMETRIC_ID: &str = "old key";
pub(crate) const KEY: &[u8; 32] = b"thirty-two bytes that are a key.";
pub(crate) const OTHER_KEY: &[u8; 32] = b"thirty-two bytes that are other.";

/// Event types and the text of their contents.
#[derive(Clone, Default)]
pub(crate) struct Account(BTreeMap<String, Content>);

#[derive(Clone)]
enum Content {
    Json(Value),
    Text(String),
}

impl Account {
    /// With a symmetric key and its check.
    pub(crate) fn with_key(mut self, id: &str, key: &[u8; 32]) -> Self {
        let check = KeyCheck::new(&KeyMaterial::from_slice(key).unwrap());
        let description = json!({
            "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
            "iv": check.iv.to_base64(),
            "mac": check.mac.to_base64(),
        });
        self.0.insert(format!("m.secret_storage.key.{id}"), Content::Json(description));
        self
    }

    /// With an asymmetric key.
    pub(crate) fn with_asymmetric_key(mut self, id: &str, key: &[u8; 32]) -> Self {
        let description = json!({
            "algorithm": "m.secret_storage.v1.curve25519-aes-sha2",
            "pubkey": secret_key(key).public_key().to_base64(),
        });
        self.0.insert(format!("m.secret_storage.key.{id}"), Content::Json(description));
        self
    }

    /// With a secret under a symmetric key.
    pub(crate) fn with_secret(mut self, name: &str, id: &str, key: &[u8; 32], text: &str) -> Self {
        self.put_bytes(name, id, key, text.as_bytes());
        self
    }

    /// With a secret under an asymmetric key.
    pub(crate) fn with_asymmetric_secret(
        mut self,
        name: &str,
        id: &str,
        key: &[u8; 32],
        text: &str,
    ) -> Self {
        self.0.insert(name.to_owned(), Content::Json(json!({"encrypted": {}})));
        self.add_asymmetric_entry(name, id, key, text);
        self
    }

    pub(crate) fn put_bytes(&mut self, name: &str, id: &str, key: &[u8; 32], bytes: &[u8]) {
        let entry = symmetric_entry(name, key, bytes);
        self.0.insert(name.to_owned(), Content::Json(json!({"encrypted": {id: entry}})));
    }

    pub(crate) fn put_text(&mut self, event_type: &str, content: &str) {
        self.0.insert(event_type.to_owned(), Content::Text(content.to_owned()));
    }

    /// The same with a content that can be changed afterwards.
    pub(crate) fn put_json(&mut self, event_type: &str, content: Value) {
        self.0.insert(event_type.to_owned(), Content::Json(content));
    }

    pub(crate) fn remove(&mut self, event_type: &str) {
        self.0.remove(event_type).unwrap();
    }

    /// Puts one more entry into a secret.
    pub(crate) fn add_entry(&mut self, name: &str, id: &str, key: &[u8; 32], text: &str) {
        let entry = symmetric_entry(name, key, text.as_bytes());
        self.secret_mut(name)["encrypted"][id] = entry;
    }

    /// The same, under an asymmetric key.
    pub(crate) fn add_asymmetric_entry(
        &mut self,
        name: &str,
        id: &str,
        key: &[u8; 32],
        text: &str,
    ) {
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        let public_key = *secret_key(key).public_key().as_curve25519();
        let message = seal_with_rng(&public_key, text.as_bytes(), MacScheme::EmptyString, rng);
        self.secret_mut(name)["encrypted"][id] = message.to_value();
    }

    /// As a server would that wants a key to be taken unchecked.
    pub(crate) fn remove_check(&mut self, id: &str) {
        let description = self.key_mut(id).as_object_mut().unwrap();
        description.remove("iv").unwrap();
        description.remove("mac").unwrap();
    }

    pub(crate) fn key_mut(&mut self, id: &str) -> &mut Value {
        self.json_mut(&format!("m.secret_storage.key.{id}"))
    }

    pub(crate) fn secret_mut(&mut self, name: &str) -> &mut Value {
        self.json_mut(name)
    }

    /// The text of an event's content.
    pub(crate) fn content(&self, event_type: &str) -> String {
        match &self.0[event_type] {
            Content::Json(json) => json.to_string(),
            Content::Text(text) => text.clone(),
        }
    }

    pub(crate) fn events(&self) -> Vec<(EventType, JsonObject)> {
        let types = self.0.keys();
        types
            .map(|event_type| (event_type.as_str().into(), object(&self.content(event_type))))
            .collect()
    }

    pub(crate) fn storage(&self) -> SecretStorage {
        let events = self.events();
        let events = events.iter().map(|(event_type, content)| (event_type, content));
        SecretStorage::from_account_data(events, &Limits::default())
    }

    fn json_mut(&mut self, event_type: &str) -> &mut Value {
        match self.0.get_mut(event_type).unwrap() {
            Content::Json(json) => json,
            Content::Text(text) => panic!("{text} is not to be changed"),
        }
    }
}

pub(crate) fn object(text: &str) -> JsonObject {
    JsonObject::from_json(text.as_bytes()).unwrap()
}

pub(crate) fn recovery_key(key: &[u8; 32]) -> String {
    let key = RecoveryKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = *key));
    key.to_text().expose_str().to_owned()
}

fn secret_key(key: &[u8; 32]) -> BackupDecryptionKey {
    BackupDecryptionKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = *key))
}

fn symmetric_entry(name: &str, key: &[u8; 32], bytes: &[u8]) -> Value {
    let secret = seal(&KeyMaterial::from_slice(key).unwrap(), name, bytes);
    json!({
        "iv": secret.iv.to_base64(),
        "ciphertext": base64::encode(&secret.ciphertext),
        "mac": secret.mac.to_base64(),
    })
}

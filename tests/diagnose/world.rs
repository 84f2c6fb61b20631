//! An account in which everything fits, to be broken by each case.

use crate::support::signing::SignAnything as _;
use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    backup::{BackupDecryptionKey, BackupPublicKey, BackupVersionInfo},
    client::{
        KeyKind,
        diagnose::{Diagnosis, Evidence, diagnose},
    },
    crypto::{
        ed25519::{Ed25519PublicKey, Ed25519Signature},
        key_material::KeyMaterial,
    },
    encoding::base64,
    ids::KeyId,
    secret::SecretBytes,
    secret_value::SecretValue,
    session_data::{SessionData, SessionKey},
    signed_json::{SignedObject, TrustedSigner},
};
use vodozemac::Ed25519SecretKey;

use crate::account::{Account, ID, KEY, recovery_key};

pub(crate) const USER: &str = "@alice:example.org";
pub(crate) const BACKUP: &str = "m.megolm_backup.v1";
pub(crate) const MASTER: &str = "m.cross_signing.master";
pub(crate) const SELF_SIGNING: &str = "m.cross_signing.self_signing";
pub(crate) const USER_SIGNING: &str = "m.cross_signing.user_signing";
/// The seeds of the user's keys, each a byte 32 times.
pub(crate) const MASTER_SEED: u8 = 1;
pub(crate) const SELF_SIGNING_SEED: u8 = 2;
pub(crate) const USER_SIGNING_SEED: u8 = 3;
pub(crate) const DEVICE_SEED: u8 = 4;
pub(crate) const BACKUP_KEY: u8 = 8;
/// The key of a backup that was there before.
pub(crate) const OLD_BACKUP_KEY: u8 = 9;

/// What is at hand of an account, as JSON.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) storage: Option<Account>,
    /// The answer to `GET /room_keys/version`: a version, or nothing for 404.
    pub(crate) backup: Option<Value>,
    /// Whether that answer is not at hand.
    pub(crate) is_backup_unknown: bool,
    pub(crate) older: Vec<Value>,
    pub(crate) keys: Option<Value>,
    pub(crate) room_keys: Option<String>,
    pub(crate) typed: Option<String>,
    pub(crate) asked: Option<KeyKind>,
    pub(crate) pinned: Option<u8>,
    pub(crate) retired: Vec<u8>,
    pub(crate) at_most: usize,
    pub(crate) limits: Limits,
    /// Whether the host has verified the device.
    pub(crate) has_verified_device: bool,
    /// A key of the storage that the host has.
    pub(crate) held: Option<(&'static str, &'static [u8; 32])>,
    /// Secrets that this device has.
    pub(crate) cached: Vec<SecretValue>,
}

impl World {
    /// With nothing wrong.
    pub(crate) fn well() -> Self {
        let mut storage = Account::default().with_key(ID, KEY);
        storage.put_json("m.secret_storage.default_key", json!({ "key": ID }));
        for (name, byte) in [
            (BACKUP, BACKUP_KEY),
            (MASTER, MASTER_SEED),
            (SELF_SIGNING, SELF_SIGNING_SEED),
            (USER_SIGNING, USER_SIGNING_SEED),
        ] {
            storage = storage.with_secret(name, ID, KEY, &base64::encode(&[byte; 32]));
        }
        Self {
            storage: Some(storage),
            backup: Some(version("2", BACKUP_KEY)),
            older: Vec::new(),
            keys: Some(keys_query()),
            room_keys: Some(room_keys(&[BACKUP_KEY; 3])),
            typed: Some(recovery_key(KEY)),
            is_backup_unknown: false,
            asked: None,
            pinned: None,
            retired: Vec::new(),
            at_most: 100,
            limits: Limits::default(),
            has_verified_device: false,
            held: None,
            cached: Vec::new(),
        }
    }

    /// This device has a secret, too.
    pub(crate) fn cache(&mut self, name: &str, text: &str) {
        let read = SecretValue::kept_by_host(&name.into(), text.as_bytes());
        self.cached.push(read.unwrap().value);
    }

    pub(crate) fn storage(&mut self) -> &mut Account {
        self.storage.as_mut().unwrap()
    }

    pub(crate) fn backup(&mut self) -> &mut Value {
        self.backup.as_mut().unwrap()
    }

    pub(crate) fn keys(&mut self) -> &mut Value {
        self.keys.as_mut().unwrap()
    }

    /// Changes `auth_data`, and has the master key sign it anew.
    pub(crate) fn change_auth_data(&mut self, change: impl FnOnce(&mut Value)) {
        let auth_data = &mut self.backup()["auth_data"];
        auth_data.as_object_mut().unwrap().remove("signatures");
        change(auth_data);
        *auth_data = signed(auth_data, MASTER_SEED, &master_id());
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let limits = Limits::default();
        let mut evidence = Evidence::new(USER.into());
        if let Some(storage) = &self.storage {
            let events = storage.events();
            let events = events.iter().map(|(event_type, content)| (event_type, content));
            evidence.take_account_data(events, &limits);
        }
        if !self.is_backup_unknown {
            evidence.take_current_backup(self.backup.as_ref().map(info_of));
        }
        evidence.older_versions = self.older.iter().map(info_of).collect();
        evidence.keys = self.keys.as_ref().map(|keys| {
            let response = http::Response::new(keys.to_string());
            api::query_keys([], None).read_response(&response, &limits).unwrap()
        });
        if let Some(room_keys) = &self.room_keys {
            evidence.take_room_keys(room_keys.as_bytes(), self.at_most, &limits);
        }
        evidence.storage_keys.extend(self.held.and_then(|(id, bytes)| {
            let description = evidence.storage.as_ref()?.key(&id.into())?;
            Some(description.accept(&KeyMaterial::from_slice(bytes).unwrap()).unwrap())
        }));
        evidence.signers.extend(self.has_verified_device.then(device_signer));
        evidence.cached = self.cached.clone();
        evidence.asked = self.asked;
        evidence.master_key = self.pinned.map(public_key);
        evidence.retired = self.retired.iter().map(|byte| backup_public_key(*byte)).collect();
        evidence
    }

    pub(crate) fn diagnose(&self) -> Diagnosis {
        diagnose(&self.evidence(), self.typed.as_deref(), &self.limits)
    }
}

pub(crate) fn info_of(info: &Value) -> BackupVersionInfo {
    BackupVersionInfo::from_json(info.to_string().as_bytes(), &Limits::default()).unwrap()
}

/// A version with the key of this byte, signed by the master key.
pub(crate) fn version(name: &str, byte: u8) -> Value {
    let auth_data = json!({ "public_key": backup_public_key(byte).to_base64() });
    json!({
        "version": name,
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": signed(&auth_data, MASTER_SEED, &master_id()),
        "etag": "1",
        "count": 3,
    })
}

pub(crate) fn backup_key(byte: u8) -> BackupDecryptionKey {
    let bytes = SecretBytes::init_with(|bytes| *bytes = [byte; 32]);
    BackupDecryptionKey::typed_by_user(bytes)
}

pub(crate) fn backup_public_key(byte: u8) -> BackupPublicKey {
    *backup_key(byte).public_key()
}

pub(crate) fn public_key(byte: u8) -> Ed25519PublicKey {
    let key = Ed25519SecretKey::from_slice(&[byte; 32]).public_key().to_base64();
    Ed25519PublicKey::from_base64(&key).unwrap()
}

pub(crate) fn master_id() -> String {
    format!("ed25519:{}", public_key(MASTER_SEED).to_base64())
}

pub(crate) fn signature(byte: u8, message: &[u8]) -> Ed25519Signature {
    let signature = Ed25519SecretKey::from_slice(&[byte; 32]).sign(message).to_base64();
    Ed25519Signature::from_base64(&signature).unwrap()
}

/// An object with a signature of the user's key with this seed, under this label.
pub(crate) fn signed(object: &Value, seed: u8, label: &str) -> Value {
    let object = SignedObject::from_json(&object.to_string(), &Limits::default()).unwrap();
    let signature = signature(seed, &object.bytes_to_sign().unwrap());
    let object = object.with_signature(&USER.into(), &KeyId::from(label), &signature);
    serde_json::from_str(object.as_json()).unwrap()
}

fn device_signer() -> TrustedSigner {
    TrustedSigner::new("ed25519:DEVICE".into(), public_key(DEVICE_SEED))
}

fn keys_query() -> Value {
    let label = |seed| format!("ed25519:{}", public_key(seed).to_base64());
    let cross_signing = |usage: &str, seed| {
        let key = public_key(seed).to_base64();
        json!({ "user_id": USER, "usage": [usage], "keys": { label(seed): key } })
    };
    let by_master = |usage, seed| signed(&cross_signing(usage, seed), MASTER_SEED, &master_id());
    let device = json!({
        "user_id": USER,
        "device_id": "DEVICE",
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": {
            "ed25519:DEVICE": public_key(DEVICE_SEED).to_base64(),
            "curve25519:DEVICE": backup_public_key(77).to_base64(),
        },
    });
    let device = signed(&device, DEVICE_SEED, "ed25519:DEVICE");
    let device = signed(&device, SELF_SIGNING_SEED, &label(SELF_SIGNING_SEED));
    json!({
        "device_keys": { USER: { "DEVICE": device } },
        "master_keys": { USER: cross_signing("master", MASTER_SEED) },
        "self_signing_keys": { USER: by_master("self_signing", SELF_SIGNING_SEED) },
        "user_signing_keys": { USER: by_master("user_signing", USER_SIGNING_SEED) },
        "failures": {},
    })
}

/// One session in each of as many rooms, sealed to the keys of these bytes.
pub(crate) fn room_keys(keys: &[u8]) -> String {
    let rooms = (1..).zip(keys).map(|(number, byte)| {
        let (session_id, entry) = session(number, *byte);
        (format!("!{number}:example.org"), json!({ "sessions": { session_id: entry } }))
    });
    json!({ "rooms": serde_json::Map::from_iter(rooms) }).to_string()
}

/// The ID of a session, and it as it is stored.
pub(crate) fn session(number: u8, key: u8) -> (String, Value) {
    let id = Ed25519SecretKey::from_slice(&[100 + number; 32]).public_key();
    let mut bytes = vec![1, 0, 0, 0, 0];
    bytes.extend_from_slice(&[number; 128]);
    bytes.extend_from_slice(id.as_bytes());
    let session = SessionData::of_unknown_sender(SessionKey::from_bytes(&bytes).unwrap());
    let sealed = backup_public_key(key).seal(&session).unwrap().to_json();
    let sealed: Value = serde_json::from_slice(&sealed).unwrap();
    let entry = json!({
        "first_message_index": 0,
        "forwarded_count": 0,
        "is_verified": false,
        "session_data": sealed,
    });
    (id.to_base64(), entry)
}

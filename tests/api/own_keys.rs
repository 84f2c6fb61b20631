//! From an answer of `keys/query` and a pinned master key to what may be trusted.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, OwnKeys, QueriedKeys},
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Signature},
    },
    ids::{DeviceId, KeyId, UserId},
    secret_sharing::{DeviceIdentity, DeviceProblem},
    secret_storage::NotVerified,
    signed_json::{SignedObject, TrustedSigner},
};
use vodozemac::Ed25519SecretKey;

use crate::{answer, signing::SignAnything as _};

const USER: &str = "@alice:example.org";

/// What a homeserver has of an account with a laptop, and the keys to make another answer of it.
struct Account {
    master: Ed25519SecretKey,
    self_signing: Ed25519SecretKey,
    laptop: Ed25519SecretKey,
    answer: Value,
}

impl Account {
    /// All is signed as it should be.
    fn new() -> Self {
        let [master, self_signing, laptop] = [(); 3].map(|()| Ed25519SecretKey::new());
        let mut account = Self { master, self_signing, laptop, answer: json!({}) };
        account.publish("master_keys", cross_signing_key(&account.master, "master"));
        account.publish_self_signing(&Ed25519SecretKey::from_slice(&account.master.to_bytes()));
        let user_signing = cross_signing_key(&Ed25519SecretKey::new(), "user_signing");
        let user_signing = signed(&user_signing, &account.master, &label(&account.master));
        account.publish("user_signing_keys", user_signing);
        account.publish_laptop(|keys, account| account.sign_laptop(&keys));
        account
    }

    fn publish(&mut self, list: &str, key: Value) {
        self.answer[list][USER] = key;
    }

    fn publish_self_signing(&mut self, signer: &Ed25519SecretKey) {
        let key = cross_signing_key(&self.self_signing, "self_signing");
        self.publish("self_signing_keys", signed(&key, signer, &label(signer)));
    }

    /// Publishes what becomes of the laptop's keys, which nobody has signed yet.
    fn publish_laptop(&mut self, make: impl FnOnce(Value, &Self) -> Value) {
        let keys = make(device_keys("LAPTOP", &self.laptop), self);
        self.answer["device_keys"][USER]["LAPTOP"] = keys;
    }

    fn sign_laptop(&self, keys: &Value) -> Value {
        let by_itself = signed(keys, &self.laptop, "ed25519:LAPTOP");
        signed(&by_itself, &self.self_signing, &label(&self.self_signing))
    }

    fn own_keys(&self) -> Result<OwnKeys, NotVerified> {
        self.own_keys_unless_blocked(|_| false, &Limits::default())
    }

    fn own_keys_unless_blocked(
        &self,
        is_blocked: impl Fn(&DeviceIdentity) -> bool,
        limits: &Limits,
    ) -> Result<OwnKeys, NotVerified> {
        let pinned = public(&self.master);
        self.queried().own_keys(&USER.into(), this_device(), pinned, is_blocked, limits)
    }

    fn queried(&self) -> QueriedKeys {
        answer(&api::query_keys([], None), 200, &self.answer.to_string()).unwrap()
    }

    fn laptop_signer(&self) -> TrustedSigner {
        TrustedSigner::new(KeyId::ed25519(&"LAPTOP".into()), public(&self.laptop))
    }
}

#[test]
fn the_chain_leads_from_the_pinned_key_to_the_devices() {
    let account = Account::new();
    let own = account.own_keys().unwrap();
    assert_eq!(laptop(&own), Ok(()));
    assert_eq!(own.devices.master_key(), Some(&public(&account.master)));
    let keys = own.public_keys.as_public_keys();
    assert_eq!(keys.master, Some(public(&account.master)));
    assert_eq!(keys.self_signing, Some(public(&account.self_signing)));
    assert!(keys.user_signing.is_some() && keys.backup.is_none());
    let this = TrustedSigner::new(KeyId::ed25519(&"PHONE".into()), this_device().ed25519);
    let cross_signing = [&account.master, &account.self_signing]
        .map(|key| TrustedSigner::of_cross_signing_key(public(key)));
    for signer in cross_signing.iter().chain([&this, &account.laptop_signer()]) {
        assert!(own.signers.contains(signer), "{signer:?}");
    }
    assert_eq!(own.signers.len(), 4);
}

#[test]
fn another_master_key_or_none_vouches_for_nothing() {
    let mut account = Account::new();
    account.publish("master_keys", cross_signing_key(&Ed25519SecretKey::new(), "master"));
    assert_eq!(account.own_keys().unwrap_err(), NotVerified::OtherMasterKey);
    account.publish("master_keys", json!(7));
    assert_eq!(account.own_keys().unwrap_err(), NotVerified::NoMasterKey);
    let other = UserId::from("@bob:example.org");
    let pinned = public(&account.master);
    let limits = Limits::default();
    let of_other =
        Account::new().queried().own_keys(&other, this_device(), pinned, |_| false, &limits);
    assert_eq!(of_other.unwrap_err(), NotVerified::NoMasterKey);
}

#[test]
fn a_self_signing_key_that_the_pinned_key_did_not_sign_vouches_for_nobody() {
    let mut account = Account::new();
    account.publish_self_signing(&Ed25519SecretKey::new());
    let own = account.own_keys().unwrap();
    assert_eq!(own.public_keys.as_public_keys().self_signing, None);
    assert_eq!(laptop(&own), Err(DeviceProblem::Unverified));
    assert_eq!(own.signers.len(), 2, "{:?}", own.signers);
}

#[test]
fn a_device_without_one_of_its_two_signatures_is_not_trusted() {
    let mut account = Account::new();
    account.publish_laptop(|keys, account| signed(&keys, &account.laptop, "ed25519:LAPTOP"));
    let own = account.own_keys().unwrap();
    assert_eq!(laptop(&own), Err(DeviceProblem::Unverified));
    assert!(!own.signers.contains(&account.laptop_signer()));
    account.publish_laptop(|keys, account| {
        signed(&keys, &account.self_signing, &label(&account.self_signing))
    });
    let own = account.own_keys().unwrap();
    assert_eq!(laptop(&own), Err(DeviceProblem::Unknown));
    assert!(!own.signers.contains(&account.laptop_signer()));
}

#[test]
fn the_master_key_or_a_stranger_does_not_sign_devices() {
    let mut account = Account::new();
    for signer in
        [Ed25519SecretKey::from_slice(&account.master.to_bytes()), Ed25519SecretKey::new()]
    {
        account.publish_laptop(|keys, account| {
            signed(&signed(&keys, &account.laptop, "ed25519:LAPTOP"), &signer, &label(&signer))
        });
        assert_eq!(laptop(&account.own_keys().unwrap()), Err(DeviceProblem::Unverified));
    }
}

#[test]
fn a_blocked_or_dehydrated_device_is_no_signer() {
    let mut account = Account::new();
    let limits = Limits::default();
    let blocks = |device: &DeviceIdentity| device.device_id.as_str() == "LAPTOP";
    let own = account.own_keys_unless_blocked(blocks, &limits).unwrap();
    assert_eq!(laptop(&own), Err(DeviceProblem::Blocked));
    assert!(!own.signers.contains(&account.laptop_signer()));
    account.publish_laptop(|mut keys, account| {
        keys["dehydrated"] = json!(true);
        account.sign_laptop(&keys)
    });
    let own = account.own_keys().unwrap();
    assert_eq!(laptop(&own), Err(DeviceProblem::Dehydrated));
    assert!(!own.signers.contains(&account.laptop_signer()));
}

#[test]
fn this_device_is_what_the_host_says_and_not_what_the_homeserver_returns() {
    let mut account = Account::new();
    let other = Ed25519SecretKey::new();
    let keys = signed(&device_keys("PHONE", &other), &other, "ed25519:PHONE");
    let keys = signed(&keys, &account.self_signing, &label(&account.self_signing));
    account.answer["device_keys"][USER]["PHONE"] = keys;
    let own = account.own_keys().unwrap();
    assert_eq!(own.devices.this_device(), &this_device());
    assert!(own.signers.iter().all(|signer| *signer.key() != public(&other)));
}

#[test]
fn a_device_without_a_curve25519_key_is_left_out() {
    let mut account = Account::new();
    account.publish_laptop(|mut keys, account| {
        keys["keys"]["curve25519:LAPTOP"] = json!("none");
        account.sign_laptop(&keys)
    });
    assert_eq!(laptop(&account.own_keys().unwrap()), Err(DeviceProblem::Unknown));
}

#[test]
fn what_is_not_checked_any_more_is_not_verified() {
    let account = Account::new();
    for checks in 0..4 {
        let mut limits = Limits::default();
        limits.signature_checks = checks;
        let own = account.own_keys_unless_blocked(|_| false, &limits).unwrap();
        assert!(laptop(&own).is_err(), "{checks}");
        assert!(!own.signers.contains(&account.laptop_signer()), "{checks}");
    }
}

fn laptop(own: &OwnKeys) -> Result<(), DeviceProblem> {
    own.devices.trusted_by_id(&DeviceId::from("LAPTOP")).map(drop)
}

fn this_device() -> DeviceIdentity {
    DeviceIdentity {
        device_id: "PHONE".into(),
        curve25519: Curve25519PublicKey::from_bytes([9; 32]),
        ed25519: public(&Ed25519SecretKey::from_slice(&[7; 32])),
    }
}

fn device_keys(id: &str, key: &Ed25519SecretKey) -> Value {
    json!({
        "algorithms": ["m.megolm.v1.aes-sha2"],
        "device_id": id,
        "keys": {
            (format!("curve25519:{id}")): Curve25519PublicKey::from_bytes([8; 32]).to_base64(),
            (format!("ed25519:{id}")): public(key).to_base64(),
        },
        "user_id": USER,
    })
}

fn cross_signing_key(key: &Ed25519SecretKey, usage: &str) -> Value {
    json!({ "keys": { (label(key)): public(key).to_base64() }, "usage": [usage], "user_id": USER })
}

fn signed(json: &Value, key: &Ed25519SecretKey, label: &str) -> Value {
    let object = SignedObject::from_json(&json.to_string(), &Limits::default()).unwrap();
    let signature = key.sign(&object.bytes_to_sign().unwrap()).to_bytes();
    let signature = Ed25519Signature::from_bytes(signature);
    let object = object.with_signature(&USER.into(), &KeyId::new(label), &signature);
    serde_json::from_str(object.as_json()).unwrap()
}

fn label(key: &Ed25519SecretKey) -> String {
    format!("ed25519:{}", public(key).to_base64())
}

fn public(key: &Ed25519SecretKey) -> Ed25519PublicKey {
    Ed25519PublicKey::from_bytes(key.public_key().as_bytes()).unwrap()
}

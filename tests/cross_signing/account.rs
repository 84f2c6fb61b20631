//! A user with an identity and a device, and whatever a homeserver makes of what they publish.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    cross_signing::{CrossSigningError, ExpectedDevice, SelfSigningKey, SignedKey},
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Signature},
    },
    ids::{DeviceId, KeyId, SecretName, UserId},
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, SecretValue},
    signed_json::{CrossSigningKey, CrossSigningUsage, DeviceKeys, SignedObject},
};
use vodozemac::{Ed25519SecretKey, olm};

use crate::signing::SignAnything as _;

pub(crate) const USER: &str = "@alice:example.org";

pub(crate) struct Account {
    pub(crate) master: Ed25519SecretKey,
    pub(crate) self_signing: Ed25519SecretKey,
    pub(crate) olm: olm::Account,
    /// The name of the device.
    pub(crate) device_id: String,
    /// What the homeserver says.
    pub(crate) master_object: Value,
    pub(crate) self_signing_object: Value,
    pub(crate) device: Value,
}

impl Account {
    /// All is published as it should be.
    pub(crate) fn new() -> Self {
        Self::with_device_id("PHONE")
    }

    pub(crate) fn with_device_id(device_id: &str) -> Self {
        let [master, self_signing] = [(); 2].map(|()| Ed25519SecretKey::new());
        let olm = olm::Account::new();
        let self_signing_object = described(&self_signing, "self_signing");
        let self_signing_object = signed(self_signing_object, &label(&master), &master);
        let mut account = Self {
            master_object: described(&master, "master"),
            self_signing_object,
            master,
            self_signing,
            device: json!({
                "user_id": USER,
                "device_id": device_id,
                "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
                "keys": {
                    (format!("curve25519:{device_id}")): olm.curve25519_key().to_base64(),
                    (format!("ed25519:{device_id}")): olm.ed25519_key().to_base64(),
                },
            }),
            olm,
            device_id: device_id.to_owned(),
        };
        account.sign_device_itself();
        account
    }

    /// The device signs what is published of it now.
    pub(crate) fn sign_device_itself(&mut self) {
        let label = format!("ed25519:{}", self.device_id);
        self.device = with_signature(self.device.take(), &label, |bytes| self.olm.sign(bytes));
    }

    pub(crate) fn seeds(&self) -> Vec<SecretValue> {
        vec![
            authentic(CROSS_SIGNING_MASTER, &self.master),
            authentic(CROSS_SIGNING_SELF_SIGNING, &self.self_signing),
        ]
    }

    pub(crate) fn pinned(&self) -> Option<Ed25519PublicKey> {
        Some(public(&self.master))
    }

    pub(crate) fn key_with(
        &self,
        pinned: Option<Ed25519PublicKey>,
        secrets: &[SecretValue],
    ) -> Result<SelfSigningKey, CrossSigningError> {
        let master = read(CrossSigningUsage::Master, &self.master_object);
        let self_signing = read(CrossSigningUsage::SelfSigning, &self.self_signing_object);
        SelfSigningKey::new(&master, &self_signing, pinned, secrets, &Limits::default())
    }

    pub(crate) fn key(&self) -> SelfSigningKey {
        self.key_with(None, &self.seeds()).unwrap()
    }

    /// What the host knows of its own device.
    pub(crate) fn own(&self) -> ExpectedDevice {
        let curve25519 = Curve25519PublicKey::from_bytes(self.olm.curve25519_key().to_bytes());
        ExpectedDevice::own(USER.into(), self.device_id().clone(), curve25519, self.ed25519())
    }

    pub(crate) fn ed25519(&self) -> Ed25519PublicKey {
        Ed25519PublicKey::from_bytes(self.olm.ed25519_key().as_bytes()).unwrap()
    }

    pub(crate) fn device_id(&self) -> DeviceId {
        self.device_id.as_str().into()
    }

    /// What the person typed.
    pub(crate) fn typed(&self) -> ExpectedDevice {
        let fingerprint = self.ed25519().to_base64();
        ExpectedDevice::with_fingerprint(USER.into(), self.device_id(), &fingerprint).unwrap()
    }

    /// Whether the device is signed as it is published now; what cannot even be read is not.
    pub(crate) fn sign(
        &self,
        expected: &ExpectedDevice,
    ) -> Option<Result<SignedKey, CrossSigningError>> {
        let (limits, text) = (Limits::default(), self.device.to_string());
        let keys = DeviceKeys::from_json(&USER.into(), expected.device_id(), &text, &limits);
        Some(self.key().sign_device(&keys.ok()?, expected, &limits))
    }

    /// Why it is not.
    #[track_caller]
    pub(crate) fn refusal(&self, expected: &ExpectedDevice) -> CrossSigningError {
        self.sign(expected).expect("it is read").expect_err("it is not signed")
    }
}

pub(crate) fn public(key: &Ed25519SecretKey) -> Ed25519PublicKey {
    Ed25519PublicKey::from_bytes(key.public_key().as_bytes()).unwrap()
}

pub(crate) fn label(key: &Ed25519SecretKey) -> String {
    format!("ed25519:{}", key.public_key().to_base64())
}

pub(crate) fn described(key: &Ed25519SecretKey, usage: &str) -> Value {
    let keys = json!({ (label(key)): key.public_key().to_base64() });
    json!({ "user_id": USER, "usage": [usage], "keys": keys })
}

/// With a signature of the user's in the place of all others.
pub(crate) fn signed(object: Value, label: &str, key: &Ed25519SecretKey) -> Value {
    with_signature(object, label, |bytes| key.sign(bytes))
}

fn with_signature(
    object: Value,
    label: &str,
    sign: impl Fn(&[u8]) -> vodozemac::Ed25519Signature,
) -> Value {
    let object = SignedObject::from_json(&object.to_string(), &Limits::default()).unwrap();
    let made = sign(&object.bytes_to_sign().unwrap()).to_bytes();
    let signature = Ed25519Signature::from_bytes(made);
    let signed = object.with_signature(&UserId::from(USER), &KeyId::from(label), &signature);
    serde_json::from_str(signed.as_json()).unwrap()
}

pub(crate) fn authentic(name: &str, seed: &Ed25519SecretKey) -> SecretValue {
    let name = SecretName::from(name);
    SecretValue::kept_by_host(&name, seed.to_base64().as_bytes()).unwrap().value
}

pub(crate) fn unauthenticated(name: &str, seed: &Ed25519SecretKey) -> SecretValue {
    SecretValue::read(&SecretName::from(name), seed.to_base64().as_bytes()).unwrap().value
}

pub(crate) fn read(usage: CrossSigningUsage, object: &Value) -> CrossSigningKey {
    let limits = Limits::default();
    CrossSigningKey::from_json(&USER.into(), usage, &object.to_string(), &limits).unwrap()
}

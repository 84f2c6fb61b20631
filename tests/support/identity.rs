//! A digital identity and a device, as a client publishes them.
#![allow(dead_code, reason = "each that includes it uses a part")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use http::{Request, Response};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, QueriedKeys},
    cross_signing::ExpectedDevice,
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    encoding::{base64, canonical_json::JsonValue},
    homeserver::Homeserver,
    ids::{SecretName, UserId},
    secret_sharing::DeviceIdentity,
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, SecretValue},
    signed_json::TrustedSigner,
};
use vodozemac::Ed25519SecretKey;

const USER: &str = "@alice:example.org";
const DEVICE: &str = "PHONE";

/// A master key and a self-signing key.
pub(crate) struct Identity {
    first: u8,
    master: Ed25519SecretKey,
    self_signing: Ed25519SecretKey,
}

impl Identity {
    /// The seeds are 32 times this byte, and 32 times the one after it.
    pub(crate) fn new(first: u8) -> Self {
        let [master, self_signing] =
            [first, first + 1].map(|byte| Ed25519SecretKey::from_slice(&[byte; 32]));
        Self { first, master, self_signing }
    }

    pub(crate) fn master_key(&self) -> Ed25519PublicKey {
        public(&self.master)
    }

    /// As a host has kept them.
    pub(crate) fn seeds(&self) -> Vec<SecretValue> {
        self.seeds_by(|name, text| SecretValue::kept_by_host(name, text).unwrap().value)
    }

    /// As anybody could have handed them in.
    pub(crate) fn unauthenticated_seeds(&self) -> Vec<SecretValue> {
        self.seeds_by(|name, text| SecretValue::read(name, text).unwrap().value)
    }

    fn seeds_by(&self, read: impl Fn(&SecretName, &[u8]) -> SecretValue) -> Vec<SecretValue> {
        let names = [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING];
        let seeds = names.into_iter().zip(self.first..);
        seeds
            .map(|(name, byte)| read(&name.into(), base64::encode(&[byte; 32]).as_bytes()))
            .collect()
    }

    /// The two public keys: the master key, and the self-signing key signed by it.
    pub(crate) fn objects(&self) -> [Value; 2] {
        let master = cross_signing_key("master", &self.master);
        let self_signing = cross_signing_key("self_signing", &self.self_signing);
        [master, signed(self_signing, &label(&self.master), &self.master)]
    }

    pub(crate) fn publish(&self, homeserver: &mut Homeserver) {
        let [master, self_signing] = self.objects();
        let body = json!({ "master_key": master, "self_signing_key": self_signing });
        post(homeserver, "device_signing/upload", &body);
    }

    /// Whether another device of the user sees the device as verified, and whether the device has signed the master key.
    pub(crate) fn sees(&self, homeserver: &mut Homeserver) -> (bool, bool) {
        let (published, limits) = (published(homeserver), Limits::default());
        let other = Curve25519PublicKey::from_bytes([8; 32]);
        let other = DeviceIdentity {
            device_id: "OTHER".into(),
            curve25519: other,
            ed25519: public(&Ed25519SecretKey::from_slice(&[8; 32])),
        };
        let own = published.own_keys(&user(), other, self.master_key(), |_| false, &limits);
        let is_it = |device: &DeviceIdentity| device.device_id.as_str() == DEVICE;
        let is_verified = own.unwrap().devices.trusted().any(|device| is_it(&device.identity));
        let itself = TrustedSigner::new(own_label().as_str().into(), public(&device_key()));
        let master = published.master_keys[USER].object();
        let report = master.verify(&user(), &[itself], &limits);
        (is_verified, report.trusted_signer().is_some())
    }
}

pub(crate) fn user() -> UserId {
    USER.into()
}

/// What the device signs with.
pub(crate) fn device_key() -> Ed25519SecretKey {
    Ed25519SecretKey::from_slice(&[5; 32])
}

/// What the host knows of its device.
pub(crate) fn own_device() -> ExpectedDevice {
    ExpectedDevice::own(user(), DEVICE.into(), curve25519(), public(&device_key()))
}

/// What the device shows to a person, who typed it.
pub(crate) fn typed_device() -> ExpectedDevice {
    let fingerprint = public(&device_key()).to_base64();
    ExpectedDevice::with_fingerprint(user(), DEVICE.into(), &fingerprint).unwrap()
}

pub(crate) fn publish_device(homeserver: &mut Homeserver) {
    let keys = json!({
        "user_id": USER,
        "device_id": DEVICE,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": {
            (format!("curve25519:{DEVICE}")): curve25519().to_base64(),
            (own_label()): public(&device_key()).to_base64(),
        },
    });
    let keys = signed(keys, &own_label(), &device_key());
    post(homeserver, "upload", &json!({ "device_keys": keys }));
}

fn published(homeserver: &mut Homeserver) -> QueriedKeys {
    let response = post(homeserver, "query", &json!({ "device_keys": { USER: [] } }));
    let query = api::query_keys([(user(), vec![])], None);
    query.read_response(&response, &Limits::default()).unwrap()
}

fn post(homeserver: &mut Homeserver, path: &str, body: &Value) -> Response<Vec<u8>> {
    let token = homeserver.log_in(USER, DEVICE);
    let request = Request::post(format!("https://example.org/_matrix/client/v3/keys/{path}"))
        .header("Authorization", format!("Bearer {token}"))
        .body(body.to_string().into_bytes());
    let response = homeserver.respond(&request.unwrap());
    assert_eq!(response.status(), 200, "{}", String::from_utf8_lossy(response.body()));
    response
}

fn cross_signing_key(usage: &str, key: &Ed25519SecretKey) -> Value {
    let keys = json!({ (label(key)): public(key).to_base64() });
    json!({ "user_id": USER, "usage": [usage], "keys": keys })
}

fn signed(mut object: Value, label: &str, key: &Ed25519SecretKey) -> Value {
    let bytes = JsonValue::parse(&object.to_string(), &Limits::default()).unwrap();
    let signature = key.sign(&bytes.to_canonical().unwrap()).to_base64();
    object["signatures"] = json!({ USER: { label: signature } });
    object
}

fn own_label() -> String {
    format!("ed25519:{DEVICE}")
}

fn label(key: &Ed25519SecretKey) -> String {
    format!("ed25519:{}", public(key).to_base64())
}

fn curve25519() -> Curve25519PublicKey {
    Curve25519PublicKey::from_bytes([9; 32])
}

fn public(key: &Ed25519SecretKey) -> Ed25519PublicKey {
    Ed25519PublicKey::from_bytes(key.public_key().as_bytes()).unwrap()
}

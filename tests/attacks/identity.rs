//! A homeserver wants a device or a master key of its choice signed: it lies in every answer to the flow that makes a device
//! trusted, and changes between two of them.

use ed25519_dalek::SigningKey;
use http::Response;
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        backup::{Backup, BackupOptions},
        flow::{DeviceVerified, Flow as _, FlowError, Step, VerifyDevice},
    },
    cross_signing::ExpectedDevice,
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    encoding::{base64, canonical_json::JsonValue},
    ids::{KeyId, SecretName},
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, SecretValue},
};

use crate::house::{USER, evil, label, master, public, signature, signed};

fn self_signing() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

fn device() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn device_label() -> KeyId {
    KeyId::new("ed25519:PHONE")
}

/// A cross-signing key as it is published.
fn described(key: &SigningKey, usage: &str) -> Value {
    let keys = json!({ (label(key).as_str()): public(key).to_base64() });
    json!({ "user_id": USER, "usage": [usage], "keys": keys })
}

/// The keys of the device with this Ed25519 key, which has signed them.
fn device_keys(key: &SigningKey) -> Value {
    let object = json!({
        "user_id": USER, "device_id": "PHONE",
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": {
            "curve25519:PHONE": base64::encode(&[5; 32]),
            "ed25519:PHONE": public(key).to_base64(),
        },
    });
    signed(&object, key, &device_label())
}

/// What an honest homeserver says.
fn truth() -> Value {
    let self_signing = described(&self_signing(), "self_signing");
    json!({
        DEVICE: { USER: { "PHONE": device_keys(&device()) } },
        MASTER: { USER: described(&master(), "master") },
        SELF_SIGNING: { USER: signed(&self_signing, &master(), &label(&master())) },
    })
}

fn seed(name: &str, key: &SigningKey) -> SecretValue {
    let text = base64::encode(key.as_bytes());
    SecretValue::kept_by_host(&SecretName::from(name), text.as_bytes()).unwrap().value
}

fn own() -> ExpectedDevice {
    let curve25519 = Curve25519PublicKey::from_bytes([5; 32]);
    ExpectedDevice::own(USER.into(), "PHONE".into(), curve25519, public(&device()))
}

/// A run of the flow, and what the homeserver got out of it.
struct Run {
    flow: VerifyDevice,
    now: u64,
    rng: StdRng,
    requests: usize,
    /// How often the host was asked to sign.
    signs: usize,
    uploaded: Vec<Value>,
}

impl Run {
    fn new(pinned: Option<Ed25519PublicKey>) -> Self {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let backup = Backup::new(USER.into(), "PHONE".into(), options, limits);
        let secrets = [
            seed(CROSS_SIGNING_MASTER, &master()),
            seed(CROSS_SIGNING_SELF_SIGNING, &self_signing()),
        ];
        let flow = VerifyDevice::new(backup, own(), pinned, secrets, limits);
        let rng = StdRng::seed_from_u64(1);
        Self { flow, now: 1, rng, requests: 0, signs: 0, uploaded: Vec::new() }
    }

    /// Goes on until the end. `query` says what the homeserver shows, by how many requests it has had before.
    fn until_done(
        &mut self,
        query: &mut dyn FnMut(usize) -> String,
        upload: &str,
        gives_up: bool,
    ) -> Result<DeviceVerified, FlowError> {
        for _ in 0..1_000 {
            match self.flow.next_with_rng(self.now, &mut self.rng) {
                Step::Send(operation) => {
                    let url = BaseUrl::new("https://h.example").unwrap();
                    let request = operation.to_http(&url, &"t".into()).unwrap();
                    let body = if request.uri().path().ends_with("/keys/query") {
                        query(self.requests)
                    } else {
                        self.uploaded.push(serde_json::from_slice(request.body()).unwrap());
                        upload.to_owned()
                    };
                    self.requests += 1;
                    let response = Some(Response::new(body.into_bytes()));
                    self.flow.answer(operation.id(), response, self.now).unwrap();
                }
                Step::Sign(id, to_sign) => {
                    let typed = canonical(&described(&master(), "master")).unwrap();
                    assert_eq!(to_sign.bytes(), typed, "the host signs its master key alone");
                    self.signs += 1;
                    let by_device = (device_label(), signature(&device(), to_sign.bytes()));
                    if gives_up {
                        self.flow.give_up();
                    }
                    assert_eq!(self.flow.signed(id, &[by_device]).is_err(), gives_up);
                }
                Step::Wait(until) => {
                    assert!(!self.flow.waiting_for().is_empty(), "it waits in silence");
                    self.now = until.unwrap().max(self.now + 1);
                }
                Step::Done(outcome) => return *outcome,
                other => panic!("{other:?}"),
            }
        }
        panic!("it never ends");
    }

    fn assert_only_ours(&self, what: &str) {
        let device_object = without_signatures(&device_keys(&device()));
        let master_object = described(&master(), "master");
        let master_name = public(&master()).to_base64();
        for body in &self.uploaded {
            let users = body.as_object().unwrap();
            assert!(users.keys().all(|user| user == USER), "{what}: {body}");
            for (name, object) in users[USER].as_object().unwrap() {
                let (typed, key, key_id) = if *name == master_name {
                    (&master_object, device(), device_label())
                } else {
                    assert_eq!(name, "PHONE", "{what}");
                    (&device_object, self_signing(), label(&self_signing()))
                };
                assert_eq!(*object, signed(typed, &key, &key_id), "{what}");
            }
        }
    }
}

fn without_signatures(object: &Value) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove("signatures");
    object
}

fn canonical(object: &Value) -> Option<Vec<u8>> {
    JsonValue::parse(&object.to_string(), &Limits::default()).ok()?.to_canonical().ok()
}

/// Answers of `/keys/query` out of which nothing may be signed: this one value is another.
fn lies() -> Vec<(&'static str, String)> {
    let truth = truth();
    let (device_key, master_key) = (public(&device()).to_base64(), public(&master()).to_base64());
    let [small_order, negative] = [(0, 1), (31, 0x85)].map(|(at, byte)| {
        let mut bytes = if at == 0 { [0; 32] } else { [5; 32] };
        bytes[at] = byte;
        base64::encode(&bytes)
    });
    let other_bits = format!("{}V", &base64::encode(&[5; 32])[..42]);
    let url_safe = master_key.replace('+', "-").replace('/', "_");
    let one_key = |name: &str, key: &str| json!({ (format!("ed25519:{name}")): key });
    let unsigned = without_signatures(&device_keys(&device()));
    let by_evil = signed(&unsigned, &evil(), &device_label());
    let other_key = signed(&described(&evil(), "self_signing"), &evil(), &label(&evil()));
    let mislabelled =
        signed(&described(&self_signing(), "self_signing"), &evil(), &label(&master()));
    let evils_keys = json!({ "user_id": USER, "usage": ["master"], "keys": one_key(&small_order, &small_order) });
    let mut lies: Vec<_> = [
        ("another device", DEVICE, "", device_keys(&evil())),
        ("another master key", MASTER, "", described(&evil(), "master")),
        ("another self-signing key", SELF_SIGNING, "", other_key),
        ("a signature that is labelled as the master key's", SELF_SIGNING, "", mislabelled),
        ("the device as the master key", MASTER, "", device_keys(&device())),
        ("the master key as the device", DEVICE, "", described(&master(), "master")),
        ("a master key of small order", MASTER, "", evils_keys),
        ("two uses", MASTER, "usage", json!(["master", "self_signing"])),
        ("a label that disagrees", MASTER, "keys", one_key("PHONE", &master_key)),
        ("a label with padding", MASTER, "keys", one_key(&format!("{master_key}="), &master_key)),
        ("the other alphabet", MASTER, "keys", one_key(&url_safe, &url_safe)),
        ("a user ID in other case", DEVICE, "user_id", json!("@Alice:example.org")),
        ("no signature of the device", DEVICE, "", unsigned),
        ("one of another key with its label", DEVICE, "", by_evil),
        ("a third key", DEVICE, "keys/ed25519:PHONE=", json!(device_key)),
        ("a padded key", DEVICE, "keys/ed25519:PHONE", json!(format!("{device_key}="))),
        ("a key of small order", DEVICE, "keys/ed25519:PHONE", json!(small_order)),
        ("unused bits that are set", DEVICE, "keys/curve25519:PHONE", json!(other_bits)),
        ("another encoding of the point", DEVICE, "keys/curve25519:PHONE", json!(negative)),
        ("a dehydrated device", DEVICE, "dehydrated", json!(true)),
        ("something like one", DEVICE, "dehydrated", json!(1)),
        ("an unknown algorithm", DEVICE, "algorithms", json!(["m.megolm.v1.aes-sha2", "x"])),
        ("a member of JavaScript's", DEVICE, "__proto__", json!({ "device_id": "EVIL" })),
        ("a number that is not signed", DEVICE, "x", json!(1.5)),
    ]
    .into_iter()
    .map(|(what, list, member, value)| (what, with(&truth, list, member, value).to_string()))
    .collect();
    let text = truth.to_string();
    let other_master = with(&truth, MASTER, "", described(&evil(), "master"));
    let by_other_master =
        signed(&described(&self_signing(), "self_signing"), &evil(), &label(&evil()));
    let keys = "\"keys\":{\"curve25519";
    let evils = without_signatures(&device_keys(&evil()))["keys"].to_string();
    lies.extend([
        ("nothing", "{}".to_owned()),
        ("another identity", with(&other_master, SELF_SIGNING, "", by_other_master).to_string()),
        ("another user", text.replace(USER, "@Alice:example.org")),
        ("a member twice", text.replace(keys, &format!("\"keys\":{evils},{keys}"))),
        (
            "a member twice, once escaped",
            text.replace(keys, &format!("\"k\\u0065ys\":{evils},{keys}")),
        ),
        ("a huge number", text.replace(keys, &format!("\"x\":1e400,{keys}"))),
    ]);
    lies
}

/// An answer with another value of a member of the user's key in a list. The device helps: it signs what can be signed.
fn with(answer: &Value, list: &str, member: &str, value: Value) -> Value {
    let mut answer = answer.clone();
    let key = &mut answer[list][USER];
    let key = if list == DEVICE { &mut key["PHONE"] } else { key };
    let names = member.split('/').filter(|name| !name.is_empty());
    *names.fold(&mut *key, |place, name| &mut place[name]) = value;
    if list == DEVICE && !member.is_empty() && canonical(key).is_some() {
        *key = signed(&without_signatures(key), &device(), &device_label());
    }
    answer
}

const DEVICE: &str = "device_keys";
const MASTER: &str = "master_keys";
const SELF_SIGNING: &str = "self_signing_keys";

#[test]
fn whatever_the_homeserver_shows_nothing_but_the_own_device_and_master_key_is_signed() {
    for pinned in [None, Some(public(&master()))] {
        for (what, lie) in lies() {
            assert_ne!(lie, truth().to_string(), "{what}");
            let mut run = Run::new(pinned);
            let outcome = run.until_done(&mut |_| lie.clone(), "{}", false);
            assert!(outcome.is_err(), "{what}: {outcome:?}");
            assert_eq!((run.uploaded.len(), run.signs), (0, 0), "{what}");
            // Once everything was right, it is no better.
            let mut run = Run::new(pinned);
            let mut query = |n: usize| if n == 0 { truth().to_string() } else { lie.clone() };
            let outcome = run.until_done(&mut query, "{}", false);
            assert!(outcome.is_err(), "{what}: {outcome:?}");
            assert_eq!((run.uploaded.len(), run.signs), (1, 1), "{what}");
            run.assert_only_ours(what);
        }
    }
}

#[test]
fn a_homeserver_that_takes_everything_and_shows_nothing_is_told_after_a_bounded_number_of_requests()
{
    let foreign =
        json!({ "failures": { "@x:y": { "Z": { "errcode": "M_UNKNOWN" } } } }).to_string();
    let odd = json!({ "failures": { USER: { "": 1.5 } } }).to_string();
    for (upload, signs) in [("{}", true), (&foreign, false), (&odd, false)] {
        let mut run = Run::new(None);
        let outcome = run.until_done(&mut |_| truth().to_string(), upload, false);
        assert!(matches!(outcome, Err(FlowError::Failing(_))), "{outcome:?}");
        assert!(run.requests < 64, "{}", run.requests);
        assert_eq!(run.signs > 1, signs, "the master key is not signed again and again");
        run.assert_only_ours(upload);
    }
}

#[test]
fn what_was_given_up_is_not_published_though_the_signature_comes_then() {
    let mut run = Run::new(None);
    let outcome = run.until_done(&mut |_| truth().to_string(), "{}", true);
    assert!(matches!(outcome, Err(FlowError::GivenUp)), "{outcome:?}");
    assert!(run.uploaded.is_empty(), "{:?}", run.uploaded);
}

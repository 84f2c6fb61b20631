//! Keys of users and devices: asking for them, and publishing signatures.

use std::time::Duration;

use crate::signing::SignAnything as _;
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{self, ApiError, QueriedKeys},
    cross_signing::{ExpectedDevice, NewIdentity},
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    encoding::format::FormatProblem,
    ids::{DeviceId, KeyId, UserId},
    signed_json::{SignedObject, TrustedSigner},
};
use vodozemac::Ed25519SecretKey;

use crate::{answer, assert_wire};

#[test]
fn users_are_asked_for_with_all_devices_or_some() {
    let query = api::query_keys([("@b:c".into(), vec![])], None);
    assert_wire(&query, "POST", "/keys/query", r#"{"device_keys":{"@b:c":[]}}"#);
    let query = api::query_keys(
        [("@b:c".into(), vec![]), ("@a:c".into(), vec!["PHONE".into(), "\"".into()])],
        Some(Duration::from_secs(10)),
    );
    let body = r#"{"device_keys":{"@a:c":["PHONE","\""],"@b:c":[]},"timeout":10000}"#;
    assert_wire(&query, "POST", "/keys/query", body);
    assert_wire(&api::query_keys([], None), "POST", "/keys/query", r#"{"device_keys":{}}"#);
}

#[test]
fn what_is_returned_can_be_verified_with_a_pinned_master_key() {
    let alice = Alice::new();
    let keys = read(&alice.response()).unwrap();
    assert_eq!(keys.unusable, []);
    let master = &keys.master_keys[&user()];
    assert_eq!(*master.ed25519(), alice.master.public);
    assert_eq!(master.key_id(), &alice.master.id);

    let limits = Limits::default();
    let pinned = [TrustedSigner::new(master.key_id().clone(), *master.ed25519())];
    let self_signing = &keys.self_signing_keys[&user()];
    let report = self_signing.object().verify(&user(), &pinned, &limits);
    assert_eq!(report.trusted_signer(), Some(&pinned[0]));

    let by_owner = [TrustedSigner::new(self_signing.key_id().clone(), *self_signing.ed25519())];
    let device = &keys.device_keys[&user()][&DeviceId::from("PHONE")];
    let report = device.object().verify(&user(), &by_owner, &limits);
    assert_eq!(report.trusted_signer(), Some(&by_owner[0]));
    let by_itself = [TrustedSigner::new(device.key_id().clone(), *device.ed25519())];
    let report = device.object().verify(&user(), &by_itself, &limits);
    assert_eq!(report.trusted_signer(), Some(&by_itself[0]));
    assert_eq!(device.key_id().as_str(), "ed25519:PHONE");
    assert_eq!(keys.user_signing_keys[&user()].ed25519(), &alice.user_signing.public);
}

#[test]
fn what_is_returned_is_kept_to_the_last_byte() {
    let alice = Alice::new();
    let text = alice.device.as_json().replacen('{', "{ \"unsigned\": {\"x\":1.50}, ", 1);
    let keys = read(&format!(r#"{{"device_keys":{{"{USER}":{{"PHONE": {text}}}}}}}"#)).unwrap();
    let device = &keys.device_keys[&user()][&DeviceId::from("PHONE")];
    assert_eq!(device.object().as_json(), text);
}

#[test]
fn a_key_that_claims_something_else_is_unusable_and_costs_itself_alone() {
    let alice = Alice::new();
    let original: Value = serde_json::from_str(&alice.response()).unwrap();
    let reason = |change: &dyn Fn(&mut Value)| {
        let mut body = original.clone();
        change(&mut body);
        let keys = read(&body.to_string()).unwrap();
        let kept = keys.device_keys.values().map(|devices| devices.len()).sum::<usize>()
            + keys.master_keys.len()
            + keys.self_signing_keys.len()
            + keys.user_signing_keys.len();
        assert_eq!((kept, keys.unusable.len()), (3, 1), "{:?}", keys.unusable);
        keys.unusable[0].2
    };
    let device = |body: &mut Value, name: &str, value: Value| {
        body["device_keys"][USER]["PHONE"][name] = value;
    };
    assert_eq!(
        reason(&|b| device(b, "user_id", json!("@eve:c"))),
        FormatProblem::Other("user_id").of("it")
    );
    assert_eq!(
        reason(&|b| device(b, "user_id", json!(null))),
        FormatProblem::Other("user_id").of("it")
    );
    assert_eq!(
        reason(&|b| device(b, "device_id", json!("LAPTOP"))),
        FormatProblem::Other("device_id").of("it")
    );
    assert_eq!(reason(&|b| device(b, "keys", json!({}))), FormatProblem::Unusable("keys").of("it"));
    assert_eq!(
        reason(&|b| device(b, "keys", json!({"ed25519:PHONE": 7}))),
        FormatProblem::Unusable("keys").of("it")
    );
    assert_eq!(
        reason(&|b| device(b, "keys", json!({"ed25519:X": "AA"}))),
        FormatProblem::Unusable("keys").of("it")
    );
    let short = reason(&|b| device(b, "keys", json!({"ed25519:PHONE": "AAAA"})));
    assert!(matches!(short.problem, FormatProblem::Length { .. }), "{short:?}");
    let not_an_object = FormatProblem::NotAnObject.of("it");
    assert_eq!(reason(&|b| b["device_keys"][USER]["PHONE"] = json!([7])), not_an_object);
    let list = FormatProblem::NotAnObject.of("the list of the user's devices");
    assert_eq!(reason(&|b| b["device_keys"][USER] = json!("x")), list);
    assert_eq!(reason(&|b| b["master_keys"][USER] = json!("x")), not_an_object);
    assert_eq!(
        reason(&|b| b["master_keys"][USER]["user_id"] = json!("@eve:c")),
        FormatProblem::Other("user_id").of("it")
    );
    let swapped = |b: &mut Value| b["master_keys"][USER] = b["self_signing_keys"][USER].clone();
    assert_eq!(reason(&swapped), FormatProblem::Other("usage").of("it"));
    assert_eq!(
        reason(&|b| b["user_signing_keys"][USER]["usage"] = json!([])),
        FormatProblem::Other("usage").of("it")
    );
    assert_eq!(
        reason(&|b| b["user_signing_keys"][USER]["keys"] = json!({})),
        FormatProblem::Unusable("keys").of("it")
    );
    let second = |b: &mut Value| b["master_keys"][USER]["keys"]["ed25519:x"] = json!("AA");
    assert_eq!(reason(&second), FormatProblem::Unusable("keys").of("it"));
    let other = |b: &mut Value| b["master_keys"][USER]["keys"] = json!({"rsa:x": "AA"});
    assert_eq!(reason(&other), FormatProblem::Unusable("keys").of("it"));
}

#[test]
fn a_member_twice_in_a_signed_object_is_unusable() {
    let alice = Alice::new();
    let text = alice.device.as_json().replacen('{', r#"{"user_id":"@eve:c","#, 1);
    let keys = read(&format!(r#"{{"device_keys":{{"{USER}":{{"PHONE":{text}}}}}}}"#)).unwrap();
    let twice = FormatProblem::DuplicateMember.of("it");
    assert_eq!(keys.unusable, [(user(), Some("PHONE".into()), twice)]);
}

#[test]
fn row_50_a_key_that_was_emptied_is_not_there() {
    for nothing in ["null", "[]", "{}", "\"\""] {
        let keys = read(&format!(
            r#"{{"device_keys":{{"{USER}":{{"PHONE":{nothing}}}}},"master_keys":{{"{USER}":{nothing}}}}}"#
        ));
        let keys = keys.unwrap();
        assert!(keys.device_keys[&user()].is_empty() && keys.master_keys.is_empty(), "{nothing}");
        assert_eq!(keys.unusable_count, 0, "{nothing}");
        let keys = read(&format!(r#"{{"device_keys":{{"{USER}":{nothing}}}}}"#)).unwrap();
        assert!(keys.device_keys[&user()].is_empty() && keys.unusable_count == 0, "{nothing}");
    }
}

#[test]
fn servers_that_could_not_be_asked_are_named() {
    let keys = read(r#"{"failures":{"a.org":{"errcode":"X"},"b.org":null}}"#).unwrap();
    assert_eq!(keys.failures["a.org"].as_bytes(), br#"{"errcode":"X"}"#);
    assert!(keys.failures["b.org"].is_empty());
    assert!(keys.device_keys.is_empty() && keys.master_keys.is_empty());
}

#[test]
fn a_broken_response_is_not_nobody() {
    for (body, error) in [
        ("[]", FormatProblem::NotAnObject),
        ("", FormatProblem::NotJson),
        (r#"{"device_keys":[]}"#, FormatProblem::Unusable("device_keys")),
        (r#"{"master_keys":"x"}"#, FormatProblem::Unusable("master_keys")),
        (r#"{"failures":7}"#, FormatProblem::Unusable("failures")),
    ] {
        assert_eq!(read(body).unwrap_err(), error.into(), "{body}");
    }
    let error = read(r#"{"errcode":"M_UNKNOWN"}"#).unwrap_err();
    assert!(matches!(error, ApiError::Errcode(_)));
    assert!(read(r#"{"device_keys":null}"#).unwrap().device_keys.is_empty());
}

#[test]
fn signatures_are_published_in_what_was_signed_and_nothing_else() {
    let identity = NewIdentity::replacing_old_identity(user()).unwrap();
    let key = identity.self_signing_key();
    let phone = Key::named("PHONE");
    let fingerprint = phone.public.to_base64();
    let expected = ExpectedDevice::with_fingerprint(user(), "PHONE".into(), &fingerprint).unwrap();
    let made = phone.secret.sign(key.master_key_to_sign().bytes()).to_bytes();
    let signed = key.master_key_signed_by(&expected, &Ed25519Signature::from_bytes(made)).unwrap();
    let (name, object) = (identity.master_key().to_base64(), signed.as_json().to_owned());
    let body = format!(r#"{{"{USER}":{{"{name}":{object}}}}}"#);
    assert_wire(&api::upload_signatures([signed]), "POST", "/keys/signatures/upload", &body);
    assert_wire(&api::upload_signatures([]), "POST", "/keys/signatures/upload", "{}");
}

#[test]
fn a_signature_that_was_not_taken_is_named() {
    let failures = |body| answer(&api::upload_signatures([]), 200, body);
    for body in ["{}", r#"{"failures":{}}"#, r#"{"failures":{"@a:b":{}}}"#] {
        assert_eq!(failures(body).unwrap(), [], "{body}");
    }
    let two = r#"{"failures":{"@a:b":{"PHONE":{"errcode":"M_INVALID_SIGNATURE","error":"no"},"X\u0007":7}}}"#;
    let [phone, other] = &failures(two).unwrap()[..] else { panic!() };
    assert_eq!((phone.user_id.as_str(), phone.name.as_str()), ("@a:b", "PHONE"));
    assert_eq!(
        phone.to_string(),
        "the homeserver did not take the signature of PHONE: M_INVALID_SIGNATURE no"
    );
    assert_eq!((other.name.as_str(), other.errcode.as_str()), ("X\u{7}", ""));
    assert!(other.to_string().contains("X\\u{7}"));
    for body in [r#"{"failures":[]}"#, r#"{"failures":{"@a:b":7}}"#] {
        assert_eq!(failures(body).unwrap_err(), FormatProblem::Unusable("failures").into());
    }
    assert!(failures(r#"{"errcode":"M_UNKNOWN"}"#).is_err());
}

/// A user with one device and all cross-signing keys, each signed as it should be.
struct Alice {
    master: Key,
    user_signing: Key,
    device: SignedObject,
    master_object: SignedObject,
    self_signing_object: SignedObject,
    user_signing_object: SignedObject,
}

impl Alice {
    fn new() -> Self {
        let (master, self_signing, user_signing) =
            (Key::cross_signing(), Key::cross_signing(), Key::cross_signing());
        let phone = Key::named("PHONE");
        let device = json!({
            "algorithms": ["m.megolm.v1.aes-sha2"],
            "device_id": "PHONE",
            "keys": { "ed25519:PHONE": phone.public.to_base64() },
            "user_id": USER,
        });
        Self {
            device: self_signing.sign(phone.sign(object(&device))),
            master_object: object(&master.described("master")),
            self_signing_object: master.sign(object(&self_signing.described("self_signing"))),
            user_signing_object: master.sign(object(&user_signing.described("user_signing"))),
            master,
            user_signing,
        }
    }

    fn response(&self) -> String {
        format!(
            r#"{{"device_keys":{{"{USER}":{{"PHONE":{}}}}},"failures":{{}},"master_keys":{{"{USER}":{}}},"self_signing_keys":{{"{USER}":{}}},"user_signing_keys":{{"{USER}":{}}}}}"#,
            self.device.as_json(),
            self.master_object.as_json(),
            self.self_signing_object.as_json(),
            self.user_signing_object.as_json(),
        )
    }
}

struct Key {
    secret: Ed25519SecretKey,
    public: Ed25519PublicKey,
    id: KeyId,
}

impl Key {
    fn named(name: &str) -> Self {
        let secret = Ed25519SecretKey::new();
        let public = Ed25519PublicKey::from_bytes(secret.public_key().as_bytes()).unwrap();
        Self { secret, public, id: KeyId::new(format!("ed25519:{name}")) }
    }

    fn cross_signing() -> Self {
        let key = Self::named("");
        let id = KeyId::new(format!("ed25519:{}", key.public.to_base64()));
        Self { id, ..key }
    }

    fn described(&self, usage: &str) -> Value {
        let keys = json!({ self.id.as_str(): self.public.to_base64() });
        json!({ "keys": keys, "usage": [usage], "user_id": USER })
    }

    fn sign(&self, object: SignedObject) -> SignedObject {
        let signature = self.secret.sign(&object.bytes_to_sign().unwrap()).to_bytes();
        object.with_signature(&user(), &self.id, &Ed25519Signature::from_bytes(signature))
    }
}

const USER: &str = "@alice:example.org";

fn user() -> UserId {
    UserId::from(USER)
}

fn object(json: &Value) -> SignedObject {
    SignedObject::from_json(&json.to_string(), &Limits::default()).unwrap()
}

fn read(body: &str) -> Result<QueriedKeys, ApiError> {
    answer(&api::query_keys([], None), 200, body)
}

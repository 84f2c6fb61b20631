//! A signature for one kind of object counts for no other.

use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    backup::{BackupDecryptionKey, TrustError, TrustedBackup},
    encoding::format::FormatProblem,
    secret_storage::{NotVerified, VerifiedPublicKeys},
    signed_json::{CrossSigningKey, CrossSigningUsage, DeviceKeys, SignatureVerdict},
};

use crate::house::{USER, auth_data, evil, info, label, master, public, signed, signer};

const USAGES: [CrossSigningUsage; 3] =
    [CrossSigningUsage::Master, CrossSigningUsage::SelfSigning, CrossSigningUsage::UserSigning];

/// What every reader of keys makes of an object: nothing, or which ones took it.
pub(crate) fn readers_of(object: &Value) -> Vec<&'static str> {
    let (text, user, limits) = (object.to_string(), USER.into(), Limits::default());
    let mut readers = Vec::new();
    for usage in USAGES {
        if CrossSigningKey::from_json(&user, usage, &text, &limits).is_ok() {
            readers.push(usage.as_str());
        }
    }
    let device = object["device_id"].as_str().unwrap_or("PHONE").into();
    if DeviceKeys::from_json(&user, &device, &text, &limits).is_ok() {
        readers.push("device");
    }
    let body = json!({
        "device_keys": { USER: { (device.as_str()): object } },
        "master_keys": { USER: object }, "self_signing_keys": { USER: object },
        "user_signing_keys": { USER: object },
    });
    let response = http::Response::new(body.to_string().into_bytes());
    let keys = api::query_keys([], None).read_response(&response, &limits).unwrap();
    let found = keys.device_keys.values().any(|devices| !devices.is_empty())
        || !keys.master_keys.is_empty()
        || !keys.self_signing_keys.is_empty()
        || !keys.user_signing_keys.is_empty();
    readers.extend(found.then_some("keys/query"));
    readers
}

fn self_signing_key() -> Value {
    let key = public(&evil()).to_base64();
    json!({ "user_id": USER, "usage": ["self_signing"], "keys": { (label(&evil()).as_str()): key } })
}

fn device_keys() -> Value {
    let key = public(&evil()).to_base64();
    json!({
        "user_id": USER, "device_id": "PHONE", "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": { "ed25519:PHONE": key, "curve25519:PHONE": key },
    })
}

#[test]
fn what_is_one_kind_is_read_as_that_alone() {
    assert_eq!(readers_of(&self_signing_key()), ["self_signing", "keys/query"]);
    assert_eq!(readers_of(&device_keys()), ["device", "keys/query"]);
    let key = BackupDecryptionKey::generate().unwrap();
    assert_eq!(readers_of(&auth_data(&key)), [""; 0]);
}

#[test]
fn a_key_that_could_be_another_kind_too_is_none() {
    let limits = Limits::default();
    for member in ["public_key", "key", "device_id", "algorithms"] {
        let mut object = self_signing_key();
        object[member] = "x".into();
        let read = CrossSigningKey::from_json(
            &USER.into(),
            CrossSigningUsage::SelfSigning,
            &object.to_string(),
            &limits,
        );
        assert_eq!(read.unwrap_err(), FormatProblem::OtherKind.of("it"), "{member}");
        assert_eq!(readers_of(&object), [""; 0], "{member}");
    }
    for member in ["public_key", "key", "usage"] {
        let mut object = device_keys();
        object[member] = "x".into();
        let read =
            DeviceKeys::from_json(&USER.into(), &"PHONE".into(), &object.to_string(), &limits);
        assert_eq!(read.unwrap_err(), FormatProblem::OtherKind.of("it"), "{member}");
        assert_eq!(readers_of(&object), [""; 0], "{member}");
    }
}

#[test]
fn a_cross_signing_key_has_one_use_and_one_key_and_its_users_name() {
    let error = |change: fn(&mut Value)| {
        let mut object = self_signing_key();
        change(&mut object);
        let (usage, text) = (CrossSigningUsage::SelfSigning, object.to_string());
        CrossSigningKey::from_json(&USER.into(), usage, &text, &Limits::default()).unwrap_err()
    };
    let both = json!(["self_signing", "master"]);
    assert_eq!(error(|object| object["usage"] = json!([])), FormatProblem::Other("usage").of("it"));
    assert_eq!(
        error(|object| object["usage"] = json!("self_signing")),
        FormatProblem::Other("usage").of("it")
    );
    assert_eq!(
        error(|object| object["usage"] = json!(["self_signing", "self_signing"])),
        FormatProblem::Other("usage").of("it")
    );
    assert_eq!(
        error(|object| object["usage"] = json!(["self_signing", "master"])),
        FormatProblem::Other("usage").of("it"),
        "{both}"
    );
    assert_eq!(
        error(|object| object["user_id"] = json!("@bob:example.org")),
        FormatProblem::Other("user_id").of("it")
    );
    assert_eq!(
        error(|object| object["user_id"] = Value::Null),
        FormatProblem::Other("user_id").of("it")
    );
    assert_eq!(
        error(|object| object["keys"]["ed25519:x"] = json!("x")),
        FormatProblem::Unusable("keys").of("it")
    );
}

#[test]
fn a_key_of_another_user_is_not_verified_whoever_signed_it() {
    // The user's master key has signed another user's, as users do who verify each other.
    let bob = json!({
        "user_id": "@bob:example.org", "usage": ["user_signing"],
        "keys": { (label(&evil()).as_str()): public(&evil()).to_base64() },
    });
    let bob = signed(&bob, &master(), &label(&master())).to_string();
    let (usage, limits) = (CrossSigningUsage::UserSigning, Limits::default());
    let bob = CrossSigningKey::from_json(&"@bob:example.org".into(), usage, &bob, &limits).unwrap();
    let mut verified = VerifiedPublicKeys::with_master(USER.into(), public(&master()));
    assert_eq!(verified.add_cross_signing_key(&bob, &limits), Err(NotVerified::OtherUser));
    let other = signed(&self_signing_key(), &evil(), &label(&master())).to_string();
    let usage = CrossSigningUsage::SelfSigning;
    let other = CrossSigningKey::from_json(&USER.into(), usage, &other, &limits).unwrap();
    assert_eq!(verified.add_cross_signing_key(&other, &limits), Err(NotVerified::NotSigned));
    assert_eq!(verified.as_public_keys().self_signing, None);
}

/// A host that has signed the keys of a device, or of a user, has not signed a backup.
#[test]
fn auth_data_that_looks_like_a_key_is_not_trusted_by_its_signature() {
    let backup = BackupDecryptionKey::generate().unwrap();
    let members = [
        ("keys", json!({})),
        ("key", json!("x")),
        ("usage", json!([])),
        ("user_id", json!(USER)),
        ("device_id", json!("PHONE")),
        ("algorithms", json!([])),
    ];
    for (name, value) in members {
        let mut auth_data = auth_data(&backup);
        auth_data[name] = value;
        let info = info(&signed(&auth_data, &master(), &label(&master())));
        let signers = [signer(&master())];
        let limits = Limits::default();
        let trust = TrustedBackup::by_signature(&info, &USER.into(), &signers, &[], &limits);
        assert_eq!(trust.unwrap_err(), TrustError::OtherKind(vec![name]));
        let report = info.auth_data().unwrap().check_signatures(&USER.into(), &signers, &limits);
        assert_eq!(report.signatures()[0].1, SignatureVerdict::OtherKind, "{name}");
        assert_eq!(report.trusted_signer(), None);
        // Its key still opens and proves it.
        assert!(TrustedBackup::by_decryption_key(&info, &backup, &[]).is_ok());
    }
    let plain = info(&signed(&auth_data(&backup), &master(), &label(&master())));
    let (signers, limits) = ([signer(&master())], Limits::default());
    assert!(TrustedBackup::by_signature(&plain, &USER.into(), &signers, &[], &limits).is_ok());
}

/// A client that signs whatever a server calls `auth_data` has not signed a key of the secret storage.
#[test]
fn a_description_that_looks_like_another_object_is_not_believed_by_its_signature() {
    let key = BackupDecryptionKey::generate().unwrap().public_key().to_base64();
    let description =
        json!({ "algorithm": "m.secret_storage.v1.curve25519-aes-sha2", "pubkey": key });
    let (signers, limits) = ([signer(&master())], Limits::default());
    let verified = |description: &Value| {
        let signed = signed(description, &master(), &label(&master()));
        let storage =
            crate::house::storage(&vec![crate::house::event("m.secret_storage.key.k", &signed)]);
        let description = storage.key(&"k".into()).unwrap().clone();
        description.check_signatures(&USER.into(), &signers, &limits).trusted_signer().is_some()
    };
    assert!(verified(&description));
    for name in ["public_key", "keys", "key", "usage", "user_id", "device_id", "algorithms"] {
        let mut other = description.clone();
        other[name] = json!(USER);
        assert!(!verified(&other), "{name}");
    }
}

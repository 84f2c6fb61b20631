//! How many times signatures are verified, counted by the smallest budget that changes nothing.

use ed25519_dalek::{Signer as _, SigningKey};
use http::Response;
use serde_json::{Value, json};
use strongroom::{
    Limits, api,
    backup::{AuthData, BackupDecryptionKey, BackupVersionInfo},
    client::diagnose::{Evidence, diagnose},
    crypto::ed25519::Ed25519PublicKey,
    encoding::base64,
    ids::KeyId,
    signed_json::TrustedSigner,
};

use super::entries::USER;

fn key(n: usize) -> SigningKey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&u64::try_from(n).unwrap().to_le_bytes());
    SigningKey::from_bytes(&bytes)
}

fn public_key(key: &SigningKey) -> Ed25519PublicKey {
    Ed25519PublicKey::from_bytes(key.verifying_key().as_bytes()).unwrap()
}

/// An object whose members are in the order of canonical JSON.
fn signature(object: &Value, by: &SigningKey) -> String {
    base64::encode(&by.sign(object.to_string().as_bytes()).to_bytes())
}

/// `auth_data` that so many devices have signed, each under its own name.
fn auth_data(signers: usize) -> Value {
    let mut object =
        json!({ "public_key": BackupDecryptionKey::generate().unwrap().public_key().to_base64() });
    let by = |n| (format!("ed25519:D{n}"), signature(&object, &key(n)).into());
    let signatures: serde_json::Map<String, Value> = (0..signers).map(by).collect();
    object["signatures"] = json!({ USER: signatures });
    object
}

/// The smallest budget with which the work comes to the same as with any.
fn smallest_budget(work: impl Fn(&Limits) -> String) -> usize {
    let with = |signature_checks| {
        let mut limits = Limits::default();
        limits.sync_response_bytes = usize::MAX;
        limits.signature_checks = signature_checks;
        work(&limits)
    };
    let (expected, mut low, mut high) = (with(usize::MAX), 0_usize, 1 << 20);
    while low < high {
        let middle = low.midpoint(high);
        if with(middle) == expected { high = middle } else { low = middle + 1 }
    }
    low
}

/// Each signature is verified with the key of its label, however many other keys there are.
#[test]
fn signatures_are_verified_once_however_many_signers_are_trusted() {
    let text = auth_data(50).to_string();
    for count in [100, 1_000] {
        let signer =
            |n| TrustedSigner::new(KeyId::new(format!("ed25519:D{n}")), public_key(&key(n)));
        let signers: Vec<_> = (0..count).map(signer).collect();
        let budget = smallest_budget(|limits| {
            let auth_data = AuthData::from_json(&text, limits).unwrap();
            format!("{:?}", auth_data.check_signatures(&USER.into(), &signers, limits))
        });
        assert_eq!(budget, 50, "{count} signers");
    }
}

fn device(n: usize) -> (String, Value) {
    let (id, key) = (format!("D{n}"), key(n));
    let name = format!("ed25519:{id}");
    let mut object = json!({
        "algorithms": [], "device_id": id, "keys": { &name: public_key(&key).to_base64() },
        "user_id": USER,
    });
    let signature = signature(&object, &key);
    object["signatures"] = json!({ USER: { name: signature } });
    (id, object)
}

/// What a homeserver publishes costs a check for each device and each signature, and no product of them.
#[test]
fn a_diagnosis_verifies_no_more_than_there_are_devices_and_signatures() {
    let auth_data = auth_data(50);
    let info = json!({
        "version": "1", "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "count": 0, "etag": "1",
        "auth_data": auth_data,
    });
    for count in [100, 400] {
        let devices: serde_json::Map<String, Value> = (0..count).map(device).collect();
        let body = json!({ "device_keys": { USER: devices } }).to_string().into_bytes();
        let budget = smallest_budget(|limits| {
            let response = Response::new(body.clone());
            let mut evidence = Evidence::new(USER.into());
            evidence.keys =
                Some(api::query_keys([], None).read_response(&response, limits).unwrap());
            let info = BackupVersionInfo::from_json(info.to_string().as_bytes(), limits).unwrap();
            evidence.take_current_backup(Some(info));
            format!("{:?}", diagnose(&evidence, None, limits))
        });
        println!("a diagnosis of {count} devices and 50 signatures verifies {budget} times");
        assert!((50..=count + 50).contains(&budget), "{count} devices: {budget}");
    }
}

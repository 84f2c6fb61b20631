//! Signed objects: the specification's examples, verbatim keeping, and a verdict for each signature.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use crate::support::signing::SignAnything as _;
use ed25519_dalek::{Signer as _, SigningKey};
use strongroom::{
    Limits,
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    encoding::{base64, format::FormatProblem},
    ids::{KeyId, UserId},
    signed_json::{SignatureReport, SignatureVerdict, SignedObject, TrustedSigner},
};

#[test]
fn the_signatures_of_the_specification_are_made_and_verified() {
    let seed = base64::decode_array("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1").unwrap();
    let key = SigningKey::from_bytes(&seed);
    let examples = [
        (
            "{}",
            "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ",
        ),
        (
            r#"{"one":1,"two":"Two"}"#,
            "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw",
        ),
    ];
    let (domain, key_id) = (UserId::from("domain"), KeyId::from("ed25519:1"));
    for (text, expected) in examples {
        let signature = sign(&key, &read(text));
        assert_eq!(signature.to_base64(), expected);
        let signed = read(text).with_signature(&domain, &key_id, &signature);
        let trusted = [trusted("ed25519:1", &key)];
        assert!(signed.verify(&domain, &trusted, &Limits::default()).all_valid());
    }
}

#[test]
fn signatures_and_unsigned_are_not_signed_and_nothing_else_is_left_out() {
    let object = read(r#"{"b":1,"signatures":{"x":{}},"unsigned":{"age":1},"a":{"unsigned":2}}"#);
    let signed = br#"{"a":{"unsigned":2},"b":1}"#;
    assert_eq!(object.bytes_to_sign().unwrap(), signed);
    let key = key(1);
    let signature = Ed25519Signature::from_bytes(key.sign(signed).to_bytes());
    let object = object.with_signature(&alice(), &"ed25519:A".into(), &signature);
    assert!(verify(&object, &[trusted("ed25519:A", &key)]).all_valid());
}

#[test]
fn an_object_is_kept_to_the_last_byte() {
    let text =
        r#"{ "public_key" : "abc=", "z":1.50, "\u0061":[ ], "signatures": {"@a:b":{"x":"y=="}} }"#;
    let object = read(text);
    assert_eq!(object.as_json(), text);
    assert_eq!(serde_json::to_string(&object).unwrap(), text);
}

#[test]
fn signatures_of_another_type_are_replaced_by_the_first_real_one() {
    for signatures in ["null", "[]", "\"x\"", "7"] {
        let object = read(&format!("{{\"a\":1,\"signatures\":{signatures}}}"));
        assert!(object.verify(&alice(), &[], &Limits::default()).signatures().is_empty());
        let key = key(1);
        let signature = sign(&key, &object);
        let signed = object.with_signature(&alice(), &"ed25519:A".into(), &signature);
        assert!(verify(&signed, &[trusted("ed25519:A", &key)]).all_valid());
    }
}

#[test]
fn every_signature_gets_its_own_verdict() {
    let (device, master, stranger) = (key(1), key(2), key(3));
    let object = read(r#"{"a":1}"#);
    let mut text = object
        .clone()
        .with_signature(&alice(), &"ed25519:DEVICE".into(), &sign(&device, &object))
        .with_signature(&alice(), &"ed25519:MASTER".into(), &sign(&stranger, &object))
        .with_signature(&alice(), &"ed25519:STRANGER".into(), &sign(&stranger, &object))
        .with_signature(
            &"@bob:example.org".into(),
            &"ed25519:DEVICE".into(),
            &sign(&device, &object),
        )
        .as_json()
        .to_owned();
    text = text.replace(
        r#""ed25519:STRANGER""#,
        r#""ed25519:SHORT":"abcd","ed25519:NUMBER":7,"rsa:X":"abcd","ed25519:STRANGER""#,
    );
    let trusted = [trusted("ed25519:DEVICE", &device), trusted("ed25519:MASTER", &master)];
    let report = verify(&read(&text), &trusted);
    let verdict = |key_id: &str| {
        let mut signatures = report.signatures().iter();
        signatures.find(|(label, _)| label.as_str() == key_id).map(|(_, verdict)| verdict.clone())
    };
    assert_eq!(verdict("ed25519:DEVICE"), Some(SignatureVerdict::Valid(trusted[0].clone())));
    assert_eq!(verdict("ed25519:MASTER"), Some(SignatureVerdict::Invalid));
    assert_eq!(verdict("ed25519:STRANGER"), Some(SignatureVerdict::UnknownSigner));
    assert_eq!(verdict("ed25519:SHORT"), Some(SignatureVerdict::Malformed));
    assert_eq!(verdict("ed25519:NUMBER"), Some(SignatureVerdict::Malformed));
    assert_eq!(verdict("rsa:X"), Some(SignatureVerdict::UnsupportedAlgorithm));
    assert_eq!(report.by_others(), 1);
    assert_eq!(report.trusted_signer(), Some(&trusted[0]));
    assert!(!report.all_valid());
}

/// Row 24 of the malformations: a device ID that is a master public key.
#[test]
fn the_bytes_of_the_verifying_key_decide_and_not_its_label() {
    let (master, impostor) = (key(1), key(2));
    let label = format!("ed25519:{}", trusted("", &master).key().to_base64());
    let object = read(r#"{"a":1}"#);
    let trusted = [trusted(&label, &master)];
    let forged =
        object.clone().with_signature(&alice(), &label.as_str().into(), &sign(&impostor, &object));
    assert_eq!(verify(&forged, &trusted).trusted_signer(), None);
    let mislabelled =
        object.clone().with_signature(&alice(), &"ed25519:OTHER".into(), &sign(&master, &object));
    assert_eq!(verify(&mislabelled, &trusted).trusted_signer(), Some(&trusted[0]));
}

/// Row 24 of the malformations: two trusted keys under one label, since a device can be called anything.
#[test]
fn two_trusted_keys_of_one_label_are_told_apart() {
    let (master, device) = (key(1), key(2));
    let label = format!("ed25519:{}", trusted("", &master).key().to_base64());
    let trusted = [trusted(&label, &master), trusted(&label, &device)];
    let object = read(r#"{"a":1}"#);
    for (signer, expected) in [&master, &device].into_iter().zip(&trusted) {
        let signature = sign(signer, &object);
        let signed = object.clone().with_signature(&alice(), &label.as_str().into(), &signature);
        assert_eq!(verify(&signed, &trusted).trusted_signer(), Some(expected));
    }
}

#[test]
fn one_key_under_two_labels_is_reported_under_that_of_the_signature() {
    let key = key(1);
    let trusted = [trusted("ed25519:OLD", &key), trusted("ed25519:NEW", &key)];
    let object = read(r#"{"a":1}"#);
    let signature = sign(&key, &object);
    let signed = object.with_signature(&alice(), &"ed25519:NEW".into(), &signature);
    assert_eq!(verify(&signed, &trusted).trusted_signer(), Some(&trusted[1]));
}

#[test]
fn a_trusted_key_counts_under_its_own_user_alone() {
    let key = key(1);
    let object = read(r#"{"a":1}"#);
    let signature = sign(&key, &object);
    let bob = UserId::from("@bob:example.org");
    let signed = object.with_signature(&bob, &"ed25519:A".into(), &signature);
    let report = verify(&signed, &[trusted("ed25519:A", &key)]);
    assert!(report.signatures().is_empty());
    assert_eq!((report.by_others(), report.trusted_signer()), (1, None));
    assert!(!report.all_valid());
}

/// Row 23 of the malformations.
#[test]
fn row_23_a_float_can_be_read_but_not_verified() {
    let object = read(r#"{"a":1.5}"#);
    let signature = Ed25519Signature::from_bytes([1; 64]);
    let signed = object.with_signature(&alice(), &"ed25519:A".into(), &signature);
    let report = verify(&signed, &[trusted("ed25519:A", &key(1))]);
    assert!(matches!(report.signatures()[0].1, SignatureVerdict::NotVerifiable(_)));
    assert!(signed.bytes_to_sign().is_err());
}

#[test]
fn padded_signatures_verify_as_well() {
    let key = key(1);
    let object = read(r#"{"a":1}"#);
    let signature = sign(&key, &object);
    let signed = object.with_signature(&alice(), &"ed25519:A".into(), &signature);
    let base64 = signature.to_base64();
    let padded = signed.as_json().replace(&base64, &format!("{base64}=="));
    assert!(verify(&read(&padded), &[trusted("ed25519:A", &key)]).all_valid());
}

#[test]
fn no_more_signatures_are_checked_than_the_limit_allows() {
    let many: Vec<_> = (0..150).map(|number| format!("\"ed25519:{number}\":\"x\"")).collect();
    let text = format!("{{\"signatures\":{{\"@alice:example.org\":{{{}}}}}}}", many.join(","));
    let report = verify(&read(&text), &[]);
    assert_eq!((report.signatures().len(), report.not_checked()), (100, 50));
    assert_eq!(report.to_string(), "0 of 100 signatures are valid, 50 more were not checked");
}

#[test]
fn signatures_by_trusted_labels_are_checked_before_others_fill_the_limit() {
    let key = key(1);
    let mut object = read(r#"{"a":1}"#);
    let signature = sign(&key, &object);
    for number in 0..120 {
        let label = KeyId::new(format!("ed25519:{number}"));
        object = object.with_signature(&alice(), &label, &Ed25519Signature::from_bytes([1; 64]));
    }
    object = object.with_signature(&alice(), &"ed25519:A".into(), &signature);
    let trusted = [trusted("ed25519:A", &key)];
    assert_eq!(verify(&object, &trusted).trusted_signer(), Some(&trusted[0]));
}

#[test]
fn something_else_in_the_place_of_signatures_is_malformed() {
    let report = verify(&read(r#"{"signatures":{"@alice:example.org":7}}"#), &[]);
    assert_eq!(report.signatures()[0].1, SignatureVerdict::Malformed);
}

#[test]
fn what_cannot_be_signed_is_refused_with_a_reason() {
    let error = |text: &str| SignedObject::from_json(text, &Limits::default()).unwrap_err();
    for text in ["null", "[]", "\"{}\"", "1"] {
        assert_eq!(error(text), FormatProblem::NotAnObject.of("it"), "{text}");
    }
    assert_eq!(error("{"), FormatProblem::NotJson.of("it"));
    assert_eq!(error(r#"{"a":1,"a":2}"#), FormatProblem::DuplicateMember.of("it"));
}

fn read(text: &str) -> SignedObject {
    SignedObject::from_json(text, &Limits::default()).unwrap()
}

fn verify(object: &SignedObject, trusted: &[TrustedSigner]) -> SignatureReport {
    object.verify(&alice(), trusted, &Limits::default())
}

fn sign(key: &SigningKey, object: &SignedObject) -> Ed25519Signature {
    Ed25519Signature::from_bytes(key.sign(&object.bytes_to_sign().unwrap()).to_bytes())
}

fn trusted(key_id: &str, key: &SigningKey) -> TrustedSigner {
    let public = Ed25519PublicKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
    TrustedSigner::new(key_id.into(), public)
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn alice() -> UserId {
    UserId::from("@alice:example.org")
}

/// With the work that is left, the right signature is found first: under its own label.
#[test]
fn signatures_are_verified_with_the_keys_of_their_labels_before_any_other() {
    let user = UserId::from("@a:b.org");
    let signing = |byte: u8| SigningKey::from_bytes(&[byte; 32]);
    let public =
        |byte: u8| Ed25519PublicKey::from_bytes(signing(byte).verifying_key().as_bytes()).unwrap();
    let sign = |object: SignedObject, label: &str, byte: u8| {
        let bytes = object.bytes_to_sign().unwrap();
        let signature = signing(byte).sign(&bytes).to_bytes();
        object.with_signature(&user, &label.into(), &Ed25519Signature::from_bytes(signature))
    };
    let mut object = SignedObject::from_json(r#"{"public_key":"x"}"#, &Limits::default()).unwrap();
    for n in 0..50 {
        object = sign(object, &format!("ed25519:A{n:02}"), 200);
    }
    object = sign(object, "ed25519:RIGHT", 1);
    let others =
        (10..60).map(|n| TrustedSigner::new(KeyId::new(format!("ed25519:T{n}")), public(n)));
    let right = TrustedSigner::new(KeyId::new("ed25519:RIGHT"), public(1));
    let trusted: Vec<_> = others.chain([right.clone()]).collect();
    let mut limits = Limits::default();
    for checks in [1, 51, 1_000] {
        limits.signature_checks = checks;
        let report = object.verify(&user, &trusted, &limits);
        assert_eq!(report.trusted_signer(), Some(&right), "{checks}");
        assert_eq!(report.signatures().len() + report.not_checked(), 51);
        // Each of the wrong ones is tried with 51 keys, and nothing is said of those for which no work was left.
        assert_eq!(report.signatures().len(), 1 + (checks - 1) / 51, "{checks}");
    }
    limits.signature_checks = 10_000;
    assert_eq!(object.verify(&user, &trusted, &limits).not_checked(), 0);
    // The label is another one, and the bytes decide.
    let renamed = [TrustedSigner::new(KeyId::new("ed25519:OTHER"), public(1))];
    assert_eq!(object.verify(&user, &renamed, &limits).trusted_signer(), Some(&renamed[0]));
}

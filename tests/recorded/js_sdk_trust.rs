//! Whole accounts of matrix-js-sdk on Synapse: who signed the backup, and whom that makes trusted.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail by a panic")]

use crate::support::{
    js_sdk::{accounts, decryption_key, version_info},
    vectors::Row,
};
use serde_json::Value;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, TrustError, TrustReason, TrustedBackup},
    crypto::ed25519::Ed25519PublicKey,
    ids::{DeviceId, KeyId, UserId},
    recovery_key::RecoveryKey,
    signed_json::{SignatureVerdict, SignedObject, TrustedSigner},
};

#[test]
fn the_backup_is_signed_by_the_device_and_by_the_master_key() {
    for account in accounts() {
        let (user_id, info) = (user_id(&account), version_info(&account));
        let auth_data = info.auth_data().expect("usable auth_data");
        for signer in [device_key(&account), master_key(&account)] {
            let trusted = [signer.clone()];
            let report = auth_data.check_signatures(&user_id, &trusted, &Limits::default());
            assert_eq!(report.trusted_signer(), Some(&signer));
        }
        let report = auth_data.check_signatures(&user_id, &signers(&account), &Limits::default());
        for (key_id, verdict) in report.signatures() {
            assert_ne!(*verdict, SignatureVerdict::Invalid, "{key_id}");
        }
    }
}

#[test]
fn the_signers_vouch_for_themselves_and_each_other() {
    for account in accounts() {
        let (device, master) = (device_key(&account), master_key(&account));
        let device_object = signed(device_keys(&account));
        assert!(is_signed_by(&device_object, &account, &device));
        assert!(!is_signed_by(&device_object, &account, &master), "self-signing signs devices");
        let self_signing = self_signing_key(&account);
        assert!(is_signed_by(&device_object, &account, &self_signing));
        let master_object = signed(of_user(&account, "master_keys"));
        assert!(is_signed_by(&master_object, &account, &master));
        assert!(is_signed_by(&master_object, &account, &device));
        let self_signing_object = signed(of_user(&account, "self_signing_keys"));
        assert!(is_signed_by(&self_signing_object, &account, &master));
    }
}

#[test]
fn a_changed_member_leaves_no_valid_signature() {
    for account in accounts() {
        let mut object = of_user(&account, "master_keys").clone();
        object.as_object_mut().expect("an object").insert("added".into(), Value::Bool(true));
        let changed = signed(&object);
        for signer in signers(&account) {
            assert!(!is_signed_by(&changed, &account, &signer));
        }
        let mut object = device_keys(&account).clone();
        let unsigned = serde_json::json!({"device_display_name": "another name"});
        object.as_object_mut().expect("an object").insert("unsigned".into(), unsigned);
        assert!(is_signed_by(&signed(&object), &account, &device_key(&account)), "not signed");
    }
}

#[test]
fn a_key_from_an_authentic_source_makes_the_backup_trusted() {
    for account in accounts() {
        let (info, stored) = (version_info(&account), decryption_key(&account));
        let shown = stored.to_recovery_key().to_text();
        let typed =
            RecoveryKey::typed_by_user(shown.expose_str()).expect("what was shown can be typed");
        let typed = BackupDecryptionKey::from_recovery_key(typed);
        for key in [stored, typed] {
            let backup = TrustedBackup::by_decryption_key(&info, &key, &[]).expect("it is trusted");
            assert_eq!(backup.version(), info.version());
            assert_eq!(backup.public_key(), key.public_key());
            assert_eq!(backup.reason(), &TrustReason::DecryptionKey(key.provenance()));
        }
    }
}

#[test]
fn a_signature_of_the_device_or_the_master_key_makes_the_backup_trusted() {
    for account in accounts() {
        let info = version_info(&account);
        for signer in [device_key(&account), master_key(&account)] {
            let backup = by_signature(&account, std::slice::from_ref(&signer)).expect("trusted");
            assert_eq!(backup.version(), info.version());
            assert_eq!(backup.public_key(), decryption_key(&account).public_key());
            assert_eq!(backup.reason(), &TrustReason::Signature(signer));
        }
    }
}

#[test]
fn without_a_trusted_key_the_backup_is_not_trusted() {
    for account in accounts() {
        let refused = by_signature(&account, &[]);
        assert!(matches!(refused, Err(TrustError::NoTrustedSignature(_))));
        // The self-signing key is the user's and signed by the master key, but not the backup's.
        let refused = by_signature(&account, &[self_signing_key(&account)]);
        assert!(matches!(refused, Err(TrustError::NoTrustedSignature(_))));
    }
}

#[test]
fn the_label_of_a_trusted_key_does_not_make_another_key_trusted() {
    for account in accounts() {
        for signer in [device_key(&account), master_key(&account)] {
            let other = vodozemac::Ed25519SecretKey::new().public_key();
            let other = Ed25519PublicKey::from_bytes(other.as_bytes()).expect("a public key");
            let refused =
                by_signature(&account, &[TrustedSigner::new(signer.key_id().clone(), other)]);
            assert!(matches!(refused, Err(TrustError::NoTrustedSignature(_))));
        }
    }
}

#[test]
fn the_signatures_of_one_user_make_nothing_trusted_for_another() {
    for account in accounts() {
        let (info, signers) = (version_info(&account), signers(&account));
        let other = UserId::from("@somebody.else:example.org");
        let refused = TrustedBackup::by_signature(&info, &other, &signers, &[], &Limits::default());
        assert!(matches!(refused, Err(TrustError::NoTrustedSignature(_))));
    }
}

#[test]
fn the_key_of_another_backup_makes_nothing_trusted() {
    for account in accounts() {
        let info = version_info(&account);
        let other = BackupDecryptionKey::generate().expect("randomness");
        let refused = TrustedBackup::by_decryption_key(&info, &other, &[]);
        let expected = TrustError::OtherPublicKey {
            backup: *decryption_key(&account).public_key(),
            key: *other.public_key(),
        };
        assert_eq!(refused.err(), Some(expected));
    }
}

#[test]
fn a_key_that_the_server_could_have_planted_makes_nothing_trusted() {
    for account in accounts() {
        let info = version_info(&account);
        let text = account.text("backup_decryption_key_base64");
        let planted = BackupDecryptionKey::from_base64(text);
        let planted = planted.expect("a key in base64");
        let refused = TrustedBackup::by_decryption_key(&info, &planted, &[]);
        assert_eq!(refused.err(), Some(TrustError::UnauthenticatedSource));
        let accepted = planted.accept_unauthenticated();
        assert!(TrustedBackup::by_decryption_key(&info, &accepted, &[]).is_ok());
    }
}

#[test]
fn a_retired_backup_is_refused_whoever_vouches_for_it() {
    for account in accounts() {
        let (info, key) = (version_info(&account), decryption_key(&account));
        let retired = [*key.public_key()];
        let refused = TrustedBackup::by_decryption_key(&info, &key, &retired);
        assert_eq!(refused.err(), Some(TrustError::Retired));
        let (user_id, signers) = (user_id(&account), signers(&account));
        let refused =
            TrustedBackup::by_signature(&info, &user_id, &signers, &retired, &Limits::default());
        assert_eq!(refused.err(), Some(TrustError::Retired));
    }
}

fn by_signature(account: &Row, trusted: &[TrustedSigner]) -> Result<TrustedBackup, TrustError> {
    let (info, user_id) = (version_info(account), user_id(account));
    TrustedBackup::by_signature(&info, &user_id, trusted, &[], &Limits::default())
}

fn is_signed_by(object: &SignedObject, account: &Row, signer: &TrustedSigner) -> bool {
    let trusted = std::slice::from_ref(signer);
    object.verify(&user_id(account), trusted, &Limits::default()).trusted_signer() == Some(signer)
}

fn signed(object: &Value) -> SignedObject {
    SignedObject::from_json(&object.to_string(), &Limits::default()).expect("an object")
}

fn signers(account: &Row) -> Vec<TrustedSigner> {
    vec![device_key(account), master_key(account)]
}

fn device_key(account: &Row) -> TrustedSigner {
    let key_id = KeyId::ed25519(&DeviceId::from(account.text("device_id")));
    let key = device_keys(account).get("keys").and_then(|keys| keys.get(key_id.as_str()));
    let key = key.and_then(Value::as_str).expect("the device has an Ed25519 key");
    TrustedSigner::new(key_id, Ed25519PublicKey::from_base64(key).expect("a public key"))
}

fn master_key(account: &Row) -> TrustedSigner {
    only_key(of_user(account, "master_keys"))
}

fn self_signing_key(account: &Row) -> TrustedSigner {
    only_key(of_user(account, "self_signing_keys"))
}

/// The key of a cross-signing object, which has one.
fn only_key(object: &Value) -> TrustedSigner {
    let keys = object.get("keys").and_then(Value::as_object).expect("keys");
    let (key_id, key) = keys.iter().next().expect("a cross-signing object has one key");
    let key = Ed25519PublicKey::from_base64(key.as_str().expect("base64")).expect("a public key");
    TrustedSigner::new(KeyId::from(key_id.as_str()), key)
}

fn device_keys(account: &Row) -> &Value {
    let device_id = account.text("device_id");
    of_user(account, "device_keys").get(device_id).unwrap_or_else(|| panic!("no {device_id}"))
}

fn of_user<'a>(account: &'a Row, member: &str) -> &'a Value {
    let objects = account.member("keys_query").get(member);
    let own = objects.and_then(|objects| objects.get(account.text("user_id")));
    own.unwrap_or_else(|| panic!("the user has no {member}"))
}

fn user_id(account: &Row) -> UserId {
    UserId::from(account.text("user_id"))
}

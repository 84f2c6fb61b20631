//! Which seeds sign.

use serde_json::json;
use strongroom::{
    cross_signing::CrossSigningError,
    provenance::Provenance,
    secret::SecretVec,
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING, SecretValue,
    },
    signed_json::CrossSigningUsage,
};
use vodozemac::Ed25519SecretKey;

use crate::account::{
    Account, USER, authentic, described, label, public, read, signed, unauthenticated,
};

#[test]
fn authentic_seeds_of_both_keys_are_enough() {
    let account = Account::new();
    let key = account.key_with(None, &account.seeds()).unwrap();
    assert_eq!(*key.master_key(), public(&account.master));
    assert_eq!(*key.public_key(), public(&account.self_signing));
    assert_eq!(key.user_id().as_str(), USER);
}

#[test]
fn with_a_pinned_master_key_the_self_signing_seed_is_enough() {
    let account = Account::new();
    let seeds = [authentic(CROSS_SIGNING_SELF_SIGNING, &account.self_signing)];
    assert!(account.key_with(account.pinned(), &seeds).is_ok());
    // A stored master seed that is out of date says nothing against the pinned key.
    let old = authentic(CROSS_SIGNING_MASTER, &Ed25519SecretKey::new());
    assert!(account.key_with(account.pinned(), &[seeds[0].clone(), old]).is_ok());
}

#[test]
fn an_authentic_self_signing_seed_alone_does_not_sign() {
    let account = Account::new();
    let seeds = [authentic(CROSS_SIGNING_SELF_SIGNING, &account.self_signing)];
    let error = account.key_with(None, &seeds).unwrap_err();
    assert_eq!(error, CrossSigningError::MasterKeyNotVerified);
    // The homeserver puts the user's self-signing key under a master key of its own.
    let mut lied = account;
    let evil = Ed25519SecretKey::new();
    lied.master_object = described(&evil, "master");
    let key = described(&lied.self_signing, "self_signing");
    lied.self_signing_object = signed(key, &label(&evil), &evil);
    let error = lied.key_with(None, &seeds).unwrap_err();
    assert_eq!(error, CrossSigningError::MasterKeyNotVerified);
}

#[test]
fn a_swapped_master_key_signs_nothing() {
    let mut account = Account::new();
    let (pinned, seeds) = (account.pinned(), account.seeds());
    let evil = Ed25519SecretKey::new();
    account.master_object = described(&evil, "master");
    for also_signs in [false, true] {
        if also_signs {
            let key = described(&account.self_signing, "self_signing");
            account.self_signing_object = signed(key, &label(&evil), &evil);
        }
        let error = account.key_with(pinned, &seeds).unwrap_err();
        assert_eq!(error, CrossSigningError::OtherMasterKey);
        let error = account.key_with(None, &seeds).unwrap_err();
        assert_eq!(error, CrossSigningError::OtherMasterSeed);
    }
}

#[test]
fn an_unauthenticated_seed_neither_signs_nor_proves_the_master_key() {
    let account = Account::new();
    let [master, self_signing] = [
        unauthenticated(CROSS_SIGNING_MASTER, &account.master),
        unauthenticated(CROSS_SIGNING_SELF_SIGNING, &account.self_signing),
    ];
    let of_self_signing = authentic(CROSS_SIGNING_SELF_SIGNING, &account.self_signing);
    let error = account.key_with(None, &[master, of_self_signing]).unwrap_err();
    assert_eq!(error, CrossSigningError::MasterKeyNotVerified);
    let error =
        account.key_with(account.pinned(), std::slice::from_ref(&self_signing)).unwrap_err();
    assert_eq!(error, CrossSigningError::Unauthenticated);
    // Unless the user says so.
    let accepted = self_signing.accept_unauthenticated();
    assert_eq!(accepted.provenance(), Provenance::AcceptedByUser);
    assert!(account.key_with(account.pinned(), &[accepted]).is_ok());
}

/// What only a device vouches for does not become a signature, which stays when the device is blocked.
#[test]
fn a_seed_that_a_device_has_shared_signs_and_does_not_prove_the_master_key() {
    let account = Account::new();
    let shared = account.seeds().into_iter().map(|seed| {
        let saved = seed.save(&USER.into(), &"PHONE".into());
        let saved = str::from_utf8(saved.expose_bytes()).unwrap();
        let device = public(&Ed25519SecretKey::new()).to_base64();
        let provenance = format!("{{\"shared_by_verified_device\":\"{device}\"}}");
        let saved = saved.replace("\"kept_by_host\"", &provenance);
        let saved = SecretVec::from(saved.as_bytes());
        SecretValue::from_saved(&saved, &USER.into(), &"PHONE".into()).unwrap()
    });
    let shared: Vec<_> = shared.collect();
    assert!(matches!(shared[0].provenance(), Provenance::SharedByVerifiedDevice(_)));
    let error = account.key_with(None, &shared).unwrap_err();
    assert_eq!(error, CrossSigningError::MasterKeyNotVerified);
    assert!(account.key_with(account.pinned(), &shared).is_ok());
}

#[test]
fn a_seed_of_another_key_or_name_signs_nothing() {
    let account = Account::new();
    let error = |seeds: &[SecretValue]| account.key_with(account.pinned(), seeds).unwrap_err();
    assert_eq!(error(&[]), CrossSigningError::NoSeed);
    let other = authentic(CROSS_SIGNING_SELF_SIGNING, &Ed25519SecretKey::new());
    assert_eq!(error(std::slice::from_ref(&other)), CrossSigningError::OtherSeed);
    let fitting = unauthenticated(CROSS_SIGNING_SELF_SIGNING, &account.self_signing);
    assert_eq!(error(&[other.clone(), fitting]), CrossSigningError::OtherSeed);
    for name in [CROSS_SIGNING_MASTER, CROSS_SIGNING_USER_SIGNING] {
        let misnamed = authentic(name, &account.self_signing);
        assert_eq!(error(&[misnamed]), CrossSigningError::NoSeed);
    }
    // Beside one that fits, another one of the same name costs nothing.
    let fitting = authentic(CROSS_SIGNING_SELF_SIGNING, &account.self_signing);
    assert!(account.key_with(account.pinned(), &[other, fitting]).is_ok());
}

#[test]
fn a_self_signing_key_that_the_master_key_did_not_sign_signs_nothing() {
    let evil = Ed25519SecretKey::new();
    let account = Account::new();
    let own = described(&account.self_signing, "self_signing");
    let master = label(&account.master);
    let mut other_signature = account.self_signing_object.clone();
    let made = signed(described(&evil, "self_signing"), &master, &account.master);
    other_signature["signatures"] = made["signatures"].clone();
    for object in [
        own.clone(),
        signed(own.clone(), &label(&evil), &evil),
        signed(own.clone(), &master, &evil),
        signed(own, &label(&account.self_signing), &account.self_signing),
        other_signature,
    ] {
        let mut lied = Account { self_signing_object: object, ..Account::new() };
        lied.master_object = account.master_object.clone();
        for pinned in [None, account.pinned()] {
            let error = lied.key_with(pinned, &account.seeds()).unwrap_err();
            assert_eq!(error, CrossSigningError::NotSignedByMaster);
        }
    }
}

#[test]
fn a_published_key_with_any_other_member_is_named_and_signs_nothing() {
    for (name, value) in [("x", json!(1)), ("x", json!(1.5)), ("user_id\u{202e}", json!(null))] {
        let mut account = Account::new();
        account.master_object[name] = value.clone();
        let error = account.key_with(account.pinned(), &account.seeds()).unwrap_err();
        let CrossSigningError::Members { usage, members } = &error else { panic!("{error:?}") };
        assert_eq!((*usage, members.len()), (CrossSigningUsage::Master, 1));
        assert!(!error.to_string().contains('\u{202e}') && error.to_string().contains("master"));

        let mut account = Account::new();
        account.self_signing_object[name] = value;
        let error = account.key_with(account.pinned(), &account.seeds()).unwrap_err();
        let usage = CrossSigningUsage::SelfSigning;
        assert!(matches!(error, CrossSigningError::Members { usage: it, .. } if it == usage));
    }
    let mut account = Account::new();
    let key = public(&account.master).to_base64();
    account.master_object["keys"] = json!({ "ed25519:other": key });
    let error = account.key_with(account.pinned(), &account.seeds()).unwrap_err();
    assert!(matches!(error, CrossSigningError::Members { .. }), "another label");
}

#[test]
fn signatures_and_unsigned_of_published_keys_may_be_anything() {
    let mut account = Account::new();
    account.master_object["signatures"] = json!({ "x": 1.5, "@alice:example.org": [] });
    account.master_object["unsigned"] = json!([{ "x": 1e300 }]);
    account.self_signing_object["unsigned"] = json!(2.5);
    account.self_signing_object["signatures"]["@bob:example.org"] = json!(7);
    assert!(account.key_with(None, &account.seeds()).is_ok());
}

#[test]
fn keys_of_another_use_or_one_key_for_both_are_no_identity() {
    let account = Account::new();
    let (master, self_signing) = (
        read(CrossSigningUsage::Master, &account.master_object),
        read(CrossSigningUsage::SelfSigning, &account.self_signing_object),
    );
    let twice = signed(
        described(&account.master, "self_signing"),
        &label(&account.master),
        &account.master,
    );
    let twice = read(CrossSigningUsage::SelfSigning, &twice);
    for (first, second) in [
        (&self_signing, &master),
        (&master, &master),
        (&self_signing, &self_signing),
        (&master, &twice),
    ] {
        let seeds = account.seeds();
        let error = strongroom::cross_signing::SelfSigningKey::new(
            first,
            second,
            account.pinned(),
            &seeds,
            &strongroom::Limits::default(),
        );
        assert_eq!(error.unwrap_err(), CrossSigningError::NotOneIdentity);
    }
}

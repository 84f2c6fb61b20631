//! A homeserver describes a key with nothing to check it by and one round of PBKDF2, and says that the backup key is that
//! key. What comes out of what the user types must then stand in no report and decide no request: each would tell whoever
//! sees it whether a passphrase was guessed.
//!
//! Reproduction `leak`.

use http::Response;
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::json;
use strongroom::{
    Limits,
    api::{AccessToken, BaseUrl},
    backup::BackupDecryptionKey,
    client::{
        backup::{Backup, BackupOptions},
        diagnose::{CurrentBackup, Evidence, diagnose},
        flow::{Entered, Flow as _, Recover, Step},
    },
    crypto::aes_hmac_sha2::KeyCheck,
    passphrase::PassphraseParameters,
    secret::SecretBytes,
    secret_storage::{NewKey, VerifiedPublicKeys},
    secret_value::PublicKeys,
};

use crate::house::{
    BACKUP, Events, USER, auth_data, event, info, label, master, public, signed, storage, version,
};

const TYPED: &str = "the real passphrase";

/// The key that one round makes of what is typed.
fn guess() -> BackupDecryptionKey {
    let read = PassphraseParameters::from_parts(1, "x", None, &Limits::default()).unwrap();
    let derived = read.parameters.derive(TYPED);
    BackupDecryptionKey::from_bytes(SecretBytes::from_slice(derived.expose_bytes()).unwrap())
}

/// The key that the homeserver made up, beside one that is the user's for sure: what is typed gives both.
fn account() -> Events {
    let passphrase =
        |rounds: u64| json!({"algorithm": "m.pbkdf2", "salt": "x", "iterations": rounds});
    let read = PassphraseParameters::from_parts(20, "x", None, &Limits::default()).unwrap();
    let check = KeyCheck::new(&read.parameters.derive(TYPED)).unwrap();
    let made_up = json!({
        "algorithm": "m.secret_storage.v1.curve25519-aes-sha2", "passphrase": passphrase(1),
    });
    let real = json!({
        "algorithm": "m.secret_storage.v1.aes-hmac-sha2", "passphrase": passphrase(20),
        "iv": check.iv.to_base64(), "mac": check.mac.to_base64(),
    });
    let passthrough = json!({ "encrypted": { "made_up": { "passthrough": true } } });
    vec![
        event("m.secret_storage.default_key", &json!({ "key": "made_up" })),
        event("m.secret_storage.key.made_up", &made_up),
        event("m.secret_storage.key.real", &real),
        event(BACKUP, &passthrough),
        event("m.megolm_backup.v1.recovery_key", &passthrough),
    ]
}

#[test]
fn nothing_of_an_unverifiable_key_stands_in_a_report() {
    let other = BackupDecryptionKey::generate().unwrap();
    let mut evidence = Evidence::new(USER.into());
    evidence.storage = Some(storage(&account()));
    evidence.backup = CurrentBackup::Version(Box::new(info(&auth_data(&other))));
    let diagnosis = diagnose(&evidence, Some(TYPED), &Limits::default());
    let mut report = format!("{diagnosis:?}{:?}", diagnosis.remedies());
    diagnosis.findings().iter().for_each(|finding| report.push_str(&finding.to_string()));
    diagnosis.remedies().iter().for_each(|remedy| report.push_str(&remedy.to_string()));
    assert!(!report.contains(&guess().public_key().to_base64()), "{report}");
    let findings = |shown: &BackupDecryptionKey| {
        let mut evidence = evidence.clone();
        evidence.backup = CurrentBackup::Version(Box::new(info(&auth_data(shown))));
        let diagnosis = diagnose(&evidence, Some(TYPED), &Limits::default());
        diagnosis.findings().iter().map(|finding| finding.code()).collect::<Vec<_>>()
    };
    assert_eq!(findings(&guess()), findings(&other), "whether a guess was right is not told");
}

/// The backup is the user's for sure, and its public key is shown or not what the guess gives.
#[test]
fn no_finding_tells_whether_a_guess_is_the_key_of_the_users_backup() {
    let findings = |shown: &BackupDecryptionKey| {
        let mut evidence = Evidence::new(USER.into());
        evidence.storage = Some(storage(&account()));
        evidence.master_key = Some(public(&master()));
        let signed = signed(&auth_data(shown), &master(), &label(&master()));
        evidence.backup = CurrentBackup::Version(Box::new(info(&signed)));
        let diagnosis = diagnose(&evidence, Some(TYPED), &Limits::default());
        diagnosis.findings().iter().map(|finding| finding.code()).collect::<Vec<_>>()
    };
    let other = BackupDecryptionKey::generate().unwrap();
    assert!(findings(&other).contains(&"secret.unauthenticated"));
    assert_eq!(findings(&guess()), findings(&other));
}

#[test]
fn no_plan_tells_whether_a_guess_is_the_key_of_the_users_backup() {
    let storage = storage(&account());
    let keys = storage.unlock(TYPED, &PublicKeys::default(), &Limits::default()).unwrap().keys;
    let new_key = NewKey::generate(None).unwrap();
    let plan = |pinned: &BackupDecryptionKey| {
        let mut verified = VerifiedPublicKeys::none(USER.into());
        verified.pin_backup(*pinned.public_key().as_curve25519());
        let plan = storage.plan(&keys, &Limits::default(), |change| {
            change.believe(&verified, &[]);
            change.migrate(&new_key, &verified, &[])
        });
        plan.unwrap().to_string()
    };
    let other = BackupDecryptionKey::generate().unwrap();
    assert!(plan(&other).contains("does not open with the keys at hand"), "{}", plan(&other));
    assert_eq!(plan(&guess()), plan(&other));
}

#[test]
fn an_unverifiable_key_decides_no_request() {
    let requests = |shown: &BackupDecryptionKey| {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let backup = Backup::new(USER.into(), "PHONE".into(), options, limits);
        let mut flow = Recover::new(backup, VerifiedPublicKeys::none(USER.into()), limits);
        let (mut requests, rng) = (Vec::new(), &mut StdRng::seed_from_u64(1));
        let (url, token) = (BaseUrl::new("https://h").unwrap(), AccessToken::from("token"));
        for now in 1..100 {
            match flow.next(now, rng) {
                Step::Save(_) => flow.saved(),
                Step::Send(operation) => {
                    let request = operation.to_http(&url, &token).unwrap();
                    requests.push(format!("{} {}", request.method(), request.uri()));
                    let (status, body) = if request.uri().path().ends_with("/room_keys/version") {
                        (200, version(&auth_data(shown)))
                    } else {
                        (404, json!({ "errcode": "M_NOT_FOUND", "error": "" }))
                    };
                    let body = body.to_string().into_bytes();
                    let response = Response::builder().status(status).body(body).unwrap();
                    flow.answer(operation.id(), Ok(response), now).unwrap();
                }
                Step::ReadAccountData => flow.account_data(account()),
                Step::Secrets(_) => {}
                Step::EnterKey => {
                    assert_eq!(flow.enter(TYPED, now).unwrap(), Entered::StorageKey);
                }
                Step::Done(recovered) => {
                    assert_eq!(recovered.key, None, "nothing is said of the made-up key");
                    return requests;
                }
                _ => {}
            }
        }
        panic!("it does not end: {requests:?}")
    };
    let other = BackupDecryptionKey::generate().unwrap();
    assert_eq!(requests(&guess()), requests(&other), "no request tells that a guess was right");
}

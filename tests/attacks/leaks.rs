//! A homeserver describes a key with nothing to check it by and one round of PBKDF2, and says that the backup key is that
//! key. What comes out of what the user types must then stand in no report and decide no request: each would tell whoever
//! sees it whether a passphrase was guessed.
//!
//! Reproduction `leak`.

use http::Response;
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::{AccessToken, BaseUrl},
    backup::BackupDecryptionKey,
    client::{
        KeyKind,
        backup::{Backup, BackupOptions, KeyFit},
        diagnose::{Evidence, diagnose},
        flow::{EnterError, Flow as _, Recover, Step},
    },
    crypto::key_material::KeyMaterial,
    encoding::base64,
    passphrase::PassphraseParameters,
    secret::SecretBytes,
    secret_storage::{KeyStanding, NewKey, SecretOpenError, VerifiedPublicKeys},
    secret_value::PublicKeys,
};

use crate::{
    house::{
        BACKUP, Events, USER, auth_data, event, info, label, master, public, signed, storage,
        version,
    },
    primitives::aes_hmac_sha2::{self, KeyCheck},
};

const TYPED: &str = "the real passphrase";

/// The key that one round makes of what is typed.
fn guess() -> BackupDecryptionKey {
    let bytes = SecretBytes::from_slice(derived(TYPED, 1).expose_bytes());
    BackupDecryptionKey::from_bytes(bytes.unwrap())
}

/// The key that the homeserver made up, beside one that is the user's for sure: what is typed gives both.
fn account() -> Events {
    let passphrase =
        |rounds: u64| json!({"algorithm": "m.pbkdf2", "salt": "x", "iterations": rounds});
    let read = PassphraseParameters::from_parts(20, "x", None, &Limits::default()).unwrap();
    let check = KeyCheck::new(&read.value.derive(TYPED));
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
    evidence.take_current_backup(Some(info(&auth_data(&other))));
    let diagnosis = diagnose(&evidence, Some(TYPED), &Limits::default());
    let mut report = format!("{diagnosis:?}{:?}", diagnosis.remedies());
    diagnosis.findings().iter().for_each(|finding| report.push_str(&finding.to_string()));
    diagnosis.remedies().iter().for_each(|remedy| report.push_str(&remedy.to_string()));
    assert!(!report.contains(&guess().public_key().to_base64()), "{report}");
    let findings = |shown: &BackupDecryptionKey| {
        let mut evidence = evidence.clone();
        evidence.take_current_backup(Some(info(&auth_data(shown))));
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
        evidence.take_current_backup(Some(info(&signed)));
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

/// The homeserver takes away what the key is checked by, asks for one round, and stores a secret for each of its guesses.
#[test]
fn no_report_tells_which_planted_secret_a_guess_opens() {
    let said = |guesses: [&str; 3]| {
        let passphrase = json!({ "algorithm": "m.pbkdf2", "salt": "x", "iterations": 1 });
        let algorithm = "m.secret_storage.v1.aes-hmac-sha2";
        let description = json!({ "algorithm": algorithm, "passphrase": passphrase });
        let mut events = account();
        events.retain(|(event_type, _)| event_type.as_str().ends_with(".real"));
        events.push(event("m.secret_storage.default_key", &json!({ "key": "made_up" })));
        events.push(event("m.secret_storage.key.made_up", &description));
        for (n, guess) in guesses.iter().enumerate() {
            let name = format!("org.example.{n}");
            let entry = entry(&derived(guess, 1), &name, "s");
            events.push(event(&name, &json!({ "encrypted": { "made_up": entry } })));
        }
        let storage = storage(&events);
        let mut keys =
            storage.unlock(TYPED, &PublicKeys::default(), &Limits::default()).unwrap().keys;
        let verdicts = storage.open_all(&mut keys, &PublicKeys::default());
        assert!(verdicts.iter().all(|it| matches!(it.outcome, Err(SecretOpenError::NotTried))));
        let mut evidence = Evidence::new(USER.into());
        evidence.storage = Some(storage);
        let diagnosis = diagnose(&evidence, Some(TYPED), &Limits::default());
        format!("{diagnosis:?}{:?}{:?}", diagnosis.compared(), diagnosis.remedies())
    };
    assert_eq!(said(["a", "b", "c"]), said(["a", TYPED, "c"]));
}

/// The homeserver describes a key for each of its guesses, with all that it is checked by, and puts a backup key of its own
/// under each of them, beside what stands under the user's key or in its place.
#[test]
fn beside_a_sure_key_a_guess_that_is_checked_decides_no_request() {
    let real = derived(TYPED, 10_000);
    let (users, planted) =
        (BackupDecryptionKey::generate().unwrap(), BackupDecryptionKey::generate().unwrap());
    let account = |guesses: [&str; 3], under_real: Option<&str>| {
        let mut entries = json!({});
        let mut events = vec![event("m.secret_storage.key.real", &described(&real, 10_000))];
        for (n, guess) in guesses.iter().enumerate() {
            let (id, key) = (format!("a{n}"), derived(guess, 1));
            events.push(event(&format!("m.secret_storage.key.{id}"), &described(&key, 1)));
            entries[id] = entry(&key, BACKUP, planted.to_base64().expose_str());
        }
        let value = users.to_base64();
        match under_real {
            Some(BACKUP) => entries["real"] = entry(&real, BACKUP, value.expose_str()),
            Some(name) => {
                let entry = entry(&real, name, "another secret");
                events.push(event(name, &json!({ "encrypted": { "real": entry } })));
            }
            None => {}
        }
        events.push(event(BACKUP, &json!({ "encrypted": entries })));
        events
    };
    let cases = [Some(BACKUP), Some("org.example.other"), None];
    let cases = cases.into_iter().flat_map(|under| [(under, &users), (under, &planted)]);
    for (under_real, shown) in cases {
        let said = |guesses| {
            let events = account(guesses, under_real);
            let storage = storage(&events);
            let unlocked = storage.unlock(TYPED, &PublicKeys::default(), &Limits::default());
            let reason = unlocked.as_ref().err().map(|error| error.reason.to_string());
            assert_eq!(reason.is_none(), under_real.is_some(), "{reason:?}");
            let mut keys = unlocked.map_or_else(|_| Vec::new(), |unlocked| unlocked.keys);
            let opened = storage.open(&BACKUP.into(), &mut keys, &PublicKeys::default());
            let is_users = opened.is_ok_and(|opened| opened.is_authenticated());
            assert_eq!(is_users, under_real == Some(BACKUP));
            let followed = recovered(&events, shown, |flow, now| {
                assert_eq!(flow.enter(TYPED, now).is_ok(), under_real.is_some());
                flow.skip_key(now);
            });
            (reason, followed)
        };
        assert_eq!(said(["a", "b", "c"]), said(["a", TYPED, "c"]));
    }
}

/// A symmetric key that so many rounds made, with all that it is checked by.
fn described(key: &KeyMaterial, rounds: i64) -> Value {
    let check = KeyCheck::with_rng(key, &mut StdRng::seed_from_u64(6));
    json!({
        "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
        "passphrase": { "algorithm": "m.pbkdf2", "salt": "x", "iterations": rounds },
        "iv": check.iv.to_base64(), "mac": check.mac.to_base64(),
    })
}

/// The key that so many rounds make of a text.
fn derived(text: &str, rounds: i64) -> KeyMaterial {
    let read = PassphraseParameters::from_parts(rounds, "x", None, &Limits::default()).unwrap();
    read.value.derive(text)
}

/// A secret as a key encrypts it.
fn entry(key: &KeyMaterial, name: &str, text: &str) -> Value {
    let rng = &mut StdRng::seed_from_u64(5);
    let sealed = aes_hmac_sha2::seal_with_rng(key, name, text.as_bytes(), rng);
    json!({
        "iv": sealed.iv.to_base64(), "ciphertext": base64::encode(&sealed.ciphertext),
        "mac": sealed.mac.to_base64(),
    })
}

/// The requests of a recovery, and what came of the backup's key.
fn recovered(
    account: &Events,
    shown: &BackupDecryptionKey,
    enter: impl Fn(&mut Recover, u64),
) -> (Vec<String>, Option<KeyFit>) {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let backup = Backup::new(USER.into(), "PHONE".into(), options, limits);
    let mut flow = Recover::new(backup, VerifiedPublicKeys::none(USER.into()), limits);
    let (mut requests, rng) = (Vec::new(), &mut StdRng::seed_from_u64(1));
    let (url, token) = (BaseUrl::new("https://h").unwrap(), AccessToken::from("token"));
    for now in 1..100 {
        match flow.next_with_rng(now, rng) {
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
                flow.answer(operation.id(), Some(response), now).unwrap();
            }
            Step::ReadAccountData => flow.account_data(account.clone()),
            Step::EnterKey => enter(&mut flow, now),
            Step::Done(recovered) => return (requests, recovered.key),
            _ => {}
        }
    }
    panic!("it does not end: {requests:?}")
}

#[test]
fn an_unverifiable_key_decides_no_request() {
    let name = "org.example.own";
    let under_real = json!({ "encrypted": { "real": entry(&derived(TYPED, 20), name, "x") } });
    let opening = [account(), vec![event(name, &under_real)]].concat();
    // What opens nothing is refused; what opens something goes on, and the key of the backup is asked for.
    for (events, expected) in
        [(account(), Err(EnterError::NotConfirmed)), (opening, Ok(KeyKind::Storage))]
    {
        let requests = |shown: &BackupDecryptionKey| {
            let (requests, key) = recovered(&events, shown, |flow, now| {
                assert_eq!(flow.enter(TYPED, now), expected);
                flow.skip_key(now);
            });
            assert_eq!(key, None, "nothing is said of the made-up key");
            requests
        };
        let other = BackupDecryptionKey::generate().unwrap();
        assert_eq!(requests(&guess()), requests(&other), "no request tells that a guess was right");
    }
}

/// The host has kept a key, and the homeserver describes one of its own under the same ID.
#[test]
fn a_guess_under_the_id_of_the_hosts_key_is_a_guess() {
    let material = KeyMaterial::from_slice(&[7; 32]).unwrap();
    let check = KeyCheck::new(&material);
    let before = storage(&vec![event(
        "m.secret_storage.key.made_up",
        &json!({
            "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
            "iv": check.iv.to_base64(), "mac": check.mac.to_base64(),
        }),
    )]);
    let kept = before.key(&"made_up".into()).unwrap().accept(&material).unwrap();
    assert_eq!(kept.standing(), KeyStanding::Checked);
    let storage = storage(&account());
    let findings = |shown: &BackupDecryptionKey| {
        let mut evidence = Evidence::new(USER.into());
        evidence.storage = Some(storage.clone());
        evidence.storage_keys = vec![kept.clone()];
        evidence.take_current_backup(Some(info(&auth_data(shown))));
        let diagnosis = diagnose(&evidence, Some(TYPED), &Limits::default());
        let codes = diagnosis.findings().iter().map(|finding| finding.code());
        (codes.collect::<Vec<_>>(), format!("{diagnosis:?}"))
    };
    let other = BackupDecryptionKey::generate().unwrap();
    let (codes, report) = findings(&other);
    assert!(!report.contains(&guess().public_key().to_base64()), "{report}");
    assert_eq!(findings(&guess()).0, codes);
    let typed = storage.unlock(TYPED, &PublicKeys::default(), &Limits::default()).unwrap().keys;
    let requests = |shown: &BackupDecryptionKey| {
        recovered(&account(), shown, |flow, now| {
            flow.unlocked([vec![kept.clone()], typed.clone()].concat(), now);
            flow.skip_key(now);
        })
    };
    assert_eq!(requests(&guess()), requests(&other));
}

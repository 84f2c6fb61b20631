//! A passphrase that others can find by trying vouches for nothing: one rule for a backup's own passphrase and for that
//! of secret storage, since a homeserver writes the parameters of both.

use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::json;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, TrustError, TrustedBackup},
    client::{
        backup::{KeyFit, Stage},
        diagnose::{Evidence, Remedy, RepairParts, RepairPlan, diagnose},
        flow::{Flow as _, Recover, Step},
    },
    crypto::key_material::KeyMaterial,
    encoding::{base64, json_object::JsonObject},
    ids::EventType,
    passphrase::PassphraseParameters,
    provenance::Provenance,
    secret::SecretBytes,
    secret_storage::{
        ChangeError, KeyStanding, NewKey, PlanNote, UnlockOutcome, VerifiedPublicKeys,
    },
    secret_value::{PublicKeys, SecretValue},
    signed_json::TrustedSigner,
};

use crate::{
    driver::Driver,
    house::{
        ALGORITHM, BACKUP, Events, USER, after, auth_data, event, info, planted, public, signed,
        storage,
    },
    primitives::aes_hmac_sha2::{self, KeyCheck},
};

/// A storage whose key comes from the passphrase `1234` in so many rounds, with a backup key in it. A homeserver that finds
/// the passphrase can have written all of it.
fn account(rounds: i64, backup: &BackupDecryptionKey) -> Events {
    let limits = Limits::default();
    let read = PassphraseParameters::from_parts(rounds, "salt", None, &limits).unwrap();
    let key = read.value.derive("1234");
    let rng = &mut StdRng::seed_from_u64(1);
    let check = KeyCheck::with_rng(&key, rng);
    let text = backup.to_base64();
    let sealed = aes_hmac_sha2::seal_with_rng(&key, BACKUP, text.expose_str().as_bytes(), rng);
    vec![
        event("m.secret_storage.default_key", &json!({ "key": "weak" })),
        event(
            "m.secret_storage.key.weak",
            &json!({
                "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
                "passphrase": { "algorithm": "m.pbkdf2", "iterations": rounds, "salt": "salt" },
                "iv": check.iv.to_base64(), "mac": check.mac.to_base64(),
            }),
        ),
        event(
            BACKUP,
            &json!({ "encrypted": { "weak": {
            "iv": sealed.iv.to_base64(), "ciphertext": base64::encode(&sealed.ciphertext),
            "mac": sealed.mac.to_base64(),
        } } }),
        ),
    ]
}

#[test]
fn few_rounds_are_judged_alike_wherever_they_stand() {
    for (rounds, proves) in [(1, false), (9_999, false), (10_000, true)] {
        // Of a backup.
        let read = PassphraseParameters::from_parts(rounds, "salt", None, &Limits::default());
        let derived = read.unwrap().value.derive("1234");
        let bytes = SecretBytes::from_slice(derived.expose_bytes()).unwrap();
        let mut of_backup = auth_data(&BackupDecryptionKey::from_bytes(bytes));
        of_backup["private_key_salt"] = "salt".into();
        of_backup["private_key_iterations"] = rounds.into();
        let of_backup = info(&of_backup);
        let fits = BackupDecryptionKey::from_passphrase(of_backup.auth_data().unwrap(), "1234");
        let trust = TrustedBackup::by_decryption_key(&of_backup, &fits.unwrap().key, &[]);
        assert_eq!(trust.is_ok(), proves, "{rounds} rounds in auth_data");

        // Of secret storage.
        let backup = BackupDecryptionKey::generate().unwrap();
        let storage = storage(&account(rounds, &backup));
        let mut keys =
            storage.unlock("1234", &PublicKeys::default(), &Limits::default()).unwrap().keys;
        assert_eq!(keys[0].is_guessable(), !proves);
        let opened = storage.open(&BACKUP.into(), &mut keys, &PublicKeys::default()).unwrap();
        assert_eq!(opened.is_authenticated(), proves);
        let key = opened.backup_key().unwrap();
        let trust = TrustedBackup::by_decryption_key(&info(&auth_data(&backup)), &key, &[]);
        if proves {
            assert_eq!(key.provenance(), Provenance::AuthenticatedSecretStorage);
            assert!(trust.is_ok());
        } else {
            assert_eq!(trust.unwrap_err(), TrustError::UnauthenticatedSource);
        }
        // A host that has kept the key's bytes knows no more than the description says.
        let kept = storage.key(&"weak".into()).unwrap();
        let material = KeyMaterial::from_slice(keys[0].expose_bytes());
        assert_eq!(kept.accept(&material.unwrap()).unwrap().is_guessable(), !proves);
    }
}

#[test]
fn what_was_under_a_key_of_few_rounds_moves_only_when_it_is_believed() {
    let backup = BackupDecryptionKey::generate().unwrap();
    let events = account(1, &backup);
    let (storage, limits) = (storage(&events), Limits::default());
    let keys = storage.unlock("1234", &PublicKeys::default(), &limits).unwrap().keys;
    let new_key = NewKey::generate(None).unwrap();
    let nobody = VerifiedPublicKeys::none(USER.into());
    let mut pinned = nobody.clone();
    pinned.pin_backup(*backup.public_key().as_curve25519());
    let moves = |verified: &VerifiedPublicKeys, accepted: &[_], rotates: bool| {
        let plan = storage.plan(&keys, &limits, |change| {
            if rotates {
                change.believe(verified, accepted);
                change.rotate(&"weak".into(), &new_key)
            } else {
                change.migrate(&new_key, verified, accepted)
            }
        });
        let plan = plan.unwrap();
        let moved = crate::house::storage(&after(&events, &plan));
        let mut new_keys = [new_key.key().clone()];
        let opens = moved.open(&BACKUP.into(), &mut new_keys, &PublicKeys::default()).is_ok();
        let stays = plan
            .notes()
            .iter()
            .any(|note| matches!(note, PlanNote::NeedsAcceptance(..) | PlanNote::NotOpened(_)));
        assert_ne!(opens, stays, "{plan}");
        opens
    };
    for rotates in [false, true] {
        assert!(!moves(&nobody, &[], rotates), "a homeserver may have stored it");
        assert!(moves(&pinned, &[], rotates), "the pinned public key vouches for it");
        assert!(moves(&nobody, &[BACKUP.into()], rotates), "the user accepts it by name");
    }
}

#[test]
fn a_repair_of_few_rounds_launders_nothing() {
    let backup = BackupDecryptionKey::generate().unwrap();
    let events = account(1, &backup);
    let mut evidence = Evidence::new(USER.into());
    evidence.storage = Some(storage(&events));
    let diagnosis = diagnose(&evidence, Some("1234"), &Limits::default());
    let mut parts = RepairParts::default();
    parts.new_key = Some(NewKey::generate(None).unwrap());
    let mut keys = vec![parts.new_key.as_ref().unwrap().key().clone()];
    for remedy in diagnosis.remedies().into_iter().filter(Remedy::is_repairable) {
        let plan = diagnosis.repair(&remedy, &parts, &mut StdRng::seed_from_u64(1));
        let Ok(RepairPlan::AccountData(plan)) = plan else { continue };
        let storage = storage(&after(&events, &plan));
        let opened = storage.open(&BACKUP.into(), &mut keys, &PublicKeys::default());
        assert!(opened.is_err(), "{remedy:?} moved it");
    }
}

/// A homeserver can describe a key that it has guessed, with all that it is checked by, and make it the default one.
#[test]
fn nothing_new_is_sealed_to_a_key_that_others_can_find() {
    let backup = BackupDecryptionKey::generate().unwrap();
    let limits = Limits::default();
    let secret = SecretValue::kept_by_host(&"org.example.secret".into(), b"a secret").unwrap();
    for (rounds, is_sealed) in [(9_999, false), (10_000, true)] {
        let events = account(rounds, &backup);
        let storage = storage(&events);
        let keys = storage.unlock("1234", &PublicKeys::default(), &limits).unwrap().keys;
        let plan = storage.plan(&keys, &limits, |change| change.store(&secret.value));
        assert_eq!(plan.is_ok(), is_sealed);
        let defaulted = storage.plan(&keys, &limits, |change| change.set_default(keys[0].id()));
        assert_eq!(defaulted.is_ok(), is_sealed);
        if !is_sealed {
            assert_eq!(plan.unwrap_err(), ChangeError::Guessable("weak".into()));
            // A new key in its place takes everything.
            let new_key = NewKey::generate(None).unwrap();
            let plan = storage.plan(&keys, &limits, |change| {
                change.rotate(&"weak".into(), &new_key)?;
                change.store(&secret.value)
            });
            let moved = crate::house::storage(&after(&events, &plan.unwrap()));
            let mut keys = [new_key.key().clone()];
            let name = "org.example.secret".into();
            assert!(moved.open(&name, &mut keys, &PublicKeys::default()).is_ok());
        }
    }
}

/// The bytes are the same, and so is who can have found them.
#[test]
fn the_recovery_key_of_a_guessable_storage_is_guessable() {
    let backup = BackupDecryptionKey::generate().unwrap();
    let storage = storage(&account(100, &backup));
    let (public_keys, limits) = (PublicKeys::default(), Limits::default());
    let keys = storage.unlock("1234", &public_keys, &limits).unwrap().keys;
    let recovery_key = keys[0].to_recovery_key().unwrap().to_text();
    let mut keys = storage.unlock(recovery_key.expose_str(), &public_keys, &limits).unwrap().keys;
    assert!(keys[0].is_guessable());
    let opened = storage.open(&BACKUP.into(), &mut keys, &public_keys).unwrap();
    assert_eq!(opened.backup_key().unwrap().provenance(), Provenance::Unauthenticated);
    let mut evidence = Evidence::new(USER.into());
    evidence.storage = Some(storage);
    evidence.take_current_backup(Some(info(&auth_data(&backup))));
    let diagnosis = diagnose(&evidence, Some(recovery_key.expose_str()), &limits);
    let (sign, rng) = (Remedy::SignBackup("5".into()), &mut StdRng::seed_from_u64(1));
    assert!(diagnosis.repair(&sign, &RepairParts::default(), rng).is_err());
}

/// Whoever reads the homeserver can find the key, wherever the user has it from. So it opens sessions, and nothing more is
/// sealed to it.
#[test]
fn a_key_that_others_can_find_trusts_nothing_wherever_it_comes_from() {
    let bytes = |key: &BackupDecryptionKey| {
        SecretBytes::from_slice(key.to_recovery_key().as_secret().expose_bytes()).unwrap()
    };
    for (rounds, proves) in [(9_999, false), (10_000, true)] {
        let drawn = BackupDecryptionKey::generate().unwrap();
        let mut of_backup = auth_data(&drawn);
        of_backup["private_key_salt"] = "salt".into();
        of_backup["private_key_iterations"] = rounds.into();
        let found = info(&of_backup);
        let typed = BackupDecryptionKey::typed_by_user(bytes(&drawn));
        let stored = BackupDecryptionKey::from_authenticated_secret_storage(bytes(&drawn));
        for key in [&typed, &stored, &BackupDecryptionKey::kept_by_host(bytes(&drawn))] {
            let trust = TrustedBackup::by_decryption_key(&found, key, &[]);
            assert_eq!(trust.is_ok(), proves, "{rounds} rounds, {key:?}");
            assert!(proves || trust.unwrap_err() == TrustError::UnauthenticatedSource);
        }
        // What was drawn here is of no passphrase, and who accepts the risk knows of it.
        for key in [&drawn, &typed.clone().accept_unauthenticated()] {
            assert!(TrustedBackup::by_decryption_key(&found, key, &[]).is_ok());
        }
        let mut phone = Driver::new();
        let body = json!({ "algorithm": ALGORITHM, "auth_data": of_backup });
        assert_eq!(phone.ask_server("POST", "/room_keys/version", &body).0, 200);
        phone.run();
        let (fit, stage) = if proves {
            (KeyFit::Fits, Stage::Running)
        } else {
            (KeyFit::FitsUnauthenticated, Stage::Untrusted)
        };
        assert_eq!(phone.machine.give_key(typed.clone()), fit);
        phone.run();
        assert_eq!(phone.machine.stage(), stage);
        assert!(phone.machine.has_key(), "it opens what is there");
        phone.machine.give_key(typed.accept_unauthenticated());
        phone.run();
        assert_eq!(phone.machine.stage(), Stage::Running);
    }
}

/// A device has signed it, and others can find the key that the user has typed: once the device is gone, nothing vouches
/// for the backup, so a planted copy of its key is not the user's.
#[test]
fn a_key_that_others_can_find_makes_no_backup_the_users_for_good() {
    let device = ed25519_dalek::SigningKey::from_bytes(&[90; 32]);
    let bytes = |key: &BackupDecryptionKey| {
        SecretBytes::from_slice(key.to_recovery_key().as_secret().expose_bytes()).unwrap()
    };
    let (key, old) =
        (BackupDecryptionKey::generate().unwrap(), BackupDecryptionKey::generate().unwrap());
    let description = json!({
        "algorithm": "m.secret_storage.v1.curve25519-aes-sha2",
        "pubkey": old.public_key().to_base64(),
    });
    let text = key.to_base64();
    let storage = storage(&vec![
        event("m.secret_storage.default_key", &json!({ "key": "old" })),
        event("m.secret_storage.key.old", &description),
        event(BACKUP, &planted(text.expose_str(), "old", old.public_key().as_curve25519())),
    ]);
    let material = KeyMaterial::from(&bytes(&old));
    for (rounds, is_for_good) in [(9_999, false), (10_000, true)] {
        let mut of_backup = auth_data(&key);
        of_backup["private_key_salt"] = "salt".into();
        of_backup["private_key_iterations"] = rounds.into();
        let of_backup = signed(&of_backup, &device, &"ed25519:TAKEN".into());
        let mut evidence = Evidence::new(USER.into());
        evidence.take_current_backup(Some(info(&of_backup)));
        evidence.signers = vec![TrustedSigner::new("ed25519:TAKEN".into(), public(&device))];
        evidence.storage_keys =
            vec![storage.key(&"old".into()).unwrap().accept(&material).unwrap()];
        evidence.storage = Some(storage.clone());
        evidence.backup_key = Some(BackupDecryptionKey::typed_by_user(bytes(&key)));
        let diagnosis = diagnose(&evidence, None, &Limits::default());
        let mut parts = RepairParts::default();
        parts.new_key = Some(NewKey::generate(None).unwrap());
        let plan = diagnosis.repair(&Remedy::Migrate, &parts, &mut StdRng::seed_from_u64(1));
        let Ok(RepairPlan::AccountData(plan)) = plan else { panic!("{plan:?}") };
        let is_moved = plan.steps().iter().any(|step| step.event_type.as_str() == BACKUP);
        assert_eq!(is_moved, is_for_good, "{rounds} rounds");
    }
}

/// A homeserver takes away what the key is checked by, asks for one round, and stores a secret for each of its guesses.
#[test]
fn planted_guesses_prove_no_key() {
    let algorithm = "m.secret_storage.v1.aes-hmac-sha2";
    let account = |rounds: i64| {
        let read = PassphraseParameters::from_parts(rounds, "salt", None, &Limits::default());
        let parameters = read.unwrap().value;
        let passphrase = json!({ "algorithm": "m.pbkdf2", "iterations": rounds, "salt": "salt" });
        let mut events = vec![
            event("m.secret_storage.default_key", &json!({ "key": "weak" })),
            event(
                "m.secret_storage.key.weak",
                &json!({ "algorithm": algorithm, "passphrase": passphrase }),
            ),
        ];
        for guess in ["1234", "qwerty", "secret"] {
            let (key, name) = (parameters.derive(guess), format!("org.example.{guess}"));
            let rng = &mut StdRng::seed_from_u64(1);
            let sealed = aes_hmac_sha2::seal_with_rng(&key, &name, b"x", rng);
            let entry = json!({
                "iv": sealed.iv.to_base64(), "ciphertext": base64::encode(&sealed.ciphertext),
                "mac": sealed.mac.to_base64(),
            });
            events.push(event(&name, &json!({ "encrypted": { "weak": entry } })));
        }
        events
    };
    let said = |rounds, typed: &str| {
        let storage = storage(&account(rounds));
        let unlocked = storage.unlock(typed, &PublicKeys::default(), &Limits::default());
        let mut keys = unlocked.map(|unlocked| unlocked.keys);
        if let Ok(keys) = &mut keys {
            storage.open_all(keys, &PublicKeys::default());
        }
        let unlocked = keys.map(|keys| keys.iter().map(|key| key.standing()).collect::<Vec<_>>());
        let unlocked = unlocked.map_err(|error| error.to_string());
        (unlocked, entered(account(rounds), typed))
    };
    assert_eq!(said(1, "1234"), said(1, "another"), "what was typed decides nothing");
    assert_eq!(said(1, "1234").0, Ok(vec![KeyStanding::Unverifiable]));
    // With rounds enough a guess is as dear as it is with the user's own secrets.
    assert_eq!(said(10_000, "1234").0, Ok(vec![KeyStanding::Proven]));
    assert!(said(10_000, "another").0.is_err());
}

/// The same with a check that fits none of them: what does not fit is tried on secrets only if nobody can guess it.
#[test]
fn a_wrong_check_makes_planted_guesses_tell_nothing() {
    let algorithm = "m.secret_storage.v1.aes-hmac-sha2";
    let events = |rounds: i64, opens: &str| {
        let read = PassphraseParameters::from_parts(rounds, "salt", None, &Limits::default());
        let parameters = read.unwrap().value;
        let rng = &mut StdRng::seed_from_u64(1);
        let check = KeyCheck::with_rng(&parameters.derive("none of them"), rng);
        let description = json!({
            "algorithm": algorithm,
            "passphrase": { "algorithm": "m.pbkdf2", "iterations": rounds, "salt": "salt" },
            "iv": check.iv.to_base64(), "mac": check.mac.to_base64(),
        });
        let sealed = aes_hmac_sha2::seal_with_rng(&parameters.derive(opens), BACKUP, b"x", rng);
        let entry = json!({
            "iv": sealed.iv.to_base64(), "ciphertext": base64::encode(&sealed.ciphertext),
            "mac": sealed.mac.to_base64(),
        });
        vec![
            event("m.secret_storage.default_key", &json!({ "key": "weak" })),
            event("m.secret_storage.key.weak", &description),
            event(BACKUP, &json!({ "encrypted": { "weak": entry } })),
        ]
    };
    let said = |rounds, opens: &str| {
        let events = events(rounds, opens);
        let unlocked = storage(&events).unlock("1234", &PublicKeys::default(), &Limits::default());
        let unlocked = unlocked.map(|unlocked| unlocked.keys.len());
        (unlocked.map_err(|error| error.to_string()), entered(events, "1234"))
    };
    for rounds in [1, 9_999] {
        assert_eq!(said(rounds, "1234"), said(rounds, "another"), "{rounds}");
        assert!(said(rounds, "1234").0.is_err(), "{rounds}");
    }
    assert_eq!(said(10_000, "1234").0, Ok(1));
    assert!(said(10_000, "another").0.is_err());
}

/// The homeserver takes the name of the default key away, and describes a key for each of its guesses.
#[test]
fn no_planted_key_becomes_the_default_one() {
    let backup = BackupDecryptionKey::generate().unwrap();
    let planned = |guesses: [&str; 3]| {
        let mut events = account(10_000, &backup);
        events.retain(|(event_type, _)| event_type.as_str() != "m.secret_storage.default_key");
        events.extend(guesses.iter().enumerate().map(|(n, guess)| guessed(n, guess)));
        let mut evidence = Evidence::new(USER.into());
        evidence.storage = Some(storage(&events));
        let diagnosis = diagnose(&evidence, Some("1234"), &Limits::default());
        let (parts, rng) = (RepairParts::default(), &mut StdRng::seed_from_u64(1));
        let plan = diagnosis.repair(&Remedy::SetDefaultKey, &parts, rng);
        let Ok(RepairPlan::AccountData(plan)) = plan else { panic!("{plan:?}") };
        let steps = plan.steps().iter().map(|step| step.content.as_str().to_owned());
        (steps.collect::<Vec<_>>(), format!("{diagnosis:?}"))
    };
    assert_eq!(planned(["a", "b", "c"]).0, [r#"{"key":"weak"}"#]);
    assert_eq!(planned(["a", "b", "c"]), planned(["a", "1234", "c"]), "nothing tells of a guess");
}

/// The same with so many rounds that no guess is taken for one: the key that is hardest to guess becomes the default one.
#[test]
fn of_several_keys_that_a_text_fits_the_default_one_is_that_of_most_rounds() {
    let backup = BackupDecryptionKey::generate().unwrap();
    let planned = |guess: &str| {
        let mut events = account(20_000, &backup);
        events.retain(|(event_type, _)| event_type.as_str() != "m.secret_storage.default_key");
        let (event_type, planted) = guessed_in(10_000, 1, guess);
        // It opens something, too.
        let position = events.iter().position(|(event_type, _)| event_type.as_str() == BACKUP);
        let stored: serde_json::Value =
            serde_json::from_str(events[position.unwrap()].1.as_str()).unwrap();
        let key = PassphraseParameters::from_parts(10_000, "salt", None, &Limits::default());
        let key = key.unwrap().value.derive(guess);
        let rng = &mut StdRng::seed_from_u64(1);
        let sealed = aes_hmac_sha2::seal_with_rng(&key, BACKUP, b"x", rng);
        let mut stored = stored;
        stored["encrypted"]["a1"] = json!({
            "iv": sealed.iv.to_base64(), "ciphertext": base64::encode(&sealed.ciphertext),
            "mac": sealed.mac.to_base64(),
        });
        events.push((event_type, planted));
        events.push(event(BACKUP, &stored));
        let mut evidence = Evidence::new(USER.into());
        evidence.storage = Some(storage(&events));
        let diagnosis = diagnose(&evidence, Some("1234"), &Limits::default());
        let (parts, rng) = (RepairParts::default(), &mut StdRng::seed_from_u64(1));
        let plan = diagnosis.repair(&Remedy::SetDefaultKey, &parts, rng);
        let Ok(RepairPlan::AccountData(plan)) = plan else { panic!("{plan:?}") };
        plan.steps().iter().map(|step| step.content.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(planned("1234"), [r#"{"key":"weak"}"#]);
    assert_eq!(planned("another"), planned("1234"), "nothing tells of a guess");
}

#[test]
fn as_few_planted_keys_are_tried_as_there_may_be() {
    let said = |allowed: usize| {
        let events: Events =
            (0..10).map(|n| guessed(n, if n == 7 { "1234" } else { "another" })).collect();
        let mut limits = Limits::default();
        assert_eq!(limits.guessable_keys, 4);
        limits.guessable_keys = allowed;
        let unlocked = storage(&events).unlock("1234", &PublicKeys::default(), &limits);
        let attempts = unlocked.map_or_else(|error| error.attempts, |unlocked| unlocked.attempts);
        let is_left = |outcome: &UnlockOutcome| matches!(outcome, UnlockOutcome::TooManyGuessable);
        attempts.iter().filter(|attempt| is_left(&attempt.outcome)).count()
    };
    assert_eq!((said(0), said(4), said(8), said(10)), (10, 6, 2, 0));
}

/// However many rounds they have: one derivation would do for all.
#[test]
fn as_few_planted_keys_are_tried_as_a_user_may_have() {
    let planted: Events = (0..40).map(|n| guessed_in(10_000, n, "another")).collect();
    let unlocked = storage(&planted).unlock("1234", &PublicKeys::default(), &Limits::default());
    let attempts = unlocked.unwrap_err().attempts;
    let is_left = |outcome: &UnlockOutcome| matches!(outcome, UnlockOutcome::TooManyKeys);
    assert_eq!(attempts.iter().filter(|attempt| is_left(&attempt.outcome)).count(), 24);
}

fn guessed(n: usize, guess: &str) -> (EventType, JsonObject) {
    guessed_in(1, n, guess)
}

/// A key that a homeserver has made of a guess, with all that it is checked by.
fn guessed_in(rounds: i64, n: usize, guess: &str) -> (EventType, JsonObject) {
    let read = PassphraseParameters::from_parts(rounds, "salt", None, &Limits::default()).unwrap();
    let key = read.value.derive(guess);
    let check = KeyCheck::with_rng(&key, &mut StdRng::seed_from_u64(1));
    let description = json!({
        "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
        "passphrase": { "algorithm": "m.pbkdf2", "iterations": rounds, "salt": "salt" },
        "iv": check.iv.to_base64(), "mac": check.mac.to_base64(),
    });
    event(&format!("m.secret_storage.key.a{n}"), &description)
}

/// What a recovery says of a text.
fn entered(events: Events, typed: &str) -> String {
    let mut phone = Driver::new();
    let machine = std::mem::replace(&mut phone.machine, Driver::new().machine);
    let verified = VerifiedPublicKeys::none(USER.into());
    let mut flow = Recover::new(machine, verified, Limits::default());
    for _ in 0..100 {
        match flow.next_with_rng(phone.now, &mut phone.rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                let answer = phone.exchange(&operation);
                flow.answer(operation.id(), Some(answer), phone.now).unwrap();
            }
            Step::ReadAccountData => flow.account_data(events.clone()),
            Step::EnterKey => {
                let entered = flow.enter(typed, phone.now).map_err(|error| error.to_string());
                return format!("{entered:?}");
            }
            Step::Wait(until) => phone.now = until.unwrap(),
            other => panic!("{other:?}"),
        }
    }
    panic!("nothing is asked for")
}

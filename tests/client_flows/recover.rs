//! A new device, and what the user has written down.

use std::collections::BTreeSet;

use http::Response;
use serde_json::json;
use strongroom::{
    Limits,
    api::BaseUrl,
    backup::{BackupDecryptionKey, RestoreReport, TrustReason},
    client::{
        Backup, KeyKind, RequestFailure,
        backup::{BackupOptions, KeyFit, SavedBackup},
        flow::{EnterError, Flow as _, Recover, Recovered, SetUp, Step},
    },
    crypto::key_material::KeyMaterial,
    encoding::base64,
    ids::{SessionId, UserId},
    passphrase::PassphraseParameters,
    secret::SecretBytes,
    secret_storage::{NewKey, UnlockFailure, VerifiedPublicKeys},
};

use crate::{
    drive::work,
    host::{BACKUP, Host, MASTER, Trouble, USER, new_key, secret},
    primitives::aes_hmac_sha2::seal,
};

/// An account with sessions in its backup, and the key to it.
pub(crate) fn account(key: &NewKey) -> (Host, BTreeSet<SessionId>) {
    let mut host = Host::new();
    let secrets = vec![secret(MASTER, 1)];
    let flow = SetUp::bootstrap(host.backup(), key.clone(), secrets, Limits::default());
    let mut done = host.set_up(flow).unwrap();
    let sessions = host.upload(&mut done.backup, 5);
    host.requests.clear();
    (host, sessions.iter().map(|session| session.session_id()).collect())
}

/// What a new device has in the end.
pub(crate) struct NewDevice {
    pub(crate) recovered: Recovered,
    pub(crate) imported: BTreeSet<SessionId>,
    pub(crate) entered: Vec<Result<KeyKind, EnterError>>,
    /// How many times the user had nothing to enter any more.
    pub(crate) skipped: usize,
}

pub(crate) fn nobody() -> VerifiedPublicKeys {
    VerifiedPublicKeys::none(UserId::from(USER))
}

/// The machine of the new device.
pub(crate) fn tablet(saved: Option<&SavedBackup>) -> Backup {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let (user, device) = (USER.into(), "TABLET".into());
    match saved {
        Some(saved) => Backup::from_saved(saved, user, device, options, limits).unwrap(),
        None => Backup::new(user, device, options, limits),
    }
}

fn recover(host: &mut Host, typed: &[&str]) -> NewDevice {
    let device = recover_with(host, Recover::new(tablet(None), nobody(), Limits::default()), typed);
    assert_eq!(device.skipped, 0);
    device
}

pub(crate) fn recover_with(host: &mut Host, mut flow: Recover, typed: &[&str]) -> NewDevice {
    let (mut imported, mut entered, mut typed) = (BTreeSet::new(), Vec::new(), typed.iter());
    let (mut saves, mut waiting, mut skipped) = (0, Vec::new(), 0);
    for _ in 0..1_000 {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Save(saved) => {
                if host.trouble.restart_after == Some(saves) {
                    let backup = tablet(Some(&saved));
                    flow = Recover::new(backup, nobody(), Limits::default());
                } else {
                    flow.saved();
                }
                saves += 1;
            }
            Step::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                if host.trouble.is_slow {
                    waiting.push((operation, request));
                    continue;
                }
                let answer = host.send(&request);
                if let (true, Some(response)) = (operation.is_streamed(), &answer) {
                    for piece in response.body().chunks(100) {
                        flow.part(operation.id(), piece).unwrap();
                    }
                }
                let is_streamed = operation.is_streamed();
                let answer =
                    answer.map(
                        |response| {
                            if is_streamed { response.map(|_| Vec::new()) } else { response }
                        },
                    );
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::ReadAccountData => flow.account_data(host.account_data()),
            Step::Secrets(_) => {}
            Step::EnterKey => match typed.next() {
                Some(typed) => entered.push(flow.enter(typed, host.now)),
                None => {
                    skipped += 1;
                    flow.skip_key(host.now);
                }
            },
            Step::Import(id, _, sessions) => {
                imported.extend(sessions.iter().map(|session| session.exported().session_id()));
                flow.ack(id);
            }
            // The answers come when there is nothing else to do, the oldest first.
            Step::Wait(_) if !waiting.is_empty() => {
                let (operation, request) = waiting.remove(0);
                let answer = host.send(&request);
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::Wait(until) => host.now = until.unwrap().max(host.now + 1),
            Step::Done(recovered) => {
                host.saves = saves;
                return NewDevice { recovered: *recovered, imported, entered, skipped };
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends: {flow:?}");
}

fn report(fetched: Option<&RestoreReport>) -> (u64, u64) {
    let report = fetched.unwrap();
    (report.restored(), report.failed())
}

#[test]
fn the_recovery_key_gives_secrets_backup_and_sessions() {
    let key = new_key();
    let (mut host, sessions) = account(&key);
    let typed = host.shown[0].clone();
    let device = recover(&mut host, &["EsTW wrong", &typed]);
    assert_eq!(device.imported, sessions);
    assert!(matches!(device.entered[0], Err(EnterError::OpensNothing(_))));
    assert_eq!(device.entered[1], Ok(KeyKind::Storage));
    let recovered = &device.recovered;
    assert_eq!(recovered.key, Some(KeyFit::Fits));
    assert_eq!(report(recovered.fetched.as_ref()), (5, 0));
    let trusted = recovered.backup.trusted().unwrap();
    assert!(matches!(trusted.reason(), TrustReason::DecryptionKey(_)));
    let opened = recovered.secrets.iter().filter(|verdict| verdict.outcome.is_ok());
    let opened: Vec<_> = opened.map(|verdict| verdict.name.as_str()).collect();
    assert_eq!(opened, [MASTER, BACKUP]);
}

#[test]
fn it_ends_when_the_last_answer_is_there() {
    let key = new_key();
    let (mut host, sessions) = account(&key);
    host.trouble.is_slow = true;
    let typed = host.shown[0].clone();
    let device = recover(&mut host, &[&typed]);
    assert_eq!(device.imported, sessions);
    assert!(device.recovered.backup.trusted().is_some());
}

#[test]
fn a_passphrase_does_as_well() {
    let key = NewKey::from_passphrase("correct horse", None).unwrap();
    let (mut host, sessions) = account(&key);
    let device = recover(&mut host, &["wrong horse", "correct horse"]);
    assert_eq!(device.imported, sessions);
    assert_eq!(device.entered[1], Ok(KeyKind::Storage));
}

#[test]
fn the_key_of_the_backup_itself_gives_the_sessions() {
    let key = new_key();
    let (mut host, sessions) = account(&key);
    let typed = text_of_backup_key(&mut host, &key);
    let device = recover(&mut host, &[&typed]);
    assert_eq!(device.entered, [Ok(KeyKind::Backup)]);
    assert_eq!(device.imported, sessions);
    assert_eq!(device.recovered.secrets.len(), 0);
}

pub(crate) fn text_of_backup_key(host: &mut Host, key: &NewKey) -> String {
    let mut keys = vec![key.key().clone()];
    let stored = host.storage().open(&BACKUP.into(), &mut keys, &Default::default()).unwrap();
    let stored = BackupDecryptionKey::from_base64(stored.text().expose_str());
    stored.unwrap().to_recovery_key().to_text().expose_str().to_owned()
}

#[test]
fn answers_may_be_lost_and_the_host_restarted() {
    let key = new_key();
    let (mut host, sessions) = account(&key);
    let typed = host.shown[0].clone();
    recover(&mut host, &[&typed]);
    let (requests, saves) = (host.requests.len(), host.saves);
    assert!(requests >= 3 && saves > 1, "{requests} {saves}");
    let lost =
        (0..requests).map(|number| Trouble { lost_answer: Some(number), ..Trouble::default() });
    let after =
        (0..saves).map(|number| Trouble { restart_after: Some(number), ..Trouble::default() });
    for trouble in lost.chain(after) {
        host.requests.clear();
        host.trouble = trouble;
        // After a restart the key is asked for again.
        let device = recover(&mut host, &[&typed, &typed]);
        assert_eq!(device.imported, sessions);
        assert_eq!(report(device.recovered.fetched.as_ref()), (5, 0));
        assert_eq!(device.recovered.secrets.len(), 2);
    }
}

#[test]
fn a_stored_key_of_another_backup_is_named_and_the_rest_is_there() {
    let key = new_key();
    let (mut host, _) = account(&key);
    let body = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" },
    });
    host.ask("POST", "/room_keys/version", &body);
    let typed = host.shown[0].clone();
    // The key of this backup is asked for, and nobody has it.
    let flow = Recover::new(tablet(None), nobody(), Limits::default());
    let device = recover_with(&mut host, flow, &[&typed]);
    assert_eq!(device.skipped, 1);
    assert!(matches!(device.recovered.key, Some(KeyFit::OtherKey { .. })));
    assert!(device.recovered.fetched.is_none() && device.recovered.backup.trusted().is_none());
    assert_eq!(device.recovered.secrets.len(), 2);
}

/// Another client made a new key, moved everything to it and left the old description behind.
#[test]
fn row_64_an_older_key_is_asked_for_again_with_the_name_of_the_newer_one() {
    let key = new_key();
    let (mut host, expected) = account(&key);
    let (older, newer) = (new_key(), host.shown[0].clone());
    let description = serde_json::from_str(older.description().as_str()).unwrap();
    host.put_account_data(&format!("m.secret_storage.key.{}", older.id().as_str()), &description);
    let typed = older.to_recovery_key().unwrap().to_text();
    let device = recover(&mut host, &[typed.expose_str(), &newer]);
    let Err(EnterError::OpensNothing(error)) = &device.entered[0] else {
        panic!("{:?}", device.entered)
    };
    let is_named = UnlockFailure::OlderKey {
        key: older.id().clone(),
        newer: key.id().clone(),
        is_default: true,
    };
    assert_eq!(error.reason, is_named);
    assert_eq!(device.entered[1], Ok(KeyKind::Storage));
    assert_eq!(device.imported, expected);
}

/// Whatever stands under the older key, it opens nothing; so does the only key, if its description was replaced.
#[test]
fn row_64_a_key_that_opens_nothing_is_asked_for_again_whatever_stands_under_it() {
    for entry in [
        json!({ "iv": "x" }),
        json!({ "iv": "", "ciphertext": "", "mac": "" }),
        json!([]),
        json!("x"),
        sealed_to_another_key(),
    ] {
        let key = new_key();
        let (mut host, expected) = account(&key);
        let (older, newer) = (new_key(), host.shown[0].clone());
        let description = serde_json::from_str(older.description().as_str()).unwrap();
        let event_type = format!("m.secret_storage.key.{}", older.id());
        host.put_account_data(&event_type, &description);
        for name in [BACKUP, MASTER] {
            let mut content = host.content(name);
            content["encrypted"][older.id().as_str()] = entry.clone();
            host.put_account_data(name, &content);
        }
        let typed = older.to_recovery_key().unwrap().to_text();
        let device = recover(&mut host, &[typed.expose_str(), &newer]);
        let Err(EnterError::OpensNothing(error)) = &device.entered[0] else {
            panic!("{entry}: {:?}", device.entered)
        };
        assert!(
            matches!(error.reason, UnlockFailure::OlderKey { is_default: true, .. }),
            "{entry}"
        );
        assert_eq!((&device.entered[1], device.imported), (&Ok(KeyKind::Storage), expected));
    }
}

#[test]
fn row_64_the_only_key_that_opens_nothing_is_asked_for_again() {
    let key = new_key();
    let (mut host, expected) = account(&key);
    let typed = host.shown[0].clone();
    let backup_key = text_of_backup_key(&mut host, &key);
    for name in [BACKUP, MASTER] {
        let content = json!({ "encrypted": { key.id().as_str(): sealed_to_another_key() } });
        host.put_account_data(name, &content);
    }
    let device = recover(&mut host, &[&typed, &typed, &backup_key]);
    for entered in &device.entered[..2] {
        let Err(EnterError::OpensNothing(error)) = entered else { panic!("{entered:?}") };
        assert_eq!(error.reason, UnlockFailure::OpensNothing { key: key.id().clone() });
    }
    assert_eq!((&device.entered[2], device.imported), (&Ok(KeyKind::Backup), expected));
}

/// A check that was damaged, or an algorithm: the recovery key is tried on the secrets.
#[test]
fn row_62_a_damaged_description_keeps_nobody_out() {
    for (member, value) in [
        ("mac", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("iv", "AAAAAAAAAAAAAAAAAAAAAA"),
        ("algorithm", ""),
        ("algorithm", "m.secret_storage.v1.aes-hmac-sha2 "),
    ] {
        let key = new_key();
        let (mut host, expected) = account(&key);
        let event_type = format!("m.secret_storage.key.{}", key.id());
        let mut description = host.content(&event_type);
        description[member] = json!(value);
        host.put_account_data(&event_type, &description);
        let wrong = new_key().to_recovery_key().unwrap().to_text();
        let typed = host.shown[0].clone();
        let device = recover(&mut host, &[wrong.expose_str(), &typed]);
        assert!(matches!(device.entered[0], Err(EnterError::OpensNothing(_))), "{member}");
        assert_eq!((&device.entered[1], device.imported), (&Ok(KeyKind::Storage), expected));
    }
}

/// The storage was unlocked, and the backup's key is not in there: the user may have written it down.
#[test]
fn a_storage_without_the_key_of_the_backup_lets_the_backups_own_key_be_asked_for() {
    for content in [
        json!({}),
        json!({ "encrypted": {} }),
        json!({ "encrypted": { "gone": sealed_to_another_key() } }),
        json!({ "encrypted": "x" }),
    ] {
        let key = new_key();
        let (mut host, expected) = account(&key);
        let typed = host.shown[0].clone();
        let backup_key = text_of_backup_key(&mut host, &key);
        host.put_account_data(BACKUP, &content);
        let device = recover(&mut host, &[&typed, &typed, "wrong", &backup_key]);
        assert_eq!(device.entered[0], Ok(KeyKind::Storage), "{content}");
        assert_eq!(device.entered[1], Err(EnterError::NoBackupKey), "{content}");
        assert!(matches!(device.entered[2], Err(EnterError::OpensNothing(_))), "{content}");
        assert_eq!(device.entered[3], Ok(KeyKind::Backup), "{content}");
        assert_eq!(device.imported, expected, "{content}");
        let secrets = device.recovered.secrets.iter();
        assert_eq!(secrets.filter(|verdict| verdict.outcome.is_ok()).count(), 1, "{content}");
        // Who has no such key goes on without.
        let flow = Recover::new(tablet(None), nobody(), Limits::default());
        let device = recover_with(&mut host, flow, &[&typed]);
        assert_eq!((device.skipped, device.recovered.key), (1, None), "{content}");
        assert!(device.imported.is_empty(), "{content}");
    }
}

/// An entry that is well-formed, and encrypted with a key that nobody has.
fn sealed_to_another_key() -> serde_json::Value {
    let material = KeyMaterial::from_slice(new_key().key().expose_bytes()).unwrap();
    let sealed = seal(&material, BACKUP, b"text");
    json!({
        "iv": sealed.iv.to_base64(),
        "ciphertext": base64::encode(&sealed.ciphertext),
        "mac": sealed.mac.to_base64(),
    })
}

/// The description of the key is gone: the recovery key is tried on the secrets.
#[test]
fn row_51_a_key_that_nothing_describes_recovers_everything() {
    let key = new_key();
    let (mut host, expected) = account(&key);
    let event_type = format!("m.secret_storage.key.{}", key.id().as_str());
    host.put_account_data(&event_type, &json!({}));
    let typed = host.shown[0].clone();
    let device = recover(&mut host, &[&typed]);
    assert_eq!(device.entered, [Ok(KeyKind::Storage)]);
    assert_eq!((device.imported, device.recovered.secrets.len()), (expected, 2));
}

/// The secrets were emptied, so only the key of the backup itself is of use.
#[test]
fn row_50_the_key_of_a_key_storage_that_holds_nothing_is_no_key_of_the_backup() {
    let key = new_key();
    let (mut host, expected) = account(&key);
    let backup_key = text_of_backup_key(&mut host, &key);
    for (name, content) in [
        (BACKUP, json!({ "encrypted": {} })),
        (MASTER, json!({ "encrypted": { key.id().as_str(): null } })),
    ] {
        host.put_account_data(name, &content);
    }
    let typed = host.shown[0].clone();
    let device = recover(&mut host, &[&typed, &backup_key]);
    assert_eq!(device.entered, [Err(EnterError::NothingStored), Ok(KeyKind::Backup)]);
    assert_eq!(device.imported, expected);
}

/// A homeserver says how many rounds a passphrase takes, and can make each one wrong.
#[test]
fn all_texts_that_are_entered_share_a_budget_of_rounds() {
    let key = new_key();
    let (mut host, _) = account(&key);
    let recovery_key = key.to_recovery_key().unwrap().to_text();
    let event_type = format!("m.secret_storage.key.{}", key.id());
    let events = host.account_data();
    let described = events.iter().find(|(it, _)| it.as_str() == event_type).unwrap();
    let mut description: serde_json::Value =
        serde_json::from_slice(described.1.as_bytes()).unwrap();
    description["passphrase"] =
        json!({ "algorithm": "m.pbkdf2", "salt": "aBcD", "iterations": 20_000 });
    host.put_account_data(&event_type, &description);
    let mut limits = Limits::default();
    limits.unlock_rounds = 20_000;
    let mut typed = vec!["wrong"; 12];
    typed.push(recovery_key.expose_str());
    let flow = || Recover::new(tablet(None), nobody(), limits);
    let device = recover_with(&mut host, flow(), &typed);
    let (wrong, then) = device.entered.split_at(10);
    assert!(wrong.iter().all(|it| matches!(it, Err(EnterError::OpensNothing(_)))), "{wrong:?}");
    let too_much = Err(EnterError::TooMuchTried);
    assert_eq!(then, [too_much.clone(), too_much, Ok(KeyKind::Storage)]);
    // Who begins again has it all again.
    let device = recover_with(&mut host, flow(), &["wrong"]);
    assert!(matches!(device.entered[..], [Err(EnterError::OpensNothing(_))]));
}

/// An account with a backup alone, whose key comes from the passphrase `correct horse` in so many rounds.
fn old_backup(rounds: i64) -> Host {
    let (mut host, salt) = (Host::new(), "aBcD");
    let read = PassphraseParameters::from_parts(rounds, salt, None, &Limits::default()).unwrap();
    let derived = read.value.derive("correct horse");
    let bytes = SecretBytes::from_slice(derived.expose_bytes()).unwrap();
    let public_key = BackupDecryptionKey::typed_by_user(bytes).public_key().to_base64();
    let auth_data = json!({
        "public_key": public_key, "private_key_salt": salt, "private_key_iterations": rounds,
    });
    host.ask(
        "POST",
        "/room_keys/version",
        &json!({ "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": auth_data }),
    );
    host
}

/// That the sessions are asked for tells whoever wrote the parameters that the guess was right.
#[test]
fn where_no_guess_is_to_be_tried_no_request_tells_of_one() {
    let mut limits = Limits::default();
    limits.guessable_keys = 0;
    for (rounds, is_taken) in [(1, false), (9_999, false), (10_000, true)] {
        let mut host = old_backup(rounds);
        let flow = Recover::new(tablet(None), nobody(), limits);
        let device = recover_with(&mut host, flow, &["correct horse"]);
        assert_eq!(device.entered[0].is_ok(), is_taken, "{rounds}");
        let is_asked = host.requests.iter().any(|request| request.contains("/room_keys/keys"));
        assert_eq!(is_asked, is_taken, "{rounds}");
    }
}

#[test]
fn the_passphrase_of_an_old_backup_shares_the_budget() {
    let mut host = old_backup(20_000);
    let mut limits = Limits::default();
    limits.unlock_rounds = 20_000;
    let flow = |limits| Recover::new(tablet(None), nobody(), limits);
    let device = recover_with(&mut host, flow(limits), &["wrong", "correct horse"]);
    assert_eq!(device.entered.last(), Some(&Ok(KeyKind::Backup)));
    let mut typed = vec!["wrong"; 10];
    typed.push("correct horse");
    let device = recover_with(&mut host, flow(limits), &typed);
    assert_eq!(device.entered.last(), Some(&Err(EnterError::TooMuchTried)));
}

#[test]
fn row_56_secrets_do_not_wait_for_a_backup_that_nobody_can_see() {
    for (status, body) in
        [(200, "{}"), (200, r#"{"version":"1"}"#), (502, "bad gateway"), (404, "<html>"), (301, "")]
    {
        let (mut host, _) = account(&new_key());
        let typed = host.shown[0].clone();
        let mut flow = Recover::new(tablet(None), nobody(), Limits::default());
        let begin = host.now;
        let secrets = loop {
            match flow.next_with_rng(host.now, &mut host.rng) {
                Step::Save(_) => flow.saved(),
                Step::Send(operation) => {
                    let url = BaseUrl::new("https://example.org").unwrap();
                    let request = operation.to_http(&url, &host.token).unwrap();
                    let answer = if request.uri().path().ends_with("/room_keys/version") {
                        Some(Response::builder().status(status).body(body.into()).unwrap())
                    } else {
                        host.send(&request)
                    };
                    flow.answer(operation.id(), answer, host.now).unwrap();
                }
                Step::ReadAccountData => flow.account_data(host.account_data()),
                Step::EnterKey => drop(flow.enter(&typed, host.now).unwrap()),
                Step::Secrets(secrets) => break secrets,
                Step::Wait(until) => host.now = until.unwrap(),
                other => panic!("{other:?}"),
            }
        };
        assert!(host.now < begin + 60_000, "{status} {body}: the user waits");
        assert_eq!(secrets.iter().filter(|verdict| verdict.outcome.is_ok()).count(), 2);
        let Step::Done(done) = flow.next_with_rng(host.now, &mut host.rng) else {
            panic!("{flow:?}")
        };
        // What has no key is seen, and nothing is fetched from it.
        assert_eq!((done.failure.is_none(), done.fetched.is_none()), (status == 200, true));
    }
}

#[test]
fn a_network_that_is_back_after_the_key_was_entered_gives_the_sessions() {
    let (mut host, sessions) = account(&new_key());
    let typed = host.shown[0].clone();
    host.trouble.lost_requests = 0..40;
    let device = recover(&mut host, &[&typed]);
    // The key was asked for while nobody could see the backup.
    assert_eq!((device.imported, device.recovered.failure), (sessions, None));
    assert_eq!(device.recovered.key, Some(KeyFit::Fits));
    assert_eq!(report(device.recovered.fetched.as_ref()), (5, 0));
}

#[test]
fn what_a_failing_server_did_not_give_the_machine_fetches_later() {
    let (mut host, sessions) = account(&new_key());
    let typed = host.shown[0].clone();
    host.trouble.forbidden = Some("GET /room_keys/version");
    let mut recovered = recover(&mut host, &[&typed]).recovered;
    assert!(matches!(recovered.failure, Some(RequestFailure::Api(_))), "{:?}", recovered.failure);
    assert_eq!((recovered.key, recovered.fetched.is_none()), (Some(KeyFit::NoBackup), true));
    host.trouble.forbidden = None;
    host.now += 2 * 60 * 60 * 1_000;
    let imported = work(&mut host, &mut recovered.backup, |_| None);
    assert_eq!(imported, sessions);
}

//! A recovery where some of it is at hand, or some of it is missing.

use crate::asserted::StoreText as _;
use serde_json::json;
use strongroom::{
    Limits,
    api::BaseUrl,
    backup::BackupDecryptionKey,
    client::{
        KeyKind,
        backup::{KeyFit, Question, Reply, Stage},
        flow::{EnterError, Flow as _, Recover, Recovered, Step},
    },
    crypto::key_material::KeyMaterial,
    encoding::base64,
    secret_storage::{SecretStorageKey, SecretVerdict},
};

use crate::{
    drive::{change, work},
    host::{BACKUP, Host, MASTER, new_key, recovery_key},
    primitives::aes_hmac_sha2::seal,
    recover::{NewDevice, account, nobody, recover_with, tablet},
};

fn recover(host: &mut Host, typed: &[&str]) -> NewDevice {
    recover_with(host, Recover::new(tablet(None), nobody(), Limits::default()), typed)
}

fn opened(secrets: &[SecretVerdict]) -> Vec<&str> {
    let opened = secrets.iter().filter(|verdict| verdict.outcome.is_ok());
    opened.map(|verdict| verdict.name.as_str()).collect()
}

#[test]
fn with_the_key_of_the_backup_at_hand_the_secrets_are_wanted_all_the_same() {
    let (mut host, sessions) = account(&new_key());
    let typed = host.shown[0].clone();
    let backup = recover(&mut host, &[&typed]).recovered.backup;
    let flow = Recover::new(backup, nobody(), Limits::default());
    let device = recover_with(&mut host, flow, &[&typed]);
    assert_eq!(opened(&device.recovered.secrets), [MASTER, BACKUP]);
    assert_eq!(device.imported, sessions);

    // Whoever has them, or no key, gets the sessions.
    for sessions_only in [true, false] {
        let backup = recover(&mut host, &[&typed]).recovered.backup;
        let flow = Recover::new(backup, nobody(), Limits::default());
        let flow = if sessions_only { flow.sessions_only() } else { flow };
        let device = recover_with(&mut host, flow, &[]);
        assert_eq!(
            (device.skipped, device.imported),
            (usize::from(!sessions_only), sessions.clone())
        );
        assert_eq!(device.recovered.key, Some(KeyFit::Fits));
    }
}

#[test]
fn whoever_has_no_key_gets_an_end() {
    let (mut host, _) = account(&new_key());
    let device = recover(&mut host, &["EsTW wrong"]);
    assert_eq!((device.skipped, device.recovered.key), (1, None));
    assert!(device.recovered.fetched.is_none() && device.imported.is_empty());
}

#[test]
fn without_a_secret_storage_the_key_of_the_backup_is_asked_for() {
    let (mut host, sessions) = account(&new_key());
    let stored = host.shown.remove(0);
    let keys = host.storage().unlock(&stored, &Default::default(), &Limits::default());
    let opened = host.storage().open(&BACKUP.into(), &mut keys.unwrap().keys, &Default::default());
    let text = opened.unwrap().text().expose_str().to_owned();
    let key = BackupDecryptionKey::from_base64(&text).unwrap();
    for (event_type, _) in host.account_data() {
        host.put_account_data(event_type.as_str(), &json!({}));
    }
    let typed = key.to_recovery_key().to_text().expose_str().to_owned();
    let device = recover(&mut host, &[&typed]);
    assert_eq!(device.entered, [Ok(KeyKind::Backup)]);
    assert_eq!(device.imported, sessions);
}

#[test]
fn a_key_that_nothing_confirms_is_not_taken() {
    let (mut host, sessions) = account(&new_key());
    let any = json!({ "algorithm": "m.secret_storage.v1.aes-hmac-sha2" });
    host.put_account_data("m.secret_storage.key.any", &any);
    let wrong = recovery_key(&new_key()).to_text().expose_str().to_owned();
    let typed = host.shown[0].clone();
    let device = recover(&mut host, &[&wrong, &typed]);
    assert!(matches!(device.entered[..], [Err(EnterError::OpensNothing(_)), Ok(KeyKind::Storage)]));
    assert_eq!(device.imported, sessions);
}

#[test]
fn a_key_that_only_a_secret_confirms_is_taken() {
    let key = new_key();
    let (mut host, sessions) = account(&key);
    let description = format!("m.secret_storage.key.{}", key.id());
    host.put_account_data(
        &description,
        &json!({ "algorithm": "m.secret_storage.v1.aes-hmac-sha2" }),
    );
    let typed = host.shown[0].clone();
    let device = recover(&mut host, &[&typed]);
    assert_eq!(device.entered, [Ok(KeyKind::Storage)]);
    assert_eq!(device.imported, sessions);
}

#[test]
fn where_the_user_had_said_no_the_sessions_come_and_nothing_is_switched_on() {
    let (mut host, sessions) = account(&new_key());
    let mut backup = tablet(None);
    work(&mut host, &mut backup, |question| {
        matches!(question, Question::Use { .. }).then_some(Reply::Stop)
    });
    assert_eq!(backup.stage(), Stage::Off);
    let typed = host.shown[0].clone();
    let restored = tablet(Some(&backup.save()));
    for backup in [backup, restored] {
        let flow = Recover::new(backup, nobody(), Limits::default());
        let device = recover_with(&mut host, flow, &[&typed]);
        assert_eq!(device.imported, sessions);
        assert_eq!(device.recovered.backup.stage(), Stage::Off);
    }
}

#[test]
fn a_homeserver_without_backups_keeps_nobody_from_the_secrets() {
    let (mut host, _) = account(&new_key());
    host.trouble.forbidden = Some("GET /room_keys/version");
    let typed = host.shown[0].clone();
    let device = recover(&mut host, &[&typed]);
    assert_eq!(opened(&device.recovered.secrets), [MASTER, BACKUP]);
    assert!(device.recovered.failure.is_some());
    assert_eq!(device.recovered.key, Some(KeyFit::NoBackup));
}

#[test]
fn where_there_is_nothing_nothing_is_asked_for() {
    let mut host = Host::new();
    let device = recover(&mut host, &[]);
    assert_eq!((device.skipped, device.recovered.key), (0, None));
}

/// Runs a flow to its end; nobody enters anything.
fn run(host: &mut Host, flow: &mut Recover) -> Option<Box<Recovered>> {
    for _ in 0..1_000 {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let answer = host.send(&request);
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::ReadAccountData => flow.account_data(host.account_data()),
            Step::Import(id, ..) => flow.ack(id),
            Step::Secrets(_) => {}
            Step::Wait(until) => host.now = until?,
            Step::Done(done) => return Some(done),
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends: {flow:?}");
}

fn keys(host: &mut Host) -> Vec<SecretStorageKey> {
    let typed = host.shown[0].clone();
    host.storage().unlock(&typed, &Default::default(), &Limits::default()).unwrap().keys
}

#[test]
fn keys_that_the_host_gives_early_are_used_and_those_that_come_late_are_not() {
    let (mut host, _) = account(&new_key());
    let mut flow = Recover::new(tablet(None), nobody(), Limits::default());
    flow.unlocked(keys(&mut host), host.now);
    let done = run(&mut host, &mut flow).unwrap();
    assert_eq!((done.key, done.fetched.is_some()), (Some(KeyFit::Fits), true));
    assert_eq!(opened(&done.secrets), [MASTER, BACKUP]);
    flow.unlocked(Vec::new(), host.now);
    assert!(run(&mut host, &mut flow).is_none(), "it has ended");
}

#[test]
fn of_two_stored_keys_the_one_that_fits_is_used() {
    let key = new_key();
    let (mut host, sessions) = account(&key);
    let fitting =
        host.storage().open(&BACKUP.into(), &mut [key.key().clone()], &Default::default());
    let text = fitting.unwrap().text().expose_str().to_owned();
    // What an early client wrote, beside what is out of date.
    let name = "m.megolm_backup.v1.recovery_key";
    let material = KeyMaterial::from_slice(key.key().expose_bytes()).unwrap();
    let entry = seal(&material, name, text.as_bytes());
    let entry = json!({
        "iv": entry.iv.to_base64(),
        "ciphertext": base64::encode(&entry.ciphertext),
        "mac": entry.mac.to_base64(),
    });
    host.put_account_data(name, &json!({ "encrypted": { key.id().as_str(): entry } }));
    let stale = base64::encode(&[9; 32]);
    change(&mut host, &[key.key().clone()], |change| change.store_text(&BACKUP.into(), &stale));
    let typed = host.shown[0].clone();
    let device = recover(&mut host, &[&typed]);
    assert_eq!(device.recovered.key, Some(KeyFit::Fits));
    assert_eq!(device.imported, sessions);
}

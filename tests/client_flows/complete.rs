//! One of the two is there, or both with something missing: what is missing is added, and nothing is taken away.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    client::{
        Backup,
        backup::{Question, Reply, Stage},
        flow::{FlowError, SetUp, SetUpDone},
    },
    crypto::ed25519::Ed25519PublicKey,
    encoding::base64,
    secret_storage::{ChangeError, NewKey, PlanNote, VerifiedPublicKeys},
    secret_value::{PublicKeys, SecretValue},
};
use vodozemac::Ed25519SecretKey;

use crate::{
    drive::{change, work},
    host::{BACKUP, Host, MASTER, Trouble, USER, new_key, recovery_key, secret},
    rotate::guessable,
};

const NOTE: &str = "org.example.note";

/// An account whose machine has made a backup, and that has no secret storage.
fn with_backup() -> (Host, Backup) {
    let mut host = Host::new();
    let mut backup = host.backup();
    work(&mut host, &mut backup, |question| {
        matches!(question, Question::SetUp { .. }).then_some(Reply::Create)
    });
    assert_eq!(backup.stage(), Stage::Running);
    host.requests.clear();
    (host, backup)
}

/// An account with a secret storage that holds a text, and no backup.
fn with_storage() -> (Host, NewKey) {
    let (mut host, key) = (Host::new(), new_key());
    change(&mut host, &[], |change| {
        change.create(&key)?;
        change.store(&note("one"))
    });
    (host, key)
}

fn note(text: &str) -> SecretValue {
    SecretValue::kept_by_host(&NOTE.into(), text.as_bytes()).unwrap().value
}

/// The master key whose seed has this byte.
fn master(byte: u8) -> VerifiedPublicKeys {
    let public_key = Ed25519SecretKey::from_slice(&[byte; 32]).public_key().to_base64();
    VerifiedPublicKeys::with_master(
        USER.into(),
        Ed25519PublicKey::from_base64(&public_key).unwrap(),
    )
}

fn complete(
    host: &mut Host,
    backup: Backup,
    key: &NewKey,
    secrets: &[SecretValue],
) -> Result<SetUpDone, FlowError> {
    let mut flow = SetUp::complete(backup, key.clone(), secrets.to_vec(), Limits::default());
    flow.believe(&master(1), &[]);
    host.set_up(flow)
}

/// The key as it is described, which the user has typed.
fn resumed(host: &mut Host, key: &NewKey) -> NewKey {
    let storage = host.storage();
    NewKey::resume(storage.key(key.id()).unwrap(), key.key()).unwrap()
}

fn opened(host: &mut Host, key: &NewKey, name: &str) -> SecretValue {
    let mut keys = [key.key().clone()];
    let opened = host.storage().open(&name.into(), &mut keys, &PublicKeys::default());
    opened.unwrap_or_else(|error| panic!("{name}: {error}")).value().unwrap().value
}

/// There is one backup, and its key is stored.
fn belong_together(host: &mut Host, done: &SetUpDone, key: &NewKey) {
    let stored = opened(host, key, BACKUP);
    let trusted = done.backup.trusted().unwrap();
    assert!(stored.check_backup_key(trusted.public_key().as_curve25519()).is_ok());
    let (_, info) = host.ask("GET", "/room_keys/version", &json!({}));
    assert_eq!(info["auth_data"]["public_key"], trusted.public_key().to_base64());
    assert_eq!(host.storage().default_key(), Some(key.id()));
    assert!(!done.backup.secret_is_due());
    assert_eq!(host.versions(), 1);
}

/// The machine has kept the key of a former backup.
fn has_key(done: &SetUpDone, byte: u8) {
    let saved = done.backup.save().secret;
    let saved: Value = serde_json::from_slice(saved.expose_bytes()).unwrap();
    let mut keys = saved["keys"].as_array().unwrap().iter().map(|key| &key["key"]);
    assert!(keys.any(|key| *key == json!(base64::encode(&[byte; 32]))), "it is lost");
}

fn only_reads(host: &Host) {
    assert!(host.requests.iter().all(|it| it.starts_with("GET")), "{:?}", host.requests);
}

#[test]
fn a_backup_without_a_secret_storage_gets_one_that_holds_its_key() {
    let (mut host, backup) = with_backup();
    let (public_key, key) = (*backup.trusted().unwrap().public_key(), new_key());
    let done = complete(&mut host, backup, &key, &[secret(MASTER, 1)]).unwrap();
    belong_together(&mut host, &done, &key);
    assert_eq!(*done.backup.trusted().unwrap().public_key(), public_key);
    assert_eq!(opened(&mut host, &key, MASTER), secret(MASTER, 1));
    assert_eq!(host.shown, [recovery_key(&key).to_text().expose_str()]);
    assert!(!host.requests.iter().any(|it| it.starts_with("POST")));
    assert_eq!(done.replaced, None);
}

#[test]
fn a_secret_storage_without_a_backup_gets_one_whose_key_it_holds() {
    let (mut host, key) = with_storage();
    let key = resumed(&mut host, &key);
    let backup = host.backup();
    let done = complete(&mut host, backup, &key, &[]).unwrap();
    belong_together(&mut host, &done, &key);
    assert_eq!(opened(&mut host, &key, NOTE), note("one"));
    // The user has typed it.
    assert_eq!(host.shown, Vec::<String>::new());
}

#[test]
fn whatever_is_lost_and_whenever_the_host_is_restarted_it_comes_to_the_same() {
    let troubles = |number| {
        [
            Trouble { lost_answer: Some(number), ..Trouble::default() },
            Trouble { lost_requests: number..number + 1, ..Trouble::default() },
            Trouble { restart_after: Some(number), ..Trouble::default() },
            Trouble { restart_before: Some(number), ..Trouble::default() },
        ]
    };
    for trouble in (0..25).flat_map(troubles) {
        let (mut host, backup) = with_backup();
        let key = new_key();
        host.trouble = trouble;
        let done = complete(&mut host, backup, &key, &[secret(MASTER, 1)]).unwrap();
        belong_together(&mut host, &done, &key);
        host.shown.dedup();
        assert_eq!(host.shown, [recovery_key(&key).to_text().expose_str()]);
    }
    for trouble in (0..30).flat_map(troubles) {
        let (mut host, key) = with_storage();
        let key = resumed(&mut host, &key);
        host.trouble = trouble;
        let backup = host.backup();
        let done = complete(&mut host, backup, &key, &[]).unwrap();
        belong_together(&mut host, &done, &key);
        assert_eq!(host.shown, Vec::<String>::new());
    }
}

#[test]
fn the_key_of_a_former_backup_is_kept_before_another_takes_its_place() {
    let (mut host, key) = with_storage();
    change(&mut host, &[key.key().clone()], |change| change.store(&secret(BACKUP, 8)));
    let key = resumed(&mut host, &key);
    let backup = host.backup();
    let done = complete(&mut host, backup, &key, &[]).unwrap();
    belong_together(&mut host, &done, &key);
    has_key(&done, 8);
}

#[test]
fn the_key_of_a_former_backup_is_kept_by_a_machine_that_has_made_many() {
    let (mut host, mut backup) = with_backup();
    for _ in 0..17 {
        backup.rotate();
        work(&mut host, &mut backup, |_| None);
    }
    assert_eq!(backup.stage(), Stage::Running);
    let key = new_key();
    change(&mut host, &[], |change| {
        change.create(&key)?;
        change.store(&secret(BACKUP, 8))
    });
    let key = resumed(&mut host, &key);
    let done = complete(&mut host, backup, &key, &[]).unwrap();
    let (used, stored) = (done.backup.trusted().unwrap(), opened(&mut host, &key, BACKUP));
    assert!(stored.check_backup_key(used.public_key().as_curve25519()).is_ok());
    has_key(&done, 8);
}

#[test]
fn a_backup_key_that_another_key_may_open_to_another_value_is_not_replaced() {
    let (mut host, key) = with_storage();
    let other = new_key();
    let mut entries = json!({});
    change(&mut host, &[], |change| change.add_key(&other));
    for (key, byte) in [(&key, 8), (&other, 9)] {
        change(&mut host, &[key.key().clone()], |change| {
            change.store_under(&secret(BACKUP, byte), &[key.id().clone()])
        });
        entries[key.id().as_str()] = host.content(BACKUP)["encrypted"][key.id().as_str()].clone();
    }
    host.put_account_data(BACKUP, &json!({ "encrypted": entries }));
    host.requests.clear();
    let key = resumed(&mut host, &key);
    let backup = host.backup();
    let refused = complete(&mut host, backup, &key, &[]).unwrap_err();
    assert_eq!(refused, FlowError::Change(ChangeError::NotOpened(BACKUP.into())));
    assert_eq!(opened(&mut host, &other, BACKUP), secret(BACKUP, 9));
    only_reads(&host);
}

#[test]
fn a_key_that_others_can_guess_stores_nothing_over_a_restart_either() {
    let mut host = Host::new();
    let key = guessable(&mut host).remove(0);
    // The homeserver serves another description once the user has typed the passphrase.
    let event_type = format!("m.secret_storage.key.{}", key.id().as_str());
    let mut content = host.content(&event_type);
    content.as_object_mut().unwrap().remove("passphrase");
    host.put_account_data(&event_type, &content);
    let storage = host.storage();
    let key = NewKey::resume(storage.key(key.id()).unwrap(), &key).unwrap();
    for number in 0..3_usize {
        host.trouble.restart_after = number.checked_sub(1);
        (host.saves, host.disk) = (0, None);
        host.requests.clear();
        let secrets = [secret(MASTER, 1)];
        let backup = host.backup();
        let refused = complete(&mut host, backup, &key, &secrets).unwrap_err();
        let expected = ChangeError::Guessable(key.id().clone());
        assert_eq!(refused, FlowError::Change(expected), "{number}");
        only_reads(&host);
    }
}

#[test]
fn a_backup_key_that_nothing_opens_is_not_replaced() {
    for entries in [json!({ "other": { "iv": "a", "ciphertext": "b", "mac": "c" } }), json!("all")]
    {
        let (mut host, key) = with_storage();
        host.put_account_data(BACKUP, &json!({ "encrypted": entries }));
        let key = resumed(&mut host, &key);
        let backup = host.backup();
        let refused = complete(&mut host, backup, &key, &[]).unwrap_err();
        assert_eq!(refused, FlowError::Change(ChangeError::NotOpened(BACKUP.into())));
        only_reads(&host);
    }
}

#[test]
fn a_missing_secret_is_added_and_another_value_stays() {
    let (mut host, key) = with_storage();
    let key = resumed(&mut host, &key);
    let secrets = [secret(MASTER, 1), note("two")];
    let backup = host.backup();
    let done = complete(&mut host, backup, &key, &secrets).unwrap();
    assert_eq!(opened(&mut host, &key, MASTER), secret(MASTER, 1));
    assert_eq!(opened(&mut host, &key, NOTE), note("one"));
    assert_eq!(done.notes, [PlanNote::OtherValue(NOTE.into())]);
}

#[test]
fn what_only_another_key_opens_stays_and_what_the_public_key_proves_is_added_beside_it() {
    let (mut host, key) = with_storage();
    let other = new_key();
    change(&mut host, &[], |change| {
        change.add_key(&other)?;
        let ids = [other.id().clone()];
        change.store_under(&secret(MASTER, 1), &ids)?;
        change.store_under(&note("three"), &ids)
    });
    let key = resumed(&mut host, &key);
    let backup = host.backup();
    let done = complete(&mut host, backup, &key, &[secret(MASTER, 1), note("two")]).unwrap();
    for key in [&key, &other] {
        assert_eq!(opened(&mut host, key, MASTER), secret(MASTER, 1));
    }
    assert_eq!(opened(&mut host, &other, NOTE), note("three"));
    assert_eq!(done.notes, [PlanNote::NotOpened(NOTE.into())]);
}

#[test]
fn a_cross_signing_key_that_does_not_fit_or_cannot_be_compared_is_not_stored() {
    for (byte, public_keys) in [(2, master(1)), (1, VerifiedPublicKeys::none(USER.into()))] {
        let (mut host, key) = with_storage();
        let key = resumed(&mut host, &key);
        let secrets = vec![secret(MASTER, byte)];
        let mut flow = SetUp::complete(host.backup(), key, secrets, Limits::default());
        flow.believe(&public_keys, &[]);
        let refused = host.set_up(flow).unwrap_err();
        assert_eq!(refused, FlowError::Change(ChangeError::Unauthenticated(MASTER.into())));
        only_reads(&host);
    }
}

#[test]
fn a_backup_that_is_not_known_to_be_the_users_is_not_stored() {
    let (mut host, key) = with_storage();
    host.ask(
        "POST",
        "/room_keys/version",
        &json!({
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "auth_data": { "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" },
        }),
    );
    let key = resumed(&mut host, &key);
    let backup = host.backup();
    let refused = complete(&mut host, backup, &key, &[]).unwrap_err();
    assert_eq!(refused, FlowError::NoBackupKey("1".into()));
    only_reads(&host);
}

#[test]
fn where_no_backup_is_wanted_none_is_made_and_the_secrets_are_added() {
    let (mut host, key) = with_storage();
    host.put_account_data("m.key_backup", &json!({ "enabled": false }));
    let key = resumed(&mut host, &key);
    let backup = host.backup();
    let done = complete(&mut host, backup, &key, &[secret(MASTER, 1)]).unwrap();
    assert_eq!(opened(&mut host, &key, MASTER), secret(MASTER, 1));
    assert_eq!(host.versions(), 0);
    assert_eq!(host.content("m.key_backup"), json!({ "enabled": false }));
    assert!(done.backup.trusted().is_none());
}

#[test]
fn a_storage_with_another_default_key_is_left_alone() {
    let (mut host, key) = with_storage();
    let (before, backup) = (host.account_data(), host.backup());
    let refused = complete(&mut host, backup, &new_key(), &[]).unwrap_err();
    assert_eq!(refused, FlowError::HasStorage(Some(key.id().clone())));
    assert_eq!(host.account_data(), before);
}

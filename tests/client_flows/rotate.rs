//! Everything is new, and what was stolen opens nothing.

use serde_json::json;
use strongroom::{
    Limits,
    client::flow::{FlowError, SetUp, SetUpDone},
    secret_storage::{NewKey, PlanNote, SecretStorageKey},
    secret_value::PublicKeys,
};

use crate::host::{BACKUP, Host, MASTER, Trouble, new_key, secret};

/// An account, and the key that was stolen.
fn account() -> (Host, SetUpDone) {
    let mut host = Host::new();
    let secrets = vec![secret(MASTER, 1), secret("m.cross_signing.user_signing", 3)];
    let flow = SetUp::bootstrap(host.backup(), new_key(), secrets, Limits::default());
    let done = host.set_up(flow).unwrap();
    (host.saves, host.disk, host.shown) = (0, None, Vec::new());
    host.requests.clear();
    (host, done)
}

fn rotate(
    host: &mut Host,
    before: SetUpDone,
    key: &NewKey,
) -> (SecretStorageKey, Result<SetUpDone, FlowError>) {
    let SetUpDone { backup, storage_key, .. } = before;
    let old = storage_key.clone();
    let secrets = vec![secret(MASTER, 9)];
    let limits = Limits::default();
    let flow = SetUp::rotate_everything(backup, key.clone(), &[storage_key], secrets, limits);
    (old, host.set_up(flow))
}

fn check(host: &mut Host, old: &SecretStorageKey, key: &NewKey, done: &SetUpDone) {
    let storage = host.storage();
    assert_eq!(storage.default_key(), Some(key.id()));
    assert_eq!(storage.keys().map(|key| key.id().clone()).collect::<Vec<_>>(), [key.id().clone()]);
    for (name, secret) in storage.secrets() {
        assert!(secret.entry(old.id()).is_none(), "{name} opens with what was stolen");
        let mut keys = vec![key.key().clone()];
        storage.open(name, &mut keys, &PublicKeys::default()).unwrap();
    }
    assert_eq!(storage.secrets().count(), 3);
    let master = storage.open(&MASTER.into(), &mut [key.key().clone()], &PublicKeys::default());
    assert_eq!(master.unwrap().value().unwrap().value, secret(MASTER, 9), "the host has reset it");
    let stored = storage.open(&BACKUP.into(), &mut [key.key().clone()], &PublicKeys::default());
    let stored = stored.unwrap().value().unwrap().value;
    let trusted = done.backup.trusted().unwrap();
    stored.check_backup_key(trusted.public_key().as_curve25519()).unwrap();
    assert_eq!(trusted.version().as_str(), "2");
    assert_eq!(done.backup.retired().len(), 1);
    assert_eq!(host.shown.len(), 1);
    let typed = host.shown[0].clone();
    storage.unlock(&typed, &PublicKeys::default(), &Limits::default()).unwrap();
}

#[test]
fn what_was_stolen_opens_nothing_any_more() {
    let ((mut host, before), key) = (account(), new_key());
    let (old, done) = rotate(&mut host, before, &key);
    check(&mut host, &old, &key, &done.unwrap());
    assert_eq!(host.versions(), 2, "the old one goes when the sessions are uploaded again");
}

#[test]
fn an_answer_may_be_lost_and_the_host_restarted_wherever_it_is() {
    let (mut host, before) = account();
    rotate(&mut host, before, &new_key()).1.unwrap();
    let (requests, saves) = (host.requests.len(), host.saves);
    let lost =
        (0..requests).map(|number| Trouble { lost_answer: Some(number), ..Trouble::default() });
    let after =
        (0..saves).map(|number| Trouble { restart_after: Some(number), ..Trouble::default() });
    let before =
        (1..saves).map(|number| Trouble { restart_before: Some(number), ..Trouble::default() });
    for trouble in lost.chain(after).chain(before) {
        let ((mut host, before), key) = (account(), new_key());
        host.trouble = trouble;
        let (old, done) = rotate(&mut host, before, &key);
        check(&mut host, &old, &key, &done.unwrap());
        assert_eq!(host.versions(), 2);
    }
}

#[test]
fn what_nothing_at_hand_opens_stays_with_a_note() {
    let ((mut host, before), key) = (account(), new_key());
    let other = json!({ "algorithm": "m.secret_storage.v1.aes-hmac-sha2" });
    host.put_account_data("m.secret_storage.key.other", &other);
    let (_, done) = rotate(&mut host, before, &key);
    assert_eq!(done.unwrap().notes, [PlanNote::KeyStays("other".into())]);
    assert!(host.storage().key(&"other".into()).is_some());
}

//! Everything is new, and what was stolen opens nothing.

use strongroom::{
    Limits,
    client::flow::{FlowError, SetUp, SetUpDone},
    secret_storage::{NewKey, SecretStorageKey},
    secret_value::PublicKeys,
};

use crate::{
    drive::account,
    host::{BACKUP, Host, MASTER, Trouble, new_key, secret},
};

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
    // After a crash it is shown again.
    host.shown.dedup();
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

//! Key storage is turned off as a whole, and nothing is deleted that nobody has named.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        Backup,
        backup::{BackupOptions, SavedBackup, Stage},
        flow::{Flow as _, FlowError, Step, TurnOff, TurnedOff},
    },
    ids::{BackupVersion, SecretName},
    secret_storage::{NewKey, PlanNote},
};

use crate::{
    drive::{USER_SIGNING, account, change},
    host::{BACKUP, Host, MASTER, USER, new_key, secret},
};

const DEFAULT_KEY: &str = "m.secret_storage.default_key";

/// What goes wrong at the request of this number.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Nothing,
    LosesAnswer(usize),
    LosesRequest(usize),
    /// The host is restarted before it reads the answer.
    Restarts(usize),
}

fn all() -> Vec<SecretName> {
    [MASTER, USER_SIGNING, BACKUP].map(SecretName::from).to_vec()
}

fn restored(saved: &SavedBackup) -> Backup {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    Backup::from_saved(saved, USER.into(), "PHONE".into(), options, limits).unwrap()
}

/// Turns key storage off; also gives the machine's state as it was saved last.
fn turn_off(
    host: &mut Host,
    backup: Backup,
    named: (&[BackupVersion], &[SecretName]),
    wrong: Wrong,
) -> (Result<TurnedOff, FlowError>, SavedBackup) {
    let mut disk = backup.save();
    let begin = |backup| TurnOff::new(backup, named.0, named.1, Limits::default());
    let mut flow = begin(backup);
    for _ in 0..5_000 {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Save(saved) => {
                disk = *saved;
                flow.saved();
            }
            Step::Send(operation) => {
                let number = host.requests.len();
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let is_lost = matches!(wrong, Wrong::LosesRequest(at) if at == number);
                let answer = if is_lost {
                    host.requests.push("lost".to_owned());
                    None
                } else {
                    host.send(&request)
                };
                match wrong {
                    Wrong::Restarts(at) if at == number => flow = begin(restored(&disk)),
                    Wrong::LosesAnswer(at) if at == number => {
                        flow.answer(operation.id(), None, host.now).unwrap();
                    }
                    _ => flow.answer(operation.id(), answer, host.now).unwrap(),
                }
            }
            Step::ReadAccountData => flow.account_data(host.account_data()),
            Step::Wait(until) => {
                assert!(
                    !flow.waiting_for().is_empty(),
                    "{wrong:?} {until:?} {flow:?} {:?}",
                    host.requests
                );
                host.now = until.unwrap().max(host.now + 1);
            }
            Step::Done(outcome) => {
                assert_eq!(flow.into_backup().is_some(), outcome.is_err());
                return (*outcome, disk);
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends: {flow:?}");
}

fn is_off(host: &mut Host, done: &TurnedOff) {
    let storage = host.storage();
    assert_eq!((storage.secrets().count(), storage.keys().count()), (0, 0));
    assert_eq!(storage.default_key(), None);
    assert_eq!(host.content(DEFAULT_KEY), json!({}));
    assert_eq!(host.content("m.key_backup"), json!({ "enabled": false }));
    assert_eq!(host.ask("GET", "/room_keys/version", &json!({})).0, 404);
    assert_eq!(done.backup.stage(), Stage::Off);
    assert_eq!((done.left.as_ref(), done.notes.len()), (None, 0));
}

/// What can be read, and nothing at hand opens.
fn entry() -> Value {
    json!({ "iv": "A".repeat(22), "ciphertext": "AAAA", "mac": "A".repeat(43) })
}

#[test]
fn all_of_it_is_turned_off_and_the_key_goes_after_the_backup() {
    let (mut host, done) = account();
    let (done, _) = turn_off(&mut host, done.backup, (&["1".into()], &all()), Wrong::Nothing);
    is_off(&mut host, &done.unwrap());
    let at = |line: &str| host.requests.iter().position(|it| it.starts_with(line)).unwrap();
    let path = |name: &str| format!("PUT /user/%40alice%3Aexample.org/account_data/{name}");
    let order = [
        at(&path("m.key_backup")),
        at("DELETE /room_keys/version/1"),
        at(&path(BACKUP)),
        at(&path(DEFAULT_KEY)),
        at(&path("m.secret_storage.key.")),
    ];
    assert!(order.is_sorted(), "{:?}", host.requests);
}

#[test]
fn what_nobody_has_named_is_named_and_nothing_is_written() {
    let (named, none): (_, &[BackupVersion]) = (all(), &[]);
    for (versions, secrets, expected) in [
        (none, &named[..], (Some("1"), &[][..])),
        (&["1".into()], &named[1..], (None, &[MASTER][..])),
        (none, &[], (Some("1"), &[MASTER, USER_SIGNING, BACKUP][..])),
    ] {
        let (mut host, mut done) = account();
        host.upload(&mut done.backup, 2);
        host.requests.clear();
        let before = host.account_data();
        let (refused, _) = turn_off(&mut host, done.backup, (versions, secrets), Wrong::Nothing);
        let (version, secrets) = expected;
        let count = version.map(|_| 2);
        let secrets = secrets.iter().map(|name| SecretName::from(*name)).collect();
        let version = version.map(BackupVersion::from);
        assert_eq!(refused.unwrap_err(), FlowError::WouldLose { version, count, secrets });
        assert_eq!(host.account_data(), before);
        assert!(host.requests.iter().all(|it| it.starts_with("GET")), "{:?}", host.requests);
    }
}

#[test]
fn whatever_is_lost_and_whenever_the_host_is_restarted_it_comes_to_the_same() {
    let wrong =
        |number| [Wrong::LosesAnswer(number), Wrong::LosesRequest(number), Wrong::Restarts(number)];
    for wrong in (0..40).flat_map(wrong) {
        let (mut host, done) = account();
        let (done, _) = turn_off(&mut host, done.backup, (&["1".into()], &all()), wrong);
        is_off(&mut host, &done.unwrap_or_else(|error| panic!("{wrong:?}: {error}")));
    }
}

#[test]
fn whoever_has_turned_it_off_can_do_so_again() {
    let (mut host, done) = account();
    let (done, _) = turn_off(&mut host, done.backup, (&["1".into()], &all()), Wrong::Nothing);
    let backup = done.unwrap().backup;
    let (done, _) = turn_off(&mut host, backup, (&[], &[]), Wrong::Nothing);
    is_off(&mut host, &done.unwrap());
}

#[test]
fn an_older_version_that_nobody_has_named_is_left() {
    let (mut host, done) = account();
    let newer = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" },
    });
    host.ask("POST", "/room_keys/version", &newer);
    let key = done.backup.save();
    let (done, _) = turn_off(&mut host, done.backup, (&["2".into()], &all()), Wrong::Nothing);
    let done = done.unwrap();
    assert_eq!(done.left, Some("1".into()));
    assert_eq!(host.ask("GET", "/room_keys/version/1", &json!({})).0, 200);
    // Its key is still here.
    assert!(done.backup.has_key());
    let keys = |saved: &SavedBackup| {
        let saved: Value = serde_json::from_slice(saved.secret.expose_bytes()).unwrap();
        saved["keys"].clone()
    };
    assert_eq!(keys(&done.backup.save()), keys(&key));
    // What is stored may be its only copy.
    assert!(host.storage().secret(&BACKUP.into()).is_some());
    assert!(host.storage().secret(&MASTER.into()).is_none());
    let (done, _) = turn_off(&mut host, done.backup, (&["1".into()], &all()), Wrong::Nothing);
    is_off(&mut host, &done.unwrap());
}

#[test]
fn while_the_backup_is_not_deleted_its_key_stays() {
    let (mut host, done) = account();
    host.trouble.forbidden = Some("DELETE");
    let secrets = |host: &mut Host| host.storage().secrets().count();
    let (refused, saved) =
        turn_off(&mut host, done.backup, (&["1".into()], &all()), Wrong::Nothing);
    let refused = refused.unwrap_err();
    assert!(matches!(refused, FlowError::NotDeleted(_) | FlowError::Failing(_)), "{refused:?}");
    assert_eq!((secrets(&mut host), host.storage().keys().count()), (3, 1));
    host.trouble.forbidden = None;
    let named = (&["1".into()][..], &all()[..]);
    let (done, _) = turn_off(&mut host, restored(&saved), named, Wrong::Nothing);
    is_off(&mut host, &done.unwrap());
}

#[test]
fn what_cannot_be_read_stays_and_so_do_its_key_and_what_is_stored_meanwhile() {
    let (mut host, done) = account();
    let other = NewKey::generate(None).unwrap();
    change(&mut host, &[], |change| change.add_key(&other));
    let unreadable = json!({ "encrypted": { other.id().as_str(): "?" } });
    host.put_account_data("m.dehydrated_device", &unreadable);
    let named: Vec<_> = all().into_iter().chain(["m.dehydrated_device".into()]).collect();
    let (done, _) = turn_off(&mut host, done.backup, (&["1".into()], &named), Wrong::Nothing);
    let done = done.unwrap();
    assert_eq!(host.content("m.dehydrated_device"), unreadable);
    let storage = host.storage();
    assert_eq!(storage.keys().map(|key| key.id()).collect::<Vec<_>>(), [other.id()]);
    assert_eq!(storage.default_key(), None);
    let left = PlanNote::NotOpened("m.dehydrated_device".into());
    assert_eq!(done.notes, [left, PlanNote::KeyStays(other.id().clone())]);
}

#[test]
fn another_backup_that_is_made_meanwhile_ends_the_flow() {
    let (mut host, done) = account();
    let at = host.requests.len() + 6;
    host.trouble.meddle = Some((at, |host| {
        let newer = json!({
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "auth_data": { "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" },
        });
        host.ask("POST", "/room_keys/version", &newer);
    }));
    let (ended, _) = turn_off(&mut host, done.backup, (&["1".into()], &all()), Wrong::Nothing);
    let ended = ended.unwrap_err();
    assert!(matches!(ended, FlowError::OtherDevice | FlowError::WouldLose { .. }), "{ended:?}");
    assert_eq!((host.versions(), host.storage().secrets().count()), (2, 3));
}

#[test]
fn what_another_client_sets_up_meanwhile_keeps_its_key_and_that_keeps_its_description() {
    for at in 0..45 {
        let (mut host, done) = account();
        let key = host.storage().default_key().unwrap().as_str().to_owned();
        let new = json!({ "encrypted": { key.clone(): entry() } });
        let at = host.requests.len() + at;
        host.trouble.meddle = Some((at, |host| {
            // It uses what is described, as long as that is the default key.
            let Some(id) = host.storage().default_key().cloned() else { return };
            let newer = json!({
                "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
                "auth_data": { "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" },
            });
            host.ask("POST", "/room_keys/version", &newer);
            host.put_account_data(BACKUP, &json!({ "encrypted": { id.as_str(): entry() } }));
        }));
        let (_, _) = turn_off(&mut host, done.backup, (&["1".into()], &all()), Wrong::Nothing);
        let was_there = host.ask("GET", "/room_keys/version/2", &json!({})).0 == 200;
        let request = host.requests.get(at).cloned().unwrap_or_default();
        // Between the check of the event and the write nothing can help.
        if was_there && !(request.starts_with("PUT") && request.ends_with(BACKUP)) {
            assert_eq!(host.content(BACKUP), new, "{at} {request} {:?}", host.requests);
            assert!(host.storage().keys().any(|it| it.id().as_str() == key), "{at} {request}");
        }
    }
}

#[test]
fn a_backup_that_this_device_uses_and_the_homeserver_denies_is_named_or_keeps_its_key() {
    let gone = |host: &mut Host| {
        host.ask("DELETE", "/room_keys/version/1", &json!({}));
    };
    let (mut host, done) = account();
    gone(&mut host);
    host.requests.clear();
    let (refused, _) = turn_off(&mut host, done.backup, (&[], &all()), Wrong::Nothing);
    let expected = (Some("1".into()), None, Vec::new());
    let FlowError::WouldLose { version, count, secrets } = refused.unwrap_err() else { panic!() };
    assert_eq!((version, count, secrets), expected);
    assert!(host.requests.iter().all(|it| it.starts_with("GET")), "{:?}", host.requests);
    // Another one has taken its place, and alone is named.
    for at in 0..40 {
        let (mut host, done) = account();
        let newer = json!({
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "auth_data": { "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" },
        });
        host.ask("POST", "/room_keys/version", &newer);
        let key = done.backup.trusted().unwrap().public_key().to_base64();
        host.trouble.meddle = Some((host.requests.len() + at, gone));
        let (done, saved) =
            turn_off(&mut host, done.backup, (&["2".into()], &all()), Wrong::Nothing);
        let done = done.unwrap();
        assert!(host.storage().secret(&BACKUP.into()).is_some(), "{at}");
        assert!(host.storage().secret(&MASTER.into()).is_none(), "{at}");
        for saved in [saved, done.backup.save()] {
            let saved: Value = serde_json::from_slice(saved.secret.expose_bytes()).unwrap();
            let keys = saved["keys"].as_array().unwrap();
            assert!(!keys.is_empty(), "{at}: {key} is lost");
        }
    }
}

#[test]
fn a_secret_that_comes_back_each_time_ends_it() {
    fn comes_back(host: &mut Host) {
        if !host.requests.last().unwrap().ends_with(USER_SIGNING) {
            host.put_account_data(USER_SIGNING, &json!({ "encrypted": { "other": entry() } }));
        }
        host.trouble.meddle = Some((host.requests.len(), comes_back));
    }
    let (mut host, done) = account();
    host.trouble.meddle = Some((0, comes_back));
    let (ended, _) = turn_off(&mut host, done.backup, (&["1".into()], &all()), Wrong::Nothing);
    assert_eq!(ended.unwrap_err(), FlowError::KeepsChanging);
    assert!(host.requests.len() < 200, "{:?}", host.requests);
}

#[test]
fn a_storage_that_was_turned_off_can_be_set_up_again() {
    let (mut host, done) = account();
    let (done, _) = turn_off(&mut host, done.backup, (&["1".into()], &all()), Wrong::Nothing);
    let (backup, key) = (done.unwrap().backup, new_key());
    let secrets = vec![secret(MASTER, 1)];
    let flow = strongroom::client::flow::SetUp::bootstrap(backup, key, secrets, Limits::default());
    assert!(host.set_up(flow).is_ok());
}

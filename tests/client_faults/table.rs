//! What each flow comes to, for each of its requests.

use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::json;
use strongroom::{
    Limits,
    client::{
        Backup,
        backup::{BackupOptions, SavedBackup},
        flow::{Recover, Recovered, SetUp, TurnOff},
    },
    ids::SecretName,
    secret_storage::{NewKey, SecretStorageKey, VerifiedPublicKeys},
    secret_value::{PublicKeys, SecretValue},
};

use crate::{
    fault::{Trouble, no_trouble, tried_with_jumps},
    flows::{REQUESTS, ROWS, Run, comes_by_itself, for_each},
    host::{BACKUP, Host, MASTER, USER, new_key, secret},
};

pub(crate) const DAY: i64 = 24 * 60 * 60 * 1_000;

/// An account with a storage, a backup and three sessions.
struct Account {
    host: Host,
    backup: SavedBackup,
    storage_key: SecretStorageKey,
    typed: String,
}

impl Account {
    fn new() -> Self {
        let mut host = Host::new();
        let done = host.set_up(bootstrap(&host)).unwrap();
        let (mut backup, storage_key) = (done.backup, done.storage_key);
        host.upload(&mut backup, 3);
        host.requests.clear();
        let typed = host.shown[0].clone();
        Self { host, backup: backup.save(), storage_key, typed }
    }

    /// Another device, or this one again, which draws other keys.
    fn host(&self) -> Host {
        let mut host = Host::new();
        host.homeserver = self.host.homeserver.clone();
        host.rng = StdRng::seed_from_u64(8);
        host
    }

    fn rotation(&self) -> SetUp {
        let (secrets, keys) = (vec![secret(MASTER, 9)], [self.storage_key.clone()]);
        let backup = restored(&self.backup);
        SetUp::rotate_everything(backup, new_key(), &keys, secrets, Limits::default())
    }

    fn recovery(&self, host: &Host) -> Recover {
        Recover::new(host.backup(), VerifiedPublicKeys::none(USER.into()), Limits::default())
    }

    fn sessions_only(&self) -> Recover {
        let verified = VerifiedPublicKeys::none(USER.into());
        Recover::new(restored(&self.backup), verified, Limits::default()).sessions_only()
    }
}

fn restored(saved: &SavedBackup) -> Backup {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    Backup::from_saved(saved, USER.into(), "PHONE".into(), options, limits).unwrap()
}

fn bootstrap(host: &Host) -> SetUp {
    SetUp::bootstrap(host.backup(), new_key(), vec![secret(MASTER, 1)], Limits::default())
}

/// The requests of a flow to which nothing happens.
pub(crate) fn undisturbed(
    mut host: Host,
    typed: &str,
    drive: impl FnOnce(&mut Run<'_>),
) -> Vec<String> {
    let trouble = no_trouble();
    drive(&mut Run { host: &mut host, trouble, typed, jump: 0, what: "undisturbed" });
    host.requests
}

#[test]
fn setting_up_ends_or_says_what_it_waits_for() {
    let sent = undisturbed(Host::new(), "", |run| {
        let mut flow = bootstrap(run.host);
        assert!(run.drive(&mut flow, |_| None).outcome.unwrap().is_ok());
    });
    for_each(&sent, |name, trouble, what| set_up(name, trouble, 0, what));
}

fn set_up(name: &str, trouble: Trouble, jump: i64, what: &str) {
    let mut host = Host::new();
    let mut flow = bootstrap(&host);
    let must_succeed = comes_by_itself(name, &trouble);
    let mut run = Run { host: &mut host, trouble, typed: "", jump, what };
    let ended = run.drive(&mut flow, |_| None);
    assert!(ended.requests < REQUESTS, "{what}: {}", ended.requests);
    // Whoever has ended with an error begins again, and nothing is in the way.
    let is_done = matches!(ended.outcome, Some(Ok(_)));
    assert!(is_done || !must_succeed, "{what}: {:?}", ended.outcome);
}

#[test]
fn rotating_everything_ends_or_says_what_it_waits_for_and_loses_nothing() {
    let account = Account::new();
    let sent = undisturbed(account.host(), &account.typed, |run| {
        run.drive(&mut account.rotation(), |_| None).outcome.unwrap().unwrap();
    });
    for_each(&sent, |name, trouble, what| rotate(&account, name, trouble, 0, what));
}

/// The host is restarted in the middle of it.
fn rotate(account: &Account, name: &str, trouble: Trouble, jump: i64, what: &str) {
    let mut host = account.host();
    let must_succeed = comes_by_itself(name, &trouble);
    let mut run = Run { host: &mut host, trouble, typed: "", jump, what };
    let ended = run.drive(&mut account.rotation(), |saved| {
        let (options, limits) = (BackupOptions::default(), Limits::default());
        SetUp::from_saved(saved, USER.into(), "PHONE".into(), options, limits).ok()
    });
    assert!(ended.requests < REQUESTS, "{what}: {}", ended.requests);
    let is_done = matches!(ended.outcome, Some(Ok(_)));
    assert!(is_done || !must_succeed, "{what}: {:?}", ended.outcome);
    nothing_is_lost(account, &mut host, what);
}

/// Each secret opens with a key that the user has, and the sessions are where they were.
fn nothing_is_lost(account: &Account, host: &mut Host, what: &str) {
    let storage = host.storage();
    let typed = host.shown.iter().chain([&account.typed]);
    let unlock = |typed: &String| {
        let unlocked = storage.unlock(typed, &PublicKeys::default(), &Limits::default());
        unlocked.map(|unlocked| unlocked.keys).unwrap_or_default()
    };
    // The old key unlocks nothing once nothing is encrypted with it, and may still be the default one.
    let mut keys: Vec<_> = typed.flat_map(unlock).chain([account.storage_key.clone()]).collect();
    let default_key = storage.default_key().unwrap();
    assert!(keys.iter().any(|key| key.id() == default_key), "{what}: locked out");
    for name in [MASTER, BACKUP] {
        let opened = storage.open(&name.into(), &mut keys, &PublicKeys::default());
        let value = opened.unwrap_or_else(|error| panic!("{what}: {name}: {error}")).value();
        let value = value.unwrap().value;
        let is_known = [1, 9].iter().any(|byte| value == secret(MASTER, *byte));
        assert!(name != MASTER || is_known, "{what}: {name} is something else");
    }
    let (status, info) = host.ask("GET", "/room_keys/version/1", &json!({}));
    assert_eq!((status, &info["count"]), (200, &json!(3)), "{what}");
}

#[test]
fn recovery_hands_out_the_secrets_and_ends_or_says_what_it_waits_for() {
    let account = Account::new();
    let sent = undisturbed(account.host(), &account.typed, |run| {
        let mut flow = account.recovery(run.host);
        assert!(run.drive(&mut flow, |_| None).outcome.unwrap().fetched.is_some());
    });
    for_each(&sent, |name, trouble, what| recover(&account, name, trouble, 0, what));
}

fn recover(account: &Account, name: &str, trouble: Trouble, jump: i64, what: &str) {
    let mut host = account.host();
    let mut flow = account.recovery(&host);
    let (must_succeed, fault) = (comes_by_itself(name, &trouble), trouble.fault.name);
    let mut run = Run { host: &mut host, trouble, typed: &account.typed, jump, what };
    let ended = run.drive(&mut flow, |_| None);
    assert!(ended.requests < REQUESTS, "{what}: {}", ended.requests);
    if fault != "never" {
        assert_eq!(ended.secrets, 2, "{what}");
    }
    let done = ended.outcome.unwrap();
    says_why(&done, fault, what);
    assert!(done.fetched.is_some() || !must_succeed, "{what}");
}

/// Whoever has no sessions in the end is told why. That there is no backup, or one without a key, is believed.
fn says_why(done: &Recovered, fault: &str, what: &str) {
    let has_no_backup = ["404", "200 {}"].contains(&fault);
    let is_named = done.failure.is_some() || done.fetched.is_some();
    assert!(is_named || has_no_backup || fault == "never", "{what}: it ends without a word");
}

#[test]
fn a_recovery_of_the_sessions_alone_ends_or_says_what_it_waits_for() {
    let account = Account::new();
    let sent = undisturbed(account.host(), &account.typed, |run| {
        assert!(run.drive(&mut account.sessions_only(), |_| None).outcome.is_some());
    });
    for_each(&sent, |name, trouble, what| {
        let mut host = account.host();
        let (must_succeed, fault) = (comes_by_itself(name, &trouble), trouble.fault.name);
        let mut run = Run { host: &mut host, trouble, typed: &account.typed, jump: 0, what };
        let ended = run.drive(&mut account.sessions_only(), |_| None);
        assert!(ended.requests < REQUESTS, "{what}: {}", ended.requests);
        let done = ended.outcome.unwrap();
        says_why(&done, fault, what);
        assert!(done.fetched.is_some() || !must_succeed, "{what}");
    });
}

/// An account whose backup is there, and no secret storage; and one with a secret storage and no backup.
fn incomplete() -> [(Host, SavedBackup, NewKey); 2] {
    let account = Account::new();
    let mut without_storage = account.host();
    for (event_type, _) in account.host.account_data() {
        if !event_type.as_str().contains("key_backup") {
            without_storage.put_account_data(event_type.as_str(), &json!({}));
        }
    }
    let mut without_backup = account.host();
    without_backup.ask("DELETE", "/room_keys/version/1", &json!({}));
    without_backup.put_account_data(BACKUP, &json!({}));
    let storage = without_backup.storage();
    let id = account.storage_key.id();
    let resumed = NewKey::resume(storage.key(id).unwrap(), &account.storage_key).unwrap();
    let fresh = without_backup.backup().save();
    [(without_storage, account.backup, new_key()), (without_backup, fresh, resumed)]
}

fn completion(saved: &SavedBackup, key: &NewKey) -> SetUp {
    let secrets = vec![SecretValue::kept_by_host(&NOTE.into(), b"a note").unwrap().value];
    SetUp::complete(restored(saved), key.clone(), secrets, Limits::default())
}

#[test]
fn adding_what_is_missing_ends_or_says_what_it_waits_for_and_loses_nothing() {
    for (host, saved, key) in incomplete() {
        let same = || {
            let mut same = Host::new();
            same.homeserver = host.homeserver.clone();
            same.rng = StdRng::seed_from_u64(8);
            same
        };
        let sent = undisturbed(same(), "", |run| {
            let mut flow = completion(&saved, &key);
            assert!(run.drive(&mut flow, |_| None).outcome.unwrap().is_ok());
        });
        for_each(&sent, |name, trouble, what| {
            let mut host = same();
            let must_succeed = comes_by_itself(name, &trouble);
            let mut run = Run { host: &mut host, trouble, typed: "", jump: 0, what };
            let ended = run.drive(&mut completion(&saved, &key), |saved| {
                let (options, limits) = (BackupOptions::default(), Limits::default());
                SetUp::from_saved(saved, USER.into(), "PHONE".into(), options, limits).ok()
            });
            assert!(ended.requests < REQUESTS, "{what}: {}", ended.requests);
            let is_done = matches!(ended.outcome, Some(Ok(_)));
            assert!(is_done || !must_succeed, "{what}: {:?}", ended.outcome);
            // Whoever gets the new key as the default one has seen it.
            let storage = host.storage();
            let has_seen = !host.shown.is_empty() || storage.key(key.id()).is_some();
            assert!(storage.default_key().is_none() || has_seen, "{what}: locked out");
            let open = |name: &str| {
                let mut keys = [key.key().clone()];
                storage.open(&name.into(), &mut keys, &PublicKeys::default()).is_ok()
            };
            assert!(!is_done || open(BACKUP) && open(NOTE), "{what}");
        });
    }
}

const NOTE: &str = "org.example.note";

#[test]
fn turning_key_storage_off_ends_or_says_what_it_waits_for_and_can_be_gone_on_with() {
    let account = Account::new();
    let begin = |saved: &SavedBackup| {
        let secrets = [MASTER, BACKUP].map(SecretName::from);
        TurnOff::new(restored(saved), &["1".into()], &secrets, Limits::default())
    };
    let sent = undisturbed(account.host(), "", |run| {
        let mut flow = begin(&account.backup);
        assert!(run.drive(&mut flow, |_| None).outcome.unwrap().is_ok());
    });
    for_each(&sent, |name, trouble, what| {
        let mut host = account.host();
        // Whether the version is gone is seen by looking, and whoever cannot write the preference goes on.
        let must_succeed = comes_by_itself(name, &trouble);
        let mut run = Run { host: &mut host, trouble, typed: "", jump: 0, what };
        let mut flow = begin(&account.backup);
        let ended = run.drive(&mut flow, |saved| Some(begin(saved)));
        assert!(ended.requests < REQUESTS, "{what}: {}", ended.requests);
        let is_done = matches!(ended.outcome, Some(Ok(_)));
        assert!(is_done || !must_succeed, "{what}: {:?}", ended.outcome);
        // While the backup is there its key is, too.
        let (status, _) = host.ask("GET", "/room_keys/version", &json!({}));
        let has_key = host.storage().secret(&BACKUP.into()).is_some();
        let is_believed = ["404", "404, unrecognized"].iter().any(|it| what.contains(it));
        assert!(status == 404 || has_key || is_believed, "{what}: its key is gone");
        // What is left goes when nothing is in the way.
        let saved = flow.into_backup().map_or_else(|| account.backup.clone(), |it| it.save());
        let (mut flow, trouble) = (begin(&saved), no_trouble());
        let mut run = Run { host: &mut host, trouble, typed: "", jump: 0, what };
        let ended = run.drive(&mut flow, |_| None);
        assert!(matches!(ended.outcome, Some(Ok(_))), "{what}: {:?}", ended.outcome);
        let storage = host.storage();
        assert_eq!((storage.secrets().count(), storage.keys().count()), (0, 0), "{what}");
        assert_eq!(storage.default_key(), None, "{what}");
        let (status, _) = host.ask("GET", "/room_keys/version", &json!({}));
        assert_eq!(status, 404, "{what}");
    });
}

#[test]
fn a_clock_that_jumps_when_something_fails_keeps_no_flow_from_its_end() {
    let account = Account::new();
    for jump in [-DAY, 365 * DAY] {
        for (fault, span) in tried_with_jumps("everything") {
            let what = format!("{jump}: {}, {span:?}", fault.name);
            let trouble = || Trouble::new(|_| true, fault, span);
            set_up("everything", trouble(), jump, &what);
            rotate(&account, "everything", trouble(), jump, &what);
            recover(&account, "everything", trouble(), jump, &what);
        }
    }
}

#[test]
fn no_row_is_about_a_request_that_no_flow_sends() {
    let account = Account::new();
    let mut sent = undisturbed(account.host(), &account.typed, |run| {
        let mut flow = account.recovery(run.host);
        run.drive(&mut flow, |_| None);
    });
    sent.extend(undisturbed(account.host(), &account.typed, |run| {
        run.drive(&mut account.rotation(), |_| None);
    }));
    sent.extend(undisturbed(account.host(), "", |run| {
        let secrets = [MASTER, BACKUP].map(SecretName::from);
        let backup = restored(&account.backup);
        let mut flow = TurnOff::new(backup, &["1".into()], &secrets, Limits::default());
        run.drive(&mut flow, |_| None);
    }));
    sent.extend(crate::verify_device::sent());
    for (name, is_it) in ROWS {
        assert!(sent.iter().any(|line| is_it(line.split('?').next().unwrap())), "{name}");
    }
}

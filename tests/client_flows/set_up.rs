//! The first secret storage and backup.

use serde_json::json;
use strongroom::{
    Limits,
    client::flow::{FlowError, SetUp, SetUpDone},
    provenance::Provenance,
    secret_storage::NewKey,
    secret_value::PublicKeys,
};

use crate::host::{BACKUP, Host, MASTER, Meddle, Trouble, new_key, recovery_key, secret};

const DEFAULT_KEY: &str = "m.secret_storage.default_key";

fn account_data(event_type: &str) -> String {
    format!("/user/%40alice%3Aexample.org/account_data/{event_type}")
}

fn bootstrap(host: &mut Host, key: &NewKey) -> Result<SetUpDone, FlowError> {
    let secrets = vec![secret(MASTER, 1)];
    let flow = SetUp::bootstrap(host.backup(), key.clone(), secrets, Limits::default());
    host.set_up(flow)
}

/// What the user wrote down opens the secrets, and the backup's key among them is that of the one backup there is.
fn check(host: &mut Host, done: &SetUpDone) {
    let storage = host.storage();
    let typed = host.shown.last().unwrap().clone();
    let mut keys = storage.unlock(&typed, &PublicKeys::default(), &Limits::default()).unwrap().keys;
    assert_eq!(storage.default_key(), Some(keys[0].id()));
    let backup_key = storage.open(&BACKUP.into(), &mut keys, &PublicKeys::default()).unwrap();
    let key = backup_key.backup_key().unwrap();
    assert_eq!(key.provenance(), Provenance::AuthenticatedSecretStorage);
    let (status, info) = host.ask("GET", "/room_keys/version", &json!({}));
    assert_eq!(status, 200);
    assert_eq!(info["auth_data"]["public_key"], key.public_key().to_base64());
    let trusted = done.backup.trusted().unwrap();
    assert_eq!(trusted.public_key(), key.public_key());
    assert!(!done.backup.secret_is_due());
    assert_eq!(storage.keys().count(), 1);
}

#[test]
fn a_storage_and_a_backup_are_made_that_belong_together() {
    let (mut host, key) = (Host::new(), new_key());
    let done = bootstrap(&mut host, &key).unwrap();
    check(&mut host, &done);
    assert_eq!(host.shown, [recovery_key(&key).to_text().expose_str()]);
    let mut keys = vec![done.storage_key];
    let master = host.storage().open(&MASTER.into(), &mut keys, &PublicKeys::default()).unwrap();
    assert_eq!(master.value().unwrap().value, secret(MASTER, 1));
    assert_eq!((host.versions(), done.notes.len()), (1, 0));
}

#[test]
fn an_answer_or_a_request_may_be_lost_wherever_it_is() {
    let mut host = Host::new();
    bootstrap(&mut host, &new_key()).unwrap();
    for number in 0..host.requests.len() {
        for is_request in [false, true] {
            let mut host = Host::new();
            host.trouble = if is_request {
                Trouble { lost_requests: number..number + 1, ..Trouble::default() }
            } else {
                Trouble { lost_answer: Some(number), ..Trouble::default() }
            };
            let done = bootstrap(&mut host, &new_key()).unwrap();
            check(&mut host, &done);
            assert_eq!(host.versions(), 1, "request {number}");
        }
    }
}

#[test]
fn the_host_may_be_restarted_whenever_it_saves() {
    let mut host = Host::new();
    bootstrap(&mut host, &new_key()).unwrap();
    assert!(host.saves > 3);
    for number in 0..host.saves {
        for is_before in [false, true] {
            let (mut host, key) = (Host::new(), new_key());
            host.trouble = if is_before {
                Trouble { restart_before: Some(number), ..Trouble::default() }
            } else {
                Trouble { restart_after: Some(number), ..Trouble::default() }
            };
            let done = bootstrap(&mut host, &key).unwrap();
            check(&mut host, &done);
            host.shown.dedup();
            assert_eq!(host.shown, [recovery_key(&key).to_text().expose_str()]);
            assert_eq!(host.versions(), 1, "save {number}");
        }
    }
}

#[test]
fn another_client_may_write_between() {
    let mut host = Host::new();
    bootstrap(&mut host, &new_key()).unwrap();
    let mut refused = 0;
    for number in 0..host.requests.len() {
        let mut host = Host::new();
        let meddle: Meddle =
            |host| host.put_account_data(MASTER, &json!({ "encrypted": { "other": {} } }));
        host.trouble = Trouble { meddle: Some((number, meddle)), ..Trouble::default() };
        match bootstrap(&mut host, &new_key()) {
            Ok(done) => check(&mut host, &done),
            Err(error) => panic!("{number}: {error:?}"),
        }
        refused += 1;
    }
    assert!(refused > 5);
}

#[test]
fn what_another_device_sets_up_in_the_same_moment_is_not_overwritten() {
    let mut host = Host::new();
    bootstrap(&mut host, &new_key()).unwrap();
    let mut refused = 0;
    for number in 1..host.requests.len() {
        for lost_answer in [None, Some(number - 1)] {
            let mut host = Host::new();
            let meddle: Meddle = |host| {
                host.put_account_data(DEFAULT_KEY, &json!({ "key": "theirs" }));
            };
            host.trouble =
                Trouble { meddle: Some((number, meddle)), lost_answer, ..Trouble::default() };
            match bootstrap(&mut host, &new_key()) {
                Err(FlowError::HasStorage(Some(id))) => {
                    assert_eq!(id, "theirs".into());
                    refused += 1;
                }
                Err(error) => panic!("{error:?}"),
                // They wrote when all was done.
                Ok(_) => {}
            }
            // Between the look and the write nobody is seen: account data has no compare-and-swap.
            let put = format!("PUT {}", account_data(DEFAULT_KEY));
            if host.requests[number] == put && host.requests[number - 1] != put {
                continue;
            }
            let (_, default_key) = host.ask("GET", &account_data(DEFAULT_KEY), &json!({}));
            assert_eq!(default_key["key"], "theirs", "{number} {lost_answer:?}");
        }
    }
    assert!(refused > 5, "{refused}");
}

#[test]
fn a_default_key_that_another_device_sets_after_ours_is_seen() {
    let mut host = Host::new();
    bootstrap(&mut host, &new_key()).unwrap();
    let puts = |host: &Host| {
        let put = format!("PUT {}", account_data(MASTER));
        host.requests.iter().position(|request| *request == put)
    };
    let number = puts(&host).unwrap();
    let mut host = Host::new();
    let meddle: Meddle = |host| {
        host.put_account_data(DEFAULT_KEY, &json!({ "key": "theirs" }));
        host.put_account_data(MASTER, &json!({ "encrypted": { "theirs": {} } }));
    };
    host.trouble.meddle = Some((number - 1, meddle));
    let there = bootstrap(&mut host, &new_key()).unwrap_err();
    assert_eq!(there, FlowError::HasStorage(Some("theirs".into())));
}

#[test]
fn where_there_is_a_storage_or_a_backup_nothing_is_written() {
    let mut host = Host::new();
    let done = bootstrap(&mut host, &new_key()).unwrap();
    let (before, versions) = (host.account_data(), host.versions());
    let again = bootstrap(&mut host, &new_key()).unwrap_err();
    assert_eq!(again, FlowError::HasStorage(Some(done.storage_key.id().clone())));
    assert_eq!((host.account_data(), host.versions()), (before, versions));

    let mut host = Host::new();
    let body = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" },
    });
    host.ask("POST", "/room_keys/version", &body);
    let there = bootstrap(&mut host, &new_key()).unwrap_err();
    assert_eq!(there, FlowError::HasBackup("1".into()));
    assert!(host.requests.iter().all(|request| request.starts_with("GET")));
}

#[test]
fn a_homeserver_that_refuses_ends_the_flow() {
    for forbidden in ["POST /room_keys/version", "PUT /user/"] {
        let mut host = Host::new();
        host.trouble = Trouble { forbidden: Some(forbidden), ..Trouble::default() };
        let refused = bootstrap(&mut host, &new_key()).unwrap_err();
        assert!(matches!(refused, FlowError::Refused(_)), "{refused:?}");
        assert_eq!(refused.to_string(), "the homeserver refused with M_FORBIDDEN: no");
        assert_eq!(host.shown, Vec::<String>::new());
    }
}

#[test]
fn row_56_a_backup_that_nobody_can_use_is_named_and_can_be_replaced() {
    for (algorithm, auth_data) in [
        (ALGORITHM, json!({})),
        (ALGORITHM, json!({ "public_key": "none" })),
        (
            "org.example.other",
            json!({ "public_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo" }),
        ),
    ] {
        let mut host = Host::new();
        let unusable = json!({ "algorithm": algorithm, "auth_data": auth_data });
        assert_eq!(host.ask("POST", "/room_keys/version", &unusable).0, 200);
        let flow = SetUp::bootstrap(host.backup(), new_key(), Vec::new(), Limits::default());
        let refused = host.set_up(flow).unwrap_err();
        assert_eq!(refused, FlowError::HasBackup("1".into()), "{unusable}");
        let (key, limits) = (new_key(), Limits::default());
        let flow = SetUp::rotate_everything(host.backup(), key.clone(), &[], Vec::new(), limits);
        let done = host.set_up(flow).unwrap();
        assert_eq!(done.backup.trusted().unwrap().version().as_str(), "2", "{unusable}");
    }
}

const ALGORITHM: &str = "m.megolm_backup.v1.curve25519-aes-sha2";

//! A homeserver, or something before it, that denies for a while what is there: no flow blames another device for it.

use http::Response;
use strongroom::{
    Limits,
    api::BaseUrl,
    client::{
        Backup,
        flow::{Flow as _, FlowError, SetUp, SetUpDone, Step},
    },
};

use crate::{
    drive::account,
    host::{Host, MASTER, new_key, secret},
};

const MINUTE: u64 = 60_000;
const NOT_FOUND: (u16, &str) = (404, r#"{"errcode":"M_NOT_FOUND","error":"not here"}"#);

/// Which requests are answered falsely, and by what: from the one of this number, for so long.
#[derive(Debug, Clone, Copy)]
struct Denial {
    beginning: &'static str,
    number: usize,
    ms: u64,
    answer: (u16, &'static str),
}

/// How a set-up ends, and how many requests there were that it is about.
fn set_up(
    host: &mut Host,
    mut flow: SetUp,
    denial: Denial,
) -> (Result<SetUpDone, FlowError>, usize) {
    let (mut seen, mut since) = (0, None);
    for _ in 0..10_000 {
        match flow.next_with_rng(host.now, &mut host.rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                let url = BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &host.token).unwrap();
                let path = request.uri().path().trim_start_matches("/_matrix/client/v3");
                let is_it = format!("{} {path}", request.method()).starts_with(denial.beginning);
                seen += usize::from(is_it);
                if is_it && seen > denial.number && since.is_none() {
                    since = Some(host.now);
                }
                let is_denied = since.is_some_and(|since| host.now <= since + denial.ms);
                let answer = if is_it && is_denied {
                    let (status, body) = denial.answer;
                    Some(Response::builder().status(status).body(body.into()).unwrap())
                } else {
                    host.send(&request)
                };
                flow.answer(operation.id(), answer, host.now).unwrap();
            }
            Step::ReadAccountData => flow.account_data(host.account_data()),
            Step::Sign(id, key) => {
                let signed = host.sign(key.bytes());
                flow.signed(id, &[signed]).unwrap();
            }
            Step::ShowRecoveryKey(key) => {
                host.shown.push(key.to_text().expose_str().to_owned());
                flow.recovery_key_saved();
            }
            Step::Wait(until) => host.now = until.unwrap().max(host.now + 1),
            Step::Done(outcome) => return (*outcome, seen),
            other => panic!("{other:?}"),
        }
    }
    panic!("it never ends: {flow:?}");
}

fn bootstrap() -> (Host, SetUp) {
    let host = Host::new();
    let flow =
        SetUp::bootstrap(host.backup(), new_key(), vec![secret(MASTER, 1)], Limits::default());
    (host, flow)
}

/// By the device that has made the backup, or by a new one.
fn rotation(is_new: bool) -> (Host, SetUp) {
    rotation_with(is_new, true)
}

/// With the old key of the storage, or without.
fn rotation_with(is_new: bool, has_key: bool) -> (Host, SetUp) {
    let (host, done) = account();
    let (key, secrets) = (done.storage_key.clone(), vec![secret(MASTER, 9)]);
    let keys = if has_key { vec![key] } else { Vec::new() };
    let backup: Backup = if is_new { host.backup() } else { done.backup };
    let flow = SetUp::rotate_everything(backup, new_key(), &keys, secrets, Limits::default());
    (host, flow)
}

type Begin = fn() -> (Host, SetUp);

/// Each request of this beginning, and those for so long after it, are denied.
fn each(
    beginning: &'static str,
    ms: u64,
    mut check: impl FnMut(&str, Result<SetUpDone, FlowError>),
) {
    let begin: [(&str, Begin); 4] = [
        ("bootstrap", bootstrap),
        ("rotation", || rotation(false)),
        ("rotation by a new device", || rotation(true)),
        ("rotation without the old key", || rotation_with(true, false)),
    ];
    for (name, begin) in begin {
        let mut number = 0;
        loop {
            let (mut host, flow) = begin();
            let denial = Denial { beginning, number, ms, answer: NOT_FOUND };
            let (ended, seen) = set_up(&mut host, flow, denial);
            check(&format!("{name}: {denial:?}"), ended);
            number += 1;
            if number >= seen {
                break;
            }
        }
    }
}

#[test]
fn one_false_404_of_the_backup_ends_no_set_up() {
    each("GET /room_keys/version", 0, |what, ended| assert!(ended.is_ok(), "{what}: {ended:?}"));
}

#[test]
fn a_backup_that_is_denied_for_long_is_not_the_work_of_another_device() {
    each("GET /room_keys/version", 20 * MINUTE, |what, ended| {
        assert_ne!(ended.err(), Some(FlowError::OtherDevice), "{what}");
    });
}

#[test]
fn account_data_that_is_denied_is_not_the_work_of_another_device() {
    for ms in [0, 20 * MINUTE] {
        each("GET /user/", ms, |what, ended| {
            assert_ne!(ended.err(), Some(FlowError::OtherDevice), "{what}");
        });
    }
}

#[test]
fn a_backup_without_a_version_is_never_named() {
    let beginning = "GET /room_keys/version";
    let denial = Denial { beginning, number: 0, ms: MINUTE, answer: (200, "{}") };
    let (mut host, flow) = bootstrap();
    let (ended, _) = set_up(&mut host, flow, denial);
    assert!(matches!(ended, Err(FlowError::Unseen(_))), "{ended:?}");
    for is_new in [false, true] {
        let (mut host, flow) = rotation(is_new);
        let (ended, _) = set_up(&mut host, flow, denial);
        let replaced = ended.unwrap().replaced;
        assert!(replaced.is_none_or(|version| !version.as_str().is_empty()));
    }
}

//! What is there already passes for what was made, or what was made locks the user out.

use http::Response;
use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupPublicKey,
    client::flow::{FlowError, SetUp, SetUpDone},
    secret_storage::NewKey,
    secret_value::PublicKeys,
};

use crate::{
    drive::{Answer, Control, End, Tear, account, drive, restored, run},
    driver::somebody_elses_key,
    host::{BACKUP, Host, new_key},
};

/// What is said in the place of the truth.
type Said = Option<fn() -> Answer>;

const VERSION: &str = "/_matrix/client/v3/room_keys/version";

fn answer(status: u16, body: &Value) -> Answer {
    Some(Response::builder().status(status).body(body.to_string().into_bytes()).unwrap())
}

fn nothing() -> Answer {
    answer(404, &json!({ "errcode": "M_NOT_FOUND", "error": "no backup" }))
}

/// A version that the homeserver has made up.
fn made_up() -> Answer {
    let auth_data = json!({ "public_key": somebody_elses_key(7).public_key().to_base64() });
    let algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
    let body = json!({ "algorithm": algorithm, "auth_data": auth_data, "count": 0, "etag": "0",
        "version": "0" });
    answer(200, &body)
}

/// Until the new version is asked for, `shown` stands in the place of the one that is there, so many times. The first
/// request for a new version gets an error, and makes none.
fn hides(mut times: usize, mut errors: usize, shown: fn() -> Answer) -> Control<'static> {
    let mut is_posted = false;
    Control {
        tamper: Box::new(move |host, name, honest| match name.split_once(' ').unwrap() {
            ("GET", VERSION) if !is_posted && times > 0 => {
                times -= 1;
                shown()
            }
            ("POST", VERSION) => {
                is_posted = true;
                if errors == 0 {
                    return honest;
                }
                errors -= 1;
                let made: Value = serde_json::from_slice(honest.unwrap().body()).unwrap();
                let path = format!("/room_keys/version/{}", made["version"].as_str().unwrap());
                assert_eq!(host.ask("DELETE", &path, &json!({})).0, 200);
                answer(500, &json!({ "errcode": "M_UNKNOWN", "error": "" }))
            }
            _ => honest,
        }),
        ..Control::default()
    }
}

/// An account whose backup and storage were stolen, and what replaces them.
fn stolen() -> (Host, BackupPublicKey, NewKey, SetUp) {
    let (host, SetUpDone { backup, storage_key, .. }) = account();
    let stolen = *backup.trusted().unwrap().public_key();
    let key = new_key();
    let keys = [storage_key];
    let flow = SetUp::rotate_everything(backup, key.clone(), &keys, Vec::new(), Limits::default());
    (host, stolen, key, flow)
}

/// Nothing of what was stolen is in use.
#[track_caller]
fn is_rid_of(host: &mut Host, stolen: BackupPublicKey, key: &NewKey, done: &SetUpDone) {
    let used = *done.backup.trusted().unwrap().public_key();
    assert_ne!(used, stolen);
    assert!(done.backup.retired().contains(&stolen));
    let opened =
        host.storage().open(&BACKUP.into(), &mut [key.key().clone()], &PublicKeys::default());
    assert_eq!(*opened.unwrap().backup_key().unwrap().public_key(), used);
}

#[test]
fn a_backup_that_was_hidden_for_a_moment_is_not_taken_for_a_new_one() {
    for (times, errors, shown) in
        [(1, 0, nothing as fn() -> Answer), (1, 0, made_up), (99, 1, nothing), (99, 1, made_up)]
    {
        let (mut host, stolen, key, mut flow) = stolen();
        let done = run(&mut host, &mut flow, hides(times, errors, shown)).unwrap();
        is_rid_of(&mut host, stolen, &key, &done);
        let replaced = done.replaced.as_ref().map(|version| version.as_str());
        assert_eq!(replaced, Some("1"), "{times} {errors}");
    }
}

#[test]
fn a_backup_that_was_hidden_is_none_that_was_made_over_a_restart_either() {
    for tear in [Tear::Nothing, Tear::OldMachine, Tear::OldFlow] {
        for number in 1.. {
            let (mut host, stolen, key, mut flow) = stolen();
            let control = Control { crash_after: Some((number, tear)), ..hides(1, 0, nothing) };
            if !matches!(drive(&mut host, &mut flow, control), End::Crashed) {
                assert!(number > 5, "{number}");
                break;
            }
            let mut flow = restored(&host);
            let done = run(&mut host, &mut flow, Control::default()).unwrap();
            is_rid_of(&mut host, stolen, &key, &done);
        }
    }
}

#[test]
fn a_backup_that_comes_and_goes_ends_the_rotation_with_an_error() {
    let (mut host, _, _, mut flow) = stolen();
    let mut is_hidden = false;
    let control = Control {
        tamper: Box::new(move |_, name, honest| {
            let is_it = name.split_once(' ').unwrap() == ("GET", VERSION);
            is_hidden ^= is_it;
            if is_it && is_hidden { made_up() } else { honest }
        }),
        ..Control::default()
    };
    let ended = run(&mut host, &mut flow, control).unwrap_err();
    assert_eq!((ended, host.shown.len()), (FlowError::KeepsChanging, 0));
}

/// Whatever becomes of the flow, whoever has a new default key has seen it.
#[test]
fn a_recovery_key_that_may_be_the_default_one_is_shown_whatever_the_homeserver_says_then() {
    let refused = || answer(403, &json!({ "errcode": "M_FORBIDDEN", "error": "" }));
    let fails = || answer(500, &json!({ "errcode": "M_UNKNOWN", "error": "" }));
    // What it says to the request itself, to the next one, and to all others.
    let says: [[Said; 3]; 6] = [
        [None, Some(refused), Some(refused)],
        [None, Some(refused), Some(fails)],
        [None, Some(refused), Some(nothing)],
        [Some(refused), Some(nothing), Some(nothing)],
        [Some(fails), Some(refused), Some(fails)],
        [Some(fails), Some(refused), None],
    ];
    for (number, says) in says.into_iter().enumerate() {
        for restarts in [false, true] {
            let mut host = Host::new();
            let (backup, key) = (host.backup(), new_key());
            let mut flow = SetUp::bootstrap(backup, key.clone(), Vec::new(), Limits::default());
            let mut sent = 0;
            let control = Control {
                tamper: Box::new(move |host, name, honest| {
                    let is_put = name.starts_with("PUT") && name.ends_with("default_key");
                    if sent == 0 && !is_put {
                        return honest;
                    }
                    sent += 1;
                    if sent == 1 {
                        host.disk_then = host.disk.clone();
                    }
                    let said = says[(sent - 1).min(2)];
                    said.map_or(honest, |said| said())
                }),
                ..Control::default()
            };
            let ended = run(&mut host, &mut flow, control);
            assert!(matches!(ended, Err(FlowError::Refused(_))), "{number}: {ended:?}");
            if restarts {
                // The host was killed before it could show it, and nothing works any more.
                host.shown.clear();
                host.disk = host.disk_then.take();
                let control =
                    Control { tamper: Box::new(move |_, _, _| refused()), ..Control::default() };
                let mut flow = restored(&host);
                run(&mut host, &mut flow, control).unwrap_err();
            }
            let text = key.to_recovery_key().unwrap().to_text();
            assert_eq!(host.shown, [text.expose_str()], "{number}, {restarts}");
        }
    }
}

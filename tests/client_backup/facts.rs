//! What the user is asked is asked with what is true by then.

use http::Response;
use serde_json::json;
use strongroom::client::backup::{BackupOptions, KeyFit, Next, Question, Reply, Stage};

use crate::{
    asserted::shared,
    driver::{Driver, Lied, somebody_elses_key},
};

const HOUR: u64 = 60 * 60 * 1_000;
const PREFERENCE: &str = "/user/%40alice%3Aexample.org/account_data/m.key_backup";

#[test]
fn row_65_the_preference_is_read_again_before_each_question() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    // Another client switches the backup off, by another event than ours.
    phone.ask_server("PUT", PREFERENCE, &json!({ "enabled": false }));
    assert_eq!(phone.ask_server("DELETE", "/room_keys/version/1", &json!({})).0, 200);
    phone.live(2 * HOUR);
    let Question::Changed { preference, .. } = phone.question() else { panic!() };
    assert_eq!(preference, Some(false));
    assert_eq!(phone.ask_server("GET", PREFERENCE, &json!({})).1, json!({ "enabled": false }));
}

/// What was read half a minute ago is too old if the backup has changed since.
#[test]
fn row_65_a_preference_that_was_read_before_the_backup_changed_is_read_again() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.ask_server("PUT", PREFERENCE, &json!({ "enabled": false }));
    assert_eq!(phone.ask_server("DELETE", "/room_keys/version/1", &json!({})).0, 200);
    phone.machine.look_again();
    phone.live(60_000);
    let Question::Changed { preference, .. } = phone.question() else { panic!() };
    assert_eq!(preference, Some(false));
}

#[test]
fn a_version_that_is_missing_for_a_moment_is_no_question() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    let (asked, mut is_first) = (phone.asked.len(), true);
    phone.lie = Some(Box::new(move |request, _| {
        let is_look = request.method() == "GET" && request.uri().path().ends_with("/version");
        let body = br#"{"errcode":"M_NOT_FOUND","error":"none"}"#.to_vec();
        let missing = Response::builder().status(404).body(body).unwrap();
        (is_look && std::mem::take(&mut is_first)).then_some(Lied::Answer(missing))
    }));
    phone.machine.look_again();
    phone.live(HOUR);
    assert_eq!((phone.machine.stage(), phone.asked.len()), (Stage::Running, asked));
    let new = phone.session();
    phone.has(new, false);
    phone.live(HOUR);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
}

#[test]
fn a_key_that_settles_the_question_is_looked_at_before_the_user_is_asked() {
    let mut laptop = Driver::new();
    laptop.set_up();
    laptop.live(20_000);
    let key = laptop.stored_key(shared());
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    // The key comes while nobody has looked yet, and while a look is due.
    assert_eq!(phone.give_key(key), KeyFit::NoBackup);
    phone.live(HOUR);
    assert_eq!((phone.machine.stage(), phone.asked.len()), (Stage::Running, 0));
}

#[test]
fn a_question_that_is_open_is_not_asked_again_because_the_preference_is_read() {
    let mut phone = Driver::new();
    phone.run();
    phone.live(HOUR);
    assert_eq!(phone.asked.len(), 1);
    phone.plant(&somebody_elses_key(3).public_key().to_base64());
    phone.live(HOUR);
    assert_eq!(phone.asked.len(), 2);
    phone.reply(Reply::Stop);
    assert_eq!(phone.machine.stage(), Stage::Off);
}

#[test]
fn who_is_trusted_is_asked_before_a_strangers_backup_is_offered() {
    let mut stranger = Driver::new();
    stranger.set_up();
    let mut phone = Driver::on(stranger.homeserver.clone(), "TABLET", 2);
    // The key was the user's, until they have reset their identity; the host has not said so yet.
    phone.machine.set_signers(vec![stranger.signer()]);
    phone.ask_server("PUT", PREFERENCE, &json!({ "enabled": false }));
    let mut has_been_asked = false;
    loop {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::RefreshSigners => {
                has_been_asked = true;
                phone.machine.set_signers(Vec::new());
            }
            Next::Ask(_, question) => {
                let Question::Use { found, .. } = *question else { panic!() };
                assert!(has_been_asked && found.problem.is_some(), "{found:?}");
                break;
            }
            Next::Wait(until) => phone.now = until.unwrap(),
            next => phone.work(next),
        }
    }
}

#[test]
fn a_host_that_is_slow_at_each_step_is_asked_all_the_same() {
    let mut phone = Driver::new();
    for _ in 0..40 {
        let next = phone.machine.next_with_rng(phone.now, &mut phone.rng);
        if let Next::Ask(..) = next {
            return;
        }
        // Longer than what was read stays fresh.
        phone.now += 2 * BackupOptions::default().poll_ms;
        if !matches!(next, Next::Wait(_)) {
            phone.work(next);
        }
    }
    panic!("nobody is asked");
}

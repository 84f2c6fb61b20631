//! No backup at all.

use serde_json::json;
use strongroom::client::{
    Awaited, RequestFailure, RequestKind,
    backup::{Next, Question, Reply, Stage},
};

use crate::driver::{Driver, Lied, lie_about, response, somebody_elses_key};

const HOUR: u64 = 60 * 60 * 1_000;

const PREFERENCE: &str = "/user/%40alice%3Aexample.org/account_data/m.key_backup";

#[test]
fn the_preference_goes_first_then_the_secret_then_every_version_newest_first() {
    let mut phone = Driver::new();
    phone.set_up();
    for _ in 0..2 {
        phone.machine.rotate();
        phone.live(20_000);
    }
    phone.sent.clear();
    phone.machine.disable();
    phone.live(20_000);
    let sent = phone.requests();
    assert_eq!(
        sent,
        [
            "GET /user/%40alice%3Aexample.org/account_data/m.key_backup",
            "GET /user/%40alice%3Aexample.org/account_data/m.org.matrix.custom.backup_disabled",
            "PUT /user/%40alice%3Aexample.org/account_data/m.key_backup",
            // Before the secret is deleted, and before the first version is.
            "GET /room_keys/version",
            "GET /room_keys/version",
            "DELETE /room_keys/version/3",
            "GET /room_keys/version",
            "DELETE /room_keys/version/2",
            "GET /room_keys/version",
            "DELETE /room_keys/version/1",
            "GET /room_keys/version",
        ]
    );
    assert!(matches!(phone.secrets.last(), Some(None)));
    assert_eq!(phone.machine.stage(), Stage::Off);
    assert_eq!(phone.ask_server("GET", PREFERENCE, &json!({})).1, json!({ "enabled": false }));
    assert_eq!(phone.machine.retired().len(), 3);
    assert_eq!(phone.machine.open_questions().count(), 0);
}

#[test]
fn a_version_that_cannot_be_read_can_be_deleted() {
    for auth_data in [json!({}), json!({ "public_key": 7 })] {
        let mut phone = Driver::new();
        let body = json!({ "algorithm": "org.example.v9", "auth_data": auth_data });
        phone.ask_server("POST", "/room_keys/version", &body);
        phone.run();
        let Question::Use { found, .. } = phone.question() else { panic!() };
        assert_eq!(found.public_key, None);
        phone.machine.disable();
        phone.live(20_000);
        assert_eq!(phone.machine.stage(), Stage::Off);
        assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).0, 404);
    }
}

#[test]
fn it_goes_on_over_restarts_and_errors() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.lie = lie_about("DELETE", 3, || response(500, "{}"));
    phone.machine.disable();
    phone.run();
    assert_eq!(phone.machine.stage(), Stage::Disabling);
    phone.restart();
    assert_eq!(phone.machine.stage(), Stage::Disabling);
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Off);
    assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).0, 404);
}

/// After the first version is gone the next one is the current one, which is not the one that the user saw.
#[test]
fn a_restart_between_two_versions_asks_nothing_and_deletes_the_rest() {
    for lost in 0..=4 {
        let mut phone = Driver::new();
        phone.set_up();
        for _ in 0..2 {
            phone.machine.rotate();
            phone.live(20_000);
        }
        phone.machine.disable();
        // Looks and deletions are answered in turns: each time the crash comes before another of the answers.
        let mut answers = 0;
        while phone.machine.stage() == Stage::Disabling {
            match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
                Next::Send(operation) if phone.secrets.len() > 3 => {
                    let answer = phone.exchange(&operation);
                    if answers == lost {
                        break;
                    }
                    answers += 1;
                    phone.machine.answer(operation.id(), Some(answer), phone.now).unwrap();
                }
                Next::Wait(until) => phone.now = until.unwrap(),
                next => phone.work(next),
            }
        }
        phone.restart();
        phone.live(120_000);
        assert_eq!(phone.machine.stage(), Stage::Off, "{lost}: {:?}", phone.asked);
        assert_eq!(phone.asked.len(), 0, "{lost}");
        assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).0, 404);
    }
}

#[test]
fn versions_stay_until_the_secret_is_deleted() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.has_storage = false;
    phone.machine.disable();
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Disabling);
    assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).0, 200);
    phone.machine.no_secret_storage();
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Off);
}

#[test]
fn who_changes_their_mind_is_asked_anew_and_gets_a_new_key() {
    let mut phone = Driver::new();
    phone.set_up();
    let before = *phone.machine.trusted().unwrap().public_key();
    phone.machine.disable();
    phone.live(60_000);
    phone.machine.enable();
    phone.live(5_000);
    assert!(matches!(phone.question(), Question::SetUp { .. }));
    phone.reply(Reply::Create);
    let after = *phone.machine.trusted().unwrap().public_key();
    assert_ne!(before, after);
    assert_eq!(phone.machine.retired(), [before]);
}

#[test]
fn versions_stay_until_the_preference_is_written() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.lie = lie_about("PUT /user", 4, || response(500, "{}"));
    phone.machine.disable();
    phone.live(5_000);
    assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).0, 200);
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Off);
}

#[test]
fn who_disables_is_told_of_a_preference_that_the_server_does_not_take() {
    let forbidden = r#"{"errcode":"M_FORBIDDEN","error":"no"}"#;
    let not_found = r#"{"errcode":"M_NOT_FOUND","error":"no"}"#;
    let cases = [(403, forbidden, 1), (413, "{}", 1), (500, "{}", 5), (404, not_found, 5)];
    for (status, body, times) in cases {
        let mut phone = Driver::new();
        phone.set_up();
        phone.live(20_000);
        phone.sent.clear();
        phone.lie = lie_about("PUT /user", usize::MAX, move || response(status, body));
        phone.machine.disable();
        phone.live(120_000);
        let is_refused = matches!(status, 403 | 413);
        assert_eq!(phone.preference_not_set, [(false, is_refused)], "{status}");
        assert_eq!(phone.machine.stage(), Stage::Off, "{status}");
        let sent = phone.requests();
        assert_eq!(sent.iter().filter(|line| line.starts_with("PUT /user")).count(), times);
        // What another client reads, and what the user is shown, is what there is.
        assert_eq!(phone.ask_server("GET", PREFERENCE, &json!({})).1, json!({ "enabled": true }));
        phone.lie = None;
        phone.machine.enable();
        phone.live(10_000);
        assert_eq!(phone.preference_not_set.len(), 1);
    }
}

#[test]
fn lost_answers_and_one_failure_give_no_preference_up() {
    let mut phone = Driver::new();
    phone.set_up();
    let mut answers = 0;
    phone.lie = lie_about("PUT /user", 8, move || {
        answers += 1;
        if answers == 8 { response(500, "{}") } else { Lied::Nothing }
    });
    phone.machine.disable();
    phone.live(60 * 60 * 1_000);
    assert_eq!(phone.preference_not_set, []);
    assert_eq!(phone.ask_server("GET", PREFERENCE, &json!({})).1, json!({ "enabled": false }));
    assert_eq!(phone.machine.stage(), Stage::Off);
}

#[test]
fn who_wanted_no_backup_on_this_device_may_still_want_none_at_all() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.plant(&somebody_elses_key(9).public_key().to_base64());
    phone.live(2 * 3_600_000);
    phone.reply(Reply::Stop);
    assert_eq!(phone.machine.stage(), Stage::Off);
    phone.machine.disable();
    phone.live(3_600_000);
    assert_eq!(phone.machine.stage(), Stage::Off);
    assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).0, 404);
}

/// What a homeserver answers to each deletion: the deletion does nothing.
const DENIALS: [Option<(u16, &str)>; 5] = [
    Some((403, r#"{"errcode":"M_FORBIDDEN","error":"no"}"#)),
    Some((404, r#"{"errcode":"M_NOT_FOUND","error":"no"}"#)),
    Some((500, "{}")),
    Some((200, "{}")),
    None,
];

fn denied(says: Option<(u16, &'static str)>) -> Driver {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.sent.clear();
    let answer = move || says.map_or(Lied::Nothing, |(status, body)| response(status, body));
    phone.lie = lie_about("DELETE", usize::MAX, answer);
    phone.machine.disable();
    phone
}

fn deletions(phone: &Driver) -> usize {
    phone.sent.iter().filter(|(line, _)| line.starts_with("DELETE")).count()
}

#[test]
fn a_deletion_that_fails_is_counted_once_and_says_why() {
    for says in DENIALS {
        let mut phone = denied(says);
        phone.live(HOUR / 6);
        let waiting = phone.machine.waiting_for();
        let what = Awaited::Request(RequestKind::DeleteVersion);
        let waiting = waiting.iter().find(|waiting| waiting.what == what).unwrap();
        assert_eq!(waiting.failures as usize, deletions(&phone), "{says:?}");
        match (&waiting.last_error, says) {
            (Some(RequestFailure::NoAnswer), None)
            | (Some(RequestFailure::NoEffect), Some((200, _))) => {}
            (Some(RequestFailure::Api(error)), Some((status, _))) => {
                assert_eq!(error.status(), Some(status));
            }
            (other, _) => panic!("{says:?}: {other:?}"),
        }
    }
}

#[test]
fn who_disables_is_told_of_a_version_that_is_not_deleted_and_it_ends() {
    for says in DENIALS.into_iter().filter(Option::is_some) {
        let mut phone = denied(says);
        phone.live(3 * HOUR);
        assert_eq!((phone.machine.stage(), phone.not_deleted), (Stage::Off, 1), "{says:?}");
        assert_eq!(deletions(&phone), 16, "{says:?}");
        let sent = phone.sent.len();
        phone.live(24 * HOUR);
        assert_eq!(phone.sent.len(), sent, "{says:?}");
        // It can be tried again.
        phone.lie = None;
        phone.machine.disable();
        phone.live(HOUR);
        assert_eq!((phone.machine.stage(), phone.not_deleted), (Stage::Off, 1), "{says:?}");
        assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).0, 404);
    }
}

#[test]
fn a_network_that_is_down_for_a_day_ends_no_deletion() {
    let mut phone = denied(None);
    phone.live(24 * HOUR);
    assert_eq!((phone.machine.stage(), phone.not_deleted), (Stage::Disabling, 0));
    phone.lie = None;
    phone.live(HOUR);
    assert_eq!(phone.machine.stage(), Stage::Off);
}

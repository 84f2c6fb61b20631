//! Sessions that a version of the backup does not take.

use std::collections::BTreeSet;

use strongroom::client::{
    Awaited, RequestFailure, RequestKind,
    backup::{Next, NotStored, Stage},
};

use crate::driver::{Driver, Lied, lie_about, response};

const HOUR: u64 = 60 * 60 * 1_000;

fn running() -> Driver {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.sent.clear();
    phone
}

fn puts(phone: &Driver) -> usize {
    phone.sent.iter().filter(|(line, _)| line.starts_with("PUT /room_keys/keys")).count()
}

fn no_such_version() -> Lied {
    response(404, r#"{"errcode":"M_NOT_FOUND","error":"no such version"}"#)
}

#[test]
fn lost_answers_and_one_404_give_no_session_up() {
    let mut phone = running();
    phone.has_session();
    let mut answers = 0;
    phone.lie = lie_about("PUT /room_keys/keys", 9, move || {
        answers += 1;
        if answers == 9 { no_such_version() } else { Lied::Nothing }
    });
    phone.live(HOUR);
    assert_eq!(phone.not_stored, []);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
    assert_eq!(puts(&phone), 10);
}

#[test]
fn a_server_that_denies_the_version_it_shows_is_given_up_after_a_while() {
    let mut phone = running();
    let token = 0;
    phone.has_session();
    phone.lie = lie_about("PUT /room_keys/keys", usize::MAX, no_such_version);
    phone.live(5 * 60 * 1_000);
    assert_eq!(phone.not_stored, [], "five minutes are not long");
    phone.live(30 * 60 * 1_000);
    assert_eq!(phone.not_stored, [(token, NotStored::Failing)]);
    assert_eq!(puts(&phone), 10);
    phone.live(24 * HOUR);
    assert!((20..=25).contains(&phone.not_stored.len()), "each hour: {}", phone.not_stored.len());
    assert_eq!(puts(&phone), 9 + phone.not_stored.len());
    assert_eq!(phone.machine.stage(), Stage::Running);
    phone.lie = None;
    phone.live(2 * HOUR);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()), "it is stored in the end");
    // Once the server has taken something, it is a while again.
    phone.not_stored.clear();
    phone.lie = lie_about("PUT /room_keys/keys", 9, no_such_version);
    phone.has_session();
    phone.live(HOUR);
    assert_eq!(phone.not_stored, []);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
}

#[test]
fn a_session_that_the_server_fails_on_is_tried_again_after_an_hour_and_after_a_restart() {
    for restarts in [false, true] {
        let mut phone = running();
        phone.has_session();
        phone.lie = lie_about("PUT /room_keys/keys", 5, || response(500, "{}"));
        phone.live(HOUR / 2);
        assert_eq!(phone.not_stored, [(0, NotStored::Failing)]);
        if restarts {
            phone.restart();
        }
        phone.live(if restarts { 60_000 } else { HOUR });
        assert!(phone.store.values().all(|(_, stored)| stored.is_some()), "{restarts}");
    }
}

#[test]
fn a_session_that_is_refused_alone_is_tried_again_after_a_day() {
    for (status, body) in [
        (403, r#"{"errcode":"M_FORBIDDEN","error":"?"}"#),
        (404, r#"{"errcode":"M_UNRECOGNIZED","error":"?"}"#),
        (400, r#"{"errcode":"M_UNKNOWN","error":"?"}"#),
        (413, "<html>too large</html>"),
    ] {
        let mut phone = running();
        phone.lie = lie_about("PUT /room_keys/keys", usize::MAX, move || response(status, body));
        for _ in 0..5 {
            phone.has_session();
            phone.live(60_000);
        }
        phone.lie = None;
        let before = puts(&phone);
        phone.live(22 * HOUR);
        assert!(
            puts(&phone) <= before + 1,
            "{status}: a server that refuses is not asked all the time"
        );
        phone.live(3 * HOUR);
        assert!(phone.store.values().all(|(_, stored)| stored.is_some()), "{status}");
    }
}

#[test]
fn a_server_that_always_calls_the_version_another_one_is_asked_less_and_less_often() {
    let is_other = r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","current_version":"1"}"#;
    for (beginning, is_imported) in [("PUT /room_keys/keys", false), ("GET /room_keys/keys", true)]
    {
        let mut phone = running();
        for _ in 0..100 {
            let session = phone.session();
            phone.has(session, is_imported);
        }
        phone.lie = lie_about(beginning, usize::MAX, move || response(403, is_other));
        phone.live(60_000);
        assert!(phone.sent.len() < 20, "{beginning}: {} in a minute", phone.sent.len());
        phone.live(24 * HOUR);
        assert!(phone.not_stored.iter().all(|(_, reason)| *reason == NotStored::Failing));
        let named: BTreeSet<_> = phone.not_stored.iter().map(|(token, _)| *token).collect();
        assert_eq!(named.len(), 100, "{beginning}: the host is told of each");
        assert!(phone.sent.len() < 1_000, "{beginning}: {} in a day", phone.sent.len());
        assert_eq!(phone.machine.stage(), Stage::Running);
        phone.lie = None;
        phone.live(2 * HOUR);
        assert!(phone.store.values().all(|(_, stored)| stored.is_some()), "{beginning}");
    }
}

/// The lie about everything that holds this session: it is too large.
fn too_large(phone: &mut Driver, token: u64) {
    let session_id = phone.store[&token].0.session.session_id();
    phone.lie = Some(Box::new(move |request, _| {
        let body = String::from_utf8_lossy(request.body());
        let is_it = request.uri().path().ends_with("/room_keys/keys") && request.method() == "PUT";
        (is_it && body.contains(session_id.as_str()))
            .then(|| response(413, r#"{"errcode":"M_TOO_LARGE","error":"too large"}"#))
    }));
}

#[test]
fn what_a_version_does_not_take_is_not_tried_again_when_uploads_were_stopped() {
    let mut phone = running();
    phone.has_session();
    too_large(&mut phone, 0);
    phone.live(HOUR);
    assert_eq!(phone.not_stored, [(0, NotStored::TooLarge)]);
    let mut too_large = phone.lie.take().unwrap();
    let mut denials = 1;
    phone.lie = Some(Box::new(move |request, homeserver| {
        let is_put = request.method() == "PUT" && request.uri().path().ends_with("/room_keys/keys");
        if is_put && denials > 0 {
            denials -= 1;
            return Some(no_such_version());
        }
        too_large(request, homeserver)
    }));
    phone.sent.clear();
    phone.has_session();
    phone.live(HOUR);
    assert_eq!(phone.not_stored.len(), 1);
    assert_eq!(puts(&phone), 2);
    // In another version it may be otherwise.
    phone.machine.rotate();
    phone.live(HOUR);
    assert_eq!(phone.not_stored.len(), 2);
}

#[test]
fn sessions_that_cannot_be_stored_cost_a_bounded_wish() {
    let mut phone = running();
    for _ in 0..1_250 {
        let mut session = phone.session();
        // Clients refuse a backup with such a room.
        session.room_id = "room".into();
        phone.has(session, false);
    }
    let mut largest = (0, 0);
    for _ in 0..20 {
        for _ in 0..10_000 {
            match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
                Next::Wait(until) => {
                    phone.now = until.unwrap().min(phone.now + HOUR);
                    break;
                }
                Next::Want { version, count, bytes } => {
                    largest = largest.max((count, bytes));
                    phone.work(Next::Want { version, count, bytes });
                }
                next => phone.work(next),
            }
        }
    }
    assert_eq!(largest, (1_100, 11_000_000));
    let named: BTreeSet<_> = phone.not_stored.iter().map(|(token, _)| *token).collect();
    assert_eq!((named.len(), phone.not_stored.len()), (1_100, 1_100));
}

const REFUSALS: [(u16, &str); 4] = [
    (403, r#"{"errcode":"M_FORBIDDEN","error":"the account is suspended"}"#),
    (400, r#"{"errcode":"M_UNKNOWN","error":"no"}"#),
    (413, r#"{"errcode":"M_TOO_LARGE","error":"over quota"}"#),
    (413, "<html>too large</html>"),
];

#[test]
fn what_is_refused_for_every_part_alike_is_about_the_account_after_a_few_requests() {
    for (status, body) in REFUSALS {
        let mut phone = running();
        for _ in 0..500 {
            phone.has_session();
        }
        phone.lie = lie_about("PUT /room_keys/keys", usize::MAX, move || response(status, body));
        phone.live(60_000);
        // 100 sessions are halved 7 times, and three of them were refused alone.
        assert!(puts(&phone) < 20, "{status}: {} in a minute", puts(&phone));
        assert_eq!((phone.upload_refused, phone.not_stored.len()), (1, 0), "{status}");
        phone.live(7 * 24 * HOUR);
        assert!(puts(&phone) < 1_100, "{status}: {} in a week", puts(&phone));
        assert_eq!((phone.upload_refused, phone.not_stored.len()), (1, 0), "{status}");
        let waiting = phone.machine.waiting_for();
        let what = Awaited::Request(RequestKind::Upload);
        let failing = waiting.iter().find(|waiting| waiting.what == what).unwrap();
        let Some(RequestFailure::Api(error)) = &failing.last_error else { panic!("{failing:?}") };
        assert_eq!(error.status(), Some(status));
        phone.lie = None;
        phone.live(HOUR);
        assert!(phone.store.values().all(|(_, stored)| stored.is_some()), "{status}");
        assert_eq!(phone.not_stored, [], "{status}");
    }
}

/// The first ones are refused, so that it looks as if all were; and so is one in each half.
#[test]
fn sessions_that_are_refused_keep_no_others_from_the_backup_wherever_they_stand() {
    for (status, body) in REFUSALS {
        let mut phone = running();
        for _ in 0..300 {
            phone.has_session();
        }
        let bad = [0, 1, 2, 3, 5, 8, 12, 20, 30, 60, 99, 150, 151, 299];
        let id = |token: u64| phone.store[&token].0.session.session_id();
        let ids = bad.map(|token| id(token).as_str().to_owned());
        phone.lie = Some(Box::new(move |request, _| {
            let text = String::from_utf8_lossy(request.body());
            let is_it = request.method() == "PUT" && ids.iter().any(|id| text.contains(id));
            is_it.then(|| response(status, body))
        }));
        phone.live(2 * HOUR);
        let named: BTreeSet<_> = phone.not_stored.iter().map(|(token, _)| *token).collect();
        assert_eq!(named, bad.into(), "{status}");
        assert_eq!(phone.not_stored.len(), bad.len(), "{status}");
        let stored = phone.store.values().filter(|(_, stored)| stored.is_some()).count();
        assert_eq!(stored, 300 - bad.len(), "{status}");
        assert!(puts(&phone) < 300, "{status}: {}", puts(&phone));
    }
}

#[test]
fn row_59_what_is_refused_for_every_session_alike_is_about_the_account() {
    let mut phone = running();
    for _ in 0..250 {
        phone.has_session();
    }
    let refusal = r#"{"errcode":"M_FORBIDDEN","error":"the account is suspended"}"#;
    phone.lie = lie_about("PUT /room_keys/keys", usize::MAX, || response(403, refusal));
    phone.live(24 * HOUR);
    assert_eq!((phone.upload_refused, phone.not_stored.len()), (1, 0));
    assert!(puts(&phone) < 400, "{}", puts(&phone));
    let waiting = phone.machine.waiting_for();
    let what = Awaited::Request(RequestKind::Upload);
    assert!(waiting.iter().any(|it| it.what == what && it.failures > 10), "{waiting:?}");
    phone.lie = None;
    phone.live(HOUR);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()), "all of it is stored");
    assert_eq!(phone.not_stored, []);
}

#[test]
fn what_is_refused_for_one_session_costs_only_that_session() {
    let mut phone = running();
    for _ in 0..100 {
        phone.has_session();
    }
    let session_id = phone.store[&7].0.session.session_id();
    phone.lie = Some(Box::new(move |request, _| {
        let is_it = String::from_utf8_lossy(request.body()).contains(session_id.as_str());
        let refusal = r#"{"errcode":"M_FORBIDDEN","error":"not this one"}"#;
        (request.method() == "PUT" && is_it).then(|| response(403, refusal))
    }));
    phone.live(HOUR);
    let named: Vec<_> = phone.not_stored.iter().map(|(token, _)| *token).collect();
    assert_eq!((named, phone.upload_refused), (vec![7], 0));
    assert_eq!(phone.store.values().filter(|(_, stored)| stored.is_some()).count(), 99);
}

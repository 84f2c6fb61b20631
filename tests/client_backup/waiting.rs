//! What cannot go on says so.

use http::Response;
use strongroom::client::{
    Awaited, RequestFailure, RequestKind, Waiting,
    backup::{Next, Reply, Scope},
};

use crate::driver::{Driver, Lied, lie_about, response};

const HOUR: u64 = 60 * 60 * 1_000;

#[track_caller]
fn waiting_for(phone: &Driver, what: Awaited) -> Waiting {
    let all = phone.machine.waiting_for();
    let found = all.iter().find(|waiting| waiting.what == what).cloned();
    found.unwrap_or_else(|| panic!("{all:?}"))
}

fn running() -> Driver {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    assert_eq!(phone.machine.waiting_for(), []);
    phone
}

#[test]
fn a_machine_to_which_all_is_well_waits_for_nothing_but_news() {
    let mut phone = running();
    phone.has_session();
    phone.live(HOUR);
    assert_eq!(phone.machine.waiting_for(), []);
}

#[test]
fn an_upload_that_fails_says_since_when_how_often_why_and_when_it_is_tried_again() {
    let mut phone = running();
    phone.has_session();
    phone.lie = lie_about("PUT /room_keys/keys", usize::MAX, || response(502, "bad gateway"));
    let begin = phone.now;
    phone.live(20_000);
    let waiting = waiting_for(&phone, Awaited::Request(RequestKind::Upload));
    assert!(waiting.failures > 1 && waiting.since_ms >= begin && waiting.since_ms < phone.now);
    let Some(RequestFailure::Api(error)) = &waiting.last_error else { panic!("{waiting:?}") };
    assert_eq!(error.status(), Some(502));
    assert!(waiting.next_try_ms.unwrap() > phone.now);
    let text = waiting.to_string();
    assert!(text.contains("store message keys") && text.contains("502"), "{text}");
    phone.lie = None;
    phone.live(HOUR);
    assert_eq!(phone.machine.waiting_for(), []);
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let mut phone = Driver::new();
    phone.lie = lie_about("GET", usize::MAX, || Lied::Nothing);
    phone.live(HOUR);
    let waiting = waiting_for(&phone, Awaited::Request(RequestKind::ReadPreference));
    assert_eq!(waiting.last_error, Some(RequestFailure::NoAnswer));
}

#[test]
fn an_answer_that_does_not_come_is_waited_for_since_the_request_was_given() {
    let mut phone = running();
    phone.has_session();
    let operation = loop {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Send(operation) => break operation,
            Next::Wait(until) => phone.now = until.unwrap(),
            next => phone.work(next),
        }
    };
    let since = phone.now;
    phone.pass(HOUR / 4);
    let waiting = waiting_for(&phone, Awaited::Request(RequestKind::Upload));
    assert_eq!((waiting.since_ms, waiting.next_try_ms, waiting.failures), (since, None, 0));
    drop(operation);
    phone.run();
    assert_eq!(waiting_for(&phone, Awaited::Request(RequestKind::Upload)).failures, 1);
}

#[test]
fn a_token_that_is_not_accepted_is_an_event_and_waited_for() {
    for soft_logout in [true, false] {
        let mut phone = running();
        phone.has_session();
        let body =
            format!(r#"{{"errcode":"M_UNKNOWN_TOKEN","error":"?","soft_logout":{soft_logout}}}"#);
        let refused = move || {
            let body = body.clone().into_bytes();
            Lied::Answer(Response::builder().status(401).body(body).unwrap())
        };
        phone.lie = lie_about("PUT", usize::MAX, refused);
        phone.live(HOUR);
        assert_eq!(phone.needs_token, [soft_logout], "told once");
        waiting_for(&phone, Awaited::Token { soft_logout });
        phone.lie = None;
        phone.machine.resume();
        phone.live(HOUR);
        assert_eq!(phone.machine.waiting_for(), []);
        assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
    }
}

#[test]
fn a_rate_limit_and_its_end_are_named() {
    let mut phone = running();
    phone.has_session();
    let limit = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?","retry_after_ms":600000}"#;
    phone.lie = lie_about("PUT", 1, || response(429, limit));
    phone.live(15_000);
    let waiting = waiting_for(&phone, Awaited::RateLimit);
    let until = waiting.next_try_ms.unwrap();
    assert!(until > phone.now + 500_000 && until <= phone.now + 600_000);
    phone.live(HOUR);
    assert_eq!(phone.machine.waiting_for(), []);
}

#[test]
fn a_token_that_is_refused_while_a_rate_limit_lasts_is_told_and_the_limit_is_kept() {
    let mut phone = running();
    phone.has_session();
    let session = phone.session().session_id();
    phone.machine.fetch(Scope::Session("!room".into(), session), phone.now);
    let mut sent = Vec::new();
    while sent.len() < 2 {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Send(operation) => sent.push(operation),
            Next::Wait(until) => phone.now = until.unwrap(),
            next => phone.work(next),
        }
    }
    let answer = |status, body: &str| {
        let body = body.as_bytes().to_vec();
        Some(Response::builder().status(status).body(body).unwrap())
    };
    let limit = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?","retry_after_ms":600000}"#;
    let unknown = r#"{"errcode":"M_UNKNOWN_TOKEN","error":"?"}"#;
    phone.machine.answer(sent[0].id(), answer(429, limit), phone.now).unwrap();
    phone.machine.answer(sent[1].id(), answer(401, unknown), phone.now).unwrap();
    phone.run();
    assert_eq!(phone.needs_token, [false]);
    waiting_for(&phone, Awaited::RateLimit);
    waiting_for(&phone, Awaited::Token { soft_logout: false });
    phone.machine.resume();
    phone.sent.clear();
    phone.live(599_000);
    assert_eq!(phone.requests(), Vec::<String>::new(), "before the limit has ended");
    phone.live(HOUR);
    assert_eq!(phone.machine.waiting_for(), []);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
}

#[test]
fn what_the_host_and_the_user_are_asked_for_is_named() {
    let mut phone = Driver::new();
    phone.run();
    waiting_for(&phone, Awaited::Reply);
    phone.reply(Reply::Create);
    phone.has_storage = false;
    waiting_for(&phone, Awaited::Reply);
    let Next::Wait(_) = phone.machine.next_with_rng(phone.now, &mut phone.rng) else { panic!() };
    phone.machine.rotate();
    loop {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Sign(..) => {}
            Next::Wait(_) => break,
            next => phone.work(next),
        }
    }
    waiting_for(&phone, Awaited::Signatures);
}

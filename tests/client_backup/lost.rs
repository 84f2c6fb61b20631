//! A homeserver whose database was put back has fewer sessions than it had.

use serde_json::json;

use crate::driver::{Driver, response};

const HOUR: u64 = 60 * 60 * 1_000;

fn has(phone: &mut Driver, sessions: usize) {
    for _ in 0..sessions {
        phone.has_session();
    }
    phone.live(HOUR / 6);
}

fn count(phone: &mut Driver) -> u64 {
    let (status, info) = phone.ask_server("GET", "/room_keys/version", &json!({}));
    assert_eq!(status, 200);
    info["count"].as_u64().unwrap()
}

fn running() -> Driver {
    let mut phone = Driver::new();
    phone.set_up();
    has(&mut phone, 150);
    // It is looked at once more, and what is known is saved.
    phone.live(2 * HOUR);
    assert_eq!(count(&mut phone), 150);
    phone
}

#[test]
fn what_the_homeserver_has_lost_is_told_and_stored_again() {
    for restarts in [false, true] {
        let mut phone = running();
        let yesterday = phone.homeserver.clone();
        has(&mut phone, 30);
        phone.live(2 * HOUR);
        assert_eq!((count(&mut phone), phone.lost), (180, 0));
        phone.homeserver = yesterday;
        if restarts {
            phone.restart();
        }
        phone.live(2 * HOUR);
        assert_eq!((count(&mut phone), phone.lost), (180, 1), "{restarts}");
        assert!(phone.store.values().all(|(_, stored)| stored.is_some()));
        phone.sent.clear();
        phone.live(24 * HOUR);
        assert_eq!(phone.lost, 1);
        assert!(phone.sent.len() < 50, "{}", phone.sent.len());
    }
}

#[test]
fn an_upload_shows_that_sessions_are_lost_before_the_next_look() {
    let mut phone = running();
    let yesterday = phone.homeserver.clone();
    has(&mut phone, 30);
    phone.homeserver = yesterday;
    has(&mut phone, 1);
    assert_eq!((count(&mut phone), phone.lost), (181, 1));
}

#[test]
fn an_answer_that_is_older_than_what_is_known_says_nothing() {
    let mut phone = running();
    let mut held = None;
    // A look is answered after the upload that was sent after it.
    phone.machine.look_again();
    for _ in 0..20 {
        phone.has_session();
    }
    for _ in 0..1_000 {
        use strongroom::client::backup::Next;
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Send(operation) if held.is_none() => {
                held = Some((operation.id(), phone.exchange(&operation)));
            }
            Next::Wait(Some(until)) if until < phone.now + HOUR / 2 => {
                phone.now = until.max(phone.now + 1);
            }
            Next::Wait(_) => break,
            next => phone.work(next),
        }
    }
    let (id, answer) = held.unwrap();
    phone.machine.answer(id, Some(answer), phone.now).unwrap();
    phone.live(3 * HOUR);
    assert_eq!((count(&mut phone), phone.lost), (170, 0));
}

/// Whatever it says, sessions are not uploaded again more often than once a day.
#[test]
fn a_homeserver_that_counts_wrongly_is_believed_once_a_day() {
    let mut phone = running();
    let mut looks = 0;
    phone.lie = Some(Box::new(move |request, homeserver| {
        let is_it = request.method() == "GET" && request.uri().path().ends_with("_keys/version");
        is_it.then(|| {
            looks += 1;
            let answer = homeserver.respond(request);
            let mut info: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            info["count"] = json!(looks % 2);
            response(200, &info.to_string())
        })
    }));
    phone.sent.clear();
    phone.live(7 * 24 * HOUR);
    assert!((2..=8).contains(&phone.lost), "{}", phone.lost);
    assert!(phone.sent.len() < 300, "{}", phone.sent.len());
}

//! What goes wrong with one thing costs that thing alone.

use strongroom::client::backup::{Next, Scope, Stage};

use crate::{
    asserted::shared,
    driver::{Driver, lie_about, response},
};

#[test]
fn while_a_new_key_waits_uploads_go_on_after_a_restart() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.machine.rotate();
    for _ in 0..10 {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Save(s) => {
                phone.disk = *s;
                phone.machine.saved();
            }
            Next::Sign(..) => break,
            other => phone.work(other),
        }
    }
    phone.reload("PHONE");
    phone.has_session();
    for _ in 0..200 {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Sign(..) => {} // the user has not unlocked the signing key
            Next::Wait(None) => break,
            Next::Wait(Some(t)) => phone.now = t,
            other => phone.work(other),
        }
    }
    assert_eq!(phone.machine.stage(), Stage::Signing);
    assert!(phone.store.values().all(|(_, s)| s.is_some()), "nothing goes to the version in use");
}

#[test]
fn while_a_new_backup_cannot_be_made_uploads_go_on() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.lie = lie_about("POST", usize::MAX, || response(500, "{}"));
    phone.machine.rotate();
    phone.run();
    phone.has_session();
    phone.live(86_400_000);
    assert!(phone.store.values().all(|(_, s)| s.is_some()), "{:?}", phone.machine.stage());
}

#[test]
fn a_session_that_cannot_be_looked_up_does_not_hold_up_the_others() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    let bad = phone.session();
    phone.has(bad, true);
    phone.lie = lie_about("GET /room_keys/keys/", usize::MAX, || response(500, "{}"));
    for _ in 0..3 {
        phone.has_session();
    }
    phone.live(86_400_000);
    let stored = phone.store.values().filter(|(_, s)| s.is_some()).count();
    assert!(stored >= 3, "{stored}");
}

#[test]
fn a_session_that_cannot_be_fetched_does_not_hold_up_the_others() {
    let mut phone = Driver::new();
    phone.set_up();
    let mut sessions: Vec<_> = (0..2).map(|_| phone.has_session()).collect();
    phone.live(20_000);
    sessions.sort_by_key(|s| s.session_id());
    let bad = sessions[1].session_id().as_str().replace('+', "%2B").replace('/', "%2F");
    phone.lie = Some(Box::new(move |request, _| {
        (request.method() == "GET" && request.uri().path().contains(&bad))
            .then(|| response(200, "garbage"))
    }));
    for s in &sessions {
        phone.machine.fetch(Scope::Session("!room".into(), s.session_id()), phone.now);
    }
    phone.live(86_400_000);
    assert!(!phone.imported.is_empty(), "{:?}", phone.fetched.len());
}

#[test]
fn sessions_that_are_refused_do_not_hold_up_those_behind_them() {
    for refused in [100, 450] {
        let phone = behind_a_room_that_is_refused(refused);
        assert_eq!(phone.not_stored.len(), refused);
        let stored = phone.store.values().filter(|(_, stored)| stored.is_some()).count();
        assert_eq!(stored, 50, "the good ones never go");
        assert!(phone.sent.len() < 3 * refused, "{}", phone.sent.len());
    }
}

/// A room with so many sessions, whose name the server does not like, comes before 50 others.
fn behind_a_room_that_is_refused(refused: usize) -> Driver {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    for _ in 0..refused {
        let mut s = phone.session();
        s.room_id = "!bad".into();
        phone.has(s, false);
    }
    for _ in 0..50 {
        phone.has_session();
    }
    phone.lie = Some(Box::new(move |request, _| {
        (request.method() == "PUT" && String::from_utf8_lossy(request.body()).contains("!bad"))
            .then(|| response(400, r#"{"errcode":"M_INVALID_PARAM","error":"x"}"#))
    }));
    phone.live(3_600_000);
    phone.machine.new_sessions();
    phone.live(3 * 3_600_000);
    phone
}

#[test]
fn a_download_is_done_when_the_host_has_it() {
    let mut laptop = Driver::new();
    laptop.set_up();
    for _ in 0..5 {
        laptop.has_session();
    }
    laptop.live(20_000);
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.run();
    phone.give_key(laptop.stored_key(shared()));
    phone.live(20_000);
    phone.machine.fetch(Scope::Everything, phone.now);
    for _ in 0..50 {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Import(..) => {
                break;
            } // crash here
            Next::Wait(Some(t)) => phone.now = t,
            other => phone.work(other),
        }
    }
    assert_eq!(phone.imported.len(), 0);
    phone.restart_as("TABLET");
    phone.live(3_600_000);
    assert_eq!(phone.imported.len(), 5);
}

#[test]
fn a_worse_copy_of_what_was_downloaded_is_not_sent() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    let s = phone.session();
    let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 2);
    laptop.machine.set_signers(vec![phone.signer()]);
    let token = laptop.has(s.clone(), false);
    laptop.store.get_mut(&token).unwrap().0.options.is_verified = true;
    laptop.live(20_000);
    phone.homeserver = laptop.homeserver.clone();
    phone.machine.fetch(Scope::Session("!room".into(), s.session_id()), phone.now);
    phone.live(1_000);
    assert_eq!(phone.imported.len(), 1);
    phone.sent.clear();
    phone.has(s, false);
    phone.live(20_000);
    assert!(
        !phone.sent.iter().any(|(l, _)| l.starts_with("PUT /room_keys/keys")),
        "{:?}",
        phone.requests()
    );
}

#[test]
fn a_session_that_the_server_fails_on_does_not_hold_up_the_others() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    for _ in 0..10 {
        phone.has_session();
    }
    let bad = phone.store.values().next().unwrap().0.session.session_id();
    phone.lie = Some(Box::new(move |request, _| {
        (request.method() == "PUT"
            && String::from_utf8_lossy(request.body()).contains(bad.as_str()))
        .then(|| response(500, r#"{"errcode":"M_UNKNOWN","error":"x"}"#))
    }));
    phone.live(86_400_000);
    let stored = phone.store.values().filter(|(_, s)| s.is_some()).count();
    assert_eq!(stored, 9);
}

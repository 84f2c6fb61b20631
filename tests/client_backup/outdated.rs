//! What the homeserver said of the backup when it was another one, and what fails for a room.

use strongroom::{
    client::{
        RequestFailure,
        backup::{Reply, Scope},
    },
    session_data::ExportedSession,
};

use crate::{
    asserted::shared,
    driver::{Driver, Lied, lie_about, response},
};

const NOT_FOUND: &str = r#"{"errcode":"M_NOT_FOUND","error":"?"}"#;

#[test]
fn a_late_answer_says_nothing_of_what_the_backup_has_got_since() {
    let mut laptop = Driver::new();
    laptop.set_up();
    laptop.has_session();
    laptop.live(20_000);
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.run();
    phone.give_key(laptop.stored_key(shared()));
    phone.live(20_000);
    // One that is not looked for in all of its room.
    let is_plain = |it: &ExportedSession| !it.session_id().as_str().contains(['/', '+']);
    let missing = std::iter::repeat_with(|| laptop.session()).find(is_plain).unwrap();
    let scope = Scope::Session(missing.room_id.clone(), missing.session_id());
    phone.lie = lie_about("GET /room_keys/keys", usize::MAX, || Lied::Late);
    phone.machine.fetch(scope.clone(), phone.now);
    phone.run();

    // Another device uploads it, and this one sees that there is something new, before the answer is there.
    laptop.homeserver = phone.homeserver.clone();
    laptop.has(missing, false);
    laptop.live(60_000);
    phone.homeserver = laptop.homeserver.clone();
    phone.machine.look_again();
    phone.live(3_700_000);
    let [(_, Err(RequestFailure::NotInBackup))] = phone.fetched.as_slice() else { panic!() };
    phone.lie = None;
    phone.machine.fetch(scope, phone.now);
    phone.live(1_000);
    assert_eq!(phone.imported.len(), 1);
}

#[test]
fn what_an_older_version_does_not_have_is_fetched_from_the_current_one() {
    let mut phone = Driver::new();
    phone.set_up();
    let session = phone.session();
    let scope = Scope::Session(session.room_id.clone(), session.session_id());
    phone.lie = lie_about("GET /room_keys/keys", 1, || Lied::Late);
    phone.machine.fetch(scope, phone.now);
    phone.run();
    phone.machine.rotate();
    phone.run();
    phone.reply(Reply::Saved);
    phone.has(session, false);
    phone.live(2 * 3_600_000);
    let [(_, outcome)] = phone.fetched.as_slice() else { panic!("{:?}", phone.fetched) };
    assert!(outcome.as_ref().is_ok_and(|report| report.restored() == 1), "{outcome:?}");
}

#[test]
fn a_room_that_fails_is_not_asked_for_at_once_because_a_session_of_it_is_missing() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.has_session();
    phone.live(20_000);
    phone.sent.clear();
    phone.lie = Some(Box::new(|request, _| {
        let path = request.uri().path();
        let is_of_keys = request.method() == "GET" && path.contains("/room_keys/keys/");
        let is_session = path.matches('/').count() == 7;
        is_of_keys.then(|| if is_session { response(404, NOT_FOUND) } else { response(500, "{}") })
    }));
    for n in 0..30 {
        // A proxy that decodes paths takes it for something else.
        let session_id = format!("a/{n}").as_str().into();
        phone.machine.fetch(Scope::Session("!room".into(), session_id), phone.now);
        phone.live(20_000);
    }
    let is_room =
        |line: &&String| line.starts_with("GET /room_keys/keys/") && line.matches('/').count() == 3;
    let rooms = phone.requests().iter().filter(is_room).count();
    // Ten minutes of waits that double.
    assert!((5..15).contains(&rooms), "{rooms}");
}

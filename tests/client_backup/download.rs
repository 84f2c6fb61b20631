//! Sessions for messages that cannot be decrypted.

use serde_json::json;
use strongroom::{
    backup::RestoreReport,
    client::{
        RequestFailure,
        backup::{KeyFit, Question, Reply, Scope, Stage},
    },
    provenance::Provenance,
    session_data::ExportedSession,
};

use crate::{
    asserted::shared,
    driver::{Driver, Lied, lie_about, response},
};

/// A phone without sessions, and those that a laptop has backed up.
fn phone() -> (Driver, Vec<ExportedSession>) {
    let mut laptop = Driver::new();
    laptop.set_up();
    let sessions: Vec<_> = (0..5).map(|_| laptop.has_session()).collect();
    laptop.live(20_000);
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.run();
    let key = laptop.stored_key(shared());
    assert_eq!(phone.give_key(key), KeyFit::Fits);
    phone.live(20_000);
    phone.sent.clear();
    (phone, sessions)
}

fn keys_requests(phone: &mut Driver) -> usize {
    phone.requests().iter().filter(|line| line.starts_with("GET /room_keys/keys")).count()
}

fn scope(session: &ExportedSession) -> Scope {
    Scope::Session(session.room_id.clone(), session.session_id())
}

fn sentence(outcome: &Result<Box<RestoreReport>, RequestFailure>) -> String {
    match outcome {
        Ok(report) => report.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_user_is_asked_once_how_much_to_fetch() {
    for (choice, imported) in [
        (Reply::RestoreSession, 1),
        (Reply::RestoreRoom, 5),
        (Reply::RestoreEverything, 5),
        (Reply::RestoreNothing, 0),
    ] {
        let (mut phone, sessions) = phone();
        phone.machine.undecryptable("!room".into(), sessions[0].session_id(), phone.now);
        phone.run();
        let Question::Restore { session_id, count, .. } = phone.question() else { panic!() };
        assert_eq!((session_id, count), (sessions[0].session_id(), Some(5)));
        assert_eq!(phone.imported.len(), 0);
        phone.reply(choice);
        phone.run();
        assert_eq!(phone.imported.len(), imported, "{choice:?}");
        phone.machine.undecryptable("!room".into(), sessions[1].session_id(), phone.now);
        phone.run();
        assert_eq!(phone.machine.open_questions().count(), 0);
    }
}

#[test]
fn what_is_wanted_twice_is_fetched_once() {
    let (mut phone, sessions) = phone();
    for session in &sessions {
        phone.machine.fetch(scope(session), phone.now);
        phone.machine.fetch(scope(session), phone.now);
    }
    phone.machine.fetch(Scope::Room("!room".into()), phone.now);
    phone.machine.fetch(scope(&sessions[0]), phone.now);
    phone.run();
    assert_eq!((keys_requests(&mut phone), phone.imported.len()), (1, 5));
    let (_, Ok(report)) = &phone.fetched[0] else { panic!() };
    assert!(report.is_everything());
}

#[test]
fn what_the_backup_does_not_have_is_asked_for_again_only_when_it_has_changed() {
    let (mut phone, _) = phone();
    let missing = plain(&mut phone);
    phone.machine.fetch(scope(&missing), phone.now);
    phone.run();
    assert!(matches!(phone.fetched[0].1, Err(RequestFailure::NotInBackup)));
    assert_eq!(keys_requests(&mut phone), 1);
    for _ in 0..10 {
        phone.machine.fetch(scope(&missing), phone.now);
        phone.live(60_000);
    }
    assert_eq!((keys_requests(&mut phone), phone.fetched.len()), (0, 11));

    // Another device uploads it.
    let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 3);
    laptop.machine.give_key(phone.machine_key());
    laptop.has(missing.clone(), false);
    laptop.live(60_000);
    phone.homeserver = laptop.homeserver.clone();
    phone.machine.fetch(scope(&missing), phone.now);
    phone.live(60_000);
    assert_eq!((keys_requests(&mut phone), phone.imported.len()), (1, 1));
}

#[test]
fn without_an_etag_everything_may_have_changed_a_moment_later() {
    let (mut phone, _) = phone();
    phone.lie = Some(Box::new(|request, homeserver| {
        request.uri().path().ends_with("/room_keys/version").then(|| {
            let response = homeserver.respond(request);
            let mut body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            body.as_object_mut().unwrap().remove("etag");
            crate::driver::response(200, &body.to_string())
        })
    }));
    phone.machine.look_again();
    phone.run();
    let missing = plain(&mut phone);
    for requests in [1, 0] {
        phone.machine.fetch(scope(&missing), phone.now);
        phone.live(10_000);
        assert_eq!(keys_requests(&mut phone), requests);
    }
    phone.live(60_000);
    phone.machine.fetch(scope(&missing), phone.now);
    phone.live(10_000);
    assert_eq!(keys_requests(&mut phone), 1);
}

#[test]
fn without_the_key_it_is_asked_for_and_then_used() {
    let mut laptop = Driver::new();
    laptop.set_up();
    let session = laptop.has_session();
    laptop.live(20_000);
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.machine.set_signers(vec![laptop.signer()]);
    phone.run();
    phone.machine.fetch(scope(&session), phone.now);
    phone.run();
    let Question::DecryptionKey { public_key, .. } = phone.question() else { panic!() };
    let key = laptop.stored_key(Provenance::TypedByUser);
    assert_eq!(*key.public_key(), public_key);
    phone.machine.give_key(key);
    phone.run();
    assert_eq!((phone.imported.len(), phone.machine.open_questions().count()), (1, 0));
}

#[test]
fn a_response_that_is_cut_delivers_what_it_has_and_is_asked_for_again() {
    let (mut phone, _) = phone();
    phone.lie = Some({
        let mut cut = false;
        Box::new(move |request, homeserver| {
            let is_it = !cut && request.uri().path().ends_with("/room_keys/keys");
            cut |= is_it;
            is_it.then(|| {
                let body = homeserver.respond(request).into_body();
                let half = String::from_utf8_lossy(&body[..body.len() / 2]).into_owned();
                response(200, &half)
            })
        })
    });
    phone.machine.fetch(Scope::Everything, phone.now);
    phone.run();
    assert!((1..5).contains(&phone.imported.len()));
    phone.live(10_000);
    assert!(phone.imported.len() > 5);
    let (_, Ok(report)) = &phone.fetched[0] else { panic!() };
    assert!(report.is_complete() && phone.fetched.len() == 1);
}

#[test]
fn a_response_that_is_always_cut_is_given_up_with_a_report() {
    let (mut phone, _) = phone();
    phone.lie = lie_about("GET /room_keys/keys", usize::MAX, || response(200, "{\"rooms\":{"));
    phone.machine.fetch(Scope::Everything, phone.now);
    phone.live(3_600_000);
    let (_, Ok(report)) = &phone.fetched[0] else { panic!() };
    assert!(!report.is_complete());
    assert_eq!(keys_requests(&mut phone), 5);
}

#[test]
fn a_download_of_everything_survives_a_restart() {
    let (mut phone, _) = phone();
    phone.lie = lie_about("GET /room_keys/keys", usize::MAX, || Lied::Nothing);
    phone.machine.fetch(Scope::Everything, phone.now);
    phone.run();
    phone.lie = None;
    phone.restart_as("TABLET");
    phone.live(60_000);
    assert_eq!(phone.imported.len(), 5);
}

#[test]
fn a_large_response_is_taken_in_pieces() {
    let (mut phone, _) = phone();
    phone.machine.fetch(Scope::Everything, phone.now);
    use strongroom::client::backup::Next;
    let operation = loop {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Save(_) => phone.machine.saved(),
            Next::Send(operation) => break operation,
            other => panic!("{other:?}"),
        }
    };
    assert!(operation.is_streamed());
    let (_, body) = phone.ask_server("GET", "/room_keys/keys?version=1", &json!({}));
    for piece in body.to_string().as_bytes().chunks(100) {
        phone.machine.part(operation.id(), piece).unwrap();
    }
    let end = http::Response::new(Vec::new());
    phone.machine.answer(operation.id(), Some(end), phone.now).unwrap();
    assert!(phone.machine.part(operation.id(), b"more").is_err());
    phone.run();
    assert_eq!(phone.imported.len(), 5);
}

#[test]
fn without_a_backup_nothing_is_waited_for() {
    let mut phone = Driver::new();
    phone.run();
    phone.machine.fetch(Scope::Everything, phone.now);
    phone.live(5_000);
    assert!(matches!(phone.fetched[0].1, Err(RequestFailure::OtherBackup)));
    phone.reply(Reply::Stop);
    phone.restart();
    phone.machine.fetch(Scope::Everything, phone.now);
    phone.live(5_000);
    assert!(matches!(phone.fetched[1].1, Err(RequestFailure::OtherBackup)));
}

/// Everybody in a room can send what nobody can decrypt, each time in another session.
#[test]
fn so_many_sessions_are_remembered_as_missing_and_the_rest_is_counted() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.has_session();
    phone.live(20_000);
    let session = |n: u32| Scope::Session("!room".into(), format!("session{n}").as_str().into());
    let fetch = |phone: &mut Driver, sessions: std::ops::Range<u32>| {
        phone.sent.clear();
        for n in sessions {
            phone.machine.fetch(session(n), phone.now);
            if n % 2_000 == 0 {
                phone.run();
            }
        }
        phone.run();
        let gets = phone.requests();
        gets.iter().filter(|line| line.starts_with("GET /room_keys/keys")).count()
    };
    assert_eq!(fetch(&mut phone, 0..10_020), 10_020);
    assert_eq!(phone.machine.dropped_wants(), 20);
    assert_eq!(fetch(&mut phone, 0..10_000), 0, "what is remembered is not asked for");
    assert_eq!(fetch(&mut phone, 10_000..10_020), 20);
    assert_eq!(phone.machine.dropped_wants(), 40);
    // When they are to be asked for again, there is room for others.
    phone.live(2 * 60 * 60 * 1_000);
    assert_eq!(fetch(&mut phone, 10_000..10_020), 20);
    assert_eq!(fetch(&mut phone, 10_000..10_020), 0);
    assert_eq!(phone.machine.dropped_wants(), 40);
}

fn is_awkward(session: &ExportedSession) -> bool {
    session.session_id().as_str().contains(['/', '+'])
}

/// A session whose ID has a character that a proxy may spoil.
fn awkward(phone: &mut Driver) -> ExportedSession {
    std::iter::repeat_with(|| phone.session()).find(is_awkward).unwrap()
}

/// A session whose ID has none.
fn plain(phone: &mut Driver) -> ExportedSession {
    std::iter::repeat_with(|| phone.session()).find(|session| !is_awkward(session)).unwrap()
}

#[test]
fn row_57_a_session_with_a_slash_is_looked_for_in_its_room_once() {
    let mut phone = Driver::new();
    phone.set_up();
    let (there, missing) = (awkward(&mut phone), [awkward(&mut phone), awkward(&mut phone)]);
    phone.has(there.clone(), false);
    phone.live(20_000);
    phone.lie = Some(Box::new(|request, _| {
        let path = request.uri().path();
        let is_session = path.contains("/room_keys/keys/") && path.matches('/').count() > 6;
        let none = r#"{"errcode":"M_NOT_FOUND","error":"?"}"#;
        (request.method() == "GET" && is_session).then(|| response(404, none))
    }));
    phone.sent.clear();
    for session in [&there, &missing[0], &missing[1]] {
        let scope = Scope::Session("!room".into(), session.session_id());
        phone.machine.fetch(scope, phone.now);
        phone.live(1_000);
    }
    let outcomes: Vec<_> = phone.fetched.iter().map(|(_, outcome)| sentence(outcome)).collect();
    let none = "the backup does not have the message key";
    assert_eq!(outcomes, ["1 of 1 message keys were restored", none, none]);
    assert!(phone.imported.iter().any(|it| it.session_id() == there.session_id()));
    let is_room =
        |line: &&String| line.starts_with("GET /room_keys/keys/") && line.matches('/').count() == 3;
    let rooms = phone.requests().iter().filter(is_room).count();
    assert_eq!(rooms, 1, "the room is asked once");
}

#[test]
fn row_60_a_session_that_is_missing_lets_the_version_be_looked_at() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.has_session();
    phone.live(60_000);
    assert_eq!(phone.ask_server("DELETE", "/room_keys/version/1", &json!({})).0, 200);
    let scope = Scope::Session("!room".into(), phone.session().session_id());
    phone.machine.fetch(scope, phone.now);
    phone.live(1_000);
    assert_eq!(phone.machine.stage(), Stage::Looking, "it has looked at once");
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Changed);
}

/// A room that was not read to its end says nothing of a session that did not come.
#[test]
fn a_session_is_missing_only_where_its_room_was_read_to_the_end() {
    for (room, says) in [
        (
            r#"{"sessions":{"#,
            "0 of 0 message keys were restored; the homeserver's response is cut off, so there may be more",
        ),
        (r#"{"sessions":{}}"#, "the backup does not have the message key"),
    ] {
        let mut phone = Driver::new();
        phone.set_up();
        phone.has_session();
        phone.live(20_000);
        let session = awkward(&mut phone);
        phone.lie = Some(Box::new(move |request, _| {
            let depth = request.uri().path().matches('/').count();
            let none = r#"{"errcode":"M_NOT_FOUND","error":"?"}"#;
            let is_of_keys = request.uri().path().contains("/room_keys/keys/");
            match depth {
                _ if request.method() != "GET" || !is_of_keys => None,
                7 => Some(response(404, none)),
                _ => Some(response(200, room)),
            }
        }));
        let scope = Scope::Session("!room".into(), session.session_id());
        phone.machine.fetch(scope.clone(), phone.now);
        phone.live(10 * 60_000);
        let outcomes: Vec<_> = phone.fetched.iter().map(|(_, outcome)| sentence(outcome)).collect();
        assert_eq!(outcomes, [says]);
        // What is not known to be missing is asked for again at once.
        phone.sent.clear();
        phone.lie = None;
        phone.machine.fetch(scope, phone.now);
        phone.live(1_000);
        let is_asked = phone.requests().iter().any(|line| line.starts_with("GET /room_keys/keys/"));
        assert_eq!(is_asked, says.contains("cut"), "{:?}", phone.requests());
    }
}

#[test]
fn a_session_of_a_room_that_does_not_open_is_unusable_and_not_missing() {
    let mut phone = Driver::new();
    phone.set_up();
    let session = awkward(&mut phone);
    phone.has(session.clone(), false);
    phone.live(20_000);
    phone.lie = Some(Box::new(move |request, homeserver| {
        let path = request.uri().path();
        let is_of_keys = request.method() == "GET" && path.contains("/room_keys/keys/");
        if !is_of_keys {
            return None;
        }
        if path.matches('/').count() == 7 {
            return Some(response(404, r#"{"errcode":"M_NOT_FOUND","error":"?"}"#));
        }
        let body = String::from_utf8(homeserver.respond(request).into_body()).unwrap();
        Some(response(200, &body.replace("\"mac\":\"", "\"mac\":\"AAAA")))
    }));
    phone.machine.fetch(Scope::Session("!room".into(), session.session_id()), phone.now);
    phone.live(1_000);
    let [(_, outcome)] = phone.fetched.as_slice() else { panic!("{:?}", phone.fetched) };
    assert!(outcome.as_ref().is_ok_and(|report| report.failed() == 1), "{outcome:?}");
}

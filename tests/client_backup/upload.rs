//! Uploading.

use serde_json::{Value, json};
use strongroom::client::backup::{NotStored, Question, Reply, Stage};

use crate::driver::{Driver, Lied, lie_about, response};

fn running() -> Driver {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.sent.clear();
    phone
}

fn puts(phone: &Driver) -> Vec<usize> {
    let puts = phone.sent.iter().filter(|(line, _)| line.starts_with("PUT /room_keys/keys"));
    puts.map(|(_, body)| count(body)).collect()
}

fn count(body: &Value) -> usize {
    let rooms = body["rooms"].as_object().unwrap();
    rooms.values().map(|room| room["sessions"].as_object().unwrap().len()).sum()
}

fn all_stored(phone: &Driver) -> bool {
    phone.store.values().all(|(_, stored)| stored.is_some())
}

#[test]
fn sessions_go_in_batches_of_a_hundred_and_under_a_megabyte() {
    let mut phone = running();
    for _ in 0..250 {
        phone.has_session();
    }
    phone.live(20_000);
    assert_eq!(puts(&phone), [100, 100, 50]);
    assert!(all_stored(&phone));
    let (_, version) = phone.ask_server("GET", "/room_keys/version", &json!({}));
    assert_eq!(version["count"], 250);
    phone.sent.clear();
    phone.live(60_000);
    assert_eq!(phone.sent.len(), 0, "and then nothing");
}

#[test]
fn new_sessions_wait_for_a_random_time() {
    let mut delays = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut phone = Driver::on(Default::default(), "PHONE", seed);
        phone.set_up();
        phone.live(20_000);
        let start = phone.now;
        phone.has_session();
        phone.run();
        let until = phone.until.unwrap();
        assert!(until <= start + 10_000);
        delays.insert(until - start);
        phone.live(10_001);
        assert!(all_stored(&phone));
    }
    assert!(delays.len() > 15, "{delays:?}");
}

#[test]
fn a_batch_that_is_too_large_is_split_and_one_session_that_is_costs_itself() {
    let mut phone = running();
    for _ in 0..40 {
        phone.has_session();
    }
    let hopeless = phone.store[&7].0.session.session_id();
    phone.lie = Some(Box::new(move |request, _| {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let is_put = request.method() == "PUT" && request.uri().path().ends_with("/keys");
        let is_too_large =
            is_put && (count(&body) > 12 || body.to_string().contains(hopeless.as_str()));
        is_too_large.then(|| response(413, "<html>too large</html>"))
    }));
    phone.live(20_000);
    assert_eq!(phone.not_stored, [(7, NotStored::TooLarge)]);
    let stored = phone.store.iter().filter(|(_, (_, stored))| stored.is_some()).count();
    assert_eq!(stored, 39);
    let before = phone.sent.len();
    phone.machine.new_sessions();
    phone.live(60_000);
    assert_eq!(phone.sent.len(), before, "what is hopeless is not tried again");
}

/// Clients refuse a whole backup in which one room has such an ID.
#[test]
fn a_session_whose_room_id_others_refuse_costs_itself() {
    let mut phone = running();
    for _ in 0..5 {
        phone.has_session();
    }
    phone.store.get_mut(&3).unwrap().0.session.room_id = "room:example.org".into();
    phone.live(20_000);
    assert_eq!(phone.not_stored, [(3, NotStored::Unusable)]);
    assert_eq!(puts(&phone), [4]);
}

#[test]
fn an_answer_that_is_lost_is_waited_for_and_nothing_is_stored_twice() {
    let mut phone = running();
    phone.has_session();
    phone.lie = Some({
        let mut lost = 0;
        Box::new(move |request, homeserver| {
            let is_it = lost < 3 && request.method() == "PUT";
            lost += usize::from(is_it);
            is_it.then(|| {
                homeserver.respond(request);
                Lied::Nothing
            })
        })
    });
    phone.live(60_000);
    assert_eq!(puts(&phone), [1, 1, 1, 1]);
    assert!(all_stored(&phone));
}

#[test]
fn a_session_that_improves_keeps_a_token_of_its_own() {
    let mut phone = running();
    let session = phone.has_session();
    phone.live(20_000);
    let token = phone.has(session.clone(), false);
    phone.store.get_mut(&token).unwrap().0.options.is_verified = true;
    phone.live(20_000);
    assert!(all_stored(&phone));
    let path = format!(
        "/room_keys/keys/!room/{}?version=1",
        session.session_id().as_str().replace('+', "%2B").replace('/', "%2F")
    );
    assert_eq!(phone.ask_server("GET", &path, &json!({})).1["is_verified"], true);
}

#[test]
fn nothing_worse_is_sent_than_what_was_sent_before() {
    let mut phone = running();
    let session = phone.session();
    let token = phone.has(session.clone(), false);
    phone.store.get_mut(&token).unwrap().0.options.is_verified = true;
    phone.live(20_000);
    phone.sent.clear();
    phone.has(session, false);
    phone.live(20_000);
    assert!(all_stored(&phone), "it is there, in a better state");
    assert_eq!(puts(&phone), [0; 0]);
}

#[test]
fn what_was_imported_is_compared_with_what_is_there() {
    let mut phone = running();
    let (better, same, new) = (phone.session(), phone.session(), phone.session());
    let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 2);
    laptop.machine.set_signers(vec![phone.signer()]);
    let token = laptop.has(better.clone(), false);
    laptop.store.get_mut(&token).unwrap().0.options.is_verified = true;
    laptop.has(same.clone(), false);
    laptop.live(20_000);
    assert!(all_stored(&laptop));
    phone.homeserver = laptop.homeserver.clone();
    for session in [better, same, new] {
        phone.has(session, true);
    }
    phone.live(20_000);
    assert!(all_stored(&phone));
    let looks = phone.sent.iter().filter(|(line, _)| line.starts_with("GET /room_keys/keys/"));
    assert_eq!((looks.count(), puts(&phone)), (3, vec![1]), "the new one alone is sent");
}

#[test]
fn rate_limits_are_obeyed_by_everything() {
    let mut phone = running();
    phone.has_session();
    phone.lie = lie_about("PUT", 1, || {
        response(429, r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":300000}"#)
    });
    phone.live(30_000);
    phone.machine.look_again();
    let sent = phone.sent.len();
    phone.live(200_000);
    assert_eq!(phone.sent.len(), sent);
    phone.live(100_000);
    assert!(all_stored(&phone));
}

#[test]
fn without_a_valid_token_it_pauses_and_goes_on_where_it_was() {
    for soft in [true, false] {
        let mut phone = running();
        phone.has_session();
        let body = format!(r#"{{"errcode":"M_UNKNOWN_TOKEN","error":"?","soft_logout":{soft}}}"#);
        phone.lie = lie_about("PUT", 1, move || response(401, &body));
        phone.live(20_000);
        assert!(phone.machine.is_paused());
        let sent = phone.sent.len();
        phone.live(86_400_000);
        assert_eq!((phone.sent.len(), phone.until), (sent, None));
        phone.machine.resume();
        phone.live(20_000);
        assert!(all_stored(&phone) && phone.machine.stage() == Stage::Running);
    }
}

#[test]
fn a_version_that_was_replaced_or_deleted_stops_uploads_until_the_user_decides() {
    for deleted in [false, true] {
        let mut phone = running();
        if deleted {
            phone.ask_server("DELETE", "/room_keys/version/1", &json!({}));
        } else {
            // Signed by a trusted key, which is not enough.
            let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 2);
            laptop.machine.set_signers(vec![phone.signer()]);
            laptop.run();
            laptop.machine.rotate();
            laptop.run();
            phone.machine.set_signers(vec![phone.signer(), laptop.signer()]);
            phone.homeserver = laptop.homeserver.clone();
        }
        phone.has_session();
        phone.live(600_000);
        assert_eq!(phone.machine.stage(), Stage::Changed);
        let Question::Changed { used, found, .. } = phone.question() else { panic!() };
        assert_eq!(used.0.as_str(), "1");
        assert_eq!(
            found.map(|found| (found.version.as_str().to_owned(), found.problem)),
            (!deleted).then(|| ("2".to_owned(), None))
        );
        assert_eq!(puts(&phone).len(), usize::from(deleted), "the one that was refused");
        if deleted {
            let (id, _) = phone.machine.open_questions().next().unwrap();
            assert!(phone.machine.reply(id, Reply::Use).is_err());
            phone.reply(Reply::Create);
        } else {
            phone.reply(Reply::Use);
        }
        phone.live(60_000);
        assert!(all_stored(&phone));
        assert_eq!(phone.machine.retired().len(), 1);
    }
}

#[test]
fn what_an_old_version_had_says_nothing_about_the_new_one() {
    use strongroom::client::backup::Next;
    let mut phone = running();
    phone.machine.set_signers(vec![phone.signer()]);
    let session = phone.session();
    phone.has(session, true);
    let look = loop {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Send(operation)
                if operation
                    .to_http(&url(), &"t".into())
                    .unwrap()
                    .uri()
                    .path()
                    .contains("/keys/") =>
            {
                break operation;
            }
            Next::Wait(Some(until)) => phone.now = until,
            other => phone.work(other),
        }
    };
    // While it looks, the backup is rotated, and the session is to be looked up in the new one.
    phone.machine.rotate();
    phone.run();
    assert_eq!(phone.machine.trusted().unwrap().version().as_str(), "2");
    let better =
        r#"{"first_message_index":0,"forwarded_count":0,"is_verified":true,"session_data":{}}"#;
    let answer = http::Response::new(better.as_bytes().to_vec());
    phone.machine.answer(look.id(), Some(answer), phone.now).unwrap();
    phone.live(60_000);
    let (_, version) = phone.ask_server("GET", "/room_keys/version", &json!({}));
    assert_eq!((version["version"].as_str(), version["count"].as_u64()), (Some("2"), Some(1)));
}

fn url() -> strongroom::api::BaseUrl {
    strongroom::api::BaseUrl::new("https://example.org").unwrap()
}

#[test]
fn an_answer_to_a_request_from_before_a_restart_is_an_answer_to_none() {
    use strongroom::client::backup::Next;
    let mut phone = Driver::new();
    let Next::Send(before) = phone.machine.next_with_rng(phone.now, &mut phone.rng) else {
        panic!()
    };
    phone.reload("PHONE");
    let Next::Send(after) = phone.machine.next_with_rng(phone.now, &mut phone.rng) else {
        panic!()
    };
    assert_ne!(before.id(), after.id());
    let late = http::Response::new(Vec::new());
    assert!(phone.machine.answer(before.id(), Some(late), phone.now).is_err());
}

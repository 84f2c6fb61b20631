//! The server fails, hesitates or lies, and the machine neither hurries nor gives up.

use crate::driver::{Driver, Lied, lie_about, response};
use http::Response;
use serde_json::json;
use strongroom::{
    client::{
        Awaited, RequestKind,
        backup::{Next, Question, Reply, Scope, Stage},
        flow::FlowError,
    },
    provenance::Provenance,
};

fn posts(phone: &Driver) -> usize {
    phone.sent.iter().filter(|(line, _)| line.starts_with("POST")).count()
}

#[test]
fn a_server_that_does_not_show_at_once_what_it_made_is_asked_again_and_not_to_make_it_again() {
    let mut phone = Driver::new();
    phone.run();
    // a replica that lags: POST says 200, the next 3 GETs still 404
    let mut left = 0;
    phone.lie = Some(Box::new(move |request, _| {
        let p = request.uri().path().ends_with("/room_keys/version");
        if request.method() == "POST" && left == 0 {
            left = 4;
        }
        if request.method() == "GET" && p && left > 1 {
            left -= 1;
            return Some(response(404, r#"{"errcode":"M_NOT_FOUND","error":"x"}"#));
        }
        None
    }));
    phone.reply(Reply::Create);
    phone.live(60_000);
    assert_eq!(posts(&phone), 1, "created twice");
}

#[test]
fn a_server_that_never_shows_what_it_made_gets_no_second_request() {
    let mut phone = Driver::new();
    phone.run();
    phone.lie = lie_about("GET /room_keys/version", usize::MAX, || {
        response(404, r#"{"errcode":"M_NOT_FOUND","error":"x"}"#)
    });
    phone.reply(Reply::Create);
    phone.live(3_600_000);
    assert!(posts(&phone) < 50, "{}", posts(&phone));
}

#[test]
fn a_version_that_must_not_be_deleted_is_tried_less_and_less_often() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.sent.clear();
    phone.lie = lie_about("DELETE", usize::MAX, || {
        response(403, r#"{"errcode":"M_FORBIDDEN","error":"x"}"#)
    });
    phone.machine.disable();
    phone.live(3_600_000);
    assert!(phone.sent.len() < 100, "{}", phone.sent.len());
}

#[test]
fn a_version_that_stays_after_it_was_deleted_is_tried_less_and_less_often() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.sent.clear();
    phone.lie = lie_about("DELETE", usize::MAX, || response(200, "{}"));
    phone.machine.disable();
    phone.live(3_600_000);
    assert!(phone.sent.len() < 100, "{}", phone.sent.len());
}

#[test]
fn a_server_that_fails_is_not_asked_more_often_because_a_session_is_missing() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    let missing = phone.session();
    let scope = Scope::Session("!room".into(), missing.session_id());
    phone.machine.fetch(scope.clone(), phone.now);
    phone.run();
    phone.pass(60_000);
    phone.sent.clear();
    phone.lie = lie_about("GET /room_keys/version", usize::MAX, || response(500, "{}"));
    phone.machine.fetch(scope, phone.now);
    phone.live(3_000_000);
    assert!(phone.sent.len() < 60, "{}", phone.sent.len());
}

#[test]
fn a_room_is_not_fetched_again_for_a_session_that_it_did_not_have() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.has_session();
    phone.live(20_000);
    let missing = phone.session();
    phone.machine.undecryptable("!room".into(), missing.session_id(), phone.now);
    phone.run();
    phone.reply(Reply::RestoreRoom);
    phone.live(1_000);
    phone.sent.clear();
    for _ in 0..20 {
        phone.machine.undecryptable("!room".into(), missing.session_id(), phone.now);
        phone.live(1_000);
    }
    let n = phone.sent.iter().filter(|(l, _)| l.starts_with("GET /room_keys/keys")).count();
    assert!(n <= 1, "{n} downloads of the room");
}

#[test]
fn a_question_stays_open_while_other_devices_upload() {
    let mut laptop = Driver::new();
    laptop.set_up();
    laptop.live(20_000);
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.run();
    let (id, _) = phone.asked[0].clone();
    laptop.homeserver = phone.homeserver.clone();
    laptop.has_session();
    laptop.live(20_000);
    phone.homeserver = laptop.homeserver.clone();
    phone.pass(30_000);
    assert_eq!(phone.asked.len(), 1, "asked again");
    assert!(phone.machine.reply(id, Reply::Create).is_ok());
}

#[test]
fn what_is_said_of_an_old_token_does_not_pause_again() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.has_session();
    let s = phone.session();
    phone.machine.fetch(Scope::Session("!room".into(), s.session_id()), phone.now);
    let mut ops = Vec::new();
    for _ in 0..100 {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Send(op) => ops.push(op),
            Next::Wait(Some(t)) => {
                if ops.len() > 1 {
                    break;
                }
                phone.now = t.max(phone.now)
            }
            Next::Wait(None) => break,
            other => phone.work(other),
        }
    }
    assert!(ops.len() >= 2, "{}", ops.len());
    let unauthorized = || {
        Response::builder()
            .status(401)
            .body(br#"{"errcode":"M_UNKNOWN_TOKEN","error":"?","soft_logout":true}"#.to_vec())
            .unwrap()
    };
    phone.machine.answer(ops[0].id(), Some(unauthorized()), phone.now).unwrap();
    phone.machine.resume();
    phone.machine.answer(ops[1].id(), Some(unauthorized()), phone.now).unwrap();
    assert!(!phone.machine.is_paused());
}

#[test]
fn a_backup_that_another_device_made_while_the_user_signed_is_not_replaced() {
    let mut phone = Driver::new();
    phone.run();
    let (id, _) = phone.asked[0].clone();
    phone.machine.reply(id, Reply::Create).unwrap();
    let sign = loop {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Save(s) => {
                phone.disk = *s;
                phone.machine.saved();
            }
            Next::Sign(id, _) => break id,
            other => phone.work(other),
        }
    };
    // The user looks for the passphrase of the master key; meanwhile the laptop makes a backup.
    let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 2);
    laptop.set_up();
    phone.homeserver = laptop.homeserver.clone();
    phone.live(600_000);
    phone.machine.signed(sign, &[]).unwrap();
    phone.live(60_000);
    assert_eq!(posts(&phone), 0, "the laptop's backup is replaced without a word");
}

#[test]
fn who_uploads_nothing_may_fetch_after_a_restart_too() {
    let mut laptop = Driver::new();
    laptop.set_up();
    let s = laptop.has_session();
    laptop.live(20_000);
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.run();
    phone.give_key(laptop.stored_key(Provenance::Unauthenticated));
    phone.run();
    phone.reply(Reply::Stop);
    phone.restart_as("TABLET");
    phone.machine.fetch(Scope::Session("!room".into(), s.session_id()), phone.now);
    phone.live(60_000);
    assert_eq!(phone.imported.len(), 1, "{:?}", phone.fetched);
}

#[test]
fn the_preference_is_read_again_after_a_restart() {
    let mut laptop = Driver::new();
    let path = "/user/%40alice%3Aexample.org/account_data/m.key_backup";
    let mut phone = Driver::on(laptop.homeserver.clone(), "TABLET", 2);
    phone.run(); // nothing there: asked to set up
    laptop.homeserver = phone.homeserver.clone();
    laptop.set_up();
    laptop.ask_server("PUT", path, &json!({ "enabled": false }));
    phone.homeserver = laptop.homeserver.clone();
    phone.restart_as("TABLET");
    phone.machine.set_signers(vec![laptop.signer()]);
    phone.live(60_000);
    assert_ne!(phone.machine.stage(), Stage::Running, "joined without a question");
}

#[test]
fn an_upload_that_fails_is_not_sent_faster_because_looking_is_answered() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    for _ in 0..2_000 {
        let session = phone.session();
        phone.has(session, true);
    }
    phone.sent.clear();
    phone.lie = lie_about("PUT /room_keys/keys", usize::MAX, || response(502, "bad gateway"));
    phone.live(6 * 3_600_000);
    let puts = phone.sent.iter().filter(|(line, _)| line.starts_with("PUT")).count();
    assert!((10..60).contains(&puts), "{puts}");
}

#[test]
fn a_creation_that_fails_is_not_sent_faster_because_looking_is_answered() {
    let mut phone = Driver::new();
    phone.run();
    phone.lie = lie_about("POST", usize::MAX, || response(502, "bad gateway"));
    phone.reply(Reply::Create);
    phone.live(3_600_000);
    assert!((5..20).contains(&posts(&phone)), "{}", posts(&phone));
}

#[test]
fn an_operation_that_the_host_drops_is_made_again() {
    let mut phone = Driver::new();
    let Next::Send(operation) = phone.machine.next_with_rng(phone.now, &mut phone.rng) else {
        panic!()
    };
    drop(operation);
    phone.live(60_000);
    assert_eq!(phone.asked.len(), 1, "it waits for the answer to what was never sent");
}

#[test]
fn a_creation_that_never_succeeds_ends_and_is_told() {
    let answers: [fn() -> Lied; 7] = [
        || response(404, r#"{"errcode":"M_NOT_FOUND","error":"?"}"#),
        || response(413, r#"{"errcode":"M_TOO_LARGE","error":"?"}"#),
        || response(429, r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?"}"#),
        || response(500, r#"{"errcode":"M_UNKNOWN","error":"?"}"#),
        || response(502, "bad gateway"),
        || response(403, r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","error":"?"}"#),
        || Lied::Nothing,
    ];
    for answer in answers {
        let mut phone = Driver::new();
        phone.run();
        phone.lie = lie_about("POST", usize::MAX, answer);
        phone.reply(Reply::Create);
        phone.live(3 * 3_600_000);
        let [reason] = &phone.not_created[..] else { panic!("{:?}", phone.not_created) };
        match reason {
            FlowError::Refused(error) => {
                assert_eq!((error.status(), posts(&phone)), (Some(413), 1))
            }
            FlowError::Failing(waiting) => {
                assert_eq!(waiting.what, Awaited::Request(RequestKind::CreateVersion));
                assert_eq!((waiting.failures, posts(&phone)), (16, 16));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(phone.question(), Question::SetUp { .. }), "the user is asked again");
        assert!(phone.sent.len() < 100, "{}", phone.sent.len());
        phone.lie = None;
        phone.reply(Reply::Create);
        phone.live(3_600_000);
        assert_eq!(phone.machine.stage(), Stage::Running);
    }
}

#[test]
fn an_open_question_has_the_server_asked_less_and_less_often() {
    let week = 7 * 24 * 3_600_000;
    let mut phone = Driver::new();
    phone.live(120_000);
    assert!(phone.sent.len() >= 5, "each half minute at first: {}", phone.sent.len());
    phone.live(week);
    assert!((100..300).contains(&phone.sent.len()), "{}", phone.sent.len());
    // A host whose user looks at the question again has it checked at once.
    let before = phone.sent.len();
    phone.machine.look_again();
    phone.run();
    assert_eq!(phone.sent.len(), before + 1);
    // Something new is looked after as closely as at first.
    phone.plant("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo");
    phone.live(2 * 3_600_000);
    assert!(matches!(phone.question(), Question::Use { .. }));
    let looks = phone.sent.len() - before;
    assert!((5..30).contains(&looks), "{looks}");
}

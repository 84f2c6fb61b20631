//! Creating a version when answers are lost.

use std::{cell::RefCell, rc::Rc};

use serde_json::json;
use strongroom::{
    client::{
        backup::{AnswerError, Next, Question, Reply, Stage},
        flow::FlowError,
    },
    crypto::ed25519::Ed25519Signature,
    ids::KeyId,
};

use crate::driver::{Driver, Lied, lie_about, response};

/// Its requests, without those about the preference.
fn requests(phone: &mut Driver) -> Vec<String> {
    let mut sent = phone.requests();
    sent.retain(|line| !line.contains("account_data"));
    sent
}

#[test]
fn a_lost_answer_is_followed_by_a_look_and_not_by_a_second_version() {
    let mut phone = Driver::new();
    phone.run();
    requests(&mut phone);
    let mut lost = false;
    phone.lie = Some(Box::new(move |request, homeserver| {
        let is_it = !lost && request.method() == "POST";
        lost |= is_it;
        is_it.then(|| {
            homeserver.respond(request);
            Lied::Nothing
        })
    }));
    phone.reply(Reply::Create);
    phone.live(10_000);
    let (post, get) = ("POST /room_keys/version", "GET /room_keys/version");
    assert_eq!(requests(&mut phone), [get, post, get]);
    assert_eq!(phone.machine.stage(), Stage::Running);
    assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).1["version"], "1");
}

#[test]
fn a_request_that_did_not_arrive_goes_out_again_with_the_same_key() {
    let mut phone = Driver::new();
    phone.run();
    requests(&mut phone);
    phone.sent.clear();
    phone.lie = lie_about("POST", 2, || Lied::Nothing);
    phone.reply(Reply::Create);
    phone.live(60_000);
    let posts = phone.sent.iter().filter(|(line, _)| line.starts_with("POST"));
    let keys: Vec<_> = posts.map(|(_, body)| body["auth_data"]["public_key"].clone()).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0]));
    let lines: Vec<_> = requests(&mut phone);
    let (post, get) = ("POST /room_keys/version", "GET /room_keys/version");
    assert_eq!(lines[..7], [get, post, get, post, get, post, get], "it looks in between");
    assert_eq!(phone.machine.stage(), Stage::Running);
}

#[test]
fn a_crash_after_the_request_creates_nothing_twice_and_loses_no_key() {
    for arrived in [true, false] {
        let mut phone = Driver::new();
        phone.run();
        phone.lie = Some(Box::new(move |request, homeserver| {
            (request.method() == "POST").then(|| {
                if arrived {
                    homeserver.respond(request);
                }
                Lied::Nothing
            })
        }));
        phone.reply(Reply::Create);
        phone.lie = None;
        requests(&mut phone);
        phone.restart();
        phone.live(60_000);
        let sent = requests(&mut phone);
        assert_eq!(sent[0], "GET /room_keys/version", "it looks first");
        let posts = sent.iter().filter(|line| line.starts_with("POST")).count();
        assert_eq!(posts, usize::from(!arrived));
        assert_eq!(phone.machine.stage(), Stage::Running);
        assert!(matches!(phone.question(), Question::SaveRecoveryKey { .. }));
        assert_eq!(phone.ask_server("GET", "/room_keys/version", &json!({})).1["version"], "1");
    }
}

#[test]
fn no_key_is_shown_or_stored_if_another_version_became_the_current_one() {
    let mut phone = Driver::new();
    phone.run();
    let planted = crate::driver::somebody_elses_key(3).public_key().to_base64();
    let body = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": planted },
    });
    phone.lie = Some(Box::new(move |request, homeserver| {
        (request.method() == "POST").then(|| {
            homeserver.respond(request);
            let (mut parts, _) = request.clone().into_parts();
            parts.method = http::Method::POST;
            let other = http::Request::from_parts(parts, body.to_string().into_bytes());
            Lied::Answer(homeserver.respond(&other))
        })
    }));
    phone.reply(Reply::Create);
    phone.live(60_000);
    assert!(matches!(phone.question(), Question::Use { .. }));
    assert_eq!((phone.secrets.len(), phone.machine.stage()), (0, Stage::Untrusted));

    // The other one is deleted, and ours is there after all.
    phone.lie = None;
    phone.ask_server("DELETE", "/room_keys/version/2", &json!({}));
    phone.pass(60_000);
    assert_eq!(phone.machine.stage(), Stage::Running);
    assert!(matches!(phone.question(), Question::SaveRecoveryKey { .. }), "its key was not lost");
}

#[test]
fn a_homeserver_that_refuses_is_reported_and_the_user_asked_again() {
    let mut phone = Driver::new();
    phone.run();
    let refusal = r#"{"errcode":"M_FORBIDDEN","error":"no backups here"}"#;
    phone.lie = lie_about("POST", 1, move || response(403, refusal));
    phone.reply(Reply::Create);
    phone.live(5_000);
    assert_eq!((phone.not_created.len(), phone.machine.stage()), (1, Stage::Absent));
    phone.reply(Reply::Create);
    assert_eq!(phone.machine.stage(), Stage::Running);
}

/// The first creation fails 16 times, and for the next one failure is enough. Either request may still be on its way.
#[test]
fn the_key_of_a_creation_that_kept_failing_is_there_when_its_backup_turns_up() {
    for (creation, is_restarted) in [(0, false), (0, true), (16, false), (16, true)] {
        let mut phone = Driver::new();
        phone.run();
        let posts = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&posts);
        phone.lie = Some(Box::new(move |request, _| {
            (request.method() == "POST").then(|| {
                seen.borrow_mut().push(request.clone());
                response(502, "bad gateway")
            })
        }));
        for failed in 1..=2 {
            phone.reply(Reply::Create);
            phone.live(3 * 3_600_000);
            assert_eq!(phone.not_created.len(), failed);
            assert!(matches!(phone.question(), Question::SetUp { .. }));
        }
        assert!(phone.not_created.iter().all(|reason| matches!(reason, FlowError::Failing(_))));
        assert_eq!(posts.borrow().len(), 17);
        if is_restarted {
            phone.restart();
        }
        let late = posts.borrow()[creation].clone();
        assert!(phone.homeserver.respond(&late).status().is_success());
        phone.live(3 * 3_600_000);
        assert_eq!(phone.machine.stage(), Stage::Running, "{creation} {is_restarted}");
        assert!(matches!(phone.question(), Question::SaveRecoveryKey { .. }), "nobody else has it");
    }
}

#[test]
fn nothing_is_sent_before_the_state_is_saved() {
    let mut phone = Driver::new();
    phone.run();
    let (id, _) = phone.asked[0].clone();
    phone.machine.reply(id, Reply::Create).unwrap();
    let mut steps = Vec::new();
    loop {
        let next = phone.machine.next_with_rng(phone.now, &mut phone.rng);
        match next {
            Next::Save(_) => {
                steps.push("save");
                let blocked = phone.machine.next_with_rng(phone.now, &mut phone.rng);
                assert!(matches!(blocked, Next::Wait(None)), "{blocked:?}");
                phone.machine.saved();
            }
            Next::Sign(id, _) => {
                steps.push("sign");
                phone.machine.signed(id, &[]).unwrap();
            }
            Next::Send(_) => {
                steps.push("send");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(steps, ["save", "sign", "save", "send"]);
}

/// What is not taken is not dropped in silence.
#[test]
fn more_signatures_than_a_backup_takes_are_an_error_at_the_call() {
    let mut phone = Driver::new();
    phone.run();
    let (id, _) = phone.asked[0].clone();
    phone.machine.reply(id, Reply::Create).unwrap();
    let sign = loop {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Save(_) => phone.machine.saved(),
            Next::Sign(id, _) => break id,
            other => panic!("{other:?}"),
        }
    };
    let signature = Ed25519Signature::from_bytes([1; 64]);
    let signatures = |count| {
        (0..count).map(|n| (KeyId::new(format!("ed25519:{n}")), signature)).collect::<Vec<_>>()
    };
    let refused = phone.machine.signed(sign, &signatures(9));
    assert_eq!(refused, Err(AnswerError::TooManySignatures { found: 9 }));
    assert_eq!(phone.machine.stage(), Stage::Signing, "it still waits");
    phone.machine.signed(sign, &signatures(8)).unwrap();
    assert_eq!(phone.machine.signed(sign, &signatures(1)), Err(AnswerError::NotAwaited));
    phone.live(60_000);
    let (_, version) = phone.ask_server("GET", "/room_keys/version", &json!({}));
    assert_eq!(
        version["auth_data"]["signatures"]["@alice:example.org"].as_object().unwrap().len(),
        8
    );
}

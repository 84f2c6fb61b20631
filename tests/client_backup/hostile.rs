//! A homeserver that lies gets nothing.

use std::collections::BTreeSet;

use http::Request;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    client::{
        RequestFailure,
        backup::{Reply, Scope, Stage},
    },
    homeserver::Homeserver,
};

use crate::driver::{Driver, Lied, response, somebody_elses_key};

#[test]
fn a_planted_version_gets_no_session_whatever_the_server_says_about_it() {
    let mut phone = Driver::new();
    phone.machine.set_signers(vec![phone.signer()]);
    phone.set_up();
    phone.live(20_000);
    let (_, own) = phone.ask_server("GET", "/room_keys/version", &json!({}));
    let planted = phone.plant(&somebody_elses_key(9).public_key().to_base64());
    phone.has_session();
    phone.live(600_000);
    assert_eq!(phone.machine.stage(), Stage::Changed);
    // It carries the signatures of the real one, on another key.
    let mut dressed = own.clone();
    dressed["version"] = json!(planted);
    dressed["auth_data"]["public_key"] = json!(somebody_elses_key(9).public_key().to_base64());
    phone.lie = Some(Box::new(move |request, _| {
        let is_it =
            request.method() == "GET" && request.uri().path().ends_with("/room_keys/version");
        is_it.then(|| response(200, &dressed.to_string()))
    }));
    phone.live(600_000);
    let (id, _) = phone.machine.open_questions().next().unwrap();
    assert!(phone.machine.reply(id, Reply::Use).is_err());
    phone.live(600_000);
    assert!(phone.store.values().all(|(_, stored)| stored.is_none()));
}

#[test]
fn what_an_error_says_about_the_current_version_is_not_believed() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    phone.sent.clear();
    phone.has_session();
    let wrong = r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","error":"?","current_version":"666"}"#;
    phone.lie = crate::driver::lie_about("PUT", usize::MAX, move || response(403, wrong));
    phone.live(3_600_000);
    let lines = phone.requests();
    assert!(lines.iter().all(|line| !line.contains("666")));
    assert!(lines.len() < 60, "it waits longer each time: {}", lines.len());
    phone.lie = None;
    phone.live(3_600_000);
    assert!(phone.store.values().all(|(_, stored)| stored.is_some()), "and goes on in the end");
}

#[test]
fn a_session_that_was_swapped_is_not_taken_for_the_one_that_was_asked_for() {
    let mut phone = Driver::new();
    phone.set_up();
    let (wanted, other) = (phone.has_session(), phone.has_session());
    phone.live(20_000);
    let (_, keys) = phone.ask_server("GET", "/room_keys/keys?version=1", &json!({}));
    let swapped = keys["rooms"]["!room"]["sessions"][other.session_id().as_str()].clone();
    phone.lie = Some(Box::new(move |request, _| {
        let is_it = request.method() == "GET" && request.uri().path().contains("/keys/");
        is_it.then(|| response(200, &swapped.to_string()))
    }));
    phone.machine.fetch(Scope::Session("!room".into(), wanted.session_id()), phone.now);
    phone.run();
    assert!(matches!(phone.fetched[0].1, Err(RequestFailure::NotInBackup)));
    assert_eq!(phone.imported.len(), 1, "it is imported as what it is");
    assert_eq!(phone.imported[0].session_id(), other.session_id());
}

#[test]
fn a_session_that_is_no_session_costs_itself() {
    let mut phone = Driver::new();
    phone.set_up();
    let session = phone.has_session();
    phone.live(20_000);
    for body in [r#"{"session_data":{}}"#, r#"{"session_data":7}"#] {
        phone.lie =
            crate::driver::lie_about("GET /room_keys/keys/", 1, move || response(200, body));
        phone.machine.fetch(Scope::Session("!room".into(), session.session_id()), phone.now);
        phone.run();
        let (_, outcome) = phone.fetched.pop().unwrap();
        let report = outcome.unwrap();
        assert_eq!((report.total(), report.failed()), (1, 1), "{body}");
    }
}

/// Answers of a server that makes up what it likes: versions, etags, errors, sessions.
fn anything(
    rng: &mut StdRng,
    request: &Request<Vec<u8>>,
    homeserver: &mut Homeserver,
) -> Option<Lied> {
    let key = somebody_elses_key(rng.random_range(1..4)).public_key().to_base64();
    let version = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": key, "signatures": { "@alice:example.org": { "ed25519:SIGNER": "AAAA" } } },
        "etag": rng.random_range(0..3).to_string(),
        "count": rng.random_range(0..9),
        "version": rng.random_range(1..4).to_string(),
    });
    let body: Value = match rng.random_range(0..12) {
        0 => version,
        1 => json!({ "version": rng.random_range(1..4).to_string() }),
        2 => json!({ "etag": "7", "count": 7 }),
        3 => json!({ "rooms": { "!room": { "sessions": { "x": { "session_data": {} } } } } }),
        4 => json!({}),
        5 => json!({ "enabled": rng.random_bool(0.5) }),
        6 => return Some(response(404, r#"{"errcode":"M_NOT_FOUND"}"#)),
        7 => {
            return Some(response(
                403,
                r#"{"errcode":"M_WRONG_ROOM_KEYS_VERSION","current_version":"2"}"#,
            ));
        }
        8 => return Some(response(400, r#"{"errcode":"M_BAD_JSON"}"#)),
        9 => return Some(response(413, "")),
        10 => {
            homeserver.respond(request);
            return Some(Lied::Nothing);
        }
        _ => return None,
    };
    Some(response(200, &body.to_string()))
}

#[test]
fn whatever_a_server_makes_up_nothing_goes_to_a_key_that_is_not_the_users() {
    for seed in 0..300 {
        let mut phone = Driver::on(Homeserver::new(), "PHONE", seed);
        phone.machine.set_signers(vec![phone.signer()]);
        let mut lies = StdRng::seed_from_u64(seed + 1_000);
        phone.lie =
            Some(Box::new(move |request, homeserver| anything(&mut lies, request, homeserver)));
        let mut own = BTreeSet::new();
        for turn in 0..60 {
            phone.has_session();
            if turn % 7 == 0 {
                let now = phone.now;
                phone.machine.undecryptable("!room".into(), "x".into(), now);
            }
            phone.live(400_000);
            let open: Vec<_> = phone.machine.open_questions().map(|(id, _)| id).collect();
            let replies = [Reply::Create, Reply::Use, Reply::Stop, Reply::Saved];
            for id in open {
                let reply = replies[phone.rng.random_range(0..replies.len())];
                let _ = phone.machine.reply(id, reply);
            }
            if turn % 20 == 19 {
                phone.machine.enable();
                phone.restart();
                phone.machine.set_signers(vec![phone.signer()]);
            }
            let posts = phone.sent.iter().filter(|(line, _)| line.starts_with("POST"));
            own.extend(
                posts.map(|(_, body)| body["auth_data"]["public_key"].as_str().unwrap().to_owned()),
            );
            if let Some(trusted) = phone.machine.trusted() {
                assert!(own.contains(&trusted.public_key().to_base64()), "seed {seed}");
            }
        }
        let limit = 60 * 200;
        assert!(phone.sent.len() < limit, "seed {seed}: {} requests", phone.sent.len());
    }
}

#[test]
fn a_key_that_a_server_could_have_planted_makes_nothing_trusted_over_a_restart_either() {
    let mut phone = Driver::new();
    phone.plant(&somebody_elses_key(5).public_key().to_base64());
    phone.run();
    let planted = somebody_elses_key(5);
    let planted =
        strongroom::backup::BackupDecryptionKey::from_base64(planted.to_base64().expose_str());
    phone.machine.give_key(planted.unwrap());
    phone.run();
    phone.restart();
    phone.live(60_000);
    assert_eq!(phone.machine.stage(), Stage::Untrusted);
}

#[test]
fn the_same_key_under_another_version_and_another_key_under_the_same_version_are_questions() {
    for changes_key in [true, false] {
        let mut phone = Driver::new();
        phone.machine.set_signers(vec![phone.signer()]);
        phone.set_up();
        phone.live(20_000);
        let (_, mut version) = phone.ask_server("GET", "/room_keys/version", &json!({}));
        if changes_key {
            version["auth_data"] =
                json!({ "public_key": somebody_elses_key(9).public_key().to_base64() });
        } else {
            version["version"] = json!("7");
        }
        phone.lie = Some(Box::new(move |request, _| {
            let is_it =
                request.method() == "GET" && request.uri().path().ends_with("/room_keys/version");
            is_it.then(|| response(200, &version.to_string()))
        }));
        phone.has_session();
        phone.machine.look_again();
        phone.live(60_000);
        assert_eq!(phone.machine.stage(), Stage::Changed);
        assert!(phone.store.values().all(|(_, stored)| stored.is_none()));
        let (id, _) = phone.machine.open_questions().next().unwrap();
        assert_eq!(phone.machine.reply(id, Reply::Use).is_ok(), !changes_key);
    }
}

#[test]
fn a_planted_backup_that_was_replaced_is_never_used_again_whoever_signs_it() {
    let mut phone = Driver::new();
    let planted = somebody_elses_key(9);
    phone.plant(&planted.public_key().to_base64());
    phone.run();
    phone.reply(Reply::Create);
    assert_eq!(phone.machine.retired(), [*planted.public_key()]);
}

#[test]
fn a_reply_is_about_what_the_user_saw_and_not_about_what_came_since() {
    let mut phone = Driver::new();
    phone.machine.set_signers(vec![phone.signer()]);
    phone.set_up();
    phone.live(20_000);
    let mut laptop = Driver::on(phone.homeserver.clone(), "LAPTOP", 2);
    laptop.machine.set_signers(vec![phone.signer()]);
    laptop.run();
    laptop.machine.rotate();
    laptop.run();
    phone.machine.set_signers(vec![phone.signer(), laptop.signer()]);
    phone.homeserver = laptop.homeserver.clone();
    phone.run();
    let (seen, _) = phone.machine.open_questions().next().unwrap();
    laptop.machine.rotate();
    laptop.run();
    phone.homeserver = laptop.homeserver.clone();
    phone.machine.look_again();
    let strongroom::client::backup::Next::Send(operation) =
        phone.machine.next_with_rng(phone.now, &mut phone.rng)
    else {
        panic!("nothing was sent")
    };
    let (_, version) = phone.ask_server("GET", "/room_keys/version", &json!({}));
    let answer = http::Response::new(version.to_string().into_bytes());
    phone.machine.answer(operation.id(), Some(answer), phone.now).unwrap();
    let refused = phone.machine.reply(seen, Reply::Use);
    assert_eq!(refused, Err(strongroom::client::backup::AnswerError::NotAwaited));
    phone.run();
    phone.reply(Reply::Use);
    assert_eq!(phone.machine.trusted().unwrap().version().as_str(), "3");
}

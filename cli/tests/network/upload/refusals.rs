//! What a homeserver has already, refuses, loses or cannot say.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Method;
use serde_json::{Value, json};
use strongroom::{
    backup::BackupDecryptionKey, encoding::base64, homeserver::HomeserverOptions,
    session_data::SessionData,
};

use super::*;
use crate::{
    account::COUNT,
    kit::{fixture, run, session_keys_of},
    server::{self, Twist},
};

#[test]
fn a_better_session_stays_and_a_worse_one_is_replaced() {
    let account = target("better");
    let sealed = fixture("random")["room_keys"]["rooms"].as_object().unwrap().clone();
    let (room, sessions) = sealed.iter().next().unwrap();
    let mut ids: Vec<_> = sessions["sessions"].as_object().unwrap().keys().collect();
    ids.sort();
    let there = |place: usize, index: u64, is_verified: bool, session_data: Value| {
        let stored = json!({
            "first_message_index": index, "forwarded_count": 0,
            "is_verified": is_verified, "session_data": session_data,
        });
        account.put(
            "room_keys/keys?version=1",
            &json!({ "rooms": { room: { "sessions": { ids[place]: stored } } } }),
        );
    };
    let data = |place: usize| sessions["sessions"][ids[place]]["session_data"].clone();
    there(0, 5, false, data(0)); // from a later message on
    there(1, 5, true, data(1)); // of a verified device, which is more
    there(2, 0, false, data(2)); // as good
    there(3, 5, false, json!({ "nothing": "of use" }));

    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    account.server.twist(move |request| {
        if is_put(request) {
            kept.lock().unwrap().push(serde_json::from_slice::<Value>(request.body()).unwrap());
        }
        Twist::Nothing
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["already_there"]), (0, &json!(2)), "{report:#}");
    assert_eq!(report["stored"], COUNT - 2);
    let sent: BTreeSet<String> = bodies
        .lock()
        .unwrap()
        .iter()
        .filter_map(|body| body["rooms"][room]["sessions"].as_object())
        .flat_map(|sessions| sessions.keys().cloned())
        .collect();
    for (place, is_sent) in [true, false, false, true].into_iter().enumerate() {
        assert_eq!(sent.contains(ids[place]), is_sent, "{place}");
    }
    let now = account.server.send(
        Method::GET,
        &format!("room_keys/keys/{room}?version=1"),
        &account.token,
        &Value::Null,
    );
    let now = |place: usize| now["sessions"][ids[place]].clone();
    assert_eq!(now(0)["first_message_index"], 0);
    assert_eq!((&now(1)["is_verified"], &now(1)["session_data"]), (&json!(true), &data(1)));
    assert_eq!(now(2)["session_data"], data(2));
    assert!(now(3)["session_data"]["ciphertext"].is_string());
}

/// The first session of the fixture, sealed to `key`, with these numbers beside it.
fn put_copy(account: &Account, session: &Value, key: &BackupDecryptionKey, index: u64) {
    let data = SessionData::from_json(session.to_string().as_bytes()).unwrap().value;
    let sealed = key.public_key().seal(&data).unwrap().to_json();
    let stored = json!({
        "first_message_index": index, "forwarded_count": 0, "is_verified": false,
        "session_data": serde_json::from_slice::<Value>(&sealed).unwrap(),
    });
    let (room, id) = (&session["room_id"], &session["session_id"]);
    let sessions = json!({ "sessions": { id.as_str().unwrap(): stored } });
    account
        .put("room_keys/keys?version=1", &json!({ "rooms": { room.as_str().unwrap(): sessions } }));
}

/// The session with other bytes at this place of its key: 4 is the end of its index, 5 the beginning of its ratchet.
fn changed(session: &Value, place: usize, byte: u8) -> Value {
    let mut key = base64::decode(session["session_key"].as_str().unwrap()).unwrap();
    key[place] ^= byte;
    let mut session = session.clone();
    session["session_key"] = base64::encode(&key).into();
    session
}

#[test]
fn what_does_not_open_in_the_backup_is_not_said_to_be_there() {
    let key = fixture("random")["backup_decryption_key_base64"].clone();
    let ours = BackupDecryptionKey::from_base64(key.as_str().unwrap()).unwrap();
    let other = BackupDecryptionKey::generate().unwrap();
    let session = exported("random")[0].clone();
    for (name, key, there) in [
        ("other-key", &other, session.clone()),
        ("later", &ours, changed(&session, 4, 9)),
        ("other-ratchet", &ours, changed(&session, 5, 1)),
    ] {
        let account = target(&format!("closed-{name}"));
        put_copy(&account, &there, key, 0);
        let (status, report) =
            upload(&account, &["--in", &plain(&account, std::slice::from_ref(&session))]);
        assert_eq!((status, &report["refused"]), (1, &json!(1)), "{name}: {report:#}");
        assert_eq!(report["already_there"], 0, "{name}");
        assert_eq!(puts(&account), 0, "{name}");
    }
}

#[test]
fn a_copy_with_worse_numbers_that_opens_more_messages_stays() {
    let account = target("better-inside");
    let key = fixture("random")["backup_decryption_key_base64"].clone();
    let key = BackupDecryptionKey::from_base64(key.as_str().unwrap()).unwrap();
    let session = exported("random")[0].clone();
    put_copy(&account, &session, &key, 12);
    let worse = changed(&session, 4, 9);
    let (status, report) = upload(&account, &["--in", &plain(&account, &[worse])]);
    assert_eq!((status, &report["already_there"]), (0, &json!(1)), "{report:#}");
    assert_eq!(rescued(&account), session_keys_of(&[session]));
}

#[test]
fn what_is_read_back_must_open() {
    let account = target("read-back");
    let other = BackupDecryptionKey::generate().unwrap();
    let session = exported("random")[0].clone();
    let data = SessionData::from_json(session.to_string().as_bytes()).unwrap().value;
    let sealed = other.public_key().seal(&data).unwrap().to_json();
    let sealed: Value = serde_json::from_slice(&sealed).unwrap();
    // The homeserver stores something else under the same numbers.
    account.server.twist(move |request| {
        if !is_put(request) {
            return Twist::Nothing;
        }
        let mut body: Value = serde_json::from_slice(request.body()).unwrap();
        let rooms = body["rooms"].as_object_mut().unwrap().values_mut();
        for room in rooms {
            for stored in room["sessions"].as_object_mut().unwrap().values_mut() {
                stored["session_data"] = sealed.clone();
            }
        }
        let (parts, _) = request.clone().into_parts();
        Twist::Other(Request::from_parts(parts, body.to_string().into_bytes()))
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &[session])]);
    assert_eq!((status, &report["stored"], &report["refused"]), (1, &json!(0), &json!(1)));
}

#[test]
fn of_two_copies_the_better_one_is_stored_in_either_order() {
    // With an index before it, and the key of the next message, a session is another copy of itself.
    for is_better_first in [true, false] {
        let account = target(&format!("copies-{is_better_first}"));
        let better = exported("random")[0].clone();
        let mut worse = better.clone();
        let mut key = base64::decode(better["session_key"].as_str().unwrap()).unwrap();
        key[4] = 9;
        worse["session_key"] = base64::encode(&key).into();
        let copies = if is_better_first { [better, worse] } else { [worse, better] };
        let (status, report) = upload(&account, &["--in", &plain(&account, &copies)]);
        assert_eq!((status, &report["stored"]), (0, &json!(1)), "{report:#}");
        assert_eq!((&report["duplicates"], &report["total"]), (&json!(1), &json!(2)));
        assert_eq!(stored_sessions(&account)[0]["first_message_index"], 0);
    }
}

#[test]
fn what_is_too_much_at_once_goes_in_parts() {
    let mut options = HomeserverOptions::default();
    options.request_bytes = 9_000;
    let account = empty("parts", "random", options);
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["stored"]), (0, &json!(COUNT)), "{report:#}");
    assert!(puts(&account) > 4);
    assert_eq!(rescued(&account), session_keys_of(&exported("random")));
}

#[test]
fn a_session_that_is_refused_is_named_and_costs_itself() {
    for (status, code) in [(413, "M_TOO_LARGE"), (400, "M_BAD_JSON")] {
        let account = target(&format!("refused-{status}"));
        let id = exported("random")[7]["session_id"].as_str().unwrap().to_owned();
        let refused = id.clone();
        account.server.twist(move |request| {
            if is_put(request) && String::from_utf8_lossy(request.body()).contains(&refused) {
                return server::json(status, &json!({ "errcode": code, "error": "No such thing" }));
            }
            Twist::Nothing
        });
        let file = plain(&account, &exported("random"));
        let (status, report) = upload(&account, &["--in", &file]);
        assert_eq!((status, &report["stored"]), (3, &json!(COUNT - 1)), "{report:#}");
        assert_eq!(report["refused"], 1);
        assert_eq!(report["refusals"][0]["session_id"], id);
        let (login, key) = (account.log_in(), account.file("key.txt"));
        let arguments = ["upload", "--login", &login, "--in", &file, "--recovery-key-file", &key];
        let (status, out, errors) = run(&arguments, None);
        assert_eq!(status, 3, "{out}{errors}");
        assert!(out.contains(&id) && out.contains("1 not put into the backup"), "{out}");
    }
}

#[test]
fn a_homeserver_that_takes_nothing_ends_it() {
    let account = target("forbidden");
    account.server.twist(|request| {
        if is_put(request) {
            return server::json(403, &json!({ "errcode": "M_FORBIDDEN", "error": "Not you" }));
        }
        Twist::Nothing
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["error"]["code"]), (1, &json!("refused")), "{report:#}");
    assert!(report["error"]["message"].as_str().unwrap().contains("Not you"));
}

#[test]
fn what_the_homeserver_took_and_does_not_have_is_not_called_stored() {
    let account = target("lost");
    account.server.twist(|request| {
        if is_put(request) {
            return server::json(200, &json!({ "etag": "9", "count": COUNT }));
        }
        Twist::Nothing
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["stored"]), (1, &json!(0)), "{report:#}");
    assert_eq!(report["refused"], COUNT);
    assert!(report["refusals"][0]["detail"].as_str().unwrap().contains("does not have it"));
}

#[test]
fn fewer_than_were_just_there_is_said() {
    let account = target("short");
    let file = plain(&account, &exported("random"));
    let looks = AtomicUsize::new(0);
    let mut info = fixture("random")["room_keys_version"].clone();
    info["count"] = 35.into();
    account.server.twist(move |request| {
        let is_look = request.uri().path().ends_with("/room_keys/version");
        if is_look && looks.fetch_add(1, Ordering::Relaxed) == 1 {
            return server::json(200, &info);
        }
        Twist::Nothing
    });
    let (login, key) = (account.log_in(), account.file("key.txt"));
    let arguments = ["upload", "--login", &login, "--in", &file, "--recovery-key-file", &key];
    let (status, out, errors) = run(&arguments, None);
    assert_eq!(status, 3, "{out}{errors}");
    assert!(out.contains("has 35 message keys, which is fewer"), "{out}");
}

#[test]
fn an_answer_that_is_lost_and_a_server_that_is_busy_are_no_failures() {
    let account = target("lossy");
    let requests = AtomicUsize::new(0);
    account.server.twist(move |request| {
        let busy = json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Slow", "retry_after_ms": 10 });
        match is_put(request).then(|| requests.fetch_add(1, Ordering::Relaxed)) {
            Some(0) => Twist::Cut(3),
            Some(1) => server::json(429, &busy),
            _ => Twist::Nothing,
        }
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["stored"]), (0, &json!(COUNT)), "{report:#}");
    assert_eq!(puts(&account), 3);
}

#[test]
fn a_room_that_cannot_be_read_gets_nothing_and_the_others_do() {
    let account = target("unread");
    let room = exported("random")[0]["room_id"].as_str().unwrap().to_owned();
    let unread = room.clone();
    account.server.twist(move |request| {
        let path = percent_encoding::percent_decode_str(request.uri().path()).decode_utf8_lossy();
        let is_get = request.method() == Method::GET;
        if is_get && path.ends_with(&unread) { server::page(504) } else { Twist::Nothing }
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["refused"]), (3, &json!(COUNT / 3)), "{report:#}");
    assert_eq!(report["stored"], COUNT - COUNT / 3);
    assert_eq!(report["refusals"][0]["room_id"], room);
}

#[test]
fn when_no_room_can_be_read_it_is_not_the_rooms() {
    let account = target("unreadable-rooms");
    account.server.twist(|request| {
        let is_room = request.uri().path().contains("/room_keys/keys/");
        if is_room { server::page(504) } else { Twist::Nothing }
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["error"]["code"]), (1, &json!("refused")), "{report:#}");
    let asked = account.server.seen();
    assert_eq!(asked.iter().filter(|it| it.contains("/room_keys/keys")).count(), 3, "{asked:?}");
}

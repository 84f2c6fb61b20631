//! Random requests, most of them wrong somewhere, to every endpoint of the in-memory homeserver.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use crate::support;
use crate::support::ask::{Answer, V3, ask, new_version};
use proptest::{prelude::*, sample::select, strategy::Union};
use serde_json::{Value, json};
use strongroom::homeserver::{Homeserver, HomeserverOptions};

/// Method, path with query, and body.
type Sent = (&'static str, String, String);

/// A homeserver with two users, each of whom has one device, and one backup version.
fn homeserver() -> (Homeserver, [String; 2]) {
    let mut options = HomeserverOptions::default();
    options.registration = true;
    (options.account_bytes, options.waiting_messages) = (3_000, 3);
    let mut homeserver = Homeserver::with_options(options);
    homeserver.add_user(ALICE, "p");
    let tokens = [ALICE, BOB].map(|user| homeserver.log_in(user, "PHONE"));
    let create = format!("{V3}/room_keys/version");
    let body = new_version().to_string();
    assert_eq!(ask(&mut homeserver, &tokens[0], "POST", &create, &body).0, 200);
    (homeserver, tokens)
}

/// All that both users can see.
fn seen(homeserver: &Homeserver, tokens: &[String; 2]) -> Vec<Answer> {
    let users = json!({ "device_keys": { (ALICE): [], (BOB): [] } }).to_string();
    let mut reads = vec![("POST", "/keys/query".to_owned(), users), get("/sync".to_owned())];
    for path in ["/room_keys/version", "/devices", "/joined_rooms"] {
        reads.push(get(path.to_owned()));
    }
    for number in 1..4 {
        reads.push(get(format!("/room_keys/version/{number}")));
        reads.push(get(format!("/room_keys/keys?version={number}")));
    }
    let mut copy = homeserver.clone();
    let mut read = |token: &str, (method, path, body): &Sent| {
        ask(&mut copy, token, method, &format!("{V3}{path}"), body)
    };
    tokens
        .iter()
        .flat_map(|token| reads.iter().map(|sent| read(token, sent)).collect::<Vec<_>>())
        .collect()
}

fn get(path: String) -> Sent {
    ("GET", path, String::new())
}

/// A path of an endpoint, with names that belong there and others.
fn any_path() -> impl Strategy<Value = String> {
    let name = || {
        select(vec![
            "1",
            "2",
            "PHONE",
            "m.a",
            "",
            "*",
            "!a",
            "%00",
            "%ff",
            "..",
            "s%2F+1",
            "m.push_rules",
            "@alice:example.org",
            "@bob:example.org",
            "!room1:example.org",
        ])
    };
    let query = select(vec![
        "",
        "?version=1",
        "?version=1",
        "?version=2",
        "?version=%ff",
        "?since=s1_1",
        "?since=s9_9",
        "?filter=%7B%7D",
        "?filter=%7B%22account_data%22%3A%7B%22types%22%3A%5B%22***%22%5D%7D%7D",
        "?filter=7",
        "?filter=0&timeout=5",
        "?from=s0_0&to=s1_1",
        "?timeout=%FF",
    ]);
    let path = select(vec![
        "/room_keys/version",
        "/room_keys/version/A",
        "/room_keys/keys",
        "/room_keys/keys/A",
        "/room_keys/keys/A/B",
        "/user/A/account_data/B",
        "/user/@alice:example.org/account_data/B",
        "/sync",
        "/sendToDevice/A/B",
        "/keys/upload",
        "/keys/query",
        "/keys/claim",
        "/keys/device_signing/upload",
        "/keys/signatures/upload",
        "/keys/changes",
        "/devices",
        "/devices/A",
        "/delete_devices",
        "/user/A/filter",
        "/user/@alice:example.org/filter",
        "/user/@alice:example.org/filter/A",
        "/pushrules/",
        "/capabilities",
        "/createRoom",
        "/joined_rooms",
        "/rooms/A/send/B/1",
        "/rooms/!room1:example.org/send/A/B",
        "/rooms/!room1:example.org/state/A/B",
        "/rooms/A/event/B",
        "/rooms/A/members",
        "/rooms/A/messages",
        "/account/whoami",
        "/login",
        "/register",
        "/A/B",
    ]);
    (path, name(), name(), query)
        .prop_map(|(path, a, b, query)| path.replace('A', a).replace('B', b) + query)
}

/// A body with members that some endpoint knows, and with anything in them.
fn any_body() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1_u64 << 53),
        json!("x"),
        json!("p"),
        json!("alice"),
        json!("m.login.password"),
        json!("m.login.dummy"),
        json!("@bob:example.org"),
        json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        json!("PHONE"),
        json!("k".repeat(1_500)),
        new_version()["algorithm"].clone(),
        json!({}),
        support::ask::key(0, 0, false, "A"),
        support::ask::key(1, 0, true, "B"),
        json!({ "type": "m.login.dummy" }),
    ]);
    let member = select(vec![
        "algorithm",
        "auth_data",
        "version",
        "rooms",
        "sessions",
        "first_message_index",
        "is_verified",
        "session_data",
        "messages",
        "device_keys",
        "one_time_keys",
        "fallback_keys",
        "master_key",
        "self_signing_key",
        "user_signing_key",
        "keys",
        "usage",
        "user_id",
        "device_id",
        "signatures",
        "auth",
        "type",
        "user",
        "identifier",
        "devices",
        "display_name",
        "initial_device_display_name",
        "inhibit_login",
        "name",
        "topic",
        "invite",
        "initial_state",
        "content",
        "room",
        "account_data",
        "types",
        "username",
        "password",
        "@alice:example.org",
        "@bob:example.org",
        "PHONE",
        "*",
        "!a",
        "ed25519:PHONE",
        "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "\u{0}",
        "",
    ]);
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            4 => prop::collection::vec((member.clone(), inner.clone()), 0..4).prop_map(object),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    });
    let broken = select(vec!["", "{", "{}", "[]", "{} x", "\u{feff}{}"]);
    Union::new_weighted(vec![
        (6, value.prop_map(|value| value.to_string()).boxed()),
        (1, broken.prop_map(str::to_owned).boxed()),
        (1, Just(format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500))).boxed()),
    ])
}

/// Requests that an endpoint takes, at least from Alice or when something else was there before.
fn any_good() -> impl Strategy<Value = Sent> {
    let [key, better, bad] = [(1, false), (0, true), (1, true)]
        .map(|(index, verified)| support::ask::key(index, 0, verified, "A"));
    let bad = json!({ "first_message_index": 0, "session_data": bad });
    let update = |algorithm: &str| json!({ "algorithm": algorithm, "auth_data": { "n": 1 } });
    let messages = json!({ (ALICE): { "*": {} }, (BOB): { "PHONE": { "n": 1 }, "*": {} } });
    let log_in =
        json!({ "type": "m.login.password", "user": "alice", "password": "p", "device_id": "NEW" });
    let register =
        json!({ "auth": { "type": "m.login.dummy" }, "username": "carol", "password": "p" });
    let requests = [
        ("POST", "/room_keys/version", new_version()),
        ("PUT", "/room_keys/version/1", update(support::ask::ALGORITHM)),
        ("PUT", "/room_keys/version/1", update("other")),
        ("DELETE", "/room_keys/version/1", Value::Null),
        ("PUT", "/room_keys/keys/!a/s?version=1", better.clone()),
        ("PUT", "/room_keys/keys/!a?version=1", json!({ "sessions": { "s": key, "t": key } })),
        ("PUT", "/room_keys/keys/!a?version=1", json!({ "sessions": { "s": better, "t": bad } })),
        ("DELETE", "/room_keys/keys/!a?version=2", Value::Null),
        ("PUT", "/user/@alice:example.org/account_data/m.a", json!({ "n": 1 })),
        ("PUT", "/sendToDevice/m.a/1", json!({ "messages": messages })),
        ("PUT", "/sendToDevice/m.a/2", json!({ "messages": messages })),
        ("POST", "/keys/upload", json!({ "one_time_keys": { "a:1": "x" } })),
        (
            "POST",
            "/keys/upload",
            json!({ "one_time_keys": { "a:1": "y" }, "fallback_keys": { "b:1": "z" } }),
        ),
        ("POST", "/keys/claim", json!({ "one_time_keys": { (ALICE): { "PHONE": "a" } } })),
        ("POST", "/login", log_in.clone()),
        ("PUT", "/devices/PHONE", json!({ "display_name": "x" })),
        ("DELETE", "/devices/NEW", json!({ "auth": log_in })),
        ("POST", "/user/@alice:example.org/filter", json!({ "account_data": { "types": [] } })),
        ("POST", "/createRoom", json!({ "name": "x", "initial_state": [] })),
        ("POST", "/createRoom", json!({ "name": "x", "initial_state": [7] })),
        ("PUT", "/rooms/!room1:example.org/send/m.a/1", json!({ "n": 1 })),
        ("PUT", "/rooms/!room1:example.org/state/m.a", json!({ "n": 1 })),
        ("POST", "/register", register),
    ];
    let text = |body: Value| if body.is_null() { String::new() } else { body.to_string() };
    select(requests.map(|(method, path, body)| (method, path.to_owned(), text(body))).to_vec())
}

fn any_request() -> impl Strategy<Value = Sent> {
    let method = select(vec!["GET", "PUT", "POST", "DELETE", "PATCH"]);
    prop_oneof![any_good(), (method, any_path(), any_body())]
}

fn object(members: Vec<(&'static str, Value)>) -> Value {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

proptest! {
    #[test]
    fn every_request_is_answered_and_a_refused_one_changes_nothing(
        sent in prop::collection::vec(
            (0..3_usize, any_request()),
            1..40,
        ),
    ) {
        let (mut homeserver, tokens) = homeserver();
        for (who, (method, path, body)) in sent {
            let token = tokens.get(who).map_or("", String::as_str);
            let before = seen(&homeserver, &tokens);
            let (status, answer) = ask(&mut homeserver, token, method, &format!("{V3}{path}"), &body);
            prop_assert!(answer.is_object(), "{method} {path} {body}: {answer}");
            if status == 200 {
                prop_assert!(answer.get("errcode").is_none(), "{method} {path} {body}: {answer}");
                continue;
            }
            prop_assert!((400..500).contains(&status), "{method} {path} {body}: {status}");
            let says_why = answer["errcode"].is_string() && answer["error"].is_string();
            prop_assert!(says_why || answer["flows"].is_array(), "{method} {path} {body}: {answer}");
            prop_assert_eq!(seen(&homeserver, &tokens), before, "{} {} {}", method, path, body);
        }
    }
}

const ALICE: &str = "@alice:example.org";

const BOB: &str = "@bob:example.org";

//! The in-memory homeserver beside backups: getting in, account data, `/sync`, messages to devices, sizes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use crate::support;
use crate::support::ask::{Answer, V3, ask, assert_refused, key, new_version};
use serde_json::{Value, json};
use strongroom::homeserver::{Homeserver, HomeserverOptions};

/// A homeserver with two users, one of whom has two devices.
pub(crate) struct House {
    pub(crate) homeserver: Homeserver,
    pub(crate) phone: String,
    pub(crate) laptop: String,
    pub(crate) bob: String,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with_options(HomeserverOptions::default())
    }

    pub(crate) fn with_options(options: HomeserverOptions) -> Self {
        let mut homeserver = Homeserver::with_options(options);
        let phone = homeserver.log_in("@alice:example.org", "PHONE");
        let laptop = homeserver.log_in("@alice:example.org", "LAPTOP");
        let bob = homeserver.log_in("@bob:example.org", "PHONE");
        Self { homeserver, phone, laptop, bob }
    }

    pub(crate) fn ask(&mut self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask_raw(token, method, path, &body)
    }

    pub(crate) fn ask_raw(&mut self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        ask(&mut self.homeserver, token, method, &format!("{V3}{path}"), body)
    }

    pub(crate) fn set(&mut self, kind: &str, content: &Value) {
        let path = account_data(kind);
        let token = self.phone.clone();
        assert_eq!(self.ask(&token, "PUT", &path, content), (200, json!({})));
    }

    pub(crate) fn send(&mut self, transaction: &str, messages: &Value) -> Answer {
        let path = format!("/sendToDevice/m.secret.request/{transaction}");
        let token = self.phone.clone();
        self.ask(&token, "PUT", &path, &json!({ "messages": messages }))
    }

    pub(crate) fn sync(&mut self, token: &str, query: &str) -> Value {
        let (status, answer) = self.ask(token, "GET", &format!("/sync?{query}"), &Value::Null);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The contents of the messages that a sync returns, and its token.
    pub(crate) fn messages(&mut self, token: &str, since: &str) -> (Vec<Value>, String) {
        let query = if since.is_empty() { String::new() } else { format!("since={since}") };
        let answer = self.sync(token, &query);
        let events = answer["to_device"]["events"].as_array().unwrap().clone();
        let next = answer["next_batch"].as_str().unwrap().to_owned();
        (events.iter().map(|event| event["content"].clone()).collect(), next)
    }
}

fn account_data(kind: &str) -> String {
    format!("/user/%40alice%3Aexample.org/account_data/{kind}")
}

fn types(answer: &Value) -> Vec<&str> {
    let events = answer["account_data"]["events"].as_array().unwrap();
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

// Getting in

#[test]
fn the_versions_are_told_to_everybody() {
    let (status, answer) = ask(&mut Homeserver::new(), "", "GET", "/_matrix/client/versions", "");
    assert_eq!(status, 200);
    assert!(answer["versions"].as_array().unwrap().contains(&json!("v1.16")), "{answer}");
    let answer = ask(&mut Homeserver::new(), "", "POST", "/_matrix/client/versions", "{}");
    assert_refused(answer, 405, "M_UNRECOGNIZED");
}

#[test]
fn who_am_i_names_user_and_device() {
    let mut house = House::new();
    let laptop = house.laptop.clone();
    let expected =
        json!({ "user_id": "@alice:example.org", "device_id": "LAPTOP", "is_guest": false });
    assert_eq!(house.ask(&laptop, "GET", "/account/whoami", &Value::Null), (200, expected));
    assert_refused(house.ask("", "GET", "/account/whoami", &Value::Null), 401, "M_MISSING_TOKEN");
    assert_refused(house.ask("", "PUT", "/account/whoami", &Value::Null), 405, "M_UNRECOGNIZED");
}

#[test]
fn a_token_that_is_logged_out_is_unknown_softly_or_not() {
    let mut house = House::new();
    let (phone, laptop, bob) = (house.phone.clone(), house.laptop.clone(), house.bob.clone());
    house.homeserver.log_out(&phone);
    house.homeserver.log_out_softly(&laptop);
    for (token, soft) in [(phone, false), (laptop, true)] {
        let answer = house.ask(&token, "GET", "/account/whoami", &Value::Null);
        assert_eq!(answer.1["soft_logout"], soft);
        assert_refused(answer, 401, "M_UNKNOWN_TOKEN");
    }
    assert_eq!(house.ask(&bob, "GET", "/account/whoami", &Value::Null).0, 200);
}

#[test]
fn a_user_logs_in_with_a_password_under_either_form_of_the_name() {
    let mut house = House::new();
    house.homeserver.add_user("@alice:example.org", "open sesame");
    assert_eq!(
        house.ask("", "GET", "/login", &Value::Null).1["flows"][0]["type"],
        "m.login.password"
    );
    for identifier in [
        json!({ "identifier": { "type": "m.id.user", "user": "alice" } }),
        json!({ "identifier": { "type": "m.id.user", "user": "@alice:example.org" } }),
        json!({ "user": "alice" }),
    ] {
        let mut body = identifier;
        body["type"] = json!("m.login.password");
        body["password"] = json!("open sesame");
        let (status, answer) = house.ask("", "POST", "/login", &body);
        assert_eq!((status, &answer["user_id"]), (200, &json!("@alice:example.org")), "{answer}");
        let token = answer["access_token"].as_str().unwrap();
        let (_, me) = house.ask(token, "GET", "/account/whoami", &Value::Null);
        assert_eq!(me["device_id"], answer["device_id"]);
        body["password"] = json!("open barley");
        assert_refused(house.ask("", "POST", "/login", &body), 403, "M_FORBIDDEN");
    }
}

#[test]
fn a_user_without_a_password_and_an_unknown_one_do_not_get_in() {
    let mut house = House::new();
    for (user, password) in [("bob", json!("")), ("carol", json!("x"))] {
        let body = json!({ "type": "m.login.password", "user": user, "password": password });
        assert_refused(house.ask("", "POST", "/login", &body), 403, "M_FORBIDDEN");
    }
    let body = json!({ "type": "m.login.token", "token": "x" });
    assert_refused(house.ask("", "POST", "/login", &body), 400, "M_UNKNOWN");
    assert_refused(house.ask("", "POST", "/login", &json!({})), 400, "M_BAD_JSON");
    assert_refused(house.ask_raw("", "POST", "/login", "{"), 400, "M_NOT_JSON");
}

#[test]
fn a_new_login_of_a_device_ends_the_one_before() {
    let mut house = House::new();
    house.homeserver.add_user("@alice:example.org", "p");
    let (phone, laptop, bob) = (house.phone.clone(), house.laptop.clone(), house.bob.clone());
    let body = json!({ "type": "m.login.password", "user": "alice", "password": "p", "device_id": "PHONE" });
    let (_, answer) = house.ask("", "POST", "/login", &body);
    assert_eq!(answer["device_id"], "PHONE");
    assert_refused(
        house.ask(&phone, "GET", "/account/whoami", &Value::Null),
        401,
        "M_UNKNOWN_TOKEN",
    );
    for (other, device) in [(laptop, "LAPTOP"), (bob, "PHONE")] {
        let answer = house.ask(&other, "GET", "/account/whoami", &Value::Null);
        assert_eq!(answer.1["device_id"], device, "another device, and that of another user");
    }
}

#[test]
fn registration_is_closed_unless_it_is_opened() {
    let body = json!({ "auth": { "type": "m.login.dummy" }, "username": "carol", "password": "p" });
    assert_refused(House::new().ask("", "POST", "/register", &body), 403, "M_FORBIDDEN");

    let mut options = HomeserverOptions::default();
    options.registration = true;
    options.server_name = "house.test".to_owned();
    let mut house = House::with_options(options);
    let (status, answer) = house.ask("", "POST", "/register", &json!({ "username": "carol" }));
    assert_eq!((status, &answer["flows"]), (401, &json!([{ "stages": ["m.login.dummy"] }])));
    let (status, answer) = house.ask("", "POST", "/register", &body);
    assert_eq!((status, &answer["user_id"]), (200, &json!("@carol:house.test")));
    assert_refused(house.ask("", "POST", "/register", &body), 400, "M_USER_IN_USE");
    let mut body = body;
    body["username"] = json!("Carol!");
    assert_refused(house.ask("", "POST", "/register", &body), 400, "M_INVALID_USERNAME");
    body.as_object_mut().unwrap().remove("username");
    let (_, answer) = house.ask("", "POST", "/register", &body);
    assert!(answer["user_id"].as_str().unwrap().ends_with(":house.test"), "{answer}");
}

#[test]
fn a_registration_that_inhibits_the_login_leaves_no_device() {
    let mut options = HomeserverOptions::default();
    (options.registration, options.devices) = (true, 1);
    let mut house = House::with_options(options);
    let mut body = json!({ "auth": { "type": "m.login.dummy" }, "username": "carol", "password": "p", "device_id": "NONE" });
    for odd in [json!("true"), json!(1)] {
        body["inhibit_login"] = odd;
        assert_refused(house.ask("", "POST", "/register", &body), 400, "M_BAD_JSON");
    }
    body["inhibit_login"] = json!(true);
    let answer = house.ask("", "POST", "/register", &body);
    assert_eq!(answer, (200, json!({ "user_id": "@carol:example.org" })));

    let body =
        json!({ "type": "m.login.password", "user": "carol", "password": "p", "device_id": "ONE" });
    let (status, answer) = house.ask("", "POST", "/login", &body);
    assert_eq!(status, 200, "the first device of at most one: {answer}");
    let token = answer["access_token"].as_str().unwrap();
    let (_, devices) = house.ask(token, "GET", "/devices", &Value::Null);
    assert_eq!(devices, json!({ "devices": [{ "device_id": "ONE" }] }));
}

// Account data

#[test]
fn account_data_is_returned_as_it_was_stored_to_all_devices_of_the_user() {
    let mut house = House::new();
    let path = account_data("m.secret_storage.key.a%2Fb");
    let (phone, laptop) = (house.phone.clone(), house.laptop.clone());
    assert_refused(house.ask(&phone, "GET", &path, &Value::Null), 404, "M_NOT_FOUND");
    let body = r#" { "b": 1.50, "a": "\u0041" } "#;
    assert_eq!(house.ask_raw(&phone, "PUT", &path, body), (200, json!({})));
    let request = support::ask::request(&laptop, "GET", &format!("{V3}{path}"), "");
    assert_eq!(house.homeserver.respond(&request).body(), body.trim().as_bytes());
    house.set("m.empty", &json!({}));
    assert_eq!(house.ask(&laptop, "GET", &account_data("m.empty"), &Value::Null), (200, json!({})));
}

#[test]
fn account_data_of_others_is_forbidden_and_some_types_are_the_servers() {
    let mut house = House::new();
    let (phone, bob) = (house.phone.clone(), house.bob.clone());
    for method in ["GET", "PUT"] {
        let answer = house.ask(&bob, method, &account_data("m.x"), &json!({}));
        assert_refused(answer, 403, "M_FORBIDDEN");
    }
    for kind in ["m.fully_read", "m.push_rules"] {
        let answer = house.ask(&phone, "PUT", &account_data(kind), &json!({}));
        assert_refused(answer, 405, "M_BAD_JSON");
    }
    let answer = house.ask(&phone, "DELETE", &account_data("m.x"), &Value::Null);
    assert_refused(answer, 405, "M_UNRECOGNIZED");
}

#[test]
fn account_data_is_an_object_and_not_too_large() {
    let mut options = HomeserverOptions::default();
    options.account_data_bytes = 20;
    let mut house = House::with_options(options);
    let phone = house.phone.clone();
    let mut put = |body: &str| house.ask_raw(&phone, "PUT", &account_data("m.x"), body);
    assert_refused(put("{"), 400, "M_NOT_JSON");
    for body in ["[]", "null", "\"x\""] {
        assert_refused(put(body), 400, "M_BAD_JSON");
    }
    assert_eq!(put(r#"{"a":"01234567890"}  "#).0, 200, "of 19 bytes");
    assert_refused(put(r#"{"a":"0123456789012"}"#), 413, "M_TOO_LARGE");
}

// Sync

#[test]
fn a_first_sync_has_all_account_data_and_a_later_one_what_changed() {
    let mut house = House::new();
    let laptop = house.laptop.clone();
    house.set("m.b", &json!({ "n": 1 }));
    house.set("m.a", &json!({ "n": 2 }));
    house.set("m.b", &json!({ "n": 3 }));
    let first = house.sync(&laptop, "timeout=0");
    assert_eq!(
        first["account_data"]["events"],
        json!([{ "type": "m.a", "content": { "n": 2 } }, { "type": "m.b", "content": { "n": 3 } }])
    );
    let since = format!("since={}&timeout=30000", first["next_batch"].as_str().unwrap());
    let second = house.sync(&laptop, &since);
    assert_eq!(types(&second), [""; 0]);
    assert_eq!(second["next_batch"], first["next_batch"]);
    house.set("m.a", &json!({}));
    assert_eq!(types(&house.sync(&laptop, &since)), ["m.a"]);
    assert_eq!(types(&house.sync(&laptop, &since)), ["m.a"], "the same question again");
    let bob = house.bob.clone();
    assert_eq!(types(&house.sync(&bob, "")), [""; 0], "another user");
}

#[test]
fn a_filter_chooses_account_data() {
    let mut house = House::new();
    let phone = house.phone.clone();
    for kind in ["m.a", "m.secret_storage.key.x", "m.secret_storage.default_key"] {
        house.set(kind, &json!({}));
    }
    for (filter, expected) in [
        (json!({ "account_data": { "types": ["m.a"] } }), vec!["m.a"]),
        (
            json!({ "room": { "rooms": [] }, "account_data": { "types": ["m.secret_storage.*"] } }),
            vec!["m.secret_storage.key.x", "m.secret_storage.default_key"],
        ),
        (
            json!({ "account_data": { "types": ["m.*"], "not_types": ["*.key.*", "m.a"] } }),
            vec!["m.secret_storage.default_key"],
        ),
        (json!({ "account_data": { "types": [] } }), vec![]),
        (json!({ "account_data": { "not_types": ["*"] } }), vec![]),
        (json!({}), vec!["m.a", "m.secret_storage.key.x", "m.secret_storage.default_key"]),
    ] {
        let filter = filter.to_string();
        let encoded =
            percent_encoding::utf8_percent_encode(&filter, percent_encoding::NON_ALPHANUMERIC);
        let answer = house.sync(&phone, &format!("filter={encoded}"));
        assert_eq!(types(&answer), expected, "{filter}");
    }
    for filter in ["7", "%7B", "%7B%22account_data%22%3A7%7D"] {
        let answer = house.ask(&phone, "GET", &format!("/sync?filter={filter}"), &Value::Null);
        assert_refused(answer, 400, "M_INVALID_PARAM");
    }
}

#[test]
fn a_token_that_this_homeserver_did_not_give_out_is_refused() {
    let mut house = House::new();
    let phone = house.phone.clone();
    for since in ["", "x", "s0", "s1_0", "s0_1", "s00_0", "s+0_0", "s99_99"] {
        let answer = house.ask(&phone, "GET", &format!("/sync?since={since}"), &Value::Null);
        assert_refused(answer, 400, "M_INVALID_PARAM");
    }
}

// Messages to devices

#[test]
fn a_message_waits_until_the_device_has_acknowledged_it() {
    let mut house = House::new();
    let (laptop, bob) = (house.laptop.clone(), house.bob.clone());
    let messages = json!({ "@alice:example.org": { "LAPTOP": { "n": 1 } } });
    assert_eq!(house.send("a", &messages), (200, json!({})));
    let answer = house.sync(&laptop, "");
    assert_eq!(
        answer["to_device"]["events"],
        json!([{ "sender": "@alice:example.org", "type": "m.secret.request", "content": { "n": 1 } }])
    );
    let (again, next) = house.messages(&laptop, "");
    assert_eq!(again, [json!({ "n": 1 })], "it was not acknowledged");
    assert_eq!(house.messages(&laptop, &next).0, [""; 0]);
    assert_eq!(house.messages(&laptop, "").0, [""; 0], "and now it is gone");
    assert_eq!(house.messages(&bob, "").0, [""; 0]);
}

#[test]
fn a_star_stands_for_all_devices_of_a_user_and_unknown_ones_get_nothing() {
    let mut house = House::new();
    let (phone, laptop, bob) = (house.phone.clone(), house.laptop.clone(), house.bob.clone());
    let messages = json!({
        "@alice:example.org": { "*": { "n": 1 } },
        "@bob:example.org": { "PHONE": { "n": 2 }, "NO": { "n": 3 } },
        "@nobody:example.org": { "*": { "n": 4 } },
    });
    assert_eq!(house.send("a", &messages).0, 200);
    assert_eq!(house.messages(&phone, "").0, [json!({ "n": 1 })]);
    assert_eq!(house.messages(&laptop, "").0, [json!({ "n": 1 })]);
    assert_eq!(house.messages(&bob, "").0, [json!({ "n": 2 })]);
}

#[test]
fn a_transaction_id_sends_once_for_each_device_and_type() {
    let mut house = House::new();
    let (laptop, bob) = (house.laptop.clone(), house.bob.clone());
    let messages = json!({ "@bob:example.org": { "PHONE": {} } });
    for _ in 0..3 {
        assert_eq!(house.send("same", &messages).0, 200);
    }
    assert_eq!(house.messages(&bob, "").0.len(), 1);
    let body = json!({ "messages": messages });
    house.ask(&laptop, "PUT", "/sendToDevice/m.secret.request/same", &body);
    assert_eq!(house.messages(&bob, "").0.len(), 2, "another device");
    house.ask(&laptop, "PUT", "/sendToDevice/m.secret.send/same", &body);
    assert_eq!(house.messages(&bob, "").0.len(), 3, "another type");
}

#[test]
fn messages_of_a_wrong_shape_are_refused_and_none_is_sent() {
    let mut house = House::new();
    let (phone, bob) = (house.phone.clone(), house.bob.clone());
    for body in [
        json!({}),
        json!({ "messages": [] }),
        json!({ "messages": { "@bob:example.org": [] } }),
        json!({ "messages": { "@bob:example.org": { "PHONE": {}, "X": 7 } } }),
    ] {
        let answer = house.ask(&phone, "PUT", "/sendToDevice/m.x/a", &body);
        assert_refused(answer, 400, "M_BAD_JSON");
    }
    assert_eq!(house.messages(&bob, "").0, [""; 0]);
    let answer = house.ask(&phone, "POST", "/sendToDevice/m.x/a", &json!({}));
    assert_refused(answer, 405, "M_UNRECOGNIZED");
}

#[test]
fn a_hundred_messages_come_at_once_and_the_rest_with_the_next_syncs() {
    let mut house = House::new();
    let bob = house.bob.clone();
    for n in 0..250 {
        house.send(&n.to_string(), &json!({ "@bob:example.org": { "*": { "n": n } } }));
    }
    house.set("m.late", &json!({}));
    let (mut all, mut since, mut counts) = (Vec::new(), String::new(), Vec::new());
    for _ in 0..4 {
        let (messages, next) = house.messages(&bob, &since);
        counts.push(messages.len());
        all.extend(messages);
        since = next;
    }
    assert_eq!(counts, [100, 100, 50, 0]);
    assert_eq!(all, (0..250).map(|n| json!({ "n": n })).collect::<Vec<_>>());
}

// Sizes

#[test]
fn a_request_that_is_too_large_is_refused_after_its_token_and_before_its_json() {
    let mut options = HomeserverOptions::default();
    options.request_bytes = 10;
    let mut house = House::with_options(options);
    let phone = house.phone.clone();
    let large = "{".repeat(11);
    let answer = house.ask_raw(&phone, "POST", "/room_keys/version", &large);
    assert_refused(answer, 413, "M_TOO_LARGE");
    let answer = house.ask_raw("", "POST", "/room_keys/version", &large);
    assert_refused(answer, 401, "M_MISSING_TOKEN");
    assert_refused(house.ask_raw("", "POST", "/login", &large), 413, "M_TOO_LARGE");
}

#[test]
fn an_account_takes_no_more_than_it_may_and_what_is_deleted_makes_room() {
    let mut options = HomeserverOptions::default();
    options.account_bytes = 10_000;
    let mut house = House::with_options(options);
    let (phone, bob) = (house.phone.clone(), house.bob.clone());
    assert_eq!(house.ask(&phone, "POST", "/room_keys/version", &new_version()).0, 200);
    let key = key(0, 0, false, &"x".repeat(1_000));
    let mut put =
        |n: usize| house.ask(&phone, "PUT", &format!("/room_keys/keys/!a/s{n}?version=1"), &key);
    let stored = (0..20).take_while(|n| put(*n).0 == 200).count();
    assert!((5..10).contains(&stored), "{stored}");
    assert_refused(put(20), 403, "M_RESOURCE_LIMIT_EXCEEDED");
    assert_eq!(house.ask(&bob, "POST", "/room_keys/version", &new_version()).0, 200);
    house.ask(&phone, "DELETE", "/room_keys/keys/!a/s0?version=1", &Value::Null);
    house.ask(&phone, "DELETE", "/room_keys/keys/!a/s1?version=1", &Value::Null);
    assert_eq!(house.ask(&phone, "PUT", "/room_keys/keys/!a/t?version=1", &key).0, 200);
}

#[test]
fn a_key_that_is_replaced_makes_room() {
    let mut options = HomeserverOptions::default();
    options.account_bytes = 10_000;
    let mut house = House::with_options(options);
    let phone = house.phone.clone();
    assert_eq!(house.ask(&phone, "POST", "/room_keys/version", &new_version()).0, 200);
    for better in (0..20).rev() {
        let key = key(better, 0, false, &"x".repeat(2_000));
        let answer = house.ask(&phone, "PUT", "/room_keys/keys/!a/s?version=1", &key);
        assert_eq!((answer.0, &answer.1["count"]), (200, &json!(1)));
    }
}

#[test]
fn the_names_of_rooms_and_sessions_take_up_room_too() {
    let mut options = HomeserverOptions::default();
    options.account_bytes = 10_000;
    let mut house = House::with_options(options);
    let phone = house.phone.clone();
    assert_eq!(house.ask(&phone, "POST", "/room_keys/version", &new_version()).0, 200);
    let long = "x".repeat(2_000);
    for [room, session] in [[&long, "s"], ["!a", &long]] {
        let mut put = |n: usize| {
            let sessions = json!({ (format!("{session}{n}")): key(0, 0, false, "A") });
            let rooms = json!({ (format!("{room}{n}")): { "sessions": sessions } });
            house.ask(&phone, "PUT", "/room_keys/keys?version=1", &json!({ "rooms": rooms })).0
        };
        assert_eq!((0..10).take_while(|n| put(*n) == 200).count(), 4);
        for n in 0..4 {
            let path = format!("/room_keys/keys/{room}{n}?version=1");
            assert_eq!(house.ask(&phone, "DELETE", &path, &Value::Null).0, 200);
        }
    }
    let whole = "/room_keys/keys?version=1";
    assert_eq!(house.ask(&phone, "GET", whole, &Value::Null), (200, json!({ "rooms": {} })));
}

#[test]
fn nobody_can_fill_the_account_or_the_inbox_of_somebody_else() {
    let mut options = HomeserverOptions::default();
    options.account_bytes = 10_000;
    options.waiting_messages = 5;
    let mut house = House::with_options(options);
    let large = json!({ "@bob:example.org": { "*": { "x": "x".repeat(6_000) } } });
    assert_eq!(house.send("a", &large).0, 200);
    assert_refused(house.send("b", &large), 403, "M_RESOURCE_LIMIT_EXCEEDED");
    let small = json!({ "@bob:example.org": { "*": {} } });
    let sent = (0..20).take_while(|n| house.send(&format!("c{n}"), &small).0 == 200).count();
    assert_eq!(sent, 4);
}

#[test]
fn messages_of_one_request_are_counted_together() {
    let mut options = HomeserverOptions::default();
    options.account_bytes = 10_000;
    options.waiting_messages = 3;
    let mut house = House::with_options(options);
    let large = json!({ "@alice:example.org": { "*": { "x": "x".repeat(6_000) } } });
    assert_refused(house.send("a", &large), 403, "M_RESOURCE_LIMIT_EXCEEDED");
    let twice = json!({ "@bob:example.org": { "PHONE": {}, "*": {} } });
    assert_eq!(house.send("b", &twice).0, 200);
    assert_refused(house.send("c", &twice), 403, "M_RESOURCE_LIMIT_EXCEEDED");
    let (laptop, bob) = (house.laptop.clone(), house.bob.clone());
    assert_eq!(house.messages(&laptop, "").0.len(), 0);
    assert_eq!(house.messages(&bob, "").0.len(), 2);
}

#[test]
fn names_and_passwords_have_a_limit() {
    let mut options = HomeserverOptions::default();
    options.registration = true;
    let mut house = House::with_options(options);
    let body = |name: &str, password: &str, device: &str| {
        let auth = json!({ "type": "m.login.dummy" });
        json!({ "auth": auth, "username": name, "password": password, "device_id": device })
    };
    let long = "x".repeat(2_000);
    let answer = house.ask("", "POST", "/register", &body(&long, "p", "D"));
    assert_refused(answer, 400, "M_INVALID_USERNAME");
    let answer = house.ask("", "POST", "/register", &body("a", &long, "D"));
    assert_refused(answer, 413, "M_TOO_LARGE");
    let answer = house.ask("", "POST", "/register", &body("b", "p", &long));
    assert_refused(answer, 413, "M_TOO_LARGE");
}

#[test]
fn devices_and_users_are_not_made_without_end() {
    let mut options = HomeserverOptions::default();
    (options.registration, options.accounts, options.devices) = (true, 3, 3);
    let mut house = House::with_options(options);
    house.homeserver.add_user("@alice:example.org", "p");
    let body = json!({ "type": "m.login.password", "user": "alice", "password": "p" });
    assert_eq!(house.ask("", "POST", "/login", &body).0, 200, "the third device");
    assert_refused(house.ask("", "POST", "/login", &body), 403, "M_RESOURCE_LIMIT_EXCEEDED");
    let body = json!({ "auth": { "type": "m.login.dummy" }, "password": "p" });
    assert_eq!(house.ask("", "POST", "/register", &body).0, 200, "the third user");
    assert_refused(house.ask("", "POST", "/register", &body), 403, "M_RESOURCE_LIMIT_EXCEEDED");
}

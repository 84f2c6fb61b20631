//! Rooms of one member: made, written to, and read by the user's other devices.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use std::time::Duration;

use crate::account::House;
use crate::support::ask::{V3, assert_refused, request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use strongroom::homeserver::HomeserverOptions;

/// A room of Alice's with encryption, and its path.
fn room(house: &mut House) -> (String, String) {
    let phone = house.phone.clone();
    let body = json!({
        "name": "keys", "topic": "of rooms", "preset": "private_chat",
        "initial_state": [
            { "type": "m.room.encryption", "content": { "algorithm": "m.megolm.v1.aes-sha2" } },
            { "type": "m.x", "state_key": "k", "content": {} },
        ],
    });
    let (status, answer) = house.ask(&phone, "POST", "/createRoom", &body);
    assert_eq!(status, 200, "{answer}");
    let id = answer["room_id"].as_str().unwrap().to_owned();
    let path = format!("/rooms/{}", utf8_percent_encode(&id, NON_ALPHANUMERIC));
    (id, path)
}

/// The events of a room that a sync returns.
fn timeline(answer: &Value, room: &str) -> Vec<Value> {
    answer["rooms"]["join"][room]["timeline"]["events"].as_array().unwrap().clone()
}

#[test]
fn a_room_begins_with_its_creator_and_what_they_ask_for() {
    let mut house = House::new();
    let (phone, laptop, bob) = (house.phone.clone(), house.laptop.clone(), house.bob.clone());
    let (id, _) = room(&mut house);
    let answer = house.sync(&laptop, "");
    let events = timeline(&answer, &id);
    let states: Vec<_> = events
        .iter()
        .map(|event| (event["type"].as_str().unwrap(), event["state_key"].as_str().unwrap()))
        .collect();
    assert_eq!(
        states,
        [
            ("m.room.create", ""),
            ("m.room.member", "@alice:example.org"),
            ("m.room.power_levels", ""),
            ("m.room.join_rules", ""),
            ("m.room.history_visibility", ""),
            ("m.room.encryption", ""),
            ("m.x", "k"),
            ("m.room.name", ""),
            ("m.room.topic", ""),
        ]
    );
    assert_eq!(events[1]["content"]["membership"], "join");
    assert_eq!(events[2]["content"]["users"]["@alice:example.org"], 100);
    assert_eq!(events[7]["content"], json!({ "name": "keys" }));
    assert!(events.iter().all(|event| event["sender"] == "@alice:example.org"));
    let (_, capabilities) = house.ask(&phone, "GET", "/capabilities", &Value::Null);
    let version = &capabilities["capabilities"]["m.room_versions"]["default"];
    assert_eq!(events[0]["content"]["room_version"], *version);
    for (token, rooms) in [(&phone, json!([id])), (&laptop, json!([id])), (&bob, json!([]))] {
        let answer = house.ask(token, "GET", "/joined_rooms", &Value::Null);
        assert_eq!(answer, (200, json!({ "joined_rooms": rooms })));
    }
    assert_eq!(house.sync(&bob, "")["rooms"]["join"], json!({}));
}

#[test]
fn all_messages_are_returned_in_either_direction() {
    let mut house = House::new();
    let (phone, laptop, bob) = (house.phone.clone(), house.laptop.clone(), house.bob.clone());
    let (id, path) = room(&mut house);
    house.ask_raw(&phone, "PUT", &format!("{path}/send/m.room.encrypted/1"), r#"{"n":1}"#);
    let seen = timeline(&house.sync(&laptop, ""), &id);
    let mut ask = |token: &str, query: &str| {
        house.ask(token, "GET", &format!("{path}/messages{query}"), &Value::Null)
    };
    let (status, back) = ask(&laptop, "?dir=b&limit=100");
    assert_eq!((status, back.get("end")), (200, None), "there is nothing to go on with");
    let mut back = back["chunk"].as_array().unwrap().clone();
    assert!(back.iter().all(|event| event["room_id"] == *id));
    back.reverse();
    assert_eq!(ask(&laptop, "?dir=f").1["chunk"], json!(back));
    let ids = |events: &[Value]| events.iter().map(|it| it["event_id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&back), ids(&seen));
    assert_refused(ask(&laptop, ""), 400, "M_MISSING_PARAM");
    assert_refused(ask(&laptop, "?dir=x"), 400, "M_INVALID_PARAM");
    assert_refused(ask(&bob, "?dir=b"), 403, "M_FORBIDDEN");
}

#[test]
fn a_message_reaches_the_other_devices_once_and_the_sender_with_its_transaction_id() {
    let mut house = House::new();
    let (phone, laptop) = (house.phone.clone(), house.laptop.clone());
    let (id, path) = room(&mut house);
    let since = format!("since={}", house.sync(&laptop, "")["next_batch"].as_str().unwrap());
    let wait = request(&laptop, "GET", &format!("{V3}/sync?{since}&timeout=10000"), "");
    assert_eq!(house.homeserver.patience(&wait), Duration::from_secs(10));
    assert_eq!(house.sync(&laptop, &since)["rooms"]["join"], json!({}), "nothing is new");

    let send = format!("{path}/send/m.room.encrypted/1");
    let body = r#"{"ciphertext": "AwgA",  "n": 1.0}"#;
    let (status, answer) = house.ask_raw(&phone, "PUT", &send, body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(house.ask_raw(&phone, "PUT", &send, body), (200, answer.clone()), "again");
    let other = house.ask_raw(&laptop, "PUT", &send, body);
    assert_ne!(other.1, answer, "another device");
    let kind = house.ask_raw(&phone, "PUT", &send.replace("encrypted", "message"), body);
    assert_ne!(kind.1, answer, "another type");

    assert_eq!(house.homeserver.patience(&wait), Duration::ZERO);
    let seen = house.sync(&laptop, &since);
    let events = timeline(&seen, &id);
    assert_eq!(events.len(), 3);
    assert_eq!(events[0]["event_id"], answer["event_id"]);
    assert_eq!(events[0].get("state_key"), None);
    assert_eq!(events[0]["unsigned"], json!({}));
    let mine = timeline(&house.sync(&phone, &since), &id);
    assert_eq!(mine[0]["unsigned"], json!({ "transaction_id": "1" }));

    let event = format!("{V3}{path}/event/{}", answer["event_id"].as_str().unwrap());
    let response = house.homeserver.respond(&request(&laptop, "GET", &event, ""));
    let text = String::from_utf8(response.into_body()).unwrap();
    assert!(text.contains(body), "as it came: {text}");
    assert!(text.contains(&id), "and in which room: {text}");
}

#[test]
fn state_is_set_and_read() {
    let mut house = House::new();
    let (phone, laptop) = (house.phone.clone(), house.laptop.clone());
    let (_, path) = room(&mut house);
    for (state, content) in
        [("m.x/k", json!({ "n": 1 })), ("m.x/k", json!({ "n": 2 })), ("m.x", json!({}))]
    {
        let set = format!("{path}/state/{state}");
        assert_eq!(house.ask(&phone, "PUT", &set, &content).0, 200);
        assert_eq!(house.ask(&laptop, "GET", &set, &Value::Null), (200, content));
    }
    let answer = house.ask(&phone, "GET", &format!("{path}/state/m.x/k"), &Value::Null);
    assert_eq!(answer.1, json!({ "n": 2 }), "another key");
    let (_, answer) =
        house.ask(&phone, "GET", &format!("{path}/state/m.room.encryption/"), &Value::Null);
    assert_eq!(answer["algorithm"], "m.megolm.v1.aes-sha2");
    for path in [format!("{path}/state/m.none"), format!("{path}/event/$none")] {
        assert_refused(house.ask(&phone, "GET", &path, &Value::Null), 404, "M_NOT_FOUND");
    }
}

#[test]
fn the_one_member_is_told_and_does_not_change() {
    let mut house = House::new();
    let phone = house.phone.clone();
    let (id, path) = room(&mut house);
    for (query, count) in [
        ("", 1),
        ("?membership=join", 1),
        ("?not_membership=leave", 1),
        ("?membership=leave", 0),
        ("?not_membership=join", 0),
    ] {
        let (status, answer) =
            house.ask(&phone, "GET", &format!("{path}/members{query}"), &Value::Null);
        assert_eq!((status, answer["chunk"].as_array().unwrap().len()), (200, count), "{query}");
        if count == 1 {
            assert_eq!(answer["chunk"][0]["room_id"], id);
            assert_eq!(answer["chunk"][0]["state_key"], "@alice:example.org");
        }
    }
    for kind in
        ["m.room.member/@alice:example.org", "m.room.member/@bob:example.org", "m.room.create"]
    {
        let set = format!("{path}/state/{kind}");
        let answer = house.ask(&phone, "PUT", &set, &json!({ "membership": "leave" }));
        assert_refused(answer, 403, "M_FORBIDDEN");
    }
    let invite = json!({ "invite": ["@bob:example.org"] });
    assert_refused(house.ask(&phone, "POST", "/createRoom", &invite), 403, "M_FORBIDDEN");
    assert_eq!(house.ask(&phone, "POST", "/createRoom", &json!({ "invite": [] })).0, 200);
}

#[test]
fn rooms_of_others_and_those_that_are_not_there_are_closed() {
    let mut house = House::new();
    let (phone, bob) = (house.phone.clone(), house.bob.clone());
    let (_, path) = room(&mut house);
    for (token, path) in [(&bob, path.as_str()), (&phone, "/rooms/!none")] {
        for (method, rest) in [
            ("PUT", "/send/m.x/1"),
            ("PUT", "/state/m.x"),
            ("GET", "/state/m.x/"),
            ("GET", "/event/$event1"),
            ("GET", "/members"),
            ("GET", "/messages"),
        ] {
            let answer = house.ask(token, method, &format!("{path}{rest}"), &json!({}));
            assert_refused(answer, 403, "M_FORBIDDEN");
            let answer = house.ask("", "POST", &format!("{path}{rest}"), &json!({}));
            assert_refused(answer, 405, "M_UNRECOGNIZED");
        }
        let answer = house.ask(token, "GET", &format!("{path}/receipt"), &Value::Null);
        assert_refused(answer, 404, "M_UNRECOGNIZED");
    }
    for (method, path) in [("GET", "/createRoom"), ("POST", "/joined_rooms")] {
        assert_refused(house.ask(&phone, method, path, &Value::Null), 405, "M_UNRECOGNIZED");
    }
}

#[test]
fn a_filter_chooses_rooms() {
    let mut house = House::new();
    let phone = house.phone.clone();
    let mut rooms = [room(&mut house).0, room(&mut house).0];
    rooms.sort();
    let [one, other] = rooms;
    for (filter, expected) in [
        (json!({}), vec![&one, &other]),
        (json!({ "room": {} }), vec![&one, &other]),
        (json!({ "room": { "rooms": [one] } }), vec![&one]),
        (json!({ "room": { "not_rooms": [one] } }), vec![&other]),
        (json!({ "room": { "rooms": [one], "not_rooms": [one] } }), vec![]),
        (json!({ "room": { "rooms": [] } }), vec![]),
    ] {
        let text = filter.to_string();
        let query = format!("filter={}", utf8_percent_encode(&text, NON_ALPHANUMERIC));
        let answer = house.sync(&phone, &query);
        let found: Vec<_> = answer["rooms"]["join"].as_object().unwrap().keys().collect();
        assert_eq!(found, expected, "{filter}");
    }
    let odd = utf8_percent_encode(r#"{"room":{"rooms":7}}"#, NON_ALPHANUMERIC).to_string();
    let answer = house.ask(&phone, "GET", &format!("/sync?filter={odd}"), &Value::Null);
    assert_refused(answer, 400, "M_INVALID_PARAM");
}

#[test]
fn a_room_of_a_wrong_shape_is_not_made() {
    let mut house = House::new();
    let phone = house.phone.clone();
    for body in [
        json!([]),
        json!({ "name": 7 }),
        json!({ "initial_state": {} }),
        json!({ "initial_state": [7] }),
        json!({ "initial_state": [{ "content": {} }] }),
        json!({ "initial_state": [{ "type": "m.x" }] }),
        json!({ "initial_state": [{ "type": "m.x", "content": [] }] }),
        json!({ "initial_state": [{ "type": "m.x", "state_key": 7, "content": {} }] }),
    ] {
        assert_refused(house.ask(&phone, "POST", "/createRoom", &body), 400, "M_BAD_JSON");
    }
    let member = json!({ "initial_state": [{ "type": "m.room.member", "content": {} }] });
    assert_refused(house.ask(&phone, "POST", "/createRoom", &member), 403, "M_FORBIDDEN");
    let (_, answer) = house.ask(&phone, "GET", "/joined_rooms", &Value::Null);
    assert_eq!(answer, json!({ "joined_rooms": [] }));
    let (_, path) = room(&mut house);
    for body in ["[]", "7"] {
        let answer = house.ask_raw(&phone, "PUT", &format!("{path}/send/m.x/1"), body);
        assert_refused(answer, 400, "M_BAD_JSON");
    }
}

#[test]
fn an_event_has_a_limit_and_events_take_up_room() {
    let mut options = HomeserverOptions::default();
    options.account_bytes = 200_000;
    let mut house = House::with_options(options);
    let phone = house.phone.clone();
    let (_, path) = room(&mut house);
    let event = |bytes: usize| json!({ "x": "x".repeat(bytes) });
    let mut send =
        |n: usize, bytes| house.ask(&phone, "PUT", &format!("{path}/send/m.x/{n}"), &event(bytes));
    assert_refused(send(0, 65_536), 413, "M_TOO_LARGE");
    assert_eq!((1..20).take_while(|n| send(*n, 60_000).0 == 200).count(), 3);
    let answer = send(20, 60_000);
    assert_refused(answer, 403, "M_RESOURCE_LIMIT_EXCEEDED");
    let many = json!({ "initial_state": vec![json!({ "type": "a", "content": {} }); 300] });
    let answer = house.ask(&phone, "POST", "/createRoom", &many);
    assert_refused(answer, 403, "M_RESOURCE_LIMIT_EXCEEDED");
}

//! What clients ask for when they start: filters, push rules, capabilities, and whose keys changed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use crate::account::House;
use crate::support::ask::{V3, assert_refused, request};
use serde_json::{Value, json};
use strongroom::homeserver::HomeserverOptions;

const FILTER: &str = "/user/@alice:example.org/filter";

#[test]
fn a_filter_is_stored_under_an_id_and_returned_as_it_came() {
    let mut house = House::new();
    let (phone, laptop) = (house.phone.clone(), house.laptop.clone());
    let texts =
        [r#"{"room":{"timeline":{"limit":1}}}"#, r#"{ "account_data": {"types": ["m.a"]} }"#];
    let mut ids = Vec::new();
    for text in texts {
        let (status, answer) = house.ask_raw(&phone, "POST", FILTER, text);
        assert_eq!(status, 200, "{answer}");
        ids.push(answer["filter_id"].as_str().unwrap().to_owned());
    }
    assert_ne!(ids[0], ids[1]);
    for (id, text) in ids.iter().zip(texts) {
        assert!(!id.starts_with('{'), "or it would be taken for a filter");
        let read = request(&laptop, "GET", &format!("{V3}{FILTER}/{id}"), "");
        assert_eq!(house.homeserver.respond(&read).body(), text.as_bytes());
    }
    assert_eq!(house.ask_raw(&laptop, "POST", FILTER, texts[1]).1["filter_id"], ids[1], "again");
    for id in ["2", "x", "00", "-1", "+0", ""] {
        let answer = house.ask(&phone, "GET", &format!("{FILTER}/{id}"), &Value::Null);
        assert_refused(answer, 404, "M_NOT_FOUND");
    }
}

#[test]
fn a_sync_takes_the_id_of_a_stored_filter() {
    let mut house = House::new();
    let (phone, bob) = (house.phone.clone(), house.bob.clone());
    for kind in ["m.a", "m.b"] {
        house.set(kind, &json!({}));
    }
    let body = json!({ "account_data": { "types": ["m.b"] } });
    let (_, answer) = house.ask(&phone, "POST", FILTER, &body);
    let path = format!("/sync?filter={}", answer["filter_id"].as_str().unwrap());
    let (_, answer) = house.ask(&phone, "GET", &path, &Value::Null);
    assert_eq!(answer["account_data"]["events"], json!([{ "type": "m.b", "content": {} }]));
    assert_refused(house.ask(&bob, "GET", &path, &Value::Null), 400, "M_INVALID_PARAM");
}

#[test]
fn a_filter_is_ones_own_has_the_shape_of_one_and_takes_up_room() {
    let mut options = HomeserverOptions::default();
    options.account_bytes = 10_000;
    let mut house = House::with_options(options);
    let (phone, bob) = (house.phone.clone(), house.bob.clone());
    assert_refused(house.ask(&bob, "POST", FILTER, &json!({})), 403, "M_FORBIDDEN");
    assert_refused(house.ask(&phone, "PUT", FILTER, &json!({})), 405, "M_UNRECOGNIZED");
    for body in [json!([]), json!({ "account_data": 7 }), json!({ "account_data": { "types": 7 } })]
    {
        assert_refused(house.ask(&phone, "POST", FILTER, &body), 400, "M_BAD_JSON");
    }
    assert_eq!(house.ask(&phone, "POST", FILTER, &json!({})).1, json!({ "filter_id": "0" }));
    assert_refused(
        house.ask(&bob, "GET", &format!("{FILTER}/0"), &Value::Null),
        403,
        "M_FORBIDDEN",
    );
    let large = |n: usize| json!({ "x": "x".repeat(2_000), "n": n });
    let stored = (0..20).take_while(|n| house.ask(&phone, "POST", FILTER, &large(*n)).0 == 200);
    assert_eq!(stored.count(), 4);
}

#[test]
fn there_are_no_push_rules_and_nothing_can_be_changed() {
    let mut house = House::new();
    let phone = house.phone.clone();
    let (status, answer) = house.ask(&phone, "GET", "/pushrules/", &Value::Null);
    assert_eq!(status, 200);
    for kind in ["override", "content", "room", "sender", "underride"] {
        assert_eq!(answer["global"][kind], json!([]), "{kind}");
    }
    let (status, answer) = house.ask(&phone, "GET", "/capabilities", &Value::Null);
    assert_eq!(status, 200);
    let capabilities = answer["capabilities"].as_object().unwrap();
    for (name, capability) in capabilities {
        let enabled = capability.get("enabled");
        assert!(enabled == Some(&json!(false)) || name == "m.room_versions", "{name}");
    }
    assert_eq!(capabilities["m.change_password"], json!({ "enabled": false }));
    let default = capabilities["m.room_versions"]["default"].as_str().unwrap();
    assert_eq!(capabilities["m.room_versions"]["available"][default], "stable");
    for path in ["/pushrules/", "/capabilities"] {
        assert_refused(house.ask("", "GET", path, &Value::Null), 401, "M_MISSING_TOKEN");
        assert_refused(house.ask("", "PUT", path, &json!({})), 405, "M_UNRECOGNIZED");
    }
}

#[test]
fn the_user_is_among_those_whose_keys_changed_since_a_token() {
    let mut house = House::new();
    let (phone, laptop) = (house.phone.clone(), house.laptop.clone());
    let before = house.messages(&phone, "").1;
    let keys = json!({ "user_id": "@alice:example.org", "device_id": "LAPTOP", "algorithms": [], "keys": {}, "signatures": {} });
    assert_eq!(house.ask(&laptop, "POST", "/keys/upload", &json!({ "device_keys": keys })).0, 200);
    let after = house.messages(&phone, "").1;
    for (from, to, changed) in
        [(&before, &after, json!(["@alice:example.org"])), (&after, &after, json!([]))]
    {
        let path = format!("/keys/changes?from={from}&to={to}");
        let answer = house.ask(&phone, "GET", &path, &Value::Null);
        assert_eq!(answer, (200, json!({ "changed": changed, "left": [] })));
    }
    for (query, errcode) in [
        (format!("from={before}"), "M_MISSING_PARAM"),
        (format!("to={before}"), "M_MISSING_PARAM"),
        (format!("from={before}&to=x"), "M_INVALID_PARAM"),
        (format!("from=s99_99&to={before}"), "M_INVALID_PARAM"),
    ] {
        let answer = house.ask(&phone, "GET", &format!("/keys/changes?{query}"), &Value::Null);
        assert_refused(answer, 400, errcode);
    }
    assert_refused(house.ask(&phone, "POST", "/keys/changes", &json!({})), 405, "M_UNRECOGNIZED");
}

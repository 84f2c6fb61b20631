//! Devices of a user: their names, logging them out, deleting them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use crate::account::House;
use crate::support::ask::assert_refused;
use serde_json::{Value, json};
use strongroom::homeserver::HomeserverOptions;

/// The devices that a token sees, with their names.
fn devices(house: &mut House, token: &str) -> Vec<(String, Option<String>)> {
    let (status, answer) = house.ask(token, "GET", "/devices", &Value::Null);
    assert_eq!(status, 200, "{answer}");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let all = answer["devices"].as_array().unwrap().iter();
    all.map(|one| (text(&one["device_id"]).unwrap(), text(&one["display_name"]))).collect()
}

/// A house in which Alice has the password `p`.
fn with_password() -> House {
    let mut house = House::new();
    house.homeserver.add_user("@alice:example.org", "p");
    house
}

/// What a user shows who knows the password of Alice.
fn auth() -> Value {
    json!({ "type": "m.login.password", "identifier": { "type": "m.id.user", "user": "alice" }, "password": "p" })
}

fn device_keys(device: &str) -> Value {
    json!({ "device_keys": {
        "user_id": "@alice:example.org", "device_id": device, "algorithms": [], "keys": {}, "signatures": {},
        "unsigned": { "device_display_name": "of the device's own making" },
    } })
}

#[test]
fn a_user_sees_the_own_devices_all_or_one_and_names_them() {
    let mut house = House::new();
    let (phone, bob) = (house.phone.clone(), house.bob.clone());
    let answer = house.ask(&phone, "PUT", "/devices/LAPTOP", &json!({ "display_name": "work" }));
    assert_eq!(answer, (200, json!({})));
    assert_eq!(
        devices(&mut house, &phone),
        [("LAPTOP".to_owned(), Some("work".to_owned())), ("PHONE".to_owned(), None)]
    );
    let one = house.ask(&phone, "GET", "/devices/LAPTOP", &Value::Null);
    assert_eq!(one, (200, json!({ "device_id": "LAPTOP", "display_name": "work" })));
    assert_eq!(house.ask(&phone, "PUT", "/devices/LAPTOP", &json!({})).0, 200);
    assert_eq!(house.ask(&phone, "GET", "/devices/LAPTOP", &Value::Null), one, "nothing said");
    for method in ["GET", "PUT"] {
        let answer = house.ask(&bob, method, "/devices/LAPTOP", &json!({}));
        assert_refused(answer, 404, "M_NOT_FOUND");
    }
    assert_eq!(devices(&mut house, &bob), [("PHONE".to_owned(), None)]);
}

#[test]
fn a_name_of_a_device_is_a_string_and_not_too_long() {
    let mut house = with_password();
    let phone = house.phone.clone();
    let mut log_in = json!({ "type": "m.login.password", "user": "alice", "password": "p" });
    let long = json!("x".repeat(256));
    for (name, status, errcode) in [(json!(7), 400, "M_BAD_JSON"), (long, 413, "M_TOO_LARGE")] {
        let body = json!({ "display_name": name });
        assert_refused(house.ask(&phone, "PUT", "/devices/PHONE", &body), status, errcode);
        log_in["initial_device_display_name"] = name;
        assert_refused(house.ask("", "POST", "/login", &log_in), status, errcode);
    }
}

#[test]
fn everybody_sees_the_name_of_a_device_beside_its_keys_and_nothing_that_it_put_there() {
    let mut house = House::new();
    let (phone, bob) = (house.phone.clone(), house.bob.clone());
    assert_eq!(house.ask(&phone, "POST", "/keys/upload", &device_keys("PHONE")).0, 200);
    let unsigned = |house: &mut House| {
        let body = json!({ "device_keys": { "@alice:example.org": [] } });
        let (_, answer) = house.ask(&bob, "POST", "/keys/query", &body);
        answer["device_keys"]["@alice:example.org"]["PHONE"]["unsigned"].clone()
    };
    assert_eq!(unsigned(&mut house), json!({}));
    let since = house.messages(&phone, "").1;
    house.ask(&phone, "PUT", "/devices/PHONE", &json!({ "display_name": "my \"phone\"" }));
    let answer = house.sync(&phone, &format!("since={since}"));
    assert_eq!(answer["device_lists"]["changed"], json!(["@alice:example.org"]), "to be asked for");
    assert_eq!(unsigned(&mut house), json!({ "device_display_name": "my \"phone\"" }));
}

#[test]
fn the_name_in_a_login_is_for_a_new_device_alone() {
    let mut house = with_password();
    let phone = house.phone.clone();
    for (device, name) in [("NEW", "first"), ("NEW", "second"), ("PHONE", "third")] {
        let body = json!({
            "type": "m.login.password", "user": "alice", "password": "p", "device_id": device,
            "initial_device_display_name": name,
        });
        let (status, answer) = house.ask("", "POST", "/login", &body);
        assert_eq!(status, 200);
        house.phone = answer["access_token"].as_str().unwrap().to_owned();
    }
    assert_ne!(house.phone, phone);
    let phone = house.phone.clone();
    let named: Vec<_> = devices(&mut house, &phone);
    assert_eq!(named[1], ("NEW".to_owned(), Some("first".to_owned())));
    assert_eq!(named[2], ("PHONE".to_owned(), None));

    let mut options = HomeserverOptions::default();
    options.registration = true;
    let mut house = House::with_options(options);
    let body = json!({
        "auth": { "type": "m.login.dummy" }, "password": "p", "device_id": "D",
        "initial_device_display_name": "registered",
    });
    let (_, answer) = house.ask("", "POST", "/register", &body);
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(devices(&mut house, token), [("D".to_owned(), Some("registered".to_owned()))]);
}

#[test]
fn who_logs_out_takes_the_device_along_with_keys_and_messages() {
    let mut house = House::new();
    let (phone, laptop, bob) = (house.phone.clone(), house.laptop.clone(), house.bob.clone());
    assert_eq!(house.ask(&laptop, "POST", "/keys/upload", &device_keys("LAPTOP")).0, 200);
    let since = house.messages(&phone, "").1;
    house.send("a", &json!({ "@alice:example.org": { "LAPTOP": {} } }));
    assert_eq!(house.ask(&laptop, "POST", "/logout", &Value::Null), (200, json!({})));
    assert_refused(house.ask(&laptop, "GET", "/sync", &Value::Null), 401, "M_UNKNOWN_TOKEN");
    assert_eq!(devices(&mut house, &phone), [("PHONE".to_owned(), None)]);
    let body = json!({ "device_keys": { "@alice:example.org": [] } });
    let (_, answer) = house.ask(&bob, "POST", "/keys/query", &body);
    assert_eq!(answer["device_keys"], json!({ "@alice:example.org": {} }));
    let answer = house.sync(&phone, &format!("since={since}"));
    assert_eq!(answer["device_lists"]["changed"], json!(["@alice:example.org"]));

    let laptop = house.homeserver.log_in("@alice:example.org", "LAPTOP");
    assert_eq!(house.messages(&laptop, "").0, [""; 0], "another device of the same name");
}

#[test]
fn who_logs_out_everywhere_takes_all_own_devices_and_no_others() {
    let mut house = House::new();
    let (phone, laptop, bob) = (house.phone.clone(), house.laptop.clone(), house.bob.clone());
    assert_eq!(house.ask(&phone, "POST", "/logout/all", &json!({})).0, 200);
    for token in [&phone, &laptop] {
        assert_refused(house.ask(token, "GET", "/devices", &Value::Null), 401, "M_UNKNOWN_TOKEN");
    }
    assert_eq!(devices(&mut house, &bob).len(), 1);
}

#[test]
fn a_device_is_deleted_with_the_password_and_its_token_with_it() {
    let mut house = with_password();
    let (phone, laptop) = (house.phone.clone(), house.laptop.clone());
    let all = json!({ "devices": ["LAPTOP", "GONE"] });
    for (method, path, body) in [
        ("DELETE", "/devices/LAPTOP", Value::Null),
        ("DELETE", "/devices/LAPTOP", json!({ "auth": { "type": "m.login.dummy" } })),
        ("POST", "/delete_devices", all.clone()),
    ] {
        let (status, answer) = house.ask(&phone, method, path, &body);
        assert_eq!((status, &answer["flows"]), (401, &json!([{ "stages": ["m.login.password"] }])));
    }
    assert_eq!(devices(&mut house, &phone).len(), 2);
    for (method, path, mut body) in
        [("DELETE", "/devices/LAPTOP", json!({})), ("POST", "/delete_devices", all)]
    {
        let laptop = house.homeserver.log_in("@alice:example.org", "LAPTOP");
        body["auth"] = auth();
        assert_eq!(house.ask(&phone, method, path, &body), (200, json!({})));
        assert_refused(house.ask(&laptop, "GET", "/devices", &Value::Null), 401, "M_UNKNOWN_TOKEN");
        assert_eq!(devices(&mut house, &phone).len(), 1);
        assert_eq!(house.ask(&phone, method, path, &body).0, 200, "gone already");
    }
    assert_refused(house.ask(&laptop, "GET", "/devices", &Value::Null), 401, "M_UNKNOWN_TOKEN");
    for devices in [json!(null), json!("LAPTOP"), json!([7])] {
        let body = json!({ "auth": auth(), "devices": devices });
        assert_refused(house.ask(&phone, "POST", "/delete_devices", &body), 400, "M_BAD_JSON");
    }
}

#[test]
fn the_endpoints_of_devices_need_a_token_and_their_method() {
    let mut house = House::new();
    for (method, wrong, path) in [
        ("GET", "POST", "/devices"),
        ("PUT", "POST", "/devices/PHONE"),
        ("POST", "GET", "/delete_devices"),
        ("POST", "GET", "/logout"),
        ("POST", "GET", "/logout/all"),
    ] {
        assert_refused(house.ask("", method, path, &json!({})), 401, "M_MISSING_TOKEN");
        assert_refused(house.ask("", wrong, path, &json!({})), 405, "M_UNRECOGNIZED");
    }
    for path in ["/devices/A/B", "/logout/some"] {
        assert_refused(house.ask("", "GET", path, &json!({})), 404, "M_UNRECOGNIZED");
    }
}

//! How long a host that has a clock may wait before it answers `/sync`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use std::time::Duration;

use crate::account::House;
use crate::support::ask::{V3, assert_refused, request};
use serde_json::{Value, json};

/// How long a request of a token may wait.
fn patience(house: &House, token: &str, path: &str) -> Duration {
    house.homeserver.patience(&request(token, "GET", &format!("{V3}{path}"), ""))
}

/// The laptop's question for news, with half a minute of patience.
fn question(house: &mut House) -> String {
    let laptop = house.laptop.clone();
    format!("/sync?since={}&timeout=30000", house.messages(&laptop, "").1)
}

const PATIENT: Duration = Duration::from_secs(30);

#[test]
fn a_sync_without_news_waits_for_its_timeout() {
    let mut house = House::new();
    house.set("m.old", &json!({}));
    let question = question(&mut house);
    let laptop = house.laptop.clone();
    assert_eq!(patience(&house, &laptop, &question), PATIENT);
    assert_eq!(patience(&house, &laptop, &question), PATIENT, "nothing changes by asking");
    for (timeout, expected) in [("1", 1), ("0", 0), ("18446744073709551615", 300_000)] {
        let path = question.replace("30000", timeout);
        assert_eq!(patience(&house, &laptop, &path), Duration::from_millis(expected));
    }
}

#[test]
fn a_sync_without_a_token_or_a_timeout_and_one_of_the_full_state_do_not_wait() {
    let mut house = House::new();
    let question = question(&mut house);
    let laptop = house.laptop.clone();
    for path in [
        "/sync?timeout=30000".to_owned(),
        question.replace("&timeout=30000", ""),
        format!("{question}&full_state=true"),
        question.replace("/sync", "/devices"),
    ] {
        assert_eq!(patience(&house, &laptop, &path), Duration::ZERO, "{path}");
    }
    assert_eq!(patience(&house, &laptop, &format!("{question}&full_state=false")), PATIENT);
}

#[test]
fn everything_that_a_sync_tells_ends_the_waiting() {
    type Change = fn(&mut House);
    let changes: [Change; 4] = [
        |house| house.set("m.new", &json!({})),
        |house| {
            let answer = house.send("a", &json!({ "@alice:example.org": { "LAPTOP": {} } }));
            assert_eq!(answer.0, 200);
        },
        |house| {
            let keys = json!({ "user_id": "@alice:example.org", "device_id": "PHONE", "algorithms": [], "keys": {}, "signatures": {} });
            let phone = house.phone.clone();
            let body = json!({ "device_keys": keys });
            assert_eq!(house.ask(&phone, "POST", "/keys/upload", &body).0, 200);
        },
        |house| {
            let laptop = house.laptop.clone();
            house.homeserver.log_out(&laptop);
        },
    ];
    for change in changes {
        let mut house = House::new();
        let question = question(&mut house);
        let laptop = house.laptop.clone();
        assert_eq!(patience(&house, &laptop, &question), PATIENT);
        change(&mut house);
        assert_eq!(patience(&house, &laptop, &question), Duration::ZERO);
    }
}

#[test]
fn what_is_for_others_or_filtered_out_is_no_news() {
    let mut house = House::new();
    let question =
        question(&mut house) + "&filter=%7B%22account_data%22:%7B%22types%22:%5B%5D%7D%7D";
    let laptop = house.laptop.clone();
    house.set("m.new", &json!({}));
    house.send(
        "a",
        &json!({ "@alice:example.org": { "PHONE": {} }, "@bob:example.org": { "*": {} } }),
    );
    assert_eq!(patience(&house, &laptop, &question), PATIENT);
    assert_eq!(house.ask(&laptop, "GET", &question, &Value::Null).0, 200);
}

#[test]
fn a_message_is_news_until_its_token_is_shown() {
    let mut house = House::new();
    let before = question(&mut house);
    let laptop = house.laptop.clone();
    house.send("a", &json!({ "@alice:example.org": { "LAPTOP": {} } }));
    let after = question(&mut house);
    assert_eq!(patience(&house, &laptop, &before), Duration::ZERO);
    assert_eq!(patience(&house, &laptop, &after), PATIENT);
}

#[test]
fn what_is_refused_does_not_wait() {
    let mut house = House::new();
    let question = question(&mut house);
    let laptop = house.laptop.clone();
    for (token, path) in [
        ("", question.clone()),
        (&laptop, format!("{question}&filter=7")),
        (&laptop, "/sync?since=s9_9&timeout=30000".to_owned()),
        (&laptop, question.replace("30000", "soon")),
    ] {
        assert_eq!(patience(&house, token, &path), Duration::ZERO, "{path}");
        assert!(house.ask(token, "GET", &path, &Value::Null).0 >= 400, "{path}");
    }
    for timeout in ["soon", "-1", "1.5", ""] {
        let answer = house.ask(&laptop, "GET", &format!("/sync?timeout={timeout}"), &Value::Null);
        assert_refused(answer, 400, "M_INVALID_PARAM");
    }
}

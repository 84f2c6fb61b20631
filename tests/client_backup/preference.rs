//! The preference of the account: the standard event, and the one that a client family wrote before.

use serde_json::{Value, json};
use strongroom::{
    api::{AccessToken, BaseUrl},
    client::backup::{Next, Operation, Stage},
};

use crate::driver::{Driver, Lied, lie_about, response};

const STANDARD: &str = "/user/%40alice%3Aexample.org/account_data/m.key_backup";
const OLDER: &str = "/user/%40alice%3Aexample.org/account_data/m.org.matrix.custom.backup_disabled";

#[test]
fn both_events_are_written_where_both_are_there_and_keep_their_other_members() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.ask_server("PUT", STANDARD, &json!({ "enabled": true, "org.example.a": [1, null] }));
    phone.ask_server("PUT", OLDER, &json!({ "org.example.b": "c", "disabled": "no" }));
    phone.machine.disable();
    phone.live(20_000);
    let standard = json!({ "enabled": false, "org.example.a": [1, null] });
    assert_eq!(content(&mut phone, STANDARD), standard);
    assert_eq!(content(&mut phone, OLDER), json!({ "org.example.b": "c", "disabled": true }));
    phone.machine.enable();
    phone.live(20_000);
    assert_eq!(content(&mut phone, STANDARD)["enabled"], true);
    assert_eq!(content(&mut phone, OLDER), json!({ "org.example.b": "c", "disabled": false }));
}

#[test]
fn the_older_event_is_not_made_where_it_is_not() {
    for none in [None, Some(json!({}))] {
        let mut phone = Driver::new();
        if let Some(none) = &none {
            phone.ask_server("PUT", OLDER, none); // account data cannot be deleted, only emptied
        }
        phone.set_up();
        phone.machine.disable();
        phone.live(20_000);
        assert_eq!(content(&mut phone, STANDARD), json!({ "enabled": false }));
        let (status, older) = phone.ask_server("GET", OLDER, &json!({}));
        assert_eq!((status == 200).then_some(older), none);
    }
}

#[test]
fn what_another_device_wrote_since_is_kept() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.machine.disable();
    phone.live(60_000);
    phone.ask_server("PUT", STANDARD, &json!({ "enabled": false, "org.example.new": 1 }));
    phone.ask_server("PUT", OLDER, &json!({ "disabled": true }));
    phone.machine.enable();
    phone.live(5_000);
    assert_eq!(content(&mut phone, STANDARD), json!({ "enabled": true, "org.example.new": 1 }));
    assert_eq!(content(&mut phone, OLDER), json!({ "disabled": false }));
}

#[test]
fn what_another_device_writes_while_the_server_fails_is_kept() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.lie = lie_about("PUT /user", 1, || response(500, "{}"));
    phone.machine.disable();
    phone.run();
    phone.ask_server("PUT", STANDARD, &json!({ "enabled": true, "org.example.new": 1 }));
    phone.live(60_000);
    assert_eq!(content(&mut phone, STANDARD), json!({ "enabled": false, "org.example.new": 1 }));
}

#[test]
fn a_server_that_takes_no_preference_does_not_hold_the_rest_up() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.lie = lie_about("PUT /user", usize::MAX, || response(500, "{}"));
    phone.machine.disable();
    phone.requests();
    phone.live(86_400_000);
    assert_eq!(phone.machine.stage(), Stage::Off);
    let puts = phone.requests().iter().filter(|line| line.starts_with("PUT /user")).count();
    assert!((2..10).contains(&puts), "{puts}");
}

#[test]
fn a_crash_between_the_two_writes_leaves_none_of_them_out() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.ask_server("PUT", OLDER, &json!({ "disabled": false }));
    phone.machine.disable();
    let first = next_put(&mut phone);
    send(&mut phone, &first);
    let second = next_put(&mut phone);
    assert!(to_http(&phone, &second).uri().path().ends_with("backup_disabled"));
    assert_eq!(content(&mut phone, OLDER), json!({ "disabled": false }));
    phone.restart();
    phone.live(60_000);
    assert_eq!(content(&mut phone, STANDARD), json!({ "enabled": false }));
    assert_eq!(content(&mut phone, OLDER), json!({ "disabled": true }));
    assert_eq!(phone.machine.stage(), Stage::Off);
}

#[test]
fn a_preference_that_changes_while_either_is_written_is_written_again() {
    for puts in 1..=2 {
        let mut phone = Driver::new();
        phone.set_up();
        phone.ask_server("PUT", OLDER, &json!({ "disabled": false }));
        phone.machine.disable();
        for number in 1..=puts {
            let put = next_put(&mut phone);
            if number == puts {
                phone.machine.enable();
            }
            send(&mut phone, &put);
        }
        phone.live(60_000);
        assert_eq!(content(&mut phone, STANDARD), json!({ "enabled": true }));
        assert_eq!(content(&mut phone, OLDER), json!({ "disabled": false }));
    }
}

#[test]
fn what_cannot_be_read_is_written_all_the_same() {
    let lies: [fn() -> Lied; 2] =
        [|| response(403, r#"{"errcode":"M_FORBIDDEN","error":"?"}"#), || response(500, "{}")];
    for lie in lies {
        let mut phone = Driver::new();
        phone.set_up();
        phone.lie = lie_about("GET /user", usize::MAX, lie);
        phone.machine.disable();
        phone.live(86_400_000);
        phone.lie = None;
        assert_eq!(content(&mut phone, STANDARD), json!({ "enabled": false }));
        assert_eq!(phone.machine.stage(), Stage::Off);
    }
}

fn content(phone: &mut Driver, path: &str) -> Value {
    let (status, content) = phone.ask_server("GET", path, &json!({}));
    assert_eq!(status, 200);
    content
}

/// Works until the next event is to be written.
fn next_put(phone: &mut Driver) -> Box<Operation> {
    loop {
        match phone.machine.next_with_rng(phone.now, &mut phone.rng) {
            Next::Send(operation) if to_http(phone, &operation).method() == "PUT" => {
                return operation;
            }
            Next::Wait(_) => panic!("nothing is written"),
            other => phone.work(other),
        }
    }
}

fn send(phone: &mut Driver, operation: &Operation) {
    let answer = phone.homeserver.respond(&to_http(phone, operation));
    phone.machine.answer(operation.id(), Some(answer), phone.now).unwrap();
}

fn to_http(phone: &Driver, operation: &Operation) -> http::Request<Vec<u8>> {
    let url = BaseUrl::new("https://example.org").unwrap();
    operation.to_http(&url, &AccessToken::from(phone.token.as_str())).unwrap()
}

//! Which versions of the backup are looked for, whatever a homeserver claims.

use http::{Method, Request};
use serde_json::{Value, json};

use crate::{
    account::{Account, COUNT, OLDER_COUNT},
    server::{self, Twist},
};

/// The number that a request asks for; `version` is for the current one.
fn asked(request: &Request<Vec<u8>>) -> Option<String> {
    let is_version = request.uri().path().contains("/room_keys/version");
    is_version.then(|| request.uri().path().rsplit('/').next().unwrap().to_owned())
}

fn numbers_seen(account: &Account) -> usize {
    let seen = account.server.seen();
    seen.iter().filter(|line| line.contains("/room_keys/version/")).count()
}

fn info(account: &Account, version: &str) -> Value {
    let path = "room_keys/version/2";
    let mut info = account.server.send(Method::GET, path, &account.token, &Value::Null);
    info["version"] = json!(version);
    info
}

fn not_found() -> Twist {
    server::json(404, &json!({ "errcode": "M_NOT_FOUND", "error": "No backup found" }))
}

#[test]
fn a_homeserver_that_claims_ten_thousand_versions_is_asked_for_the_newest_thousand() {
    let account = Account::new("versions-many");
    let login = account.log_in();
    let claimed = info(&account, "10000");
    account.server.twist(move |request| match asked(request).as_deref() {
        Some("version") => server::json(200, &claimed),
        Some(_) => not_found(),
        None if request.uri().path().contains("/room_keys/keys") => {
            server::json(200, &json!({ "rooms": {} }))
        }
        None => Twist::Nothing,
    });
    account.server.seen();
    let (_, out, errors) = account.fetch(&login, &[]);
    assert!(errors.contains("only the newest 1000"), "{out}{errors}");
    assert_eq!(numbers_seen(&account), 1_000);
}

#[test]
fn one_version_that_is_answered_under_every_number_is_one() {
    let account = Account::new("versions-same");
    let login = account.log_in();
    let same = info(&account, "2");
    let current = info(&account, "40");
    account.server.twist(move |request| match asked(request).as_deref() {
        Some("version") => server::json(200, &current),
        Some(_) => server::json(200, &same),
        None if request.uri().query() == Some("version=40") => {
            server::json(200, &json!({ "rooms": {} }))
        }
        None => Twist::Nothing,
    });
    account.server.seen();
    account.fetch(&login, &[]);
    assert_eq!(numbers_seen(&account), 39);
    assert_eq!(account.json("snapshot/snapshot.json")["versions"].as_array().unwrap().len(), 2);
    assert_eq!(account.sessions("room_keys.2.json"), COUNT);
}

#[test]
fn where_the_current_version_is_gone_those_of_the_last_time_are_looked_for() {
    let account = Account::new("versions-gone");
    let login = account.log_in();
    account.server.twist(|request| match request.uri().query() {
        Some("version=1") => server::json(403, &json!({ "errcode": "M_FORBIDDEN", "error": "No" })),
        _ => Twist::Nothing,
    });
    assert_eq!(account.fetch(&login, &[]).0, 3, "the older version could not be had");
    account.server.twist(|request| match asked(request).as_deref() {
        Some("version" | "2") => not_found(),
        _ => Twist::Nothing,
    });
    let (status, out, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(account.sessions("room_keys.1.json"), OLDER_COUNT);
    assert_eq!(account.sessions("room_keys.2.json"), COUNT, "it may be the only copy");
}

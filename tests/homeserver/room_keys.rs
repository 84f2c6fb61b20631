//! The in-memory homeserver, rule by rule, as a client of any make sees it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use http::{Request, Response};
use serde_json::{Value, json};
use strongroom::homeserver::{Homeserver, HomeserverOptions};

/// A homeserver and one logged-in user.
struct Alice {
    homeserver: Homeserver,
    token: String,
}

impl Alice {
    fn new() -> Self {
        let mut homeserver = Homeserver::new();
        let token = homeserver.log_in("@alice:example.org", "PHONE");
        Self { homeserver, token }
    }

    /// With so many backup versions.
    fn with_versions(count: usize) -> Self {
        let mut alice = Self::new();
        for _ in 0..count {
            assert_eq!(alice.post_version(&new_version()).0, 200);
        }
        alice
    }

    fn call(&mut self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let token = self.token.clone();
        self.call_with(&format!("Bearer {token}"), method, path, body)
    }

    fn call_with(
        &mut self,
        authorization: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> (u16, Value) {
        parsed(&self.raw(authorization, method, path, body))
    }

    fn raw(
        &mut self,
        authorization: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Response<Vec<u8>> {
        let mut request = Request::builder().method(method).uri(format!("{ROOM_KEYS}{path}"));
        if !authorization.is_empty() {
            request = request.header("Authorization", authorization);
        }
        self.homeserver.respond(&request.body(body.as_bytes()).unwrap())
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.call("GET", path, "")
    }

    fn post_version(&mut self, body: &Value) -> (u16, Value) {
        self.call("POST", "/version", &body.to_string())
    }

    fn put_keys(&mut self, version: &str, body: &Value) -> (u16, Value) {
        self.call("PUT", &format!("/keys?version={version}"), &body.to_string())
    }

    /// Puts one key into a room and says whether the etag moved.
    fn put_key(&mut self, key: &Value) -> bool {
        let before = self.get("/version").1["etag"].clone();
        let (status, answer) = self.put_keys("1", &one(key));
        assert_eq!(status, 200, "{answer}");
        answer["etag"] != before
    }

    /// The `session_data` of the key that [`one`] puts.
    fn stored_data(&mut self) -> Value {
        let (_, keys) = self.get("/keys?version=1");
        keys["rooms"]["!a:example.org"]["sessions"]["s/+1"]["session_data"]["d"].clone()
    }
}

const ROOM_KEYS: &str = "https://example.org/_matrix/client/v3/room_keys";

/// 2^64, more than the type of the numbers takes.
const TOO_LARGE: &str = "18446744073709551616";

fn parsed(response: &Response<Vec<u8>>) -> (u16, Value) {
    assert_eq!(response.headers()["Content-Type"], "application/json");
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
}

fn new_version() -> Value {
    json!({ "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": { "public_key": "k" } })
}

fn key(index: u64, count: u64, verified: bool, data: &str) -> Value {
    json!({
        "first_message_index": index,
        "forwarded_count": count,
        "is_verified": verified,
        "session_data": { "d": data },
    })
}

fn one(key: &Value) -> Value {
    json!({ "rooms": { "!a:example.org": { "sessions": { "s/+1": key } } } })
}

#[track_caller]
fn assert_refused(answer: (u16, Value), status: u16, errcode: &str) {
    assert_eq!((answer.0, answer.1["errcode"].as_str()), (status, Some(errcode)), "{}", answer.1);
    assert!(answer.1["error"].is_string(), "{}", answer.1);
}

// Paths, methods and tokens

#[test]
fn an_unknown_path_is_unrecognized() {
    let mut alice = Alice::with_versions(1);
    for path in ["", "/", "/version/", "/version/1/", "/keys/", "/nothing", "//version"] {
        assert_refused(alice.get(path), 404, "M_UNRECOGNIZED");
    }
    for url in [
        "https://example.org",
        "https://example.org/prefix/_matrix/client/v3/room_keys/version",
        "https://example.org/_matrix/client/v3/nothing",
        "https://example.org/_matrix/client/v3/room_keys%2Fversion",
        "https://example.org/_matrix/client/v3/room_keys/version/%FF",
    ] {
        let response = alice.homeserver.respond(&Request::get(url).body("").unwrap());
        assert_refused(parsed(&response), 404, "M_UNRECOGNIZED");
    }
}

#[test]
fn a_known_path_with_another_method_is_unrecognized_before_the_token_is_looked_at() {
    let mut alice = Alice::new();
    for (method, path) in
        [("DELETE", "/version"), ("PUT", "/version"), ("POST", "/version/1"), ("POST", "/keys")]
    {
        let answer = alice.call_with("", method, path, "{bad");
        assert_refused(answer, 405, "M_UNRECOGNIZED");
    }
}

#[test]
fn a_path_is_the_same_with_any_host_and_percent_encoded() {
    let mut alice = Alice::with_versions(1);
    for url in [
        "/_matrix/client/v3/room_keys/version/1",
        "http://127.0.0.1:8008/_matrix/client/v3/room_keys/version/1",
        "https://other.example.com/_matrix/client/v3/room%5Fkeys/version/%31",
    ] {
        let request = Request::get(url).header("Authorization", format!("Bearer {}", alice.token));
        let response = alice.homeserver.respond(&request.body("").unwrap());
        assert_eq!(response.status(), 200, "{url}");
    }
}

#[test]
fn a_request_without_an_access_token_is_refused_before_its_body_is_read() {
    let mut alice = Alice::new();
    for authorization in ["", "Bearer", "Basic dTpw"] {
        let answer = alice.call_with(authorization, "PUT", "/keys", "{bad");
        assert_refused(answer, 401, "M_MISSING_TOKEN");
    }
    let in_query = format!("/version?access_token={}", alice.token);
    assert_refused(alice.call_with("", "GET", &in_query, ""), 401, "M_MISSING_TOKEN");
}

#[test]
fn an_unknown_access_token_is_no_soft_logout() {
    let answer = Alice::new().call_with("Bearer nobody", "GET", "/version", "");
    assert_eq!(answer.1["soft_logout"], json!(false));
    assert_refused(answer, 401, "M_UNKNOWN_TOKEN");
}

#[test]
fn the_scheme_of_the_token_is_read_in_any_case() {
    let mut alice = Alice::with_versions(1);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let authorization = format!("{scheme} {}", alice.token);
        assert_eq!(alice.call_with(&authorization, "GET", "/version", "").0, 200);
    }
}

#[test]
fn a_token_of_the_callers_choice_stands_for_one_device() {
    let mut homeserver = Homeserver::new();
    homeserver.log_in_with_token("@alice:example.org", "PHONE", "token_1");
    let made_up = homeserver.log_in("@bob:example.org", "LAPTOP");
    assert_ne!(made_up, "token_1");
    let mut alice = Alice { homeserver, token: "token_1".to_owned() };
    assert_eq!(alice.post_version(&new_version()).0, 200);
    alice.homeserver.log_in_with_token("@carol:example.org", "TABLET", "token_1");
    assert_refused(alice.get("/version"), 404, "M_NOT_FOUND");
}

#[test]
fn the_devices_of_a_user_share_their_backups_and_users_do_not() {
    let mut alice = Alice::with_versions(1);
    alice.put_key(&key(0, 0, false, "A"));
    alice.token = alice.homeserver.log_in("@alice:example.org", "LAPTOP");
    assert_eq!(alice.stored_data(), "A");
    alice.token = alice.homeserver.log_in("@bob:example.org", "PHONE");
    assert_refused(alice.get("/version"), 404, "M_NOT_FOUND");
    assert_refused(alice.get("/keys?version=1"), 404, "M_NOT_FOUND");
    assert_eq!(alice.post_version(&new_version()), (200, json!({ "version": "1" })));
    assert_eq!(alice.get("/keys?version=1").1, json!({ "rooms": {} }));
}

#[test]
fn a_clone_is_a_snapshot() {
    let mut alice = Alice::with_versions(1);
    let snapshot = alice.homeserver.clone();
    alice.put_key(&key(0, 0, false, "A"));
    alice.homeserver = snapshot;
    assert_eq!(alice.get("/keys?version=1").1, json!({ "rooms": {} }));
}

#[test]
fn the_debug_output_names_devices_and_no_token() {
    let mut homeserver = Homeserver::new();
    homeserver.log_in_with_token("@alice:example.org", "PHONE", "hush");
    let debug = format!("{homeserver:?}");
    assert!(debug.contains("@alice:example.org") && debug.contains("PHONE"), "{debug}");
    assert!(!debug.contains("hush"), "{debug}");
}

// Versions

#[test]
fn versions_are_numbered_and_the_newest_is_current() {
    let mut alice = Alice::new();
    assert_refused(alice.get("/version"), 404, "M_NOT_FOUND");
    for number in ["1", "2", "3"] {
        assert_eq!(alice.post_version(&new_version()), (200, json!({ "version": number })));
        assert_eq!(alice.get("/version").1["version"], number);
    }
    assert_eq!(alice.get("/version/1").1["version"], "1");
}

#[test]
fn a_new_version_is_returned_as_it_was_made_with_its_etag_and_count() {
    let mut alice = Alice::new();
    let mut body = json!({ "algorithm": "some.algorithm", "auth_data": { "x": [1, "y"] } });
    let mut expected = body.clone();
    expected["version"] = json!("1");
    expected["etag"] = json!("0");
    expected["count"] = json!(0);
    for (name, ignored) in [("version", json!("77")), ("etag", json!("5")), ("count", json!(9))] {
        body[name] = ignored;
    }
    assert_eq!(alice.post_version(&body), (200, json!({ "version": "1" })));
    assert_eq!(alice.get("/version"), (200, expected.clone()));
    assert_eq!(alice.get("/version/1"), (200, expected));
}

#[test]
fn auth_data_is_returned_byte_for_byte() {
    let mut alice = Alice::new();
    let auth_data = r#"{ "b":1.50,  "a":"\u0041\/", "b" : -0 }"#;
    let body = format!(r#"{{"algorithm":"x","auth_data": {auth_data} }}"#);
    assert_eq!(alice.call("POST", "/version", &body).0, 200);
    let response = alice.raw(&format!("Bearer {}", alice.token.clone()), "GET", "/version", "");
    let text = String::from_utf8(response.into_body()).unwrap();
    assert!(text.contains(auth_data), "{text}");
}

#[test]
fn a_version_that_is_not_spelt_as_the_server_spells_it_is_unknown() {
    let mut alice = Alice::with_versions(1);
    for version in ["0", "2", "01", "%201", "+1", "abc", "1%2F", "99999999999999999999"] {
        assert_refused(alice.get(&format!("/version/{version}")), 404, "M_NOT_FOUND");
        assert_refused(alice.get(&format!("/keys?version={version}")), 404, "M_NOT_FOUND");
    }
}

#[test]
fn a_body_that_is_not_json_is_refused() {
    let mut alice = Alice::with_versions(1);
    for body in ["", "{bad", "{} x", "[", "tru", r#"{"algorithm":"x","auth_data":{"n":NaN}}"#] {
        assert_refused(alice.call("POST", "/version", body), 400, "M_NOT_JSON");
        assert_refused(alice.call("PUT", "/keys?version=1", body), 400, "M_NOT_JSON");
    }
}

#[test]
fn a_body_that_is_nested_too_deep_is_refused() {
    let mut alice = Alice::with_versions(1);
    let mut post = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 2), "]".repeat(depth - 2));
        let body = format!(r#"{{"algorithm":"x","auth_data":{{"a":{open}{close}}}}}"#);
        alice.call("POST", "/version", &body)
    };
    assert_eq!(post(500).0, 200);
    assert_refused(post(501), 400, "M_NOT_JSON");
    assert_refused(post(1_000_000), 400, "M_NOT_JSON");
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let mut alice = Alice::with_versions(1);
    for body in ["[]", "null", "1", r#""x""#] {
        assert_refused(alice.call("POST", "/version", body), 400, "M_BAD_JSON");
        assert_refused(alice.call("PUT", "/keys?version=1", body), 400, "M_BAD_JSON");
    }
}

#[test]
fn a_version_needs_an_algorithm_and_auth_data() {
    let mut alice = Alice::new();
    for body in [
        json!({}),
        json!({ "auth_data": {} }),
        json!({ "algorithm": "x" }),
        json!({ "algorithm": 5, "auth_data": {} }),
        json!({ "algorithm": null, "auth_data": {} }),
        json!({ "algorithm": "x", "auth_data": "y" }),
        json!({ "algorithm": "x", "auth_data": [] }),
        json!({ "algorithm": "x", "auth_data": null }),
    ] {
        assert_refused(alice.post_version(&body), 400, "M_BAD_JSON");
    }
    assert_refused(alice.get("/version"), 404, "M_NOT_FOUND");
    assert_eq!(alice.post_version(&new_version()).1["version"], "1", "no number was used up");
}

#[test]
fn an_update_replaces_auth_data_and_nothing_else() {
    let mut alice = Alice::with_versions(2);
    alice.put_keys("2", &one(&key(0, 0, false, "A")));
    let before = [alice.get("/version/1").1, alice.get("/version/2").1];
    let good = json!({ "public_key": "l" });
    let algorithm = new_version()["algorithm"].clone();
    for (body, errcode) in [
        (json!({ "auth_data": good }), "M_BAD_JSON"),
        (json!({ "algorithm": algorithm }), "M_BAD_JSON"),
        (json!({ "algorithm": algorithm, "auth_data": null }), "M_BAD_JSON"),
        (json!({ "algorithm": algorithm, "auth_data": [] }), "M_BAD_JSON"),
        (json!({ "algorithm": "x", "auth_data": good }), "M_INVALID_PARAM"),
        (json!({ "algorithm": algorithm, "auth_data": good, "version": "2" }), "M_INVALID_PARAM"),
        (json!({ "algorithm": algorithm, "auth_data": good, "version": 1 }), "M_INVALID_PARAM"),
    ] {
        assert_refused(alice.call("PUT", "/version/1", &body.to_string()), 400, errcode);
    }
    assert_eq!(alice.get("/version/1").1, before[0]);
    for (number, mut expected) in ["1", "2"].into_iter().zip(before) {
        let body = json!({ "algorithm": algorithm, "auth_data": good, "version": number });
        let path = format!("/version/{number}");
        assert_eq!(alice.call("PUT", &path, &body.to_string()), (200, json!({})));
        expected["auth_data"] = good.clone();
        assert_eq!(alice.get(&path).1, expected, "the etag does not move");
    }
}

// Keys

#[test]
fn an_empty_backup_has_no_rooms() {
    let mut alice = Alice::with_versions(1);
    assert_eq!(alice.get("/keys?version=1"), (200, json!({ "rooms": {} })));
}

#[test]
fn keys_are_returned_as_they_were_stored() {
    let mut alice = Alice::with_versions(1);
    let body = json!({ "rooms": {
        "!b:example.org": { "sessions": { "y": key(9, 1, true, "B"), "x": key(0, 0, false, "C") } },
        "not-a-room-id": { "sessions": { "s/+1": key(1 << 40, 0, false, "A") } },
    } });
    assert_eq!(alice.put_keys("1", &body), (200, json!({ "etag": "1", "count": 3 })));
    assert_eq!(alice.get("/keys?version=1"), (200, body));
    let (_, info) = alice.get("/version");
    assert_eq!((&info["etag"], &info["count"]), (&json!("1"), &json!(3)));
}

#[test]
fn session_data_is_returned_byte_for_byte_and_rooms_and_sessions_in_order() {
    let mut alice = Alice::with_versions(1);
    let key = |data| {
        format!(
            r#"{{"session_data":{data},"is_verified":false,"forwarded_count":0,"first_message_index":0}}"#
        )
    };
    let (first, second) = (r#"{ "z":1.0, "a":"\u00e4", "z":[ ] }"#, r#"{"lone":"\ud800"}"#);
    let body = format!(
        r#"{{"rooms":{{"!b":{{"sessions":{{"2":{},"1":{}}}}},"!a":{{"sessions":{{"3":{}}}}}}}}}"#,
        key(first),
        key(second),
        key("{}"),
    );
    assert_eq!(alice.call("PUT", "/keys?version=1", &body).0, 200);
    let authorization = format!("Bearer {}", alice.token);
    let response = alice.raw(&authorization, "GET", "/keys?version=1", "");
    let text = String::from_utf8(response.into_body()).unwrap();
    let at = |part| text.find(part).unwrap();
    assert!(at("!a") < at("!b") && at("!b") < at(second) && at(second) < at(first), "{text}");
}

#[test]
fn unknown_members_of_a_key_are_dropped() {
    let mut alice = Alice::with_versions(1);
    let mut extended = key(0, 0, false, "A");
    extended["extra"] = json!(1);
    assert!(alice.put_key(&extended));
    assert_eq!(alice.get("/keys?version=1").1, one(&key(0, 0, false, "A")));
}

#[test]
fn of_several_members_with_one_name_the_last_counts() {
    let mut alice = Alice::with_versions(1);
    let body = r#"{"rooms":{"!a":{"sessions":{"s":{"first_message_index":9,"first_message_index":0,
        "forwarded_count":0,"is_verified":false,"session_data":{}}}}}}"#;
    assert_eq!(alice.call("PUT", "/keys?version=1", body).0, 200);
    let (_, keys) = alice.get("/keys?version=1");
    assert_eq!(keys["rooms"]["!a"]["sessions"]["s"]["first_message_index"], 0);
}

#[test]
fn the_etag_moves_by_one_if_anything_was_stored_and_else_not() {
    let mut alice = Alice::with_versions(1);
    let answer = |etag: &str, count: u64| (200, json!({ "etag": etag, "count": count }));
    let stored = key(5, 5, false, "A");
    assert_eq!(alice.put_keys("1", &one(&stored)), answer("1", 1));
    assert_eq!(alice.put_keys("1", &one(&stored)), answer("1", 1));
    assert_eq!(alice.put_keys("1", &json!({ "rooms": {} })), answer("1", 1));
    let empty_room = json!({ "rooms": { "!b": { "sessions": {} } } });
    assert_eq!(alice.put_keys("1", &empty_room), answer("1", 1));
    let mixed = json!({ "rooms": {
        "!a:example.org": { "sessions": { "s/+1": stored } },
        "!b": { "sessions": { "x": stored, "y": stored } },
    } });
    assert_eq!(alice.put_keys("1", &mixed), answer("2", 3));
    assert_eq!(alice.put_keys("1", &one(&key(0, 0, false, "B"))), answer("3", 3));
    let (_, keys) = alice.get("/keys?version=1");
    assert_eq!(keys["rooms"].as_object().unwrap().len(), 2, "{keys}");
}

#[test]
fn a_better_key_replaces_a_stored_one_in_the_order_of_the_specification() {
    // What is stored, what is put over it, and whether it takes its place.
    let rows = [
        ((5, 5, false), (5, 5, true), true),
        ((5, 5, true), (5, 5, false), false),
        ((5, 5, false), (4, 5, false), true),
        ((5, 5, false), (6, 5, false), false),
        ((5, 5, false), (5, 4, false), true),
        ((5, 5, false), (5, 6, false), false),
        ((5, 5, false), (5, 5, false), false),
        ((5, 5, true), (5, 5, true), false),
        ((5, 5, true), (4, 5, false), false),
        ((5, 5, true), (5, 4, false), false),
        ((5, 5, false), (6, 5, true), true),
        ((5, 5, false), (5, 6, true), true),
        ((5, 5, false), (4, 6, false), true),
        ((5, 5, false), (6, 4, false), false),
        ((5, 5, true), (6, 4, true), false),
    ];
    for (stored, put, replaces) in rows {
        let mut alice = Alice::with_versions(1);
        assert!(alice.put_key(&key(stored.0, stored.1, stored.2, "A")));
        assert_eq!(alice.put_key(&key(put.0, put.1, put.2, "B")), replaces, "{stored:?} {put:?}");
        assert_eq!(alice.stored_data(), if replaces { "B" } else { "A" }, "{stored:?} {put:?}");
    }
}

#[test]
fn a_key_of_a_wrong_shape_is_refused() {
    let mut alice = Alice::with_versions(1);
    let no_numbers = &["-1", "1.5", "2.0", "1e2", r#""3""#, "null", "true", "[]", TOO_LARGE][..];
    let members = [
        ("first_message_index", no_numbers),
        ("forwarded_count", no_numbers),
        ("is_verified", &["null", "1", r#""true""#, "[]", "{}"]),
        ("session_data", &["null", "1", r#""true""#, "[]", "true"]),
    ];
    for (name, values) in members {
        let mut without = key(0, 0, false, "A");
        without.as_object_mut().unwrap().remove(name);
        assert_refused(alice.put_keys("1", &one(&without)), 400, "M_BAD_JSON");
        for value in values {
            // Not as a `Value`, which may change how a number is written.
            without[name] = json!("@");
            let body = one(&without).to_string().replace(r#""@""#, value);
            assert_refused(alice.call("PUT", "/keys?version=1", &body), 400, "M_BAD_JSON");
        }
    }
    assert_eq!(alice.get("/version").1["etag"], "0");
}

#[test]
fn the_numbers_of_a_key_go_to_the_largest_that_every_client_can_read() {
    let mut alice = Alice::with_versions(1);
    let largest = (1 << 53) - 1;
    for (index, count, status) in
        [(largest + 1, 0, 400), (0, largest + 1, 400), (largest, largest, 200)]
    {
        let answer = alice.put_keys("1", &one(&key(index, count, false, "A")));
        assert_eq!(answer.0, status, "{index} {count}");
    }
    let (_, stored) = alice.get("/keys/!a:example.org/s%2F+1?version=1");
    assert_eq!(stored, key(largest, largest, false, "A"));
}

#[test]
fn a_body_without_rooms_or_sessions_is_refused() {
    let mut alice = Alice::with_versions(1);
    for body in [
        json!({}),
        json!({ "rooms": [] }),
        json!({ "rooms": null }),
        json!({ "rooms": { "!a": [] } }),
        json!({ "rooms": { "!a": {} } }),
        json!({ "rooms": { "!a": { "sessions": [] } } }),
        json!({ "rooms": { "!a": { "sessions": { "s": "str" } } } }),
    ] {
        assert_refused(alice.put_keys("1", &body), 400, "M_BAD_JSON");
    }
    let lone = r#"{"rooms":{"\ud800":{"sessions":{}}}}"#;
    assert_refused(alice.call("PUT", "/keys?version=1", lone), 400, "M_BAD_JSON");
}

#[test]
fn the_refusal_of_a_key_names_its_place() {
    let mut alice = Alice::with_versions(1);
    let (_, answer) = alice.put_keys("1", &one(&json!({ "first_message_index": -1 })));
    let error = answer["error"].as_str().unwrap();
    for part in ["first_message_index", "s/+1", "!a:example.org"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn one_bad_key_keeps_all_from_being_stored() {
    let mut alice = Alice::with_versions(1);
    alice.put_key(&key(5, 5, false, "A"));
    let (_, before) = alice.get("/keys?version=1");
    let body = json!({ "rooms": {
        "!a:example.org": { "sessions": { "s/+1": key(0, 0, true, "B") } },
        "!b": { "sessions": { "new": key(0, 0, false, "C"), "worse": { "is_verified": "x" } } },
    } });
    assert_refused(alice.put_keys("1", &body), 400, "M_BAD_JSON");
    assert_eq!(alice.get("/keys?version=1").1, before);
    assert_eq!(alice.get("/version").1["etag"], "1");
}

#[test]
fn keys_need_a_version_parameter() {
    let mut alice = Alice::with_versions(1);
    for query in ["", "?", "?version", "?other=1"] {
        let path = format!("/keys{query}");
        assert_refused(alice.get(&path), 400, "M_MISSING_PARAM");
        assert_refused(alice.call("PUT", &path, "{}"), 400, "M_MISSING_PARAM");
    }
    assert_refused(alice.get("/keys?version="), 404, "M_NOT_FOUND");
    assert_eq!(alice.get("/keys?other=2&%76ersion=%31&version=2").0, 200, "the first counts");
}

#[test]
fn keys_of_an_unknown_version_are_neither_read_nor_written() {
    for versions in [0, 1] {
        let mut alice = Alice::with_versions(versions);
        for path in ["/keys?version=7", "/keys?version=abc"] {
            assert_refused(alice.get(path), 404, "M_NOT_FOUND");
            assert_refused(alice.call("PUT", path, r#"{"rooms":{}}"#), 404, "M_NOT_FOUND");
        }
    }
}

#[test]
fn an_older_version_is_read_only_and_the_answer_names_the_current_one() {
    let mut alice = Alice::with_versions(1);
    alice.put_key(&key(0, 0, false, "A"));
    alice.post_version(&new_version());
    alice.post_version(&new_version());
    for version in ["1", "2"] {
        let answer = alice.put_keys(version, &one(&key(0, 0, true, "B")));
        assert_eq!(answer.1["current_version"], "3");
        assert_refused(answer, 403, "M_WRONG_ROOM_KEYS_VERSION");
    }
    assert_eq!(alice.stored_data(), "A");
    assert_eq!(alice.put_keys("3", &one(&key(0, 0, false, "C"))).0, 200);
    assert_eq!(alice.get("/version/1").1["count"], 1);
}

#[test]
fn checks_go_from_the_json_over_the_version_to_the_shape() {
    let mut alice = Alice::new();
    assert_refused(alice.call("PUT", "/keys", "{bad"), 400, "M_NOT_JSON");
    assert_refused(alice.call("PUT", "/keys", "[]"), 400, "M_BAD_JSON");
    assert_refused(alice.call("PUT", "/keys", "{}"), 400, "M_MISSING_PARAM");
    assert_refused(alice.call("PUT", "/keys?version=1", "{}"), 404, "M_NOT_FOUND");
    alice.post_version(&new_version());
    alice.post_version(&new_version());
    assert_refused(alice.put_keys("1", &json!({})), 403, "M_WRONG_ROOM_KEYS_VERSION");
    assert_refused(alice.put_keys("2", &json!({})), 400, "M_BAD_JSON");
}

#[test]
fn strings_are_taken_for_what_is_opaque_only_if_that_is_wanted() {
    for (wanted, expected) in [(false, 400), (true, 200)] {
        let mut options = HomeserverOptions::default();
        options.strings_in_backups = wanted;
        let mut homeserver = Homeserver::with_options(options);
        let token = homeserver.log_in("@alice:example.org", "PHONE");
        let mut alice = Alice { homeserver, token };
        alice.post_version(&new_version());
        let version = json!({ "algorithm": "a", "auth_data": "a \"text\"", "version": "1" });
        let mut key = key(0, 0, false, "A");
        key["session_data"] = json!("another text");
        assert_eq!(alice.put_keys("1", &one(&key)).0, expected);
        let update = json!({ "algorithm": new_version()["algorithm"], "auth_data": "updated" });
        assert_eq!(alice.call("PUT", "/version/1", &update.to_string()).0, expected);
        assert_eq!(alice.post_version(&version).0, expected);
        if wanted {
            let (_, rooms) = alice.get("/keys?version=1");
            assert_eq!(rooms["rooms"]["!a:example.org"]["sessions"]["s/+1"], key);
            assert_eq!(alice.get("/version/1").1["auth_data"], "updated");
            assert_eq!(alice.get("/version/2").1["auth_data"], "a \"text\"");
        }
        for odd in [json!(null), json!(7), json!([]), json!(true)] {
            let version = json!({ "algorithm": "a", "auth_data": odd });
            assert_refused(alice.post_version(&version), 400, "M_BAD_JSON");
        }
    }
}

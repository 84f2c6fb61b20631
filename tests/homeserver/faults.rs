//! Every fault that the in-memory homeserver has on request.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail by a panic"
)]

use crate::support::ask::{ALGORITHM, ROOM_KEYS, V3, key, new_version, parsed, request};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};
use strongroom::homeserver::{
    Homeserver,
    faults::{Exchange, Fault, FaultRule, Faults},
};

/// A homeserver with one backup version, and a user whose requests go through faults.
struct Alice {
    homeserver: Homeserver,
    faults: Faults,
    token: String,
}

impl Alice {
    fn new(faults: Faults) -> Self {
        let mut homeserver = Homeserver::new();
        let token = homeserver.log_in("@alice:example.org", "PHONE");
        let create = format!("{ROOM_KEYS}/version");
        let create = request(&token, "POST", &create, &new_version().to_string());
        assert_eq!(homeserver.respond(&create).status(), 200);
        Self { homeserver, faults, token }
    }

    fn with(fault: Fault) -> Self {
        let mut faults = Faults::none();
        faults.add(FaultRule::new(fault).path(ROOM_KEYS));
        Self::new(faults)
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> Exchange {
        let request = request(&self.token, method, &format!("{ROOM_KEYS}{path}"), body);
        self.faults.exchange(&mut self.homeserver, &request)
    }

    fn create(&mut self) -> Exchange {
        self.send("POST", "/version", &new_version().to_string())
    }

    #[track_caller]
    fn answer(&mut self, method: &str, path: &str, body: &str) -> Response<Vec<u8>> {
        self.send(method, path, body).into_response().unwrap()
    }

    /// The number of the current version, past all faults.
    fn current(&mut self) -> Value {
        let request = request(&self.token, "GET", &format!("{ROOM_KEYS}/version"), "");
        parsed(&self.homeserver.respond(&request)).1["version"].clone()
    }
}

#[test]
fn without_faults_every_answer_arrives_at_once() {
    let mut alice = Alice::new(Faults::none());
    let Exchange::Answered { response, delay_ms } = alice.create() else { panic!("no answer") };
    assert_eq!((response.status().as_u16(), delay_ms), (200, 0));
    assert_eq!(alice.faults.applied(), 0);
}

#[test]
fn a_dropped_request_is_not_acted_on_and_a_dropped_answer_was() {
    for (fault, current) in [(Fault::DropRequest, "1"), (Fault::DropAnswer, "2")] {
        let mut alice = Alice::with(fault);
        assert!(matches!(alice.create(), Exchange::Dropped));
        assert_eq!(alice.current(), current);
        assert_eq!(alice.faults.applied(), 1);
        assert!(matches!(alice.create(), Exchange::Answered { .. }), "once");
    }
}

#[test]
fn a_delay_is_told_and_delays_add_up() {
    let mut alice = Alice::with(Fault::Delay { ms: 30_000 });
    alice.faults.add(FaultRule::new(Fault::Delay { ms: 5 }));
    let Exchange::Answered { response, delay_ms } = alice.create() else { panic!("no answer") };
    assert_eq!((response.status().as_u16(), delay_ms), (200, 30_005));
}

#[test]
fn a_request_that_is_delivered_twice_is_acted_on_twice() {
    let mut alice = Alice::with(Fault::DeliverTwice);
    assert_eq!(parsed(&alice.create().into_response().unwrap()), (200, json!({ "version": "3" })));
}

#[test]
fn a_rate_limit_says_when_to_come_back_in_every_spelling() {
    let date = HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT");
    for (header, retry_after_ms, in_body) in [
        (None, None, Value::Null),
        (Some(HeaderValue::from(3)), None, Value::Null),
        (Some(date), None, Value::Null),
        (None, Some(1_500), json!(1_500)),
    ] {
        let retry_after = header.clone();
        let mut alice = Alice::with(Fault::RateLimit { retry_after, retry_after_ms });
        let response = alice.create().into_response().unwrap();
        assert_eq!(response.headers().get("Retry-After"), header.as_ref());
        let (status, body) = parsed(&response);
        assert_eq!((status, &body["errcode"]), (429, &json!("M_LIMIT_EXCEEDED")));
        assert_eq!(body["retry_after_ms"], in_body);
        assert_eq!(alice.current(), "1");
    }
}

#[test]
fn an_error_may_come_before_or_after_acting_from_the_homeserver_or_a_proxy() {
    for (acted, current) in [(false, "1"), (true, "2")] {
        let status = StatusCode::BAD_GATEWAY;
        let mut alice = Alice::with(Fault::ServerError { status, acted });
        let (status, body) = parsed(&alice.create().into_response().unwrap());
        assert_eq!((status, &body["errcode"]), (502, &json!("M_UNKNOWN")));
        assert_eq!(alice.current(), current);

        let status = StatusCode::GATEWAY_TIMEOUT;
        let mut alice = Alice::with(Fault::ProxyPage { status, acted });
        let response = alice.create().into_response().unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["Content-Type"], "text/html");
        let page = String::from_utf8(response.into_body()).unwrap();
        assert!(page.contains("504 Gateway Timeout"), "{page}");
        assert_eq!(alice.current(), current);
    }
}

#[test]
fn an_answer_is_cut_after_some_bytes_or_a_share_of_them() {
    let whole = Alice::new(Faults::none()).answer("GET", "/version", "").into_body();
    for (cut, kept) in [
        (Fault::CutAfterBytes(0), 0),
        (Fault::CutAfterBytes(7), 7),
        (Fault::CutAfterBytes(usize::MAX), whole.len()),
        (Fault::CutAfterPerMille(500), whole.len() / 2),
        (Fault::CutAfterPerMille(1_000), whole.len()),
        (Fault::CutAfterPerMille(u16::MAX), whole.len()),
    ] {
        let response = Alice::with(cut).answer("GET", "/version", "");
        assert_eq!((response.status().as_u16(), response.body().as_slice()), (200, &whole[..kept]));
    }
}

#[test]
fn a_token_may_be_refused_once_and_a_request_called_too_large() {
    for soft_logout in [false, true] {
        let mut alice = Alice::with(Fault::Unauthorized { soft_logout });
        let (status, body) = parsed(&alice.create().into_response().unwrap());
        assert_eq!((status, &body["errcode"]), (401, &json!("M_UNKNOWN_TOKEN")));
        assert_eq!(body["soft_logout"], soft_logout);
        assert_eq!(alice.current(), "1");
    }
    let mut alice = Alice::with(Fault::TooLarge);
    let (status, body) = parsed(&alice.create().into_response().unwrap());
    assert_eq!((status, &body["errcode"]), (413, &json!("M_TOO_LARGE")));
    assert_eq!(alice.current(), "1");
}

#[test]
fn another_device_replaces_deletes_or_signs_the_version_in_between() {
    let keys = json!({ "rooms": { "!a": { "sessions": { "s": key(0, 0, false, "A") } } } });
    let auth_data = r#"{"public_key":"k","signatures":{"@alice:example.org":{}}}"#.to_owned();
    let algorithm = ALGORITHM.to_owned();

    let replaces = Fault::OtherDeviceReplacesVersion { algorithm, auth_data: auth_data.clone() };
    let mut alice = Alice::with(replaces);
    let answer = parsed(&alice.answer("PUT", "/keys?version=1", &keys.to_string()));
    assert_eq!((answer.0, &answer.1["current_version"]), (403, &json!("2")));

    let mut alice = Alice::with(Fault::OtherDeviceDeletesVersion);
    let answer = parsed(&alice.answer("PUT", "/keys?version=1", &keys.to_string()));
    assert_eq!((answer.0, &answer.1["errcode"]), (404, &json!("M_NOT_FOUND")));

    let signs = Fault::OtherDeviceSignsVersion { auth_data: auth_data.clone() };
    let mut alice = Alice::with(signs);
    let create =
        request(&alice.token, "POST", &format!("{ROOM_KEYS}/version"), &new_version().to_string());
    assert_eq!(alice.homeserver.respond(&create).status(), 200);
    let answer = parsed(&alice.answer("GET", "/version", ""));
    assert_eq!(answer.1["auth_data"], serde_json::from_str::<Value>(&auth_data).unwrap());
    assert_eq!(answer.1["version"], "2", "the current one");
    let first = parsed(&alice.answer("GET", "/version/1", ""));
    assert_eq!(first.1["auth_data"], new_version()["auth_data"]);
}

#[test]
fn another_device_stores_account_data_in_between() {
    let kind = "m.secret_storage.default_key".to_owned();
    let sets =
        Fault::OtherDeviceSetsAccountData { kind: kind.clone(), content: r#"{"key":"k"}"#.into() };
    let mut alice = Alice::new(Faults::none());
    alice.faults.add(FaultRule::new(sets));
    let path = format!("{V3}/user/@alice:example.org/account_data/{kind}");
    let get = request(&alice.token, "GET", &path, "");
    let answer = alice.faults.exchange(&mut alice.homeserver, &get).into_response().unwrap();
    assert_eq!(parsed(&answer), (200, json!({ "key": "k" })));
}

#[test]
fn another_device_without_a_version_or_with_broken_data_does_nothing() {
    for action in [
        Fault::OtherDeviceDeletesVersion,
        Fault::OtherDeviceSignsVersion { auth_data: "{}".to_owned() },
        Fault::OtherDeviceReplacesVersion { algorithm: "x".to_owned(), auth_data: "{".to_owned() },
    ] {
        let mut faults = Faults::none();
        faults.add(FaultRule::new(action));
        let mut homeserver = Homeserver::new();
        let token = homeserver.log_in("@alice:example.org", "PHONE");
        let get = request(&token, "GET", &format!("{ROOM_KEYS}/version"), "");
        let answer = faults.exchange(&mut homeserver, &get).into_response().unwrap();
        assert_eq!(answer.status(), 404);
    }
}

#[test]
fn a_rule_fits_by_method_path_and_user_and_counts_what_fits() {
    let mut alice = Alice::new(Faults::none());
    let bob = alice.homeserver.log_in("@bob:example.org", "PHONE");
    let rule = FaultRule::new(Fault::DropRequest)
        .method(Method::GET)
        .path(format!("{ROOM_KEYS}/version"))
        .user("@alice:example.org")
        .from_nth(2)
        .times(2);
    alice.faults.add(rule);
    let mut dropped = |token: &str, method: &str, path: &str| {
        let request = request(token, method, &format!("{ROOM_KEYS}{path}"), "{}");
        matches!(alice.faults.exchange(&mut alice.homeserver, &request), Exchange::Dropped)
    };
    let token = alice.token.clone();
    assert!(!dropped(&token, "GET", "/version"), "the first one that fits");
    assert!(!dropped(&token, "POST", "/version"), "another method");
    assert!(!dropped(&token, "GET", "/keys?version=1"), "another path");
    assert!(!dropped(&bob, "GET", "/version"), "another user");
    assert!(!dropped("nobody", "GET", "/version"), "no user");
    assert!(dropped(&token, "GET", "/version/1"));
    assert!(dropped(&token, "GET", "/version"));
    assert!(!dropped(&token, "GET", "/version"), "twice only");
}

#[test]
fn the_zeroth_request_is_the_first() {
    let mut alice = Alice::new(Faults::none());
    alice.faults.add(FaultRule::new(Fault::DropRequest).from_nth(0));
    assert!(matches!(alice.create(), Exchange::Dropped));
    assert!(matches!(alice.create(), Exchange::Answered { .. }));
}

#[test]
fn a_rule_may_apply_always() {
    let mut faults = Faults::none();
    faults.add(FaultRule::new(Fault::DropAnswer).always());
    let mut alice = Alice::new(faults);
    for _ in 0..50 {
        assert!(matches!(alice.create(), Exchange::Dropped));
    }
    assert_eq!(alice.current(), "51");
}

#[test]
fn another_device_acts_before_the_request_is_lost_and_the_answer_of_a_proxy_can_be_cut() {
    let mut alice = Alice::with(Fault::DropRequest);
    alice.faults.add(FaultRule::new(Fault::OtherDeviceDeletesVersion));
    assert!(matches!(alice.create(), Exchange::Dropped));
    assert_eq!(alice.current(), Value::Null);

    let mut alice = Alice::with(Fault::CutAfterBytes(6));
    alice.faults.add(FaultRule::new(Fault::ProxyPage { status: StatusCode::OK, acted: false }));
    assert_eq!(alice.answer("GET", "/version", "").body(), b"<html>");

    let mut alice = Alice::with(Fault::CutAfterBytes(2));
    alice.faults.add(FaultRule::new(Fault::RateLimit { retry_after: None, retry_after_ms: None }));
    let answer = alice.answer("GET", "/version", "");
    assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (429, &b"{\""[..]));
}

#[test]
fn drawn_faults_are_those_of_the_seed_and_come_about_as_often_as_asked_for() {
    let chances = [(100, Fault::DropRequest), (200, Fault::Delay { ms: 1 })];
    let play = |seed| {
        let mut alice = Alice::new(Faults::seeded(seed, chances.clone()));
        (0..1_000)
            .map(|_| alice.send("GET", "/version", ""))
            .map(|exchange| match exchange {
                Exchange::Dropped => 'x',
                Exchange::Answered { delay_ms: 0, .. } => '.',
                Exchange::Answered { .. } => '-',
            })
            .collect::<String>()
    };
    let first = play(7);
    assert_eq!(first, play(7));
    assert_ne!(first, play(8));
    let count = |what| first.chars().filter(|one| *one == what).count();
    assert!((70..=130).contains(&count('x')), "{first}");
    assert!((150..=250).contains(&count('-')), "{first}");
}

#[test]
fn a_clone_of_homeserver_and_faults_is_a_snapshot() {
    let mut alice = Alice::new(Faults::seeded(1, [(500, Fault::DropAnswer)]));
    let snapshot = (alice.homeserver.clone(), alice.faults.clone());
    let play =
        |alice: &mut Alice| (0..20).map(|_| format!("{:?}", alice.create())).collect::<Vec<_>>();
    let first = play(&mut alice);
    (alice.homeserver, alice.faults) = snapshot;
    assert_eq!(play(&mut alice), first);
}

#[test]
fn the_debug_output_of_an_exchange_has_no_body() {
    let mut alice = Alice::new(Faults::none());
    let debug = format!("{:?}", alice.create());
    assert!(debug.contains("200") && !debug.contains("version"), "{debug}");
}

//! A homeserver that shows something else at each look.

use serde_json::json;
use strongroom::client::backup::{Question, Stage};

use crate::driver::{Driver, Lied, response, somebody_elses_key};

const HOUR: u64 = 60 * 60 * 1_000;

/// More than this is not sent in any hour.
const REQUESTS: usize = 40;

/// What is shown at a look.
type Shown = fn(usize) -> Lied;

fn version(number: usize) -> Lied {
    let public_key = somebody_elses_key(9).public_key().to_base64();
    let info = json!({
        "version": number.to_string(),
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": public_key },
        "count": 0,
        "etag": "0",
    });
    response(200, &info.to_string())
}

fn none() -> Lied {
    response(404, r#"{"errcode":"M_NOT_FOUND","error":"none"}"#)
}

const SHOWN: [Shown; 3] = [
    |look| version(100 + look),
    |look| if look.is_multiple_of(2) { none() } else { version(100 + look) },
    |look| match look % 3 {
        0 => none(),
        1 => version(100 + look),
        _ => response(500, "{}"),
    },
];

fn shows(phone: &mut Driver, shown: Shown) {
    let mut looks = 0;
    phone.lie = Some(Box::new(move |request, _| {
        let is_it = request.method() == "GET" && request.uri().path().ends_with("_keys/version");
        is_it.then(|| {
            looks += 1;
            shown(looks)
        })
    }));
}

/// A week, hour by hour.
fn live_for_a_week(phone: &mut Driver) {
    phone.sent.clear();
    for hour in 0..7 * 24 {
        phone.live(HOUR);
        let sent = phone.requests().len();
        assert!(sent <= REQUESTS, "{sent} requests in hour {hour}");
    }
}

#[test]
fn a_new_version_at_each_look_is_asked_about_and_costs_a_few_requests_an_hour() {
    for shown in SHOWN {
        for was_used in [false, true] {
            let mut phone = Driver::new();
            if was_used {
                phone.set_up();
                phone.live(20_000);
                phone.asked.clear();
            }
            shows(&mut phone, shown);
            live_for_a_week(&mut phone);
            // The user is told.
            let questions = phone.asked.iter().filter(|(_, question)| match question {
                Question::Use { .. } => !was_used,
                Question::Changed { .. } => was_used,
                _ => false,
            });
            assert!(questions.count() > 24, "{:?}", phone.asked);
        }
    }
}

#[test]
fn a_new_version_after_each_deletion_costs_a_few_requests_an_hour_and_ends() {
    let mut phone = Driver::new();
    phone.set_up();
    phone.live(20_000);
    let mut looks = 0;
    phone.lie = Some(Box::new(move |request, _| {
        if request.method() == "DELETE" {
            return Some(response(200, "{}"));
        }
        let is_it = request.method() == "GET" && request.uri().path().ends_with("_keys/version");
        is_it.then(|| {
            looks += 1;
            version(if looks < 3 { 1 } else { 100 + looks })
        })
    }));
    phone.machine.disable();
    phone.live(24 * HOUR);
    let sent = phone.requests().len();
    assert!(sent < 500, "{sent}");
    assert_eq!((phone.machine.stage(), phone.not_deleted), (Stage::Off, 1));
}

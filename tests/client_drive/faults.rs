//! Homeservers that refuse.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::Request;
use strongroom::client::{Awaited, drive, flow::SetUpDone};

use crate::{
    blocking::to_its_end,
    host::{Failed, Meddle, TestHost, refusal},
};

/// Refuses each fifth request like this.
fn each_fifth(status: u16, body: &'static str) -> (Arc<AtomicUsize>, Meddle) {
    let (refused, mut number) = (Arc::new(AtomicUsize::new(0)), 0);
    let count = Arc::clone(&refused);
    let refuse = move |_: &Request<Vec<u8>>| {
        number += 1;
        (number % 5 == 0).then(|| {
            count.fetch_add(1, Ordering::Relaxed);
            refusal(status, body)
        })
    };
    (refused, Box::new(refuse))
}

#[test]
fn a_401_gets_a_new_token_and_the_flow_goes_on() {
    let mut phone = TestHost::new();
    let body = r#"{"errcode":"M_UNKNOWN_TOKEN","error":"?","soft_logout":true}"#;
    let (refused, refuse) = each_fifth(401, body);
    phone.instead = refuse;
    let SetUpDone { backup, .. } = to_its_end(&mut phone.set_up(), &mut phone).unwrap();
    assert!(backup.trusted().is_some());
    let renewed = phone.calls.iter().filter(|name| **name == "renew_token").count();
    assert!(renewed > 1 && renewed == refused.load(Ordering::Relaxed), "{renewed}");
}

#[test]
fn a_host_that_gets_no_token_is_asked_for_it_again() {
    let mut phone = TestHost::new();
    let (_, refuse) = each_fifth(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"?"}"#);
    phone.instead = refuse;
    phone.failure = Some(("renew_token", 0));
    let mut flow = phone.set_up();
    assert_eq!(drive(&mut flow, &mut phone).unwrap_err(), Failed::OnPurpose);
    assert!(drive(&mut flow, &mut phone).unwrap().unwrap().is_ok());
}

#[test]
fn a_429_is_waited_out_as_the_host_is_told() {
    let mut phone = TestHost::new();
    let body = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"?","retry_after_ms":60000}"#;
    let (refused, refuse) = each_fifth(429, body);
    phone.instead = refuse;
    let began = phone.now;
    to_its_end(&mut phone.set_up(), &mut phone).unwrap();
    let refused = refused.load(Ordering::Relaxed);
    assert!(refused > 1 && phone.now - began >= 60_000 * refused as u64, "{refused}");
    let of_limits = phone.waits.iter().flatten().filter(|it| it.what == Awaited::RateLimit);
    assert!(of_limits.count() >= refused, "{:?}", phone.waits);
}

#[test]
fn an_answer_that_is_larger_than_any_is_not_read_to_its_end() {
    let mut phone = TestHost::new();
    phone.piece_bytes = 1 << 20;
    let mut is_first = true;
    phone.instead = Box::new(move |_| {
        std::mem::take(&mut is_first).then(|| refusal(200, &" ".repeat(20 << 20)))
    });
    let mut flow = phone.set_up();
    drive(&mut flow, &mut phone).unwrap().unwrap().unwrap();
    let first = phone.calls.iter().position(|name| *name == "send").unwrap();
    let reads = phone.calls[first + 1..].iter().take_while(|name| **name == "read").count();
    assert!((2..5).contains(&reads), "{reads} MiB were read");
}

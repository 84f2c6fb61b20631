//! Devices that ask too often, and how much is remembered of each.

use strongroom::{
    secret_sharing::{AnswerState, Decision, ResponderError, SharePolicy},
    secret_value::MEGOLM_BACKUP_V1,
};

use super::{responder, responder_with};
use crate::kit::{asked, backup_request, cancellation, decide, ignored, request, seen_by_laptop};

#[test]
fn a_device_that_asks_too_often_is_held_off_and_others_are_not() {
    let mut responder = responder();
    let decisions: Vec<_> = (0..30)
        .map(|id| decide(&mut responder, &backup_request(&id.to_string()), &seen_by_laptop(), 0))
        .collect();
    let asked =
        decisions.iter().filter(|decision| matches!(decision, Decision::AskUser(_))).count();
    assert_eq!(asked, 20);
    assert_eq!(decisions[29], Decision::Ignore(ResponderError::TooManyRequests));
    let tablet = request("TABLET", "1", MEGOLM_BACKUP_V1);
    assert!(matches!(decide(&mut responder, &tablet, &seen_by_laptop(), 0), Decision::AskUser(_)));
    let later = decide(&mut responder, &backup_request("99"), &seen_by_laptop(), 600_000);
    assert!(matches!(later, Decision::AskUser(_)), "ten minutes later it is looked at again");
}

#[test]
fn however_long_a_device_asks_its_requests_are_bounded() {
    let mut responder = responder();
    let mut now = 0;
    for id in 0..400 {
        let cancel = cancellation("PHONE", &id.to_string());
        decide(&mut responder, &backup_request(&id.to_string()), &seen_by_laptop(), now);
        decide(&mut responder, &cancel, &seen_by_laptop(), now);
        now += 60_000;
    }
    let saved = String::from_utf8(responder.save().expose_bytes().to_vec()).unwrap();
    assert_eq!(saved.matches("request_id").count(), 100);
}

#[test]
fn the_window_ends_ten_minutes_after_each_request_and_not_before() {
    let mut responder = responder();
    for id in 0..20 {
        let at = if id < 10 { 0 } else { 1_000 };
        decide(&mut responder, &backup_request(&id.to_string()), &seen_by_laptop(), at);
    }
    let mut ask = |id: &str, now| {
        let decision = decide(&mut responder, &backup_request(id), &seen_by_laptop(), now);
        matches!(decision, Decision::AskUser(_))
    };
    assert!(!ask("a", 599_999));
    let allowed = (0..20).filter(|id| ask(&format!("b{id}"), 600_000)).count();
    assert_eq!(allowed, 10, "the first ten are forgotten");
    assert!(!ask("c", 600_999));
    assert!(ask("c", 601_000));
}

#[test]
fn a_request_that_is_repeated_counts_each_time() {
    let mut responder = responder();
    asked(&mut responder, "1");
    for _ in 1..20 {
        decide(&mut responder, &backup_request("1"), &seen_by_laptop(), 0);
    }
    let reason = ignored(decide(&mut responder, &backup_request("1"), &seen_by_laptop(), 0));
    assert_eq!(reason, ResponderError::TooManyRequests);
    assert_eq!(responder.waiting().count(), 1, "the question stays");
}

#[test]
fn what_is_waiting_is_never_forgotten_for_what_is_new() {
    let mut policy = SharePolicy::default();
    policy.requests_per_device = 3;
    let mut responder = responder_with(policy);
    let devices = seen_by_laptop();
    for id in ["1", "2", "3"] {
        asked(&mut responder, id);
    }
    let too_many = decide(&mut responder, &backup_request("4"), &devices, 0);
    assert_eq!(ignored(too_many), ResponderError::TooManyRequests);
    assert_eq!(responder.waiting().count(), 3);
    let other = request("TABLET", "1", MEGOLM_BACKUP_V1);
    assert!(matches!(decide(&mut responder, &other, &devices, 0), Decision::AskUser(_)));
    // One that is done with makes room.
    decide(&mut responder, &cancellation("PHONE", "2"), &devices, 0);
    asked(&mut responder, "4");
    let state = |id: &str| responder.state(&"PHONE".into(), &id.into());
    assert_eq!(["1", "3", "4"].map(state), [Some(AnswerState::Asking); 3]);
    assert_eq!(state("2"), None);
}

#[test]
fn two_devices_may_use_the_same_request_id() {
    let mut responder = responder();
    let phone = asked(&mut responder, "1");
    let tablet = request("TABLET", "1", MEGOLM_BACKUP_V1);
    let decision = decide(&mut responder, &tablet, &seen_by_laptop(), 0);
    let Decision::AskUser(tablet) = decision else { panic!("{decision:?}") };
    responder.refuse(&tablet, 1).unwrap();
    let state = |device: &str| responder.state(&device.into(), &"1".into());
    assert_eq!(state("PHONE"), Some(AnswerState::Asking));
    assert_eq!(state("TABLET"), Some(AnswerState::Refused));
    let waiting: Vec<_> = responder.waiting().collect();
    assert_eq!(waiting, [(phone, AnswerState::Asking)]);
}

#[test]
fn the_counts_of_a_device_that_is_quiet_are_forgotten() {
    let mut responder = responder();
    let of_phone = |saved: strongroom::secret::SecretVec| {
        str::from_utf8(saved.expose_bytes()).unwrap().matches("PHONE").count()
    };
    decide(&mut responder, &cancellation("PHONE", "1"), &seen_by_laptop(), 0);
    assert_eq!(of_phone(responder.save()), 2);
    responder.expire(599_999);
    assert_eq!(of_phone(responder.save()), 2);
    responder.expire(600_000);
    assert_eq!(of_phone(responder.save()), 1, "the cancellation alone");
}

//! Requests that their device takes back.

use serde_json::json;
use strongroom::{
    secret_sharing::{AnswerState, Decision, DeviceProblem, OwnDevice, ResponderError},
    secret_value::MEGOLM_BACKUP_V1,
};

use super::responder;
use crate::kit::{
    DAY_MS, asked, backup_key, backup_request, cancellation, content, decide, ignored, laptop, olm,
    plain, request, seen_by, seen_by_laptop, tablet, with,
};

#[test]
fn a_cancellation_is_honoured_before_during_and_after_the_question() {
    let devices = seen_by_laptop();
    let cancel = cancellation("PHONE", "1");

    let mut before = responder();
    ignored(decide(&mut before, &cancel, &devices, 0));
    let reason = ignored(decide(&mut before, &backup_request("1"), &devices, 1));
    assert_eq!(reason, ResponderError::Cancelled, "it overtook its request");

    let mut during = responder();
    let incoming = asked(&mut during, "1");
    assert_eq!(decide(&mut during, &cancel, &devices, 1), Decision::Withdraw(incoming.clone()));
    assert_eq!(during.allow(&incoming, 2), Err(ResponderError::Cancelled));
    assert_eq!(during.waiting().count(), 0);

    let mut after = responder();
    let incoming = asked(&mut after, "1");
    after.allow(&incoming, 0).unwrap();
    let taken = after.take(&incoming, &backup_key(), &devices, 1).unwrap();
    assert_eq!(decide(&mut after, &cancel, &devices, 2), Decision::Withdraw(incoming));
    let content = olm(&taken);
    let refused = after.encrypted(taken, content, &devices, 3).unwrap_err();
    assert_eq!(refused, ResponderError::Cancelled);
}

#[test]
fn a_device_cancels_only_its_own_requests() {
    let mut responder = responder();
    asked(&mut responder, "1");
    for (device, id) in [("TABLET", "1"), ("PHONE", "2"), ("EVIL", "1")] {
        ignored(decide(&mut responder, &cancellation(device, id), &seen_by_laptop(), 1));
    }
    assert_eq!(responder.state(&"PHONE".into(), &"1".into()), Some(AnswerState::Asking));
    let mallory = plain(
        "@mallory:example.org",
        "m.secret.request",
        &json!({
            "action": "request_cancellation", "request_id": "1", "requesting_device_id": "PHONE",
        }),
    );
    ignored(decide(&mut responder, &mallory, &seen_by_laptop(), 1));
    assert_eq!(responder.state(&"PHONE".into(), &"1".into()), Some(AnswerState::Asking));
}

#[test]
fn the_cancellation_of_a_draft_is_honoured() {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    let draft = content(&json!({
        "action": "cancel_request", "request_id": "1", "requesting_device_id": "PHONE",
    }));
    let decision = decide(&mut responder, &draft, &seen_by_laptop(), 1);
    assert_eq!(decision, Decision::Withdraw(incoming));
}

#[test]
fn a_device_that_is_not_trusted_any_more_can_still_take_back_what_it_asked_for() {
    let untrusted: [fn(&mut OwnDevice); 3] = [
        |device| device.verified = false,
        |device| device.blocked = true,
        |device| device.dehydrated = true,
    ];
    let untrusted = untrusted.map(|change| with(laptop(), change));
    for devices in untrusted.into_iter().chain([seen_by(laptop(), [tablet()])]) {
        let mut responder = responder();
        let incoming = asked(&mut responder, "1");
        let decision = decide(&mut responder, &cancellation("PHONE", "1"), &devices, 1);
        assert_eq!(decision, Decision::Withdraw(incoming));
    }
}

#[test]
fn nothing_is_remembered_of_a_device_that_cannot_have_asked() {
    let mut responder = responder();
    for (device, problem) in
        [("EVIL", DeviceProblem::Unknown), ("LAPTOP", DeviceProblem::ThisDevice)]
    {
        let decision = decide(&mut responder, &cancellation(device, "1"), &seen_by_laptop(), 0);
        assert_eq!(ignored(decision), ResponderError::Device(problem));
        assert_eq!(responder.state(&device.into(), &"1".into()), None);
    }
}

#[test]
fn a_cancellation_after_the_time_is_over_takes_nothing_back() {
    let mut responder = responder();
    asked(&mut responder, "1");
    let late = decide(&mut responder, &cancellation("PHONE", "1"), &seen_by_laptop(), DAY_MS);
    assert_eq!(ignored(late), ResponderError::Unknown);
    let again = decide(&mut responder, &backup_request("1"), &seen_by_laptop(), DAY_MS);
    assert_eq!(ignored(again), ResponderError::Cancelled);
    assert_eq!(responder.expire(DAY_MS), [], "nothing was waiting");
}

#[test]
fn a_second_cancellation_and_one_after_the_user_said_no_withdraw_nothing() {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    responder.refuse(&incoming, 0).unwrap();
    for _ in 0..2 {
        let decision = decide(&mut responder, &cancellation("PHONE", "1"), &seen_by_laptop(), 1);
        assert_eq!(ignored(decision), ResponderError::Cancelled);
    }
}

#[test]
fn cancellations_count_when_a_device_asks_too_often() {
    let mut responder = responder();
    for id in 0..25 {
        let cancel = cancellation("PHONE", &id.to_string());
        let reason = ignored(decide(&mut responder, &cancel, &seen_by_laptop(), 0));
        let expected = match id {
            0..20 => ResponderError::Unknown,
            _ => ResponderError::TooManyRequests,
        };
        assert_eq!(reason, expected, "{id}");
    }
    let tablet = request("TABLET", "1", MEGOLM_BACKUP_V1);
    let decision = decide(&mut responder, &tablet, &seen_by_laptop(), 0);
    assert!(matches!(decision, Decision::AskUser(_)), "{decision:?}");
}

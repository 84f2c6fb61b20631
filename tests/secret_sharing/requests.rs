//! Hostile and unlucky requests to the device that is asked.

use serde_json::json;
use strongroom::{
    encoding::format::FormatProblem,
    secret_sharing::{
        Decision, DeviceProblem, OwnDevice, OwnDevices, ResponderError, SECRET_SEND, SharePolicy,
        ShareRule,
    },
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1},
};

use super::{responder, responder_with};
use crate::kit::{
    DAY_MS, USER, asked, backup_key, backup_request, content, decide, identity, ignored, key,
    laptop, olm, phone, plain, request, secret, seen_by, seen_by_laptop, tablet, verified, with,
    with_other_master,
};

#[test]
fn nobody_but_the_users_own_verified_devices_gets_anything() {
    let with = |change: fn(&mut OwnDevice)| with(laptop(), change);
    let rows: Vec<(&str, OwnDevices, &str, DeviceProblem)> = vec![
        ("unverified", with(|d| d.verified = false), "PHONE", DeviceProblem::Unverified),
        ("blocked", with(|d| d.blocked = true), "PHONE", DeviceProblem::Blocked),
        ("dehydrated", with(|d| d.dehydrated = true), "PHONE", DeviceProblem::Dehydrated),
        ("deleted", seen_by(laptop(), [tablet()]), "PHONE", DeviceProblem::Unknown),
        ("unknown", seen_by_laptop(), "EVIL", DeviceProblem::Unknown),
        ("all", seen_by_laptop(), "*", DeviceProblem::Unknown),
        ("itself", seen_by_laptop(), "LAPTOP", DeviceProblem::ThisDevice),
        (
            "twice",
            seen_by_laptop().with_device(verified(identity("PHONE", 77))),
            "PHONE",
            DeviceProblem::Ambiguous,
        ),
    ];
    for (what, devices, id, problem) in rows {
        for policy in [SharePolicy::default(), SharePolicy::without_questions()] {
            let mut responder = responder_with(policy);
            let event = request(id, "1", MEGOLM_BACKUP_V1);
            let reason = ignored(decide(&mut responder, &event, &devices, 0));
            assert_eq!(reason, ResponderError::Device(problem), "{what}");
        }
    }
}

#[test]
fn another_user_another_account_and_another_event_are_ignored() {
    let mut responder = responder();
    let good = json!({
        "action": "request", "name": MEGOLM_BACKUP_V1, "request_id": "1", "requesting_device_id": "PHONE",
    });
    let mallory = plain("@mallory:example.org", "m.secret.request", &good);
    assert_eq!(
        ignored(decide(&mut responder, &mallory, &seen_by_laptop(), 0)),
        ResponderError::OtherUser
    );
    for event_type in ["m.room_key_request", SECRET_SEND] {
        let other = plain(USER, event_type, &good);
        assert_eq!(
            ignored(decide(&mut responder, &other, &seen_by_laptop(), 0)),
            ResponderError::OtherType
        );
    }
    let others = OwnDevices::new(USER.into(), tablet()).with_device(verified(phone()));
    let reason = ignored(decide(&mut responder, &content(&good), &others, 0));
    assert_eq!(reason, ResponderError::OtherAccount);
}

#[test]
fn the_name_of_a_request_cannot_be_changed_after_the_user_said_yes() {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    responder.allow(&incoming, 0).unwrap();
    let other = request("PHONE", "1", CROSS_SIGNING_MASTER);
    assert_eq!(
        ignored(decide(&mut responder, &other, &seen_by_laptop(), 1)),
        ResponderError::OtherName
    );
    let mut forged = incoming.clone();
    forged.name = CROSS_SIGNING_MASTER.into();
    let master = secret(CROSS_SIGNING_MASTER, &key(9));
    let refused = responder.take(&forged, &master, &seen_by_laptop(), 1).unwrap_err();
    assert_eq!(refused, ResponderError::OtherSecret);
}

#[test]
fn the_policy_decides_which_names_and_the_default_shares_no_other() {
    let mut responder = responder();
    let other = request("PHONE", "1", "org.example.note");
    assert_eq!(
        ignored(decide(&mut responder, &other, &seen_by_laptop(), 0)),
        ResponderError::NotShared
    );
    let mut policy = SharePolicy::default();
    policy.rules.insert(MEGOLM_BACKUP_V1.into(), ShareRule::Never);
    policy.rules.insert("org.example.note".into(), ShareRule::Share);
    let mut responder = responder_with(policy);
    assert_eq!(
        ignored(decide(&mut responder, &backup_request("1"), &seen_by_laptop(), 0)),
        ResponderError::NotShared
    );
    let decision =
        decide(&mut responder, &request("PHONE", "2", "org.example.note"), &seen_by_laptop(), 0);
    assert!(matches!(decision, Decision::Share(_)));
}

#[test]
fn a_clock_that_jumps_back_neither_ends_nor_keeps_a_request() {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    for now in [10_000, 0, 5_000, 0] {
        assert_eq!(responder.expire(now).len(), 0);
    }
    assert_eq!(responder.next_expiry_ms(), Some(DAY_MS - 15_000));
    assert_eq!(responder.expire(DAY_MS - 15_000), [incoming]);
    asked(&mut responder, "2");
    assert_eq!(responder.expire(u64::MAX).len(), 1);
}

#[test]
fn after_a_reset_of_the_identity_the_user_is_asked_anew() {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    responder.allow(&incoming, 0).unwrap();
    let decision = decide(&mut responder, &backup_request("1"), &with_other_master(laptop()), 1);
    assert!(matches!(decision, Decision::AskUser(_)), "{decision:?}");
}

#[test]
fn what_cannot_be_read_or_wants_something_unknown_is_ignored() {
    let mut responder = responder();
    let good = json!({
        "action": "request", "name": MEGOLM_BACKUP_V1, "request_id": "1", "requesting_device_id": "PHONE",
    });
    let mut unknown = good.clone();
    unknown["action"] = json!("org.example.peek");
    let mut nameless = good.clone();
    nameless["name"] = json!(null);
    let mut huge = good.clone();
    huge["request_id"] = json!("1".repeat(5_000));
    for (event, expected) in [
        (&unknown, ResponderError::UnknownAction),
        (
            &nameless,
            ResponderError::Content(FormatProblem::Missing("name").of("the request for a secret")),
        ),
        (
            &json!({}),
            ResponderError::Content(
                FormatProblem::Missing("action").of("the request for a secret"),
            ),
        ),
    ] {
        let decision = decide(&mut responder, &content(event), &seen_by_laptop(), 0);
        assert_eq!(ignored(decision), expected);
    }
    let reason = ignored(decide(&mut responder, &content(&huge), &seen_by_laptop(), 0));
    let ResponderError::Content(error) = reason else { panic!("{reason:?}") };
    let FormatProblem::TooLarge { found: bytes, limit } = error.problem else { panic!("{error}") };
    assert!(bytes > 5_000 && limit == 4_096, "{bytes}, {limit}");
    assert_eq!(responder.waiting().count(), 0);
    assert!(matches!(
        decide(&mut responder, &content(&good), &seen_by_laptop(), 0),
        Decision::AskUser(_)
    ));
}

#[test]
fn a_request_is_waited_for_a_day_and_can_be_made_again_then() {
    let mut responder = responder();
    assert_eq!(responder.next_expiry_ms(), None);
    let incoming = asked(&mut responder, "1");
    let later = request("TABLET", "1", MEGOLM_BACKUP_V1);
    decide(&mut responder, &later, &seen_by_laptop(), 1_000);
    assert_eq!(responder.next_expiry_ms(), Some(DAY_MS - 1_000), "the earlier one");
    assert_eq!(responder.allow(&incoming, DAY_MS), Err(ResponderError::Unknown));
    let again = decide(&mut responder, &backup_request("1"), &seen_by_laptop(), DAY_MS);
    assert_eq!(again, Decision::AskUser(incoming.clone()));
    responder.allow(&incoming, DAY_MS).unwrap();
}

#[test]
fn what_was_answered_or_refused_is_remembered_for_a_week_from_then() {
    let devices = seen_by_laptop();
    for is_refused in [false, true] {
        let mut responder = responder();
        let incoming = asked(&mut responder, "1");
        let end = DAY_MS / 2;
        if is_refused {
            responder.refuse(&incoming, end).unwrap();
        } else {
            responder.allow(&incoming, end).unwrap();
            let taken = responder.take(&incoming, &backup_key(), &devices, end).unwrap();
            let content = olm(&taken);
            responder.encrypted(taken, content, &devices, end).unwrap();
        }
        // Asking again does not make it be remembered for longer.
        ignored(decide(&mut responder, &backup_request("1"), &devices, DAY_MS));
        let almost = end + 7 * DAY_MS - 1;
        assert_eq!(responder.expire(almost), []);
        ignored(decide(&mut responder, &backup_request("1"), &devices, almost));
        let again = decide(&mut responder, &backup_request("1"), &devices, almost + 1);
        assert_eq!(again, Decision::AskUser(incoming));
    }
}

#[test]
fn after_a_reset_of_the_identity_the_same_request_is_another_one() {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    responder.refuse(&incoming, 0).unwrap();
    let reset = with_other_master(laptop());
    let again = decide(&mut responder, &backup_request("1"), &reset, 1);
    assert_eq!(again, Decision::AskUser(incoming.clone()));
    responder.refuse(&incoming, 2).unwrap();
    // A host that does not know the identity at the moment changes nothing.
    let unknown = OwnDevices::new(USER.into(), laptop()).with_device(verified(phone()));
    let reason = ignored(decide(&mut responder, &backup_request("1"), &unknown, 3));
    assert_eq!(reason, ResponderError::Refused);
}

//! Asking, asking again, and the time that it takes.

use std::collections::BTreeSet;

use rand::{SeedableRng as _, rngs::StdRng};
use strongroom::{
    ids::{DeviceId, SecretName},
    secret_sharing::{
        DeviceProblem, OwnDevice, OwnDevices, RequestState, Requester, RequesterError,
    },
    secret_value::MEGOLM_BACKUP_V1,
};

use super::requester;
use crate::kit::{
    DAY_MS, USER, accepted, answer, ask, dropped, identity, key, known, laptop, phone, receive,
    seen_by, seen_by_phone, tablet, verified, with, with_other_master,
};

#[test]
fn asking_again_keeps_the_id_and_reaches_who_is_trusted_by_now() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let new = identity("NEW", 5);
    let devices = seen_by(phone(), [laptop(), new.clone()]);
    let again = requester.retry(&id, &devices, 10).unwrap();
    assert_eq!(again.request().request_id, id);
    assert_eq!(again.device_ids(), ["LAPTOP".into(), DeviceId::from("NEW")]);
    let accepted =
        accepted(receive(&mut requester, &answer(&new, &id, &key(8)), &devices, &known(8), 11));
    let told = accepted.cancellation.unwrap();
    assert_eq!(
        told.device_ids(),
        ["LAPTOP".into(), DeviceId::from("TABLET")],
        "the tablet was asked, too"
    );
}

#[test]
fn named_devices_alone_are_asked_and_alone_may_answer() {
    let mut requester = requester();
    let to = Some(vec!["TABLET".into()]);
    let request = requester.request(MEGOLM_BACKUP_V1.into(), to, &seen_by_phone(), 0).unwrap();
    assert_eq!(request.device_ids(), [DeviceId::from("TABLET")]);
    let id = request.request().request_id.clone();
    let reason = dropped(receive(
        &mut requester,
        &answer(&laptop(), &id, &key(8)),
        &seen_by_phone(),
        &known(8),
        1,
    ));
    assert_eq!(reason, RequesterError::NotAsked);
    for name in ["PHONE", "NOBODY", "*"] {
        let to = Some(vec!["TABLET".into(), name.into()]);
        let refused = requester.request(MEGOLM_BACKUP_V1.into(), to, &seen_by_phone(), 0);
        assert!(matches!(refused, Err(RequesterError::Device { .. })), "{name}");
    }
}

#[test]
fn ids_are_random_and_long() {
    let mut requester = requester();
    let ids: BTreeSet<_> = (0..100).map(|_| ask(&mut requester, MEGOLM_BACKUP_V1)).collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| id.as_str().len() == 32));
}

#[test]
fn a_clock_that_jumps_neither_ends_a_request_nor_keeps_it_for_ever() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    for now in [0, 5_000, 0, 0] {
        assert_eq!(requester.expire(now).len(), 0);
    }
    assert_eq!(requester.next_expiry_ms(), Some(DAY_MS - 5_000));
    assert_eq!(requester.expire(DAY_MS - 5_001).len(), 0);
    let ended = requester.expire(DAY_MS - 5_000);
    assert_eq!(ended[0].request_id, id);
    assert_eq!(ended[0].cancellation.as_ref().unwrap().device_ids().len(), 2);
    let other = ask(&mut requester, MEGOLM_BACKUP_V1);
    assert_eq!(requester.expire(u64::MAX).len(), 1, "far ahead is too late");
    assert_eq!(requester.state(&other), Some(RequestState::Expired));
}

#[test]
fn what_cannot_be_asked_is_refused_and_nothing_is_remembered() {
    let mut requester = requester();
    let ask = |requester: &mut Requester, devices: &OwnDevices| {
        requester.request(MEGOLM_BACKUP_V1.into(), None, devices, 0).unwrap_err()
    };
    let alone = OwnDevices::new(USER.into(), phone());
    assert_eq!(ask(&mut requester, &alone), RequesterError::NobodyToAsk);
    let distrusted = seen_by(phone(), []).with_device(with_unverified());
    assert_eq!(ask(&mut requester, &distrusted), RequesterError::NobodyToAsk);
    let others =
        OwnDevices::new("@bob:example.org".into(), phone()).with_device(verified(laptop()));
    assert_eq!(ask(&mut requester, &others), RequesterError::OtherAccount);
    let nobody = requester.request(MEGOLM_BACKUP_V1.into(), Some(Vec::new()), &seen_by_phone(), 0);
    assert_eq!(nobody.unwrap_err(), RequesterError::NobodyToAsk);
    let algorithm = SecretName::from("m.megolm_backup.v1.curve25519-aes-sha2");
    let refused = requester.request(algorithm.clone(), None, &seen_by_phone(), 0);
    assert_eq!(refused.unwrap_err(), RequesterError::NotASecret(algorithm));
    assert_eq!(requester.requests().count(), 0);
}

fn with_unverified() -> OwnDevice {
    let mut device = verified(laptop());
    device.verified = false;
    device
}

#[test]
fn a_generator_that_repeats_itself_does_not_open_one_request_twice() {
    let mut requester = requester();
    let mut ask = || {
        let rng = &mut StdRng::seed_from_u64(1);
        let name = MEGOLM_BACKUP_V1.into();
        requester.request_with_rng(name, None, &seen_by_phone(), 0, rng)
    };
    ask().unwrap();
    assert_eq!(ask().unwrap_err(), RequesterError::AlreadyOpen);
}

#[test]
fn after_a_reset_of_the_identity_nothing_is_asked_again_under_the_old_id() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let refused = requester.retry(&id, &with_other_master(phone()), 1).unwrap_err();
    assert_eq!(refused, RequesterError::IdentityChanged);
}

#[test]
fn named_devices_alone_are_asked_again_and_only_while_they_are_trusted() {
    let mut requester = requester();
    let to = Some(vec!["TABLET".into()]);
    let asked = requester.request(MEGOLM_BACKUP_V1.into(), to, &seen_by_phone(), 0).unwrap();
    let id = &asked.request().request_id;
    let again = requester.retry(id, &seen_by_phone(), 1).unwrap();
    assert_eq!(again.device_ids(), [DeviceId::from("TABLET")]);
    let without_it = seen_by(phone(), [laptop()]);
    assert_eq!(requester.retry(id, &without_it, 2), Err(RequesterError::NobodyToAsk));
    let others = OwnDevices::new(USER.into(), laptop()).with_device(verified(tablet()));
    assert_eq!(requester.retry(id, &others, 3), Err(RequesterError::OtherAccount));
    let late = requester.retry(id, &seen_by_phone(), DAY_MS);
    assert_eq!(late, Err(RequesterError::Expired));
}

#[test]
fn a_named_device_that_is_not_trusted_is_refused_with_the_reason() {
    let whole = seen_by_phone;
    let with = |change: fn(&mut OwnDevice)| with(phone(), change);
    for (devices, name, problem) in [
        (with(|device| device.verified = false), "LAPTOP", DeviceProblem::Unverified),
        (with(|device| device.blocked = true), "LAPTOP", DeviceProblem::Blocked),
        (with(|device| device.dehydrated = true), "LAPTOP", DeviceProblem::Dehydrated),
        (whole().with_device(verified(laptop())), "LAPTOP", DeviceProblem::Ambiguous),
        (whole(), "PHONE", DeviceProblem::ThisDevice),
        (whole(), "*", DeviceProblem::Unknown),
    ] {
        let mut requester = requester();
        let to = Some(vec!["TABLET".into(), name.into()]);
        let refused = requester.request(MEGOLM_BACKUP_V1.into(), to, &devices, 0);
        assert_eq!(refused, Err(RequesterError::Device { device_id: name.into(), problem }));
        assert_eq!(requester.requests().count(), 0);
    }
}

#[test]
fn an_identity_that_is_learnt_late_counts_from_then_on() {
    let before = OwnDevices::new(USER.into(), phone()).with_device(verified(laptop()));
    for asks_again in [false, true] {
        let mut requester = requester();
        let asked = requester.request(MEGOLM_BACKUP_V1.into(), None, &before, 0);
        let id = asked.unwrap().request().request_id.clone();
        if asks_again {
            requester.retry(&id, &seen_by_phone(), 1).unwrap();
        }
        let reset = with_other_master(phone());
        let event = answer(&laptop(), &id, &key(8));
        let receipt = receive(&mut requester, &event, &reset, &known(8), 2);
        if asks_again {
            assert_eq!(dropped(receipt), RequesterError::IdentityChanged);
        } else {
            accepted(receipt);
        }
    }
}

#[test]
fn what_is_over_is_remembered_for_a_week_from_its_end() {
    for ends in ["cancelled", "stored", "expired"] {
        let mut requester = requester();
        let id = ask(&mut requester, MEGOLM_BACKUP_V1);
        let end = if ends == "expired" { 3 * DAY_MS } else { DAY_MS / 2 };
        if ends == "stored" {
            let event = answer(&laptop(), &id, &key(8));
            accepted(receive(&mut requester, &event, &seen_by_phone(), &known(8), 1));
        }
        assert_eq!(requester.expire(end).len(), usize::from(ends == "expired"));
        match ends {
            "cancelled" => drop(requester.cancel(&id).unwrap()),
            "stored" => requester.stored(&id).unwrap(),
            _ => {}
        }
        assert_eq!(requester.next_expiry_ms(), Some(7 * DAY_MS));
        requester.expire(end + 7 * DAY_MS - 1);
        assert!(requester.state(&id).is_some(), "{ends}");
        requester.expire(end + 7 * DAY_MS);
        assert_eq!((requester.state(&id), requester.next_expiry_ms()), (None, None), "{ends}");
    }
}

#[test]
fn the_next_expiry_is_the_earliest_and_what_was_received_has_none() {
    let mut requester = requester();
    assert_eq!(requester.next_expiry_ms(), None);
    let first = ask(&mut requester, MEGOLM_BACKUP_V1);
    let devices = seen_by_phone();
    requester.request(MEGOLM_BACKUP_V1.into(), None, &devices, 1_000).unwrap();
    assert_eq!(requester.next_expiry_ms(), Some(DAY_MS - 1_000));
    let event = answer(&laptop(), &first, &key(8));
    accepted(receive(&mut requester, &event, &devices, &known(8), 1_000));
    assert_eq!(requester.next_expiry_ms(), Some(DAY_MS), "the other one");
    assert_eq!(requester.expire(u64::MAX).len(), 1);
    assert_eq!(requester.state(&first), Some(RequestState::Received), "until it is stored");
}

#[test]
fn a_cancellation_can_be_had_again_once_the_request_is_over() {
    let all = ["LAPTOP", "TABLET"].map(DeviceId::from);
    for ends in ["cancelled", "expired", "stored"] {
        let mut requester = requester();
        let id = ask(&mut requester, MEGOLM_BACKUP_V1);
        assert_eq!(requester.cancellation(&id), None, "it is open");
        let mut told = match ends {
            "cancelled" => requester.cancel(&id).unwrap().cancellation,
            "expired" => requester.expire(DAY_MS).remove(0).cancellation,
            _ => {
                let event = answer(&laptop(), &id, &key(8));
                receive(&mut requester, &event, &seen_by_phone(), &known(8), 1);
                requester.stored(&id).unwrap();
                requester.cancellation(&id)
            }
        };
        let told = told.take().unwrap();
        assert_eq!(told.device_ids(), all, "{ends}");
        assert_eq!((told.user_id().as_str(), &told.request().request_id), (USER, &id));
        assert!(told.request().is_cancellation());
        assert_eq!(requester.cancellation(&id), Some(told), "{ends}");
    }
    assert_eq!(requester().cancellation(&"nobody's".into()), None);
}

#[test]
fn nobody_is_told_when_the_only_device_that_was_asked_has_answered() {
    let mut requester = requester();
    let devices = seen_by(phone(), [laptop()]);
    let asked = requester.request(MEGOLM_BACKUP_V1.into(), None, &devices, 0);
    let id = asked.unwrap().request().request_id.clone();
    let event = answer(&laptop(), &id, &key(8));
    let accepted = accepted(receive(&mut requester, &event, &devices, &known(8), 1));
    assert_eq!((accepted.cancellation, requester.cancellation(&id)), (None, None));
}

#[test]
fn a_clock_that_jumps_to_its_end_and_back_leaves_a_working_machine() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    assert_eq!(requester.expire(u64::MAX).len(), 1);
    let late = dropped(receive(
        &mut requester,
        &answer(&laptop(), &id, &key(8)),
        &seen_by_phone(),
        &known(8),
        0,
    ));
    assert_eq!(late, RequesterError::Expired);
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    assert_eq!(requester.next_expiry_ms(), Some(DAY_MS));
    assert_eq!(requester.expire(DAY_MS - 1).len(), 0);
    let event = answer(&laptop(), &id, &key(8));
    accepted(receive(&mut requester, &event, &seen_by_phone(), &known(8), DAY_MS - 1));
}

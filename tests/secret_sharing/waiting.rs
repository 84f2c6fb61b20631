//! Answers that wait until somebody can judge them.

use strongroom::{
    Limits,
    encoding::format::FormatProblem,
    ids::{DeviceId, RequestId},
    secret_sharing::{
        DeviceIdentity, DeviceProblem, OwnDevices, Receipt, RequestState, Requester, RequesterError,
    },
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretCheckError},
};

use super::requester;
use crate::kit::{
    DAY_MS, USER, accepted, answer, ask, dropped, identity, key, known, laptop, phone, receive,
    seen_by, seen_by_phone, tablet, text_of, verified, with, with_other_master,
};

#[test]
fn answers_that_nobody_can_judge_wait_until_somebody_can() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let nothing = PublicKeys::default();
    for (from, byte) in [(laptop(), 7), (tablet(), 8), (laptop(), 6)] {
        let event = answer(&from, &id, &key(byte));
        let receipt = receive(&mut requester, &event, &seen_by_phone(), &nothing, 1);
        assert!(matches!(receipt, Receipt::Kept { .. }));
        assert_eq!(
            dropped(receive(&mut requester, &event, &seen_by_phone(), &nothing, 1)),
            RequesterError::Duplicate
        );
    }
    assert_eq!(requester.candidates(&id).count(), 3);
    assert_eq!(requester.learn(&seen_by_phone(), &nothing, 2).len(), 0, "nothing new");
    let receipts = requester.learn(&seen_by_phone(), &known(8), 3);
    let reasons: Vec<_> = receipts[..2].iter().cloned().map(dropped).collect();
    let wrong = RequesterError::PublicKey(SecretCheckError::BackupKey);
    assert_eq!(reasons, [wrong.clone(), wrong]);
    assert_eq!(accepted(receipts[2].clone()).from, tablet());
}

#[test]
fn a_device_that_is_distrusted_meanwhile_loses_its_answer() {
    for (devices, reason) in [
        (
            with(phone(), |device| device.verified = false),
            RequesterError::Sender(DeviceProblem::Unverified),
        ),
        (seen_by(phone(), [tablet()]), RequesterError::Sender(DeviceProblem::Unknown)),
        (
            seen_by(phone(), [tablet(), identity("LAPTOP", 77)]),
            RequesterError::Sender(DeviceProblem::Unknown),
        ),
        (with_other_master(phone()), RequesterError::IdentityChanged),
    ] {
        let mut requester = requester();
        let id = ask(&mut requester, MEGOLM_BACKUP_V1);
        let nothing = PublicKeys::default();
        receive(&mut requester, &answer(&laptop(), &id, &key(8)), &seen_by_phone(), &nothing, 1);
        assert!(requester.accept_unproven(&id, &"LAPTOP".into(), &devices, 2).is_err());
        let receipts = requester.learn(&devices, &known(8), 2);
        assert_eq!(receipts.into_iter().map(dropped).collect::<Vec<_>>(), [reason]);
        assert_eq!(requester.state(&id), Some(RequestState::Open));
    }
}

#[test]
fn the_host_may_accept_what_nothing_proves_and_no_more() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let nothing = PublicKeys::default();
    for (from, byte) in [(laptop(), 7), (tablet(), 8)] {
        receive(&mut requester, &answer(&from, &id, &key(byte)), &seen_by_phone(), &nothing, 1);
    }
    let phone = "PHONE".into();
    let none = requester.accept_unproven(&id, &phone, &seen_by_phone(), 2);
    assert_eq!(none, Err(RequesterError::NoCandidate));
    let taken = requester.accept_unproven(&id, &"TABLET".into(), &seen_by_phone(), 2).unwrap();
    assert_eq!((text_of(&taken.secret.value), taken.belongs_to_public_key), (key(8), false));
    assert_eq!(taken.dropped[0].reason, RequesterError::NotNeeded);
}

#[test]
fn one_device_cannot_fill_the_memory() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let mut kept = 0;
    for byte in 0..50 {
        let event = answer(&laptop(), &id, &key(byte));
        let receipt = receive(&mut requester, &event, &seen_by_phone(), &PublicKeys::default(), 1);
        if matches!(receipt, Receipt::Kept { .. }) {
            kept += 1;
        } else {
            assert_eq!(dropped(receipt), RequesterError::TooMany);
        }
    }
    assert_eq!(kept, 4);
    let huge = answer(&laptop(), &id, &"A".repeat(70_000));
    let reason = dropped(receive(&mut requester, &huge, &seen_by_phone(), &known(8), 1));
    let limit = Limits::default().secret_send_bytes;
    let RequesterError::Content(error) = reason else { panic!("{reason:?}") };
    assert!(matches!(error.problem, FormatProblem::TooLarge { limit: l, .. } if l == limit));
}

#[test]
fn what_was_kept_is_reported_when_a_request_ends() {
    for ends in ["cancel", "expire"] {
        let mut requester = requester();
        let id = ask(&mut requester, MEGOLM_BACKUP_V1);
        receive(
            &mut requester,
            &answer(&laptop(), &id, &key(8)),
            &seen_by_phone(),
            &PublicKeys::default(),
            1,
        );
        let ended = match ends {
            "cancel" => requester.cancel(&id).unwrap(),
            _ => requester.expire(2 * DAY_MS).remove(0),
        };
        assert_eq!(ended.dropped[0].reason, RequesterError::NotNeeded, "{ends}");
    }
}

#[test]
fn what_is_accepted_unproven_is_the_last_answer_of_the_device() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    for byte in [7, 8] {
        keep(&mut requester, &laptop(), &id, byte);
    }
    let others = OwnDevices::new(USER.into(), tablet()).with_device(verified(laptop()));
    let refused = requester.accept_unproven(&id, &"LAPTOP".into(), &others, 2);
    assert_eq!(refused, Err(RequesterError::OtherAccount));
    let taken = requester.accept_unproven(&id, &"LAPTOP".into(), &seen_by_phone(), 2).unwrap();
    assert_eq!(text_of(&taken.secret.value), key(8));
    assert_eq!(
        requester.received(&seen_by_phone()).next().map(|received| received.from),
        Some(laptop())
    );
    assert_eq!(requester.candidates(&id).count(), 0);
}

#[test]
fn nothing_is_accepted_when_the_time_is_over_although_nobody_called_expire() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    keep(&mut requester, &laptop(), &id, 8);
    let receipts = requester.learn(&seen_by_phone(), &known(8), DAY_MS);
    assert_eq!((receipts.len(), requester.received(&seen_by_phone()).count()), (0, 0));
    let late = requester.accept_unproven(&id, &"LAPTOP".into(), &seen_by_phone(), DAY_MS);
    assert_eq!(late, Err(RequesterError::Expired));
}

#[test]
fn the_devices_of_another_account_judge_nothing() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    keep(&mut requester, &laptop(), &id, 8);
    let others = OwnDevices::new("@bob:example.org".into(), phone());
    assert_eq!(requester.learn(&others, &known(8), 2).len(), 0);
    assert_eq!(requester.candidates(&id).collect::<Vec<_>>(), [&DeviceId::from("LAPTOP")]);
}

#[test]
fn each_device_has_its_own_answers_and_its_own_limit() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    for byte in [5, 6, 7, 8] {
        keep(&mut requester, &laptop(), &id, byte);
    }
    keep(&mut requester, &tablet(), &id, 8);
    assert_eq!(requester.candidates(&id).count(), 5);
    assert_eq!(requester.received(&seen_by_phone()).count(), 0, "none is received");
    let mut receipts = requester.learn(&seen_by_phone(), &known(8), 2);
    let accepted = accepted(receipts.pop().unwrap());
    assert_eq!((accepted.from, accepted.belongs_to_public_key), (laptop(), true));
    let wrong = RequesterError::PublicKey(SecretCheckError::BackupKey);
    assert_eq!(receipts.into_iter().map(dropped).collect::<Vec<_>>(), vec![wrong; 3]);
    let [other] = &accepted.dropped[..] else { panic!("{:?}", accepted.dropped) };
    assert_eq!(
        (&other.reason, &other.device_id),
        (&RequesterError::NotNeeded, &Some("TABLET".into()))
    );
}

#[test]
fn the_right_answer_ends_the_waiting_of_the_others_with_a_reason_for_each() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    keep(&mut requester, &laptop(), &id, 7);
    keep(&mut requester, &laptop(), &id, 8);
    let event = answer(&tablet(), &id, &key(8));
    let accepted = accepted(receive(&mut requester, &event, &seen_by_phone(), &known(8), 2));
    let reasons: Vec<_> = accepted.dropped.iter().map(|dropped| dropped.reason.clone()).collect();
    let wrong = RequesterError::PublicKey(SecretCheckError::BackupKey);
    assert_eq!(reasons, [wrong, RequesterError::NotNeeded]);
}

/// Lets an answer wait.
#[track_caller]
fn keep(requester: &mut Requester, from: &DeviceIdentity, id: &RequestId, byte: u8) {
    let event = answer(from, id, &key(byte));
    let kept = receive(requester, &event, &seen_by_phone(), &PublicKeys::default(), 1);
    let (request_id, device_id) = (id.clone(), from.device_id.clone());
    assert_eq!(kept, Receipt::Kept { request_id, device_id });
}

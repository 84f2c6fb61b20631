//! What is said of an answer that is dropped, and whose answer it is.

use strongroom::{
    encoding::format::FormatProblem,
    ids::RequestId,
    secret_sharing::{
        DecryptedToDevice, DeviceProblem, DroppedAnswer, Receipt, Requester, RequesterError,
        SECRET_SEND,
    },
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, PublicKeys},
};

use super::requester;
use crate::kit::{
    answer, ask, decrypted, identity, key, known, laptop, receive, seen_by_phone, tablet,
};

#[test]
fn a_dropped_answer_names_the_device_and_the_request_as_far_as_they_are_the_users() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let (device, request) = (Some("LAPTOP".into()), Some(id.clone()));
    let told = |requester: &mut Requester, event: &DecryptedToDevice| {
        let DroppedAnswer { device_id, request_id, .. } = dropped_answer(requester, event);
        (device_id, request_id)
    };
    let wrong = answer(&laptop(), &id, &key(9));
    assert_eq!(told(&mut requester, &wrong), (device.clone(), request));
    let unknown = answer(&laptop(), &"nobody's".into(), &key(8));
    assert_eq!(told(&mut requester, &unknown), (device.clone(), None), "no text of the sender's");
    let broken = decrypted(&laptop(), SECRET_SEND, "{}");
    assert_eq!(told(&mut requester, &broken), (device, None));
    let stranger = answer(&identity("LAPTOP", 77), &id, &key(8));
    assert_eq!(told(&mut requester, &stranger), (None, None), "no device of the user's");
}

#[test]
fn both_keys_make_the_device() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    for (curve25519, ed25519) in
        [(laptop().curve25519, tablet().ed25519), (tablet().curve25519, laptop().ed25519)]
    {
        let mut mixed = laptop();
        (mixed.curve25519, mixed.ed25519) = (curve25519, ed25519);
        let event = answer(&mixed, &id, &key(8));
        let reason = dropped_answer(&mut requester, &event).reason;
        assert_eq!(reason, RequesterError::Sender(DeviceProblem::Unknown));
    }
}

#[test]
fn a_secret_for_another_name_has_the_wrong_shape_or_the_wrong_key() {
    let mut requester = requester();
    let backup = ask(&mut requester, MEGOLM_BACKUP_V1);
    let master = ask(&mut requester, CROSS_SIGNING_MASTER);
    let note = ask(&mut requester, "org.example.note");
    // 90 is the byte of the pinned master key.
    for (id, secret) in [(&backup, key(90)), (&master, key(8))] {
        let reason = dropped_answer(&mut requester, &answer(&laptop(), id, &secret)).reason;
        assert!(matches!(reason, RequesterError::PublicKey(_)), "{reason:?}");
        let text = answer(&laptop(), id, "a note");
        let reason = dropped_answer(&mut requester, &text).reason;
        assert!(matches!(reason, RequesterError::Shape(_)), "{reason:?}");
    }
    assert_eq!(requester.received(&seen_by_phone()).count(), 0);
    // A note may be any text.
    let event = answer(&laptop(), &note, &key(8));
    let receipt = receive(&mut requester, &event, &seen_by_phone(), &PublicKeys::default(), 1);
    assert!(matches!(receipt, Receipt::Accepted(_)));
}

#[test]
fn a_late_answer_is_dropped_after_a_cancellation_too() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    requester.cancel(&id).unwrap();
    let late = dropped_answer(&mut requester, &answer(&laptop(), &id, &key(8)));
    assert_eq!(late.reason, RequesterError::Cancelled);
    assert_eq!(late.request_id, Some(id));
}

#[test]
fn a_name_with_a_huge_request_id_is_no_request() {
    let mut requester = requester();
    ask(&mut requester, MEGOLM_BACKUP_V1);
    let huge: RequestId = "1".repeat(60_000).into();
    let reason = dropped_answer(&mut requester, &answer(&laptop(), &huge, &key(8))).reason;
    assert_eq!(reason, RequesterError::Unknown);
    let larger: RequestId = "1".repeat(70_000).into();
    let reason = dropped_answer(&mut requester, &answer(&laptop(), &larger, &key(8))).reason;
    let RequesterError::Content(error) = reason else { panic!("{reason:?}") };
    assert!(matches!(error.problem, FormatProblem::TooLarge { .. }), "{error}");
}

fn dropped_answer(requester: &mut Requester, event: &DecryptedToDevice) -> DroppedAnswer {
    match receive(requester, event, &seen_by_phone(), &known(8), 1) {
        Receipt::Dropped(dropped) => dropped,
        other => panic!("{other:?}"),
    }
}

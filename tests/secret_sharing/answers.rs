//! Hostile and unlucky answers to the device that asks.

use serde_json::json;
use strongroom::{
    encoding::format::FormatProblem,
    ids::DeviceId,
    secret_sharing::{
        DecryptedToDevice, DeviceIdentity, DeviceProblem, OwnDevice, OwnDevices, RequestState,
        Requester, RequesterError, SECRET_SEND,
    },
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, MEGOLM_BACKUP_V1, PublicKeys,
        SecretCheckError,
    },
};

use super::requester;
use crate::kit::{
    DAY_MS, USER, accepted, answer, ask, decrypted, dropped, identity, key, known, laptop, phone,
    receive, seen_by, seen_by_phone, tablet, text_of, verified, with, with_other_master,
};

const NOTE: &str = "org.example.note";

#[test]
fn the_secret_is_accepted_and_the_others_are_told() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let receipt =
        receive(&mut requester, &answer(&laptop(), &id, &key(8)), &seen_by_phone(), &known(8), 1);
    let accepted = accepted(receipt);
    assert_eq!(text_of(&accepted.secret.value), key(8));
    assert_eq!((accepted.from, accepted.belongs_to_public_key), (laptop(), true));
    let cancellation = accepted.cancellation.unwrap();
    assert_eq!(cancellation.device_ids(), [DeviceId::from("TABLET")]);
    assert_eq!(cancellation.request().request_id, id, "the same ID");
    assert_eq!(requester.cancellation(&id), Some(cancellation), "again after a crash");
    assert_eq!(requester.received(&seen_by_phone()).count(), 1, "until it is stored");
    requester.stored(&id).unwrap();
    assert_eq!(requester.received(&seen_by_phone()).count(), 0);
}

#[test]
fn nobody_but_the_users_own_verified_devices_is_believed() {
    let whole = seen_by_phone();
    let with = |change: fn(&mut OwnDevice)| with(phone(), change);
    let rows: Vec<(&str, OwnDevices, DeviceIdentity, RequesterError)> = vec![
        (
            "unverified",
            with(|d| d.verified = false),
            laptop(),
            RequesterError::Sender(DeviceProblem::Unverified),
        ),
        (
            "blocked",
            with(|d| d.blocked = true),
            laptop(),
            RequesterError::Sender(DeviceProblem::Blocked),
        ),
        (
            "dehydrated",
            with(|d| d.dehydrated = true),
            laptop(),
            RequesterError::Sender(DeviceProblem::Dehydrated),
        ),
        (
            "deleted",
            seen_by(phone(), [tablet()]),
            laptop(),
            RequesterError::Sender(DeviceProblem::Unknown),
        ),
        (
            "unknown",
            whole.clone(),
            identity("LAPTOP", 77),
            RequesterError::Sender(DeviceProblem::Unknown),
        ),
        ("itself", whole.clone(), phone(), RequesterError::Sender(DeviceProblem::ThisDevice)),
        (
            "twice",
            whole.clone().with_device(verified(laptop())),
            laptop(),
            RequesterError::Sender(DeviceProblem::Ambiguous),
        ),
        (
            "new keys under the old ID",
            seen_by(phone(), [identity("LAPTOP", 77)]),
            identity("LAPTOP", 77),
            RequesterError::NotAsked,
        ),
        (
            "verified since, not asked",
            seen_by(phone(), [laptop(), identity("NEW", 5)]),
            identity("NEW", 5),
            RequesterError::NotAsked,
        ),
        (
            "another identity of the user",
            with_other_master(phone()),
            laptop(),
            RequesterError::IdentityChanged,
        ),
    ];
    for (what, devices, from, reason) in rows {
        let mut requester = requester();
        let id = ask(&mut requester, MEGOLM_BACKUP_V1);
        let event = answer(&from, &id, &key(8));
        assert_eq!(
            dropped(receive(&mut requester, &event, &devices, &known(8), 1)),
            reason,
            "{what}"
        );
        assert_eq!(
            requester.state(&id),
            Some(RequestState::Open),
            "{what}: an honest answer may come"
        );
    }
}

#[test]
fn a_mixture_of_two_devices_keys_is_nobody() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let mut mixed = laptop();
    mixed.ed25519 = tablet().ed25519;
    let reason = dropped(receive(
        &mut requester,
        &answer(&mixed, &id, &key(8)),
        &seen_by_phone(),
        &known(8),
        1,
    ));
    assert_eq!(reason, RequesterError::Sender(DeviceProblem::Unknown));
}

#[test]
fn another_user_and_another_account_are_refused() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let good = answer(&laptop(), &id, &key(8));
    let mallory = DecryptedToDevice::from_checked_parts(
        "@mallory:example.org".into(),
        laptop().curve25519,
        laptop().ed25519,
        SECRET_SEND,
        good.expose_content().into(),
    );
    assert_eq!(
        dropped(receive(&mut requester, &mallory, &seen_by_phone(), &known(8), 1)),
        RequesterError::OtherUser
    );
    let others =
        OwnDevices::new("@bob:example.org".into(), phone()).with_device(verified(laptop()));
    assert_eq!(
        dropped(receive(&mut requester, &good, &others, &known(8), 1)),
        RequesterError::OtherAccount
    );
    let others = OwnDevices::new(USER.into(), tablet()).with_device(verified(laptop()));
    assert_eq!(
        dropped(receive(&mut requester, &good, &others, &known(8), 1)),
        RequesterError::OtherAccount
    );
}

#[test]
fn only_what_was_asked_for_is_taken() {
    let mut requester = requester();
    let backup = ask(&mut requester, MEGOLM_BACKUP_V1);
    let signing = ask(&mut requester, CROSS_SIGNING_SELF_SIGNING);
    let mut keys = known(8);
    keys.self_signing = Some(identity("", 9).ed25519);
    let mut drop = |event| dropped(receive(&mut requester, &event, &seen_by_phone(), &keys, 1));
    assert_eq!(drop(answer(&laptop(), &"nobody's".into(), &key(8))), RequesterError::Unknown);
    // Each of the two is right for the other request.
    assert_eq!(
        drop(answer(&laptop(), &backup, &key(9))),
        RequesterError::PublicKey(SecretCheckError::BackupKey)
    );
    assert_eq!(
        drop(answer(&laptop(), &signing, &key(8))),
        RequesterError::PublicKey(SecretCheckError::CrossSigningKey)
    );
    for shape in ["", "not base64!", "c2hvcnQ", &key(8).repeat(2)] {
        assert!(
            matches!(drop(answer(&laptop(), &backup, shape)), RequesterError::Shape(_)),
            "{shape}"
        );
    }
    let other_type = decrypted(&laptop(), "m.room.message", r#"{"request_id":"1","secret":"s"}"#);
    assert_eq!(drop(other_type), RequesterError::Content(FormatProblem::OtherType.of("the event")));
}

#[test]
fn a_wrong_answer_does_not_end_the_request_for_the_right_one() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    for _ in 0..10 {
        dropped(receive(
            &mut requester,
            &answer(&tablet(), &id, &key(7)),
            &seen_by_phone(),
            &known(8),
            1,
        ));
    }
    accepted(receive(
        &mut requester,
        &answer(&laptop(), &id, &key(8)),
        &seen_by_phone(),
        &known(8),
        1,
    ));
}

#[test]
fn replays_second_and_late_answers_are_harmless() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let event = answer(&laptop(), &id, &key(8));
    let again = |requester: &mut Requester, event, now| {
        receive(requester, event, &seen_by_phone(), &known(8), now)
    };
    accepted(again(&mut requester, &event, 1));
    let second = answer(&tablet(), &id, &key(8));
    for event in [&event, &second] {
        let reason = dropped(again(&mut requester, event, 2));
        assert_eq!(reason, RequesterError::AlreadyReceived);
    }
    requester.stored(&id).unwrap();
    let reason = dropped(again(&mut requester, &event, 3));
    assert_eq!(reason, RequesterError::AlreadyStored);

    let late = ask(&mut requester, MEGOLM_BACKUP_V1);
    let reason = dropped(again(&mut requester, &answer(&laptop(), &late, &key(8)), DAY_MS + 3));
    assert_eq!(reason, RequesterError::Expired, "before anybody called expire");
}

#[test]
fn a_secret_without_a_public_key_is_taken_on_the_word_of_the_device() {
    let mut requester = requester();
    let id = ask(&mut requester, NOTE);
    let event = decrypted(
        &laptop(),
        SECRET_SEND,
        &format!(r#"{{"request_id":"{}","secret":"tab\t \u00e4 \/ \ud83d\ude00"}}"#, id.as_str()),
    );
    let accepted =
        accepted(receive(&mut requester, &event, &seen_by_phone(), &PublicKeys::default(), 1));
    assert_eq!(text_of(&accepted.secret.value), "tab\t ä / 😀");
    assert!(!accepted.belongs_to_public_key);
}

#[test]
fn the_pinned_master_key_counts_before_what_the_host_says() {
    let mut requester = requester();
    let id = ask(&mut requester, CROSS_SIGNING_MASTER);
    let mut keys = PublicKeys::default();
    keys.master = Some(identity("", 9).ed25519);
    let planted = answer(&laptop(), &id, &key(9));
    let reason = dropped(receive(&mut requester, &planted, &seen_by_phone(), &keys, 1));
    assert_eq!(reason, RequesterError::PublicKey(SecretCheckError::CrossSigningKey));
    accepted(receive(
        &mut requester,
        &answer(&laptop(), &id, &key(90)),
        &seen_by_phone(),
        &keys,
        1,
    ));
}

#[test]
fn what_is_not_a_secret_sent_says_so() {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let good =
        json!({ "request_id": id.as_str(), "secret": key(8), "org.example": [1] }).to_string();
    for (content, error) in [
        ("[]".to_owned(), FormatProblem::NotAnObject.of("the event with the secret")),
        ("".to_owned(), FormatProblem::NotAnObject.of("the event with the secret")),
        (
            good[..good.len() - 1].to_owned(),
            FormatProblem::NotAnObject.of("the event with the secret"),
        ),
        (
            r#"{"secret":"s"}"#.to_owned(),
            FormatProblem::Missing("request_id").of("the event with the secret"),
        ),
        (
            r#"{"request_id":7,"secret":"s"}"#.to_owned(),
            FormatProblem::Missing("request_id").of("the event with the secret"),
        ),
        (
            r#"{"request_id":"1"}"#.to_owned(),
            FormatProblem::Missing("secret").of("the event with the secret"),
        ),
        (
            r#"{"request_id":"1","secret":{}}"#.to_owned(),
            FormatProblem::Missing("secret").of("the event with the secret"),
        ),
        (
            r#"{"request_id":"1","secret":"\ud800"}"#.to_owned(),
            FormatProblem::Missing("secret").of("the event with the secret"),
        ),
        (
            r#"{"request_id":"1","secret":"s","x":"\ud800"}"#.to_owned(),
            FormatProblem::Unkeepable.of("the event with the secret"),
        ),
    ] {
        let event = decrypted(&laptop(), SECRET_SEND, &content);
        let reason = dropped(receive(&mut requester, &event, &seen_by_phone(), &known(8), 1));
        assert_eq!(reason, RequesterError::Content(error), "{content}");
    }
    let event = decrypted(&laptop(), SECRET_SEND, &good);
    accepted(receive(&mut requester, &event, &seen_by_phone(), &known(8), 1));
}

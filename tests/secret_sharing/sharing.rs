//! From a yes to a secret that is encrypted, and what may come between.

use serde_json::{Value, json};
use strongroom::{
    encoding::json_object::JsonObject,
    secret_sharing::{
        AnswerState, Decision, DecryptedToDevice, DeviceProblem, IncomingRequest, OwnDevice,
        OwnDevices, RequesterError, Responder, ResponderError, SECRET_SEND, SecretToEncrypt,
        SharePolicy, ShareRule,
    },
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1},
};

use super::{responder, responder_with};
use crate::{
    kit::{
        DAY_MS, USER, accepted, ask, asked, backup_key, backup_request, decide, identity, ignored,
        key, known, laptop, olm, olm_for, phone, receive, secret, seen_by, seen_by_laptop,
        seen_by_phone, tablet, text_of, verified, with, with_other_master,
    },
    machines::Laptop,
};

/// A responder that shares without a question, and the request that it shares for.
fn sharing() -> (Laptop, IncomingRequest) {
    let mut responder = responder_with(SharePolicy::without_questions());
    match decide(&mut responder, &backup_request("1"), &seen_by_laptop(), 0) {
        Decision::Share(incoming) => (responder, incoming),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_device_is_looked_up_again_when_the_secret_is_taken_and_when_it_was_encrypted() {
    let with = |change: fn(&mut OwnDevice)| with(laptop(), change);
    for (devices, error) in [
        (with(|d| d.verified = false), ResponderError::Device(DeviceProblem::Unverified)),
        (with(|d| d.blocked = true), ResponderError::Device(DeviceProblem::Blocked)),
        (with(|d| d.dehydrated = true), ResponderError::Device(DeviceProblem::Dehydrated)),
        (seen_by(laptop(), [tablet()]), ResponderError::Device(DeviceProblem::Unknown)),
        (
            seen_by(laptop(), [identity("PHONE", 77)]),
            ResponderError::Device(DeviceProblem::Unknown),
        ),
        (with_other_master(laptop()), ResponderError::IdentityChanged),
        (
            OwnDevices::new(USER.into(), tablet()).with_device(verified(phone())),
            ResponderError::OtherAccount,
        ),
    ] {
        let (mut responder, incoming) = sharing();
        let refused = responder.take(&incoming, &backup_key(), &devices, 1).unwrap_err();
        assert_eq!(refused, error, "taking");
        let taken = responder.take(&incoming, &backup_key(), &seen_by_laptop(), 1).unwrap();
        let content = olm(&taken);
        let refused = responder.encrypted(taken, content, &devices, 2).unwrap_err();
        assert_eq!(refused, error, "after encrypting");
        assert_eq!(responder.state(&"PHONE".into(), &"1".into()), Some(AnswerState::Allowed));
    }
}

#[test]
fn a_new_login_under_an_old_id_does_not_inherit_what_the_user_said() {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    responder.allow(&incoming, 0).unwrap();
    let devices = seen_by(laptop(), [identity("PHONE", 77)]);
    let decision = decide(&mut responder, &backup_request("1"), &devices, 1);
    let Decision::AskUser(new) = decision else { panic!("{decision:?}") };
    assert_eq!(new.device, identity("PHONE", 77));
    let refused = responder.take(&incoming, &backup_key(), &devices, 1).unwrap_err();
    assert_eq!(refused, ResponderError::Unknown);
}

#[test]
fn what_is_not_encrypted_for_the_device_alone_does_not_leave() {
    let evil = identity("EVIL", 66);
    let clear = |taken: &SecretToEncrypt| JsonObject::from_json(taken.expose_content()).unwrap();
    let text = |json: Value| JsonObject::from_json(json.to_string().as_bytes()).unwrap();
    for case in 0..6 {
        let (mut responder, incoming) = sharing();
        let taken = responder.take(&incoming, &backup_key(), &seen_by_laptop(), 1).unwrap();
        let good: Value = serde_json::from_slice(olm(&taken).as_bytes()).unwrap();
        let content = match case {
            0 => clear(&taken),
            1 => olm_for(&laptop(), &evil),
            2 => olm_for(&evil, &phone()),
            3 => {
                let mut both = good;
                both["ciphertext"][evil.curve25519.to_base64()] = json!({ "type": 0, "body": "A" });
                text(both)
            }
            4 => {
                let mut other = good;
                other["algorithm"] = json!("m.megolm.v1.aes-sha2");
                text(other)
            }
            _ => {
                let mut none = good;
                none["ciphertext"] = json!({});
                text(none)
            }
        };
        let refused = responder.encrypted(taken, content, &seen_by_laptop(), 2).unwrap_err();
        assert_eq!(refused, ResponderError::NotEncrypted, "case {case}");
        let again = responder.take(&incoming, &backup_key(), &seen_by_laptop(), 3).unwrap();
        let content = olm(&again);
        responder.encrypted(again, content, &seen_by_laptop(), 3).unwrap();
    }
}

#[test]
fn another_secret_than_the_one_that_was_asked_for_is_not_handed_out() {
    let (mut responder, incoming) = sharing();
    let master = secret(CROSS_SIGNING_MASTER, &key(9));
    let refused = responder.take(&incoming, &master, &seen_by_laptop(), 1).unwrap_err();
    assert_eq!(refused, ResponderError::OtherSecret);
}

#[test]
fn without_a_one_time_key_the_request_waits_until_it_expires() {
    let (mut responder, incoming) = sharing();
    let devices = seen_by_laptop();
    let taken = responder.take(&incoming, &backup_key(), &devices, 1).unwrap();
    responder.no_session(taken, 1).unwrap();
    assert_eq!(responder.waiting().count(), 1);
    let taken = responder.take(&incoming, &backup_key(), &devices, 2).unwrap();
    let content = olm(&taken);
    responder.encrypted(taken, content, &devices, 2).unwrap();

    let (mut responder, incoming) = sharing();
    assert_eq!(responder.expire(DAY_MS), std::slice::from_ref(&incoming));
    let gone = responder.take(&incoming, &backup_key(), &devices, DAY_MS).unwrap_err();
    assert_eq!(gone, ResponderError::Unknown);
}

#[test]
fn a_policy_that_was_made_stricter_counts_for_what_is_waiting() {
    let (responder, incoming) = sharing();
    let saved = responder.save();
    let restore =
        |policy| Responder::from_saved(&saved, USER.into(), "LAPTOP".into(), policy).unwrap();
    let mut asking = restore(SharePolicy::default());
    assert_eq!(asking.state(&"PHONE".into(), &"1".into()), Some(AnswerState::Asking));
    let refused = asking.take(&incoming, &backup_key(), &seen_by_laptop(), 1).unwrap_err();
    assert_eq!(refused, ResponderError::Asking);
    asking.allow(&incoming, 1).unwrap();
    // What the user said stays said.
    let policy = SharePolicy::default();
    let asking =
        Responder::from_saved(&asking.save(), USER.into(), "LAPTOP".into(), policy).unwrap();
    assert_eq!(asking.state(&"PHONE".into(), &"1".into()), Some(AnswerState::Allowed));
    let mut never = SharePolicy::default();
    never.rules.clear();
    let refused = restore(never).take(&incoming, &backup_key(), &seen_by_laptop(), 1).unwrap_err();
    assert_eq!(refused, ResponderError::NotShared);
}

#[test]
fn the_user_is_asked_with_the_facts_and_the_secret_goes_to_that_device_once() {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    assert_eq!((&incoming.device, incoming.name.as_str()), (&phone(), MEGOLM_BACKUP_V1));
    responder.allow(&incoming, 1).unwrap();
    let devices = seen_by_laptop();
    let taken = responder.take(&incoming, &backup_key(), &devices, 2).unwrap();
    assert_eq!(*taken.device(), phone());
    let again = responder.take(&incoming, &backup_key(), &devices, 2).unwrap();
    let content = olm(&taken);
    let encrypted = responder.encrypted(taken, content.clone(), &devices, 3).unwrap();
    assert_eq!((encrypted.device_id().as_str(), encrypted.content()), ("PHONE", &content));
    let second = responder.encrypted(again, content, &devices, 3).unwrap_err();
    assert_eq!(second, ResponderError::AlreadyAnswered);
    let reason = ignored(decide(&mut responder, &backup_request("1"), &devices, 4));
    assert_eq!(reason, ResponderError::AlreadyAnswered);
}

#[test]
fn what_is_handed_out_is_addressed_to_the_device_and_the_requester_takes_it() {
    let mut phone_side = super::requester();
    let id = ask(&mut phone_side, MEGOLM_BACKUP_V1);
    let mut responder = responder_with(SharePolicy::without_questions());
    let event = backup_request(id.as_str());
    let decision = decide(&mut responder, &event, &seen_by_laptop(), 0);
    let Decision::Share(incoming) = decision else { panic!("{decision:?}") };
    let taken = responder.take(&incoming, &backup_key(), &seen_by_laptop(), 1).unwrap();
    let payload = taken.expose_olm_payload();
    let read = |devices: &OwnDevices| {
        let curve25519 = laptop().curve25519;
        DecryptedToDevice::from_olm(USER.into(), curve25519, payload.expose_bytes(), devices)
    };
    let elsewhere = read(&seen_by(tablet(), [laptop()])).unwrap_err();
    assert_eq!(elsewhere, RequesterError::OtherRecipientKey);
    let event = read(&seen_by_phone()).unwrap();
    assert_eq!((event.event_type(), event.ed25519()), (SECRET_SEND, &laptop().ed25519));
    assert_eq!(event.expose_content(), taken.expose_content());
    let receipt = receive(&mut phone_side, &event, &seen_by_phone(), &known(8), 1);
    assert_eq!(text_of(&accepted(receipt).secret.value), key(8));
}

#[test]
fn a_yes_to_one_device_is_none_to_another_of_its_id() {
    let mut responder = responder();
    let old = asked(&mut responder, "1");
    let devices = seen_by(laptop(), [identity("PHONE", 77)]);
    let decision = decide(&mut responder, &backup_request("1"), &devices, 1);
    assert!(matches!(decision, Decision::AskUser(_)));
    assert_eq!(responder.allow(&old, 2), Err(ResponderError::Unknown));
    assert_eq!(responder.refuse(&old, 2), Err(ResponderError::Unknown));
    assert_eq!(responder.state(&"PHONE".into(), &"1".into()), Some(AnswerState::Asking));
}

#[test]
fn the_name_that_the_host_shows_is_the_name_that_is_shared() {
    let (mut responder, incoming) = sharing();
    let mut forged = incoming;
    forged.name = CROSS_SIGNING_MASTER.into();
    let refused = responder.take(&forged, &backup_key(), &seen_by_laptop(), 1).unwrap_err();
    assert_eq!(refused, ResponderError::OtherSecret);
}

#[test]
fn a_secret_that_was_encrypted_too_late_does_not_leave() {
    let (mut responder, incoming) = sharing();
    let devices = seen_by_laptop();
    let taken = responder.take(&incoming, &backup_key(), &devices, 1).unwrap();
    let content = olm(&taken);
    let late = responder.encrypted(taken, content, &devices, DAY_MS).unwrap_err();
    assert_eq!(late, ResponderError::Unknown);
}

#[test]
fn an_identity_that_is_learnt_between_stops_nothing() {
    let mut responder = responder_with(SharePolicy::without_questions());
    let unknown = OwnDevices::new(USER.into(), laptop()).with_device(verified(phone()));
    let decision = decide(&mut responder, &backup_request("1"), &unknown, 0);
    let Decision::Share(incoming) = decision else { panic!("{decision:?}") };
    responder.take(&incoming, &backup_key(), &seen_by_laptop(), 1).unwrap();
}

#[test]
fn a_name_that_is_no_longer_shared_is_not_shared_even_if_the_user_said_yes() {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    responder.allow(&incoming, 0).unwrap();
    let mut never = SharePolicy::default();
    never.rules.insert(MEGOLM_BACKUP_V1.into(), ShareRule::Never);
    let saved = responder.save();
    let mut strict = Responder::from_saved(&saved, USER.into(), "LAPTOP".into(), never).unwrap();
    let refused = strict.take(&incoming, &backup_key(), &seen_by_laptop(), 1).unwrap_err();
    assert_eq!(refused, ResponderError::NotShared);
}

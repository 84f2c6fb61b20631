//! Every refusal there is, each as a machine says it. The operating system's randomness alone does not fail
//! when a test wants it to.

use std::{collections::HashSet, mem};

use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    encoding::{format::FormatError, json_object::JsonObject},
    ids::DeviceId,
    randomness::NoRandomness,
    saved_state::{SavedStateError, StateKey},
    secret::SecretBytes,
    secret_sharing::{
        DecryptedToDevice, DeviceProblem, OwnDevices, Requester, RequesterError, ResponderError,
        SECRET_REQUEST, SECRET_SEND, SecretRequest,
    },
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

use crate::kit::{
    DAY_MS, USER, answer, ask, ask_with_seed, asked, backup_key, backup_request, cancellation,
    content, decide, decrypted, dropped, ignored, key, known, laptop, olm_for, phone, plain,
    receive, request, requester, responder, secret, seen_by, seen_by_laptop, seen_by_phone, tablet,
    verified, with, with_other_master,
};

pub(crate) fn device_problems() -> Vec<DeviceProblem> {
    let problem =
        |devices: OwnDevices, id: &str| devices.trusted_by_id(&DeviceId::from(id)).unwrap_err();
    let whole = seen_by_phone;
    vec![
        problem(whole(), "PHONE"),
        problem(whole(), "NOBODY"),
        problem(whole().with_device(verified(laptop())), "LAPTOP"),
        problem(with(phone(), |device| device.blocked = true), "LAPTOP"),
        problem(with(phone(), |device| device.dehydrated = true), "LAPTOP"),
        problem(with(phone(), |device| device.verified = false), "LAPTOP"),
    ]
}

fn drop_reasons() -> Vec<RequesterError> {
    let mut requester = requester();
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let whole = seen_by_phone;
    let good = answer(&laptop(), &id, &key(8));
    let mallory = DecryptedToDevice::from_checked_parts(
        "@mallory:example.org".into(),
        laptop().curve25519,
        laptop().ed25519,
        SECRET_SEND,
        good.expose_content().into(),
    );
    let new = crate::kit::identity("NEW", 5);
    let unverified = with(phone(), |device| device.verified = false);
    let mut told = |event: &DecryptedToDevice, devices: OwnDevices, keys: &PublicKeys| {
        dropped(receive(&mut requester, event, &devices, keys, 1))
    };
    let mut reasons = vec![
        told(&good, seen_by(tablet(), [laptop()]), &known(8)),
        told(&mallory, whole(), &known(8)),
        told(&good, unverified, &known(8)),
        told(&decrypted(&laptop(), "m.dummy", "{}"), whole(), &known(8)),
        told(&answer(&laptop(), &"nobody's".into(), &key(8)), whole(), &known(8)),
        told(&answer(&new, &id, &key(8)), seen_by(phone(), [new.clone()]), &known(8)),
        told(&good, with_other_master(phone()), &known(8)),
        told(&answer(&laptop(), &id, "short"), whole(), &known(8)),
        told(&answer(&laptop(), &id, &key(9)), whole(), &known(8)),
    ];
    let nothing = PublicKeys::default();
    for byte in 1..=4 {
        receive(&mut requester, &answer(&laptop(), &id, &key(byte)), &whole(), &nothing, 1);
    }
    let mut told = |byte| {
        let event = answer(&laptop(), &id, &key(byte));
        dropped(receive(&mut requester, &event, &whole(), &nothing, 1))
    };
    reasons.extend([told(4), told(5)]);
    reasons.push(requester.cancel(&id).unwrap().dropped[0].reason.clone());
    reasons
}

fn ignore_reasons() -> Vec<ResponderError> {
    let mut responder = responder();
    let refused = asked(&mut responder, "1");
    responder.refuse(&refused, 0).unwrap();
    let mut peek = json!({ "action": "org.example.peek", "request_id": "1" });
    peek["requesting_device_id"] = "PHONE".into();
    let mut told = |event, devices| ignored(decide(&mut responder, &event, &devices, 0));
    let whole = seen_by_laptop;
    let mut reasons = vec![
        told(backup_request("1"), seen_by_phone()),
        told(plain(USER, SECRET_SEND, &peek), whole()),
        told(content(&json!({})), whole()),
        told(content(&peek), whole()),
        told(plain("@mallory:example.org", SECRET_REQUEST, &peek), whole()),
        told(request("NOBODY", "1", MEGOLM_BACKUP_V1), whole()),
        told(request("PHONE", "1", "org.example.note"), whole()),
        told(request("PHONE", "1", CROSS_SIGNING_MASTER), whole()),
        told(backup_request("1"), whole()),
    ];
    let too_many = (0..30).map(|_| told(backup_request("1"), whole())).last();
    reasons.extend(too_many);
    reasons
}

fn share_errors() -> Vec<ResponderError> {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    responder.allow(&incoming, 0).unwrap();
    let whole = seen_by_laptop;
    let blocked = with(laptop(), |device| device.blocked = true);
    let other = secret(CROSS_SIGNING_MASTER, &key(8));
    let mut refused =
        |value: &_, devices: OwnDevices| responder.take(&incoming, value, &devices, 0).unwrap_err();
    let mut errors = vec![
        refused(&backup_key(), seen_by_phone()),
        refused(&backup_key(), blocked),
        refused(&backup_key(), with_other_master(laptop())),
        refused(&other, whole()),
    ];
    let name = backup_key().name().clone();
    let text = backup_key().to_text();
    let unauthenticated = SecretValue::read(&name, text.expose_str().as_bytes()).unwrap().value;
    errors.extend(responder.take(&incoming, &unauthenticated, &whole(), 0).err());
    let shared = SecretBytes::init_with(|bytes| *bytes = [8; 32]);
    let shared = BackupDecryptionKey::shared_by_verified_device(shared, tablet().ed25519);
    errors.extend(responder.take(&incoming, &shared.to_secret(), &whole(), 0).err());
    let taken = responder.take(&incoming, &backup_key(), &whole(), 0).unwrap();
    let for_another = olm_for(&laptop(), &tablet());
    errors.extend(responder.encrypted(taken, for_another, &whole(), 0).err());
    let mut never = strongroom::secret_sharing::SharePolicy::default();
    never.rules.clear();
    let saved = responder.save();
    let mut strict = crate::machines::restart_responder(&saved, &never);
    errors.extend(strict.take(&incoming, &backup_key(), &whole(), 0).err());
    decide(&mut responder, &cancellation("PHONE", "1"), &whole(), 0);
    errors.extend(responder.take(&incoming, &backup_key(), &whole(), 0).err());
    errors
}

const ALGORITHM: &str = "m.megolm_backup.v1.curve25519-aes-sha2";

fn asking_errors() -> Vec<RequesterError> {
    let mut requester = requester();
    let refused = |requester: &mut Requester, to, devices: OwnDevices| {
        requester.request(MEGOLM_BACKUP_V1.into(), to, &devices, 0).unwrap_err()
    };
    let named = Some(vec!["X".into()]);
    let mut errors = vec![
        NoRandomness.into(),
        requester.request(ALGORITHM.into(), None, &seen_by_phone(), 0).unwrap_err(),
        refused(&mut requester, None, seen_by_laptop()),
        refused(&mut requester, None, seen_by(phone(), [])),
        refused(&mut requester, named, seen_by_phone()),
    ];
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let laptop = "LAPTOP".into();
    errors.extend(requester.retry(&id, &with_other_master(phone()), 0).err());
    errors.extend(requester.accept_unproven(&id, &laptop, &seen_by_phone(), 0).err());
    errors.extend(requester.retry(&id, &seen_by_phone(), DAY_MS).err());
    errors.push(contradicts_the_pin());
    errors
}

/// What is said of a master key that came before the host knew the identity, and is not its.
fn contradicts_the_pin() -> RequesterError {
    let mut requester = requester();
    let (to, unpinned) =
        (None, OwnDevices::new(USER.into(), phone()).with_device(verified(laptop())));
    let sent = requester.request(CROSS_SIGNING_MASTER.into(), to, &unpinned, 0).unwrap();
    let id = sent.request().request_id.clone();
    receive(&mut requester, &answer(&laptop(), &id, &key(8)), &unpinned, &PublicKeys::default(), 0);
    requester.accept_unproven(&id, &"LAPTOP".into(), &seen_by_phone(), 0).unwrap_err()
}

fn request_state_errors() -> Vec<RequesterError> {
    let mut requester = requester();
    let mut errors = vec![requester.cancel(&"nobody's".into()).unwrap_err()];
    let id = ask_with_seed(&mut requester, 1).unwrap();
    errors.extend(ask_with_seed(&mut requester, 1).err());
    errors.extend(requester.stored(&id).err());
    receive(&mut requester, &answer(&laptop(), &id, &key(8)), &seen_by_phone(), &known(8), 0);
    errors.extend(requester.cancel(&id).err());
    requester.stored(&id).unwrap();
    errors.extend(requester.stored(&id).err());
    let cancelled = ask(&mut requester, MEGOLM_BACKUP_V1);
    requester.cancel(&cancelled).unwrap();
    errors.extend(requester.cancel(&cancelled).err());
    let expired = ask(&mut requester, MEGOLM_BACKUP_V1);
    requester.expire(DAY_MS);
    errors.extend(requester.cancel(&expired).err());
    errors
}

fn answer_state_errors() -> Vec<ResponderError> {
    let mut responder = responder();
    let unknown = asked(&mut crate::kit::responder(), "unknown");
    let mut errors = vec![responder.allow(&unknown, 0).unwrap_err()];
    let incoming = asked(&mut responder, "1");
    errors.push(ignored(decide(&mut responder, &backup_request("1"), &seen_by_laptop(), 0)));
    responder.allow(&incoming, 0).unwrap();
    let taken = responder.take(&incoming, &backup_key(), &seen_by_laptop(), 0).unwrap();
    let content = olm_for(&laptop(), &phone());
    responder.encrypted(taken, content, &seen_by_laptop(), 0).unwrap();
    errors.extend(responder.allow(&incoming, 0).err());
    let refused = asked(&mut responder, "2");
    responder.refuse(&refused, 0).unwrap();
    errors.extend(responder.allow(&refused, 0).err());
    let cancelled = asked(&mut responder, "3");
    decide(&mut responder, &cancellation("PHONE", "3"), &seen_by_laptop(), 0);
    errors.extend(responder.allow(&cancelled, 0).err());
    errors
}

pub(crate) fn saved_state_errors() -> Vec<SavedStateError> {
    let error = |member: &str, value: Value| {
        let saved = requester().save();
        let mut saved: Value = serde_json::from_slice(saved.expose_bytes()).unwrap();
        saved[member] = value;
        let saved = strongroom::secret::SecretVec::from(saved.to_string().as_bytes());
        Requester::from_saved(&saved, USER.into(), "PHONE".into()).unwrap_err()
    };
    vec![
        error("requests", 7.into()),
        error("format", 9.into()),
        error("device_id", "LAPTOP".into()),
        error("part", "another".into()),
        StateKey::generate().unwrap().open(b"not sealed").unwrap_err(),
    ]
}

pub(crate) fn secret_send_errors() -> Vec<FormatError> {
    let mut limits = Limits::default();
    let read = |event_type, content: &str, limits: &Limits| {
        let event = decrypted(&laptop(), event_type, content);
        let (devices, keys) = (seen_by_phone(), PublicKeys::default());
        match dropped(requester().receive(&event, &devices, &keys, limits, 0)) {
            RequesterError::Content(error) => error,
            other => panic!("{other:?}"),
        }
    };
    let half = r#"{"request_id":"1","secret":"s","x":"\ud800"}"#;
    let mut errors = vec![
        read("m.dummy", "{}", &limits),
        read(SECRET_SEND, "[]", &limits),
        read(SECRET_SEND, r#"{"request_id":"1"}"#, &limits),
        read(SECRET_SEND, half, &limits),
    ];
    limits.secret_send_bytes = 1;
    errors.push(read(SECRET_SEND, "{}", &limits));
    errors
}

pub(crate) fn secret_request_errors() -> Vec<FormatError> {
    let mut limits = Limits::default();
    let read = |content: &str, limits: &Limits| {
        let content = JsonObject::from_json(content.as_bytes()).unwrap();
        SecretRequest::from_json(&content, limits).unwrap_err()
    };
    let half = r#"{"action":"a","request_id":"1","requesting_device_id":"P","x":"\ud800"}"#;
    let mut errors = vec![read("{}", &limits), read(half, &limits)];
    limits.secret_request_bytes = 1;
    errors.push(read("{}", &limits));
    errors
}

fn olm_payload_errors() -> Vec<RequesterError> {
    let mut responder = responder();
    let incoming = asked(&mut responder, "1");
    responder.allow(&incoming, 0).unwrap();
    let taken = responder.take(&incoming, &backup_key(), &seen_by_laptop(), 0).unwrap();
    let payload = taken.expose_olm_payload();
    let good: Value = serde_json::from_slice(payload.expose_bytes()).unwrap();
    let error = |member: &str, value: Value| {
        let mut payload = good.clone();
        payload[member] = value;
        let (payload, curve25519) = (payload.to_string(), laptop().curve25519);
        let devices = seen_by_phone();
        DecryptedToDevice::from_olm(USER.into(), curve25519, payload.as_bytes(), &devices)
            .unwrap_err()
    };
    let not_json =
        DecryptedToDevice::from_olm(USER.into(), laptop().curve25519, b"[]", &seen_by_phone());
    vec![
        not_json.unwrap_err(),
        error("keys", json!({})),
        error("sender", "@mallory:example.org".into()),
        error("recipient", "@mallory:example.org".into()),
        error("recipient_keys", json!({ "ed25519": tablet().ed25519.to_base64() })),
    ]
}

/// All that the requester says.
pub(crate) fn requester_errors() -> Vec<RequesterError> {
    let all = [drop_reasons(), asking_errors(), request_state_errors(), olm_payload_errors()];
    first_of_each(all.concat())
}

/// All that the responder says.
pub(crate) fn responder_errors() -> Vec<ResponderError> {
    first_of_each([ignore_reasons(), share_errors(), answer_state_errors()].concat())
}

/// What is wrong with the form of a decrypted message.
pub(crate) fn olm_format_errors() -> Vec<FormatError> {
    let format = |error| match error {
        RequesterError::Content(error) => Some(error),
        _ => None,
    };
    olm_payload_errors().into_iter().filter_map(format).collect()
}

fn first_of_each<E>(mut errors: Vec<E>) -> Vec<E> {
    let mut seen = HashSet::new();
    errors.retain(|error| seen.insert(mem::discriminant(error)));
    errors
}

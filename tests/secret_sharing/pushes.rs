//! What devices push to each other (MSC4385), from one that errs or lies to one that was switched off.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    encoding::format::{FormatError, FormatProblem},
    provenance::Provenance,
    secret::{SecretBytes, SecretVec},
    secret_sharing::{
        DecryptedToDevice, DeviceIdentity, DeviceProblem, OwnDevices, PushedSecret, RequesterError,
        ResponderError, SECRET_PUSH, SECRET_PUSH_UNSTABLE, SECRET_SEND, SecretPushes,
        SecretToEncrypt, SharePolicy, ShareRule,
    },
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_USER_SIGNING, DEHYDRATED_DEVICE, MEGOLM_BACKUP_V1,
        MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys, SecretCheckError, SecretValue,
    },
};

use crate::kit::{
    DAY_MS, USER, asked, backup_key, decrypted, identity, key, known, laptop, olm, olm_for, phone,
    responder, secret, seen_by, seen_by_laptop, seen_by_phone, tablet, verified, with,
    with_other_master,
};

type Taken = Result<Option<PushedSecret>, RequesterError>;

#[test]
fn a_key_that_a_verified_device_pushes_is_taken_if_it_fits() {
    for event_type in [SECRET_PUSH, SECRET_PUSH_UNSTABLE] {
        let content = content(MEGOLM_BACKUP_V1, &key(8));
        let event = decrypted(&laptop(), event_type, &content.to_string());
        let mut pushes = pushes();
        let pushed = receive(&mut pushes, &event, &seen_by_phone(), &known(8), 0);
        let pushed = pushed.unwrap().unwrap();
        assert_eq!((&pushed.secret, &pushed.from), (&backup_key(), &laptop()));
        let provenance = Provenance::SharedByVerifiedDevice(laptop().ed25519);
        assert_eq!(pushed.secret.provenance(), provenance);
        assert_eq!(pushes.learn(&seen_by_phone(), &known(8), 0), std::slice::from_ref(&pushed));
        pushes.stored(&pushed.secret);
        assert_eq!(pushes.learn(&seen_by_phone(), &known(8), 0), []);
    }
}

#[test]
fn nothing_is_taken_from_whom_the_user_does_not_trust() {
    use DeviceProblem::{Ambiguous, Blocked, Dehydrated, ThisDevice, Unknown, Unverified};
    let good = push(&laptop(), 8);
    let (whole, sender) = (seen_by_phone, RequesterError::Sender);
    let of = |curve25519: DeviceIdentity, ed25519: DeviceIdentity, user: &str| {
        let (curve25519, ed25519) = (curve25519.curve25519, ed25519.ed25519);
        let content = SecretVec::from(good.expose_content());
        let event_type = SECRET_PUSH_UNSTABLE;
        DecryptedToDevice::from_checked_parts(user.into(), curve25519, ed25519, event_type, content)
    };
    let twice = whole().with_device(verified(laptop()));
    let rows: Vec<(DecryptedToDevice, OwnDevices, RequesterError)> = vec![
        (good.clone(), with(phone(), |it| it.verified = false), sender(Unverified)),
        (good.clone(), with(phone(), |it| it.blocked = true), sender(Blocked)),
        (good.clone(), with(phone(), |it| it.dehydrated = true), sender(Dehydrated)),
        (good.clone(), twice, sender(Ambiguous)),
        (push(&identity("NOBODY", 7), 8), whole(), sender(Unknown)),
        (push(&phone(), 8), whole(), sender(ThisDevice)),
        // The session is another device's than the one that is claimed inside.
        (of(laptop(), tablet(), USER), whole(), sender(Unknown)),
        (of(tablet(), laptop(), USER), whole(), sender(Unknown)),
        (of(laptop(), laptop(), "@mallory:example.org"), whole(), RequesterError::OtherUser),
        (good.clone(), seen_by_laptop(), RequesterError::OtherAccount),
    ];
    for (event, devices, expected) in rows {
        let mut pushes = pushes();
        let before = pushes.save();
        let refused = receive(&mut pushes, &event, &devices, &known(8), 0);
        assert_eq!(refused, Err(expected));
        assert_eq!(pushes.learn(&whole(), &known(8), 0), []);
        let held = |saved: &SecretVec| {
            let saved: Value = serde_json::from_slice(saved.expose_bytes()).unwrap();
            saved["held"].clone()
        };
        assert_eq!(held(&pushes.save()), held(&before));
    }
}

#[test]
fn a_secret_that_no_public_key_could_show_to_be_the_accounts_is_not_taken() {
    let not_wanted = [
        (DEHYDRATED_DEVICE, key(8)),
        ("org.example.note", "a text".to_owned()),
        (MEGOLM_BACKUP_V1_RECOVERY_KEY, key(8)),
        ("m.megolm_backup.v1.curve25519-aes-sha2", key(8)),
        ("", key(8)),
    ];
    let mut policy = SharePolicy::without_questions();
    for (name, _) in &not_wanted[..2] {
        policy.rules.insert((*name).into(), ShareRule::Share);
    }
    for (name, text) in not_wanted {
        let mut pushes = SecretPushes::new(USER.into(), "PHONE".into(), policy.clone());
        let event = push_of(&laptop(), &content(name, &text));
        let refused = receive(&mut pushes, &event, &seen_by_phone(), &known(8), 0);
        assert_eq!(refused, Err(RequesterError::NotAsked), "{name}");
    }
    policy.rules.insert(MEGOLM_BACKUP_V1.into(), ShareRule::Never);
    let mut pushes = SecretPushes::new(USER.into(), "PHONE".into(), policy);
    let refused = receive(&mut pushes, &push(&laptop(), 8), &seen_by_phone(), &known(8), 0);
    assert_eq!(refused, Err(RequesterError::NotAsked), "the host does not want it");
}

#[test]
fn what_is_no_push_or_no_key_is_not_taken() {
    let mut pushes = pushes();
    let mut told = |event: &DecryptedToDevice| {
        receive(&mut pushes, event, &seen_by_phone(), &known(8), 0).unwrap_err()
    };
    let problem = |reason| match reason {
        RequesterError::Content(error) => error.problem,
        other => panic!("{other:?}"),
    };
    let sent = decrypted(&laptop(), SECRET_SEND, &content(MEGOLM_BACKUP_V1, &key(8)).to_string());
    assert_eq!(problem(told(&sent)), FormatProblem::OtherType);
    for (content, missing) in [
        (json!({ "secret": key(8) }), "name"),
        (json!({ "name": MEGOLM_BACKUP_V1 }), "secret"),
        (json!({ "name": MEGOLM_BACKUP_V1, "secret": 8 }), "secret"),
    ] {
        assert_eq!(problem(told(&push_of(&laptop(), &content))), FormatProblem::Missing(missing));
    }
    let large = content(MEGOLM_BACKUP_V1, &"A".repeat(Limits::default().secret_send_bytes));
    let large = problem(told(&push_of(&laptop(), &large)));
    assert!(matches!(large, FormatProblem::TooLarge { .. }), "{large:?}");
    let shape = told(&push_of(&laptop(), &content(MEGOLM_BACKUP_V1, "short")));
    assert!(matches!(shape, RequesterError::Shape(FormatError { .. })), "{shape:?}");
}

/// The pinned master key counts, and nobody pushes another identity.
#[test]
fn a_cross_signing_key_is_taken_only_if_it_is_the_users() {
    let mut keys = known(8);
    keys.user_signing = Some(identity("", 92).ed25519);
    for (name, byte, expected) in [
        (CROSS_SIGNING_MASTER, 90, None),
        (CROSS_SIGNING_USER_SIGNING, 92, None),
        (CROSS_SIGNING_MASTER, 91, Some(SecretCheckError::CrossSigningKey)),
        (CROSS_SIGNING_USER_SIGNING, 91, Some(SecretCheckError::CrossSigningKey)),
    ] {
        let event = push_of(&laptop(), &content(name, &key(byte)));
        let taken = receive(&mut pushes(), &event, &seen_by_phone(), &keys, 0);
        match expected {
            None => assert_eq!(taken.unwrap().unwrap().secret, secret(name, &key(byte))),
            Some(error) => assert_eq!(taken, Err(RequesterError::PublicKey(error))),
        }
    }
    // Until the key is known, it waits.
    let event = push_of(&laptop(), &content(CROSS_SIGNING_USER_SIGNING, &key(92)));
    let mut pushes = pushes();
    assert_eq!(receive(&mut pushes, &event, &seen_by_phone(), &known(8), 0), Ok(None));
    assert_eq!(pushes.learn(&seen_by_phone(), &keys, 0).len(), 1);
}

#[test]
fn keys_of_backups_that_were_not_seen_yet_wait_for_them_over_a_restart() {
    let mut pushes = pushes();
    for (from, byte) in [(laptop(), 8), (laptop(), 9), (tablet(), 10), (tablet(), 9)] {
        let taken = receive(&mut pushes, &push(&from, byte), &seen_by_phone(), &known(1), 0);
        assert_eq!(taken, Ok(None), "the backup of that key may be the next");
    }
    let again = receive(&mut pushes, &push(&laptop(), 8), &seen_by_phone(), &known(1), 0);
    assert_eq!(again, Err(RequesterError::Duplicate));
    let mut pushes = restart(&pushes);
    for byte in [8, 9, 10] {
        let fitting = pushes.learn(&seen_by_phone(), &known(byte), 0);
        assert_eq!(fitting.len(), 1, "one for each key, whoever pushed it");
        assert_eq!(fitting[0].secret, secret(MEGOLM_BACKUP_V1, &key(byte)));
    }
    assert_eq!(pushes.learn(&seen_by_phone(), &known(1), 0), []);
    pushes.stored(&secret(MEGOLM_BACKUP_V1, &key(9)));
    assert_eq!(pushes.learn(&seen_by_phone(), &known(9), 0), []);
    assert_eq!(pushes.learn(&seen_by_phone(), &known(10), 0).len(), 1);
}

#[test]
fn what_a_device_pushed_ends_with_its_trust_with_the_identity_and_after_a_week() {
    let held = || {
        let mut pushes = pushes();
        receive(&mut pushes, &push(&laptop(), 8), &seen_by_phone(), &known(1), 0).unwrap();
        pushes
    };
    for devices in [
        with(phone(), |it| it.blocked = true),
        with(phone(), |it| it.verified = false),
        seen_by(phone(), [tablet()]),
        with_other_master(phone()),
    ] {
        let mut pushes = held();
        assert_eq!(pushes.learn(&devices, &known(8), 1), []);
        assert_eq!(pushes.learn(&seen_by_phone(), &known(8), 1), [], "it was wiped");
    }
    assert_eq!(held().learn(&seen_by_phone(), &known(8), 7 * DAY_MS - 1).len(), 1);
    assert_eq!(held().learn(&seen_by_phone(), &known(8), 7 * DAY_MS), []);
}

#[test]
fn ten_thousand_pushes_take_no_more_room_than_a_few_and_nothing_of_another_device() {
    let mut pushes = pushes();
    receive(&mut pushes, &push(&tablet(), 8), &seen_by_phone(), &known(1), 0).unwrap();
    let mut lengths = Vec::new();
    for number in 0..10_000_u32 {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        let text = strongroom::encoding::base64::encode(&bytes);
        let event = push_of(&laptop(), &content(MEGOLM_BACKUP_V1, &text));
        assert_eq!(receive(&mut pushes, &event, &seen_by_phone(), &known(1), 0), Ok(None));
        lengths.push(length(&pushes));
    }
    assert!(lengths[10..].iter().all(|length| *length == lengths[10]), "{:?}", lengths.last());
    let of_tablet = pushes.learn(&seen_by_phone(), &known(8), 0);
    assert_eq!(of_tablet[0].from, tablet());
    // The newest is the one that counts.
    let newest = push(&laptop(), 9);
    receive(&mut pushes, &newest, &seen_by_phone(), &known(1), 0).unwrap();
    assert_eq!(pushes.learn(&seen_by_phone(), &known(9), 0).len(), 1);
}

#[test]
fn many_devices_take_no_more_room_than_256_keys() {
    let devices: Vec<_> = (0..100).map(|n| identity(&format!("D{n}"), 100 + n)).collect();
    let seen = devices
        .iter()
        .fold(seen_by_phone(), |seen, device| seen.with_device(verified(device.clone())));
    let mut pushes = pushes();
    for byte in 1..=4 {
        for device in &devices {
            receive(&mut pushes, &push(device, byte), &seen, &known(9), 0).unwrap();
        }
    }
    assert!(length(&pushes) < 256 * 600, "{}", length(&pushes));
    let saved: Value = serde_json::from_slice(pushes.save().expose_bytes()).unwrap();
    assert_eq!(saved["held"].as_array().unwrap().len(), 256);
    let newest = pushes.learn(&seen, &known(4), 0);
    assert_eq!(newest.len(), 1);
}

#[test]
fn a_new_key_goes_to_each_verified_device_once() {
    let mut laptop_pushes = laptop_pushes();
    let devices = seen_by_laptop();
    let mut got = Vec::new();
    while let Some(taken) = laptop_pushes.push(&backup_key(), &devices, 0).unwrap() {
        got.push(taken.device().device_id.as_str().to_owned());
        let content = olm(&taken);
        let message = laptop_pushes.encrypted(taken, content, &devices).unwrap();
        laptop_pushes.sent(&message);
    }
    assert_eq!(got, ["PHONE", "TABLET"]);
    let mut laptop_pushes = restart_laptop(&laptop_pushes);
    assert!(laptop_pushes.push(&backup_key(), &devices, 0).unwrap().is_none());
    // One that is verified later, and a phone that was logged in anew under its old ID.
    let more = devices.clone().with_device(verified(identity("WATCH", 5)));
    let watch = laptop_pushes.push(&backup_key(), &more, 0).unwrap().unwrap();
    assert_eq!(watch.device().device_id.as_str(), "WATCH");
    let anew = identity("PHONE", 6);
    let anew = seen_by(laptop(), [anew, tablet()]);
    assert!(laptop_pushes.push(&backup_key(), &anew, 0).unwrap().is_some());
    // Another key goes to all.
    let next = secret(MEGOLM_BACKUP_V1, &key(9));
    assert!(laptop_pushes.push(&next, &devices, 0).unwrap().is_some());
    let stale = watch;
    let content = olm(&stale);
    assert_eq!(laptop_pushes.encrypted(stale, content, &more), Err(ResponderError::Unknown));
}

#[test]
fn what_was_encrypted_and_not_sent_is_pushed_again_after_a_restart_alone() {
    let mut pushes = laptop_pushes();
    let devices = seen_by(laptop(), [phone()]);
    let taken = pushes.push(&backup_key(), &devices, 0).unwrap().unwrap();
    let twice = pushes.push(&backup_key(), &devices, 0).unwrap().unwrap();
    let message = pushes.encrypted(taken, olm_for(&laptop(), &phone()), &devices).unwrap();
    let refused = pushes.encrypted(twice, olm_for(&laptop(), &phone()), &devices);
    assert_eq!(refused, Err(ResponderError::AlreadyAnswered));
    assert!(pushes.push(&backup_key(), &devices, 0).unwrap().is_none());
    let mut restarted = restart_laptop(&pushes);
    assert!(restarted.push(&backup_key(), &devices, 0).unwrap().is_some());
    // What the homeserver refused is tried again, later.
    pushes.not_sent(&message, 0);
    assert!(pushes.push(&backup_key(), &devices, 599_999).unwrap().is_none());
    let taken = pushes.push(&backup_key(), &devices, 600_000).unwrap().unwrap();
    pushes.no_session(taken, 600_000);
    assert!(pushes.push(&backup_key(), &devices, 600_001).unwrap().is_none());
    assert!(pushes.push(&backup_key(), &devices, 1_200_000).unwrap().is_some());
}

#[test]
fn nothing_is_pushed_to_whom_the_user_does_not_trust() {
    for devices in [
        with(laptop(), |it| it.verified = false),
        with(laptop(), |it| it.blocked = true),
        with(laptop(), |it| it.dehydrated = true),
    ] {
        let mut pushes = laptop_pushes();
        let taken = pushes.push(&backup_key(), &devices, 0).unwrap().unwrap();
        assert_eq!(taken.device(), &tablet());
        let message = pushes.encrypted(taken, olm_for(&laptop(), &tablet()), &devices).unwrap();
        pushes.sent(&message);
        assert!(pushes.push(&backup_key(), &devices, 0).unwrap().is_none());
        // Nor is one that is blocked while the host encrypts.
        let whole = seen_by_laptop();
        let taken = pushes.push(&backup_key(), &whole, 0).unwrap().unwrap();
        let content = olm(&taken);
        let refused = pushes.encrypted(taken, content, &devices);
        assert!(matches!(refused, Err(ResponderError::Device(_))), "{refused:?}");
    }
}

#[test]
fn a_secret_that_nobody_vouches_for_or_wants_is_not_pushed() {
    let devices = seen_by_laptop();
    let text = backup_key().to_text();
    let read = SecretValue::read(backup_key().name(), text.expose_str().as_bytes());
    let shared = SecretBytes::init_with(|bytes| *bytes = [8; 32]);
    let shared = BackupDecryptionKey::shared_by_verified_device(shared, tablet().ed25519);
    for (value, expected) in [
        (read.unwrap().value, ResponderError::Unauthenticated),
        (shared.to_secret(), ResponderError::OnlyDevice),
        (secret(DEHYDRATED_DEVICE, &key(8)), ResponderError::NotShared),
        (secret("org.example.note", "a text"), ResponderError::NotShared),
    ] {
        assert_eq!(laptop_pushes().push(&value, &devices, 0).err(), Some(expected));
    }
    let mut policy = SharePolicy::default();
    policy.rules.insert(MEGOLM_BACKUP_V1.into(), ShareRule::Never);
    let mut pushes = SecretPushes::new(USER.into(), "LAPTOP".into(), policy);
    let refused = pushes.push(&backup_key(), &devices, 0).err();
    assert_eq!(refused, Some(ResponderError::NotShared));
    let refused = laptop_pushes().push(&backup_key(), &seen_by_phone(), 0).err();
    assert_eq!(refused, Some(ResponderError::OtherAccount));
}

#[test]
fn a_push_and_an_answer_are_not_taken_for_each_other() {
    let (mut pushes, devices) = (laptop_pushes(), seen_by_laptop());
    let mut responder = responder();
    let request = asked(&mut responder, "1");
    responder.allow(&request, 0).unwrap();
    let answer = responder.take(&request, &backup_key(), &devices, 0).unwrap();
    let pushed = pushes.push(&backup_key(), &devices, 0).unwrap().unwrap();
    assert_eq!((answer.event_type(), pushed.event_type()), (SECRET_SEND, SECRET_PUSH_UNSTABLE));
    let content = olm(&pushed);
    let refused = responder.encrypted(pushed, content.clone(), &devices, 0);
    assert_eq!(refused, Err(ResponderError::Unknown));
    assert_eq!(pushes.encrypted(answer, content, &devices), Err(ResponderError::Unknown));
    let pushed = pushes.push(&backup_key(), &devices, 0).unwrap().unwrap();
    assert_eq!(responder.no_session(pushed, 0), Err(ResponderError::Unknown));
    let pushed = pushes.push(&backup_key(), &devices, 0).unwrap().unwrap();
    let for_another = olm_for(&laptop(), &tablet());
    let refused = pushes.encrypted(pushed, for_another, &devices);
    assert_eq!(refused, Err(ResponderError::NotEncrypted));
}

#[test]
fn what_one_device_pushes_the_other_reads() {
    let mut pushes = laptop_pushes();
    let taken = pushes.push(&backup_key(), &seen_by_laptop(), 0).unwrap().unwrap();
    let event = through_olm(&taken, &laptop());
    assert_eq!(event.event_type(), SECRET_PUSH_UNSTABLE);
    let content: Value = serde_json::from_slice(event.expose_content()).unwrap();
    assert_eq!(content, json!({ "name": MEGOLM_BACKUP_V1, "secret": key(8) }));
    let got = receive(&mut self::pushes(), &event, &seen_by_phone(), &known(8), 0);
    assert_eq!(got.unwrap().unwrap().secret, backup_key());
}

#[test]
fn a_state_of_another_account_or_of_another_machine_is_not_taken_up() {
    let saved = pushes().save();
    let policy = SharePolicy::default;
    let of_other = SecretPushes::from_saved(&saved, USER.into(), "LAPTOP".into(), policy());
    assert!(of_other.is_err());
    let saved = responder().save();
    let of_other = SecretPushes::from_saved(&saved, USER.into(), "LAPTOP".into(), policy());
    assert!(of_other.is_err());
}

fn through_olm(taken: &SecretToEncrypt, from: &DeviceIdentity) -> DecryptedToDevice {
    let payload = taken.expose_olm_payload();
    let (user, devices) = (USER.into(), seen_by_phone());
    DecryptedToDevice::from_olm(user, from.curve25519, payload.expose_bytes(), &devices).unwrap()
}

fn content(name: &str, secret: &str) -> Value {
    json!({ "name": name, "secret": secret })
}

fn push_of(from: &DeviceIdentity, content: &Value) -> DecryptedToDevice {
    decrypted(from, SECRET_PUSH_UNSTABLE, &content.to_string())
}

/// The backup key of this byte.
fn push(from: &DeviceIdentity, byte: u8) -> DecryptedToDevice {
    push_of(from, &content(MEGOLM_BACKUP_V1, &key(byte)))
}

fn pushes() -> SecretPushes {
    SecretPushes::new(USER.into(), "PHONE".into(), SharePolicy::default())
}

fn laptop_pushes() -> SecretPushes {
    SecretPushes::new(USER.into(), "LAPTOP".into(), SharePolicy::default())
}

fn receive(
    pushes: &mut SecretPushes,
    event: &DecryptedToDevice,
    devices: &OwnDevices,
    keys: &PublicKeys,
    now: u64,
) -> Taken {
    pushes.receive(event, devices, keys, &Limits::default(), now)
}

fn restart(pushes: &SecretPushes) -> SecretPushes {
    let saved = pushes.save();
    let policy = SharePolicy::default();
    let restored = SecretPushes::from_saved(&saved, USER.into(), "PHONE".into(), policy).unwrap();
    assert_eq!(restored.save(), saved);
    restored
}

fn restart_laptop(pushes: &SecretPushes) -> SecretPushes {
    let policy = SharePolicy::default();
    SecretPushes::from_saved(&pushes.save(), USER.into(), "LAPTOP".into(), policy).unwrap()
}

fn length(pushes: &SecretPushes) -> usize {
    pushes.save().expose_bytes().len()
}

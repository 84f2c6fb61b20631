//! Keys that other devices push (MSC4385), at every stage, and this device's own on their way to them.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    client::{
        Awaited, RequestKind,
        backup::{Question, Reply, Stage},
    },
    crypto::ed25519::Ed25519Seed,
    encoding::{base64, json_object::JsonObject},
    secret::{SecretBytes, SecretVec},
    secret_sharing::{
        DecryptedToDevice, DeviceIdentity, OwnDevice, OwnDevices, RequesterError,
        SECRET_PUSH_UNSTABLE, SecretPushes, SecretToEncrypt, SharePolicy, ShareRule,
    },
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
    signed_json::TrustedSigner,
};

use crate::driver::{Driver, Lied, USER, lie_about, response, somebody_elses_key};

/// A device with its machine, what was pushed to it, and what it knows of the others.
struct Phone {
    driver: Driver,
    pushes: SecretPushes,
    devices: OwnDevices,
}

impl Phone {
    fn new() -> Self {
        let phone = identity("PHONE", 1);
        let devices = OwnDevices::new(USER.into(), phone)
            .with_device(verified("LAPTOP", 2))
            .with_device(verified("TABLET", 3));
        let pushes = SecretPushes::new(USER.into(), "PHONE".into(), SharePolicy::default());
        Self { driver: Driver::new(), pushes, devices }
    }

    fn set_up() -> Self {
        let mut phone = Self::new();
        phone.driver.set_up();
        phone
    }

    /// A device pushes a key; the host gives it to the machine, and time passes.
    fn gets(&mut self, from: &DeviceIdentity, key: &BackupDecryptionKey) {
        let taken = self.receives(from, key);
        assert!(taken.is_ok(), "{taken:?}");
        self.goes_on();
    }

    fn receives(
        &mut self,
        from: &DeviceIdentity,
        key: &BackupDecryptionKey,
    ) -> Result<(), RequesterError> {
        let text = key.to_base64();
        let content = json!({ "name": MEGOLM_BACKUP_V1, "secret": text.expose_str() }).to_string();
        let event = DecryptedToDevice::from_checked_parts(
            USER.into(),
            from.curve25519,
            from.ed25519,
            SECRET_PUSH_UNSTABLE,
            SecretVec::from(content.as_bytes()),
        );
        let (keys, limits, now) = (PublicKeys::default(), Limits::default(), self.driver.now);
        self.pushes.receive(&event, &self.devices, &keys, &limits, now).map(drop)
    }

    /// As a host does: after what came, and again when the machine has done its work.
    fn goes_on(&mut self) {
        for _ in 0..5 {
            self.exchange(true);
            self.driver.live(6_000);
        }
    }

    /// Gives the machine and the pushes to each other; returns the devices that got a key.
    fn exchange(&mut self, encrypts: bool) -> Vec<String> {
        let mut to = Vec::new();
        let Self { driver, pushes, devices } = self;
        while let Some(secret) = driver.machine.exchange_pushes(pushes, devices, driver.now) {
            assert!(to.len() < 10, "it comes to an end");
            to.push(secret.device().device_id.as_str().to_owned());
            if encrypts {
                let content = olm(&secret);
                let message = pushes.encrypted(secret, content, devices).unwrap();
                driver.machine.send_push(message);
            } else {
                pushes.no_session(secret, driver.now);
            }
        }
        to
    }

    fn restart(&mut self) {
        let (saved, policy) = (self.pushes.save(), SharePolicy::default());
        let restored = SecretPushes::from_saved(&saved, USER.into(), "PHONE".into(), policy);
        self.pushes = restored.unwrap();
        self.driver.restart();
    }

    fn used(&self) -> Option<String> {
        Some(self.driver.machine.trusted()?.public_key().to_base64())
    }

    /// To whom events went, and what was sent to them.
    fn sent(&mut self) -> Vec<(String, Value)> {
        let sent = std::mem::take(&mut self.driver.sent);
        sent.into_iter().filter(|(line, _)| line.starts_with("PUT /sendToDevice")).collect()
    }
}

#[test]
fn a_pushed_key_changes_no_stage_but_that_of_a_backup_nobody_vouched_for() {
    type Get = fn() -> Phone;
    let rows: [(&str, Get, [Stage; 2]); 8] = [
        // the stage before            pushed: the current key, another one
        ("Absent", absent, [Stage::Absent, Stage::Absent]),
        ("Untrusted", untrusted, [Stage::Running, Stage::Untrusted]),
        ("Changed", changed, [Stage::Changed, Stage::Changed]),
        ("Running", Phone::set_up, [Stage::Running, Stage::Running]),
        ("Signing", signing, [Stage::Running, Stage::Running]),
        ("Confirming", confirming, [Stage::Confirming, Stage::Confirming]),
        ("Disabling", disabling, [Stage::Disabling, Stage::Disabling]),
        ("Off", off, [Stage::Off, Stage::Off]),
    ];
    for (before, phone, after) in rows {
        for (byte, expected) in [9, 10].into_iter().zip(after) {
            let mut phone = phone();
            assert_eq!(format!("{:?}", phone.driver.machine.stage()), before);
            phone.gets(&laptop(), &somebody_elses_key(byte));
            assert_eq!(phone.driver.machine.stage(), expected, "{before}, {byte}");
            let is_taken = before == "Untrusted" && byte == 9;
            let key = somebody_elses_key(byte).public_key().to_base64();
            assert_eq!(phone.used() == Some(key), is_taken, "{before}, {byte}");
        }
    }
}

#[test]
fn a_new_backup_whose_key_is_pushed_is_a_question_and_used_after_the_reply_alone() {
    let mut phone = Phone::set_up();
    let used = phone.used();
    phone.driver.has_session();
    phone.goes_on();
    phone.driver.plant(&somebody_elses_key(9).public_key().to_base64());
    // The push comes before anything was seen of the backup, and makes this device look.
    phone.gets(&laptop(), &somebody_elses_key(9));
    assert_eq!(phone.driver.machine.stage(), Stage::Changed);
    let Question::Changed { found: Some(found), .. } = phone.driver.question() else { panic!() };
    assert_eq!(found.problem, None, "who holds the key and is verified vouches for it");
    phone.driver.has_session();
    // Nothing is answered by a second push, of either key, nor by a restart.
    phone.gets(&tablet(), &somebody_elses_key(9));
    phone.restart();
    phone.gets(&tablet(), &somebody_elses_key(10));
    assert_eq!((phone.driver.machine.stage(), phone.used()), (Stage::Changed, None));
    assert_ne!(phone.used(), used);
    // After a restart the key counts once the host has told that the device does.
    let signer = TrustedSigner::new("ed25519:LAPTOP".into(), laptop().ed25519);
    phone.driver.machine.set_signers(vec![signer]);
    phone.goes_on();
    phone.driver.reply(Reply::Use);
    assert_eq!(phone.used(), Some(somebody_elses_key(9).public_key().to_base64()));
    assert!(phone.driver.machine.has_key(), "nobody is asked for it");
}

#[test]
fn the_key_of_a_backup_that_was_given_up_brings_it_not_back() {
    let mut phone = Phone::set_up();
    let old = phone.driver.stored_key(strongroom::provenance::Provenance::KeptByHost);
    phone.driver.machine.rotate();
    phone.goes_on();
    let used = phone.used();
    assert_ne!(used, Some(old.public_key().to_base64()));
    phone.gets(&laptop(), &old);
    assert_eq!((phone.driver.machine.stage(), phone.used()), (Stage::Running, used));
    // Nor where the homeserver shows it again.
    phone.driver.plant(&old.public_key().to_base64());
    phone.gets(&tablet(), &old);
    assert_eq!((phone.driver.machine.stage(), phone.used()), (Stage::Changed, None));
    let Question::Changed { found: Some(found), .. } = phone.driver.question() else { panic!() };
    assert!(found.problem.is_some(), "it was given up");
}

#[test]
fn ten_thousand_pushes_cost_a_look_each_few_seconds_and_fill_no_state() {
    let mut phone = Phone::set_up();
    phone.goes_on();
    let before = phone.driver.machine.save().secret.expose_bytes().len();
    phone.driver.sent.clear();
    for number in 0..10_000_u32 {
        let bytes = SecretBytes::init_with(|bytes| {
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            bytes[31] = 7;
        });
        phone.receives(&laptop(), &BackupDecryptionKey::from_bytes(bytes)).unwrap();
        phone.exchange(true);
        phone.driver.pass(1);
    }
    let looks = phone.driver.requests();
    assert!(looks.len() <= 3, "{} in ten seconds", looks.len());
    assert_eq!(phone.driver.machine.save().secret.expose_bytes().len(), before);
    assert!(phone.pushes.save().expose_bytes().len() < 8_000);
}

#[test]
fn an_own_new_key_goes_to_each_verified_device_once_and_encrypted() {
    let mut phone = Phone::set_up();
    phone.goes_on();
    check_sent(&phone.sent(), &["LAPTOP", "TABLET"]);
    phone.restart();
    phone.goes_on();
    check_sent(&phone.sent(), &[]);
    phone.driver.machine.rotate();
    phone.goes_on();
    check_sent(&phone.sent(), &["LAPTOP", "TABLET"]);
    phone.devices = phone.devices.clone().with_device(verified("WATCH", 4));
    phone.goes_on();
    check_sent(&phone.sent(), &["WATCH"]);
}

#[test]
fn what_the_homeserver_does_not_take_is_sent_again_and_what_a_crash_took_is_pushed_again() {
    let mut phone = Phone::set_up();
    phone.driver.lie = lie_about("PUT /sendToDevice", 3, || Lied::Nothing);
    phone.exchange(true);
    phone.driver.run();
    let waiting = phone.driver.machine.waiting_for();
    let mut kinds = waiting.iter().map(|it| it.what);
    assert!(kinds.any(|it| it == Awaited::Request(RequestKind::PushSecret)), "{waiting:?}");
    phone.goes_on();
    let sent = phone.sent();
    assert_eq!(sent.len(), 5);
    assert!(sent[1..4].iter().all(|it| *it == sent[0]), "the same message and transaction");
    // Before anything was sent, everything is lost with the machine but that it is due.
    let mut phone = Phone::set_up();
    assert_eq!(phone.exchange(true), ["LAPTOP", "TABLET"]);
    phone.restart();
    phone.goes_on();
    check_sent(&phone.sent(), &["LAPTOP", "TABLET"]);
    // A homeserver that refuses one is not asked in a loop.
    let mut phone = Phone::set_up();
    phone.driver.lie = lie_about("PUT /sendToDevice", 1_000, || {
        response(403, r#"{"errcode":"M_FORBIDDEN","error":""}"#)
    });
    phone.goes_on();
    let sent = phone.sent();
    assert_eq!(sent.len(), 2, "{sent:?}");
}

#[test]
fn what_waits_is_not_sent_to_a_device_that_is_trusted_no_more_and_not_after_another_key() {
    let tablet = |change: fn(&mut OwnDevice)| {
        let mut tablet = verified("TABLET", 3);
        change(&mut tablet);
        tablet
    };
    let key = |it: &mut OwnDevice| it.identity = identity("TABLET", 5);
    let lists = [
        vec![],
        vec![tablet(|it| it.blocked = true)],
        vec![tablet(|it| it.verified = false)],
        vec![tablet(key)],
    ];
    for others in lists {
        // The device goes before anything was sent, or while the homeserver does not take it.
        for failures in [0, 3] {
            let mut phone = Phone::set_up();
            let with_laptop = OwnDevices::new(USER.into(), identity("PHONE", 1))
                .with_device(verified("LAPTOP", 2));
            phone.driver.lie = lie_about("PUT /sendToDevice", failures, || Lied::Nothing);
            assert_eq!(phone.exchange(true), ["LAPTOP", "TABLET"]);
            if failures > 0 {
                phone.driver.run();
            }
            let old = others.iter().cloned();
            phone.devices = old.fold(with_laptop, OwnDevices::with_device);
            phone.exchange(false);
            phone.goes_on();
            let sent = phone.sent();
            let old_key = identity("TABLET", 3).curve25519.to_base64();
            let mut bodies = sent.iter().map(|(_, body)| body.to_string());
            assert!(!bodies.any(|body| body.contains(&old_key)), "{failures} {others:?}");
            // The others get it.
            phone.devices = phone.devices.clone().with_device(verified("WATCH", 4));
            phone.goes_on();
            check_sent(&phone.sent(), &["WATCH"]);
        }
    }
    let mut phone = Phone::set_up();
    phone.driver.lie = lie_about("PUT /sendToDevice", 1_000, || Lied::Nothing);
    assert_eq!(phone.exchange(true), ["LAPTOP", "TABLET"]);
    phone.driver.machine.rotate();
    phone.driver.live(600_000);
    assert_eq!(phone.driver.machine.stage(), Stage::Running);
    let old: Vec<_> = phone.sent().into_iter().map(|(line, _)| line).collect();
    phone.exchange(true);
    phone.driver.lie = lie_about("nothing", 0, || Lied::Nothing);
    phone.driver.live(3_600_000);
    let sent = phone.sent();
    assert!(sent.iter().all(|(line, _)| !old.contains(line)), "the old key goes to nobody");
    check_sent(&sent, &["LAPTOP", "TABLET"]);
}

#[test]
fn without_an_olm_session_a_device_is_left_alone_for_ten_minutes() {
    let mut phone = Phone::set_up();
    assert_eq!(phone.exchange(false), ["LAPTOP", "TABLET"]);
    assert!(phone.exchange(false).is_empty());
    phone.driver.live(600_000);
    assert_eq!(phone.exchange(true), ["LAPTOP", "TABLET"]);
}

#[test]
fn a_key_that_was_not_made_here_or_that_the_host_does_not_want_pushed_is_not() {
    let mut phone = untrusted();
    phone.driver.give_key(somebody_elses_key(9));
    phone.driver.live(10_000);
    assert_eq!(phone.driver.machine.stage(), Stage::Running);
    assert!(phone.exchange(true).is_empty(), "it was typed");
    let mut phone = Phone::set_up();
    let mut policy = SharePolicy::default();
    policy.rules.insert(MEGOLM_BACKUP_V1.into(), ShareRule::Never);
    phone.pushes = SecretPushes::new(USER.into(), "PHONE".into(), policy);
    assert!(phone.exchange(true).is_empty());
    // Nor one of a backup that is not the one in use.
    let mut phone = changed();
    assert!(phone.exchange(true).is_empty());
}

/// Each event went encrypted to one of these devices, in this order.
#[track_caller]
fn check_sent(sent: &[(String, Value)], devices: &[&str]) {
    let to = sent.iter().map(|(line, body)| {
        assert!(line.starts_with("PUT /sendToDevice/m.room.encrypted/"), "{line}");
        let messages = body["messages"][USER].as_object().unwrap();
        assert_eq!(messages.len(), 1);
        let (device, content) = messages.iter().next().unwrap();
        assert_eq!(content["algorithm"], "m.olm.v1.curve25519-aes-sha2");
        device.as_str()
    });
    assert_eq!(to.collect::<Vec<_>>(), devices);
}

fn absent() -> Phone {
    let mut phone = Phone::new();
    phone.driver.run();
    phone
}

fn untrusted() -> Phone {
    let mut phone = Phone::new();
    phone.driver.plant(&somebody_elses_key(9).public_key().to_base64());
    phone.driver.run();
    phone
}

fn changed() -> Phone {
    let mut phone = Phone::set_up();
    phone.driver.plant(&somebody_elses_key(9).public_key().to_base64());
    phone.driver.machine.look_again();
    phone.driver.run();
    phone
}

fn signing() -> Phone {
    let mut phone = Phone::set_up();
    phone.driver.machine.rotate();
    phone
}

fn confirming() -> Phone {
    let mut phone = Phone::set_up();
    phone.driver.lie = lie_about("POST /room_keys/version", 1_000, || response(500, "{}"));
    phone.driver.machine.rotate();
    phone.driver.run();
    phone
}

fn disabling() -> Phone {
    let mut phone = Phone::set_up();
    phone.driver.lie = lie_about("DELETE /room_keys", 1_000, || response(500, "{}"));
    phone.driver.machine.disable();
    phone.driver.run();
    phone
}

fn off() -> Phone {
    let mut phone = untrusted();
    phone.driver.reply(Reply::Stop);
    phone
}

fn laptop() -> DeviceIdentity {
    identity("LAPTOP", 2)
}

fn tablet() -> DeviceIdentity {
    identity("TABLET", 3)
}

fn identity(id: &str, byte: u8) -> DeviceIdentity {
    let secret = || SecretBytes::init_with(|bytes| *bytes = [byte; 32]);
    DeviceIdentity {
        device_id: id.into(),
        curve25519: *BackupDecryptionKey::from_bytes(secret()).public_key().as_curve25519(),
        ed25519: Ed25519Seed::from_bytes(secret()).public_key(),
    }
}

fn verified(id: &str, byte: u8) -> OwnDevice {
    let identity = identity(id, byte);
    OwnDevice { identity, verified: true, blocked: false, dehydrated: false }
}

/// Something that looks like what Olm makes of a secret.
fn olm(secret: &SecretToEncrypt) -> JsonObject {
    let to = secret.device();
    let content = json!({
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": identity("PHONE", 1).curve25519.to_base64(),
        "ciphertext": { to.curve25519.to_base64(): { "type": 0, "body": base64::encode(secret.expose_content()) } },
    });
    JsonObject::from_json(content.to_string().as_bytes()).unwrap()
}

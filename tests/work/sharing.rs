//! Secret sharing: many devices, answers and requests.

use http::Response;
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::json;
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    client::{
        backup::{Backup, BackupOptions},
        flow::{Flow as _, ShareIn, Step},
    },
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Seed},
    },
    ids::DeviceId,
    secret::{SecretBytes, SecretVec},
    secret_sharing::{
        DecryptedToDevice, DeviceIdentity, OwnDevice, OwnDevices, Receipt, Requester, Responder,
        SECRET_REQUEST, SECRET_SEND, SharePolicy, ToDeviceEvent,
    },
    secret_storage::VerifiedPublicKeys,
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
};

use super::{
    Work,
    entries::{USER, answer as respond, event},
    measure,
};

fn bytes(n: usize) -> SecretBytes<32> {
    let n = u64::try_from(n).unwrap().to_le_bytes();
    SecretBytes::init_with(|bytes| bytes.iter_mut().zip(n).for_each(|(to, from)| *to = from))
}

pub(crate) fn signing_key(n: usize) -> Ed25519PublicKey {
    Ed25519Seed::from_bytes(bytes(n)).public_key()
}

/// Keys that nobody has to have, since nothing is signed with them.
fn identity(n: usize, ed25519: Ed25519PublicKey) -> DeviceIdentity {
    let mut curve25519 = [5; 32];
    curve25519[..8].copy_from_slice(&u64::try_from(n).unwrap().to_le_bytes());
    let curve25519 = Curve25519PublicKey::from_bytes(curve25519);
    DeviceIdentity { device_id: device_id(n), curve25519, ed25519 }
}

fn device_id(n: usize) -> DeviceId {
    format!("D{n}").as_str().into()
}

/// This device and so many others, all verified.
pub(crate) fn devices(count: usize) -> OwnDevices {
    let (ours, theirs) = (signing_key(1), signing_key(2));
    let devices = OwnDevices::new(USER.into(), identity(0, ours));
    let verified = |n| OwnDevice {
        identity: identity(n, theirs),
        verified: true,
        blocked: false,
        dehydrated: false,
    };
    (1..=count).map(verified).fold(devices, OwnDevices::with_device)
}

fn requester() -> Requester {
    Requester::new(USER.into(), device_id(0))
}

fn answer(from: &DeviceIdentity, id: &str, secret: &str) -> DecryptedToDevice {
    let content = json!({ "request_id": id, "secret": secret }).to_string();
    DecryptedToDevice::from_checked_parts(
        USER.into(),
        from.curve25519,
        from.ed25519,
        SECRET_SEND,
        SecretVec::from(content.as_bytes()),
    )
}

pub(crate) fn trusted(count: usize) -> Work {
    let devices = devices(count);
    (count * 100, Box::new(move || assert_eq!(devices.trusted().count(), count)))
}

/// All devices are asked, and asked again, by name and not; all answer, and nobody knows which answer is right.
pub(crate) fn requesting(count: usize) -> Work {
    let devices = devices(count);
    let run = move || {
        let mut requester = requester();
        let asked = requester.request(MEGOLM_BACKUP_V1.into(), None, &devices, 1);
        let id = asked.unwrap().request().request_id.clone();
        let (keys, limits) = (PublicKeys::default(), Limits::default());
        let secret = "A".repeat(43);
        requester.retry(&id, &devices, 1).unwrap();
        for from in devices.trusted() {
            let event = answer(&from.identity, id.as_str(), &secret);
            let receipt = requester.receive(&event, &devices, &keys, &limits, 1);
            assert!(matches!(receipt, Receipt::Kept { .. }), "{receipt:?}");
        }
        let named = devices.trusted().map(|device| device.identity.device_id.clone()).collect();
        let named = requester.request(MEGOLM_BACKUP_V1.into(), Some(named), &devices, 1);
        requester.retry(&named.unwrap().request().request_id, &devices, 1).unwrap();
        let saved = requester.save();
        let restored = Requester::from_saved(&saved, USER.into(), device_id(0));
        assert!(restored.unwrap().learn(&devices, &keys, 2).is_empty());
    };
    (count * 400, Box::new(run))
}

/// Each device asks once.
pub(crate) fn responding(count: usize) -> Work {
    let devices = devices(count);
    let run = move || {
        let policy = SharePolicy::without_questions();
        let mut responder = Responder::new(USER.into(), device_id(0), policy.clone());
        for n in 1..=count {
            let content = json!({
                "action": "request", "name": MEGOLM_BACKUP_V1, "request_id": "1",
                "requesting_device_id": device_id(n),
            });
            let event = ToDeviceEvent {
                sender: USER.into(),
                event_type: SECRET_REQUEST.into(),
                content: event(SECRET_REQUEST, &content).1,
            };
            drop(responder.receive(&event, &devices, &Limits::default(), 1));
        }
        assert_eq!(responder.waiting().count(), count);
        let saved = responder.save();
        let restored = Responder::from_saved(&saved, USER.into(), device_id(0), policy).unwrap();
        assert_eq!(restored.waiting().count(), count);
    };
    (count * 400, Box::new(run))
}

/// A flow that listens, with one device beside this one, once it knows the backup.
fn listening() -> (ShareIn, String) {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    let backup = Backup::new(USER.into(), device_id(0), options, limits);
    let names = vec![MEGOLM_BACKUP_V1.into()];
    let verified = VerifiedPublicKeys::none(USER.into());
    let mut flow = ShareIn::new(backup, requester(), devices(1), names, verified, limits);
    let key = BackupDecryptionKey::from_bytes(bytes(9)).public_key().to_base64();
    let version = json!({
        "version": "1", "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "count": 0, "etag": "1",
        "auth_data": { "public_key": key },
    });
    let (mut now, rng) = (1, &mut StdRng::seed_from_u64(1));
    for _ in 0..30 {
        match flow.next_with_rng(now, rng) {
            Step::Save(_) => flow.saved(),
            Step::Send(operation) => {
                let mut answer = respond(&operation, &Vec::new());
                let url = strongroom::api::BaseUrl::new("https://example.org").unwrap();
                let request = operation.to_http(&url, &"token".into()).unwrap();
                if request.uri().path().ends_with("/room_keys/version") {
                    answer = Response::new(version.to_string().into_bytes());
                }
                flow.answer(operation.id(), Some(answer), now).unwrap();
            }
            Step::Wait(until) => now = until.unwrap_or(now).min(now + 1_000),
            _ => {}
        }
    }
    let requester = flow.requester().unwrap();
    let id = requester.requests().next().map(|(id, ..)| id.to_string()).unwrap();
    (flow, id)
}

/// What was asked for comes again and again, and none of it is right.
pub(crate) fn sharing_in(count: usize) -> Work {
    let (mut flow, id) = listening();
    let from = identity(1, signing_key(2));
    let each = |n: usize| answer(&from, &id, bytes_in_base64(n).as_str());
    let events: Vec<_> = (0..count).map(each).collect();
    let run = move || {
        for event in &events {
            drop(flow.received(event, 1));
        }
        let saved = flow.requester().unwrap().save();
        Requester::from_saved(&saved, USER.into(), device_id(0)).unwrap();
    };
    (count * 150, Box::new(run))
}

fn bytes_in_base64(n: usize) -> String {
    strongroom::encoding::base64::encode(bytes(n + 1).expose_bytes())
}

/// Reading an answer, and deriving the public key of what is in it, takes memory in proportion to its length: what
/// does not come from a device of the user's that may answer takes none.
#[test]
fn what_a_stranger_sends_is_not_read() {
    let (mut flow, id) = listening();
    let mut costs = |from: &DeviceIdentity, length: usize| {
        let event = answer(from, &id, &"A".repeat(length));
        let (all, _) = measure(|| drop(flow.received(&event, 1)));
        all
    };
    let (stranger, ours) = (identity(7, signing_key(7)), identity(1, signing_key(2)));
    costs(&stranger, 10);
    let (short, long) = (costs(&stranger, 10), costs(&stranger, 60_000));
    assert_eq!(short, long);
    assert!(costs(&ours, 60_000) > 60_000);
}

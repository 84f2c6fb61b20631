//! A phone that asks, a laptop that is asked, a tablet, and what they know of each other.

use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    crypto::ed25519::Ed25519Seed,
    encoding::{base64, json_object::JsonObject},
    ids::{RequestId, SecretName},
    secret::{SecretBytes, SecretVec},
    secret_sharing::{
        AcceptedSecret, Decision, DecryptedToDevice, DeviceIdentity, IncomingRequest, OwnDevice,
        OwnDevices, Receipt, Requester, RequesterError, Responder, ResponderError, SECRET_REQUEST,
        SECRET_SEND, SecretToEncrypt, SharePolicy, ToDeviceEvent,
    },
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

pub(crate) const USER: &str = "@alice:example.org";
pub(crate) const DAY_MS: u64 = 86_400_000;

pub(crate) fn identity(id: &str, byte: u8) -> DeviceIdentity {
    let secret = || SecretBytes::init_with(|bytes| *bytes = [byte; 32]);
    DeviceIdentity {
        device_id: id.into(),
        curve25519: *BackupDecryptionKey::from_bytes(secret()).public_key().as_curve25519(),
        ed25519: Ed25519Seed::from_bytes(secret()).public_key(),
    }
}

pub(crate) fn phone() -> DeviceIdentity {
    identity("PHONE", 1)
}

pub(crate) fn laptop() -> DeviceIdentity {
    identity("LAPTOP", 2)
}

pub(crate) fn tablet() -> DeviceIdentity {
    identity("TABLET", 3)
}

pub(crate) fn verified(identity: DeviceIdentity) -> OwnDevice {
    OwnDevice { identity, verified: true, blocked: false, dehydrated: false }
}

/// What the phone knows: a laptop and a tablet, both verified.
pub(crate) fn seen_by_phone() -> OwnDevices {
    seen_by(phone(), [laptop(), tablet()])
}

pub(crate) fn seen_by_laptop() -> OwnDevices {
    seen_by(laptop(), [phone(), tablet()])
}

pub(crate) fn seen_by<const N: usize>(
    this: DeviceIdentity,
    others: [DeviceIdentity; N],
) -> OwnDevices {
    let devices = OwnDevices::new(USER.into(), this);
    let devices = devices.with_master_key(identity("", 90).ed25519);
    others.into_iter().fold(devices, |devices, other| devices.with_device(verified(other)))
}

/// A snapshot in which one device is as a test wants it.
pub(crate) fn with(this: DeviceIdentity, change: impl FnOnce(&mut OwnDevice)) -> OwnDevices {
    let other = if this.device_id.as_str() == "PHONE" { laptop() } else { phone() };
    let mut device = verified(other);
    change(&mut device);
    seen_by(this, [tablet()]).with_device(device)
}

/// The user made a new identity.
pub(crate) fn with_other_master(this: DeviceIdentity) -> OwnDevices {
    let other = if this.device_id.as_str() == "PHONE" { laptop() } else { phone() };
    let master = identity("", 91).ed25519;
    OwnDevices::new(USER.into(), this).with_master_key(master).with_device(verified(other))
}

/// The backup key of this byte, as it is sent.
pub(crate) fn key(byte: u8) -> String {
    base64::encode(&[byte; 32])
}

/// Public keys with that of the backup of this byte.
pub(crate) fn known(byte: u8) -> PublicKeys {
    let mut keys = PublicKeys::default();
    keys.backup = Some(identity("", byte).curve25519);
    keys
}

pub(crate) fn requester() -> Requester {
    Requester::new(USER.into(), "PHONE".into())
}

pub(crate) fn responder() -> Responder {
    Responder::new(USER.into(), "LAPTOP".into(), SharePolicy::default())
}

/// The phone asks both others.
pub(crate) fn ask(requester: &mut Requester, name: &str) -> RequestId {
    let name = SecretName::from(name);
    let request = requester.request(name, None, &seen_by_phone(), 0).unwrap();
    request.request().request_id.clone()
}

/// The phone asks both others, with the ID that this seed makes.
pub(crate) fn ask_with_seed(
    requester: &mut Requester,
    seed: u64,
) -> Result<RequestId, RequesterError> {
    let (name, to, rng) = (MEGOLM_BACKUP_V1.into(), None, &mut StdRng::seed_from_u64(seed));
    let request = requester.request_with_rng(name, to, &seen_by_phone(), 0, rng)?;
    Ok(request.request().request_id.clone())
}

/// What came out of an Olm session with this device.
pub(crate) fn decrypted(
    from: &DeviceIdentity,
    event_type: &str,
    content: &str,
) -> DecryptedToDevice {
    let content = SecretVec::from(content.as_bytes());
    let (curve25519, ed25519) = (from.curve25519, from.ed25519);
    DecryptedToDevice::from_checked_parts(USER.into(), curve25519, ed25519, event_type, content)
}

pub(crate) fn answer(from: &DeviceIdentity, id: &RequestId, secret: &str) -> DecryptedToDevice {
    let content = json!({ "request_id": id.as_str(), "secret": secret });
    decrypted(from, SECRET_SEND, &content.to_string())
}

/// The phone gets an event, at this time.
pub(crate) fn receive(
    requester: &mut Requester,
    event: &DecryptedToDevice,
    devices: &OwnDevices,
    keys: &PublicKeys,
    now: u64,
) -> Receipt {
    requester.receive(event, devices, keys, &Limits::default(), now)
}

#[track_caller]
pub(crate) fn dropped(receipt: Receipt) -> RequesterError {
    let Receipt::Dropped(dropped) = receipt else { panic!("{receipt:?}") };
    dropped.reason
}

#[track_caller]
pub(crate) fn accepted(receipt: Receipt) -> AcceptedSecret {
    let Receipt::Accepted(accepted) = receipt else { panic!("{receipt:?}") };
    *accepted
}

pub(crate) fn content(request: &Value) -> ToDeviceEvent {
    plain(USER, SECRET_REQUEST, request)
}

pub(crate) fn plain(sender: &str, event_type: &str, content: &Value) -> ToDeviceEvent {
    let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
    ToDeviceEvent { sender: sender.into(), event_type: event_type.into(), content }
}

/// A request of the device of this ID, by its own word.
pub(crate) fn request(device: &str, id: &str, name: &str) -> ToDeviceEvent {
    content(&json!({
        "action": "request",
        "name": name,
        "request_id": id,
        "requesting_device_id": device,
    }))
}

pub(crate) fn cancellation(device: &str, id: &str) -> ToDeviceEvent {
    content(&json!({
        "action": "request_cancellation",
        "request_id": id,
        "requesting_device_id": device,
    }))
}

/// The laptop gets an event, at this time.
pub(crate) fn decide(
    responder: &mut Responder,
    event: &ToDeviceEvent,
    devices: &OwnDevices,
    now: u64,
) -> Decision {
    responder.receive(event, devices, &Limits::default(), now)
}

/// The phone's request for the backup key, about which the user is asked.
pub(crate) fn asked(responder: &mut Responder, id: &str) -> IncomingRequest {
    let event = request("PHONE", id, MEGOLM_BACKUP_V1);
    match decide(responder, &event, &seen_by_laptop(), 0) {
        Decision::AskUser(incoming) => incoming,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn secret(name: &str, text: &str) -> SecretValue {
    SecretValue::kept_by_host(&name.into(), text.as_bytes()).unwrap().value
}

pub(crate) fn backup_key() -> SecretValue {
    secret(MEGOLM_BACKUP_V1, &key(8))
}

/// Something that looks like what Olm makes of a secret.
pub(crate) fn olm(secret: &SecretToEncrypt) -> JsonObject {
    olm_for(&laptop(), secret.device())
}

pub(crate) fn olm_for(from: &DeviceIdentity, to: &DeviceIdentity) -> JsonObject {
    let content = json!({
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": from.curve25519.to_base64(),
        "ciphertext": { to.curve25519.to_base64(): { "type": 0, "body": "AwogAAAA" } },
    });
    JsonObject::from_json(content.to_string().as_bytes()).unwrap()
}

pub(crate) fn text_of(secret: &SecretValue) -> String {
    secret.to_text().expose_str().to_owned()
}

#[track_caller]
pub(crate) fn ignored(decision: Decision) -> ResponderError {
    let Decision::Ignore(reason) = decision else { panic!("{decision:?}") };
    reason
}

pub(crate) fn backup_request(id: &str) -> ToDeviceEvent {
    request("PHONE", id, MEGOLM_BACKUP_V1)
}

//! Secret sharing: the machines, their events, their state and their errors.

use serde_json::json;
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    crypto::ed25519::Ed25519Seed,
    encoding::json_object::JsonObject,
    secret::SecretVec,
    secret_sharing::{
        AcceptedSecret, Decision, DecryptedToDevice, DeviceIdentity, DroppedAnswer,
        EncryptedSecretSend, EndedRequest, IncomingRequest, OwnDevice, OwnDevices, Receipt,
        Requester, RequesterError, Responder, ResponderError, SECRET_REQUEST, SecretToEncrypt,
        SharePolicy, ToDeviceEvent,
    },
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

use super::{Witness, run};
use crate::vault::{TOKEN, UNKNOWN_MEMBER, Vault, decryption_key, secret};

const USER: &str = "@a:b.org";
/// A secret without a public key.
const NOTE: &str = "org.example.note";

#[test]
fn machines_and_their_errors_do_not_print_what_is_shared() {
    run(look);
}

pub(crate) fn look(witness: &mut Witness, vault: &Vault) {
    look_at_the_responder(witness, vault);
    look_at_the_requester(witness, vault);
    look_at_what_cannot_be_read(witness, vault);
    #[cfg(feature = "unstable-msc4385")]
    look_at_pushes(witness, vault);
}

fn look_at_the_responder(witness: &mut Witness, vault: &Vault) {
    let devices = seen_by(&laptop(), &phone());
    let mut responder = Responder::new(USER.into(), "LAPTOP".into(), SharePolicy::default());
    let incoming = asked(&mut responder, &devices);
    let taken = |responder: &mut Responder| {
        let name = MEGOLM_BACKUP_V1.into();
        let backup_key =
            SecretValue::kept_by_host(&name, vault.key_base64.as_bytes()).unwrap().value;
        responder.take(&incoming, &backup_key, &devices, 0)
    };
    witness.error::<ResponderError>(taken(&mut responder).unwrap_err());
    responder.allow(&incoming, 0).unwrap();
    witness.debug::<SecretToEncrypt>(&taken(&mut responder).unwrap());
    let clear = taken(&mut responder).unwrap();
    let content = JsonObject::from_json(clear.expose_content()).unwrap();
    let not_encrypted = responder.encrypted(clear, content, &devices, 0).unwrap_err();
    witness.error::<ResponderError>(not_encrypted);
    let content = json!({
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": laptop().curve25519.to_base64(),
        "ciphertext": { phone().curve25519.to_base64(): { "type": 0, "body": "AwoAAAA" } },
    });
    let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
    let secret = taken(&mut responder).unwrap();
    let encrypted = responder.encrypted(secret, content, &devices, 0).unwrap();
    witness.debug::<EncryptedSecretSend>(&encrypted);
    witness.text(&format!("{responder:?}"));
}

fn asked(responder: &mut Responder, devices: &OwnDevices) -> IncomingRequest {
    let content = json!({
        "action": "request",
        "name": MEGOLM_BACKUP_V1,
        "request_id": "1",
        "requesting_device_id": "PHONE",
    });
    let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
    let (sender, event_type) = (USER.into(), SECRET_REQUEST.into());
    let event = ToDeviceEvent { sender, event_type, content };
    match responder.receive(&event, devices, &Limits::default(), 0) {
        Decision::AskUser(incoming) => incoming,
        other => panic!("{other:?}"),
    }
}

fn look_at_the_requester(witness: &mut Witness, vault: &Vault) {
    let devices = seen_by(&phone(), &laptop());
    let mut requester = Requester::new(USER.into(), "PHONE".into());
    let ask = |requester: &mut Requester, name: &str| {
        let request = requester.request(name.into(), None, &devices, 0).unwrap();
        request.request().request_id.clone()
    };
    let mut known = PublicKeys::default();
    known.backup = Some(*decryption_key().public_key().as_curve25519());
    let mut wrong = PublicKeys::default();
    wrong.backup = Some(laptop().curve25519);

    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let answer = event(&sent(id.as_str(), &vault.key_base64));
    let receive = |requester: &mut Requester, keys: &PublicKeys| {
        requester.receive(&answer, &devices, keys, &Limits::default(), 0)
    };
    look_at_receipt(witness, &receive(&mut requester, &wrong));
    look_at_receipt(witness, &receive(&mut requester, &PublicKeys::default()));
    witness.debug::<Requester>(&requester);
    for receipt in requester.learn(&devices, &known, 0) {
        look_at_receipt(witness, &receipt);
    }
    look_at_receipt(witness, &receive(&mut requester, &known));
    witness.debug(&requester.save());
    witness.error::<RequesterError>(requester.retry(&id, &devices, 0).unwrap_err());

    let id = ask(&mut requester, NOTE);
    let answer = event(&sent(id.as_str(), TOKEN));
    let nothing = PublicKeys::default();
    look_at_receipt(
        witness,
        &requester.receive(&answer, &devices, &nothing, &Limits::default(), 0),
    );
    let id = ask(&mut requester, MEGOLM_BACKUP_V1);
    let answer = event(&sent(id.as_str(), &vault.key_base64));
    requester.receive(&answer, &devices, &nothing, &Limits::default(), 0);
    witness.debug::<EndedRequest>(&requester.cancel(&id).unwrap());
}

fn look_at_receipt(witness: &mut Witness, receipt: &Receipt) {
    witness.debug(receipt);
    match receipt {
        Receipt::Accepted(accepted) => witness.debug::<AcceptedSecret>(accepted),
        Receipt::Dropped(dropped) => {
            witness.debug::<DroppedAnswer>(dropped);
            witness.error::<RequesterError>(dropped.reason.clone());
        }
        _ => {}
    }
}

fn look_at_what_cannot_be_read(witness: &mut Witness, vault: &Vault) {
    let good = sent("1", &vault.key_base64);
    witness.debug::<DecryptedToDevice>(&event(&good));
    let devices = seen_by(&phone(), &laptop());
    let receive = |content: &str, limits: &Limits| {
        let mut requester = Requester::new(USER.into(), "PHONE".into());
        requester.receive(&event(content), &devices, &PublicKeys::default(), limits, 0)
    };
    let mut limits = Limits::default();
    limits.secret_send_bytes = 20;
    look_at_receipt(witness, &receive(&good, &limits));
    for content in [
        format!("[{good}]"),
        good.replace("\"secret\"", "\"secrets\""),
        good.replace("secret\":", "secret\":0,\"was\":"),
        good.replace("hidden", "hidden\\ud800"),
        good.replace("[\"UNK", &format!("{}[\"UNK", "[".repeat(200)))
            .replace("hidden\"]", &format!("hidden\"]{}", "]".repeat(200))),
    ] {
        look_at_receipt(witness, &receive(&content, &Limits::default()));
        let payload = format!(r#"{{"content":{content},"type":"m.secret.send"}}"#);
        let from = laptop().curve25519;
        for payload in [payload.as_bytes(), content.as_bytes()] {
            let read = DecryptedToDevice::from_olm(USER.into(), from, payload, &devices);
            witness.error::<RequesterError>(read.unwrap_err());
        }
    }
}

fn sent(request_id: &str, secret: &str) -> String {
    json!({ "request_id": request_id, "secret": secret, "future": [UNKNOWN_MEMBER] }).to_string()
}

fn event(content: &str) -> DecryptedToDevice {
    let DeviceIdentity { curve25519, ed25519, .. } = laptop();
    let content = SecretVec::from(content.as_bytes());
    DecryptedToDevice::from_checked_parts(
        USER.into(),
        curve25519,
        ed25519,
        "m.secret.send",
        content,
    )
}

fn seen_by(this: &DeviceIdentity, other: &DeviceIdentity) -> OwnDevices {
    let (identity, verified) = (other.clone(), true);
    let other = OwnDevice { identity, verified, blocked: false, dehydrated: false };
    OwnDevices::new(USER.into(), this.clone()).with_device(other)
}

/// A user with one device, which has nobody to ask.
pub(crate) fn this_device_alone(user_id: &str) -> OwnDevices {
    OwnDevices::new(user_id.into(), phone())
}

fn phone() -> DeviceIdentity {
    identity("PHONE", 1)
}

fn laptop() -> DeviceIdentity {
    identity("LAPTOP", 2)
}

fn identity(id: &str, byte: u8) -> DeviceIdentity {
    DeviceIdentity {
        device_id: id.into(),
        curve25519: *BackupDecryptionKey::from_bytes(secret(&[byte; 32]))
            .public_key()
            .as_curve25519(),
        ed25519: Ed25519Seed::from_bytes(secret(&[byte; 32])).public_key(),
    }
}

#[cfg(feature = "unstable-msc4385")]
fn look_at_pushes(witness: &mut Witness, vault: &Vault) {
    use strongroom::secret_sharing::{PushedSecret, SECRET_PUSH, SecretPushes};
    let devices = seen_by(&phone(), &laptop());
    let mut pushes = SecretPushes::new(USER.into(), "PHONE".into(), SharePolicy::default());
    let mut known = PublicKeys::default();
    known.backup = Some(*decryption_key().public_key().as_curve25519());
    let limits = Limits::default();
    let push = |name: &str, secret: &str| {
        let content = json!({ "name": name, "secret": secret }).to_string();
        let content = SecretVec::from(content.as_bytes());
        let (curve25519, ed25519) = (laptop().curve25519, laptop().ed25519);
        DecryptedToDevice::from_checked_parts(
            USER.into(),
            curve25519,
            ed25519,
            SECRET_PUSH,
            content,
        )
    };
    let event = push(MEGOLM_BACKUP_V1, &vault.key_base64);
    let taken = pushes.receive(&event, &devices, &known, &limits, 0).unwrap().unwrap();
    witness.debug::<PushedSecret>(&taken);
    witness.debug::<SecretPushes>(&pushes);
    witness.debug(&pushes.save());
    for event in [event, push(MEGOLM_BACKUP_V1, TOKEN), push(NOTE, TOKEN)] {
        let refused = pushes.receive(&event, &devices, &known, &limits, 0);
        witness.error::<RequesterError>(refused.unwrap_err());
    }
    let name = MEGOLM_BACKUP_V1.into();
    let own = SecretValue::kept_by_host(&name, vault.key_base64.as_bytes()).unwrap().value;
    let secret = pushes.push(&own, &devices, 0).unwrap().unwrap();
    witness.debug::<SecretToEncrypt>(&secret);
    let content = JsonObject::from_json(secret.expose_content()).unwrap();
    witness.error::<ResponderError>(pushes.encrypted(secret, content, &devices).unwrap_err());
}

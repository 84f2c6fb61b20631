//! Secret sharing: both machines, and what comes out of Olm.

use serde_json::json;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo},
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519Seed},
    encoding::json_object::JsonObject,
    secret::SecretVec,
    secret_sharing::{
        Decision, DecryptedToDevice, DeviceIdentity, IncomingRequest, OwnDevice, OwnDevices,
        Receipt, Requester, RequesterError, Responder, SECRET_REQUEST, SharePolicy, ToDeviceEvent,
    },
    secret_storage::VerifiedPublicKeys,
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, PublicKeys},
    secrets_bundle::SecretsBundle,
    signed_json::{CrossSigningKey, CrossSigningUsage},
};

use crate::{
    leaves_nothing,
    machines::stored,
    saved_states::USER,
    vault::{KEY, TOKEN, UNKNOWN_MEMBER, Vault, decryption_key, secret},
};

/// A secret without a public key.
const NOTE: &str = "org.example.note";

fn identity(id: &str, byte: u8) -> DeviceIdentity {
    DeviceIdentity {
        device_id: id.into(),
        curve25519: *BackupDecryptionKey::from_bytes(secret(&[byte; 32]))
            .public_key()
            .as_curve25519(),
        ed25519: Ed25519Seed::from_bytes(secret(&[byte; 32])).public_key(),
    }
}

fn seen_by(this: DeviceIdentity, identity: DeviceIdentity) -> OwnDevices {
    let other = OwnDevice { identity, verified: true, blocked: false, dehydrated: false };
    let master = Ed25519Seed::from_bytes(secret(&[9; 32])).public_key();
    OwnDevices::new(USER.into(), this).with_master_key(master).with_device(other)
}

/// The devices of the user, as the one that asks has them.
pub(crate) fn seen_by_the_phone() -> OwnDevices {
    seen_by(identity("PHONE", 1), identity("LAPTOP", 2))
}

fn seen_by_the_laptop() -> OwnDevices {
    seen_by(identity("LAPTOP", 2), identity("PHONE", 1))
}

fn event(content: &str) -> DecryptedToDevice {
    let DeviceIdentity { curve25519, ed25519, .. } = identity("LAPTOP", 2);
    let content = SecretVec::from(content.as_bytes());
    let (sender, event_type) = (USER.into(), "m.secret.send");
    DecryptedToDevice::from_checked_parts(sender, curve25519, ed25519, event_type, content)
}

/// What the laptop answers.
pub(crate) fn answer(request_id: &str, secret: &str) -> DecryptedToDevice {
    event(&json!({ "request_id": request_id, "secret": secret }).to_string())
}

/// A requester with a request in every state: two are open, one of them with an answer.
pub(crate) fn requester() -> Requester {
    let (vault, devices) = (Vault::new(), seen_by_the_phone());
    let mut requester = Requester::new(USER.into(), "PHONE".into());
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let limits = Limits::default();
    let mut ask = |requester: &mut Requester, name: &str, to| {
        let asked = requester.request_with_rng(name.into(), to, &devices, 0, rng).unwrap();
        asked.request().request_id.clone()
    };
    let nothing = PublicKeys::default();
    for _ in 0..2 {
        let to = Some(vec!["LAPTOP".into()]);
        let id = ask(&mut requester, MEGOLM_BACKUP_V1, to);
        let sent = answer(id.as_str(), &vault.key_base64);
        let receipt = requester.receive(&sent, &devices, &nothing, &limits, 0);
        assert!(matches!(receipt, Receipt::Kept { .. }), "{receipt:?}");
    }
    for is_stored in [false, true] {
        let id = ask(&mut requester, NOTE, None);
        let sent = answer(id.as_str(), &vault.key_base64);
        let receipt = requester.receive(&sent, &devices, &nothing, &limits, 0);
        assert!(matches!(receipt, Receipt::Accepted(_)), "{receipt:?}");
        if is_stored {
            requester.stored(&id).unwrap();
        }
    }
    let id = ask(&mut requester, CROSS_SIGNING_MASTER, None);
    drop(requester.cancel(&id).unwrap());
    requester
}

/// The same, restored.
pub(crate) fn requester_of(saved: &SecretVec) -> Requester {
    Requester::from_saved(saved, USER.into(), "PHONE".into()).unwrap()
}

fn asked(responder: &mut Responder, name: &str) -> IncomingRequest {
    let content = json!({
        "action": "request", "name": name, "request_id": name, "requesting_device_id": "PHONE",
    });
    let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
    let (sender, event_type) = (USER.into(), SECRET_REQUEST.into());
    let event = ToDeviceEvent { sender, event_type, content };
    match responder.receive(&event, &seen_by_the_laptop(), &Limits::default(), 0) {
        Decision::AskUser(incoming) => incoming,
        other => panic!("{other:?}"),
    }
}

/// A responder with a request that is asked about, and one that was allowed.
pub(crate) fn responder() -> Responder {
    let mut responder = Responder::new(USER.into(), "LAPTOP".into(), SharePolicy::default());
    let incoming = asked(&mut responder, MEGOLM_BACKUP_V1);
    responder.allow(&incoming, 0).unwrap();
    asked(&mut responder, CROSS_SIGNING_MASTER);
    responder
}

#[test]
fn the_device_that_shares_leaves_nothing_encrypted_or_not() {
    let vault = Vault::new();
    let encrypted = json!({
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": identity("LAPTOP", 2).curve25519.to_base64(),
        "ciphertext": {
            identity("PHONE", 1).curve25519.to_base64(): { "type": 0, "body": "AwoAAAA" },
        },
    });
    let encrypted = JsonObject::from_json(encrypted.to_string().as_bytes()).unwrap();
    let plain = JsonObject::from_json(br#"{"secret":"not encrypted"}"#).unwrap();
    leaves_nothing(&vault, || {
        let (mut responder, devices) = (responder(), seen_by_the_laptop());
        let incoming = asked(
            &mut Responder::new(USER.into(), "LAPTOP".into(), SharePolicy::default()),
            MEGOLM_BACKUP_V1,
        );
        let take = |responder: &mut Responder| {
            let clear = responder.take(&incoming, &stored(&vault), &devices, 0).unwrap();
            drop(format!("{clear:?}"));
            drop(clear.expose_olm_payload());
            clear
        };
        let clear = take(&mut responder);
        responder.no_session(clear, 0).unwrap();
        let clear = take(&mut responder);
        assert!(responder.encrypted(clear, plain.clone(), &devices, 0).is_err());
        let clear = take(&mut responder);
        drop(responder.encrypted(clear, encrypted.clone(), &devices, 0).unwrap());
        assert!(responder.take(&incoming, &stored(&vault), &devices, 0).is_err());
        drop(format!("{responder:?}{:?}", responder.save()));
    });
}

#[test]
fn the_device_that_asks_leaves_nothing_whatever_is_answered() {
    let vault = Vault::new();
    let mut fitting = PublicKeys::default();
    fitting.backup = Some(*decryption_key().public_key().as_curve25519());
    let mut wrong = PublicKeys::default();
    wrong.backup = Some(Curve25519PublicKey::from_bytes([9; 32]));
    let limits = Limits::default();
    let secrets = [vault.key_base64.as_str(), TOKEN].map(str::to_owned);
    let secrets: Vec<_> = secrets.into_iter().chain(vault.malformed_keys()).collect();
    let saved = requester().save();
    let ids: Vec<_> = requester_of(&saved).requests().map(|(id, ..)| id.clone()).collect();
    let answers = ids.iter().flat_map(|id| secrets.iter().map(|text| answer(id.as_str(), text)));
    let answers: Vec<_> = answers.collect();
    leaves_nothing(&vault, || {
        let devices = seen_by_the_phone();
        for public_keys in [&wrong, &fitting, &PublicKeys::default()] {
            let mut requester = requester_of(&saved);
            for sent in &answers {
                let receipt = requester.receive(sent, &devices, public_keys, &limits, 1);
                drop(format!("{receipt:?}"));
            }
            drop(requester.learn(&devices, public_keys, 2));
            drop(requester.received(&devices).collect::<Vec<_>>());
            for id in &ids {
                let accepted = requester.accept_unproven(id, &"LAPTOP".into(), &devices, 3);
                drop(accepted.map(|accepted| drop(accepted.backup_key())));
                drop(requester.cancel(id));
                let _ = requester.stored(id);
            }
            drop(requester.expire(u64::MAX));
            drop(format!("{requester:?}"));
        }
    });
}

#[test]
fn what_comes_out_of_olm_leaves_nothing_whole_or_broken() {
    let vault = Vault::new();
    let (mut responder, laptop) = (responder(), seen_by_the_laptop());
    let incoming = asked(
        &mut Responder::new(USER.into(), "LAPTOP".into(), SharePolicy::default()),
        MEGOLM_BACKUP_V1,
    );
    let clear = responder.take(&incoming, &stored(&vault), &laptop, 0).unwrap();
    let whole = clear.expose_olm_payload();
    let text = str::from_utf8(whole.expose_bytes()).unwrap();
    let escaped: String = vault.key_base64.bytes().map(|it| format!("\\u{it:04x}")).collect();
    let mut payloads = vec![
        text.replace(&vault.key_base64, &escaped),
        text.replace("\"secret\"", &format!("\"{UNKNOWN_MEMBER}\"")),
        text.replace("\"secret\"", "\"s\\u0065cret\""),
        text.replace("\"secret\":", "\"secret\":0,\"other\":"),
        text.replace(
            "{\"content\":{",
            &format!("{{\"content\":{{\"future\":\"{UNKNOWN_MEMBER}\\n\","),
        ),
    ];
    // What is expected to be public, and has a secret in it.
    let values = [format!("\"{UNKNOWN_MEMBER}\""), format!("\"{UNKNOWN_MEMBER}\\n\"")];
    for name in ["sender", "recipient", "type", "keys", "recipient_keys", "content"] {
        for value in &values {
            payloads.push(text.replacen(
                &format!("\"{name}\":"),
                &format!("\"{name}\":{value},\"other\":"),
                1,
            ));
        }
    }
    payloads.extend((0..text.len()).step_by(7).map(|length| text[..length].to_owned()));
    let curve25519 = identity("LAPTOP", 2).curve25519;
    let mut read = 0;
    leaves_nothing(&vault, || {
        let devices = seen_by_the_phone();
        for payload in payloads.iter().map(String::as_str).chain([text]) {
            let event =
                DecryptedToDevice::from_olm(USER.into(), curve25519, payload.as_bytes(), &devices);
            drop(format!("{event:?}"));
            let Ok(event) = event else { continue };
            let (keys, limits) = (PublicKeys::default(), Limits::default());
            let mut requester = Requester::new(USER.into(), "PHONE".into());
            let receipt = requester.receive(&event, &devices, &keys, &limits, 0);
            drop(format!("{receipt:?}"));
            // It was read, and nobody has asked for it.
            read += usize::from(matches!(
                receipt,
                Receipt::Dropped(dropped) if dropped.reason == RequesterError::Unknown
            ));
        }
    });
    assert!(read > 3, "{read}");
}

/// A device has pushed a key, of which nothing is known yet.
#[cfg(feature = "unstable-msc4385")]
pub(crate) fn pushes() -> strongroom::secret_sharing::SecretPushes {
    let (vault, devices) = (Vault::new(), seen_by_the_phone());
    let policy = SharePolicy::default();
    let mut pushes =
        strongroom::secret_sharing::SecretPushes::new(USER.into(), "PHONE".into(), policy);
    let content = json!({ "name": MEGOLM_BACKUP_V1, "secret": vault.key_base64 }).to_string();
    let sent = answer("", "");
    let event = DecryptedToDevice::from_checked_parts(
        USER.into(),
        *sent.curve25519(),
        *sent.ed25519(),
        strongroom::secret_sharing::SECRET_PUSH,
        SecretVec::from(content.as_bytes()),
    );
    let (nothing, limits) = (PublicKeys::default(), Limits::default());
    assert_eq!(pushes.receive(&event, &devices, &nothing, &limits, 0), Ok(None));
    pushes
}

#[test]
fn a_secrets_bundle_leaves_nothing_whole_or_broken() {
    let vault = Vault::new();
    let key = &vault.key_base64;
    let whole = json!({
        "type": "m.login.secrets",
        "cross_signing": { "master_key": key, "self_signing_key": key, "user_signing_key": key },
        "backup": {
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "key": key,
            "backup_version": "1",
        },
        "future": UNKNOWN_MEMBER,
    });
    let whole = whole.to_string();
    let escaped: String = key.bytes().map(|it| format!("\\u{it:04x}")).collect();
    let mut texts = vec![
        whole.clone(),
        whole.replace(key, &escaped),
        whole.replace(key, &format!("{escaped}=")),
        whole.replace(key, &format!("{key}A")),
        whole.replace("m.login.secrets", key),
        whole.replace("m.megolm_backup.v1", &escaped),
        whole.replace("\"cross_signing\"", &format!("\"{escaped}\"")),
        whole.replace(
            "\"cross_signing\":{",
            &format!("\"cross_signing\":{{\"{escaped}\":1,\"{key}\":1,"),
        ),
    ];
    texts.extend((0..whole.len()).step_by(7).map(|length| whole[..length].to_owned()));
    let info = json!({
        "version": "1",
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": decryption_key().public_key().to_base64() },
    });
    let limits = Limits::default();
    let info = BackupVersionInfo::from_json(info.to_string().as_bytes(), &limits).unwrap();
    let verified = verified_keys();
    let (mut read, mut written) = (0, 0);
    leaves_nothing(&vault, || {
        for text in &texts {
            let bundle = SecretsBundle::from_verified_channel(text.as_bytes(), &limits);
            drop(format!("{bundle:?}"));
            let Ok(bundle) = bundle else { continue };
            read += 1;
            drop(bundle.public_keys());
            drop(SecretsBundle::new(bundle.secrets()).unwrap());
            let json = bundle.to_json(&verified, [&info]);
            written += usize::from(json.is_ok_and(|json| json.expose_bytes().len() > 300));
            drop(bundle.verify(&verified).unwrap());
        }
    });
    assert!(read >= 3 && written == read, "{read}, {written}");
}

/// One key for all three, which has signed itself.
fn verified_keys() -> VerifiedPublicKeys {
    let limits = Limits::default();
    let master = Ed25519Seed::from_bytes(secret(&KEY)).public_key();
    let signing = vodozemac::Ed25519SecretKey::from_slice(&KEY);
    let key = master.to_base64();
    let mut verified = VerifiedPublicKeys::with_master(USER.into(), master);
    for (name, usage) in [
        ("self_signing", CrossSigningUsage::SelfSigning),
        ("user_signing", CrossSigningUsage::UserSigning),
    ] {
        let object = format!(
            r#"{{"keys":{{"ed25519:{key}":"{key}"}},"usage":["{name}"],"user_id":"{USER}"}}"#
        );
        let signature = signing.sign(object.as_bytes()).to_base64();
        let mut signed: serde_json::Value = serde_json::from_str(&object).unwrap();
        signed["signatures"] = json!({ USER: { format!("ed25519:{key}"): signature } });
        let signed = CrossSigningKey::from_json(&USER.into(), usage, &signed.to_string(), &limits);
        verified.add_cross_signing_key(&signed.unwrap(), &limits).unwrap();
    }
    verified
}

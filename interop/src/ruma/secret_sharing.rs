//! The events of secret sharing beside ruma's: what we write it reads, and the other way round.

use ruma::events::{
    AnyToDeviceEvent, OlmV1Keys,
    room::encrypted::{EncryptedEventScheme, ToDeviceRoomEncryptedEventContent},
    secret::{
        request::{
            RequestAction, SecretName as RumaName, SecretRequestAction as RumaRequestAction,
            ToDeviceSecretRequestEventContent,
        },
        send::ToDeviceSecretSendEventContent,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json, value::to_raw_value};
use strongroom::{
    Limits,
    encoding::json_object::JsonObject,
    ids::SecretName,
    secret_sharing::{SECRET_SEND, SecretRequest},
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        MEGOLM_BACKUP_V1,
    },
};

use crate::{
    host::Result,
    household::{ALICE, BACKUP_KEY, Household, accepted, backup_key},
};

#[test]
fn our_request_and_its_cancellation_are_those_of_ruma() -> Result<()> {
    let mut house = Household::new(1)?;
    let request = house.ask()?;
    let theirs: ToDeviceSecretRequestEventContent = read(&request.content())?;
    let RequestAction::Request(action) = &theirs.action else { panic!("{theirs:?}") };
    assert_eq!(action.name, RumaName::RecoveryKey);
    assert_eq!(theirs.requesting_device_id, "PHONE");
    assert_eq!(theirs.request_id.as_str(), request.request().request_id.as_str());
    assert_eq!(written(&theirs), value(&request.content()));

    let ended = house.requester.cancel(&request.request().request_id)?;
    let cancellation = ended.cancellation.unwrap();
    let theirs: ToDeviceSecretRequestEventContent = read(&cancellation.content())?;
    assert!(matches!(theirs.action, RequestAction::RequestCancellation));
    assert_eq!(written(&theirs), value(&cancellation.content()));
    Ok(())
}

#[test]
fn a_request_of_ruma_is_read_with_its_name_and_written_back_as_it_was() -> Result<()> {
    let names = [
        (RumaName::CrossSigningMasterKey, CROSS_SIGNING_MASTER),
        (RumaName::CrossSigningSelfSigningKey, CROSS_SIGNING_SELF_SIGNING),
        (RumaName::CrossSigningUserSigningKey, CROSS_SIGNING_USER_SIGNING),
        (RumaName::RecoveryKey, MEGOLM_BACKUP_V1),
        ("org.example.secret".into(), "org.example.secret"),
    ];
    let (device, id) = (|| "PHONE".into(), || "id 1".into());
    let mut rows: Vec<_> = names
        .into_iter()
        .map(|(theirs, ours)| {
            let theirs = RequestAction::Request(RumaRequestAction::new(theirs));
            (theirs, SecretRequest::new(SecretName::from(ours), device(), id()))
        })
        .collect();
    let cancellation = SecretRequest::cancellation(device(), id());
    rows.push((RequestAction::RequestCancellation, cancellation));
    for (theirs, ours) in rows {
        let theirs = ToDeviceSecretRequestEventContent::new(theirs, "PHONE".into(), "id 1".into());
        let read = SecretRequest::from_json(&object(&theirs), &Limits::default())?;
        assert_eq!(read, ours);
        assert_eq!(value(&read.to_json()), written(&theirs));
    }
    Ok(())
}

#[test]
fn an_action_that_neither_knows_survives_on_both_sides() -> Result<()> {
    let content = json!({"action": "dance", "requesting_device_id": "PHONE", "request_id": "1"});
    let theirs: ToDeviceSecretRequestEventContent = serde_json::from_value(content.clone())?;
    let ours = SecretRequest::from_json(&object(&content), &Limits::default())?;
    assert!(ours.name().is_none() && !ours.is_cancellation(), "{ours:?}");
    assert_eq!(value(&ours.to_json()), written(&theirs));
    Ok(())
}

#[test]
fn what_we_encrypt_is_an_event_for_ruma_with_the_keys_of_both_devices() -> Result<()> {
    #[derive(Deserialize)]
    struct Around {
        recipient: ruma::OwnedUserId,
        recipient_keys: OlmV1Keys,
        keys: OlmV1Keys,
    }
    let mut house = Household::new(1)?;
    let asked = house.ask()?;
    let request = house.laptop_allows()?;
    let secret = house.laptop_takes(&request)?;
    let payload = secret.expose_olm_payload();

    let event: AnyToDeviceEvent = serde_json::from_slice(payload.expose_bytes())?;
    let AnyToDeviceEvent::SecretSend(event) = event else { panic!("it is another event") };
    assert_eq!(event.sender, ALICE);
    assert_eq!(event.content.request_id.as_str(), asked.request().request_id.as_str());
    assert_eq!(event.content.secret, BACKUP_KEY);
    assert_eq!(written(&event.content), serde_json::from_slice::<Value>(secret.expose_content())?);

    let around: Around = serde_json::from_slice(payload.expose_bytes())?;
    assert_eq!(around.recipient, ALICE);
    assert_eq!(around.recipient_keys.ed25519, house.phone.identity().ed25519.to_base64());
    assert_eq!(around.keys.ed25519, house.laptop.device.identity().ed25519.to_base64());
    Ok(())
}

#[test]
fn what_we_send_is_an_olm_event_for_ruma_to_the_one_device() -> Result<()> {
    let mut house = Household::new(1)?;
    house.ask()?;
    let sealed = house.laptop_shares()?;
    let theirs: ToDeviceRoomEncryptedEventContent = read(sealed.content())?;
    let EncryptedEventScheme::OlmV1Curve25519AesSha2(olm) = &theirs.scheme else {
        panic!("it is another algorithm");
    };
    assert_eq!(olm.sender_key, house.laptop.device.identity().curve25519.to_base64());
    let recipients: Vec<_> = olm.ciphertext.keys().collect();
    assert_eq!(recipients, [&house.phone.identity().curve25519.to_base64()]);
    Ok(())
}

#[test]
fn a_secret_that_ruma_wrote_is_read() -> Result<()> {
    let mut house = Household::new(1)?;
    let asked = house.ask()?;
    let id = asked.request().request_id.as_str();
    let theirs = ToDeviceSecretSendEventContent::new(id.into(), BACKUP_KEY.to_owned());
    let (laptop, phone) = (house.laptop.device.identity(), house.phone.identity());
    let payload = json!({
        "type": SECRET_SEND,
        "content": theirs,
        "sender": ALICE,
        "recipient": ALICE,
        "recipient_keys": OlmV1Keys::new(phone.ed25519.to_base64()),
        "keys": OlmV1Keys::new(laptop.ed25519.to_base64()),
    });
    house.laptop_sends_payload(payload.to_string().as_bytes())?;
    assert_eq!(accepted(house.receipt()?)?.secret.value, backup_key()?);
    Ok(())
}

/// Reads ours as theirs.
fn read<T: DeserializeOwned>(content: &JsonObject) -> Result<T> {
    Ok(serde_json::from_slice(content.as_bytes())?)
}

/// What ruma writes.
fn written(theirs: &impl Serialize) -> Value {
    serde_json::to_value(theirs).unwrap()
}

fn value(ours: &JsonObject) -> Value {
    serde_json::from_slice(ours.as_bytes()).unwrap()
}

/// Takes theirs as it is written.
fn object(theirs: &impl Serialize) -> JsonObject {
    JsonObject::from_json(to_raw_value(theirs).unwrap().get().as_bytes()).unwrap()
}

//! Secret sharing with real encryption: the events go through Olm sessions of vodozemac and over the in-memory
//! homeserver.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use crate::host::{Device, Received, Result};
use crate::household::{
    ALICE, BACKUP_KEY, Household, Whose, accepted, backup_key, dropped, send_encrypted,
    send_payload,
};
use http::Method;
use serde_json::{Value, json};
use strongroom::{
    encoding::{format::FormatProblem, json_object::JsonObject},
    ids::UserId,
    secret_sharing::{
        AnswerState, Decision, DeviceProblem, RequestState, RequesterError, ResponderError,
        SecretToEncrypt,
    },
};

#[test]
fn a_secret_goes_from_device_to_device_and_the_others_hear_that_it_did() -> Result<()> {
    let mut house = Household::new(10)?;
    let asked = house.ask()?;
    assert_eq!(asked.device_ids(), ["LAPTOP".into(), "TABLET".into()]);
    let on_tablet = house.decisions(Whose::Tablet)?;
    let [Decision::AskUser(question)] = &on_tablet[..] else { panic!("{on_tablet:?}") };
    assert_eq!(question.device, *house.phone.identity());

    let sealed = house.laptop_shares()?;
    assert!(!sealed.content().as_str().contains(BACKUP_KEY));
    let accepted = accepted(house.receipt()?)?;
    assert_eq!(accepted.secret.value, backup_key()?);
    assert_eq!(accepted.secret.value.to_text().expose_str(), BACKUP_KEY);
    assert!(accepted.belongs_to_public_key);
    assert_eq!(accepted.from, *house.laptop.device.identity());
    house.requester.stored(&accepted.request_id)?;

    let cancellation = accepted.cancellation.ok_or("the tablet has to hear of it")?;
    assert_eq!(cancellation.device_ids(), ["TABLET".into()]);
    house.phone.send_request(&mut house.server, &cancellation)?;
    assert_eq!(house.decisions(Whose::Tablet)?, [Decision::Withdraw(question.clone())]);
    let too_late = house.tablet.responder.allow(question, 0);
    assert_eq!(too_late, Err(ResponderError::Cancelled));
    assert_eq!(house.decisions(Whose::Laptop)?, []);
    Ok(())
}

#[test]
fn an_answer_is_dropped_if_the_session_is_not_that_of_the_device_it_names() -> Result<()> {
    let mut house = Household::new(10)?;
    house.ask()?;
    let request = house.laptop_allows()?;
    // What the laptop would send, which an attacker can make up but for the secret.
    let real = payload(&house.laptop_takes(&request)?)?;
    let mut attacker = Device::log_in(&mut house.server, &ALICE.into(), "ATTACKER", 0)?;
    let own_key = attacker.identity().ed25519.to_base64();
    for (claimed, problem) in [
        (real.clone(), DeviceProblem::Unknown),
        (with(&real, "/keys/ed25519", json!(own_key)), DeviceProblem::Unverified),
    ] {
        send_to_phone(&mut house, &mut attacker, ALICE, &claimed)?;
        let dropped = dropped(house.receipt()?)?;
        assert_eq!(dropped.reason, RequesterError::Sender(problem), "{claimed}");
        assert_eq!(dropped.device_id, None);
    }
    assert_eq!(house.requester.state(&request.request_id), Some(RequestState::Open));
    Ok(())
}

#[test]
fn an_answer_sent_on_or_again_is_not_decrypted_and_one_handed_in_twice_is_dropped() -> Result<()> {
    let mut house = Household::new(10)?;
    house.ask()?;
    let request = house.laptop_allows()?;
    let secret = house.laptop_takes(&request)?;
    let content = house.laptop_encrypts(&secret)?.ok_or("there is a one-time key")?;
    let (alice, phone) = (UserId::from(ALICE), house.phone.identity().clone());
    let mut attacker = Device::log_in(&mut house.server, &alice, "ATTACKER", 0)?;
    let own_key = json!(attacker.identity().curve25519.to_base64());
    let as_own = object(&with(&json(&content)?, "/sender_key", own_key))?;
    send_encrypted(&mut attacker, &mut house.server, &alice, &phone, as_own)?;
    house.laptop_sends(secret, content.clone())?;
    send_encrypted(&mut attacker, &mut house.server, &alice, &phone, content)?;

    let received = house.phone_receives()?;
    let [Received::Undecryptable, answer, Received::Undecryptable] = &received[..] else {
        panic!("the one in the middle alone is decrypted");
    };
    assert_eq!(accepted(house.receipt_for(answer)?)?.secret.value, backup_key()?);
    let again = dropped(house.receipt_for(answer)?)?;
    assert_eq!(again.reason, RequesterError::AlreadyReceived);
    Ok(())
}

#[test]
fn a_payload_that_names_another_sender_or_recipient_is_refused() -> Result<()> {
    let mut house = Household::new(10)?;
    house.ask()?;
    let request = house.laptop_allows()?;
    let real = payload(&house.laptop_takes(&request)?)?;
    let other_key = json!({ "ed25519": house.laptop.device.identity().ed25519.to_base64() });
    for (member, value, error) in [
        ("sender", json!("@mallory:example.org"), RequesterError::OtherSender),
        (
            "sender",
            json!(7),
            RequesterError::Content(FormatProblem::Unusable("sender").of("the decrypted message")),
        ),
        ("recipient", json!("@mallory:example.org"), RequesterError::OtherRecipient),
        (
            "recipient",
            Value::Null,
            RequesterError::Content(
                FormatProblem::Unusable("recipient").of("the decrypted message"),
            ),
        ),
        ("recipient_keys", other_key.clone(), RequesterError::OtherRecipientKey),
        (
            "recipient_keys",
            json!({}),
            RequesterError::Content(
                FormatProblem::Unusable("recipient_keys").of("the decrypted message"),
            ),
        ),
        (
            "keys",
            json!({ "ed25519": "short" }),
            RequesterError::Content(FormatProblem::Unusable("keys").of("the decrypted message")),
        ),
        (
            "type",
            json!(["m.secret.send"]),
            RequesterError::Content(FormatProblem::Unusable("type").of("the decrypted message")),
        ),
        (
            "content",
            json!("text"),
            RequesterError::Content(FormatProblem::Unusable("content").of("the decrypted message")),
        ),
    ] {
        let changed = with(&real, &format!("/{member}"), value);
        house.laptop_sends_payload(changed.to_string().as_bytes())?;
        assert_eq!(refusal(&mut house)?, error, "{changed}");
    }
    house.laptop_sends_payload(b"[]")?;
    assert_eq!(
        refusal(&mut house)?,
        RequesterError::Content(FormatProblem::NotAnObject.of("the decrypted message"))
    );
    house.laptop_sends_payload(real.to_string().as_bytes())?;
    assert_eq!(accepted(house.receipt()?)?.secret.value, backup_key()?);
    Ok(())
}

#[test]
fn another_user_is_not_believed_whoever_the_payload_names() -> Result<()> {
    let mut house = Household::new(10)?;
    house.ask()?;
    let request = house.laptop_allows()?;
    let real = payload(&house.laptop_takes(&request)?)?;
    let mallory = "@mallory:example.org";
    let mut device = Device::log_in(&mut house.server, &mallory.into(), "LAPTOP", 0)?;
    send_to_phone(&mut house, &mut device, mallory, &real)?;
    assert_eq!(refusal(&mut house)?, RequesterError::OtherSender);

    let honest = with(&real, "/sender", json!(mallory));
    send_to_phone(&mut house, &mut device, mallory, &honest)?;
    assert_eq!(dropped(house.receipt()?)?.reason, RequesterError::OtherUser);
    Ok(())
}

#[test]
fn without_a_one_time_key_the_secret_waits_for_one() -> Result<()> {
    let mut house = Household::new(0)?;
    house.ask()?;
    let request = house.laptop_allows()?;
    for attempt in 0..2 {
        let secret = house.laptop_takes(&request)?;
        assert!(house.laptop_encrypts(&secret)?.is_none(), "attempt {attempt}");
        house.laptop.responder.no_session(secret, 0)?;
    }
    let waiting: Vec<_> = house.laptop.responder.waiting().collect();
    assert_eq!(waiting, [(request.clone(), AnswerState::Allowed)]);
    assert!(house.phone_receives()?.is_empty());

    house.phone.publish_one_time_keys(&mut house.server, 1)?;
    let secret = house.laptop_takes(&request)?;
    let content = house.laptop_encrypts(&secret)?.ok_or("there is a one-time key")?;
    house.laptop_sends(secret, content)?;
    assert_eq!(accepted(house.receipt()?)?.secret.value, backup_key()?);
    assert_eq!(house.laptop_state(&request.request_id), Some(AnswerState::Answered));
    Ok(())
}

#[test]
fn what_is_not_encrypted_for_the_one_device_does_not_become_something_to_send() -> Result<()> {
    let mut house = Household::new(10)?;
    house.ask()?;
    let request = house.laptop_allows()?;
    let secret = house.laptop_takes(&request)?;
    let clear = JsonObject::from_json(secret.expose_content())?;
    let whole = JsonObject::from_json(secret.expose_olm_payload().expose_bytes())?;
    let right = json(&house.laptop_encrypts(&secret)?.ok_or("there is a one-time key")?)?;
    for wrong in wrong_contents(&mut house, &right, &secret)?.into_iter().chain([clear, whole]) {
        let (secret, text) = (house.laptop_takes(&request)?, wrong.as_str().to_owned());
        let devices = house.seen_by(Whose::Laptop)?;
        let made = house.laptop.responder.encrypted(secret, wrong, &devices, 0);
        assert_eq!(made, Err(ResponderError::NotEncrypted), "{text}");
        assert_eq!(house.laptop_state(&request.request_id), Some(AnswerState::Allowed));
    }
    house.laptop_sends(secret, object(&right)?)?;
    assert_eq!(accepted(house.receipt()?)?.secret.value, backup_key()?);
    Ok(())
}

#[test]
fn a_secret_in_clear_is_an_event_that_nothing_takes() -> Result<()> {
    let mut house = Household::new(10)?;
    let asked = house.ask()?;
    let id = &asked.request().request_id;
    let content = json!({ "request_id": id, "secret": BACKUP_KEY });
    let messages = json!({ "messages": { ALICE: { "PHONE": content, "LAPTOP": content } } });
    let token = house.tablet.device.token();
    house.server.call(token, &Method::PUT, "sendToDevice/m.secret.send/1", &messages)?;

    let received = house.phone_receives()?;
    let [Received::Plain(event)] = &received[..] else { panic!("it came in clear") };
    assert_eq!(event.event_type.as_str(), "m.secret.send");
    assert!(house.receipt_for(&received[0]).is_err(), "the requester has no place to put it");
    assert_eq!(house.requester.state(id), Some(RequestState::Open));
    let decisions = house.decisions(Whose::Laptop)?;
    assert!(matches!(&decisions[0], Decision::AskUser(_)), "the request is one");
    assert_eq!(decisions[1..], [Decision::Ignore(ResponderError::OtherType)]);
    Ok(())
}

/// Olm messages that are not for the phone alone, each real but for the one thing that is wrong.
fn wrong_contents(
    house: &mut Household,
    right: &Value,
    secret: &SecretToEncrypt,
) -> Result<Vec<JsonObject>> {
    let (phone, tablet) = (house.phone.identity(), house.tablet.device.identity().clone());
    let (phone, plaintext) = (phone.curve25519.to_base64(), secret.expose_olm_payload());
    let laptop = &mut house.laptop.device;
    let for_tablet = laptop.encrypt(&mut house.server, &tablet, plaintext.expose_bytes())?;
    let for_tablet = json(&for_tablet.ok_or("the tablet has one-time keys")?)?;
    let tablet_key = tablet.curve25519.to_base64();
    let messages = [
        (&phone, &right["ciphertext"][&phone]),
        (&tablet_key, &for_tablet["ciphertext"][&tablet_key]),
    ];
    // Put together as text: the order of the two counts.
    let for_both = |[(a, first), (b, second)]: [(&String, &Value); 2]| {
        let empty = with(right, "/ciphertext", json!({})).to_string();
        let both = format!(r#""ciphertext":{{"{a}":{first},"{b}":{second}}}"#);
        JsonObject::from_json(empty.replace(r#""ciphertext":{}"#, &both).as_bytes())
    };
    let for_both = [for_both(messages)?, for_both([messages[1], messages[0]])?];
    let wrong = [
        for_tablet.clone(),
        with(right, "/ciphertext", json!({})),
        with(right, "/algorithm", json!("m.megolm.v1.aes-sha2")),
        with(right, "/sender_key", json!(tablet_key)),
        with(right, "/ciphertext", right["ciphertext"][&phone]["body"].clone()),
        json!({}),
    ];
    wrong.iter().map(object).chain(for_both.map(Ok)).collect()
}

/// What the laptop would encrypt.
fn payload(secret: &SecretToEncrypt) -> Result<Value> {
    Ok(serde_json::from_slice(secret.expose_olm_payload().expose_bytes())?)
}

/// Somebody's device encrypts a payload for the phone, and sends it.
fn send_to_phone(
    house: &mut Household,
    device: &mut Device,
    sender: &str,
    payload: &Value,
) -> Result<()> {
    assert_eq!(*device.olm.user_id(), UserId::from(sender));
    let phone = house.phone.identity().clone();
    let payload = payload.to_string();
    send_payload(device, &mut house.server, &ALICE.into(), &phone, payload.as_bytes())
}

/// Why the phone refuses the one event that it got.
fn refusal(house: &mut Household) -> Result<RequesterError> {
    match &house.phone_receives()?[..] {
        [Received::Refused(error)] => Ok(error.clone()),
        _ => Err("the event was not refused".into()),
    }
}

/// The same with another value at one place.
fn with(value: &Value, pointer: &str, new: Value) -> Value {
    let mut changed = value.clone();
    *changed.pointer_mut(pointer).expect("the member is there") = new;
    changed
}

fn json(object: &JsonObject) -> Result<Value> {
    Ok(serde_json::from_slice(object.as_bytes())?)
}

fn object(value: &Value) -> Result<JsonObject> {
    Ok(JsonObject::from_json(value.to_string().as_bytes())?)
}

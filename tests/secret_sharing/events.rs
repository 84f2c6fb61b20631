//! The two events as JSON.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    crypto::ed25519::Ed25519PublicKey,
    encoding::{
        format::{FormatError, FormatProblem},
        json_object::JsonObject,
    },
    ids::{SecretName, UserId},
    secret_sharing::{DecryptedToDevice, RequesterError, SECRET_SEND, SecretRequest},
    secret_value::MEGOLM_BACKUP_V1,
};

use crate::kit::{USER, laptop, phone, seen_by_phone, tablet};

fn read(content: &Value) -> Result<SecretRequest, FormatError> {
    let content = JsonObject::from_json(content.to_string().as_bytes()).unwrap();
    SecretRequest::from_json(&content, &Limits::default())
}

fn request() -> Value {
    json!({
        "action": "request",
        "name": MEGOLM_BACKUP_V1,
        "request_id": "1",
        "requesting_device_id": "PHONE",
    })
}

#[test]
fn a_request_and_a_cancellation_are_written_as_specified() {
    let (device, id) = (|| "PHONE".into(), || "1".into());
    for (request, name, expected) in [
        (
            SecretRequest::new(MEGOLM_BACKUP_V1.into(), device(), id()),
            Some(MEGOLM_BACKUP_V1),
            "request",
        ),
        (SecretRequest::cancellation(device(), id()), None, "request_cancellation"),
    ] {
        assert_eq!(request.name().map(SecretName::as_str), name);
        assert_eq!(request.is_cancellation(), name.is_none());
        let written = request.to_json();
        let mut wanted = json!({
            "action": expected, "request_id": "1", "requesting_device_id": "PHONE",
        });
        if let Some(name) = name {
            wanted["name"] = json!(name);
        }
        assert_eq!(serde_json::from_slice::<Value>(written.as_bytes()).unwrap(), wanted);
        let read = SecretRequest::from_json(&written, &Limits::default()).unwrap();
        assert_eq!(read.to_json(), written);
    }
}

#[test]
fn unknown_actions_and_members_survive() {
    let mut content = request();
    content["org.example"] = json!({ "kept": [1, null, "ä"] });
    let again = read(&content).unwrap().to_json();
    assert_eq!(serde_json::from_slice::<Value>(again.as_bytes()).unwrap(), content);
    content["action"] = json!("org.example.peek");
    let found = read(&content).unwrap();
    assert!(found.name().is_none() && !found.is_cancellation(), "{found:?}");
    let again = found.to_json();
    assert_eq!(
        serde_json::from_slice::<Value>(again.as_bytes()).unwrap(),
        content,
        "its name, too"
    );
}

#[test]
fn the_cancellation_of_a_draft_is_one() {
    let mut content = request();
    content["action"] = json!("cancel_request");
    let found = read(&content).unwrap();
    assert!(found.is_cancellation());
    let written: Value = serde_json::from_slice(found.to_json().as_bytes()).unwrap();
    assert_eq!(written["action"], "request_cancellation", "written as today");
}

#[test]
fn what_is_missing_or_of_another_type_is_named() {
    for member in ["action", "name", "request_id", "requesting_device_id"] {
        for value in [None, Some(json!(7)), Some(json!(null)), Some(json!(["x"]))] {
            let mut content = request();
            match value {
                Some(value) => content[member] = value,
                None => drop(content.as_object_mut().unwrap().remove(member)),
            }
            assert_eq!(
                read(&content).unwrap_err(),
                FormatProblem::Missing(member).of("the request for a secret")
            );
        }
    }
    let mut content = request();
    content["action"] = json!("request_cancellation");
    content.as_object_mut().unwrap().remove("name");
    read(&content).expect("a cancellation has no name");
}

#[test]
fn half_characters_and_size_cost_the_event_and_no_more() {
    let text = |text: &str| JsonObject::from_json(text.as_bytes()).unwrap();
    let half =
        r#"{"action":"request","name":"\ud800","request_id":"1","requesting_device_id":"P"}"#;
    let error = SecretRequest::from_json(&text(half), &Limits::default()).unwrap_err();
    assert_eq!(error, FormatProblem::Missing("name").of("the request for a secret"));
    let half = r#"{"action":"request","name":"n","request_id":"1","requesting_device_id":"P","x":"\ud800"}"#;
    let error = SecretRequest::from_json(&text(half), &Limits::default()).unwrap_err();
    assert_eq!(error, FormatProblem::Unkeepable.of("the request for a secret"));
    let mut content = request();
    content["x"] = json!("x".repeat(5_000));
    let error = read(&content).unwrap_err();
    assert!(matches!(error.problem, FormatProblem::TooLarge { limit: 4096, .. }), "{error}");
}

#[test]
fn what_is_nested_deep_is_kept_to_a_limit() {
    let deep = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let request = |levels| {
        let content = format!(
            r#"{{"action":"request","name":"n","request_id":"1","requesting_device_id":"P","x":{}}}"#,
            deep(levels),
        );
        let content = JsonObject::from_json(content.as_bytes()).unwrap();
        SecretRequest::from_json(&content, &Limits::default()).map(|read| read.to_json())
    };
    assert!(request(64).unwrap().as_str().contains(&deep(64)));
    assert_eq!(request(65), Err(FormatProblem::Unkeepable.of("the request for a secret")));
    assert_eq!(request(2_000), Err(FormatProblem::Unkeepable.of("the request for a secret")));
}

#[test]
fn of_several_members_with_one_name_the_last_counts() {
    let text = r#"{"action":"request_cancellation","x":1,"name":"m","request_id":"0","request_id":"1",
        "requesting_device_id":"P","\u0061ction":"request","n\u0061me":"n","x":2}"#;
    let content = JsonObject::from_json(text.as_bytes()).unwrap();
    let found = SecretRequest::from_json(&content, &Limits::default()).unwrap();
    assert_eq!(found.name(), Some(&"n".into()));
    assert_eq!(found.request_id.as_str(), "1");
    let written = found.to_json();
    assert_eq!(written.as_str().matches("\"x\"").count(), 1);
    assert!(written.as_str().contains(r#""x":2"#), "{written:?}");
}

#[test]
fn an_event_of_just_the_size_that_is_allowed_is_read() {
    let mut limits = Limits::default();
    let content = JsonObject::from_json(request().to_string().as_bytes()).unwrap();
    let bytes = content.as_bytes().len();
    limits.secret_request_bytes = bytes;
    SecretRequest::from_json(&content, &limits).unwrap();
    limits.secret_request_bytes -= 1;
    let error = SecretRequest::from_json(&content, &limits).unwrap_err();
    assert_eq!(
        error,
        FormatProblem::TooLarge { found: bytes, limit: bytes - 1 }.of("the request for a secret")
    );
}

/// The payload that the laptop makes for the phone.
fn payload() -> Value {
    json!({
        "content": { "request_id": "1", "secret": "s" },
        "keys": { "ed25519": laptop().ed25519.to_base64() },
        "recipient": USER,
        "recipient_keys": { "ed25519": phone().ed25519.to_base64() },
        "sender": USER,
        "type": SECRET_SEND,
    })
}

fn from_olm(payload: &str) -> Result<DecryptedToDevice, RequesterError> {
    let sender = UserId::from(USER);
    DecryptedToDevice::from_olm(sender, laptop().curve25519, payload.as_bytes(), &seen_by_phone())
}

#[test]
fn an_olm_payload_for_this_device_is_read() {
    let event = from_olm(&payload().to_string()).unwrap();
    assert_eq!(event.ed25519(), &laptop().ed25519);
    assert_eq!((event.event_type(), event.sender().as_str()), (SECRET_SEND, USER));
    let content: Value = serde_json::from_slice(event.expose_content()).unwrap();
    assert_eq!(content, payload()["content"]);
    let mut with_device_keys = payload();
    with_device_keys["sender_device_keys"] = json!({ "device_id": "LAPTOP" });
    from_olm(&with_device_keys.to_string()).unwrap();
}

#[test]
fn an_olm_payload_that_was_meant_for_somebody_else_is_refused() {
    let other = json!({ "ed25519": tablet().ed25519.to_base64() });
    let rows = [
        ("sender", json!("@mallory:example.org"), RequesterError::OtherSender),
        ("recipient", json!("@mallory:example.org"), RequesterError::OtherRecipient),
        ("recipient_keys", other, RequesterError::OtherRecipientKey),
        (
            "recipient_keys",
            json!({}),
            RequesterError::Content(
                FormatProblem::Unusable("recipient_keys").of("the decrypted message"),
            ),
        ),
        (
            "recipient_keys",
            json!("x"),
            RequesterError::Content(
                FormatProblem::Unusable("recipient_keys").of("the decrypted message"),
            ),
        ),
        (
            "keys",
            json!({ "ed25519": "x" }),
            RequesterError::Content(FormatProblem::Unusable("keys").of("the decrypted message")),
        ),
        (
            "content",
            json!([]),
            RequesterError::Content(FormatProblem::Unusable("content").of("the decrypted message")),
        ),
        (
            "type",
            json!(7),
            RequesterError::Content(FormatProblem::Unusable("type").of("the decrypted message")),
        ),
    ];
    for (member, value, error) in rows {
        let mut payload = payload();
        payload[member] = value;
        assert_eq!(from_olm(&payload.to_string()).unwrap_err(), error, "{member}");
        payload.as_object_mut().unwrap().remove(member);
        assert_eq!(
            from_olm(&payload.to_string()).unwrap_err(),
            RequesterError::Content(FormatProblem::Unusable(member).of("the decrypted message"))
        );
    }
    for text in ["", "[]", "{", "\"{}\""] {
        assert_eq!(
            from_olm(text).unwrap_err(),
            RequesterError::Content(FormatProblem::NotAnObject.of("the decrypted message"))
        );
    }
    assert!(Ed25519PublicKey::from_base64(&laptop().ed25519.to_base64()).is_ok());
}

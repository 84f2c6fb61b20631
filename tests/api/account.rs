//! Account data, and whom a token belongs to.

use strongroom::{
    api::{self, ApiError},
    encoding::{format::FormatProblem, json_object::JsonObject},
    ids::{DeviceId, EventType, UserId},
};

use crate::{answer, assert_wire, wire};

#[test]
fn account_data_is_read_and_written_under_the_user_and_the_type() {
    let path = "/user/%40alice%3Aexample.org/account_data/m.secret_storage.key.a%2Fb%23";
    assert_wire(&api::get_account_data(&alice(), &key_type()), "GET", path, "");
    let content = r#"{ "b":1.50,"a":"\u00e4" }"#;
    let put = api::put_account_data(&alice(), &key_type(), &object(content));
    assert_wire(&put, "PUT", path, content);
    assert_wire(&api::delete_account_data(&alice(), &key_type()), "PUT", path, "{}");
    answer(&put, 200, "{}").unwrap();
    let error = answer(&put, 200, r#"{"errcode":"M_UNKNOWN"}"#).unwrap_err();
    assert!(matches!(error, ApiError::Errcode(_)));
}

#[test]
fn account_data_is_kept_to_the_last_byte_and_not_printed() {
    let json = r#"{"b":1.50, "encrypted":{"k":"s3cret \ud800"},"b":2}"#;
    let content = answer(&get(), 200, json).unwrap().unwrap();
    assert_eq!(content.as_bytes(), json.as_bytes());
    assert_eq!(serde_json::to_string(&content).unwrap(), json);
    assert_eq!(format!("{content:?}"), format!("JsonObject({} bytes)", json.len()));
    let put = api::put_account_data(&alice(), &key_type(), &content);
    assert!(!format!("{put:?}").contains("s3cret"));
}

/// Row 34 of the malformations.
#[test]
fn row_34_an_empty_object_is_deleted_account_data() {
    for body in ["{}", " { } "] {
        assert_eq!(answer(&get(), 200, body).unwrap(), None, "{body}");
    }
    assert_eq!(answer(&get(), 404, r#"{"errcode":"M_NOT_FOUND"}"#).unwrap(), None);
    for (status, body) in [(404, r#"{"errcode":"M_UNRECOGNIZED"}"#), (404, "<html>"), (403, "{}")] {
        assert!(answer(&get(), status, body).is_err(), "{status} {body}");
    }
}

#[test]
fn account_data_that_is_no_object_is_an_error() {
    for (body, error) in [
        ("", FormatProblem::NotJson),
        ("{} x", FormatProblem::NotJson),
        ("null", FormatProblem::NotAnObject),
        ("[]", FormatProblem::NotAnObject),
    ] {
        assert_eq!(answer(&get(), 200, body).unwrap_err(), error.into(), "{body}");
    }
    assert_eq!(JsonObject::from_json(b"[]"), Err(FormatProblem::NotAnObject.of("it")));
    assert_eq!(JsonObject::from_json(b"{"), Err(FormatProblem::NotJson.of("it")));
}

#[test]
fn a_token_belongs_to_a_user_and_perhaps_a_device() {
    assert_wire(&api::get_who_am_i(), "GET", "/account/whoami", "");
    let read = |body| answer(&api::get_who_am_i(), 200, body);
    let who = read(r#"{"user_id":"@alice:example.org","device_id":"PHONE","is_guest":false}"#);
    assert_eq!(who, Ok((alice(), Some(DeviceId::from("PHONE")))));
    for body in [r#"{"user_id":"@b"}"#, r#"{"user_id":"@b","device_id":null,"is_guest":true}"#] {
        assert_eq!(read(body), Ok((UserId::from("@b"), None)));
    }
    for (body, name) in [
        ("{}", "user_id"),
        (r#"{"errcode":"M_UNKNOWN"}"#, "user_id"),
        (r#"{"user_id":7}"#, "user_id"),
        (r#"{"user_id":"@b","device_id":7}"#, "device_id"),
    ] {
        assert_eq!(read(body).unwrap_err(), FormatProblem::Unusable(name).into(), "{body}");
    }
    assert_eq!(wire(&api::get_who_am_i()).2, "");
}

fn get() -> api::Request<Option<JsonObject>> {
    api::get_account_data(&alice(), &key_type())
}

fn alice() -> UserId {
    UserId::from("@alice:example.org")
}

fn key_type() -> EventType {
    EventType::from("m.secret_storage.key.a/b#")
}

fn object(json: &str) -> JsonObject {
    JsonObject::from_json(json.as_bytes()).unwrap()
}

//! `/sync` for account data, and sending to devices.

use std::time::Duration;

use http::Response;
use percent_encoding::percent_decode_str;
use strongroom::{
    Limits,
    api::{self, ApiError, SyncResponse},
    encoding::{format::FormatProblem, json_object::JsonObject},
    ids::{EventType, UserId},
};

use crate::{answer, assert_wire, wire};

#[test]
fn a_filter_leaves_out_rooms_and_presence() {
    let (method, path, body) = wire(&api::get_sync());
    assert_eq!((method.as_str(), body.as_str()), ("GET", ""));
    let query = path.strip_prefix("/sync?filter=").unwrap();
    let (filter, rest) = query.split_once('&').unwrap();
    let filter = percent_decode_str(filter).decode_utf8().unwrap();
    assert_eq!(filter, r#"{"account_data":{},"presence":{"types":[]},"room":{"rooms":[]}}"#);
    assert_eq!(rest, "set_presence=offline&timeout=0");
}

#[test]
fn types_token_and_timeout_are_part_of_the_query() {
    let types = ["m.secret_storage.key.*", "m.\u{22}ö&="].map(EventType::from);
    let sync = api::get_sync()
        .account_data(types)
        .since(&String::from("s7_2&x=1"))
        .timeout(Duration::from_millis(30_500));
    let (_, path, _) = wire(&sync);
    let (filter, rest) = path.strip_prefix("/sync?filter=").unwrap().split_once('&').unwrap();
    let filter = percent_decode_str(filter).decode_utf8().unwrap();
    let filter: serde_json::Value = serde_json::from_str(&filter).unwrap();
    let expected = serde_json::json!(["m.secret_storage.key.*", "m.\"ö&="]);
    assert_eq!(filter["account_data"]["types"], expected);
    assert_eq!(rest, "set_presence=offline&since=s7_2%26x%3D1&timeout=30500");
    let none = api::get_sync().account_data([]);
    assert!(wire(&none).1.contains("%22account_data%22%3A%7B%22types%22%3A%5B%5D%7D"));
}

#[test]
fn events_are_kept_raw_and_in_their_order() {
    let sent = r#"{"type":"m.room.encrypted","sender":"@b:c","content":{"x":1.50},"more":[1]}"#;
    let body = format!(
        r#"{{"next_batch":"s1","account_data":{{"events":[{{"type":"b","content":{{"y": 2}}}},{{"type":"a","content":{{}}}}]}},"to_device":{{"events":[{sent}]}},"rooms":{{"join":{{}}}}}}"#
    );
    let sync = read(&body).unwrap();
    assert_eq!((sync.next_batch.as_str(), sync.broken), ("s1", 0));
    let [b, a] = sync.account_data.as_slice() else { panic!("{:?}", sync.account_data) };
    assert_eq!((b.0.as_str(), b.1.as_bytes()), ("b", br#"{"y": 2}"#.as_slice()));
    assert_eq!((a.0.as_str(), a.1.is_empty()), ("a", true));
    let [event] = sync.to_device.as_slice() else { panic!("{:?}", sync.to_device) };
    assert_eq!(event.event_type.as_str(), "m.room.encrypted");
    assert_eq!(event.sender, UserId::from("@b:c"));
    assert_eq!(event.content.as_bytes(), br#"{"x":1.50}"#);
}

#[test]
fn a_broken_event_costs_itself_alone() {
    let body = r#"{"next_batch":"s1",
        "account_data":{"events":[7,null,{},{"type":"a"},{"type":7,"content":{}},{"type":"a","content":[]},{"type":"ok","content":{}}]},
        "to_device":{"events":[{"content":{}},{"type":"\ud800","content":{}},{"type":"ok","sender":7,"content":{}},{"type":"ok","sender":"@b:c","content":{}}]}}"#;
    let sync = read(body).unwrap();
    assert_eq!((sync.account_data.len(), sync.to_device.len(), sync.broken), (1, 1, 9));
}

#[test]
fn nothing_new_is_no_error_and_an_error_is_not_nothing_new() {
    let quiet = [
        r#"{"next_batch":"s1"}"#,
        r#"{"next_batch":"s1","account_data":{},"to_device":{"events":[]}}"#,
        r#"{"next_batch":"s1","account_data":null,"to_device":{"events":null}}"#,
    ];
    for body in quiet {
        let sync = read(body).unwrap();
        assert!(sync.account_data.is_empty() && sync.to_device.is_empty(), "{body}");
    }
    for (body, name) in [
        ("{}", "next_batch"),
        (r#"{"errcode":"M_UNKNOWN"}"#, "next_batch"),
        (r#"{"next_batch":null}"#, "next_batch"),
        (r#"{"next_batch":"s","account_data":[]}"#, "account_data"),
        (r#"{"next_batch":"s","account_data":{"events":{}}}"#, "account_data"),
        (r#"{"next_batch":"s","to_device":7}"#, "to_device"),
    ] {
        assert_eq!(read(body).unwrap_err(), FormatProblem::Unusable(name).into(), "{body}");
    }
}

/// It would be an error of each request that goes on from it.
#[test]
fn a_token_that_fits_into_no_url_is_refused() {
    let with = |length| read(&format!(r#"{{"next_batch":"{}"}}"#, "%".repeat(length)));
    let longest = with(4_096).unwrap().next_batch;
    assert!(wire(&api::get_sync().since(&longest)).1.len() > 3 * 4_096);
    assert_eq!(with(4_097).unwrap_err(), FormatProblem::Unusable("next_batch").into());
}

#[test]
fn a_sync_has_a_limit_of_its_own() {
    let long = format!(r#"{{"next_batch":"s","x":"{}"}}"#, "y".repeat(2 << 20));
    assert!(read(&long).is_ok());
    let mut limits = Limits::default();
    limits.sync_response_bytes = 5;
    let error = api::get_sync().read_response(&Response::new("{    }"), &limits).unwrap_err();
    assert_eq!(error, ApiError::TooLarge { limit: 5, found: 6 });
}

#[test]
fn events_are_sent_to_devices_one_by_one_or_to_all() {
    let content = |json: &str| JsonObject::from_json(json.as_bytes()).unwrap();
    let send = api::send_encrypted(
        "t/1+",
        [
            ("@b:c".into(), "PHONE".into(), content(r#"{"n":1}"#)),
            ("@b:c".into(), "LAPTOP \u{22}".into(), content(r#"{"n":2.0 }"#)),
            ("@a:c".into(), "X".into(), content("{}")),
        ],
    );
    let body = r#"{"messages":{"@a:c":{"X":{}},"@b:c":{"LAPTOP \"":{"n":2.0 },"PHONE":{"n":1}}}}"#;
    assert_wire(&send, "PUT", "/sendToDevice/m.room.encrypted/t%2F1%2B", body);
    answer(&send, 200, "{}").unwrap();

    let request = api::send_secret_request("2", [("@a".into(), "*".into(), content("{}"))]);
    let body = r#"{"messages":{"@a":{"*":{}}}}"#;
    assert_wire(&request, "PUT", "/sendToDevice/m.secret.request/2", body);
    assert!(answer(&request, 200, r#"{"errcode":"M_UNKNOWN"}"#).is_err());
    assert!(answer(&request, 200, "null").is_err());
    let nothing = api::send_encrypted("3", []);
    assert_eq!(nothing.body(), br#"{"messages":{}}"#);
}

fn read(body: &str) -> Result<SyncResponse, ApiError> {
    answer(&api::get_sync(), 200, body)
}

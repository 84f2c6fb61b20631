//! The same requests as ruma makes them: an independent reading of the specification.

use std::{borrow::Cow, time::Duration};

use percent_encoding::percent_decode_str;
use ruma::{
    TransactionId,
    api::{
        MatrixVersion, OutgoingRequest, OutgoingRequestExt as _, SupportedVersions,
        auth_scheme::{AuthScheme, SendAccessToken},
        client::{account, backup, config, keys, sync, to_device, uiaa},
        path_builder::VersionHistory,
    },
    serde::Raw,
};
use serde_json::{Value, json};
use strongroom::{
    api::{self, PutRoomKeys},
    backup::{AuthData, MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2},
    cross_signing::{ExpectedDevice, NewIdentity},
    crypto::ed25519::Ed25519Signature,
    encoding::json_object::JsonObject,
};

use crate::kit::{sealed, trusted, wire};

#[test]
fn versions_are_asked_for_as_ruma_does() {
    let (_, key) = trusted("1");
    let auth_data = AuthData::new(key.public_key());
    let described = json!({
        "algorithm": MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        "auth_data": serde_json::from_str::<Value>(auth_data.as_json()).unwrap(),
    });
    let v = || "a/1".to_owned();
    let version = || "a/1".into();
    let theirs = backup::create_backup_version::v3::Request::new(raw(&described));
    assert_same(&api::create_backup_version(&auth_data), theirs);
    assert_same(
        &api::get_current_backup_version(),
        backup::get_latest_backup_info::v3::Request::new(),
    );
    let theirs = backup::get_backup_info::v3::Request::new(v());
    assert_same(&api::get_backup_version(&version()), theirs);
    let theirs = backup::delete_backup_version::v3::Request::new(v());
    assert_same(&api::delete_backup_version(&version()), theirs);

    // Early servers want the version in the body, too; ruma leaves it out.
    let theirs = backup::update_backup_version::v3::Request::new(v(), raw(&described));
    let (mut theirs, ours) = (
        taken_apart(&theirs_on_wire(theirs)),
        ours(&api::update_backup_version(&version(), &auth_data)),
    );
    theirs.body["version"] = json!("a/1");
    assert_eq!(ours, theirs);
}

#[test]
fn sessions_are_asked_for_as_ruma_does() {
    let (v, r, s) = (|| "7".to_owned(), || ROOM.try_into().unwrap(), || SESSION.to_owned());
    let (version, room, session) = (|| "7".into(), || ROOM.into(), || SESSION.into());
    assert_same(&api::get_room_keys(&version()), backup::get_backup_keys::v3::Request::new(v()));
    assert_same(
        &api::delete_room_keys(&version()),
        backup::delete_backup_keys::v3::Request::new(v()),
    );
    let theirs = backup::get_backup_keys_for_room::v3::Request::new(v(), r());
    assert_same(&api::get_room_keys_for_room(&version(), &room()), theirs);
    let theirs = backup::delete_backup_keys_for_room::v3::Request::new(v(), r());
    assert_same(&api::delete_room_keys_for_room(&version(), &room()), theirs);
    let theirs = backup::get_backup_keys_for_session::v3::Request::new(v(), r(), s());
    assert_same(&api::get_room_keys_for_session(&version(), &room(), &session()), theirs);
    let theirs = backup::delete_backup_keys_for_session::v3::Request::new(v(), r(), s());
    assert_same(&api::delete_room_keys_for_session(&version(), &room(), &session()), theirs);
}

#[test]
fn sessions_are_stored_as_ruma_does() {
    let (backup_, _) = trusted("7");
    let sealed = sealed(&backup_, ROOM);
    let (v, r, s) =
        (|| "7".to_owned(), || ROOM.try_into().unwrap(), sealed.session_id().as_str().to_owned());
    let data = serde_json::to_value(sealed.data()).unwrap();
    let sessions = json!({ s.as_str(): data });

    let rooms = serde_json::from_value(json!({ ROOM: { "sessions": sessions } })).unwrap();
    let theirs = backup::add_backup_keys::v3::Request::new(v(), rooms);
    assert_same(&PutRoomKeys::new(&backup_, [sealed.clone()]).unwrap().request(), theirs);
    let of_room = serde_json::from_value(sessions).unwrap();
    let theirs = backup::add_backup_keys_for_room::v3::Request::new(v(), r(), of_room);
    let ours = PutRoomKeys::for_room(&backup_, ROOM.into(), [sealed.clone()]).unwrap();
    assert_same(&ours.request(), theirs);
    let theirs = backup::add_backup_keys_for_session::v3::Request::new(v(), r(), s, raw(&data));
    assert_same(&PutRoomKeys::for_session(&backup_, sealed).unwrap().request(), theirs);
}

#[test]
fn the_account_is_asked_for_as_ruma_does() {
    let user = || USER.try_into().unwrap();
    assert_same(&api::get_who_am_i(), account::whoami::v3::Request::new());
    let event_type = "m.secret_storage.key.a/b";
    let theirs = config::get_global_account_data::v3::Request::new(user(), event_type.into());
    assert_same(&api::get_account_data(&USER.into(), &event_type.into()), theirs);
    let content = json!({ "key": "abc" });
    let theirs = config::set_global_account_data::v3::Request::new_raw(
        user(),
        event_type.into(),
        raw(&content),
    );
    assert_same(
        &api::put_account_data(&USER.into(), &event_type.into(), &object(&content)),
        theirs,
    );
}

#[test]
fn a_sync_is_asked_for_as_ruma_does() {
    let mut theirs = sync::sync_events::v3::Request::new();
    let filter = json!({
        "account_data": { "types": ["m.a", "m.b*"] },
        "presence": { "types": [] },
        "room": { "rooms": [] },
    });
    let filter: ruma::api::client::filter::FilterDefinition =
        serde_json::from_value(filter).unwrap();
    theirs.filter = Some(filter.into());
    theirs.since = Some("s1_2".to_owned());
    theirs.timeout = Some(Duration::from_millis(30_000));
    theirs.set_presence = ruma::presence::PresenceState::Offline;
    let ours = api::get_sync()
        .account_data(["m.a".into(), "m.b*".into()])
        .since("s1_2")
        .timeout(Duration::from_millis(30_000));
    assert_same(&ours, theirs);
}

#[test]
fn devices_and_keys_are_asked_for_as_ruma_does() {
    let content = json!({ "action": "request" });
    let messages = json!({ USER: { "PHONE": content, "*": content } });
    let theirs = to_device::send_event_to_device::v3::Request::new_raw(
        "m.secret.request".into(),
        <&TransactionId>::from("t/1").to_owned(),
        serde_json::from_value(messages).unwrap(),
    );
    let ours = api::send_secret_request(
        "t/1",
        ["PHONE", "*"].map(|device| (USER.into(), device.into(), object(&content))),
    );
    assert_same(&ours, theirs);

    let mut theirs = keys::get_keys::v3::Request::new();
    theirs.device_keys =
        serde_json::from_value(json!({ USER: [], "@bob:example.org": ["PHONE"] })).unwrap();
    theirs.timeout = Some(Duration::from_millis(500));
    let ours = api::query_keys(
        [(USER.into(), vec![]), ("@bob:example.org".into(), vec!["PHONE".into()])],
        Some(Duration::from_millis(500)),
    );
    assert_same(&ours, theirs);

    let identity = NewIdentity::replacing_old_identity(USER.into()).unwrap();
    let key = identity.self_signing_key();
    let account = vodozemac::olm::Account::new();
    let fingerprint = account.ed25519_key().to_base64();
    let expected = ExpectedDevice::with_fingerprint(USER.into(), "PHONE".into(), &fingerprint);
    let made = account.sign(key.master_key_to_sign().bytes());
    let signature = Ed25519Signature::from_bytes(made.to_bytes());
    let signed = key.master_key_signed_by(&expected.unwrap(), &signature).unwrap();
    let object: Value = serde_json::from_str(signed.as_json()).unwrap();
    let body = serde_json::from_value(json!({ USER: { (signed.name()): object } })).unwrap();
    let theirs = keys::upload_signatures::v3::Request::new(body);
    let ours = api::upload_signatures([signed]);
    assert_same(&ours, theirs);
}

#[test]
fn an_identity_is_published_as_ruma_does() {
    let identity = NewIdentity::replacing_old_identity(USER.into()).unwrap();
    let ours = api::upload_signing_keys(&identity);
    let mut body: Value = serde_json::from_slice(ours.body()).unwrap();
    let mut theirs = keys::upload_signing_keys::v3::Request::new();
    theirs.master_key = Some(raw(&body["master_key"].take()));
    theirs.self_signing_key = Some(raw(&body["self_signing_key"].take()));
    theirs.user_signing_key = Some(raw(&body["user_signing_key"].take()));
    assert_same(&ours, theirs);

    let password = || "secret".to_owned();
    let user = uiaa::UserIdentifier::Matrix(uiaa::MatrixUserIdentifier::new(USER.to_owned()));
    let mut theirs = keys::upload_signing_keys::v3::Request::new();
    let theirs_password = uiaa::Password::new(user, password());
    theirs.auth = Some(uiaa::AuthData::Password(theirs_password));
    let with = api::upload_signing_keys_with_password(&identity, &password().into(), None);
    let ours: Value = serde_json::from_slice(with.body()).unwrap();
    let (_, _, theirs) = theirs_on_wire(theirs);
    let mut theirs: Value = serde_json::from_slice(&theirs).unwrap();
    // Where no session was opened, ours has no such member, and theirs has one that is null.
    let session = theirs["auth"].as_object_mut().unwrap().remove("session");
    assert_eq!((session, &ours["auth"]), (Some(Value::Null), &theirs["auth"]));
}

/// A request, its identifiers decoded and its parameters in one order.
#[derive(Debug, PartialEq)]
struct Parts {
    method: String,
    path: Vec<String>,
    query: Vec<(String, Value)>,
    body: Value,
}

#[track_caller]
fn assert_same<T>(ours_: &api::Request<impl Sized>, theirs: T)
where
    T: OutgoingRequest<PathBuilder = VersionHistory>,
    for<'a> T::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
{
    assert_eq!(ours(ours_), taken_apart(&theirs_on_wire(theirs)));
}

fn ours(endpoint: &api::Request<impl Sized>) -> Parts {
    let (method, path, body) = wire(endpoint);
    taken_apart(&(method, path, body.into_bytes()))
}

fn theirs_on_wire<T>(request: T) -> (String, String, Vec<u8>)
where
    T: OutgoingRequest<PathBuilder = VersionHistory>,
    for<'a> T::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
{
    let (versions, features) = ([MatrixVersion::V1_16].into(), Default::default());
    let versions = Cow::Owned(SupportedVersions { versions, features });
    let token = SendAccessToken::IfRequired("t0ken");
    let request: http::Request<Vec<u8>> =
        request.try_into_http_request("https://example.org", token, versions).unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer t0ken");
    let path = request.uri().path_and_query().unwrap().as_str();
    let path = path.strip_prefix("/_matrix/client/v3").unwrap().to_owned();
    (request.method().to_string(), path, request.into_body())
}

fn taken_apart((method, url, body): &(String, String, Vec<u8>)) -> Parts {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let parameter = |value: &str| {
        let text = decoded(&value.replace('+', "%20"));
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    };
    let mut query: Vec<_> = pairs.map(|(name, value)| (decoded(name), parameter(value))).collect();
    query.sort_by(|(one, _), (other, _)| one.cmp(other));
    // ruma sends an empty object where the specification has no body.
    let is_empty = body.is_empty() || body == b"{}";
    let body = if is_empty { Value::Null } else { serde_json::from_slice(body).unwrap() };
    Parts { method: method.clone(), path: path.split('/').map(decoded).collect(), query, body }
}

fn raw<T>(json: &Value) -> Raw<T> {
    serde_json::from_value(json.clone()).unwrap()
}

fn object(json: &Value) -> JsonObject {
    JsonObject::from_json(json.to_string().as_bytes()).unwrap()
}

const USER: &str = "@alice:example.org";
const ROOM: &str = "!a/ö+#b:example.org";
const SESSION: &str = "s/+1=";

//! Identifiers that somebody else chose, in paths and queries.

use http::Uri;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use strongroom::{
    api::{self, PutRoomKeys, RequestError},
    backup::AuthData,
};

use crate::{sealed, trusted, wire};

#[test]
fn every_character_that_means_something_in_a_url_is_encoded() {
    let get = api::get_room_keys_for_session(
        &"1&x=2#+ %41".into(),
        &"!röom/#?".into(),
        &"a/b+c==".into(),
    );
    assert_eq!(
        wire(&get).1,
        "/room_keys/keys/%21r%C3%B6om%2F%23%3F/a%2Fb%2Bc%3D%3D?version=1%26x%3D2%23%2B%20%2541"
    );
    let room_without_server = api::get_room_keys_for_room(&"1".into(), &"!opaque-._~".into());
    assert_eq!(wire(&room_without_server).1, "/room_keys/keys/%21opaque-._~?version=1");
    let control = api::get_backup_version(&"\u{0}\r\n\u{202e}".into());
    assert_eq!(wire(&control).1, "/room_keys/version/%00%0D%0A%E2%80%AE");
}

/// A URL parser drops such a segment even where its dots are percent-encoded.
#[test]
fn an_identifier_of_dots_or_nothing_is_refused_and_not_sent_elsewhere() {
    for lost in ["", ".", ".."] {
        for (name, error) in refusals(lost) {
            assert_eq!(error, Some(RequestError::Segment(name)), "{lost:?}");
        }
        assert!(
            api::get_room_keys(&lost.into()).path_and_query().is_ok(),
            "a query has no segments"
        );
    }
    for kept in ["...", "%2e%2e", ".a", "..%2f", " "] {
        for (name, error) in refusals(kept) {
            assert_eq!(error, None, "{name} {kept:?}");
        }
    }
}

proptest! {
    #[test]
    fn identifiers_come_out_of_a_path_as_they_went_in(
        version in any_id(), room in any_id(), session in any_id(),
    ) {
        let keys = ["room_keys", "keys"];
        let v = || version.as_str().into();
        let r = || room.as_str().into();
        let s = || session.as_str().into();
        let with_version = [("version", version.as_str())];
        check(&api::get_room_keys_for_session(&v(), &r(), &s()), &keys, &[&room, &session], &with_version)?;
        let delete = api::delete_room_keys_for_session(&v(), &r(), &s());
        check(&delete, &keys, &[&room, &session], &with_version)?;
        check(&api::get_room_keys_for_room(&v(), &r()), &keys, &[&room], &with_version)?;
        check(&api::delete_room_keys_for_room(&v(), &r()), &keys, &[&room], &with_version)?;
        check(&api::get_room_keys(&v()), &keys, &[], &with_version)?;
        check(&api::delete_room_keys(&v()), &keys, &[], &with_version)?;
        let versions = ["room_keys", "version"];
        check(&api::get_backup_version(&v()), &versions, &[&version], &[])?;
        check(&api::delete_backup_version(&v()), &versions, &[&version], &[])?;
    }

    #[test]
    fn users_types_and_transactions_come_out_of_a_path_as_they_went_in(
        user in any_id(), event_type in any_id(), transaction in any_id(),
    ) {
        // The fixed segment stands between the two IDs.
        let ids: &[&str] = &[&user, "account_data", &event_type];
        let get = api::get_account_data(&user.as_str().into(), &event_type.as_str().into());
        check(&get, &["user"], ids, &[])?;
        let put = api::delete_account_data(&user.as_str().into(), &event_type.as_str().into());
        check(&put, &["user"], ids, &[])?;
        let send = api::send_encrypted(&transaction, []);
        check(&send, &["sendToDevice", "m.room.encrypted"], &[&transaction], &[])?;
    }
}

proptest! {
    // Each case makes keys and seals sessions.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn identifiers_come_out_of_the_path_of_a_put_as_they_went_in(room in any_id()) {
        let (backup, _) = trusted("1");
        let (keys, with_version) = (["room_keys", "keys"], [("version", "1")]);
        let one = sealed(&backup, &room);
        let id = one.session_id().to_string();
        let put = PutRoomKeys::for_session(&backup, one.clone()).unwrap();
        check(&put.request(), &keys, &[&room, &id], &with_version)?;
        let put = PutRoomKeys::for_room(&backup, room.as_str().into(), [one.clone()]).unwrap();
        check(&put.request(), &keys, &[&room], &with_version)?;
        let put = PutRoomKeys::new(&backup, [one]).unwrap();
        check(&put.request(), &keys, &[], &with_version)?;
        prop_assert_eq!(put.body_len(), put.request().body().len());
    }
}

/// Any text that can be a segment, and often one that means something in a URL.
fn any_id() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(vec![
        "!a:example.org",
        "!a",
        "s/+1==",
        "#a?b=c&d",
        "%2e%2e",
        "%",
        "/",
        "//",
        "..a",
        "ä\u{1F511}",
    ]);
    prop_oneof![hostile.prop_map(str::to_owned), "\\PC{1,40}", any::<String>()]
        .prop_filter("no segment", |id| !matches!(id.as_str(), "" | "." | ".."))
}

/// Takes the path apart as a server does.
fn check(
    endpoint: &api::Request<impl Sized>,
    fixed: &[&str],
    ids: &[&str],
    query: &[(&str, &str)],
) -> Result<(), TestCaseError> {
    let uri: Uri = endpoint.path_and_query().unwrap().parse().unwrap();
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let segments: Vec<_> = uri.path().split('/').map(decoded).collect();
    let expected: Vec<&str> =
        ["", "_matrix", "client", "v3"].iter().chain(fixed).chain(ids).copied().collect();
    prop_assert_eq!(segments, expected);
    let pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap());
    let pairs: Vec<_> = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
    let expected: Vec<_> =
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    prop_assert_eq!(pairs, expected);
    Ok(())
}

/// What each endpoint with an identifier in its path says of this one, and what the parameter is
/// called.
fn refusals(id: &str) -> Vec<(&'static str, Option<RequestError>)> {
    fn refusal(endpoint: &api::Request<impl Sized>) -> Option<RequestError> {
        endpoint.path_and_query().err()
    }
    let one = || "1".into();
    let (backup, key) = trusted("1");
    let in_room = sealed(&backup, id);
    let update = api::update_backup_version(&id.into(), &AuthData::new(key.public_key()));
    vec![
        ("version", refusal(&api::get_backup_version(&id.into()))),
        ("version", refusal(&api::delete_backup_version(&id.into()))),
        ("version", refusal(&update)),
        ("roomId", refusal(&api::get_room_keys_for_room(&one(), &id.into()))),
        ("roomId", refusal(&api::delete_room_keys_for_room(&one(), &id.into()))),
        ("roomId", refusal(&api::get_room_keys_for_session(&one(), &id.into(), &"s".into()))),
        ("sessionId", refusal(&api::get_room_keys_for_session(&one(), &"!a".into(), &id.into()))),
        (
            "sessionId",
            refusal(&api::delete_room_keys_for_session(&one(), &"!a".into(), &id.into())),
        ),
        ("roomId", refusal(&PutRoomKeys::for_room(&backup, id.into(), []).unwrap().request())),
        ("roomId", refusal(&PutRoomKeys::for_session(&backup, in_room).unwrap().request())),
        ("userId", refusal(&api::get_account_data(&id.into(), &"m.a".into()))),
        ("type", refusal(&api::get_account_data(&"@a".into(), &id.into()))),
        ("userId", refusal(&api::delete_account_data(&id.into(), &"m.a".into()))),
        ("type", refusal(&api::delete_account_data(&"@a".into(), &id.into()))),
        ("txnId", refusal(&api::send_secret_request(id, []))),
    ]
}

//! What saved files are, is seen by their content (row 63 of the malformations).
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and reads files"
)]

use std::fs;

use serde_json::{Value, json};
use strongroom::{
    Limits,
    client::diagnose::{Evidence, MissingEvidence, diagnose},
    encoding::format::FormatProblem,
    provenance::Provenance,
    saved_files::{SavedFileError, SavedFiles, SavedPart},
};

const USER: &str = "@random1-254c91:localhost";

#[test]
fn one_object_with_everything_is_read_as_its_parts_are() {
    let fixture = fixture();
    let together = read_all(std::slice::from_ref(&fixture));
    let names = ["account_data", "room_keys_version", "room_keys", "keys_query"];
    let apart = read_all(&names.map(|name| fixture[name].clone()));
    for saved in [&together, &apart] {
        let evidence = evidence(saved);
        assert_eq!(evidence.session_count(), Some(36));
        assert_eq!(evidence.current().unwrap().count(), Some(36));
        let storage = evidence.storage.unwrap();
        assert_eq!(storage.keys().count(), 1);
        assert_eq!(storage.secrets().count(), 4);
        assert!(evidence.keys.unwrap().master_keys.contains_key(USER));
        assert_eq!(saved.user_id().unwrap().as_str(), USER);
    }
    assert_eq!(together.typed().count(), 1);
    assert_eq!(together.device_id().unwrap().as_str(), "MUNFVGMWMS");
    assert_eq!(together.sessions().filter(|read| read.is_ok()).count(), 36);
    let renamed = json!({"backup_info": fixture["room_keys_version"], "user_id": USER});
    assert_eq!(read_all(&[renamed]).versions().count(), 1);
}

#[test]
fn row_63_account_data_is_read_in_every_form() {
    let contents = fixture()["account_data"].clone();
    let members = contents.as_object().unwrap();
    let event = |(name, content): (&String, &Value)| json!({"type": name, "content": content});
    let mut events: Vec<_> = members.iter().map(event).collect();
    let mut with_null = contents.clone();
    with_null["m.direct"] = json!(null);
    let forms = [
        contents.clone(),
        with_null,
        json!(events),
        json!({"events": events}),
        json!({"account_data": {"events": events}, "next_batch": "s1", "rooms": {"join": {}}}),
        json!({"account_data": contents}),
        json!({"account_data": events}),
        json!({"account_data": {"account_data": {"events": events}, "next_batch": "s1"}}),
    ];
    for form in &forms {
        let saved = read_all(std::slice::from_ref(form));
        assert_eq!(saved.account_data().count(), members.len(), "{form}");
        assert_eq!(evidence(&saved).storage.unwrap().secrets().count(), 4);
    }
    events.extend([json!(null), json!({"type": 7}), json!({"content": {}}), json!([])]);
    for form in [json!(events), json!({ "events": events })] {
        let saved = read_all(&[form]);
        assert_eq!(saved.account_data().count(), members.len(), "each broken one costs itself");
        assert!(matches!(saved.parts(), [SavedPart::AccountData { broken: 4, .. }]));
    }
    let one = read_all(&[json!({"type": "m.direct", "content": {}, "room_id": "!a"})]);
    assert_eq!(one.account_data().count(), 1);
    assert_eq!(read_all(&[json!({})]).account_data().count(), 0);
}

#[test]
fn files_are_read_in_every_encoding() {
    let text = fixture().to_string();
    let encoded = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let (le, be) = (encoded(u16::to_le_bytes), encoded(u16::to_be_bytes));
    let files = [
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [b"\xff\xfe", le.as_slice()].concat(),
        [b"\xfe\xff", be.as_slice()].concat(),
        le,
        be,
        [b"\r\n ", text.as_bytes(), b"\r\n"].concat(),
    ];
    for bytes in files {
        let mut saved = SavedFiles::default();
        saved.read(&bytes, &Limits::default()).unwrap();
        assert_eq!(evidence(&saved).session_count().unwrap(), 36);
    }
}

#[test]
fn row_63_an_error_of_the_homeserver_is_named_as_one() {
    let refused = json!({"errcode": "M_NOT_FOUND", "error": "No backup found\u{1b}[2J"});
    let saved = read_all(&[refused.clone(), fixture()["account_data"].clone()]);
    let sentence = saved.refusals().next().unwrap().to_string();
    assert!(sentence.contains("error of the homeserver"), "{sentence}");
    assert!(sentence.contains("M_NOT_FOUND: No backup found"), "{sentence}");
    assert!(!sentence.contains('\u{1b}'), "{sentence}");
    assert!(!knows_backup(&saved), "what was asked is not known");
    assert!(evidence(&saved).storage.is_some());

    let saved = read_all(&[json!({"account_data": {}, "room_keys_version": refused})]);
    assert!(knows_backup(&saved) && evidence(&saved).current().is_none());
    let broken = json!({"errcode": "M_UNKNOWN", "error": "Internal server error"});
    let saved = read_all(&[json!({"account_data": {}, "room_keys_version": broken})]);
    assert!(!knows_backup(&saved));
    assert_eq!(saved.refusals().count(), 1);
}

#[test]
fn older_versions_come_after_the_current_one_and_each_once() {
    let current = fixture()["room_keys_version"].clone();
    let mut older = current.clone();
    older["version"] = json!("0");
    let saved = read_all(&[current.clone(), older, current]);
    let evidence = evidence(&saved);
    assert_eq!(evidence.current().unwrap().version().as_str(), "1");
    assert_eq!(evidence.older_versions.len(), 1);
}

#[test]
fn sessions_bundles_and_key_files_are_handed_on() {
    let saved = read_all(&[json!([]), json!([null, {"session_key": "x"}])]);
    assert_eq!(saved.sessions().filter(|read| read.is_err()).count(), 2);
    let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let bundle = json!({
        "type": "m.login.secrets",
        "cross_signing": {"master_key": key, "self_signing_key": key, "user_signing_key": key},
        "backup": {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "key": key, "backup_version": "1"},
    });
    let saved = read_all(&[bundle]);
    let bundle = saved.secrets_bundles().next().unwrap();
    assert_eq!(bundle.backup_version().unwrap().as_str(), "1");
    // Whoever wrote the file has put the key there.
    assert_eq!(bundle.backup_key().unwrap().provenance(), Provenance::Unauthenticated);
    let error = SavedPart::read_all(br#"{"cross_signing":{}}"#, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("master_key"), "{error}");
    let room = json!({"sessions": {"s": {"session_data": {}}}});
    assert!(matches!(read_all(&[room]).parts(), [SavedPart::KeysOfRoom(_)]));
    let file = "\n-----BEGIN MEGOLM SESSION DATA-----\nAAAA\n-----END MEGOLM SESSION DATA-----\n";
    let parts = SavedPart::read_all(file.as_bytes(), &Limits::default()).unwrap();
    let [SavedPart::EncryptedKeyFile(text)] = parts.as_slice() else { panic!("{parts:?}") };
    assert_eq!(text.expose_str(), file.trim());
}

#[test]
fn a_response_of_sessions_that_was_cut_off_is_read_as_far_as_it_goes() {
    let text = fixture()["room_keys"].to_string();
    let mut saved = SavedFiles::default();
    saved.read(&text.as_bytes()[..text.len() / 2], &Limits::default()).unwrap();
    assert!((1..36).contains(&evidence(&saved).session_count().unwrap()));
}

#[test]
fn what_is_none_of_these_is_refused_with_a_sentence() {
    let error = |bytes: &[u8]| SavedPart::read_all(bytes, &Limits::default()).unwrap_err();
    assert!(matches!(error(b"\x89PNG\r\n\x1a\n\0"), SavedFileError::NotText(_)));
    assert_eq!(error(b""), SavedFileError::Empty);
    assert_eq!(error(b"\xef\xbb\xbf\r\n"), SavedFileError::Empty);
    for text in ["<html>502</html>", "EsTS FgHN", "{\"a\":", "{\"m.direct\": {}} x", "null", "[1,"]
    {
        assert_eq!(error(text.as_bytes()), SavedFileError::NotJson, "{text}");
    }
    for text in ["{\"a\": 1}", "[1, 2]", "[[]]", "{\"failures\": null}"] {
        assert_eq!(error(text.as_bytes()), SavedFileError::UnknownKind, "{text}");
    }
    // Without an algorithm it is a version that cannot be used.
    let unusable = json!({"version": "1", "auth_data": {"public_key": "x"}}).to_string();
    let parts = SavedPart::read_all(unusable.as_bytes(), &Limits::default()).unwrap();
    assert!(matches!(&parts[..], [SavedPart::Version(info)] if info.auth_data().is_err()));
    let without = json!({"algorithm": "a", "auth_data": {"public_key": "x"}});
    let expected =
        SavedFileError::Version(FormatProblem::Unusable("version").of("the backup version"));
    assert_eq!(error(without.to_string().as_bytes()), expected);
    let member = error(json!({"backup_info": without}).to_string().as_bytes());
    assert_eq!(member, SavedFileError::Member("backup_info", Box::new(expected)));
    assert!(member.to_string().contains("backup_info"), "{member}");
    let nested = format!("{}{}", "{\"account_data\":".repeat(100_000), "}".repeat(100_000));
    assert_eq!(error(nested.as_bytes()), SavedFileError::NotJson);
    let nested = nested.replace(":}", ":{}}");
    assert!(matches!(error(nested.as_bytes()), SavedFileError::Member("account_data", _)));
    let deep = "[".repeat(100_000);
    assert_eq!(error(deep.as_bytes()), SavedFileError::NotJson);
}

#[test]
fn what_is_broken_in_a_file_costs_itself() {
    let good = fixture();
    let broken = [
        ("room_keys_version", json!([])),
        ("room_keys_version", json!({"version": ""})),
        ("room_keys_version", json!({"algorithm": 7})),
        ("keys_query", json!({"device_keys": {}, "master_keys": []})),
        ("keys_query", json!({"device_keys": 7})),
        ("account_data", json!("text")),
        ("room_keys", json!(7)),
    ];
    for (name, value) in broken {
        let mut file = good.clone();
        file[name] = value;
        let saved = read_all(std::slice::from_ref(&file));
        let error = saved.broken().next().unwrap().to_string();
        assert!(error.contains(name), "{error}");
        assert_eq!(saved.broken().count(), 1);
        let evidence = evidence(&saved);
        assert_eq!(evidence.storage.is_some(), name != "account_data", "{file}");
        assert_eq!(evidence.session_count().is_some(), name != "room_keys");
        assert_eq!(evidence.keys.is_some(), name != "keys_query");
        let info = evidence.current().unwrap();
        assert_eq!(info.auth_data().is_ok(), name != "room_keys_version", "it cannot be used");
    }
}

#[test]
fn row_56_what_stands_in_the_place_of_a_version_is_one_that_cannot_be_used() {
    for version in
        [json!({}), json!({"version": "1"}), json!({"auth_data": {}}), json!({"version": null})]
    {
        let saved = read_all(&[json!({"user_id": USER, "room_keys_version": version})]);
        let evidence = evidence(&saved);
        assert!(evidence.current().unwrap().auth_data().is_err(), "{version}");
        assert!(evidence.storage.is_none(), "it is no account data");
    }
    assert_eq!(read_all(&[json!({"version": "1"})]).versions().count(), 1);
}

#[test]
fn the_current_version_is_the_greatest_in_whatever_order() {
    let info = |version: &str| {
        let mut info = fixture()["room_keys_version"].clone();
        info["version"] = json!(version);
        info
    };
    let order = |names: &[&str]| -> Vec<String> {
        let saved = read_all(&names.iter().map(|name| info(name)).collect::<Vec<_>>());
        saved.versions().map(|info| info.version().to_string()).collect()
    };
    assert_eq!(order(&["1", "9", "10", "9"]), ["10", "9", "1"]);
    assert_eq!(order(&["1", "b", "10"]), ["1", "b", "10"]);
}

#[test]
fn other_responses_are_no_account_data() {
    let error = |file: Value| {
        SavedPart::read_all(file.to_string().as_bytes(), &Limits::default()).unwrap_err()
    };
    for file in [
        json!({"capabilities": {"m.change_password": {"enabled": true}}}),
        json!({"room": {"timeline": {"limit": 1}}, "presence": {}}),
    ] {
        assert_eq!(error(file.clone()), SavedFileError::UnknownKind, "{file}");
    }
    let sync = json!({"next_batch": "1", "rooms": {"join": {"!a": {}}}});
    assert_eq!(error(sync), SavedFileError::NoAccountData);
    let event = json!({"type": "m.direct", "content": {}});
    let sliding = json!({
        "pos": "1", "lists": {}, "rooms": {"!a": {}},
        "extensions": {"account_data": {"global": [event, null], "rooms": {}}},
    });
    assert_eq!(read_all(&[sliding]).account_data().count(), 1);
    let of_login =
        json!({"user_id": USER, "access_token": "a", "well_known": {"m.homeserver": {}}});
    assert_eq!(read_all(&[of_login]).user_id().unwrap().as_str(), USER);
    assert_eq!(read_all(&[json!({"recovery_key": "EsT"})]).typed().count(), 1);
    let only_null = read_all(&[json!({"account_data": [null], "user_id": USER})]);
    assert!(matches!(only_null.parts()[0], SavedPart::AccountData { broken: 1, .. }));
    assert_eq!(read_all(&[json!({"account_data": {"custom": {}}})]).account_data().count(), 1);
}

/// What is refused takes more memory than what was written.
#[test]
fn refused_sessions_are_named_up_to_a_limit_and_counted_beyond_it() {
    let mut limits = Limits::default();
    limits.findings = 2;
    let good = fixture()["exported_room_keys"][0].clone();
    let list = json!([null, 0, {"session_key": 0}, good, [], "x", good]).to_string();
    let parts = SavedPart::read_all(list.as_bytes(), &limits).unwrap();
    let [SavedPart::Sessions { sessions, unnamed: 3 }] = &parts[..] else { panic!("{parts:?}") };
    let is_read: Vec<_> = sessions.iter().map(Result::is_ok).collect();
    assert_eq!(is_read, [false, false, true, true]);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let mut limits = Limits::default();
    limits.saved_file_bytes = 2;
    assert!(SavedPart::read_all(b"{}", &limits).is_ok());
    let error = SavedPart::read_all(b"{} ", &limits).unwrap_err();
    assert_eq!(error, SavedFileError::TooLarge { bytes: 3, max: 2 });
}

fn read_all(files: &[Value]) -> SavedFiles {
    let mut saved = SavedFiles::default();
    for file in files {
        saved.read(file.to_string().as_bytes(), &Limits::default()).unwrap();
    }
    saved
}

fn evidence(saved: &SavedFiles) -> Evidence {
    saved.evidence(USER.into(), 1_000, &Limits::default())
}

/// Whether the answer about the current backup is among them, be it that there is none.
fn knows_backup(saved: &SavedFiles) -> bool {
    let found = diagnose(&evidence(saved), None, &Limits::default());
    !found.missing().contains(&MissingEvidence::Backup)
}

fn fixture() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/js-sdk/random.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// What is not the list that its name says may be all of the account data: nothing is said to be missing.
#[test]
fn events_that_are_no_list_are_no_account_data() {
    for text in [r#"{"events": {"type": "x"}}"#, r#"{"account_data": {"events": {}}}"#] {
        let read = SavedPart::read_all(text.as_bytes(), &Limits::default());
        assert!(read.is_err(), "{read:?}");
    }
}

#[test]
fn a_response_that_is_cut_in_the_middle_of_a_character_is_still_one() {
    let text = "{\"rooms\":{\"!a:b\":{\"sessions\":{\"\u{1f511}".to_owned();
    let utf16 = || text.encode_utf16();
    let encoded = [
        text.clone().into_bytes(),
        [0xff, 0xfe].into_iter().chain(utf16().flat_map(u16::to_le_bytes)).collect(),
        utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>(),
    ];
    for bytes in &encoded {
        for left_out in 0..8 {
            let cut = &bytes[..bytes.len() - left_out];
            let parts = SavedPart::read_all(cut, &Limits::default());
            let is_response = matches!(parts.as_deref(), Ok([SavedPart::RoomKeys(_)]));
            assert!(is_response, "{left_out}: {parts:?}");
        }
    }
}

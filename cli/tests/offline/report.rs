//! What `strongroom rescue` says of what it did.

use std::fs;

use serde_json::{Value, json};

use crate::kit::{Folder, fixture, run};

/// A snapshot of both accounts, as versions 2 and 1, and both keys.
fn two_versions(folder: &Folder) -> [String; 2] {
    ["random", "passphrase"].map(|name| {
        let mut fixture = fixture(name);
        let version = if name == "random" { "2" } else { "1" };
        fixture["room_keys_version"]["version"] = json!(version);
        let infix = if name == "random" { "" } else { ".1" };
        let info = fixture["room_keys_version"].to_string();
        folder.write(&format!("backup_info{infix}.json"), info.as_bytes());
        let keys = fixture["room_keys"].to_string();
        folder.write(&format!("room_keys{infix}.json"), keys.as_bytes());
        let key = fixture["backup_decryption_key_base64"].as_str().unwrap();
        folder.write(&format!("{name}.key"), key.as_bytes())
    })
}

fn report_of(arguments: &[&str]) -> (i32, Value) {
    let (status, text, errors) = run(arguments, None);
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{errors}")))
}

#[test]
fn the_report_says_of_each_version_what_opened_it_and_what_was_not_given() {
    let folder = Folder::new("report-versions");
    let [key, old_key] = two_versions(&folder);
    let out = folder.path().to_owned() + "/out.json";
    let base =
        ["rescue", "--from", folder.path(), "--format", "json", "--out", &out, "--json", "--force"];
    let sessions = |name| fixture(name)["exported_room_keys"].as_array().unwrap().len();
    let (now, before) = (sessions("random"), sessions("passphrase"));

    // Whatever opens nothing is still the version that it lies beside.
    let (status, report) = report_of(&[&base[..], &["--recovery-key-file", &old_key]].concat());
    assert_eq!(status, 3);
    let versions = json!([
        { "version": "2", "opened_by": null, "total": now, "restored": 0 },
        { "version": "1", "opened_by": "backup_key", "total": before, "restored": before },
    ]);
    assert_eq!(report["versions"], versions);
    assert_eq!((&report["complete"], &report["expected"]), (&json!(true), &json!(now + before)));
    let total = report["restored"].as_u64().unwrap() + report["failed"].as_u64().unwrap();
    assert_eq!(report["total"], total);
    assert_eq!(report["failures"].as_array().unwrap().len(), now);
    assert_eq!(report["failures"][0]["cause"], "wrong_key");
    assert!(report["failures"][0]["detail"].as_str().unwrap().len() > 10);

    let current = ["--recovery-key-file", &key, "--current-only"];
    let (status, report) = report_of(&[&base[..], &current].concat());
    assert_eq!((status, &report["expected"]), (0, &json!(now)));
    assert_eq!(report["versions"].as_array().unwrap().len(), 1);
    assert_eq!((&report["versions"][0]["version"], &report["total"]), (&json!("2"), &json!(now)));
    let macs = &report["mac"];
    let counted = macs["empty_string"].as_u64().unwrap() + macs["ciphertext"].as_u64().unwrap();
    assert_eq!(counted, now as u64);
    let arguments = [&base[..], &["--recovery-key-file", &old_key, "--current-only"]].concat();
    assert_eq!(run(&arguments, None).0, 1, "the older key does not count");

    fs::remove_file(format!("{}/room_keys.1.json", folder.path())).unwrap();
    let (status, report) = report_of(&[&base[..], &["--recovery-key-file", &key]].concat());
    assert_eq!((status, &report["complete"], &report["failed"]), (3, &json!(false), &json!(0)));
    assert_eq!(report["versions"][1]["version"], "1");
    let arguments = [&base[..7], &["--force", "--recovery-key-file", &key]].concat();
    let (_, text, _) = run(&arguments, None);
    assert!(text.contains("version 1: its message keys"), "{text}");
    assert!(text.contains("opened with its own key"), "{text}");
}

#[test]
fn a_report_lists_every_failure_if_that_is_wanted() {
    let folder = Folder::new("report-all");
    let fixture = fixture("random");
    let (room, of_room) = fixture["room_keys"]["rooms"].as_object().unwrap().iter().next().unwrap();
    let (id, good) = of_room["sessions"].as_object().unwrap().iter().next().unwrap();
    let mut bad = good.clone();
    bad["session_data"]["ephemeral"] = json!(5);
    let mut sessions = serde_json::Map::from_iter([(id.clone(), good.clone())]);
    (0..1_500).for_each(|number| drop(sessions.insert(format!("bad {number}"), bad.clone())));
    (0..1_200).for_each(|number| drop(sessions.insert(format!("id {number}"), good.clone())));
    let keys = json!({ "rooms": { room: { "sessions": sessions } } });
    folder.write("room_keys.json", keys.to_string().as_bytes());
    folder.write("backup_info.json", fixture["room_keys_version"].to_string().as_bytes());
    let key = fixture["backup_decryption_key_base64"].as_str().unwrap();
    let key = folder.write("key", key.as_bytes());
    let (out, report) = (folder.path().to_owned() + "/out", folder.path().to_owned() + "/report");
    let arguments = ["rescue", "--from", folder.path(), "--recovery-key-file", &key];
    let base = [&arguments[..], &["--format", "json", "--out", &out, "--force"]].concat();
    for (all, failures, warnings) in [(None, 1_000, 1_000), (Some("--all"), 1_500, 1_200)] {
        let arguments = [&base[..], &["--json", "--report", &report], all.as_slice()].concat();
        let (status, printed) = report_of(&arguments);
        assert_eq!(status, 3);
        let written: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        assert_eq!(printed, written);
        assert_eq!((&written["failed"], &written["restored"]), (&json!(1_500), &json!(1_201)));
        let listed = |name: &str| written[name].as_array().unwrap().clone();
        assert_eq!((listed("failures").len(), listed("warnings").len()), (failures, warnings));
        assert_eq!(listed("failures")[0]["session_id"], "bad 0");
        assert_eq!(listed("failures")[0]["cause"], "malformed");
        assert_eq!(listed("warnings")[0]["kind"], "other_session_id");
    }
    // Without a report there is nothing to list them in.
    let (status, _, errors) = run(&[&base[..], &["--all"]].concat(), None);
    assert_eq!(status, 2, "{errors}");
    assert!(errors.contains("--report"), "{errors}");
}

#[test]
fn what_was_typed_is_recognised_by_what_it_opens() {
    let folder = Folder::new("opened-by");
    let mut account = fixture("passphrase");
    let members = account.as_object_mut().unwrap();
    let mut texts = ["recovery_key", "passphrase"].map(|name| members.remove(name).unwrap());
    members.remove("exported_room_keys");
    let own = members["backup_decryption_key_base64"].clone();
    let default_key = account["account_data"]["m.secret_storage.default_key"].clone();
    let out = folder.path().to_owned() + "/out.json";
    let check = |account: &Value, text: &str, opened_by: &str| {
        let account = folder.write("account.json", account.to_string().as_bytes());
        let text = folder.write("text.txt", text.as_bytes());
        for flag in ["--recovery-key-file", "--passphrase-file"] {
            let arguments = ["rescue", "--from", &account, flag, &text, "--format", "json"];
            let arguments = [&arguments[..], &["--out", &out, "--force", "--json"]].concat();
            let (status, report) = report_of(&arguments);
            assert_eq!((status, &report["versions"][0]["opened_by"]), (0, &json!(opened_by)));
        }
    };
    texts.iter().for_each(|text| check(&account, text.as_str().unwrap(), "storage_key"));
    check(&account, own.as_str().unwrap(), "backup_key");
    // Another key is the default one now.
    let mut other = default_key;
    other["key"] = json!("another");
    account["account_data"]["m.secret_storage.default_key"] = other;
    check(&account, texts[0].take().as_str().unwrap(), "older_storage_key");
}

#[test]
fn what_a_file_is_shows_in_it_whatever_its_name_and_encoding() {
    let folder = Folder::new("swapped");
    let fixture = fixture("random");
    let [info, keys] = ["room_keys_version", "room_keys"].map(|name| fixture[name].to_string());
    let utf_16 = |text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let key = fixture["backup_decryption_key_base64"].as_str().unwrap();
    let key = folder.write("key", key.as_bytes());
    let out = folder.path().to_owned() + "/out";
    let base = ["rescue", "--from", folder.path(), "--recovery-key-file", &key, "--format"];
    let arguments = [&base[..], &["json", "--out", &out, "--force", "--json"]].concat();
    for encode in [utf_16, |text: &str| text.as_bytes().to_vec()] {
        folder.write("room_keys.json", &encode(&info));
        folder.write("backup_info.json", &encode(&keys));
        let (status, report) = report_of(&arguments);
        assert_eq!((status, &report["complete"]), (0, &json!(true)), "{report:#}");
    }
    // The message keys of another account.
    let other = crate::kit::fixture("passphrase")["room_keys"].to_string();
    folder.write("backup_info.json", other.as_bytes());
    let (status, report) = report_of(&arguments);
    assert_eq!((status, &report["restored"]), (1, &json!(0)));
    // A response that was cut.
    folder.write("backup_info.json", &keys.as_bytes()[..keys.len() * 2 / 3]);
    let (status, report) = report_of(&arguments);
    assert_eq!((status, &report["complete"]), (3, &json!(false)));
    assert!(report["restored"].as_u64() > Some(0), "{report:#}");
    // An error in its place.
    folder.write("backup_info.json", br#"{"errcode":"M_LIMIT_EXCEEDED","error":"Too many"}"#);
    let (status, _, errors) = run(&arguments, None);
    assert_eq!(status, 1);
    assert!(errors.contains("backup_info.json") && errors.contains("M_LIMIT_EXCEEDED"), "{errors}");
    // An empty backup.
    folder.write("backup_info.json", br#"{"rooms":{}}"#);
    let mut empty = fixture["room_keys_version"].clone();
    (empty["count"], empty["version"]) = (json!(0), json!("7"));
    folder.write("room_keys.json", empty.to_string().as_bytes());
    let (status, text, errors) = run(&arguments[..arguments.len() - 1], None);
    assert_eq!(status, 3, "{text}{errors}");
    assert!(text.contains("An older version, 6 or one below"), "{text}");
}

/// As shells on Windows save what a program prints. It is longer than what is read at once.
#[test]
fn a_long_response_in_utf_16_is_opened() {
    let folder = Folder::new("long-utf-16");
    let fixture = fixture("random");
    let mut text = fixture["room_keys"].to_string();
    text.insert_str("{\"rooms\":".len(), &" ".repeat(2 << 20));
    let text = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes);
    folder.write("room_keys.json", &text.collect::<Vec<_>>());
    folder.write("backup_info.json", fixture["room_keys_version"].to_string().as_bytes());
    let key = fixture["backup_decryption_key_base64"].as_str().unwrap();
    let key = folder.write("key", key.as_bytes());
    let out = folder.path().to_owned() + "/out";
    let arguments = ["rescue", "--from", folder.path(), "--recovery-key-file", &key, "--json"];
    let (status, report) =
        report_of(&[&arguments[..], &["--format", "json", "--out", &out]].concat());
    assert_eq!((status, &report["complete"]), (0, &json!(true)), "{report:#}");
    assert_eq!(report["restored"], fixture["exported_room_keys"].as_array().unwrap().len());
}

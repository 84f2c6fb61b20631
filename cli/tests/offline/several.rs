//! `strongroom rescue` with several versions and several keys: each message key is opened by the key that it has.

use std::fs;

use serde_json::{Value, json};
use strongroom::recovery_key::RecoveryKey;

use crate::kit::{Folder, fixture, run, session_keys, session_keys_of};

/// A folder with what two accounts have, as if it were one, and a file with the key of each backup.
struct Saved {
    folder: Folder,
    keys: [String; 2],
}

impl Saved {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let keys = ["random", "passphrase"].map(|name| {
            let key = fixture(name)["backup_decryption_key_base64"].as_str().unwrap().to_owned();
            folder.write(&format!("{name}.key"), key.as_bytes())
        });
        Self { folder, keys }
    }

    /// A version that names the key of one account and holds the message keys of others.
    fn put(&self, version: &str, named: &str, held: &[&str]) {
        let mut info = fixture(named)["room_keys_version"].clone();
        info["version"] = json!(version);
        info.as_object_mut().unwrap().remove("count");
        let rooms = held.iter().flat_map(|name| {
            fixture(name)["room_keys"]["rooms"].as_object().unwrap().clone().into_iter()
        });
        let keys = json!({ "rooms": rooms.collect::<serde_json::Map<_, _>>() });
        self.folder.write(&format!("backup_info.{version}.json"), info.to_string().as_bytes());
        self.folder.write(&format!("room_keys.{version}.json"), keys.to_string().as_bytes());
    }

    fn rescue(&self, keys: &[&String], more: &[&str]) -> (i32, String, String, String) {
        let out = self.folder.path().to_owned() + "/out.txt";
        let base = ["rescue", "--from", self.folder.path(), "--format", "json", "--out", &out];
        let keys = keys.iter().flat_map(|key| ["--recovery-key-file", key.as_str()]);
        let arguments: Vec<_> = base.into_iter().chain(["--force"]).chain(keys).collect();
        let (status, text, errors) = run(&[&arguments[..], more].concat(), None);
        (status, text, errors, out)
    }

    fn report(&self, keys: &[&String]) -> (i32, Value, String) {
        let (status, text, errors, out) = self.rescue(keys, &["--json"]);
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{errors}")), out)
    }
}

fn exported(names: &[&str]) -> Vec<String> {
    let all = names.iter().map(|name| fixture(name)["exported_room_keys"].clone());
    let all: Vec<_> = all.flat_map(|it| it.as_array().unwrap().clone()).collect();
    session_keys_of(&all)
}

#[test]
fn a_version_with_message_keys_of_two_keys_comes_back_whole() {
    let saved = Saved::new("several-two-keys");
    saved.put("4", "random", &["random", "passphrase"]);
    let [new, old] = &saved.keys;
    let expected = exported(&["random", "passphrase"]);
    for keys in [[new, old], [old, new]] {
        let (status, report, out) = saved.report(&keys);
        assert_eq!((status, &report["failed"]), (0, &json!(0)), "{report:#}");
        assert_eq!(session_keys(&out), expected);
        assert_eq!(report["versions"].as_array().unwrap().len(), 1);
        let row = &report["table"]["versions"][0];
        assert_eq!((&row["opened"], &row["best_copies"]), (&json!([36, 36]), &json!(72)));
    }
    let (_, text, ..) = saved.rescue(&[new, old], &[]);
    assert!(text.contains("message keys  key 1  key 2  unopened  damaged  best copies"), "{text}");
    assert!(text.contains("opened with its own key, and with another one"), "{text}");
    // With one of the keys, what the other one opens is missing, and counted.
    let (status, report, _) = saved.report(&[old]);
    assert_eq!((status, &report["restored"], &report["failed"]), (3, &json!(36), &json!(36)));
    assert_eq!(report["table"]["versions"][0]["wrong_key"], 36);
}

#[test]
fn a_version_that_names_another_key_than_its_message_keys_have_comes_back_whole() {
    let saved = Saved::new("several-other-key");
    saved.put("4", "random", &["passphrase"]);
    let [new, old] = &saved.keys;
    for keys in [&[old][..], &[new, old]] {
        let (status, report, out) = saved.report(keys);
        assert_eq!((status, &report["failed"]), (0, &json!(0)), "{report:#}");
        assert_eq!(report["versions"][0]["version"], "4");
        assert_eq!(session_keys(&out), exported(&["passphrase"]));
    }
    let (_, text, ..) = saved.rescue(&[old], &[]);
    assert!(text.contains("opened with the key of a backup"), "it is not its own:\n{text}");
}

#[test]
fn the_key_of_the_current_version_opens_an_older_one_and_copies_come_out_once() {
    let saved = Saved::new("several-older");
    saved.put("9", "random", &["random"]);
    saved.put("4", "random", &["random"]);
    saved.put("2", "passphrase", &["random", "passphrase"]);
    let [new, old] = &saved.keys;
    let (status, report, out) = saved.report(&[old, new]);
    assert_eq!((status, &report["restored"]), (0, &json!(4 * 36)), "{report:#}");
    assert_eq!(session_keys(&out), exported(&["random", "passphrase"]));
    let best = report["table"]["versions"].as_array().unwrap().iter();
    let best: Vec<_> =
        best.map(|row| (row["version"].clone(), row["best_copies"].clone())).collect();
    let expected = [("9", 36), ("4", 0), ("2", 36)].map(|(it, count)| (json!(it), json!(count)));
    assert_eq!(best, expected, "of equal copies, that of the newest version");
    let (_, text, ..) = saved.rescue(&[old, new], &[]);
    for line in ["key 1: the key of a backup (version 2)", "      9            36"] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn one_version_and_one_key_need_no_table() {
    let saved = Saved::new("several-one");
    saved.put("9", "random", &["random"]);
    let (status, text, errors, _) = saved.rescue(&[&saved.keys[0]], &[]);
    assert_eq!(status, 0, "{text}{errors}");
    assert!(!text.contains("best copies"), "{text}");
}

#[test]
fn account_data_that_has_lost_every_description_still_gives_the_key() {
    let folder = Folder::new("several-lost");
    let mut account = fixture("random");
    let members = account.as_object_mut().unwrap();
    let key = members.remove("recovery_key").unwrap();
    members.remove("exported_room_keys");
    members.remove("backup_decryption_key_base64");
    let data = members["account_data"].as_object_mut().unwrap();
    data.retain(|kind, _| !kind.starts_with("m.secret_storage."));
    folder.write("account.json", account.to_string().as_bytes());
    let key = folder.write("key", key.as_str().unwrap().as_bytes());
    let out = folder.path().to_owned() + "/out.txt";
    let arguments = ["rescue", "--from", folder.path(), "--recovery-key-file", &key, "--out", &out];
    let (status, text, errors) =
        run(&[&arguments[..], &["--format", "json", "--json"]].concat(), None);
    assert_eq!(status, 0, "{text}{errors}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["versions"][0]["opened_by"], "older_storage_key");
    assert!(fs::metadata(&out).is_ok());
}

#[test]
fn of_forty_keys_every_one_is_tried() {
    let saved = Saved::new("several-forty");
    saved.put("4", "random", &["random", "passphrase"]);
    let [new, old] = &saved.keys;
    let others = (0..40).map(|number| {
        let key = RecoveryKey::generate().unwrap().to_text();
        saved.folder.write(&format!("other-{number}.key"), key.expose_str().as_bytes())
    });
    let mut keys: Vec<_> = others.collect();
    keys.extend([new.clone(), old.clone()]);
    let (status, report, out) = saved.report(&keys.iter().collect::<Vec<_>>());
    assert_eq!((status, &report["failed"]), (0, &json!(0)), "{report:#}");
    assert_eq!(session_keys(&out), exported(&["random", "passphrase"]));
}

#[test]
fn a_response_that_is_passed_over_is_not_complete() {
    let saved = Saved::new("several-passed-over");
    saved.put("4", "random", &["random"]);
    let rooms = fixture("passphrase")["room_keys"]["rooms"].clone();
    let room = rooms.as_object().unwrap().values().next().unwrap();
    saved.folder.write("room.json", room.to_string().as_bytes());
    let (status, report, _) = saved.report(&[&saved.keys[0]]);
    assert_eq!((status, &report["complete"]), (3, &json!(false)), "{report:#}");
}

#[test]
fn of_two_backups_with_one_number_one_is_not_forgotten() {
    let saved = Saved::new("several-namesakes");
    saved.put("4", "random", &["random"]);
    let mut info = fixture("passphrase")["room_keys_version"].clone();
    info["version"] = json!("4");
    saved.folder.write("other.json", info.to_string().as_bytes());
    let (status, report, _) = saved.report(&[&saved.keys[0]]);
    assert_eq!((status, &report["complete"]), (3, &json!(false)), "{report:#}");
    let (_, _, errors, _) = saved.rescue(&[&saved.keys[0]], &[]);
    assert!(errors.contains("another backup than the version 4"), "{errors}");
}

#[test]
fn a_response_in_utf_16_that_is_cut_keeps_what_came_before() {
    let saved = Saved::new("several-utf-16");
    saved.put("4", "random", &["random"]);
    let path = saved.folder.path().to_owned() + "/room_keys.4.json";
    let text = fs::read_to_string(&path).unwrap();
    let units: Vec<_> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    // In the middle of the brackets at its end, and of a unit.
    fs::write(&path, &units[..units.len() - 3]).unwrap();
    let (status, report, _) = saved.report(&[&saved.keys[0]]);
    assert_eq!((status, &report["restored"]), (3, &json!(36)), "{report:#}");
    assert_eq!(report["complete"], false);
}

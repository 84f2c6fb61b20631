//! What is said where there is nothing to rescue, or nothing opens.

use std::path::Path;

use serde_json::{Value, json};

use crate::kit::{Folder, fixture, run, vector};

/// A folder with these parts of an account.
fn account(folder: &Folder, name: &str, parts: &[(&str, &Value)]) -> String {
    let path = Path::new(folder.path()).join(name);
    std::fs::create_dir(&path).unwrap();
    for (file, part) in parts {
        std::fs::write(path.join(file), part.to_string()).unwrap();
    }
    path.to_str().unwrap().to_owned()
}

fn mistyped(key: &str) -> String {
    let place = 20;
    let other = if &key[place..=place] == "x" { "y" } else { "x" };
    format!("{}{other}{}", &key[..place], &key[place + 1..])
}

#[test]
fn where_nothing_opens_it_is_said_which_piece_is_not_there_or_does_not_fit() {
    let folder = Folder::new("which-piece");
    let (ours, other) = (fixture("random"), fixture("passphrase"));
    let parts = |it: &Value| (it["room_keys_version"].clone(), it["room_keys"].clone());
    let ((info, keys), (other_info, other_keys)) = (parts(&ours), parts(&other));
    let backup = [("backup_info.json", &info), ("room_keys.json", &keys)];
    let with = |name: &str, data: &Value| {
        account(&folder, name, &[&backup[..], &[("account_data.json", data)]].concat())
    };
    let mut data = ours["account_data"].clone();
    let whole = with("whole", &data);
    let swapped = [("backup_info.json", &other_info), ("room_keys.json", &other_keys)];
    let of_other = [&swapped[..], &[("account_data.json", &data)]].concat();
    let of_other = account(&folder, "other", &of_other);
    let mut stored = data.as_object_mut().unwrap().remove("m.megolm_backup.v1").unwrap();
    let not_stored = with("not-stored", &data);
    let ciphertext = &mut stored["encrypted"].as_object_mut().unwrap().values_mut().next().unwrap()
        ["ciphertext"];
    *ciphertext = json!("AAAA");
    data["m.megolm_backup.v1"] = stored;
    let damaged = with("damaged", &data);
    let alone = account(&folder, "alone", &backup);
    let mixed = account(&folder, "mixed", &[backup[0], ("room_keys.json", &other_keys)]);

    let text = ours["recovery_key"].as_str().unwrap();
    let key = folder.write("key.txt", text.as_bytes());
    let own =
        folder.write("own.txt", ours["backup_decryption_key_base64"].as_str().unwrap().as_bytes());
    let typo = folder.write("typo.txt", mistyped(text).as_bytes());
    let wrong = folder.write("wrong.txt", other["recovery_key"].as_str().unwrap().as_bytes());
    let passphrase = folder.write("passphrase.txt", b"correct horse battery staple");
    let storage = "which was not given: add the account data with --from";
    let cases: [(&str, &[&str], &[&str]); 9] = [
        (&alone, &[&key], &["not the recovery key of the backup", storage, "strongroom fetch"]),
        (&alone, &[&passphrase], &["not the passphrase of the backup", storage]),
        (&alone, &[&typo], &["there is a mistake in it"]),
        (&not_stored, &[&key], &["unlocks your key storage", "is not in it", "element-keys.txt"]),
        (&damaged, &[&key], &["unlocks your key storage", "is damaged"]),
        (&of_other, &[&key], &["unlocks your key storage", "that of another backup"]),
        (&mixed, &[&own], &["is the key of the backup", "are those of another"]),
        (&whole, &[&wrong], &["does not open anything here", "strongroom diagnose"]),
        (
            &whole,
            &[&wrong, &typo],
            &["key 1: this recovery key", "key 2: this recovery key has one typing mistake"],
        ),
    ];
    let out = folder.path().to_owned() + "/out";
    for (from, keys, says) in cases {
        let mut arguments = vec!["rescue", "--from", from, "--out", &out];
        keys.iter().for_each(|key| arguments.extend(["--recovery-key-file", key]));
        let (status, _, errors) = run(&arguments, None);
        assert_eq!(status, 1, "{arguments:?}: {errors}");
        for what in says.iter().chain(&["nothing was written"]) {
            assert!(errors.contains(what), "{arguments:?}, {what}: {errors}");
        }
        assert!(!Path::new(&out).exists());
    }
    // Beside a key that opens everything, too.
    let arguments = ["rescue", "--from", &whole, "--out", &out, "--format", "json"];
    let keys = ["--recovery-key-file", &key, "--recovery-key-file", &typo];
    let (status, _, errors) = run(&[&arguments[..], &keys].concat(), None);
    assert_eq!(status, 0, "{errors}");
    assert!(errors.contains("Key 2: this recovery key has one typing mistake"), "{errors}");
}

#[test]
fn an_account_without_a_backup_is_said_to_have_none() {
    let folder = Folder::new("no-backup");
    let ours = fixture("random");
    let mut snapshot = json!({ "server": "https://example.org", "user_id": "@me:example.org" });
    (snapshot["time_ms"], snapshot["complete"]) = (json!(1), json!(true));
    snapshot["versions"] = json!([]);
    let data = ("account_data.json", &ours["account_data"]);
    let path = account(&folder, "snapshot", &[data, ("snapshot.json", &snapshot)]);
    let out = folder.path().to_owned() + "/out";
    let (status, _, errors) = run(&["rescue", "--from", &path, "--out", &out], None);
    assert_eq!(status, 1, "{errors}");
    let says = "@me:example.org has no backup on https://example.org: there are no message keys";
    assert!(errors.contains(says), "{errors}");
    assert!(errors.contains("element-keys.txt"), "{errors}");
    let key = folder.write("key", ours["recovery_key"].as_str().unwrap().as_bytes());
    let diagnose = ["diagnose", "--json", "--from", &path, "--recovery-key-file", &key];
    let has_finding = || {
        let (_, text, errors) = run(&diagnose, None);
        let report: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{errors}"));
        report["findings"].as_array().unwrap().iter().any(|it| it["code"] == "backup.absent")
    };
    assert!(has_finding());
    // Of one that is not finished nobody knows.
    snapshot["complete"] = json!(false);
    std::fs::write(path.clone() + "/snapshot.json", snapshot.to_string()).unwrap();
    assert!(!has_finding());
}

#[test]
fn a_part_that_cannot_be_read_is_told_and_the_rest_is_rescued() {
    let folder = Folder::new("one-bad-part");
    let ours = fixture("random");
    let (info, keys) = (&ours["room_keys_version"], &ours["room_keys"]);
    let path = account(&folder, "it", &[("backup_info.json", info), ("room_keys.json", keys)]);
    let own = ours["backup_decryption_key_base64"].as_str().unwrap();
    let own = folder.write("own", own.as_bytes());
    let out = folder.path().to_owned() + "/out";
    let arguments = ["rescue", "--from", &path, "--out", &out, "--format", "json", "--force"];
    let arguments = [&arguments[..], &["--recovery-key-file", &own]].concat();
    assert_eq!(run(&arguments, None).0, 0);
    for (name, bytes, says) in [
        ("page.json", "<html>", "page.json: this is a web page"),
        ("snapshot.json", "{\"serv", "not known whether everything is in the folder"),
    ] {
        let bad = format!("{path}/{name}");
        std::fs::write(&bad, bytes).unwrap();
        let (status, text, errors) = run(&arguments, None);
        assert_eq!(status, 3, "{errors}");
        assert!(errors.contains(says) && text.contains("36 of 36"), "{errors}{text}");
        std::fs::remove_file(bad).unwrap();
    }
}

#[test]
fn an_answer_without_message_keys_is_told_from_an_empty_backup() {
    let folder = Folder::new("lacks-all");
    let ours = fixture("random");
    let (mut info, keys) = (ours["room_keys_version"].clone(), json!({ "rooms": {} }));
    let own = ours["backup_decryption_key_base64"].as_str().unwrap();
    let own = folder.write("own", own.as_bytes());
    let out = folder.path().to_owned() + "/out";
    let rescue = |name: &str, info: &Value, more: &[&str]| {
        let parts = [("backup_info.json", info), ("room_keys.json", &keys)];
        let path = account(&folder, name, &parts);
        let arguments = ["rescue", "--from", &path, "--out", &out, "--format", "json"];
        run(&[&arguments[..], &["--recovery-key-file", &own], more].concat(), None)
    };
    let (status, text, _) = rescue("lost", &info, &[]);
    let says = "version 1: the homeserver says that it has 36 message keys, but the saved response has none: fetch it again";
    assert!(status == 1 && text.contains(says) && !text.contains("is empty"), "{status} {text}");
    (info["count"], info["version"]) = (json!(0), json!("3"));
    let (status, text, _) = rescue("empty", &info, &["--current-only"]);
    assert!(status == 3 && text.contains("leave --current-only out"), "{status} {text}");
    let (status, text, _) = rescue("older", &info, &[]);
    assert!(status == 3 && text.contains("An older version, 2 or one below"), "{status} {text}");
}

#[test]
fn what_failed_is_counted_in_words() {
    let folder = Folder::new("words");
    let ours = fixture("random");
    let (mut keys, info) = (ours["room_keys"].clone(), &ours["room_keys_version"]);
    let other = &fixture("passphrase")["room_keys"];
    let first = |keys: &Value| {
        let rooms = keys["rooms"].as_object().unwrap().values();
        let mut sessions = rooms.flat_map(|it| it["sessions"].as_object().unwrap().values());
        sessions.next().unwrap().clone()
    };
    let (mut incomplete, foreign) = (first(&keys), first(other));
    incomplete["session_data"].as_object_mut().unwrap().remove("mac");
    let room = keys["rooms"].as_object_mut().unwrap().values_mut().next().unwrap();
    let sessions = room["sessions"].as_object_mut().unwrap();
    sessions.extend([("a".to_owned(), foreign.clone()), ("b".to_owned(), foreign)]);
    sessions.insert("c".to_owned(), incomplete);
    let path = account(&folder, "it", &[("backup_info.json", info), ("room_keys.json", &keys)]);
    let own = ours["backup_decryption_key_base64"].as_str().unwrap();
    let own = folder.write("own", own.as_bytes());
    let out = folder.path().to_owned() + "/out";
    let arguments = ["rescue", "--from", &path, "--out", &out, "--format", "json"];
    let (status, text, _) = run(&[&arguments[..], &["--recovery-key-file", &own]].concat(), None);
    assert_eq!(status, 3, "{text}");
    let says = "36 of 39 message keys were restored; ";
    assert!(text.contains(says), "{text}");
    for what in ["2 are encrypted with another key", "1 is incomplete"] {
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn an_old_key_opens_its_version_and_the_others_are_named() {
    let folder = Folder::new("old-key");
    let (old, new) = (fixture("random"), fixture("passphrase"));
    let mut current = new["room_keys_version"].clone();
    current["version"] = "2".into();
    folder.write("backup_info.json", current.to_string().as_bytes());
    folder.write("room_keys.json", new["room_keys"].to_string().as_bytes());
    folder.write("backup_info.1.json", old["room_keys_version"].to_string().as_bytes());
    folder.write("room_keys.1.json", old["room_keys"].to_string().as_bytes());
    let key = Folder::new("old-key-itself");
    let text = old["backup_decryption_key_base64"].as_str().unwrap();
    let key = key.write("key", text.as_bytes());
    let out = folder.path().to_owned() + "/out";
    let rescue =
        ["rescue", "--from", folder.path(), "--recovery-key-file", &key, "--format", "json"];
    let (status, text, errors) = run(&[&rescue[..], &["--out", &out]].concat(), None);
    assert_eq!(status, 3, "{errors}");
    let lines: Vec<_> = text.lines().take(5).collect();
    assert_eq!(
        lines,
        [
            "36 of 72 message keys were restored, out of 2 versions of the backup.",
            "version 2: none of its 36 message keys opens with what was entered",
            "  it has a key of its own: to get these, too, enter that as well",
            "version 1: 36 of 36 message keys were restored",
            "  opened with its own key",
        ]
    );
}

#[test]
fn where_nothing_opens_the_reason_is_said_with_and_without_a_report() {
    let folder = Folder::new("nothing-opens");
    let out = folder.path().to_owned() + "/out";
    let report = folder.path().to_owned() + "/report";
    let other =
        folder.write("key", fixture("passphrase")["recovery_key"].as_str().unwrap().as_bytes());
    // What was typed is tried instead of what the file brings.
    let rescue = ["rescue", "--from", &vector("random"), "--recovery-key-file", &other];
    let (status, _, errors) = run(&[&rescue[..], &["--out", &out]].concat(), None);
    // Nobody is asked for a passphrase of a file that is not written.
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("does not open anything here"), "{errors}");
    let json = ["--format", "json", "--report", &report];
    let (status, text, _) = run(&[&rescue[..], &["--out", &out], &json].concat(), None);
    assert_eq!(status, 1);
    assert!(text.contains("Nothing was written: this recovery key does not open"), "{text}");
    assert_eq!(folder.names(), ["key", "report"]);
}

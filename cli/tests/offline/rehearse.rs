//! `strongroom rehearse`.

use serde_json::{Value, json};
use strongroom::{
    backup::BackupDecryptionKey, recovery_key::RecoveryKey, session_data::SessionData,
};

use crate::kit::{Folder, exported, fixture, run, vector};

/// The exit status and the report.
fn rehearsed(arguments: &[&str]) -> (i32, Value) {
    let (status, out, errors) = run(&[&["rehearse", "--json"], arguments].concat(), None);
    (status, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{errors}")))
}

#[test]
fn with_everything_in_the_backup_a_device_can_be_logged_out() {
    let folder = Folder::new("rehearse-well");
    let local = folder.write("local.json", &exported("random"));
    let arguments = ["rehearse", "--from", &vector("random"), "--local", &local];
    let (status, out, errors) = run(&arguments, None);
    assert_eq!(status, 0, "{out}{errors}");
    for line in [
        "m.cross_signing.master: comes back",
        "m.megolm_backup.v1: comes back",
        "36 of 36 message keys were restored",
        "36 of 36 would come back",
        "this device can be logged out",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    // Without the keys of a device nobody can say that.
    let (status, out, _) = run(&arguments[..3], None);
    assert_eq!(status, 0);
    assert!(out.contains("--local") && !out.contains("logged out"), "{out}");
}

#[test]
fn what_only_the_device_has_is_named_by_session_and_index() {
    let folder = Folder::new("rehearse-lost");
    let mut account = fixture("random");
    let all = account["exported_room_keys"].as_array().unwrap().clone();
    // One is missing in the backup, one is there from message 7 on.
    let (missing, later) = (&all[0], &all[1]);
    let session = |of: &Value| {
        (of["room_id"].as_str().unwrap().to_owned(), of["session_id"].as_str().unwrap().to_owned())
    };
    let rooms = &mut account["room_keys"]["rooms"];
    let (room, id) = session(missing);
    rooms[&room]["sessions"].as_object_mut().unwrap().remove(&id).unwrap();
    account["room_keys_version"]["count"] = json!(35);
    let key = account["backup_decryption_key_base64"].as_str().unwrap();
    let key = BackupDecryptionKey::from_base64(key).unwrap();
    let (room, id) = session(later);
    account["room_keys"]["rooms"][&room]["sessions"][&id]["session_data"] =
        serde_json::from_slice(&key.public_key().seal(&from_message(later, 7)).unwrap().to_json())
            .unwrap();
    let account = folder.write("account.json", account.to_string().as_bytes());
    let local = folder.write("local.json", &exported("random"));
    let arguments = ["--from", &account, "--local", &local];
    let (status, report) = rehearsed(&arguments);
    assert_eq!(status, 3, "{report:#}");
    let entry = |(room_id, session_id): (String, String), backup_index: Option<u32>| json!({ "room_id": room_id, "session_id": session_id, "first_index": 0, "backup_index": backup_index });
    let mut expected = [entry(session(missing), None), entry(session(later), Some(7))];
    let mut entries = report["local"]["entries"].as_array().unwrap().clone();
    let by_id = |it: &Value| it["session_id"].as_str().unwrap().to_owned();
    entries.sort_by_key(by_id);
    expected.sort_by_key(by_id);
    assert_eq!(entries, expected);
    assert_eq!(
        (&report["local"]["total"], &report["local"]["lost"], &report["local"]["later"]),
        (&json!(36), &json!(1), &json!(1))
    );
    let (status, out, _) = run(&[&["rehearse"], &arguments[..]].concat(), None);
    assert_eq!(status, 3);
    for line in
        ["34 of 36 would come back", "not in the backup", "from message 7 on", "strongroom upload"]
    {
        assert!(out.contains(line), "{line}: {out}");
    }
}

/// The same session, which opens only what comes from this message on.
fn from_message(session: &Value, index: u8) -> SessionData {
    use strongroom::encoding::base64;
    let mut plain = session.clone();
    let key = base64::decode(session["session_key"].as_str().unwrap()).unwrap();
    let key = [&key[..4], &[index], &key[5..]].concat();
    plain["session_key"] = json!(base64::encode(&key));
    SessionData::from_json(plain.to_string().as_bytes()).unwrap().value
}

#[test]
fn with_another_key_all_is_lost_and_said_to_be() {
    let folder = Folder::new("rehearse-other-key");
    let other = RecoveryKey::generate().unwrap().to_text();
    let other = folder.write("other.txt", other.expose_str().as_bytes());
    let local = folder.write("local.json", &exported("random"));
    let arguments = ["--from", &vector("random"), "--recovery-key-file", &other, "--local", &local];
    let (status, report) = rehearsed(&arguments);
    assert_eq!(status, 1, "{report:#}");
    assert_eq!(report["local"]["lost"], 36);
    assert_eq!(report["message_keys"]["restored"], 0);
    for secret in report["secrets"].as_object().unwrap().values() {
        assert_eq!(secret["returns"], false, "{report:#}");
    }
    let (_, out, _) = run(&[&["rehearse"], &arguments[..]].concat(), None);
    assert!(out.contains("Nothing would come back"), "{out}");
}

#[test]
fn a_published_key_that_is_not_stored_is_lost() {
    let folder = Folder::new("rehearse-not-stored");
    let mut account = fixture("random");
    account["account_data"].as_object_mut().unwrap().remove("m.cross_signing.master").unwrap();
    let account = folder.write("account.json", account.to_string().as_bytes());
    let (status, report) = rehearsed(&["--from", &account]);
    assert_eq!(status, 3, "{report:#}");
    let master = &report["secrets"]["m.cross_signing.master"];
    assert_eq!(
        (&master["returns"], &master["why"]),
        (&json!(false), &json!("it is not in the key storage"))
    );
    assert_eq!(report["secrets"]["m.megolm_backup.v1"]["returns"], true);
}

#[test]
fn an_account_without_a_backup_says_so() {
    let folder = Folder::new("rehearse-no-backup");
    let mut account = fixture("random");
    let parts = account.as_object_mut().unwrap();
    parts.remove("room_keys").unwrap();
    parts.remove("room_keys_version").unwrap();
    let account = folder.write("account.json", account.to_string().as_bytes());
    let local = folder.write("local.json", &exported("random"));
    let (status, report) = rehearsed(&["--from", &account, "--local", &local]);
    assert_eq!((status, &report["local"]["lost"]), (3, &json!(36)), "{report:#}");
    assert_eq!(report["message_keys"]["why"], "the account has no backup");
    // A key is what a person has then: without one there is nothing to rehearse.
    let mut account = fixture("random");
    let parts = account.as_object_mut().unwrap();
    parts.retain(|name, _| name == "account_data" || name == "user_id");
    let account = folder.write("bare.json", account.to_string().as_bytes());
    let (status, _, errors) = run(&["rehearse", "--from", &account], None);
    assert_eq!(status, 2);
    assert!(errors.contains("--recovery-key-file"), "{errors}");
}

#[test]
fn what_cannot_be_read_in_the_device_is_not_said_to_come_back() {
    let folder = Folder::new("rehearse-unreadable");
    let mut sessions = fixture("random")["exported_room_keys"].clone();
    sessions[3].as_object_mut().unwrap().remove("session_key").unwrap();
    let local = folder.write("local.json", sessions.to_string().as_bytes());
    let arguments = ["--from", &vector("random"), "--local", &local];
    let (status, report) = rehearsed(&arguments);
    assert_eq!(status, 3, "{report:#}");
    let local = &report["local"];
    assert_eq!((&local["total"], &local["unreadable"]), (&json!(36), &json!(1)));
    let (_, out, _) = run(&[&["rehearse"], &arguments[..]].concat(), None);
    for line in ["35 of 36 would come back", "NOT KNOWN: 1 is unreadable"] {
        assert!(out.contains(line), "{line}: {out}");
    }
    assert!(!out.contains("can be logged out"), "{out}");
}

#[test]
fn an_empty_export_does_not_show_that_a_device_can_be_logged_out() {
    let folder = Folder::new("rehearse-empty");
    let local = folder.write("local.json", b"[]");
    let (status, out, errors) =
        run(&["rehearse", "--from", &vector("random"), "--local", &local], None);
    assert_eq!(status, 3, "{out}{errors}");
    assert!(out.contains("there are none") && !out.contains("can be logged out"), "{out}");
}

#[test]
fn without_the_account_data_nobody_says_that_everything_would_come_back() {
    let folder = Folder::new("rehearse-no-account-data");
    let mut account = fixture("random");
    let key = account["backup_decryption_key_base64"].as_str().unwrap().to_owned();
    let key = folder.write("key.txt", key.as_bytes());
    let parts = account.as_object_mut().unwrap();
    parts.retain(|name, _| name.starts_with("room_keys"));
    let account = folder.write("account.json", account.to_string().as_bytes());
    let arguments = ["--from", &account, "--recovery-key-file", &key];
    let (status, report) = rehearsed(&arguments);
    assert_eq!((status, &report["secrets"]), (3, &Value::Null), "{report:#}");
    assert_eq!(report["message_keys"]["restored"], 36);
    let (_, out, _) = run(&[&["rehearse"], &arguments[..]].concat(), None);
    assert!(out.contains("NOT KNOWN: they were not given"), "{out}");
    assert!(!out.contains("Everything would come back"), "{out}");
}

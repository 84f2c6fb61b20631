//! Where the message keys come from.

use serde_json::{Value, json};

use super::*;
use crate::{
    account::COUNT,
    kit::{Folder, fixture, run, session_keys_of, vector},
    login::devices,
};

#[test]
fn a_key_file_fills_the_backup_and_the_second_time_nothing_is_sent() {
    let account = target("file");
    let [file, passphrase] = export_file(&account, "random");
    let wrong = account.folder.write("wrong.txt", b"something else");
    let passphrases = ["--export-passphrase-file", &wrong, "--export-passphrase-file", &passphrase];
    let arguments = [&["--in", &file][..], &passphrases].concat();
    let (status, report) = upload(&account, &arguments);
    assert_eq!((status, &report["stored"]), (0, &json!(COUNT)), "{report:#}");
    assert_eq!(report["total"], COUNT);
    assert_eq!((&report["count"], &report["opened_by"]), (&json!(COUNT), &json!("storage_key")));
    assert_eq!(puts(&account), 1);
    assert_eq!(rescued(&account), session_keys_of(&exported("random")));
    // Nobody has verified a device by exporting its keys.
    assert!(stored_sessions(&account).iter().all(|it| it["is_verified"] == false));

    let (status, report) = upload(&account, &arguments);
    assert_eq!((status, &report["stored"]), (0, &json!(0)), "{report:#}");
    assert_eq!(report["already_there"], COUNT);
    assert_eq!(puts(&account), 0);
    let file = plain(&account, &exported("random"));
    // The backup's own key, as some clients have shown it.
    let own = fixture("random")["backup_decryption_key_base64"].as_str().unwrap().to_owned();
    account.folder.write("key.txt", own.as_bytes());
    let (status, report) = upload(&account, &["--in", &file]);
    assert_eq!((status, &report["already_there"]), (0, &json!(COUNT)), "{report:#}");
    assert_eq!(report["opened_by"], "backup_key");
}

#[test]
fn the_backup_of_another_account_moves_without_a_file_in_between() {
    for is_first in [true, false] {
        let account = target(&format!("from-{is_first}"));
        let theirs = fixture("passphrase")["recovery_key"].as_str().unwrap().to_owned();
        let theirs = account.folder.write("theirs.txt", theirs.as_bytes());
        let (login, ours) = (account.log_in(), account.file("key.txt"));
        // The file holds its own key, too, which is taken away so that the flag is needed.
        let mut saved = fixture("passphrase");
        for name in ["recovery_key", "passphrase", "exported_room_keys"] {
            saved.as_object_mut().unwrap().remove(name);
        }
        let saved = account.folder.write("saved.json", saved.to_string().as_bytes());
        let keys = if is_first { [&ours, &theirs] } else { [&theirs, &ours] };
        let (status, out, errors) = run(
            &[
                "upload",
                "--login",
                &login,
                "--from",
                &saved,
                "--recovery-key-file",
                keys[0],
                "--recovery-key-file",
                keys[1],
            ],
            None,
        );
        assert_eq!(status, 0, "{out}{errors}");
        assert!(out.contains(&format!("{COUNT} put into the backup")), "{out}");
        assert!(out.contains("Next: in your client"), "{out}");
        assert_eq!(rescued(&account), session_keys_of(&exported("passphrase")));
    }
}

#[test]
fn a_key_file_and_a_backup_go_together_and_what_is_in_both_is_counted_once() {
    let account = target("both");
    let file = plain(&account, &exported("random"));
    // Saved with its own key, which opens it and proves nothing.
    let theirs = vector("passphrase");
    let (status, report) = upload(&account, &["--in", &file, "--from", &theirs, "--in", &file]);
    assert_eq!((status, &report["stored"]), (0, &json!(2 * COUNT)), "{report:#}");
    assert_eq!(report["duplicates"], COUNT);
    assert_eq!(report["total"], 3 * COUNT);
    let mut expected = [exported("random"), exported("passphrase")].concat();
    expected.sort_by_key(Value::to_string);
    assert_eq!(rescued(&account), session_keys_of(&expected));
}

#[test]
fn what_was_saved_of_two_accounts_is_not_mixed_up() {
    let account = target("two");
    let (theirs, ours) = (vector("passphrase"), vector("random"));
    let (status, report) = upload(&account, &["--from", &theirs, "--from", &ours]);
    assert_eq!((status, &report["error"]["code"]), (2, &json!("usage")), "{report:#}");
    assert_eq!(puts(&account), 0);
}

#[test]
fn what_is_no_session_costs_itself() {
    let account = target("unreadable");
    let mut sessions = exported("random");
    sessions.insert(3, json!({ "room_id": "!room:example.org", "session_key": "nothing" }));
    let mut homeless = sessions[0].clone();
    homeless["room_id"] = "room".into();
    sessions.push(homeless);
    let (status, report) = upload(&account, &["--in", &plain(&account, &sessions)]);
    assert_eq!((status, &report["stored"]), (3, &json!(COUNT)), "{report:#}");
    assert_eq!((&report["unreadable"], &report["refused"]), (&json!(1), &json!(1)));
    assert_eq!(report["total"], COUNT + 2);

    // The same of a backup.
    let account = target("unreadable-from");
    let mut saved = fixture("random");
    let rooms = saved["room_keys"]["rooms"].as_object_mut().unwrap();
    let room = rooms.values_mut().next().unwrap()["sessions"].as_object_mut().unwrap();
    let mac = &mut room.values_mut().next().unwrap()["session_data"]["mac"];
    *mac = "AAAAAAAAAAA".into();
    let saved = account.folder.write("saved.json", saved.to_string().as_bytes());
    let (status, report) = upload(&account, &["--from", &saved]);
    assert_eq!((status, &report["stored"]), (3, &json!(COUNT - 1)), "{report:#}");
    assert_eq!(report["unreadable"], 1);
}

#[test]
fn a_snapshot_that_is_not_complete_is_not_all() {
    let account = target("gaps");
    let saved = fixture("random");
    let saved_in = Folder::new("upload-gaps-snapshot");
    for (name, member) in
        [("backup_info", "room_keys_version"), ("room_keys", "room_keys"), ("sync", "account_data")]
    {
        saved_in.write(&format!("{name}.json"), saved[member].to_string().as_bytes());
    }
    let user = &account.user;
    let own = json!({
        "server": "", "user_id": user, "time_ms": 0, "complete": false, "versions": [],
    });
    saved_in.write("snapshot.json", own.to_string().as_bytes());
    let (status, report) = upload(&account, &["--from", saved_in.path()]);
    assert_eq!((status, &report["stored"]), (3, &json!(COUNT)), "{report:#}");
}

#[test]
fn nothing_is_sent_when_a_key_file_does_not_open() {
    let account = target("unopened");
    let [file, _] = export_file(&account, "random");
    let wrong = account.folder.write("wrong.txt", b"something else");
    // More than go into one request.
    let plain = plain(&account, &many(150));
    let more = ["--in", &plain, "--in", &file, "--export-passphrase-file", &wrong];
    let (status, report) = upload(&account, &more);
    assert_eq!((status, &report["error"]["code"]), (1, &json!("content")), "{report:#}");
    assert_eq!(puts(&account), 0);
    let (status, _, errors) = run(&["upload", "--login", &account.file("login.json")], None);
    assert_eq!((status, errors.contains("--in")), (2, true), "{errors}");
    // Each flag has its own passphrases, and each file its own flag.
    let (login, key) = (account.file("login.json"), account.file("key.txt"));
    let saved = vector("random");
    for (input, expected, says) in [
        (&file, 2, "with --export-passphrase-file"),
        (&saved, 1, "name it with --from"),
        (&key, 1, "name it with --recovery-key-file"),
    ] {
        let arguments = ["upload", "--login", &login, "--recovery-key-file", &key, "--in", input];
        let (status, _, errors) = run(&arguments, None);
        assert_eq!((status, errors.contains(says)), (expected, true), "{input}: {errors}");
    }
}

#[test]
fn a_password_is_enough_and_no_device_stays() {
    let account = target("password");
    let file = plain(&account, &exported("random"));
    let (url, password) = (account.server.url(), account.file("password.txt"));
    let key = account.file("key.txt");
    let arguments = [
        "upload",
        "--in",
        &file,
        "--user",
        &account.user,
        "--homeserver",
        &url,
        "--password-file",
        &password,
        "--recovery-key-file",
        &key,
    ];
    let (status, out, errors) = run(&arguments, None);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(stored_sessions(&account).len(), COUNT);
    assert_eq!(devices(&account), 1);

    let token = account.folder.write("token.txt", account.token.as_bytes());
    let arguments = [
        "upload",
        "--in",
        "-",
        "--homeserver",
        &url,
        "--access-token-file",
        &token,
        "--recovery-key-file",
        &key,
    ];
    let (status, out, errors) = run(&arguments, Some(&std::fs::read(&file).unwrap()));
    assert_eq!(status, 0, "{out}{errors}");
    assert!(out.contains("in the backup already"), "{out}");
}

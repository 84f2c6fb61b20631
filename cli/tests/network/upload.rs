//! `upload`.

use std::{
    collections::BTreeSet,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::{
    backup::BackupDecryptionKey,
    encoding::base64,
    homeserver::{Homeserver, HomeserverOptions},
};

use crate::{
    account::{Account, COUNT, PASSWORD},
    kit::{Folder, fixture, run, session_keys, session_keys_of, strongroom, vector},
    login::devices,
    server::{self, Server, Twist},
};

/// An account as `name` has left it, with an empty backup of its key.
fn empty(test: &str, name: &str, options: HomeserverOptions) -> Account {
    let fixture = fixture(name);
    let user = fixture["user_id"].as_str().unwrap().to_owned();
    let mut homeserver = Homeserver::with_options(options);
    homeserver.add_user(user.as_str(), PASSWORD);
    let token = homeserver.log_in(user.as_str(), "CLIENT");
    let folder = Folder::new(&format!("upload-{test}"));
    let account = Account { server: Server::start(homeserver), folder, user, token };
    for (kind, content) in fixture["account_data"].as_object().unwrap() {
        account.put(&format!("user/{}/account_data/{kind}", account.user), content);
    }
    new_version(&account, &fixture["room_keys_version"]["auth_data"]);
    account.folder.write("password.txt", PASSWORD.as_bytes());
    account.folder.write("key.txt", fixture["recovery_key"].as_str().unwrap().as_bytes());
    account
}

fn new_version(account: &Account, auth_data: &Value) {
    let algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
    let version = json!({ "algorithm": algorithm, "auth_data": auth_data });
    account.server.send(Method::POST, "room_keys/version", &account.token, &version);
}

fn target(test: &str) -> Account {
    empty(test, "random", HomeserverOptions::default())
}

/// The sessions that the client of `name` has exported.
fn exported(name: &str) -> Vec<Value> {
    fixture(name)["exported_room_keys"].as_array().unwrap().clone()
}

/// Writes sessions as a JSON array, and returns the file's name.
fn plain(account: &Account, sessions: &[Value]) -> String {
    account.folder.write("plain.json", Value::from(sessions).to_string().as_bytes())
}

/// Calls `upload` with the account's key, and returns the report.
fn upload(account: &Account, arguments: &[&str]) -> (i32, Value) {
    let (login, key) = (account.log_in(), account.file("key.txt"));
    account.server.seen();
    let command = ["upload", "--json", "--login", &login, "--recovery-key-file", &key];
    let (status, out, errors) = run(&[&command, arguments].concat(), None);
    let report = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{errors}"));
    println!("{report:#}\n{errors}");
    (status, report)
}

/// How many requests have put sessions into the backup.
fn puts(account: &Account) -> usize {
    account.server.seen().iter().filter(|it| it.starts_with("PUT") && it.ends_with("/keys")).count()
}

fn is_put(request: &Request<Vec<u8>>) -> bool {
    request.method() == Method::PUT && request.uri().path().ends_with("/room_keys/keys")
}

fn stored_sessions(account: &Account) -> Vec<Value> {
    let keys =
        account.server.send(Method::GET, "room_keys/keys?version=1", &account.token, &Value::Null);
    let rooms = keys["rooms"].as_object().unwrap();
    rooms.values().flat_map(|it| it["sessions"].as_object().unwrap().values().cloned()).collect()
}

/// The message keys that the account's key brings back from the homeserver.
fn rescued(account: &Account) -> Vec<String> {
    let (login, key, out) =
        (account.log_in(), account.file("key.txt"), account.file("rescued.json"));
    let arguments = ["rescue", "--login", &login, "--recovery-key-file", &key, "--out", &out];
    let (status, text, errors) =
        run(&[&arguments[..], &["--format", "json", "--force"]].concat(), None);
    assert_eq!(status, 0, "{text}{errors}");
    session_keys(&out)
}

fn export_file(account: &Account, name: &str) -> [String; 2] {
    let file =
        format!("{}/../tests/vectors/js-sdk/{name}.megolm-export", env!("CARGO_MANIFEST_DIR"));
    let made: Value =
        serde_json::from_slice(&std::fs::read(format!("{file}.json")).unwrap()).unwrap();
    let passphrase = &made["files"][format!("{name}.megolm-export.txt")]["passphrase"];
    let passphrase = passphrase.as_str().unwrap().as_bytes();
    [format!("{file}.txt"), account.folder.write(&format!("{name}.passphrase"), passphrase)]
}

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
fn a_better_session_stays_and_a_worse_one_is_replaced() {
    let account = target("better");
    let sealed = fixture("random")["room_keys"]["rooms"].as_object().unwrap().clone();
    let (room, sessions) = sealed.iter().next().unwrap();
    let mut ids: Vec<_> = sessions["sessions"].as_object().unwrap().keys().collect();
    ids.sort();
    let there = |place: usize, index: u64, is_verified: bool, session_data: Value| {
        let stored = json!({
            "first_message_index": index, "forwarded_count": 0,
            "is_verified": is_verified, "session_data": session_data,
        });
        account.put(
            "room_keys/keys?version=1",
            &json!({ "rooms": { room: { "sessions": { ids[place]: stored } } } }),
        );
    };
    let data = |place: usize| sessions["sessions"][ids[place]]["session_data"].clone();
    there(0, 5, false, data(0)); // from a later message on
    there(1, 5, true, data(1)); // of a verified device, which is more
    there(2, 0, false, data(2)); // as good
    there(3, 5, false, json!({ "nothing": "of use" }));

    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    account.server.twist(move |request| {
        if is_put(request) {
            kept.lock().unwrap().push(serde_json::from_slice::<Value>(request.body()).unwrap());
        }
        Twist::Nothing
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["already_there"]), (0, &json!(2)), "{report:#}");
    assert_eq!(report["stored"], COUNT - 2);
    let sent: BTreeSet<String> = bodies
        .lock()
        .unwrap()
        .iter()
        .filter_map(|body| body["rooms"][room]["sessions"].as_object())
        .flat_map(|sessions| sessions.keys().cloned())
        .collect();
    for (place, is_sent) in [true, false, false, true].into_iter().enumerate() {
        assert_eq!(sent.contains(ids[place]), is_sent, "{place}");
    }
    let now = account.server.send(
        Method::GET,
        &format!("room_keys/keys/{room}?version=1"),
        &account.token,
        &Value::Null,
    );
    let now = |place: usize| now["sessions"][ids[place]].clone();
    assert_eq!(now(0)["first_message_index"], 0);
    assert_eq!((&now(1)["is_verified"], &now(1)["session_data"]), (&json!(true), &data(1)));
    assert_eq!(now(2)["session_data"], data(2));
    assert!(now(3)["session_data"]["ciphertext"].is_string());
}

#[test]
fn of_two_copies_the_better_one_is_stored_in_either_order() {
    // With an index before it, and the key of the next message, a session is another copy of itself.
    for is_better_first in [true, false] {
        let account = target(&format!("copies-{is_better_first}"));
        let better = exported("random")[0].clone();
        let mut worse = better.clone();
        let mut key = base64::decode(better["session_key"].as_str().unwrap()).unwrap();
        key[4] = 9;
        worse["session_key"] = base64::encode(&key).into();
        let copies = if is_better_first { [better, worse] } else { [worse, better] };
        let (status, report) = upload(&account, &["--in", &plain(&account, &copies)]);
        assert_eq!((status, &report["stored"]), (0, &json!(1)), "{report:#}");
        assert_eq!((&report["duplicates"], &report["total"]), (&json!(1), &json!(2)));
        assert_eq!(stored_sessions(&account)[0]["first_message_index"], 0);
    }
}

#[test]
fn the_passphrase_of_the_key_storage_will_do() {
    let account = empty("passphrase", "passphrase", HomeserverOptions::default());
    let file = plain(&account, &exported("random"));
    let passphrase = fixture("passphrase")["passphrase"].as_str().unwrap().to_owned();
    let passphrase = account.folder.write("passphrase.txt", passphrase.as_bytes());
    let login = account.log_in();
    for flag in ["--passphrase-file", "--recovery-key-file"] {
        let arguments = ["upload", "--login", &login, "--in", &file, flag, &passphrase];
        let (status, out, errors) = run(&arguments, None);
        assert_eq!(status, 0, "{out}{errors}");
    }
    assert_eq!(rescued(&account), session_keys_of(&exported("random")));
}

#[test]
fn a_key_that_does_not_fit_seals_nothing() {
    let account = target("wrong-key");
    let file = plain(&account, &exported("random"));
    let login = account.log_in();
    let other = fixture("passphrase")["recovery_key"].as_str().unwrap().to_owned();
    let other = account.folder.write("other.txt", other.as_bytes());
    account.server.seen();
    let command = ["upload", "--login", &login, "--in", &file];
    let (status, _, errors) = run(&[&command[..], &["--recovery-key-file", &other]].concat(), None);
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("only with a key of yours that fits it"), "{errors}");
    let (status, _, errors) = run(&command, None);
    assert_eq!(status, 2, "{errors}");
    assert!(errors.contains("--recovery-key-file"), "{errors}");
    assert_eq!(puts(&account), 0);
    assert_eq!(stored_sessions(&account).len(), 0);
}

/// The homeserver has made a backup of its own, and says in what was saved which key fits it.
#[test]
fn a_backup_that_the_homeserver_has_planted_gets_nothing() {
    let account = target("planted");
    let planted = BackupDecryptionKey::generate().unwrap();
    new_version(&account, &json!({ "public_key": planted.public_key().to_base64() }));
    let recovery_key = planted.to_recovery_key().to_text();
    let mut saved = fixture("passphrase");
    saved["recovery_key"] = recovery_key.expose_str().into();
    let saved = account.folder.write("saved.json", saved.to_string().as_bytes());
    let (login, ours) = (account.log_in(), account.file("key.txt"));
    account.server.seen();
    let command = ["upload", "--login", &login, "--from", &saved];
    let (status, _, errors) = run(&command, None);
    assert_eq!(status, 2, "{errors}");
    let (status, _, errors) = run(&[&command[..], &["--recovery-key-file", &ours]].concat(), None);
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("only with a key of yours"), "{errors}");
    assert_eq!(puts(&account), 0);
}

#[test]
fn without_a_backup_it_is_said_what_to_do_and_none_is_made() {
    let account = target("none");
    account.server.send(Method::DELETE, "room_keys/version/1", &account.token, &Value::Null);
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!(status, 1);
    let message = report["error"]["message"].as_str().unwrap();
    assert!(message.contains(&account.user) && message.contains("turn it on"), "{message}");
    assert!(account.server.seen().iter().all(|it| it.starts_with("GET")));
}

#[test]
fn when_the_backup_is_replaced_meanwhile_it_ends_there() {
    for at_the_end in [false, true] {
        let account = target(&format!("replaced-{at_the_end}"));
        let (server, token) = (account.server.clone(), account.token.clone());
        let file = plain(&account, &exported("random"));
        let looks = AtomicUsize::new(0);
        account.server.twist(move |request| {
            let is_look = request.uri().path().ends_with("/room_keys/version")
                && looks.fetch_add(1, Ordering::Relaxed) == 1;
            if (!at_the_end && is_put(request)) || (at_the_end && is_look) {
                let version = json!({
                    "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
                    "auth_data": fixture("passphrase")["room_keys_version"]["auth_data"],
                });
                server.send(Method::POST, "room_keys/version", &token, &version);
            }
            Twist::Nothing
        });
        let (status, report) = upload(&account, &["--in", &file]);
        assert_eq!(status, 1);
        let message = report["error"]["message"].as_str().unwrap();
        assert!(message.contains("version 1 is not the current one any more"), "{message}");
        assert_eq!(stored_sessions(&account).len(), if at_the_end { COUNT } else { 0 });
        let new =
            account.server.send(Method::GET, "room_keys/version", &account.token, &Value::Null);
        assert_eq!((&new["version"], &new["count"]), (&json!("2"), &json!(0)));
    }
}

#[test]
fn what_is_too_much_at_once_goes_in_parts() {
    let mut options = HomeserverOptions::default();
    options.request_bytes = 9_000;
    let account = empty("parts", "random", options);
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["stored"]), (0, &json!(COUNT)), "{report:#}");
    assert!(puts(&account) > 4);
    assert_eq!(rescued(&account), session_keys_of(&exported("random")));
}

#[test]
fn a_session_that_is_refused_is_named_and_costs_itself() {
    for (status, code) in [(413, "M_TOO_LARGE"), (400, "M_BAD_JSON")] {
        let account = target(&format!("refused-{status}"));
        let id = exported("random")[7]["session_id"].as_str().unwrap().to_owned();
        let refused = id.clone();
        account.server.twist(move |request| {
            if is_put(request) && String::from_utf8_lossy(request.body()).contains(&refused) {
                return server::json(status, &json!({ "errcode": code, "error": "No such thing" }));
            }
            Twist::Nothing
        });
        let file = plain(&account, &exported("random"));
        let (status, report) = upload(&account, &["--in", &file]);
        assert_eq!((status, &report["stored"]), (3, &json!(COUNT - 1)), "{report:#}");
        assert_eq!(report["refused"], 1);
        assert_eq!(report["refusals"][0]["session_id"], id);
        let (login, key) = (account.log_in(), account.file("key.txt"));
        let arguments = ["upload", "--login", &login, "--in", &file, "--recovery-key-file", &key];
        let (status, out, errors) = run(&arguments, None);
        assert_eq!(status, 3, "{out}{errors}");
        assert!(out.contains(&id) && out.contains("1 not put into the backup"), "{out}");
    }
}

#[test]
fn a_homeserver_that_takes_nothing_ends_it() {
    let account = target("forbidden");
    account.server.twist(|request| {
        if is_put(request) {
            return server::json(403, &json!({ "errcode": "M_FORBIDDEN", "error": "Not you" }));
        }
        Twist::Nothing
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["error"]["code"]), (1, &json!("refused")), "{report:#}");
    assert!(report["error"]["message"].as_str().unwrap().contains("Not you"));
}

#[test]
fn what_the_homeserver_took_and_does_not_have_is_not_called_stored() {
    let account = target("lost");
    account.server.twist(|request| {
        if is_put(request) {
            return server::json(200, &json!({ "etag": "9", "count": COUNT }));
        }
        Twist::Nothing
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["stored"]), (1, &json!(0)), "{report:#}");
    assert_eq!(report["refused"], COUNT);
    assert!(report["refusals"][0]["detail"].as_str().unwrap().contains("does not have it"));
}

#[test]
fn fewer_than_were_just_there_is_said() {
    let account = target("short");
    let file = plain(&account, &exported("random"));
    let looks = AtomicUsize::new(0);
    let mut info = fixture("random")["room_keys_version"].clone();
    info["count"] = 35.into();
    account.server.twist(move |request| {
        let is_look = request.uri().path().ends_with("/room_keys/version");
        if is_look && looks.fetch_add(1, Ordering::Relaxed) == 1 {
            return server::json(200, &info);
        }
        Twist::Nothing
    });
    let (login, key) = (account.log_in(), account.file("key.txt"));
    let arguments = ["upload", "--login", &login, "--in", &file, "--recovery-key-file", &key];
    let (status, out, errors) = run(&arguments, None);
    assert_eq!(status, 3, "{out}{errors}");
    assert!(out.contains("has 35 message keys, which is fewer"), "{out}");
}

#[test]
fn what_was_interrupted_goes_on_where_it_stopped() {
    let account = target("interrupted");
    let file = plain(&account, &many(250));
    let requests = AtomicUsize::new(0);
    account.server.twist(move |request| {
        if is_put(request) && requests.fetch_add(1, Ordering::Relaxed) == 1 {
            let error = json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "Logged out" });
            return server::json(401, &error);
        }
        Twist::Nothing
    });
    let (status, report) = upload(&account, &["--in", &file]);
    assert_eq!(status, 1);
    let message = report["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("log in again") && message.contains("goes on from there"),
        "{message}"
    );
    assert_eq!(stored_sessions(&account).len(), 100);
    let (status, report) = upload(&account, &["--in", &file]);
    assert_eq!((status, &report["stored"]), (0, &json!(150)), "{report:#}");
    assert_eq!((&report["already_there"], &report["count"]), (&json!(100), &json!(250)));
    assert_eq!(puts(&account), 2);
}

#[test]
fn an_answer_that_is_lost_and_a_server_that_is_busy_are_no_failures() {
    let account = target("lossy");
    let requests = AtomicUsize::new(0);
    account.server.twist(move |request| {
        let busy = json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Slow", "retry_after_ms": 10 });
        match is_put(request).then(|| requests.fetch_add(1, Ordering::Relaxed)) {
            Some(0) => Twist::Cut(3),
            Some(1) => server::json(429, &busy),
            _ => Twist::Nothing,
        }
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["stored"]), (0, &json!(COUNT)), "{report:#}");
    assert_eq!(puts(&account), 3);
}

#[test]
fn a_room_that_cannot_be_read_gets_nothing_and_the_others_do() {
    let account = target("unread");
    let room = exported("random")[0]["room_id"].as_str().unwrap().to_owned();
    let unread = room.clone();
    account.server.twist(move |request| {
        let path = percent_encoding::percent_decode_str(request.uri().path()).decode_utf8_lossy();
        let is_get = request.method() == Method::GET;
        if is_get && path.ends_with(&unread) { server::page(504) } else { Twist::Nothing }
    });
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!((status, &report["refused"]), (3, &json!(COUNT / 3)), "{report:#}");
    assert_eq!(report["stored"], COUNT - COUNT / 3);
    assert_eq!(report["refusals"][0]["room_id"], room);
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

#[cfg(unix)]
#[test]
fn at_a_terminal_whatever_is_missing_is_asked_for_and_named() {
    let account = target("terminal");
    let key_of = |name: &str| fixture(name)["recovery_key"].as_str().unwrap().to_owned();
    let [file, passphrase] = export_file(&account, "random");
    let passphrase = std::fs::read_to_string(passphrase).unwrap();
    let url = account.server.url();
    let who = ["upload", "--homeserver", &url, "--user", &account.user];
    let ours = format!("of {}:", account.user);
    let (status, text) = at_a_terminal(
        &who,
        &[
            ("A key file:", &file),
            ("assword", PASSWORD),
            (&ours, &key_of("random")),
            ("Passphrase of", &passphrase),
        ],
    );
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("36 put into the backup"), "{text}");
    // How many there will be is not known: nothing says that all are there.
    assert!(text.contains("1 message keys") && !text.contains("1/1"), "{text}");
    assert!(!text.contains(&key_of("random")) && !text.contains(&passphrase), "{text}");

    let mut saved = fixture("passphrase");
    for name in ["recovery_key", "passphrase", "exported_room_keys"] {
        saved.as_object_mut().unwrap().remove(name);
    }
    let saved = account.folder.write("saved.json", saved.to_string().as_bytes());
    let (status, text) = at_a_terminal(
        &[&who[..], &["--from", &saved]].concat(),
        &[
            ("assword", PASSWORD),
            (&ours, &key_of("random")),
            ("of what was saved:", &key_of("passphrase")),
        ],
    );
    assert_eq!(status, 0, "{text}");
    assert_eq!(rescued(&account).len(), 2 * COUNT);
}

/// Calls the program with a terminal, and answers what it asks there.
#[cfg(unix)]
fn at_a_terminal(arguments: &[&str], answers: &[(&str, &str)]) -> (i32, String) {
    use std::{
        fs::File,
        io::{Read as _, Write as _},
        thread,
        time::{Duration, Instant},
    };

    let pty = nix::pty::openpty(None, None).unwrap();
    let side = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut command = strongroom(arguments);
    let mut child =
        command.stdin(side()).stdout(side()).stderr(side()).env("TERM", "xterm").spawn().unwrap();
    let mut keyboard = File::from(pty.master.try_clone().unwrap());
    let mut output = File::from(pty.master);
    let screen = Arc::new(Mutex::new(String::new()));
    let shown = Arc::clone(&screen);
    let reading = thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut piece) {
            shown.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..length]));
        }
    });
    let mut read = 0;
    for (prompt, answer) in answers {
        let start = Instant::now();
        while !screen.lock().unwrap()[read..].contains(prompt) {
            assert!(start.elapsed() < Duration::from_secs(60), "{prompt}: {screen:?}");
            thread::sleep(Duration::from_millis(5));
        }
        read = screen.lock().unwrap().len();
        // What is typed before it is hidden is thrown away.
        thread::sleep(Duration::from_millis(300));
        writeln!(keyboard, "{answer}").unwrap();
    }
    let status = child.wait().unwrap().code().unwrap();
    drop((command, pty.slave));
    reading.join().unwrap();
    let text = screen.lock().unwrap().clone();
    (status, text)
}

/// As the system counts it, until the program asks for the last time.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_what_is_sent() {
    let is_long = std::env::var_os("STRONGROOM_LONG").is_some();
    // Held whole, 20,000 sessions would take 20 MiB.
    let (count, at_most) = if is_long { (420_000, 56) } else { (20_000, 20) };
    let account = target("memory");
    let file = plain(&account, &many(count));
    let (login, key) = (account.log_in(), account.file("key.txt"));
    let (pid, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (of, seen) = (Arc::clone(&pid), Arc::clone(&peak));
    account.server.twist(move |_| {
        let status = format!("/proc/{}/status", of.load(Ordering::Relaxed));
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        seen.fetch_max(kib.unwrap_or_default(), Ordering::Relaxed);
        Twist::Nothing
    });
    for (name, expected) in [("stored", count), ("already_there", count)] {
        let arguments = ["--json", "--login", &login, "--in", &file, "--recovery-key-file", &key];
        let child = strongroom(&[&["upload"][..], &arguments].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        pid.store(child.id() as usize, Ordering::Relaxed);
        let output = child.wait_with_output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report[name], &report["count"]), (&json!(expected), &json!(count)));
        let mib = peak.swap(0, Ordering::Relaxed) >> 10;
        println!("{mib} MiB");
        assert!(mib > 0 && mib <= at_most, "{mib} MiB");
    }
}

/// Sessions of one room that differ in their IDs.
fn many(count: usize) -> Vec<Value> {
    let session = exported("random")[0].clone();
    let key = base64::decode(session["session_key"].as_str().unwrap()).unwrap();
    let public_keys = (0_u64..).map(|number| {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        bytes
    });
    let is_key =
        |bytes: &[u8; 32]| strongroom::crypto::ed25519::Ed25519PublicKey::from_bytes(bytes).is_ok();
    let with = |public_key: [u8; 32]| {
        let (mut session, mut key) = (session.clone(), key.clone());
        let end = key.len() - 32;
        key[end..].copy_from_slice(&public_key);
        session["session_id"] = base64::encode(&public_key).into();
        session["session_key"] = base64::encode(&key).into();
        session
    };
    public_keys.filter(is_key).take(count).map(with).collect()
}

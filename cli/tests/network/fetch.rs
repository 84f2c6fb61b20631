//! `fetch`: everything at once, and again.

use std::{
    fs,
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use http::{Method, Response};
use serde_json::{Value, json};

use crate::{
    account::{Account, COUNT, OLDER_COUNT},
    kit::{interruptible, run, session_keys},
    server::{self, Twist},
};

#[test]
fn a_snapshot_has_everything_and_gives_every_session_back() {
    let account = Account::new("fetch");
    let (status, out, errors) = account.fetch(&account.log_in(), &[]);
    assert_eq!(status, 0, "{out}{errors}");
    assert!(out.contains(&format!("the current one: {COUNT} message keys")), "{out}");
    assert_eq!(account.sessions("room_keys.json"), COUNT);
    assert_eq!(account.sessions("room_keys.1.json"), OLDER_COUNT);
    let snapshot = account.json("snapshot/snapshot.json");
    assert_eq!(snapshot["complete"], true);
    assert_eq!(snapshot["user_id"], json!(account.user));
    assert_eq!(snapshot["versions"][0]["sessions"], COUNT);
    #[cfg(unix)]
    for entry in fs::read_dir(account.file("snapshot")).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    let (snapshot, key, out) =
        (account.file("snapshot"), account.file("key.txt"), account.file("out"));
    let (status, report, errors) = run(
        &[
            "rescue",
            "--from",
            &snapshot,
            "--recovery-key-file",
            &key,
            "--format",
            "json",
            "--out",
            &out,
            "--json",
        ],
        None,
    );
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((status, &report["complete"]), (0, &json!(true)), "{errors}");
    assert_eq!(report["restored"], COUNT + OLDER_COUNT);
    assert_eq!(session_keys(&out).len(), COUNT);
    // Whose it is, is known.
    let (status, out, errors) = run(&["diagnose", "--from", &snapshot], None);
    assert_ne!(status, 2, "{out}{errors}");
    let (status, out, errors) =
        run(&["secrets", "--from", &snapshot, "--recovery-key-file", &key], None);
    assert_eq!(status, 0, "{out}{errors}");
}

#[test]
fn a_finished_snapshot_and_other_files_are_left_alone_unless_told_otherwise() {
    let account = Account::new("finished");
    let login = account.log_in();
    assert_eq!(account.fetch(&login, &["--current-only"]).0, 0);
    assert!(!fs::exists(account.file("snapshot/room_keys.1.json")).unwrap());
    account.server.seen();
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!((status, errors.contains("--force")), (1, true), "{errors}");
    assert_eq!(account.server.seen(), [""; 0]);
    let (status, _, errors) = account.fetch(&login, &["--force"]);
    assert_eq!(status, 0, "{errors}");
    assert_eq!(account.sessions("room_keys.1.json"), OLDER_COUNT);

    let (status, _, errors) =
        run(&["fetch", "--login", &login, "--to", account.folder.path()], None);
    assert_eq!((status, errors.contains("other files")), (1, true), "{errors}");
}

#[test]
fn a_folder_of_another_account_is_refused() {
    let account = Account::new("another-account");
    let login = account.log_in();
    assert_eq!(account.fetch(&login, &[]).0, 0);
    account.server.homeserver().add_user("@other:localhost", "password");
    let token = account.server.homeserver().log_in("@other:localhost", "OTHER");
    let token = account.folder.write("token.txt", token.as_bytes());
    let (url, to) = (account.server.url(), account.file("snapshot"));
    let arguments =
        ["fetch", "--homeserver", &url, "--access-token-file", &token, "--to", &to, "--force"];
    let (status, _, errors) = run(&arguments, None);
    assert_eq!(status, 2);
    assert!(errors.contains(&account.user) && !errors.contains("goes on"), "{errors}");
    assert_eq!(account.sessions("room_keys.json"), COUNT);
}

#[test]
fn a_token_that_ends_in_the_middle_keeps_what_is_finished() {
    let account = Account::new("token-ends");
    let login = account.log_in();
    account.server.twist(|request| match request.uri().query() {
        Some("version=1") => {
            server::json(401, &json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "Unknown token" }))
        }
        _ => Twist::Nothing,
    });
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 1);
    assert!(errors.contains("does not accept the access token"), "{errors}");
    assert!(errors.contains("goes on from there"), "{errors}");
    assert_eq!(account.sessions("room_keys.json"), COUNT);
    assert_eq!(account.json("snapshot/snapshot.json")["complete"], false);
    // A snapshot with a gap does not pass for a whole one.
    let (snapshot, key, out) =
        (account.file("snapshot"), account.file("key.txt"), account.file("out"));
    let arguments = [
        "rescue",
        "--from",
        &snapshot,
        "--recovery-key-file",
        &key,
        "--format",
        "json",
        "--out",
        &out,
    ];
    let (status, _, errors) = run(&arguments, None);
    assert_eq!((status, errors.contains("not complete")), (3, true), "{errors}");

    account.server.twist(|_| Twist::Nothing);
    account.server.seen();
    let (status, out, errors) = account.fetch(&account.log_in(), &[]);
    assert_eq!(status, 0, "{out}{errors}");
    assert!(errors.contains("version 2 are here already"), "{errors}");
    let keys = "GET /_matrix/client/v3/room_keys/keys".to_owned();
    assert_eq!(account.server.seen().iter().filter(|seen| **seen == keys).count(), 1);
    assert_eq!(account.sessions("room_keys.1.json"), OLDER_COUNT);
}

/// The homeserver may have the last copy of the new one, and we of the old one.
#[test]
fn a_version_that_is_no_longer_the_current_one_gets_the_name_of_an_older_one() {
    let account = Account::new("new-version");
    let login = account.log_in();
    account.server.twist(|request| match request.uri().query() {
        Some("version=1") => server::json(403, &json!({ "errcode": "M_FORBIDDEN", "error": "No" })),
        _ => Twist::Nothing,
    });
    assert_eq!(account.fetch(&login, &[]).0, 3);
    let info = account.json("snapshot/backup_info.json");
    let version = json!({ "algorithm": info["algorithm"], "auth_data": info["auth_data"] });
    account.server.send(Method::POST, "room_keys/version", &account.token, &version);
    account.server.send(Method::DELETE, "room_keys/version/2", &account.token, &Value::Null);
    account.server.twist(|_| Twist::Nothing);
    let (status, out, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 0, "{out}{errors}");
    assert_eq!(account.sessions("room_keys.json"), 0);
    assert_eq!(account.sessions("room_keys.2.json"), COUNT, "it is deleted on the homeserver");
    assert_eq!(account.json("snapshot/backup_info.2.json"), info);
    assert_eq!(account.sessions("room_keys.1.json"), OLDER_COUNT);
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for_and_it_is_said() {
    let account = Account::new("wait");
    let login = account.log_in();
    let left = AtomicU32::new(2);
    account.server.twist(move |request| {
        let is_keys = request.uri().path().ends_with("/room_keys/keys");
        if !is_keys
            || left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1))
                .is_err()
        {
            return Twist::Nothing;
        }
        let body = br#"{"errcode":"M_LIMIT_EXCEEDED","error":"Slower"}"#.to_vec();
        let answer = Response::builder().status(429).header("Retry-After", "1").body(body);
        Twist::Answer(answer.unwrap())
    });
    let start = Instant::now();
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 0, "{errors}");
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(errors.matches("asks to wait: trying again in 1 s, at ").count(), 2, "{errors}");
}

#[test]
fn a_server_that_stays_out_of_order_is_given_up() {
    let account = Account::new("out-of-order");
    let login = account.log_in();
    account.server.twist(|request| {
        if !request.uri().path().ends_with("/sync") {
            return Twist::Nothing;
        }
        let answer = Response::builder().status(503).header("Retry-After", "0");
        Twist::Answer(answer.body(Vec::new()).unwrap())
    });
    account.server.seen();
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 1);
    assert!(errors.contains("out of order (status 503)"), "{errors}");
    let asked = account.server.seen().iter().filter(|seen| seen.ends_with("/sync")).count();
    assert_eq!(asked, 5);
}

#[test]
#[cfg(unix)]
fn an_interruption_leaves_whole_files_and_the_next_run_goes_on() {
    let account = Account::new("interrupted");
    let login = account.log_in();
    account.server.twist(|request| match request.uri().query() {
        Some("version=1") => Twist::Silence,
        _ => Twist::Nothing,
    });
    let to = account.file("snapshot");
    let mut program = interruptible(&["fetch", "--login", &login, "--to", &to])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = || {
        fs::read_dir(&to).is_ok_and(|files| {
            let names = files.map(|it| it.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.starts_with("room_keys.1.json.")).count() == 1
        })
    };
    while !begun() {
        thread::sleep(Duration::from_millis(10));
    }
    let kill =
        std::process::Command::new("kill").args(["-INT", &program.id().to_string()]).status();
    assert!(kill.unwrap().success());
    assert_eq!(program.wait().unwrap().code(), Some(130));
    let names: Vec<_> = fs::read_dir(&to)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().all(|name| name.ends_with(".json")), "{names:?}");
    assert!(!names.contains(&"room_keys.1.json".to_owned()));

    account.server.twist(|_| Twist::Nothing);
    let (status, _, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 0, "{errors}");
    assert!(errors.contains("version 2 are here already"), "{errors}");
}

#[test]
fn an_account_without_a_backup_is_told() {
    let account = Account::new("no-backup");
    for version in ["1", "2"] {
        let path = format!("room_keys/version/{version}");
        account.server.send(Method::DELETE, &path, &account.token, &Value::Null);
    }
    let login = account.log_in();
    let (status, out, errors) = account.fetch(&login, &[]);
    assert_eq!(status, 3, "{errors}");
    assert!(out.contains("no backup"), "{out}");
    let out = account.file("out");
    let (status, _, errors) = run(&["rescue", "--login", &login, "--out", &out], None);
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("has no backup on"), "{errors}");
    assert!(fs::exists(account.file("snapshot/account_data.json")).unwrap());
}

#[test]
fn a_folder_that_cannot_be_written_shows_before_the_work() {
    let account = Account::new("unwritable");
    let login = account.log_in();
    account.server.seen();
    let file = account.file("password.txt");
    let (status, _, errors) = run(&["fetch", "--login", &login, "--to", &file], None);
    assert_eq!((status, errors.contains("password.txt")), (1, true), "{errors}");
    let (status, _, errors) =
        run(&["fetch", "--login", &login, "--to", &account.file("no/where")], None);
    assert_eq!((status, errors.contains("where")), (1, true), "{errors}");
    assert_eq!(account.server.seen(), [""; 0]);
}

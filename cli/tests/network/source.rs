//! A homeserver in the place of files: `rescue`, `diagnose` and `secrets`.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    account::{Account, COUNT, OLDER_COUNT},
    kit::{session_keys, strongroom},
    login::devices,
    server::{self, Twist},
};

/// Runs the program with a folder for temporary files of its own, and returns what is left there.
fn run(account: &Account, arguments: &[&str]) -> (i32, String, String, usize) {
    let temporary = account.file("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let output = strongroom(arguments).env("TMPDIR", &temporary).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let left = fs::read_dir(Path::new(&temporary)).unwrap().count();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr), left)
}

#[test]
fn a_password_is_all_that_rescue_needs_beside_the_key_and_no_device_stays() {
    let account = Account::new("source");
    let (url, password) = (account.server.url(), account.file("password.txt"));
    let (key, out) = (account.file("key.txt"), account.file("out.json"));
    let account_flags = [
        "--user",
        &account.user,
        "--homeserver",
        &url,
        "--password-file",
        &password,
        "--recovery-key-file",
        &key,
    ];
    let rescue = ["rescue", "--format", "json", "--out", &out, "--json"];
    let (status, report, errors, left) = run(&account, &[&rescue[..], &account_flags].concat());
    assert_eq!((status, left), (0, 0), "{report}{errors}");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["restored"], COUNT + OLDER_COUNT);
    assert_eq!(session_keys(&out).len(), COUNT);
    assert_eq!(devices(&account), 1);

    let (status, out, errors, left) = run(&account, &[&["secrets"][..], &account_flags].concat());
    assert_eq!((status, left), (0, 0), "{out}{errors}");
    let (status, out, errors, left) =
        run(&account, &[&["diagnose", "--json"][..], &account_flags].concat());
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(report["compared"].as_array().unwrap().len() > 1, "{out}");
    assert!(status != 1 && status != 2 && left == 0, "{out}{errors}");
    assert_eq!(devices(&account), 1);
}

#[test]
fn a_login_is_a_source_too_and_stays() {
    let account = Account::new("source-login");
    let (login, key) = (account.log_in(), account.file("key.txt"));
    let (status, out, errors, left) =
        run(&account, &["secrets", "--login", &login, "--recovery-key-file", &key]);
    assert_eq!((status, left), (0, 0), "{out}{errors}");
    assert_eq!(devices(&account), 2);
    let token = account.folder.write("token.txt", account.token.as_bytes());
    let url = account.server.url();
    let arguments = [
        "secrets",
        "--homeserver",
        &url,
        "--access-token-file",
        &token,
        "--recovery-key-file",
        &key,
    ];
    let (status, out, errors, _) = run(&account, &arguments);
    assert_eq!(status, 0, "{out}{errors}");
}

#[test]
fn a_failure_in_the_middle_leaves_neither_files_nor_a_device() {
    let account = Account::new("source-failure");
    let (url, password) = (account.server.url(), account.file("password.txt"));
    account.server.twist(|request| {
        if request.uri().path().ends_with("/room_keys/version") {
            return server::json(403, &json!({ "errcode": "M_FORBIDDEN", "error": "No" }));
        }
        Twist::Nothing
    });
    let arguments = [
        "diagnose",
        "--json",
        "--user",
        &account.user,
        "--homeserver",
        &url,
        "--password-file",
        &password,
    ];
    let (status, out, errors, left) = run(&account, &arguments);
    assert_eq!((status, left), (1, 0), "{out}{errors}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["error"]["code"], "refused");
    assert_eq!(devices(&account), 1);
}

#[test]
fn files_and_a_homeserver_are_not_read_together() {
    let account = Account::new("source-both");
    let (file, url) = (account.file("key.txt"), account.server.url());
    for more in
        [&["--login", "x"][..], &["--user", "@me:x"], &["--homeserver", &url], &["--insecure-http"]]
    {
        let (status, _, errors, _) = run(&account, &[&["secrets", "--from", &file], more].concat());
        assert_eq!((status, errors.contains("--from")), (2, true), "{errors}");
    }
}

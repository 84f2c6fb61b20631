//! The commands that read what was saved of an account, as somebody calls them.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests call a program, and stop at the first surprise"
)]

mod arguments;
mod bundle;
mod diagnose;
#[cfg(unix)]
mod endings;
mod file;
mod key;
mod kit;
mod migrate;
mod nothing;
mod rehearse;
mod repair;
mod report;
mod rescue;
mod secrets;
mod several;
mod streams;
mod tablet;
#[cfg(unix)]
mod terminal;
mod verify_device;

use std::{fs, path::Path, process::Stdio};

use serde_json::{Value, json};

use crate::kit::{Folder, run, strongroom, vector};

/// The sentence names what it is about, and says what to do.
#[test]
fn what_cannot_work_is_said_in_one_sentence() {
    let folder = Folder::new("sentences");
    let empty = folder.write("empty.txt", b" \n");
    let html = folder.write("page.html", b"<html>502 Bad Gateway</html>");
    let refused =
        folder.write("refused.json", br#"{"errcode":"M_UNKNOWN_TOKEN","error":"Unknown token"}"#);
    let account =
        folder.write("account.json", br#"{"m.secret_storage.default_key":{"key":"abc"}}"#);
    let other = folder.write("other.json", br#"{"some":"thing"}"#);
    let nothing = folder.path().to_owned() + "/nothing.json";
    fs::create_dir(Path::new(folder.path()).join("bare")).unwrap();
    let bare = folder.path().to_owned() + "/bare";
    let vector = vector("random");
    let cases: [(&[&str], i32, &[&str]); 13] = [
        (&["diagnose"], 2, &["--from"]),
        (&["diagnose", "--from", &nothing], 1, &["nothing.json", "no such file"]),
        (&["diagnose", "--from", &bare], 1, &["bare", "no file in this folder"]),
        (&["diagnose", "--from", &html], 1, &["page.html", "web page"]),
        (&["diagnose", "--from", &other], 1, &["other.json", "unknown kind"]),
        (&["diagnose", "--from", &empty], 1, &["empty.txt", "empty"]),
        (&["diagnose", "--from", &account], 2, &["--user-id"]),
        (&["diagnose", "--from", &account, "--user-id", "me"], 2, &["@me:example.org"]),
        (
            &["diagnose", "--from", &vector, "--user-id", "@else:example.org"],
            2,
            &["@else:example.org"],
        ),
        (&["secrets", "--from", &account], 2, &["--recovery-key-file"]),
        (
            &["secrets", "--from", &account, "--recovery-key-file", &empty],
            1,
            &["empty.txt", "empty"],
        ),
        (&["secrets", "--from", "-", "--recovery-key-file", "-"], 2, &["standard input"]),
        (&["secrets", "--from", &refused], 1, &["M_UNKNOWN_TOKEN", "no account data"]),
    ];
    for (arguments, expected, says) in cases {
        let (status, out, errors) = run(arguments, Some(b""));
        assert_eq!(status, expected, "{arguments:?}: {errors}");
        assert_eq!(out, "", "{arguments:?}");
        for what in says {
            assert!(errors.contains(what), "{arguments:?}: {errors}");
        }
    }
}

/// What a file holds instead of what was wanted is named.
#[test]
fn a_file_of_something_else_is_said_to_be_that() {
    let folder = Folder::new("something-else");
    let whole = vector("random");
    let fixture = kit::fixture("random");
    let text = fixture["recovery_key"].as_str().unwrap();
    let key = folder.write("key.txt", text.as_bytes());
    let page = folder.write("page.html", b"<!DOCTYPE html><html>");
    let cut = folder.write("cut.json", br#"{"m.x": {"a": 1}, "m."#);
    let refused = folder.write("refused.json", br#"{"errcode":"M_UNKNOWN_TOKEN","error":"No"}"#);
    let list = folder.write("list.json", br#"[{"session_key":5}]"#);
    let data = folder.write("data.json", fixture["account_data"].to_string().as_bytes());
    let empty = folder.write("empty.txt", b"\n");
    let (keys, _) = kit::key_file(&folder);
    let own = fixture["backup_decryption_key_base64"].as_str().unwrap();
    let own = folder.write("own.txt", own.as_bytes());
    let (from, with) = ("--from", "--recovery-key-file");
    let (to, out) = (folder.path().to_owned() + "/to", folder.path().to_owned() + "/out");
    let server = ["fetch", "--to", &to, "--homeserver", "http://127.0.0.1:1"];
    let token = [&server[..], &["--access-token-file"]].concat();
    let password = [&server[..], &["--user", "@me:a.b", "--password-file"]].concat();
    let export = ["rescue", from, &whole, "--out", &out, "--export-passphrase-file"];
    let cases: [(&[&str], &str, &[&str]); 19] = [
        (&["rescue", from], &page, &["page.html", "web page", "strongroom fetch"]),
        (&["rescue", from], &key, &["key.txt", "is a recovery key", with]),
        (&["rescue", from], &cut, &["cut.json", "cut off", "strongroom fetch"]),
        (&["rescue", from], &keys, &["exported message keys", "strongroom file decrypt"]),
        (&["rescue", from], &data, &["no message keys", "strongroom fetch"]),
        (&["rescue", from], &refused, &["M_UNKNOWN_TOKEN", "strongroom fetch"]),
        (&["rescue", from], &list, &["1 entry", "strongroom fetch"]),
        (&["secrets", from], &list, &["no account data", "strongroom fetch"]),
        (&["rescue", from, &whole, with], &page, &["page.html", "web page", "not the recovery"]),
        (&["rescue", from, &whole, with], &refused, &["refused.json", "is JSON"]),
        (&["rescue", from, &whole, with], &keys, &["exported message keys"]),
        (&["secrets", from, &whole, "--passphrase-file"], &own, &["key of the backup itself"]),
        (&token, &key, &["key.txt", "is a recovery key", "not sent"]),
        (&password, &key, &["key.txt", "is a recovery key", "not sent"]),
        (&token, &empty, &["should hold the access token"]),
        (&password, &empty, &["should hold the password"]),
        (&export, &empty, &["should hold the passphrase of the key file"]),
        (&["fetch", "--to", &to, "--login"], &empty, &["strongroom login"]),
        (&["key", "check", "--file"], &page, &["page.html", "web page"]),
    ];
    for (arguments, file, says) in cases {
        let arguments = [arguments, &[file]].concat();
        let (status, out, errors) = run(&arguments, Some(b""));
        assert_eq!(status, 1, "{arguments:?}: {out}{errors}");
        for what in says {
            assert!(errors.contains(what), "{arguments:?}, {what}: {errors}");
        }
    }
}

/// It would stay on the screen, and in whatever keeps what was printed.
#[test]
fn a_secret_in_the_place_of_a_file_is_not_repeated() {
    let (folder, vector) = (Folder::new("not-repeated"), vector("random"));
    let (to, out) = (folder.path().to_owned() + "/to", folder.path().to_owned() + "/out");
    let server = ["fetch", "--to", &to, "--homeserver", "http://127.0.0.1:1"];
    let token = [&server[..], &["--access-token-file"]].concat();
    let password = [&server[..], &["--user", "@me:a.b", "--password-file"]].concat();
    for (arguments, secret) in [
        (&["secrets", "--from", &vector, "--recovery-key-file"][..], "EsTW 4JtD kY5n"),
        (&["secrets", "--from", &vector, "--passphrase-file"], "correct/horse. battery"),
        (&["rescue", "--from", &vector, "--out", &out, "--export-passphrase-file"], "st4ple"),
        (&["key", "check", "--file"], "EsTW 4JtD kY5n"),
        (&token, "syt_bWU_abc"),
        (&password, "hunter.2"),
    ] {
        let arguments = [arguments, &[secret]].concat();
        let (status, out, errors) = run(&arguments, Some(b""));
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}: {errors}");
        assert!(errors.contains("wants the name of a file"), "{arguments:?}: {errors}");
        assert!(errors.contains(arguments[arguments.len() - 2]), "{errors}");
        assert!(!errors.contains(secret), "{errors}");
    }
    // What is plainly a name is named.
    let (status, _, errors) = run(&["key", "check", "--file", "no-such.txt"], Some(b""));
    assert!(status == 1 && errors.contains("no-such.txt"), "{errors}");
}

#[test]
fn for_programs_an_error_is_json_on_standard_output() {
    let (status, out, errors) = run(&["diagnose", "--json", "--from", "/nowhere/at/all"], None);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &report["error"]["code"]), (1, &json!("file")), "{errors}");
    assert!(report["error"]["message"].as_str().unwrap().contains("/nowhere/at/all"));
}

#[test]
fn whoever_stops_reading_hears_no_complaint() {
    let mut child = strongroom(&["diagnose", "--json", "--from", &vector("random")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

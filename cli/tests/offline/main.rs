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
mod diagnose;
#[cfg(unix)]
mod endings;
mod file;
mod key;
mod kit;
mod migrate;
mod report;
mod rescue;
mod secrets;
mod streams;
#[cfg(unix)]
mod terminal;

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
        (&["diagnose", "--from", &html], 1, &["page.html", "not JSON"]),
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
        (&["secrets", "--from", &refused], 2, &["M_UNKNOWN_TOKEN", "no account data"]),
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

//! The commands that read what was saved of an account, as somebody calls them.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests call a program, and stop at the first surprise"
)]

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

#[test]
fn an_account_of_a_real_client_is_well() {
    for fixture in ["random", "passphrase"] {
        let (status, out, _) = run(&["diagnose", "--from", &vector(fixture)], None);
        assert_eq!(status, 0, "{out}");
        assert!(out.contains("Nothing is wrong with what was compared"), "{out}");
        let (status, out, _) = run(&["diagnose", "--json", "--from", &vector(fixture)], None);
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((status, &report["verdict"]), (0, &json!("well")));
        assert!(report["findings"].as_array().unwrap().iter().all(|it| it["sentence"].is_string()));
    }
}

#[test]
fn a_snapshot_is_a_folder_of_what_the_fixture_has() {
    let folder = Folder::new("snapshot");
    let fixture = fixture("random");
    for (file, member) in [
        ("account_data.json", "account_data"),
        ("backup_info.json", "room_keys_version"),
        ("room_keys.json", "room_keys"),
    ] {
        folder.write(file, fixture[member].to_string().as_bytes());
    }
    folder.write("snapshot.json", b"{\"server\": \"https://example.org\"}");
    let key = folder.write("key.txt", fixture["recovery_key"].as_str().unwrap().as_bytes());
    let user = fixture["user_id"].as_str().unwrap();
    let arguments =
        ["diagnose", "--from", folder.path(), "--recovery-key-file", &key, "--user-id", user];
    let (status, out, errors) = run(&arguments, None);
    assert_eq!(status, 0, "{out}{errors}");
    // Of its keys nobody has told: that is too little.
    let (status, out, _) = run(&arguments[..3], None);
    assert_eq!(status, 2, "{out}");
    let (status, out, _) = run(&["diagnose", "--from", folder.path(), "--user-id", user], None);
    assert_eq!(status, 4, "{out}");
}

#[test]
fn secrets_are_shown_only_if_asked_for() {
    let stored = "m.cross_signing.master";
    let (status, out, errors) = run(&["secrets", "--from", &vector("random"), "--json"], None);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &report["secrets"][stored]["value"]), (0, &Value::Null), "{errors}");
    assert_eq!(report["secrets"][stored]["opened_with"], report["default_key"]);
    assert_eq!(report["keys"][0]["fits"], true);

    let (_, out, _) = run(&["secrets", "--from", &vector("random"), "--json", "--show"], None);
    let report: Value = serde_json::from_str(&out).unwrap();
    let value = report["secrets"][stored]["value"].as_str().unwrap().to_owned();
    assert_eq!(value.len(), 43);
    let (_, out, _) = run(&["secrets", "--from", &vector("random")], None);
    assert!(out.contains(stored) && !out.contains(&value), "{out}");
    let (_, out, _) = run(&["secrets", "--from", &vector("random"), "--show"], None);
    assert!(out.contains(&value), "{out}");
}

#[test]
fn a_wrong_key_opens_nothing_and_says_so() {
    let folder = Folder::new("wrong-key");
    let other = fixture("passphrase")["recovery_key"].as_str().unwrap().to_owned();
    let key = folder.write("other.txt", other.as_bytes());
    let arguments = ["secrets", "--from", &vector("random"), "--recovery-key-file", &key];
    let (status, out, errors) = run(&arguments, None);
    assert_eq!(status, 1, "{out}");
    assert!(errors.contains("does not open anything here"), "{errors}");
}

#[test]
fn a_key_is_read_from_standard_input_and_from_utf_16() {
    let text = fixture("random")["recovery_key"].as_str().unwrap().to_owned();
    let folder = Folder::new("utf-16");
    let utf_16: Vec<_> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [text.as_bytes(), format!("{text}\r\n").as_bytes(), &utf_16] {
        let key = folder.write("key.txt", bytes);
        for (file, input) in [(key.as_str(), None), ("-", Some(bytes))] {
            let (status, out, errors) = run(&["key", "check", "--file", file, "--json"], input);
            let report: Value = serde_json::from_str(&out).unwrap();
            assert_eq!((status, &report["valid"]), (0, &json!(true)), "{errors}");
            assert_eq!(report["curve25519_public_key"].as_str().unwrap().len(), 43);
        }
    }
}

#[test]
fn a_mistake_in_a_key_is_named_with_its_place() {
    let text = fixture("random")["recovery_key"].as_str().unwrap().to_owned();
    let zero = text.replacen(&text[10..11], "0", 1);
    let place = zero.find('0').unwrap() + 1;
    for (typed, position, says) in [
        (zero.as_str(), json!(place), "never 0 (zero)"),
        (&text[..20], Value::Null, "48 letters and digits"),
        ("hunter2", Value::Null, "looks like a passphrase"),
    ] {
        let (status, out, _) = run(&["key", "check", "--file", "-"], Some(typed.as_bytes()));
        assert_eq!(status, 1);
        assert!(out.contains(says), "{out}");
        assert!(!out.contains(typed), "{out}");
        let (status, out, _) =
            run(&["key", "check", "--file", "-", "--json"], Some(typed.as_bytes()));
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((status, &report["valid"], &report["position"]), (1, &json!(false), &position));
    }
}

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
fn one_broken_event_costs_itself() {
    let folder = Folder::new("broken-event");
    let mut fixture = fixture("random");
    let events: Vec<_> = fixture["account_data"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(kind, content)| json!({ "type": kind, "content": content }))
        .chain([json!(null), json!({ "content": {} })])
        .collect();
    fixture["account_data"] = json!(events);
    let file = folder.write("account.json", fixture.to_string().as_bytes());
    let (status, out, errors) = run(&["secrets", "--from", &file], None);
    assert_eq!(status, 0, "{out}{errors}");
    assert!(
        errors.contains("account.json: entries of the account data that are no events: 2"),
        "{errors}"
    );
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

fn strongroom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The exit status, standard output and standard error.
fn run(arguments: &[&str], input: Option<&[u8]>) -> (i32, String, String) {
    let mut command = strongroom(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read anything.
    let _ = child.stdin.take().unwrap().write_all(input.unwrap_or_default());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn vector(name: &str) -> String {
    format!("{}/../tests/vectors/js-sdk/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

fn fixture(name: &str) -> Value {
    serde_json::from_slice(&fs::read(vector(name)).unwrap()).unwrap()
}

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

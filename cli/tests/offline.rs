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

#[test]
fn what_is_rescued_is_what_the_client_exported() {
    for name in ["random", "passphrase"] {
        let folder = Folder::new(&format!("rescue-{name}"));
        let expected = fixture(name)["exported_room_keys"].as_array().unwrap().clone();
        let passphrase = folder.write("export.txt", b"correct horse battery staple");
        let keys = folder.path().to_owned() + "/keys.txt";
        let report = folder.path().to_owned() + "/report.json";
        let arguments = [
            "rescue",
            "--from",
            &vector(name),
            "--out",
            &keys,
            "--export-passphrase-file",
            &passphrase,
            "--report",
            &report,
        ];
        let (status, out, errors) = run(&arguments, None);
        assert_eq!(status, 0, "{out}{errors}");
        assert!(out.contains("Next: import"), "{out}");
        let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        assert_eq!(report["restored"], expected.len(), "{report:#}");
        assert_eq!((&report["failed"], &report["complete"]), (&json!(0), &json!(true)));
        assert_eq!(report["versions"][0]["opened_by"], "what was entered");
        assert!(
            fs::read_to_string(&keys).unwrap().starts_with("-----BEGIN MEGOLM SESSION DATA-----\n")
        );

        let plain = folder.path().to_owned() + "/plain.json";
        let arguments =
            ["file", "decrypt", "--in", &keys, "--out", &plain, "--passphrase-file", &passphrase];
        assert_eq!(run(&arguments, None).0, 0);
        assert_eq!(session_keys(&plain), session_keys_of(&expected));
        #[cfg(unix)]
        for file in [&keys, &plain] {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // What is there is not replaced, and not touched, unless that is wanted.
        let before = fs::read(&plain).unwrap();
        let (status, _, errors) = run(&arguments, None);
        assert_eq!(status, 1);
        assert!(errors.contains("--force"), "{errors}");
        assert_eq!(fs::read(&plain).unwrap(), before);
        assert_eq!(run(&[&arguments[..], &["--force"]].concat(), None).0, 0);
    }
}

#[test]
fn each_version_is_opened_with_the_key_that_fits_it() {
    let folder = Folder::new("versions");
    let (mut expected, mut keys) = (Vec::new(), Vec::new());
    for (number, name) in ["random", "passphrase"].into_iter().enumerate() {
        let mut fixture = fixture(name);
        fixture["room_keys_version"]["version"] = json!((number + 1).to_string());
        folder.write(
            &format!("backup_info.{number}.json"),
            fixture["room_keys_version"].to_string().as_bytes(),
        );
        folder.write(
            &format!("room_keys.{number}.json"),
            fixture["room_keys"].to_string().as_bytes(),
        );
        let key = fixture["backup_decryption_key_base64"].as_str().unwrap();
        keys.push(folder.write(&format!("key{number}.txt"), key.as_bytes()));
        expected.extend(session_keys_of(fixture["exported_room_keys"].as_array().unwrap()));
    }
    expected.sort();
    let out = folder.path().to_owned() + "/out.txt";
    let arguments = [
        "rescue",
        "--from",
        folder.path(),
        "--format",
        "json",
        "--out",
        &out,
        "--json",
        "--recovery-key-file",
        &keys[0],
        "--recovery-key-file",
        &keys[1],
    ];
    let (status, text, errors) = run(&arguments, None);
    assert_eq!(status, 0, "{text}{errors}");
    assert_eq!(session_keys(&out), expected);
    let report: Value = serde_json::from_str(&text).unwrap();
    let versions: Vec<_> =
        report["versions"].as_array().unwrap().iter().map(|it| it["version"].clone()).collect();
    assert_eq!(versions, [json!("2"), json!("1")], "the newest comes first");
    // With one key the other version is named, and what opens is written.
    let (status, text, errors) = run(&[&arguments[..10], &["--force"]].concat(), None);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &report["failed"]), (3, &json!(36)), "{text}{errors}");
}

#[test]
fn a_room_a_session_and_a_share_of_the_rescued_keys() {
    let folder = Folder::new("parts");
    let all = fixture("random")["exported_room_keys"].as_array().unwrap().clone();
    let (room, session) =
        (all[0]["room_id"].as_str().unwrap(), all[0]["session_id"].as_str().unwrap());
    let of_room = all.iter().filter(|it| it["room_id"] == room).count();
    for (flag, value, expected) in [("--room", room, of_room), ("--session", session, 1)] {
        let out = folder.path().to_owned() + "/" + flag + ".json";
        let arguments =
            ["rescue", "--from", &vector("random"), "--format", "json", "--out", &out, flag, value];
        let (status, text, errors) = run(&arguments, None);
        assert_eq!(status, 0, "{text}{errors}");
        assert_eq!(session_keys(&out).len(), expected);
    }
    let out = folder.path().to_owned() + "/none.json";
    let arguments = [
        "rescue",
        "--from",
        &vector("random"),
        "--format",
        "json",
        "--out",
        &out,
        "--room",
        "!else:a.b",
    ];
    let (status, text, _) = run(&arguments, None);
    assert_eq!(status, 3, "{text}");
    assert!(text.contains("of this room or session") && !Path::new(&out).exists(), "{text}");
    let out = folder.path().to_owned() + "/piped.json";
    let arguments = ["rescue", "--from", "-", "--format", "json", "--out", &out];
    let (status, text, errors) = run(&arguments, Some(&fs::read(vector("random")).unwrap()));
    assert_eq!(status, 0, "{text}{errors}");
    assert_eq!(session_keys(&out), session_keys_of(&all));
    let out = folder.path().to_owned() + "/split.json";
    let arguments =
        ["rescue", "--from", &vector("random"), "--format", "json", "--out", &out, "--split", "3"];
    assert_eq!(run(&arguments, None).0, 0);
    let files = all.len().div_ceil(3);
    let mut together = Vec::new();
    for number in 1..=files {
        together.extend(session_keys(&format!("{}/split.{number}.json", folder.path())));
    }
    together.sort();
    assert_eq!(together, session_keys_of(&all));
    assert!(!Path::new(&format!("{}/split.{}.json", folder.path(), files + 1)).exists());
}

#[test]
fn of_two_copies_the_better_one_is_kept_whatever_the_order() {
    let folder = Folder::new("merge");
    let passphrase = folder.write("export.txt", b"correct horse battery staple");
    let all = fixture("random")["exported_room_keys"].as_array().unwrap().clone();
    let mut worse = all.clone();
    worse[0]["forwarding_curve25519_key_chain"] = json!([all[0]["sender_key"]]);
    let first = folder.write("first.json", json!(worse[..2]).to_string().as_bytes());
    let second = folder.write("second.json", json!(all).to_string().as_bytes());
    for (number, inputs) in [[&first, &second], [&second, &first]].into_iter().enumerate() {
        let merged = format!("{}/merged{number}.txt", folder.path());
        let plain = format!("{}/merged{number}.json", folder.path());
        let arguments = [
            "file",
            "merge",
            inputs[0],
            inputs[1],
            "--out",
            &merged,
            "--export-passphrase-file",
            &passphrase,
        ];
        let (status, out, errors) = run(&arguments, None);
        assert_eq!(status, 0, "{out}{errors}");
        let arguments =
            ["file", "decrypt", "--in", &merged, "--out", &plain, "--passphrase-file", &passphrase];
        assert_eq!(run(&arguments, None).0, 0);
        assert_eq!(session_keys(&plain), session_keys_of(&all));
        let text = fs::read_to_string(&plain).unwrap();
        let chains: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert!(
            chains.iter().all(|it| it["forwarding_curve25519_key_chain"] == json!([])),
            "{text}"
        );
    }
    let (status, out, _) = run(&["file", "diff", &first, &second], None);
    assert_eq!((status, out.lines().count()), (3, all.len() - 1));
    let (status, out, _) = run(&["file", "diff", &second, &first], None);
    assert_eq!((status, out.as_str()), (0, ""));
    let room = all[0]["room_id"].as_str().unwrap();
    let kept = folder.path().to_owned() + "/kept.txt";
    let arguments = [
        "file",
        "filter",
        &second,
        "--room",
        room,
        "--out",
        &kept,
        "--export-passphrase-file",
        &passphrase,
    ];
    assert_eq!(run(&arguments, None).0, 0);
    let encrypted = folder.path().to_owned() + "/encrypted.txt";
    let arguments = [
        "file",
        "encrypt",
        "--in",
        &second,
        "--out",
        &encrypted,
        "--export-passphrase-file",
        &passphrase,
    ];
    assert_eq!(run(&arguments, None).0, 0);
    let arguments = ["file", "diff", &encrypted, &second, "--passphrase-file", &passphrase];
    assert_eq!(run(&arguments, None), (0, String::new(), String::new()));
}

#[test]
fn nothing_half_done_is_left_and_the_reason_is_said() {
    let folder = Folder::new("refused");
    let passphrase = folder.write("export.txt", b"correct horse battery staple");
    let other = folder
        .write("other.txt", fixture("passphrase")["recovery_key"].as_str().unwrap().as_bytes());
    let key_file =
        format!("{}/../tests/vectors/js-sdk/random.megolm-export.txt", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&key_file).unwrap();
    let cut = folder.write("cut.txt", &text.as_bytes()[..text.len() / 2]);
    let out = folder.path().to_owned() + "/out.txt";
    let nowhere = folder.path().to_owned() + "/no/such/folder/out.txt";
    let vector = vector("random");
    let keys = folder.write("keys.json", fixture("random")["room_keys"].to_string().as_bytes());
    let cases: [(&[&str], i32, &[&str]); 9] = [
        (
            &["rescue", "--from", &keys, "--out", &out, "--format", "json"],
            2,
            &["--recovery-key-file"],
        ),
        (
            &["rescue", "--from", &vector, "--out", &out, "--format", "json", "--report", &nowhere],
            1,
            &["no/such/folder"],
        ),
        (&["rescue", "--from", &vector, "--out", &out], 2, &["--export-passphrase-file"]),
        (
            &[
                "rescue",
                "--from",
                &vector,
                "--out",
                &out,
                "--export-passphrase-file",
                &passphrase,
                "--rounds",
                "10",
            ],
            2,
            &["100000"],
        ),
        (
            &[
                "rescue",
                "--from",
                &vector,
                "--out",
                &nowhere,
                "--export-passphrase-file",
                &passphrase,
            ],
            1,
            &["no/such/folder", "folder does not exist"],
        ),
        (
            &[
                "rescue",
                "--from",
                &vector,
                "--recovery-key-file",
                &other,
                "--out",
                &out,
                "--format",
                "json",
            ],
            1,
            &["not the key of this backup"],
        ),
        (&["file", "decrypt", "--in", &key_file, "--out", &out], 2, &["--passphrase-file"]),
        (
            &[
                "file",
                "decrypt",
                "--in",
                &key_file,
                "--out",
                &out,
                "--passphrase-file",
                &passphrase,
            ],
            1,
            &["random.megolm-export.txt", "check the passphrase"],
        ),
        (
            &["file", "decrypt", "--in", &cut, "--out", &out, "--passphrase-file", &passphrase],
            1,
            &["cut.txt", "truncated"],
        ),
    ];
    for (arguments, expected, says) in cases {
        let (status, text, errors) = run(arguments, Some(b""));
        assert_eq!(status, expected, "{arguments:?}: {text}{errors}");
        for what in says {
            assert!(errors.contains(what) || text.contains(what), "{arguments:?}: {text}{errors}");
        }
    }
    let left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

/// A file that a client has written.
#[test]
fn a_clients_key_file_is_decrypted() {
    let folder = Folder::new("client");
    for name in ["random", "passphrase"] {
        let path =
            format!("{}/../tests/vectors/js-sdk/{name}.megolm-export", env!("CARGO_MANIFEST_DIR"));
        let made_with: Value =
            serde_json::from_slice(&fs::read(format!("{path}.json")).unwrap()).unwrap();
        for file in [".txt", ".r500000.txt"] {
            let made = &made_with["files"][format!("{name}.megolm-export{file}")]["passphrase"];
            let passphrase = folder.write("passphrase.txt", made.as_str().unwrap().as_bytes());
            let (input, out) =
                (format!("{path}{file}"), format!("{}/{name}{file}.json", folder.path()));
            let arguments = [
                "file",
                "decrypt",
                "--in",
                &input,
                "--out",
                &out,
                "--passphrase-file",
                &passphrase,
            ];
            let (status, _, errors) = run(&arguments, None);
            assert_eq!(status, 0, "{errors}");
            assert_eq!(
                session_keys(&out),
                session_keys_of(fixture(name)["exported_room_keys"].as_array().unwrap())
            );
        }
    }
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

fn session_keys(path: &str) -> Vec<String> {
    let sessions: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    session_keys_of(&sessions)
}

fn session_keys_of(sessions: &[Value]) -> Vec<String> {
    let mut keys: Vec<_> = sessions
        .iter()
        .map(|it| it["session_key"].as_str().unwrap().trim_end_matches('=').to_owned())
        .collect();
    keys.sort();
    keys
}

//! What comes over standard input, or through a pipe that has a name.

use serde_json::{Value, json};

use crate::kit::{Folder, exported, fixture, key_file, run, session_keys, session_keys_of};

#[test]
fn message_keys_come_over_standard_input_encrypted_and_not() {
    let folder = Folder::new("stdin");
    let (encrypted, passphrase) = key_file(&folder);
    let expected = session_keys_of(fixture("random")["exported_room_keys"].as_array().unwrap());
    for (number, bytes) in
        [std::fs::read(&encrypted).unwrap(), exported("random")].iter().enumerate()
    {
        let out = format!("{}/decrypted{number}.json", folder.path());
        let arguments =
            ["file", "decrypt", "--in", "-", "--out", &out, "--passphrase-file", &passphrase];
        assert_eq!(run(&arguments, Some(bytes)), (0, String::new(), String::new()));
        assert_eq!(session_keys(&out), expected);

        let (merged, plain) = (
            format!("{}/merged{number}", folder.path()),
            format!("{}/plain{number}", folder.path()),
        );
        let new = ["--export-passphrase-file", &passphrase];
        let merge =
            ["file", "merge", &encrypted, "-", "--out", &merged, "--passphrase-file", &passphrase];
        let (status, out, errors) = run(&[&merge[..], &new].concat(), Some(bytes));
        assert_eq!(status, 0, "{out}{errors}");
        let arguments =
            ["file", "decrypt", "--in", &merged, "--out", &plain, "--passphrase-file", &passphrase];
        assert_eq!(run(&arguments, None).0, 0);
        assert_eq!(session_keys(&plain), expected);

        let arguments = ["file", "diff", "-", &encrypted, "--passphrase-file", &passphrase];
        assert_eq!(run(&arguments, Some(bytes)), (0, String::new(), String::new()));
    }
}

/// An entry that is none is told once, and decides how the command ends, though the stream was read before.
#[test]
fn what_is_no_session_on_standard_input_is_told_by_a_merge() {
    let folder = Folder::new("stdin-broken");
    let passphrase = folder.write("passphrase.txt", b"correct horse battery staple");
    let mut sessions: Value = serde_json::from_slice(&exported("random")).unwrap();
    sessions[1]["session_key"] = json!("?");
    let none = folder.write("none.json", b"[]");
    let out = folder.path().to_owned() + "/out.txt";
    let arguments =
        ["file", "merge", "-", &none, "--out", &out, "--export-passphrase-file", &passphrase];
    let (status, _, errors) = run(&arguments, Some(sessions.to_string().as_bytes()));
    assert_eq!(status, 3, "{errors}");
    assert_eq!(errors.matches("standard input: entry 2 is left out: ").count(), 1, "{errors}");
}

#[test]
fn standard_input_is_one_file_at_most() {
    let folder = Folder::new("stdin-twice");
    let (encrypted, passphrase) = key_file(&folder);
    let out = folder.path().to_owned() + "/out.txt";
    let new = ["--export-passphrase-file", "-"];
    for arguments in [
        &["file", "merge", "-", "-", "--out", &out, "--export-passphrase-file", &passphrase][..],
        &["file", "diff", "-", "-"],
        &["file", "decrypt", "--in", "-", "--passphrase-file", "-", "--out", &out],
        &[&["file", "encrypt", "--in", "-", "--out", &out], &new[..]].concat(),
        &[&["file", "filter", "-", "--room", "!a:b", "--out", &out], &new[..]].concat(),
        &["rescue", "--from", "-", "--from", "-", "--out", &out, "--format", "json"],
        &[&["rescue", "--from", "-", "--out", &out], &new[..]].concat(),
        &["migrate", "--from", "-", "--recovery-key-file", "-", "--to", &out],
    ] {
        let (status, text, errors) = run(arguments, Some(&std::fs::read(&encrypted).unwrap()));
        assert_eq!((status, text.as_str()), (2, ""), "{arguments:?}: {errors}");
        assert!(errors.contains("standard input can be given once"), "{arguments:?}: {errors}");
    }
}

/// Longer than what is held in memory.
fn long_account() -> (Value, Vec<u8>) {
    let mut account = fixture("random");
    let keys = account.as_object_mut().unwrap().remove("room_keys").unwrap();
    let (room, of_room) = keys["rooms"].as_object().unwrap().iter().next().unwrap();
    let (id, sealed) = of_room["sessions"].as_object().unwrap().iter().next().unwrap();
    let mut sealed = sealed.clone();
    sealed["padding"] = json!("a".repeat(60_000));
    let mut sessions = serde_json::Map::new();
    (0..50).for_each(|number| drop(sessions.insert(format!("{id}{number}"), sealed.clone())));
    let keys = json!({ "rooms": { room: { "sessions": sessions } } });
    account["room_keys_version"]["count"] = json!(50);
    (account, keys.to_string().into_bytes())
}

#[test]
fn a_long_response_comes_over_standard_input() {
    let folder = Folder::new("stdin-long");
    let (account, keys) = long_account();
    let account = folder.write("account.json", account.to_string().as_bytes());
    let out = folder.path().to_owned() + "/out.json";
    let arguments =
        ["rescue", "--from", &account, "--from", "-", "--format", "json", "--out", &out, "--json"];
    let (status, text, errors) = run(&arguments, Some(&keys));
    assert_eq!(status, 0, "{text}{errors}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["total"], &report["restored"]), (&json!(50), &json!(50)));
}

#[cfg(unix)]
#[test]
fn pipes_that_have_names_are_read_like_files() {
    use std::process::{Command, Stdio};

    let folder = Folder::new("fifo");
    let (account, keys) = long_account();
    let account = folder.write("account.json", account.to_string().as_bytes());
    let keys = folder.write("keys.json", &keys);
    let (encrypted, passphrase) = key_file(&folder);
    let plain = folder.write("plain.json", &exported("random"));
    let program = env!("CARGO_BIN_EXE_strongroom");
    for (number, script) in [
        r#""$PROGRAM" rescue --from <(cat "$ACCOUNT") --from <(cat "$KEYS") --format json --out "$OUT""#,
        r#""$PROGRAM" file merge <(cat "$ENCRYPTED") <(cat "$PLAIN") --passphrase-file <(cat "$PASSPHRASE") \
           --export-passphrase-file <(cat "$PASSPHRASE") --out "$OUT""#,
        r#""$PROGRAM" file diff <(cat "$PLAIN") <(cat "$ENCRYPTED") --passphrase-file "$PASSPHRASE" && : > "$OUT""#,
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("{}/out{number}", folder.path());
        let mut command = Command::new("bash");
        command.args(["-c", script]).stdin(Stdio::null()).env("PROGRAM", program);
        command.env("ACCOUNT", &account).env("KEYS", &keys).env("OUT", &out);
        command.env("ENCRYPTED", &encrypted).env("PLAIN", &plain).env("PASSPHRASE", &passphrase);
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{script}: {errors}");
        assert!(std::path::Path::new(&out).exists(), "{script}");
    }
    assert_eq!(session_keys(&format!("{}/out0", folder.path())).len(), 50);
}

#[cfg(unix)]
#[test]
fn what_is_not_encrypted_is_never_kept_as_it_is() {
    // Without a folder for temporary files nothing can be kept.
    let folder = Folder::new("no-tmp");
    let (encrypted, passphrase) = key_file(&folder);
    let nowhere = folder.path().to_owned() + "/nowhere";
    let out = folder.path().to_owned() + "/out.txt";
    let with_input = |arguments: &[&str], bytes: &[u8]| {
        let mut command = crate::kit::strongroom(arguments);
        command.env("TMPDIR", &nowhere);
        crate::kit::finish(command, Some(bytes))
    };
    let encrypt =
        ["file", "encrypt", "--in", "-", "--out", &out, "--export-passphrase-file", &passphrase];
    assert_eq!(with_input(&encrypt, &exported("random")).0, 0);
    let other = folder.path().to_owned() + "/other.json";
    let decrypt =
        ["file", "decrypt", "--in", "-", "--out", &other, "--passphrase-file", &passphrase];
    let (status, _, errors) = with_input(&decrypt, &std::fs::read(&encrypted).unwrap());
    assert_eq!(status, 1);
    assert!(errors.contains("nowhere") && errors.contains("TMPDIR"), "{errors}");
    let merge = [
        "file",
        "merge",
        "-",
        &crate::kit::vector("random"),
        "--out",
        &other,
        "--export-passphrase-file",
        &passphrase,
    ];
    let (status, _, errors) = with_input(&merge, &exported("random"));
    assert_eq!(status, 1);
    assert!(errors.contains("nowhere") && errors.contains("TMPDIR"), "{errors}");
}

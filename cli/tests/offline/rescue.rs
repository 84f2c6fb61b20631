//! `strongroom rescue`.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::kit::{Folder, fixture, run, session_keys, session_keys_of, vector};

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
        assert_eq!(report["versions"][0]["opened_by"], "storage_key");
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
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("of this room or session") && !Path::new(&out).exists(), "{text}");
    let arguments =
        ["rescue", "--from", &vector("random"), "--format", "json", "--out", &out, "--room", "x"];
    let (status, _, errors) = run(&arguments, None);
    assert!(status == 2 && errors.contains("begins with \u{201c}!\u{201d}"), "{errors}");
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

    // What is to be done next is said of the files that there are.
    let passphrase = folder.write("passphrase.txt", b"correct horse battery staple");
    let (out, vector, split) =
        (folder.path().to_owned() + "/o.txt", vector("random"), all.len().div_ceil(3).to_string());
    let arguments =
        ["rescue", "--from", &vector, "--out", &out, "--split", &split, "--rounds", "100000"];
    let arguments = [&arguments[..], &["--export-passphrase-file", &passphrase]].concat();
    let (status, text, errors) = run(&arguments, None);
    assert_eq!(status, 0, "{text}{errors}");
    let [first, last] = [1, 3].map(|number| format!("{}/o.{number}.txt", folder.path()));
    assert!(text.contains(&format!("import {first} to {last}")), "{text}");
    assert!(text.contains(&format!("--in {first} … --in {last}")), "{text}");
    assert!(text.contains(&format!("Delete {first} to {last}")), "{text}");
    assert!(!text.contains(&out), "{text}");
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
            &["this recovery key does not open anything here", "strongroom diagnose"],
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

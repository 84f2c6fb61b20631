//! `strongroom file`.

use std::fs;

use serde_json::{Value, json};

use crate::kit::{Folder, exported, fixture, key_file, run, session_keys, session_keys_of, vector};

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

#[test]
fn what_a_file_is_not_for_is_said_with_what_it_is_for() {
    let folder = Folder::new("file-kinds");
    let (encrypted, passphrase) = key_file(&folder);
    let plain = folder.write("plain.json", &exported("random"));
    let key = fixture("random")["recovery_key"].as_str().unwrap().to_owned();
    let key = folder.write("key.txt", key.as_bytes());
    // The number of rounds stands behind the version, the salt and the start of the counter.
    let mut binary = vec![1; 37];
    binary.extend([0xff; 4]);
    binary.extend([0; 64]);
    let slow = format!(
        "-----BEGIN MEGOLM SESSION DATA-----\n{}\n-----END MEGOLM SESSION DATA-----\n",
        strongroom::encoding::base64::encode(&binary)
    );
    let slow = folder.write("slow.txt", slow.as_bytes());
    let vector = vector("random");
    let out = folder.path().to_owned() + "/out.txt";
    let before = folder.names();
    let new = ["--out", &out, "--export-passphrase-file", &passphrase];
    let none = ["--room", "!nowhere:example.org"];
    let encrypt = ["file", "encrypt", "--in"];
    for (arguments, expected, says) in [
        (
            [&encrypt[..], &[&encrypted], &new].concat(),
            1,
            "is encrypted already: take the encryption off first",
        ),
        ([&encrypt[..], &[&vector], &new].concat(), 1, "strongroom rescue --from"),
        ([&encrypt[..], &[&key], &new].concat(), 1, "strongroom rescue"),
        (
            vec!["file", "decrypt", "--in", &slow, "--passphrase-file", &passphrase, "--out", &out],
            1,
            "made to waste your time; export the keys once more",
        ),
        (vec!["file", "decrypt", "--in", &encrypted, "--out", &out], 2, "with --passphrase-file"),
        ([&["file", "filter", &plain][..], &none, &new].concat(), 1, "nothing was written"),
        (
            [&["file", "filter", &plain, "--room", "nowhere"][..], &new].concat(),
            2,
            "--room: “nowhere” is no room ID",
        ),
    ] {
        let (status, text, errors) = run(&arguments, None);
        assert_eq!((status, text.as_str()), (expected, ""), "{arguments:?}: {errors}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
        assert_eq!(folder.names(), before, "{arguments:?}");
    }
}

#[test]
fn key_files_and_lists_are_read_in_utf_16_too() {
    let folder = Folder::new("file-utf16");
    let (encrypted, passphrase) = key_file(&folder);
    let expected = session_keys_of(fixture("random")["exported_room_keys"].as_array().unwrap());
    for (number, bytes) in [fs::read(&encrypted).unwrap(), exported("random")].iter().enumerate() {
        let units: Vec<_> = std::str::from_utf8(bytes).unwrap().encode_utf16().collect();
        let little: Vec<_> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let bytes = [&[0xff, 0xfe][..], &little].concat();
        let file = folder.write("utf16.txt", &bytes);
        for (place, input, stdin) in [("file", &*file, None), ("stream", "-", Some(&*bytes))] {
            let out = format!("{}/{place}{number}.json", folder.path());
            let arguments =
                ["file", "decrypt", "--in", input, "--out", &out, "--passphrase-file", &passphrase];
            let (status, _, errors) = run(&arguments, stdin);
            assert_eq!(status, 0, "{errors}");
            assert_eq!(session_keys(&out), expected);
        }
    }
}

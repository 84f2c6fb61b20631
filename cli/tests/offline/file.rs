//! `strongroom file`.

use std::fs;

use serde_json::{Value, json};

use crate::kit::{Folder, fixture, run, session_keys, session_keys_of};

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

//! `strongroom diagnose`.

use serde_json::{Value, json};

use crate::kit::{Folder, fixture, run, vector};

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

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

#[test]
fn a_report_for_strangers_names_neither_the_account_nor_the_files() {
    let mut account = fixture("random");
    let user = account["user_id"].as_str().unwrap().to_owned();
    account["keys_query"]["master_keys"] = json!({});
    let auth_data = &mut account["room_keys_version"]["auth_data"];
    auth_data["Added"] = json!("later");
    auth_data["signatures"][&user]["ed25519:GONE"] = json!("!");
    account["account_data"]["m.secret_storage.default_key"] = json!({ "key": "LostKey" });
    account["recovery_key"] = fixture("passphrase")["recovery_key"].clone();
    let mut marks = vec!["Shareable_of_alice".to_owned(), "vectors".to_owned()];
    collect(&account, &mut marks);
    assert!(marks.len() > 100 && marks.contains(&user), "{}", marks.len());
    let folder = Folder::new("Shareable_of_alice");
    let path = folder.write("account.json", account.to_string().as_bytes());
    let tells = |text: &str| -> Vec<String> {
        marks.iter().filter(|mark| text.contains(*mark)).cloned().collect()
    };
    for format in [&[][..], &["--json"][..]] {
        let plain = ["diagnose", "--from", &path];
        let (status, out, _) = run(&[&plain[..], format].concat(), None);
        assert!(status == 3 && tells(&out).len() > 3, "{status} {out}");
        let (status, out, errors) = run(&[&plain[..], &["--shareable"], format].concat(), None);
        assert_eq!(
            (status, tells(&out), tells(&errors)),
            (3, Vec::new(), Vec::new()),
            "{out}{errors}"
        );
        assert!(out.contains("\u{201c}key 1\u{201d}") && out.contains("(version 1)"), "{out}");
        let last = out.trim_end_matches(['}', '\n', '"']).lines().last().unwrap();
        assert!(last.contains("Nothing in this report names the account"), "{out}");
    }
}

/// The names and texts that are found nowhere but in this account: those with a capital letter or a digit.
fn collect(value: &Value, marks: &mut Vec<String>) {
    let mut add = |text: &str| {
        let is_of_a_standard = text.starts_with("m.") && !text.contains(".key.");
        let is_rare = text.chars().any(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if text.len() > 2 && is_rare && !is_of_a_standard {
            marks.push(text.chars().take(40).collect());
            marks.extend(text.split_once(':').map(|(_, key)| key.to_owned()));
        }
    };
    match value {
        Value::Object(members) => {
            members.keys().for_each(|name| add(name));
            members.values().for_each(|value| collect(value, marks));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, marks)),
        Value::String(text) => add(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

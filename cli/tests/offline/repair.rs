//! `strongroom repair`, of what was saved.

use std::fs;

use serde_json::Value;

use crate::kit::{Folder, fixture, run, vector};

#[test]
fn an_account_in_which_everything_fits_stays_as_it_is() {
    let folder = Folder::new("repair-well");
    let to = folder.path().to_owned() + "/plan";
    let (status, out, errors) = run(&["repair", "--from", &vector("random"), "--to", &to], None);
    assert!(out.starts_with("Nothing is changed, and nothing was written."), "{out}{errors}");
    assert_eq!(status, 0, "{out}{errors}");
    assert!(folder.names().is_empty());
}

#[test]
fn a_secret_that_is_gone_is_stored_again_and_what_was_saved_is_kept_beside_the_plan() {
    let folder = Folder::new("repair-missing");
    let mut account = fixture("random");
    account["account_data"].as_object_mut().unwrap().remove("m.megolm_backup.v1");
    let saved = folder.write("account.json", account.to_string().as_bytes());
    let mut arguments = vec!["repair", "--from", &saved];
    let to = folder.path().to_owned() + "/plan";
    arguments.extend(["--to", &to]);
    let keys = ["recovery_key", "backup_decryption_key_base64"];
    let keys = keys.map(|name| folder.write(name, account[name].as_str().unwrap().as_bytes()));
    keys.iter().for_each(|key| arguments.extend(["--recovery-key-file", key]));
    let (status, out, errors) = run(&arguments, None);
    assert_eq!(status, 0, "{out}{errors}");
    let plan: Value =
        serde_json::from_slice(&fs::read(to.clone() + "/plan.json").unwrap()).unwrap();
    assert_eq!(plan["steps"][0]["event_type"], "m.megolm_backup.v1", "{plan:#}");
    assert_eq!(plan["user_id"], account["user_id"]);
    let kept = fs::read(to + "/archive/account.json").unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&kept).unwrap(), account);
}

#[test]
fn what_is_kept_has_a_name_and_a_key() {
    let folder = Folder::new("repair-names");
    let to = folder.path().to_owned() + "/plan";
    let (status, _, errors) = run(&["repair", "--from", "-", "--to", &to], Some(b"{}"));
    assert_eq!(status, 2, "{errors}");
    assert!(errors.contains("name a file in the place of standard input"), "{errors}");
    let mut account = fixture("random");
    for name in ["recovery_key", "passphrase"] {
        account.as_object_mut().unwrap().remove(name);
    }
    let saved = folder.write("account.json", account.to_string().as_bytes());
    let (status, _, errors) = run(&["repair", "--from", &saved, "--to", &to], None);
    assert_eq!(status, 2, "{errors}");
    assert!(errors.contains("--recovery-key-file"), "{errors}");
    assert_eq!(folder.names(), ["account.json"]);
}

/// What lies beside the current version was encrypted to the key of the older one, of which there are no message keys here.
#[test]
fn a_version_whose_message_keys_were_not_saved_is_not_called_dispensable() {
    let folder = Folder::new("repair-unsaved");
    let account = fixture("random");
    let saved = folder.path().to_owned() + "/saved";
    fs::create_dir(&saved).unwrap();
    let write = |name: &str, value: &Value| {
        fs::write(format!("{saved}/{name}"), value.to_string()).unwrap();
    };
    let mut older = account["room_keys_version"].clone();
    (older["version"], older["count"], older["etag"]) = ("1".into(), 5.into(), "a".into());
    let mut current = older.clone();
    (current["version"], current["count"]) = ("2".into(), 36.into());
    current["auth_data"]["public_key"] = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo".into();
    current["auth_data"].as_object_mut().unwrap().remove("signatures");
    write("backup_info.json", &current);
    write("backup_info.1.json", &older);
    write("room_keys.json", &account["room_keys"]);
    let kept = ["user_id", "account_data"].map(|name| (name.to_owned(), account[name].clone()));
    write("account_data.json", &Value::Object(kept.into_iter().collect()));
    let key = folder.write("key", account["recovery_key"].as_str().unwrap().as_bytes());
    let to = folder.path().to_owned() + "/plan";
    let arguments = ["repair", "--from", &saved, "--recovery-key-file", &key, "--to", &to];
    let (status, out, errors) = run(&arguments, None);
    assert_eq!(status, 3, "{out}{errors}");
    assert!(!out.contains("may be deleted, since"), "{out}");
    assert!(out.contains("have to stay") && out.contains("version 1"), "{out}");
}

/// Versions of both have the same numbers.
#[test]
fn files_of_two_accounts_are_not_mixed() {
    let folder = Folder::new("repair-mixed");
    let mut account = fixture("random");
    let first = folder.write("first.json", account.to_string().as_bytes());
    account["user_id"] = "@mallory:example.org".into();
    let second = folder.write("second.json", account.to_string().as_bytes());
    let to = folder.path().to_owned() + "/plan";
    let (status, out, errors) =
        run(&["repair", "--from", &first, "--from", &second, "--to", &to], None);
    assert_eq!(status, 2, "{out}{errors}");
    assert!(errors.contains("is of two accounts"), "{errors}");
}

//! `strongroom migrate`.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use crate::kit::{Folder, run, vector};

#[test]
fn an_account_of_2019_comes_into_todays_form_and_keeps_what_it_had() {
    let folder = Folder::new("migrate");
    for (number, mut account) in old_accounts().into_iter().enumerate() {
        let saved = folder.write("account.json", account.to_string().as_bytes());
        let to = format!("{}/plan{number}", folder.path());
        let old = secrets(&folder, &account, None);
        let names = old["secrets"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let mut arguments = vec!["migrate", "--from", &saved, "--to", &to];
        names.iter().for_each(|name| arguments.extend(["--accept", name]));
        let (status, out, errors) = run(&arguments, None);
        assert_eq!(status, 0, "{out}{errors}");
        assert!(out.contains("recovery_key.txt") && out.contains("Nothing was sent"), "{out}");

        let before = account["account_data"].clone();
        carry_out(&mut account, Path::new(&to));
        for (name, content) in before.as_object().unwrap() {
            if let Some(entries) = content["encrypted"].as_object() {
                let now = account["account_data"][name]["encrypted"].as_object().unwrap();
                assert!(entries.keys().all(|id| now.contains_key(id)), "{name}");
            }
        }
        let key = fs::read_to_string(format!("{to}/recovery_key.txt")).unwrap();
        assert!(!out.contains(&key) && !errors.contains(&key));
        let new = secrets(&folder, &account, Some(&format!("{to}/recovery_key.txt")));
        for (name, secret) in old["secrets"].as_object().unwrap() {
            let now = &new["secrets"][name];
            assert_eq!(now["value"], secret["value"], "{name}");
            assert_eq!(now["authenticated"], true);
            assert_eq!(now["opened_with"], new["default_key"]);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&format!("{to}/recovery_key.txt")), 0o600);
            assert_eq!(mode(&to), 0o700);
        }
        // What is there stays.
        let (status, _, errors) = run(&arguments, None);
        assert_eq!(status, 1);
        assert!(errors.contains("exists already"), "{errors}");
    }
}

#[test]
fn what_nobody_vouches_for_moves_only_if_it_is_accepted_by_its_name() {
    let folder = Folder::new("migrate-accept");
    let account = old_accounts().remove(0);
    let saved = folder.write("account.json", account.to_string().as_bytes());
    let to = folder.path().to_owned() + "/plan";
    let arguments = ["migrate", "--from", &saved, "--to", &to];
    let (status, out, errors) = run(&arguments, None);
    assert_eq!((status, out.as_str()), (1, ""), "{errors}");
    assert!(errors.contains("--accept m.cross_signing.master"), "{errors}");
    assert_eq!(folder.names(), ["account.json"]);

    let one = [&arguments[..], &["--accept", "m.cross_signing.master"]].concat();
    let (status, out, errors) = run(&one, None);
    assert_eq!(status, 3, "{out}{errors}");
    assert!(out.contains("Note: ") && out.contains("say --accept"), "{out}");
    let plan: Value = serde_json::from_slice(&fs::read(to + "/plan.json").unwrap()).unwrap();
    let types = plan["steps"].as_array().unwrap().iter().map(|it| it["event_type"].clone());
    assert!(!types.clone().any(|it| it == "m.cross_signing.user_signing"), "{plan:#}");
    assert!(types.clone().any(|it| it == "m.cross_signing.master"), "{plan:#}");
}

#[test]
fn an_account_of_today_has_nothing_to_move() {
    let folder = Folder::new("migrate-today");
    let to = folder.path().to_owned() + "/plan";
    let (status, out, errors) = run(&["migrate", "--from", &vector("random"), "--to", &to], None);
    assert_eq!((status, out.as_str()), (0, "Nothing has to be changed.\n"), "{errors}");
    assert!(folder.names().is_empty());
}

/// Accounts as a client of that time wrote them.
fn old_accounts() -> Vec<Value> {
    let path = "/../tests/vectors/legacy-ssss/bootstrap.json";
    let bytes = fs::read(env!("CARGO_MANIFEST_DIR").to_owned() + path).unwrap();
    let file: Value = serde_json::from_slice(&bytes).unwrap();
    let rows = file["vectors"].as_array().unwrap().iter().map(|row| {
        json!({
            "user_id": row["user_id"],
            "recovery_key": row["recovery_key"],
            "account_data": row["account_data"],
        })
    });
    rows.collect()
}

/// Puts the contents in their order.
fn carry_out(account: &mut Value, folder: &Path) {
    let plan: Value = serde_json::from_slice(&fs::read(folder.join("plan.json")).unwrap()).unwrap();
    let list = fs::read_to_string(folder.join("plan.txt")).unwrap();
    assert_eq!(plan["user_id"], account["user_id"]);
    for step in plan["steps"].as_array().unwrap() {
        let (kind, file) = (step["event_type"].as_str().unwrap(), step["file"].as_str().unwrap());
        let there = account["account_data"].as_object_mut().unwrap();
        assert_eq!(there.get(kind).unwrap_or(&Value::Null), &step["before"], "{kind}");
        let content = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
        there.insert(kind.to_owned(), content);
        assert!(list.contains(step["reason"].as_str().unwrap()), "{list}");
        let path = format!("/account_data/{kind}  with what is in {file}");
        assert!(list.contains(&path), "{list}");
    }
}

fn secrets(folder: &Folder, account: &Value, key: Option<&str>) -> Value {
    let saved = folder.write("now.json", account.to_string().as_bytes());
    let mut arguments = vec!["secrets", "--from", &saved, "--json", "--show"];
    arguments.extend(key.iter().flat_map(|key| ["--recovery-key-file", key]));
    let (_, out, errors) = run(&arguments, None);
    fs::remove_file(&saved).unwrap();
    let report: BTreeMap<String, Value> = serde_json::from_str(&out).unwrap_or_else(|_| {
        panic!("{out}{errors}");
    });
    json!(report)
}

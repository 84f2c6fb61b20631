//! `strongroom secrets`.

use serde_json::{Value, json};

use crate::kit::{Folder, fixture, run, vector};

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
    assert!(out.contains("what was entered is not this key"), "{out}");
    assert!(out.contains("m.megolm_backup.v1: not opened, since its key was not entered"), "{out}");
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

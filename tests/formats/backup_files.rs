//! The examples `make_backup` and `restore_stream`: what one makes the other restores, with the verdicts that
//! were expected by construction.
#![allow(
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test has files and stops at the first surprise"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::backup;
use crate::restore;

#[test]
fn every_malformation_gets_the_verdict_it_was_made_for() {
    let folder = folder("malformations");
    backup::make(&folder, 600, Some(0.5)).unwrap();
    let expected = read(&folder.join("expected.json"));
    let out = folder.join("out.json");
    for threads in [1, 3] {
        let outcome = restore::restore(&folder, Some(&out), threads).unwrap();
        assert!(!outcome.report.is_everything());
        let line: Value = serde_json::from_str(&outcome.line()).unwrap();
        for name in ["total", "restored", "failed", "causes"] {
            assert_eq!(line[name], expected[name], "{name}");
        }
        assert_eq!(line["complete"], true);
        assert!(line["seconds"].as_f64().unwrap() > 0.0);
        let failed = outcome.report.failures().iter().map(|failed| {
            let cause = failed.error.cause().as_str();
            json!({"room_id": failed.room_id, "session_id": failed.session_id, "verdict": cause})
        });
        let all = expected["sessions"].as_array().unwrap().iter();
        let expected_to_fail = all.filter(|session| session["verdict"] != "restored");
        assert!(failed.eq(expected_to_fail.cloned()));
        assert_eq!(read(&out), read(&folder.join("sessions.json")));
    }
}

#[test]
fn a_backup_without_faults_is_restored_whole() {
    let folder = folder("whole");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("expected.json"), "of another backup").unwrap();
    for count in [0, 1, 300] {
        backup::make(&folder, count, None).unwrap();
        assert!(!folder.join("expected.json").exists());
        let out = folder.join("out.json");
        let outcome = restore::restore(&folder, Some(&out), 1).unwrap();
        assert!(outcome.report.is_everything());
        assert_eq!(outcome.report.restored(), count as u64);
        assert_eq!(read(&out), read(&folder.join("sessions.json")));
        assert_eq!(read(&out).as_array().unwrap().len(), count);
    }
}

#[test]
fn a_response_that_is_cut_keeps_what_came_before() {
    let folder = folder("cut");
    backup::make(&folder, 300, None).unwrap();
    let response = fs::read(folder.join("room_keys.json")).unwrap();
    fs::write(folder.join("room_keys.json"), &response[..response.len() - 100]).unwrap();
    let out = folder.join("out.json");
    let outcome = restore::restore(&folder, Some(&out), 2).unwrap();
    assert!(!outcome.report.is_everything());
    let line: Value = serde_json::from_str(&outcome.line()).unwrap();
    assert_eq!((&line["complete"], &line["restored"]), (&json!(false), &json!(299)));
    let truth = read(&folder.join("sessions.json"));
    assert_eq!(read(&out).as_array().unwrap()[..], truth.as_array().unwrap()[..299]);
}

#[test]
fn the_key_of_another_backup_is_named() {
    let [folder, other] = ["key", "other_key"].map(folder);
    backup::make(&folder, 1, None).unwrap();
    backup::make(&other, 1, None).unwrap();
    fs::copy(other.join("recovery_key.txt"), folder.join("recovery_key.txt")).unwrap();
    let error = restore::restore(&folder, None, 1).unwrap_err().to_string();
    for folder in [folder, other] {
        let info = read(&folder.join("backup_info.json"));
        let public_key = info["auth_data"]["public_key"].as_str().unwrap();
        assert!(error.contains(public_key), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = folder("permissions");
    backup::make(&folder, 1, Some(0.0)).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("backup_files").join(name)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

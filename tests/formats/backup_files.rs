//! What the example `make_backup` makes is restored with the verdicts that were expected by construction.
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

use strongroom::{
    Limits,
    backup::{
        BackupDecryptionKey, FailedSession, FailureCause, RestoreOptions, RestoreReport,
        RestoredSession, restore_slice,
    },
    recovery_key::RecoveryKey,
};

use crate::backup;

#[test]
fn every_malformation_gets_the_verdict_it_was_made_for() {
    let folder = folder("malformations");
    backup::make(&folder, 600, Some(0.5)).unwrap();
    let expected = read(&folder.join("expected.json"));
    for parallel in [false, true] {
        let (report, restored) = restore(&folder, parallel);
        assert!(!report.is_everything() && report.is_complete());
        assert_eq!(
            (&json!(report.total()), &json!(report.restored())),
            (&expected["total"], &expected["restored"])
        );
        assert_eq!(json!(report.failed()), expected["failed"]);
        for (cause, count) in expected["causes"].as_object().unwrap() {
            let of_name = |(it, _): &(FailureCause, u64)| it.as_str() == cause;
            let counted = report.causes().find(of_name).map_or(0, |(_, counted)| counted);
            assert_eq!(&json!(counted), count, "{cause}");
        }
        let failed = report.failures().iter().map(|failed| {
            let cause = failed.error.cause().as_str();
            json!({"room_id": failed.room_id, "session_id": failed.session_id, "verdict": cause})
        });
        let all = expected["sessions"].as_array().unwrap().iter();
        let expected_to_fail = all.filter(|session| session["verdict"] != "restored");
        assert!(failed.eq(expected_to_fail.cloned()));
        assert_eq!(restored, read(&folder.join("sessions.json")));
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
        let (report, restored) = restore(&folder, false);
        assert!(report.is_everything());
        assert_eq!(report.restored(), count as u64);
        assert_eq!(restored, read(&folder.join("sessions.json")));
        assert_eq!(restored.as_array().unwrap().len(), count);
    }
}

#[test]
fn a_response_that_is_cut_keeps_what_came_before() {
    let folder = folder("cut");
    backup::make(&folder, 300, None).unwrap();
    let response = fs::read(folder.join("room_keys.json")).unwrap();
    fs::write(folder.join("room_keys.json"), &response[..response.len() - 100]).unwrap();
    let (report, restored) = restore(&folder, true);
    assert_eq!((report.is_complete(), report.restored()), (false, 299));
    let truth = read(&folder.join("sessions.json"));
    assert_eq!(restored.as_array().unwrap()[..], truth.as_array().unwrap()[..299]);
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

/// With the key that lies beside the response: the report, and the sessions as clients import them.
fn restore(folder: &Path, parallel: bool) -> (RestoreReport, Value) {
    let typed = fs::read_to_string(folder.join("recovery_key.txt")).unwrap();
    let key = BackupDecryptionKey::from_recovery_key(RecoveryKey::parse(&typed).unwrap());
    let response = fs::read(folder.join("room_keys.json")).unwrap();
    let mut options = RestoreOptions::default();
    options.parallel = parallel;
    let mut restored = Vec::new();
    let keep = |verdicts: Vec<Result<RestoredSession, FailedSession>>, _| {
        for session in verdicts.into_iter().flatten() {
            let json = session.exported().to_json().unwrap();
            restored.push(serde_json::from_slice(json.expose_bytes()).unwrap());
        }
        Ok::<_, std::convert::Infallible>(())
    };
    let Ok(report) = restore_slice(&key, &response, options, &Limits::default(), keep);
    (report, Value::Array(restored))
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("backup_files").join(name)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

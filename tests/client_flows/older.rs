//! What is in older versions of the backup, after the current one came back.

use std::collections::BTreeSet;

use serde_json::json;
use strongroom::{
    Limits,
    api::BaseUrl,
    backup::{BackupVersionInfo, RestoreOptions},
    client::flow::{Recover, Recovered},
};

use crate::{
    host::{Host, new_key, recovery_key},
    recover::{account, nobody, recover_with, tablet},
};

/// The older versions that a client would offer, by name.
fn offered(host: &mut Host, recovered: &Recovered) -> Vec<BackupVersionInfo> {
    let (mut walk, mut offered) = (recovered.older_versions(100), Vec::new());
    let url = BaseUrl::new("https://example.org").unwrap();
    while let Some(request) = walk.request() {
        let response = host.send(&request.to_http(&url, &host.token).unwrap()).unwrap();
        let answer = request.read_response(&response, &Limits::default()).ok().flatten();
        offered.extend(walk.answer(answer));
    }
    offered
}

/// Set up again and again with the same key, as clients do that find their old key: everything is in the first version.
#[test]
fn after_a_recovery_older_versions_are_offered_and_come_back_with_the_keys_at_hand() {
    let key = new_key();
    let (mut host, sessions) = account(&key);
    let info = host.ask("GET", "/room_keys/version", &json!({})).1;
    let again = json!({ "algorithm": info["algorithm"], "auth_data": info["auth_data"] });
    for version in ["2", "3"] {
        assert_eq!(host.ask("POST", "/room_keys/version", &again).1["version"], version);
    }
    assert_eq!(host.ask("DELETE", "/room_keys/version/2", &json!({})).0, 200);
    let flow = Recover::new(tablet(None), nobody(), Limits::default());
    let typed = recovery_key(&key).to_text();
    let device = recover_with(&mut host, flow, &[typed.expose_str()]);
    assert!(device.imported.is_empty(), "the current version is empty");

    let older = offered(&mut host, &device.recovered);
    let [version] = older.as_slice() else { panic!("{older:?}") };
    assert_eq!(version.version().as_str(), "1");
    let keys = device.recovered.backup_keys(&host.storage(), &Limits::default());
    let (own, _) = keys.of_version(version).unwrap();
    assert!(own.provenance().is_authentic());
    let body = host.ask("GET", "/room_keys/keys?version=1", &json!({})).1.to_string();
    let mut restore = keys.restore(Some(version), RestoreOptions::default()).unwrap();
    let mut pieces = body.as_bytes();
    assert!(restore.next_batch(&mut pieces).is_none());
    let (verdicts, report) = restore.finish();
    assert!(report.is_everything(), "{report}");
    let opened = verdicts.iter().flatten().map(|session| session.exported().session_id());
    assert_eq!(opened.collect::<BTreeSet<_>>(), sessions);
}

#[test]
fn an_account_with_one_version_has_none_to_offer() {
    let key = new_key();
    let (mut host, _) = account(&key);
    let flow = Recover::new(tablet(None), nobody(), Limits::default());
    let typed = recovery_key(&key).to_text();
    let device = recover_with(&mut host, flow, &[typed.expose_str()]);
    let before = host.requests.len();
    assert!(offered(&mut host, &device.recovered).is_empty());
    assert_eq!(host.requests.len(), before, "and nothing is asked for");
}

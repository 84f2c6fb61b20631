//! Which backup they are put into, and which never.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use serde_json::{Value, json};
use strongroom::{backup::BackupDecryptionKey, homeserver::HomeserverOptions};

use super::*;
use crate::{
    account::COUNT,
    kit::{fixture, run, session_keys_of},
    server::Twist,
};

#[test]
fn the_passphrase_of_the_key_storage_will_do() {
    let account = empty("passphrase", "passphrase", HomeserverOptions::default());
    let file = plain(&account, &exported("random"));
    let passphrase = fixture("passphrase")["passphrase"].as_str().unwrap().to_owned();
    let passphrase = account.folder.write("passphrase.txt", passphrase.as_bytes());
    let login = account.log_in();
    for flag in ["--passphrase-file", "--recovery-key-file"] {
        let arguments = ["upload", "--login", &login, "--in", &file, flag, &passphrase];
        let (status, out, errors) = run(&arguments, None);
        assert_eq!(status, 0, "{out}{errors}");
    }
    assert_eq!(rescued(&account), session_keys_of(&exported("random")));
}

#[test]
fn a_key_that_does_not_fit_seals_nothing() {
    let account = target("wrong-key");
    let file = plain(&account, &exported("random"));
    let login = account.log_in();
    let other = fixture("passphrase")["recovery_key"].as_str().unwrap().to_owned();
    let other = account.folder.write("other.txt", other.as_bytes());
    account.server.seen();
    let command = ["upload", "--login", &login, "--in", &file];
    let (status, _, errors) = run(&[&command[..], &["--recovery-key-file", &other]].concat(), None);
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("only with a key of yours that fits it"), "{errors}");
    let (status, _, errors) = run(&command, None);
    assert_eq!(status, 2, "{errors}");
    assert!(errors.contains("--recovery-key-file"), "{errors}");
    assert_eq!(puts(&account), 0);
    assert_eq!(stored_sessions(&account).len(), 0);
}

/// The homeserver has made a backup of its own, and says in what was saved which key fits it.
#[test]
fn a_backup_that_the_homeserver_has_planted_gets_nothing() {
    let account = target("planted");
    let planted = BackupDecryptionKey::generate().unwrap();
    new_version(&account, &json!({ "public_key": planted.public_key().to_base64() }));
    let recovery_key = planted.to_recovery_key().to_text();
    let mut saved = fixture("passphrase");
    saved["recovery_key"] = recovery_key.expose_str().into();
    let saved = account.folder.write("saved.json", saved.to_string().as_bytes());
    let (login, ours) = (account.log_in(), account.file("key.txt"));
    account.server.seen();
    let command = ["upload", "--login", &login, "--from", &saved];
    let (status, _, errors) = run(&command, None);
    assert_eq!(status, 2, "{errors}");
    let (status, _, errors) = run(&[&command[..], &["--recovery-key-file", &ours]].concat(), None);
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("only with a key of yours"), "{errors}");
    // The key storage opens, and holds the key of the backup that was there before.
    assert!(errors.contains("holds the key of another backup, not of the current one"), "{errors}");
    assert_eq!(puts(&account), 0);
}

#[test]
fn without_a_backup_it_is_said_what_to_do_and_none_is_made() {
    let account = target("none");
    account.server.send(Method::DELETE, "room_keys/version/1", &account.token, &Value::Null);
    let (status, report) = upload(&account, &["--in", &plain(&account, &exported("random"))]);
    assert_eq!(status, 1);
    let message = report["error"]["message"].as_str().unwrap();
    assert!(message.contains(&account.user) && message.contains("turn it on"), "{message}");
    assert!(message.contains("has no backup"), "{message}");
    assert!(account.server.seen().iter().all(|it| it.starts_with("GET")));
}

#[test]
fn when_the_backup_is_replaced_meanwhile_it_ends_there() {
    for at_the_end in [false, true] {
        let account = target(&format!("replaced-{at_the_end}"));
        let (server, token) = (account.server.clone(), account.token.clone());
        let file = plain(&account, &exported("random"));
        let looks = AtomicUsize::new(0);
        account.server.twist(move |request| {
            let is_look = request.uri().path().ends_with("/room_keys/version")
                && looks.fetch_add(1, Ordering::Relaxed) == 1;
            if (!at_the_end && is_put(request)) || (at_the_end && is_look) {
                let version = json!({
                    "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
                    "auth_data": fixture("passphrase")["room_keys_version"]["auth_data"],
                });
                server.send(Method::POST, "room_keys/version", &token, &version);
            }
            Twist::Nothing
        });
        let (status, report) = upload(&account, &["--in", &file]);
        assert_eq!(status, 1);
        let message = report["error"]["message"].as_str().unwrap();
        assert!(message.contains("version 1 is not the current one any more"), "{message}");
        assert_eq!(stored_sessions(&account).len(), if at_the_end { COUNT } else { 0 });
        let new =
            account.server.send(Method::GET, "room_keys/version", &account.token, &Value::Null);
        assert_eq!((&new["version"], &new["count"]), (&json!("2"), &json!(0)));
    }
}

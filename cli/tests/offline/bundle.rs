//! `strongroom bundle`, and bundles among what was saved.

use std::fs;

use serde_json::{Value, json};

use crate::kit::{Folder, fixture, run, session_keys, session_keys_of, vector};

/// What an account is changed into.
type Change<'a> = &'a dyn Fn(&mut Value);

/// The bundle of an account, exported.
fn exported(folder: &Folder, name: &str) -> String {
    let out = format!("{}/{name}.bundle.json", folder.path());
    let (status, text, errors) =
        run(&["bundle", "export", "--from", &vector(name), "--out", &out], None);
    assert_eq!((status, errors.as_str()), (0, ""), "{text}");
    out
}

fn read(path: &str) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// What a client has stored, as the key storage has it.
fn secret(name: &str) -> Value {
    let (_, out, _) = run(&["secrets", "--from", &vector("random"), "--json", "--show"], None);
    serde_json::from_str::<Value>(&out).unwrap()["secrets"][name]["value"].take()
}

#[test]
fn a_bundle_holds_what_the_key_storage_has_and_is_for_its_owner_alone() {
    let folder = Folder::new("bundle-export");
    let out = exported(&folder, "random");
    let bundle = read(&out);
    let expected = json!({
        "cross_signing": {
            "master_key": secret("m.cross_signing.master"),
            "self_signing_key": secret("m.cross_signing.self_signing"),
            "user_signing_key": secret("m.cross_signing.user_signing"),
        },
        "backup": {
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "key": secret("m.megolm_backup.v1"),
            "backup_version": "1",
        },
    });
    assert_eq!(bundle, expected);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // What is there stays, and nothing is shown of what was written.
    let again = ["bundle", "export", "--from", &vector("random"), "--out", &out];
    let (status, _, errors) = run(&again, None);
    assert!(status == 1 && errors.contains("exists already"), "{errors}");
    let (status, text, errors) = run(&[&again[..], &["--force"]].concat(), None);
    assert_eq!(status, 0, "{errors}");
    assert!(text.contains("UP7HVY2BSG8iweIccreyI49tbO+FZBuEANa8EXqm9Co"), "{text}");
    let seeds = expected["cross_signing"].as_object().unwrap().values();
    for seed in seeds.chain([&expected["backup"]["key"]]) {
        assert!(!text.contains(seed.as_str().unwrap()), "{text}");
    }
    assert_eq!(folder.names(), ["random.bundle.json"]);
    let (status, text, errors) =
        run(&["bundle", "export", "--from", &vector("random"), "--out", "-"], None);
    assert_eq!((status, text.as_str()), (2, ""), "{errors}");
}

#[test]
fn what_does_not_fit_what_is_published_is_not_written() {
    let folder = Folder::new("bundle-refused");
    let (account, other) = (fixture("random"), fixture("passphrase"));
    let user = account["user_id"].as_str().unwrap();
    let theirs = |kind: &str| {
        let mut key = other["keys_query"][kind][other["user_id"].as_str().unwrap()].clone();
        key["user_id"] = json!(user);
        key
    };
    let cases: [(Change<'_>, &str); 6] = [
        (&|it| it["keys_query"]["master_keys"][user] = theirs("master_keys"), "master key"),
        (
            &|it| it["keys_query"]["self_signing_keys"][user] = theirs("self_signing_keys"),
            "self-signing key",
        ),
        (&|it| it["keys_query"]["user_signing_keys"] = json!({}), "user-signing key"),
        (&|it| drop(it.as_object_mut().unwrap().remove("keys_query")), "strongroom fetch"),
        (
            &|it| it["account_data"]["m.cross_signing.self_signing"] = json!({}),
            "self-signing key is missing",
        ),
        (&|it| it["recovery_key"] = other["recovery_key"].clone(), "opens nothing"),
    ];
    for (change, says) in cases {
        let mut account = account.clone();
        change(&mut account);
        let saved = folder.write("account.json", account.to_string().as_bytes());
        let out = format!("{}/out.json", folder.path());
        let (status, text, errors) =
            run(&["bundle", "export", "--from", &saved, "--out", &out], None);
        assert_eq!((status, text.as_str()), (1, ""), "{says}: {errors}");
        assert!(errors.contains(says), "{says}: {errors}");
        assert_eq!(folder.names(), ["account.json"]);
    }
}

#[test]
fn what_comes_out_of_a_file_is_written_only_as_far_as_it_is_proven() {
    let folder = Folder::new("bundle-unproven");
    let bundle = exported(&folder, "random");
    let out = format!("{}/out.json", folder.path());
    let export = |account: &Value| {
        let _ = fs::remove_file(&out);
        let saved = folder.write("account.json", account.to_string().as_bytes());
        run(&["bundle", "export", "--from", &saved, "--from", &bundle, "--out", &out], None)
    };
    // Whoever wrote the file has chosen the identity.
    let mut account = fixture("random");
    account["account_data"]["m.cross_signing.master"] = json!({});
    let (status, _, errors) = export(&account);
    assert!(status == 1 && errors.contains("comes out of a file"), "{errors}");
    assert!(!fs::exists(&out).unwrap());

    // The digital identity has signed the backup, and the other key.
    let mut account = fixture("random");
    for name in ["m.megolm_backup.v1", "m.cross_signing.user_signing"] {
        account["account_data"].as_object_mut().unwrap().remove(name);
    }
    let (status, _, errors) = export(&account);
    assert_eq!(status, 0, "{errors}");
    assert_eq!(read(&out), read(&bundle));

    // Nobody has signed it.
    account["room_keys_version"]["auth_data"]["signatures"] = json!({});
    let (status, _, errors) = export(&account);
    assert!(status == 3 && errors.contains("left out"), "{errors}");
    assert_eq!(read(&out), json!({ "cross_signing": read(&bundle)["cross_signing"] }));
}

#[test]
fn the_key_of_another_backup_is_left_out_and_that_is_said() {
    let folder = Folder::new("bundle-other-backup");
    let out = format!("{}/out.json", folder.path());
    let cases: [(Change<'_>, i32, &str); 3] = [
        (
            &|it| it["room_keys_version"] = fixture("passphrase")["room_keys_version"].clone(),
            3,
            "left out",
        ),
        (&|it| without_backup_key(it), 3, "not in your key storage"),
        (
            &|it| {
                without_backup_key(it);
                it["room_keys_version"] = json!({ "errcode": "M_NOT_FOUND" });
            },
            0,
            "",
        ),
    ];
    for (change, status, says) in cases {
        let mut account = fixture("random");
        change(&mut account);
        let saved = folder.write("account.json", account.to_string().as_bytes());
        let arguments = ["bundle", "export", "--from", &saved, "--out", &out, "--force"];
        let (found, _, errors) = run(&arguments, None);
        assert_eq!(found, status, "{errors}");
        assert!(errors.contains(says), "{says}: {errors}");
        assert_eq!(read(&out).get("backup"), None);
    }
}

fn without_backup_key(account: &mut Value) {
    account["account_data"].as_object_mut().unwrap().remove("m.megolm_backup.v1");
}

#[test]
fn a_bundle_is_compared_with_an_account_and_shows_no_secret() {
    let folder = Folder::new("bundle-check");
    let bundle = exported(&folder, "random");
    let (own, other) = (vector("random"), vector("passphrase"));
    let account = fixture("random");
    let data = folder.write("data.json", account["account_data"].to_string().as_bytes());
    let mut renamed = read(&bundle);
    renamed["backup"]["backup_version"] = json!("2");
    let renamed = folder.write("renamed.json", renamed.to_string().as_bytes());
    let broken = folder.write("broken.json", br#"{"cross_signing":{"master_key":"x"}}"#);
    let check = ["bundle", "check", "--in"];
    let cases: [(&[&str], i32, &str); 9] = [
        (&[&bundle], 0, "version 1: RfXAOIhoElMQsHPVYRxow+b1XnTFXiLnS91lUiNrnAs\n"),
        (&[&bundle, "--from", &own], 0, "that of this version"),
        (&[&bundle, "--from", &other], 3, "not that of the account"),
        (&[&renamed, "--from", &own], 3, "but that of version 1"),
        (&[&bundle, "--from", &data], 4, "UP7HVY2BSG8iweIccreyI49tbO+FZBuEANa8EXqm9Co"),
        (&[&own], 1, "no secrets bundle"),
        (&[&broken], 1, "master_key"),
        (&["-", "--from", "-"], 2, "standard input"),
        (&["/no/such/file"], 1, "no such file"),
    ];
    let seeds = read(&bundle);
    for (arguments, expected, says) in cases {
        let (status, text, errors) = run(&[&check[..], arguments].concat(), Some(b""));
        assert_eq!(status, expected, "{arguments:?}: {text}{errors}");
        assert!((text.clone() + &errors).contains(says), "{arguments:?}: {text}{errors}");
        for seed in seeds["cross_signing"].as_object().unwrap().values() {
            assert!(!text.contains(seed.as_str().unwrap()), "{text}");
        }
    }
    let (status, _, errors) = run(&["bundle", "check"], None);
    assert!(status == 2 && errors.contains("--in"), "{errors}");
    // As a device hands it over.
    let mut message = seeds.clone();
    message["type"] = json!("m.login.secrets");
    let (status, _, errors) =
        run(&[&check[..], &["-"]].concat(), Some(message.to_string().as_bytes()));
    assert_eq!(status, 0, "{errors}");
}

#[test]
fn a_rescue_needs_no_recovery_key_beside_a_bundle() {
    let folder = Folder::new("bundle-rescue");
    let (bundle, others) = (exported(&folder, "random"), exported(&folder, "passphrase"));
    let mut account = fixture("random");
    for name in ["recovery_key", "passphrase", "exported_room_keys"] {
        account.as_object_mut().unwrap().remove(name);
    }
    let saved = folder.write("account.json", account.to_string().as_bytes());
    let out = format!("{}/keys.json", folder.path());
    let rescue = ["rescue", "--format", "json", "--out", &out, "--json", "--from", &saved];
    let (status, text, errors) = run(&[&rescue[..], &["--from", &bundle]].concat(), None);
    assert_eq!(status, 0, "{text}{errors}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["versions"][0]["opened_by"], "secrets_bundle");
    let whole = fixture("random");
    assert_eq!(
        session_keys(&out),
        session_keys_of(whole["exported_room_keys"].as_array().unwrap())
    );

    fs::remove_file(&out).unwrap();
    let rescue = ["rescue", "--format", "json", "--out", &out, "--from", &saved, "--from", &others];
    let (status, _, errors) = run(&rescue, None);
    assert_eq!(status, 1, "{errors}");
    assert!(errors.contains("the key in the secrets bundle is that of another backup"), "{errors}");
    assert!(!fs::exists(&out).unwrap());
}

//! What is said of keys that open nothing, of descriptions that are damaged, and of what was left behind or emptied
//! (rows 50, 51, 62 and 64 of the malformations).

use serde_json::{Value, json};
use strongroom::client::diagnose::{
    Comparison, Diagnosis, DiagnosisVerdict, Finding, MissingEvidence, Remedy, RepairParts,
    RepairPlan, Severity,
};

use crate::{
    account::{Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key},
    world::{
        BACKUP, MASTER, OLD_BACKUP_KEY, SELF_SIGNING, USER, USER_SIGNING, World, backup_key,
        room_keys,
    },
};

const NAMES: [&str; 4] = [BACKUP, MASTER, SELF_SIGNING, USER_SIGNING];

#[test]
fn row_64_nothing_is_unlocked_by_a_key_that_opens_nothing() {
    let junk = [
        json!({ "iv": "x" }),
        json!({ "iv": "", "ciphertext": "", "mac": "" }),
        json!([]),
        json!("x"),
        sealed_to_another_key(),
    ];
    for entry in junk {
        let mut world = World::well();
        world.storage = Some(world.storage.take().unwrap().with_key(OTHER_ID, OTHER_KEY));
        for name in NAMES {
            world.storage().secret_mut(name)["encrypted"][OTHER_ID] = entry.clone();
        }
        world.typed = Some(recovery_key(OTHER_KEY));
        let found = world.diagnose();
        let typed: Vec<_> =
            codes(&found).into_iter().filter(|it| it.starts_with("input.")).collect();
        assert_eq!(typed, ["input.older_storage_key"], "{entry}");
        assert!(found.missing().contains(&MissingEvidence::StorageKey), "{entry}");
        assert!(found.remedies().contains(&Remedy::EnterRecoveryKey), "{entry}");
        // The right key is not the worse for it.
        world.typed = Some(recovery_key(KEY));
        assert_eq!(world.diagnose().verdict(), DiagnosisVerdict::Well, "{entry}");
    }
}

#[test]
fn row_64_the_only_key_opens_nothing_and_each_secret_says_so() {
    let mut world = World::well();
    for name in NAMES {
        world.storage().secret_mut(name)["encrypted"][ID] = sealed_to_another_key();
    }
    let found = world.diagnose();
    let count = |code| codes(&found).iter().filter(|it| **it == code).count();
    assert_eq!((count("input.opens_nothing"), count("input.storage_key_fits")), (1, 0));
    assert_eq!(count("secret.does_not_open"), 4);
    assert!(found.missing().contains(&MissingEvidence::StorageKey));
    // What is at hand can be stored again with the key that is described.
    let mut parts = RepairParts::default();
    parts.secrets = vec![backup_key(crate::world::BACKUP_KEY).to_secret()];
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let plan = found.repair(&Remedy::StoreSecret(BACKUP.into()), &parts, rng);
    assert!(matches!(plan, Ok(RepairPlan::AccountData(_))), "{plan:?}");
}

#[test]
fn row_64_a_storage_with_nothing_in_it_is_said_to_hold_nothing() {
    let mut world = World::well();
    for name in NAMES {
        world.storage().put_json(name, json!({ "encrypted": {} }));
    }
    world.storage = Some(world.storage.take().unwrap().with_key(OTHER_ID, OTHER_KEY));
    let found = world.diagnose();
    assert!(codes(&found).contains(&"input.nothing_stored"), "{found:?}");
    assert!(!codes(&found).contains(&"input.storage_key_fits"), "{found:?}");
    world.typed = Some(recovery_key(OTHER_KEY));
    assert!(codes(&world.diagnose()).contains(&"input.older_storage_key"));
}

#[test]
fn row_62_a_key_that_opens_everything_fits_whatever_the_check_says() {
    for (member, value) in [
        ("mac", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ("iv", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let mut world = World::well();
        world.storage().key_mut(ID)[member] = value;
        let found = world.diagnose();
        assert_eq!(
            codes(&found),
            ["storage.key_check_wrong", "input.storage_key_fits", "sessions.would_restore"]
        );
        assert_eq!(found.remedies(), [Remedy::RotateStorageKey(ID.into())]);
        world.typed = Some(recovery_key(OTHER_KEY));
        assert!(codes(&world.diagnose()).contains(&"input.fits_nothing"));
        assert!(!codes(&world.diagnose()).contains(&"storage.key_check_wrong"));
    }
}

#[test]
fn row_51_an_algorithm_that_is_a_damaged_name_is_told_by_what_the_key_opens() {
    for (algorithm, code) in [
        ("", "storage.description_unusable"),
        ("m.secret_storage.v1.aes-hmac-sha2 ", "storage.algorithm_damaged"),
    ] {
        let mut world = World::well();
        world.storage().key_mut(ID)["algorithm"] = json!(algorithm);
        let found = world.diagnose();
        assert_eq!(codes(&found), [code, "input.storage_key_fits", "sessions.would_restore"]);
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        let plan = found.repair(&Remedy::DescribeKey(ID.into()), &RepairParts::default(), rng);
        assert!(matches!(plan, Ok(RepairPlan::AccountData(_))), "{plan:?}");
    }
}

#[test]
fn what_was_compared_is_said_of_all_that_was_at_hand() {
    let found = World::well().diagnose();
    assert!(found.compared().contains(&Comparison::SessionsWithKey));
    assert!(!found.missing().contains(&MissingEvidence::Sessions));
    let mut unpublished = World::well();
    for member in ["master_keys", "self_signing_keys", "user_signing_keys"] {
        unpublished.keys().as_object_mut().unwrap().remove(member);
    }
    let found = unpublished.diagnose();
    assert!(codes(&found).contains(&"identity.not_published"));
    assert!(found.compared().contains(&Comparison::StoredWithPublished));
    assert!(!found.missing().contains(&MissingEvidence::PublishedKeys));
}

/// The backup key lies in the storage, under a key that is not at hand: another key says nothing of the backup.
#[test]
fn another_key_of_ones_own_makes_no_danger_of_a_backup() {
    let mut part = World::well();
    part.storage = Some(part.storage.take().unwrap().with_key(OTHER_ID, OTHER_KEY));
    part.storage =
        Some(part.storage.take().unwrap().with_secret("org.custom", OTHER_ID, OTHER_KEY, "x"));
    part.typed = Some(recovery_key(OTHER_KEY));
    let mut older = World::well();
    older.older.push(crate::world::version("1", OLD_BACKUP_KEY));
    let old_key = backup_key(OLD_BACKUP_KEY).to_recovery_key().to_text();
    older.typed = Some(old_key.expose_str().to_owned());
    for mut world in [part, older] {
        for is_signed in [true, false] {
            world.room_keys = Some(room_keys(&[crate::world::BACKUP_KEY]));
            if !is_signed {
                world.backup()["auth_data"].as_object_mut().unwrap().remove("signatures");
            }
            let found = world.diagnose();
            let has_danger = found.findings().iter().any(|it| it.severity() == Severity::Danger);
            assert!(!has_danger, "{found:?}");
            let remedies = found.remedies();
            assert!(remedies.contains(&Remedy::EnterStorageKey), "{remedies:?}");
            assert!(!remedies.contains(&Remedy::ReplaceBackup), "{remedies:?}");
        }
    }
}

#[test]
fn row_50_what_is_there_and_empty_is_missing_with_and_without_a_key() {
    let nothing = [json!(null), json!(""), json!([]), json!({}), json!(false), json!(0)];
    let mut contents: Vec<Value> = nothing.iter().map(|it| json!({ "encrypted": it })).collect();
    contents.extend(nothing.iter().map(|it| json!({ "encrypted": { ID: it } })));
    contents.extend(
        nothing
            .iter()
            .map(|it| json!({ "encrypted": { ID: { "iv": it, "ciphertext": it, "mac": it } } })),
    );
    for content in contents {
        for (name, typed) in
            [(BACKUP, true), (BACKUP, false), (USER_SIGNING, true), (USER_SIGNING, false)]
        {
            let mut world = World::well();
            world.storage().put_json(name, content.clone());
            if !typed {
                world.typed = None;
            }
            let found = world.diagnose();
            let about: Vec<_> =
                codes(&found).into_iter().filter(|it| it.starts_with("secret.")).collect();
            assert_eq!(about, ["secret.missing"], "{name} {content}");
        }
    }
}

#[test]
fn row_50_what_is_published_and_empty_is_not_published() {
    for nothing in [json!(null), json!(""), json!([]), json!({}), json!({ "keys": {} })] {
        let mut world = World::well();
        world.keys()["user_signing_keys"][USER] = nothing.clone();
        world.keys()["device_keys"][USER]["EMPTY"] = nothing.clone();
        let found = world.diagnose();
        let about: Vec<_> =
            codes(&found).into_iter().filter(|it| it.starts_with("identity.")).collect();
        assert_eq!(about, ["identity.not_published"], "{nothing}");
        world = World::well();
        world.keys()["device_keys"][USER] = nothing.clone();
        assert_eq!(world.diagnose().verdict(), DiagnosisVerdict::Well, "{nothing}");
    }
}

#[test]
fn row_50_a_backup_with_empty_members_lacks_them() {
    let unusable = |change: fn(&mut World)| {
        let mut world = World::well();
        change(&mut world);
        let found = world.diagnose();
        let mut findings = found.findings().iter();
        let finding = findings.find(|it| it.code() == "backup.unusable").map(ToString::to_string);
        finding.unwrap()
    };
    let no_key = unusable(|world| world.change_auth_data(|it| it["public_key"] = json!("")));
    assert!(no_key.contains("no public key"), "{no_key}");
    let no_algorithm = unusable(|world| world.backup()["algorithm"] = json!(""));
    assert!(no_algorithm.contains("no algorithm"), "{no_algorithm}");
    for nothing in [json!({}), json!([]), json!(""), json!({ "public_key": "" })] {
        let mut world = World::well();
        world.backup()["auth_data"] = nothing;
        let found = world.diagnose();
        let sentences: Vec<_> = found.findings().iter().map(ToString::to_string).collect();
        assert!(sentences.iter().any(|it| it.contains("no public data")), "{sentences:?}");
    }
}

/// A newer client may have stored it; storing it again would take it from that client.
#[test]
fn what_is_encrypted_in_a_way_of_the_future_is_not_called_damaged() {
    let mut world = World::well();
    world.storage().key_mut(ID)["algorithm"] = json!("m.secret_storage.v2");
    for name in NAMES {
        world.storage().put_json(name, json!({ "encrypted": { ID: { "v": 2 } } }));
    }
    for typed in [None, Some(recovery_key(KEY))] {
        world.typed = typed;
        let found = world.diagnose();
        assert!(!codes(&found).iter().any(|it| it.starts_with("secret.")), "{found:?}");
        assert!(codes(&found).contains(&"storage.key_unsupported"));
    }
}

#[test]
fn what_no_key_can_open_is_named_with_and_without_a_key() {
    for entry in [json!({ "iv": 1 }), json!("x"), json!(["x"]), json!({ "v": 2 })] {
        for id in [ID, "gone"] {
            for typed in [Some(recovery_key(KEY)), None] {
                let mut world = World::well();
                world.storage().put_json(USER_SIGNING, json!({ "encrypted": { id: entry } }));
                world.typed = typed;
                let found = world.diagnose();
                let about: Vec<_> = codes(&found)
                    .into_iter()
                    .filter(|it| it.starts_with("secret.") || it.starts_with("storage."))
                    .collect();
                assert_eq!(about, ["secret.entries_unreadable"], "{entry}");
            }
        }
    }
}

#[test]
fn row_50_an_empty_passphrase_is_none() {
    for nothing in
        [json!(""), json!([]), json!({}), json!(false), json!({ "algorithm": null, "salt": "" })]
    {
        let mut world = World::well();
        world.storage().key_mut(ID)["passphrase"] = nothing.clone();
        assert_eq!(world.diagnose().verdict(), DiagnosisVerdict::Well, "{nothing}");
    }
    for nothing in [json!(""), json!([]), json!(null)] {
        let mut world = World::well();
        world.storage().put_json("m.secret_storage.default_key", json!({ "key": nothing }));
        assert!(codes(&world.diagnose()).contains(&"storage.no_default_key"), "{nothing}");
    }
}

#[test]
fn an_entry_that_was_left_behind_is_not_missed() {
    for entry in [sealed_to_another_key(), json!({ "iv": 1 })] {
        let mut world = World::well();
        for name in NAMES {
            world.storage().secret_mut(name)["encrypted"]["removed"] = entry.clone();
        }
        assert_eq!(world.diagnose().verdict(), DiagnosisVerdict::Well, "{entry}");
    }
    // Where the other entry is damaged, it may be the last one that opens.
    let mut world = World::well();
    let entry = sealed_to_another_key();
    world.storage().put_json(USER_SIGNING, json!({ "encrypted": { ID: entry, "removed": entry } }));
    assert!(codes(&world.diagnose()).contains(&"storage.description_gone"));
}

#[test]
fn row_51_with_the_description_gone_the_recovery_key_is_the_first_that_helps() {
    let mut gone = World::well();
    gone.storage().remove(&format!("m.secret_storage.key.{ID}"));
    (gone.typed, gone.backup, gone.room_keys, gone.keys) = (None, None, None, None);
    gone.storage().put_json("m.key_backup", json!({ "enabled": false }));
    let describe = Remedy::DescribeKey(ID.into());
    let found = gone.diagnose();
    assert_eq!(found.remedies()[0], describe, "{found:?}");
    assert!(!found.remedies().iter().any(|it| matches!(it, Remedy::StoreSecret(_))));
    // One that is damaged is said to be that, and no more.
    gone.typed = Some(recovery_key(KEY));
    gone.storage().secret_mut(MASTER)["encrypted"][ID] = sealed_to_another_key();
    let found = gone.diagnose();
    assert!(codes(&found).contains(&"secret.does_not_open"), "{found:?}");
    assert!(!codes(&found).contains(&"secret.under_unknown_key"), "{found:?}");
}

/// Seeds in a form that nobody reads are seeds all the same.
#[test]
fn no_identity_is_set_up_where_something_stands_in_the_place_of_its_keys() {
    let forms: [fn(Value) -> Value; 4] = [
        |encrypted| encrypted,
        |encrypted| json!(encrypted.to_string()),
        |encrypted| json!({ "encrypted": encrypted.to_string() }),
        |_| json!({ "encrypted": { ID: { "v": 2 } } }),
    ];
    for form in forms {
        let mut world = World::well();
        for name in [MASTER, SELF_SIGNING, USER_SIGNING] {
            let content: Value = serde_json::from_str(&world.storage().content(name)).unwrap();
            let changed = form(content["encrypted"].clone());
            let changed =
                if changed.is_object() { changed } else { json!({ "encrypted": changed }) };
            world.storage().put_json(name, changed);
        }
        for member in ["master_keys", "self_signing_keys", "user_signing_keys"] {
            world.keys().as_object_mut().unwrap().remove(member);
        }
        let found = world.diagnose();
        assert!(!codes(&found).iter().any(|it| it.starts_with("identity.")), "{found:?}");
        let unreadable = codes(&found).iter().filter(|it| it.ends_with("unreadable")).count();
        assert_eq!(unreadable, 3, "{found:?}");
    }
}

#[test]
fn a_key_that_is_default_by_its_name_is_not_said_to_be_none() {
    let mut world = World::well();
    world.storage().remove("m.secret_storage.default_key");
    world.storage().key_mut(ID)["name"] = json!("m.default");
    let found = world.diagnose();
    assert_eq!(
        codes(&found),
        ["storage.default_by_name_alone", "input.storage_key_fits", "sessions.would_restore"]
    );
    assert_eq!(found.remedies(), [Remedy::SetDefaultKey]);
}

/// An entry that is well-formed, and encrypted with a key that nobody has.
fn sealed_to_another_key() -> Value {
    let key = b"thirty-two bytes that are third.";
    let account = Account::default().with_secret("org.example.a", ID, key, "text");
    let content: Value = serde_json::from_str(&account.content("org.example.a")).unwrap();
    content["encrypted"][ID].clone()
}

fn codes(found: &Diagnosis) -> Vec<&'static str> {
    found.findings().iter().map(Finding::code).collect()
}

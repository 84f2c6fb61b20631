//! What a repair does not take from anybody without their word.

use serde_json::json;
use strongroom::{
    client::diagnose::{
        CurrentBackup, Diagnosis, Finding, Remedy, RepairError, RepairParts, RepairPlan, diagnose,
    },
    ids::BackupVersion,
    secret_storage::NewKey,
    secret_value::SecretValue,
};

use crate::{
    account::{ASYMMETRIC_ID, Account, ID, KEY},
    repairs::secret,
    world::{BACKUP, BACKUP_KEY, OLD_BACKUP_KEY, World, version},
};

const DRAFT: &str = "m.megolm_backup.v1.recovery_key";

fn parts(secrets: Vec<SecretValue>, dispensable: &[&str]) -> RepairParts {
    let mut parts = RepairParts::default();
    parts.secrets = secrets;
    parts.dispensable = dispensable.iter().map(|version| BackupVersion::from(*version)).collect();
    parts
}

fn repair(
    found: &Diagnosis,
    remedy: &Remedy,
    parts: &RepairParts,
) -> Result<RepairPlan, RepairError> {
    found.repair(remedy, parts, &mut rand_core::UnwrapErr(getrandom::SysRng))
}

fn codes(found: &Diagnosis) -> Vec<&str> {
    found.findings().iter().map(Finding::code).collect()
}

#[test]
fn a_stored_key_that_opens_an_older_backup_is_not_overwritten() {
    let mut world = World::well();
    world.storage().put_bytes(BACKUP, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    world.older = vec![version("1", OLD_BACKUP_KEY)];
    let found = world.diagnose();
    assert!(codes(&found).contains(&"backup.key_differs"));
    let remedy = Remedy::StoreSecret(BACKUP.into());
    let host_has = || vec![secret(BACKUP, BACKUP_KEY)];
    let refused = repair(&found, &remedy, &parts(host_has(), &[])).unwrap_err();
    assert_eq!(refused, RepairError::StillNeeded);
    repair(&found, &remedy, &parts(host_has(), &["1"])).unwrap();
    // A new storage would have it under a new key alone.
    world.older.clear();
    repair(&world.diagnose(), &remedy, &parts(host_has(), &[])).unwrap();
}

#[test]
fn only_versions_that_are_dispensable_are_deleted() {
    let mut world = World::well();
    world.older = vec![version("3", OLD_BACKUP_KEY), version("1", OLD_BACKUP_KEY)];
    let found = world.diagnose();
    let remedy = Remedy::DeleteVersions(vec!["3".into(), "1".into()]);
    let refused = repair(&found, &remedy, &parts(vec![], &["2", "7"])).unwrap_err();
    assert_eq!(refused, RepairError::StillNeeded);
    let deleted = |dispensable: &[&str]| match repair(&found, &remedy, &parts(vec![], dispensable))
    {
        Ok(RepairPlan::DeleteVersions(calls)) => calls.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!((deleted(&["1"]), deleted(&["1", "2", "3"])), (1, 2));
}

/// The homeserver puts an old backup back, whose key the host still has.
#[test]
fn the_key_of_a_backup_that_was_given_up_does_not_replace_the_stored_one() {
    let mut world = World::well();
    world.backup = Some(version("2", OLD_BACKUP_KEY));
    world.older = vec![version("1", BACKUP_KEY)];
    world.retired = vec![OLD_BACKUP_KEY];
    let found = world.diagnose();
    assert!(codes(&found).starts_with(&["backup.retired", "backup.key_differs"]), "{found:?}");
    let mut parts = parts(vec![secret(BACKUP, OLD_BACKUP_KEY)], &["1"]);
    parts.new_key = Some(NewKey::generate(None).unwrap());
    let refused = repair(&found, &Remedy::StoreSecret(BACKUP.into()), &parts).unwrap_err();
    assert_eq!(refused, RepairError::NotTrusted);
    let mut evidence = world.evidence();
    evidence.backup_key = Some(crate::world::backup_key(OLD_BACKUP_KEY));
    let found = diagnose(&evidence, world.typed.as_deref(), &Default::default());
    for remedy in [Remedy::StoreSecret(BACKUP.into()), Remedy::DeleteVersions(vec!["1".into()])] {
        assert!(found.remedies().contains(&remedy), "{found:?}");
        let refused = repair(&found, &remedy, &parts).unwrap_err();
        assert_eq!(refused, RepairError::NotTrusted, "{remedy:?}");
    }
    world.storage = Some(Account::default());
    let refused = repair(&world.diagnose(), &Remedy::SetUpStorage, &parts).unwrap_err();
    assert_eq!(refused, RepairError::NotTrusted);
}

#[test]
fn a_key_under_an_old_name_stays_until_it_is_known_that_it_opens_nothing() {
    let mut world = World::well();
    world.storage().put_bytes(DRAFT, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    let refusal = |world: &World, is_known: bool, dispensable: &[&str]| {
        let mut evidence = world.evidence();
        if !is_known {
            evidence.backup = CurrentBackup::Unknown;
        }
        let found = diagnose(&evidence, world.typed.as_deref(), &Default::default());
        repair(&found, &Remedy::DeleteDraftBackupKey, &parts(vec![], dispensable)).err()
    };
    assert_eq!(refusal(&world, true, &[]), None);
    assert_eq!(refusal(&world, false, &[]), Some(RepairError::StillNeeded));
    world.older = vec![version("1", 33)];
    assert_eq!(refusal(&world, true, &[]), None);
    world.older = vec![version("1", OLD_BACKUP_KEY)];
    assert_eq!(refusal(&world, true, &["2"]), Some(RepairError::StillNeeded));
    assert_eq!(refusal(&world, true, &["1"]), None);
    // The current one is not given up by a list of older ones.
    world.backup = Some(version("2", OLD_BACKUP_KEY));
    world.older.clear();
    assert_eq!(refusal(&world, true, &["2"]), Some(RepairError::StillNeeded));
}

/// A reset left the name of a default key, or secrets, and no key: only a new storage leads on.
#[test]
fn where_no_key_is_left_a_new_storage_can_be_set_up() {
    let default_key = |storage: &mut Account| {
        storage.put_json("m.secret_storage.default_key", json!({ "key": "gone" }));
    };
    let mut only_a_name = Account::default();
    default_key(&mut only_a_name);
    let mut only_secrets = Account::default().with_secret(BACKUP, ID, KEY, &text_of(BACKUP_KEY));
    let unreadable = json!({ "key": 1 });
    let mut both = only_secrets.clone();
    default_key(&mut both);
    only_secrets.put_json("m.secret_storage.default_key", unreadable);
    for storage in [only_a_name, only_secrets, both] {
        let mut world = World::well();
        (world.storage, world.typed) = (Some(storage), None);
        let found = world.diagnose();
        assert!(codes(&found).contains(&"storage.absent"), "{found:?}");
        let mut parts = parts(vec![secret(BACKUP, BACKUP_KEY)], &[]);
        parts.new_key = Some(NewKey::generate(None).unwrap());
        let plan = match repair(&found, &Remedy::SetUpStorage, &parts) {
            Ok(RepairPlan::AccountData(plan)) => plan,
            other => panic!("{other:?}"),
        };
        for step in plan.steps() {
            world.storage().put_text(step.event_type.as_str(), step.content.as_str());
        }
        let mut evidence = world.evidence();
        evidence.storage_keys = vec![parts.new_key.unwrap().key().clone()];
        let again = diagnose(&evidence, None, &Default::default());
        let left = codes(&again);
        let is_about_it =
            |code: &&str| code.starts_with("storage.") || code.contains("unknown_key");
        assert_eq!(left.iter().copied().find(|code| is_about_it(code)), None, "{again:?}");
    }
}

#[test]
fn where_a_key_cannot_be_read_the_storage_is_not_said_to_be_absent() {
    let mut storage = Account::default();
    storage.put_json(&format!("m.secret_storage.key.{ID}"), json!({ "algorithm": 1 }));
    let mut world = World::well();
    (world.storage, world.typed) = (Some(storage), None);
    let found = world.diagnose();
    assert!(codes(&found).contains(&"storage.key_unreadable"), "{found:?}");
    assert!(!codes(&found).contains(&"storage.absent"), "{found:?}");
}

/// An account with keys of both kinds, which are the same bytes.
fn of_both_kinds() -> World {
    let mut world = World::well();
    let storage = std::mem::take(world.storage());
    world.storage = Some(storage.with_asymmetric_key(ASYMMETRIC_ID, KEY));
    world
}

#[test]
fn what_anybody_could_have_stored_does_not_get_under_the_default_key() {
    for stored in [OLD_BACKUP_KEY, BACKUP_KEY] {
        let mut world = of_both_kinds();
        let stored = text_of(stored);
        let storage = std::mem::take(world.storage());
        let storage = storage.with_asymmetric_secret(BACKUP, ASYMMETRIC_ID, KEY, &stored);
        world.storage = Some(storage);
        // That two versions have one key keeps nobody from storing it.
        world.older = vec![version("1", BACKUP_KEY)];
        let found = world.diagnose();
        let remedy = Remedy::EncryptToDefaultKey(BACKUP.into());
        assert!(found.remedies().contains(&remedy), "{found:?}");
        let refused = repair(&found, &remedy, &parts(vec![], &[])).unwrap_err();
        assert_eq!(refused, RepairError::NoValue(BACKUP.into()));
        let repaired = repair(&found, &remedy, &parts(vec![secret(BACKUP, BACKUP_KEY)], &[]));
        let Ok(RepairPlan::AccountData(plan)) = repaired else { panic!("{repaired:?}") };
        for step in plan.steps() {
            world.storage().put_text(step.event_type.as_str(), step.content.as_str());
        }
        assert!(!codes(&world.diagnose()).contains(&"backup.key_differs"));
    }
}

#[test]
fn a_key_that_anybody_could_have_stored_under_an_old_name_is_not_taken_for_the_backup() {
    let mut world = of_both_kinds();
    world.storage().put_bytes(BACKUP, ID, KEY, b"broken");
    let planted = text_of(OLD_BACKUP_KEY);
    let storage = std::mem::take(world.storage());
    world.storage = Some(storage.with_asymmetric_secret(DRAFT, ASYMMETRIC_ID, KEY, &planted));
    world.backup = Some(version("2", OLD_BACKUP_KEY));
    world.backup()["auth_data"].as_object_mut().unwrap().remove("signatures");
    let found = world.diagnose();
    let remedy = Remedy::StoreSecret(BACKUP.into());
    assert!(found.remedies().contains(&remedy), "{found:?}");
    let refused = repair(&found, &remedy, &parts(vec![], &[])).unwrap_err();
    assert_eq!(refused, RepairError::NoValue(BACKUP.into()));
}

fn text_of(byte: u8) -> String {
    strongroom::encoding::base64::encode(&[byte; 32])
}

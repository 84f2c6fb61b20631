//! What a repair does not take from anybody without their word.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    client::diagnose::{
        Diagnosis, Finding, Remedy, RepairError, RepairParts, RepairPlan, diagnose,
    },
    secret_storage::{ChangeError, NewKey, PlanStep},
    secret_value::{PublicKeys, SecretValue},
};

use crate::{
    account::{ASYMMETRIC_ID, Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key},
    repairs::{mend, secret},
    world::{
        BACKUP, BACKUP_KEY, MASTER, MASTER_SEED, OLD_BACKUP_KEY, SELF_SIGNING, USER_SIGNING,
        USER_SIGNING_SEED, World, backup_key, room_keys, version,
    },
};

const DRAFT: &str = "m.megolm_backup.v1.recovery_key";

fn parts(secrets: Vec<SecretValue>) -> RepairParts {
    let mut parts = RepairParts::default();
    parts.secrets = secrets;
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

fn remedy_of(found: &Diagnosis, code: &str) -> Option<Remedy> {
    found.findings().iter().find(|finding| finding.code() == code)?.remedy()
}

/// The steps of a repair, of which nothing is lost after any.
fn steps(repaired: Result<RepairPlan, RepairError>) -> Vec<PlanStep> {
    match repaired {
        Ok(RepairPlan::AccountData(plan)) => plan.steps().to_vec(),
        other => panic!("{other:?}"),
    }
}

/// The public keys of what is stored, whatever it is called, that a recovery key opens.
fn stored_keys(world: &World) -> Vec<String> {
    let (storage, limits) = (world.evidence().storage.unwrap(), Limits::default());
    let typed = recovery_key(KEY);
    let mut keys = storage.unlock(&typed, &PublicKeys::default(), &limits).unwrap().keys;
    let opened = storage.open_all(&mut keys, &PublicKeys::default());
    let opened = opened.into_iter().filter_map(|it| it.outcome.ok()?.backup_key());
    opened.map(|key| key.public_key().to_base64()).collect()
}

fn public_key(byte: u8) -> String {
    backup_key(byte).public_key().to_base64()
}

#[test]
fn a_stored_key_is_stored_elsewhere_before_it_is_overwritten() {
    let mut world = World::well();
    world.storage().put_bytes(BACKUP, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    world.older = vec![version("1", OLD_BACKUP_KEY)];
    let found = world.diagnose();
    let remedy = Remedy::StoreSecret(BACKUP.into());
    let restore_first = [Remedy::RestoreVersion("1".into()), remedy.clone()];
    assert!(found.remedies().starts_with(&restore_first), "{found:?}");
    assert_eq!(remedy_of(&found, "backup.key_differs"), Some(restore_first[0].clone()));
    let host_has = || parts(vec![secret(BACKUP, BACKUP_KEY)]);
    let steps_of_it = steps(repair(&found, &remedy, &host_has()));
    assert_eq!(steps_of_it.len(), 2, "{steps_of_it:?}");
    assert_eq!(steps_of_it[1].event_type.as_str(), BACKUP);
    for step in &steps_of_it {
        world.storage().put_text(step.event_type.as_str(), step.content.as_str());
        assert!(stored_keys(&world).contains(&public_key(OLD_BACKUP_KEY)), "{step:?}");
    }
    assert!(stored_keys(&world).contains(&public_key(BACKUP_KEY)));
    // What was kept opens the older version, and is trusted with nothing.
    world.backup = Some(version("2", OLD_BACKUP_KEY));
    world.backup()["auth_data"].as_object_mut().unwrap().remove("signatures");
    let found = world.diagnose();
    assert!(codes(&found).contains(&"backup.not_trusted"), "{found:?}");
    let refused = repair(&found, &Remedy::StoreSecret(BACKUP.into()), &parts(vec![])).unwrap_err();
    assert_eq!(refused, RepairError::NoValue(BACKUP.into()));
}

/// Nobody knows what is in there; whoever has the key of it does.
#[test]
fn what_is_encrypted_to_a_key_that_is_not_at_hand_stays_beside_the_new_one() {
    let mut world = World::well();
    world.storage().put_bytes(BACKUP, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    world.storage().add_entry(BACKUP, OTHER_ID, OTHER_KEY, "hidden");
    let before: Value = serde_json::from_str(&world.storage().content(BACKUP)).unwrap();
    let remedy = Remedy::StoreSecret(BACKUP.into());
    let repaired = repair(&world.diagnose(), &remedy, &parts(vec![secret(BACKUP, BACKUP_KEY)]));
    let last = steps(repaired).pop().unwrap();
    let after: Value = serde_json::from_str(last.content.as_str()).unwrap();
    let hidden = &before["encrypted"][OTHER_ID];
    assert!(hidden.is_object() && &after["encrypted"][OTHER_ID] == hidden, "{after}");
    assert_ne!(after["encrypted"][ID], before["encrypted"][ID]);
}

/// Before anything was entered, nobody needs a new backup.
#[test]
fn a_key_is_entered_before_a_backup_is_replaced() {
    let mut world = World::well();
    world.pinned = Some(MASTER_SEED);
    world.backup()["auth_data"].as_object_mut().unwrap().remove("signatures");
    let typed = world.typed.take();
    let remedy = |world: &World| remedy_of(&world.diagnose(), "backup.not_trusted");
    assert_eq!(remedy(&world), Some(Remedy::EnterStorageKey));
    world.storage().remove(BACKUP);
    assert_eq!(remedy(&world), Some(Remedy::ReplaceBackup), "no key of the storage leads to it");
    world = World { typed, ..world };
    assert_eq!(remedy(&world), Some(Remedy::ReplaceBackup));
}

#[test]
fn no_version_is_deleted_by_a_plan() {
    let mut world = World::well();
    world.older = vec![version("3", OLD_BACKUP_KEY), version("1", OLD_BACKUP_KEY)];
    let found = world.diagnose();
    let remedy = Remedy::DeleteVersions(vec!["3".into(), "1".into()]);
    assert!(found.remedies().contains(&remedy), "{found:?}");
    let refused = repair(&found, &remedy, &parts(vec![])).unwrap_err();
    assert_eq!(refused, RepairError::NotAPlan);
    let sentence = remedy.to_string();
    assert!(sentence.contains("safe to delete them only when every message key"), "{sentence}");
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
    let mut parts = parts(vec![secret(BACKUP, OLD_BACKUP_KEY)]);
    parts.new_key = Some(NewKey::generate(None).unwrap());
    let refused = repair(&found, &Remedy::StoreSecret(BACKUP.into()), &parts).unwrap_err();
    assert_eq!(refused, RepairError::NotTrusted);
    let mut evidence = world.evidence();
    evidence.backup_key = Some(backup_key(OLD_BACKUP_KEY));
    let found = diagnose(&evidence, world.typed.as_deref(), &Default::default());
    let remedy = Remedy::StoreSecret(BACKUP.into());
    assert!(found.remedies().contains(&remedy), "{found:?}");
    assert_eq!(repair(&found, &remedy, &parts).unwrap_err(), RepairError::NotTrusted);
    world.storage = Some(Account::default());
    let refused = repair(&world.diagnose(), &Remedy::SetUpStorage, &parts).unwrap_err();
    assert_eq!(refused, RepairError::NotTrusted);
}

#[test]
fn a_key_under_an_old_name_stays_until_it_is_known_that_it_opens_nothing() {
    let mut world = World::well();
    world.storage().put_bytes(DRAFT, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    let refusal = |world: &World, is_known: bool| {
        let world = World { is_backup_unknown: !is_known, ..world.clone() };
        let evidence = world.evidence();
        let found = diagnose(&evidence, world.typed.as_deref(), &Default::default());
        repair(&found, &Remedy::DeleteDraftBackupKey, &parts(vec![])).err()
    };
    assert_eq!(refusal(&world, true), None);
    assert_eq!(refusal(&world, false), Some(RepairError::StillNeeded));
    let sample = world.room_keys.replace(room_keys(&[BACKUP_KEY, OLD_BACKUP_KEY]));
    assert_eq!(refusal(&world, true), Some(RepairError::StillNeeded), "of the current one");
    world.room_keys = sample;
    world.older = vec![version("1", 33)];
    assert_eq!(refusal(&world, true), None);
    world.older = vec![version("1", OLD_BACKUP_KEY)];
    assert_eq!(refusal(&world, true), Some(RepairError::StillNeeded));
    // Nobody knows what it opens.
    world.storage().put_bytes(DRAFT, "gone", OTHER_KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    assert_eq!(refusal(&world, true), Some(RepairError::StillNeeded));
    world.older.clear();
    let mut without = world.clone();
    without.storage().remove(BACKUP);
    assert_eq!(refusal(&without, true), Some(RepairError::StillNeeded));
    world.storage().put_bytes(DRAFT, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    // Whether it is the current one's, nobody knows.
    let mut unusable = world.clone();
    unusable.backup()["auth_data"]["public_key"] = json!("short");
    assert_eq!(refusal(&unusable, true), Some(RepairError::StillNeeded));
    world.backup = Some(version("2", OLD_BACKUP_KEY));
    assert_eq!(refusal(&world, true), Some(RepairError::StillNeeded));
}

#[test]
fn a_key_under_an_old_name_is_stored_elsewhere_before_it_is_deleted_if_it_is_the_only_copy() {
    let mut world = World::well();
    world.storage().put_bytes(DRAFT, ID, KEY, text_of(OLD_BACKUP_KEY).as_bytes());
    let repaired = repair(&world.diagnose(), &Remedy::DeleteDraftBackupKey, &parts(vec![]));
    for step in steps(repaired) {
        world.storage().put_text(step.event_type.as_str(), step.content.as_str());
        assert!(stored_keys(&world).contains(&public_key(OLD_BACKUP_KEY)), "{step:?}");
    }
    assert_eq!(world.storage().content(DRAFT), "{}");
}

#[test]
fn a_key_under_an_old_name_counts_only_if_it_opens() {
    let mut world = World::well();
    world.storage().remove(BACKUP);
    world.storage().put_bytes(DRAFT, ID, KEY, text_of(BACKUP_KEY).as_bytes());
    let store = Remedy::StoreSecret(BACKUP.into());
    assert!(!world.diagnose().remedies().contains(&store));
    // Of the other key only the name is known.
    let storage = std::mem::take(world.storage()).with_key(OTHER_ID, OTHER_KEY);
    let storage = storage.with_secret(DRAFT, OTHER_ID, OTHER_KEY, &text_of(BACKUP_KEY));
    world.storage = Some(storage);
    let remedies = world.diagnose().remedies();
    assert!(remedies.contains(&store) && remedies.contains(&Remedy::Migrate), "{remedies:?}");
    world.typed = None;
    assert!(!world.diagnose().remedies().contains(&store), "nobody has looked");
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
    let mut broken = World::well().storage.unwrap();
    broken.put_json(&format!("m.secret_storage.key.{ID}"), json!({ "algorithm": 1 }));
    for storage in [only_a_name, only_secrets, both, broken] {
        let mut world = World::well();
        (world.storage, world.typed) = (Some(storage), None);
        let found = world.diagnose();
        let is_empty = !codes(&found).contains(&"storage.no_key_left");
        assert_eq!(codes(&found).contains(&"storage.absent"), is_empty, "{found:?}");
        let mut parts = parts(vec![secret(BACKUP, BACKUP_KEY)]);
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
        for done in [Remedy::SetUpStorage, Remedy::StoreSecret(BACKUP.into())] {
            assert!(!again.remedies().contains(&done), "{again:?}");
        }
        assert!(!again.remedies().contains(&Remedy::SetDefaultKey), "{again:?}");
    }
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
        let without_parts = repair(&found, &remedy, &parts(vec![]));
        if stored == text_of(BACKUP_KEY) {
            assert!(without_parts.is_ok(), "the signed public key vouches for it");
        } else {
            assert_eq!(without_parts.unwrap_err(), RepairError::NoValue(BACKUP.into()));
        }
        let repaired = repair(&found, &remedy, &parts(vec![secret(BACKUP, BACKUP_KEY)]));
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
    let refused = repair(&found, &remedy, &parts(vec![])).unwrap_err();
    assert_eq!(refused, RepairError::NoValue(BACKUP.into()));
}

fn text_of(byte: u8) -> String {
    strongroom::encoding::base64::encode(&[byte; 32])
}

/// The default key has few rounds, and a secret under it does not open: the key cannot go with the first rotation, and
/// no rotation is made for it again.
#[test]
fn a_key_that_is_not_default_any_more_is_not_rotated_again() {
    let mut world = World::well();
    world.storage().key_mut(ID)["passphrase"] =
        json!({ "algorithm": "m.pbkdf2", "iterations": 1, "salt": "s" });
    world.storage().put_bytes(USER_SIGNING, ID, OTHER_KEY, text_of(USER_SIGNING_SEED).as_bytes());
    let remedy = Remedy::RotateStorageKey(ID.into());
    let mut parts = parts(vec![]);
    parts.accepted = [BACKUP, MASTER, SELF_SIGNING].map(Into::into).to_vec();
    let new_key = NewKey::generate(None).unwrap();
    parts.new_key = Some(new_key.clone());
    let Ok(plan) = repair(&world.diagnose(), &remedy, &parts) else { panic!("it is rotated") };
    world = mend(world, plan);
    let look = |world: &World| {
        let mut evidence = world.evidence();
        evidence.storage_keys = vec![new_key.key().clone()];
        diagnose(&evidence, world.typed.as_deref(), &Default::default())
    };
    let found = look(&world);
    assert!(found.remedies().contains(&remedy), "{found:?}");
    parts.new_key = Some(NewKey::generate(None).unwrap());
    let refused = repair(&found, &remedy, &parts).unwrap_err();
    let lost = vec![USER_SIGNING.into()];
    assert_eq!(refused, RepairError::Change(ChangeError::WouldLose(lost)));
    // The host has the secret: then the old key can go, and no new one is needed. That the old key does not open it is not
    // found out: others can guess that key, and the new one is sure.
    parts.secrets = vec![secret(USER_SIGNING, USER_SIGNING_SEED)];
    let encrypt = Remedy::EncryptToDefaultKey(USER_SIGNING.into());
    let plan = repair(&found, &encrypt, &parts).unwrap();
    world = mend(world, plan);
    parts.new_key = None;
    let plan = repair(&look(&world), &remedy, &parts).unwrap();
    world = mend(world, plan);
    assert!(!look(&world).remedies().contains(&remedy), "{:?}", look(&world));
}

//! Every remedy that is a change mends what it is for, in every case, or says why not.

use serde_json::Value;
use strongroom::{
    Limits, api,
    client::diagnose::{
        Diagnosis, Finding, Remedy, RepairError, RepairParts, RepairPlan, diagnose,
    },
    ids::SecretName,
    secret_storage::NewKey,
    secret_value::SecretValue,
};

use crate::{
    table::ALL,
    world::{
        BACKUP, BACKUP_KEY, MASTER, MASTER_SEED, SELF_SIGNING, SELF_SIGNING_SEED, USER,
        USER_SIGNING, USER_SIGNING_SEED, World, master_id, signature,
    },
};

#[test]
fn what_is_repaired_is_not_found_again_and_nothing_worse_is() {
    let (mut performed, mut refused) = (Vec::new(), Vec::new());
    for (table, cases) in ALL {
        for (number, case) in cases.iter().enumerate() {
            let mut world = World::well();
            (case.break_it)(&mut world);
            let found = case.diagnose();
            for remedy in found.remedies().iter().filter(|remedy| remedy.is_repairable()) {
                let name = format!("{table} {number} {remedy:?}");
                match repair(&found, remedy) {
                    Ok((repair, new_key)) => {
                        performed.push(remedy.code());
                        let mended = mend(world.clone(), repair);
                        check(&name, &found, remedy, &mended, &new_key);
                    }
                    Err(error) => refused.push(format!("{name}: {error}")),
                }
            }
        }
    }
    performed.sort_unstable();
    performed.dedup();
    let all = [
        "delete_draft_backup_key",
        "describe_key",
        "encrypt_to_default_key",
        "migrate",
        "remove_key",
        "rotate_storage_key",
        "set_default_key",
        "set_up_storage",
        "sign_backup",
        "store_secret",
    ];
    assert_eq!(performed, all);
    assert_eq!(refused, REFUSED);
}

#[test]
fn a_remedy_that_was_not_found_to_be_needed_is_not_performed() {
    let diagnosis = World::well().diagnose();
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let refused = diagnosis.repair(&Remedy::Migrate, &RepairParts::default(), rng);
    assert_eq!(refused.unwrap_err(), RepairError::NotNeeded);
}

#[test]
fn remedies_that_are_no_plans_and_those_that_lack_something_say_so() {
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    for (_, cases) in ALL {
        for case in cases {
            let diagnosis = case.diagnose();
            for remedy in diagnosis.remedies() {
                let repaired = diagnosis.repair(&remedy, &RepairParts::default(), rng);
                if !remedy.is_repairable() {
                    assert_eq!(repaired.unwrap_err(), RepairError::NotAPlan, "{remedy:?}");
                } else if matches!(remedy, Remedy::RotateStorageKey(_) | Remedy::SetUpStorage) {
                    assert_eq!(repaired.unwrap_err(), RepairError::NoNewKey, "{remedy:?}");
                }
            }
        }
    }
}

#[test]
fn a_key_that_does_not_belong_to_the_backup_is_not_stored() {
    let mut world = World::well();
    world.storage().remove(BACKUP);
    let diagnosis = world.diagnose();
    let wrong = secret(BACKUP, 9);
    let mut parts = RepairParts::default();
    parts.secrets = vec![wrong];
    let remedy = Remedy::StoreSecret(BACKUP.into());
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let refused = diagnosis.repair(&remedy, &parts, rng).unwrap_err();
    assert_eq!(refused, RepairError::NoValue(BACKUP.into()));
}

#[test]
fn a_new_storage_does_not_begin_with_a_key_of_another_backup() {
    let mut world = World::well();
    (world.typed, world.storage) = (None, Some(Default::default()));
    let diagnosis = world.diagnose();
    let mut parts = RepairParts::default();
    parts.new_key = Some(NewKey::generate(None).unwrap());
    for (byte, is_taken) in [(BACKUP_KEY, true), (9, false)] {
        parts.secrets = vec![secret(BACKUP, byte)];
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        let repaired = diagnosis.repair(&Remedy::SetUpStorage, &parts, rng);
        match is_taken {
            true => drop(repaired.unwrap()),
            false => assert_eq!(repaired.unwrap_err(), RepairError::NoValue(BACKUP.into())),
        }
    }
}

#[test]
fn a_backup_that_nobody_vouches_for_is_not_signed() {
    let mut world = World::well();
    world.backup()["auth_data"].as_object_mut().unwrap().remove("signatures");
    (world.typed, world.storage) = (None, None);
    let diagnosis = world.diagnose();
    let remedy = Remedy::SignBackup("2".into());
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let refused = diagnosis.repair(&remedy, &RepairParts::default(), rng).unwrap_err();
    assert_eq!(refused, RepairError::NotTrusted);
}

pub(crate) fn repair(
    found: &Diagnosis,
    remedy: &Remedy,
) -> Result<(RepairPlan, NewKey), RepairError> {
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    let new_key = NewKey::generate_with_rng(None, rng);
    let mut parts = RepairParts::default();
    parts.new_key = Some(new_key.clone());
    parts.accepted = [BACKUP, MASTER, SELF_SIGNING, USER_SIGNING].map(Into::into).to_vec();
    parts.secrets = vec![
        secret(BACKUP, BACKUP_KEY),
        secret(MASTER, MASTER_SEED),
        secret(SELF_SIGNING, SELF_SIGNING_SEED),
        secret(USER_SIGNING, USER_SIGNING_SEED),
    ];
    found.repair(remedy, &parts, rng).map(|repair| (repair, new_key))
}

pub(crate) fn secret(name: &str, byte: u8) -> SecretValue {
    let text = strongroom::encoding::base64::encode(&[byte; 32]);
    SecretValue::kept_by_host(&SecretName::from(name), text.as_bytes()).unwrap().value
}

/// The account as the homeserver has it after the repair.
pub(crate) fn mend(mut world: World, repair: RepairPlan) -> World {
    match repair {
        RepairPlan::AccountData(plan) => {
            let storage = world.storage.get_or_insert_default();
            for step in plan.steps() {
                storage.put_text(step.event_type.as_str(), step.content.as_str());
            }
        }
        RepairPlan::Sign(version, unsigned) => {
            let signature = signature(MASTER_SEED, unsigned.to_sign().bytes());
            let key_id = master_id().as_str().into();
            let signed = unsigned.with_signature(&USER.into(), &key_id, &signature);
            let call = api::update_backup_version(&version, &signed.into_auth_data());
            let body: Value = serde_json::from_slice(call.body()).unwrap();
            world.backup()["auth_data"] = body["auth_data"].clone();
        }
        other => panic!("{other:?}"),
    }
    world
}

/// What the remedy was for is gone, and nothing is found that is worse than what was.
fn check(name: &str, found: &Diagnosis, remedy: &Remedy, mended: &World, new_key: &NewKey) {
    let mut evidence = mended.evidence();
    evidence.storage_keys.push(new_key.key().clone());
    let mut limits = Limits::default();
    limits.pbkdf2_rounds = 100_000;
    let is_new = evidence.storage.as_ref().is_some_and(|it| it.key(new_key.id()).is_some());
    let recovery_key = new_key.to_recovery_key().filter(|_| is_new);
    let recovery_key = recovery_key.map(|key| key.to_text().expose_str().to_owned());
    // Whoever gets a new key is shown it.
    let typed = recovery_key.or_else(|| mended.typed.clone());
    let again = diagnose(&evidence, typed.as_deref(), &limits);
    let was_for = |finding: &&Finding| finding.remedy().as_ref() == Some(remedy);
    let left: Vec<_> = found.findings().iter().filter(was_for).collect();
    let left: Vec<_> = left.into_iter().filter(|it| again.findings().contains(it)).collect();
    assert!(left.is_empty(), "{name}: {left:?} in {again:#?}");
    let worst = found.findings().first().map(Finding::severity);
    let worst_now = again.findings().first().map(Finding::severity);
    assert!(worst_now >= worst, "{name}: {found:#?} became {again:#?}");
}

/// What cannot be done in a case, for a reason.
const REFUSED: [&str; 10] = [
    "INPUT 7 SignBackup(BackupVersion(\"2\")): no trusted key has signed the backup, and no key at hand shows that it is yours",
    "INPUT 8 StoreSecret(SecretName(\"m.megolm_backup.v1\")): nothing shows that the key is the right one, so nothing \
     may be encrypted with it",
    "STORAGE 20 DescribeKey(SecretStorageKeyId(\"key\")): a key is needed that is not at hand",
    "STORAGE 23 EncryptToDefaultKey(SecretName(\"m.cross_signing.master\")): a key is needed that is not at hand",
    "STORAGE 23 EncryptToDefaultKey(SecretName(\"m.cross_signing.self_signing\")): a key is needed that is not at hand",
    "STORAGE 23 EncryptToDefaultKey(SecretName(\"m.cross_signing.user_signing\")): a key is needed that is not at hand",
    "STORAGE 23 EncryptToDefaultKey(SecretName(\"m.megolm_backup.v1\")): a key is needed that is not at hand",
    "SECRETS 11 DescribeKey(SecretStorageKeyId(\"gone\")): a key is needed that is not at hand",
    "BACKUPS 5 SignBackup(BackupVersion(\"2\")): no trusted key has signed the backup, and no key at hand shows that it is yours",
    "BACKUPS 20 DeleteDraftBackupKey: something may still be needed that would be deleted",
];

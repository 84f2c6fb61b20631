//! Plans of the secret storage, new keys, and diagnoses with what the user typed.

use serde_json::json;
use strongroom::{
    Limits,
    backup::BackupVersionInfo,
    client::diagnose::{Diagnose, Evidence, Remedy, RepairParts, RepairPlan, diagnose},
    encoding::json_object::JsonObject,
    ids::EventType,
    secret_storage::{NewKey, Plan, SecretStorage, VerifiedPublicKeys},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
};

use crate::{
    leaves_nothing,
    machines::{new_key, stored},
    saved_states::USER,
    secret_storage,
    vault::{FixedRng, TOKEN, Vault, decryption_key},
};

fn storage(events: &[(EventType, JsonObject)]) -> SecretStorage {
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    SecretStorage::from_account_data(events, &Limits::default())
}

fn events(plan: &Plan) -> Vec<(EventType, JsonObject)> {
    plan.steps().iter().map(|step| (step.event_type.clone(), step.content.clone())).collect()
}

#[test]
fn plans_leave_nothing_made_or_refused() {
    let vault = Vault::new();
    let (legacy, limits) = (secret_storage(&vault), Limits::default());
    let legacy = storage(&legacy);
    let name = MEGOLM_BACKUP_V1.into();
    leaves_nothing(&vault, || {
        let (key, secret) = (new_key(), stored(&vault));
        let nothing = SecretStorage::default();
        let plan = nothing.plan(&[], &limits, |change| {
            change.create(&key)?;
            change.store(&secret)
        });
        let plan = plan.unwrap();
        drop(format!("{plan:?}{plan}"));
        let kept = storage(&events(&plan));
        let keys = [key.key().clone()];
        let other = NewKey::generate_with_rng(None, &mut FixedRng([8; 32]));
        let nobody = VerifiedPublicKeys::none(USER.into());
        let mut pinned = nobody.clone();
        pinned.pin_backup(*decryption_key().public_key().as_curve25519());
        drop(kept.plan(&keys, &limits, |change| change.rotate(key.id(), &other)).unwrap());
        drop(kept.plan(&keys, &limits, |change| change.add_key(&other)).unwrap());
        drop(kept.plan(&keys, &limits, |change| change.migrate(&other, &nobody, &[])).unwrap());
        drop(kept.plan(&keys, &limits, |change| change.delete(&name)).unwrap());
        assert!(kept.plan(&[], &limits, |change| change.store(&secret)).is_err());
        drop(kept.plan(&keys, &limits, |change| change.create(&other)));
        for typed in [vault.recovery_key.as_str(), TOKEN] {
            let unlocked = legacy.unlock(typed, &PublicKeys::default(), &limits).unwrap();
            for verified in [&nobody, &pinned] {
                let plan = legacy
                    .plan(&unlocked.keys, &limits, |change| change.migrate(&other, verified, &[]));
                drop(format!("{:?}", plan.unwrap()));
            }
        }
    });
}

#[test]
fn keys_from_passphrases_leave_nothing() {
    let vault = Vault::new();
    leaves_nothing(&vault, || {
        let key = NewKey::from_passphrase_with_rng(TOKEN, Some("name"), &mut FixedRng([1; 32]));
        drop(format!("{key:?}"));
        drop(key.to_recovery_key());
        drop(key.clone());
        drop(new_key().to_recovery_key().unwrap().to_text());
    });
}

/// An account with the secrets of the vault in all forms, and two versions of the backup.
fn evidence(vault: &Vault) -> Evidence {
    let info = |public_key: String| {
        let info = json!({
            "version": "5", "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "count": 0, "etag": "0",
            "auth_data": {
                "public_key": public_key, "private_key_salt": "salt", "private_key_iterations": 1,
            },
        });
        BackupVersionInfo::from_json(info.to_string().as_bytes(), &Limits::default()).unwrap()
    };
    let mut evidence = Evidence::new(USER.into());
    evidence.storage = Some(storage(&secret_storage(vault)));
    let current = info(decryption_key().public_key().to_base64());
    evidence.take_current_backup(Some(current));
    evidence.older_versions = vec![info(strongroom::encoding::base64::encode(&[9; 32]))];
    evidence.storage_keys = vec![new_key().key().clone()];
    evidence.backup_key = Some(decryption_key());
    evidence
}

#[test]
fn diagnoses_leave_nothing_whatever_was_typed() {
    let vault = Vault::new();
    let typed = [vault.recovery_key.clone(), TOKEN.to_owned(), format!("{TOKEN}\u{e9}")];
    let typed: Vec<_> = typed.into_iter().chain(vault.malformed_recovery_keys()).collect();
    let empty = Evidence::new(USER.into());
    let (full, limits) = (evidence(&vault), Limits::default());
    let mut planned = 0;
    leaves_nothing(&vault, || {
        for evidence in [&full.clone(), &empty] {
            // The last ones have a typo, and are tried as passphrases.
            for typed in typed.iter().take(6).chain(typed.last()) {
                let mut given_up = Diagnose::new(evidence, Some(typed), &limits);
                given_up.advance(1);
                drop(format!("{given_up:?}"));
                drop(given_up);
                let diagnosis = diagnose(evidence, Some(typed), &limits);
                drop(format!("{diagnosis:?}"));
                let mut parts = RepairParts::default();
                parts.new_key = Some(new_key());
                parts.secrets = vec![stored(&vault)];
                parts.accepted = vec![MEGOLM_BACKUP_V1.into()];
                for remedy in diagnosis.remedies().into_iter().filter(Remedy::is_repairable) {
                    let plan = diagnosis.repair(&remedy, &parts, &mut FixedRng([1; 32]));
                    drop(format!("{plan:?}"));
                    planned += usize::from(matches!(plan, Ok(RepairPlan::AccountData(_))));
                }
                drop(diagnosis.clone());
            }
        }
    });
    assert!(planned > 5, "{planned}");
}

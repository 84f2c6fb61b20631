//! A diagnosis: what it is made from, what it finds, what repairs it.

use crate::asserted::StoreText as _;
use serde_json::json;
use strongroom::{
    Limits,
    api::QueriedKeys,
    backup::BackupVersionInfo,
    client::diagnose::{
        Diagnose, Diagnosis, Evidence, Finding, Remedy, RepairError, RepairParts, RepairPlan,
        ShareableFinding,
    },
    encoding::json_object::JsonObject,
    ids::EventType,
    secret_storage::{NewKey, SecretStorage},
    secret_value::{CROSS_SIGNING_MASTER, MEGOLM_BACKUP_V1, SecretValue},
};

use super::{Witness, run};
use crate::vault::{Vault, decryption_key};

#[test]
fn a_diagnosis_prints_neither_what_was_typed_nor_what_it_opened() {
    run(look);
}

pub(crate) fn look(witness: &mut Witness, vault: &Vault) {
    let limits = Limits::default();
    let new_key = NewKey::generate(None).unwrap();
    witness.add_bytes(new_key.key().expose_bytes());
    let mut evidence = evidence(vault, &new_key);
    let mut seen = Vec::new();
    for is_retired in [false, true] {
        if is_retired {
            evidence.retired.push(*decryption_key().public_key());
        }
        for typed in [vault.recovery_key.as_str(), "correct horse"] {
            witness.debug::<Evidence>(&evidence);
            let mut diagnose = Diagnose::new(&evidence, Some(typed), &limits);
            witness.debug::<Diagnose<'_>>(&diagnose);
            diagnose.advance(1);
            witness.debug::<Diagnose<'_>>(&diagnose);
            let diagnosis = diagnose.finish();
            witness.display::<Diagnosis>(&diagnosis);
            witness.text(&serde_json::to_string(&diagnosis).unwrap());
            diagnosis.findings().iter().for_each(|finding| look_at_finding(witness, finding));
            look_at_repairs(witness, vault, &diagnosis, &new_key);
            seen.extend(diagnosis.findings().iter().map(Finding::code));
            for shareable in diagnosis.shareable() {
                witness.display::<ShareableFinding>(&shareable);
            }
        }
    }
    for code in ["input.fits_nothing", "backup.retired", "secret.does_not_open"] {
        assert!(seen.contains(&code), "{seen:?}");
    }
}

/// An account whose secrets and keys are those of the vault.
fn evidence(vault: &Vault, new_key: &NewKey) -> Evidence {
    let limits = Limits::default();
    let storage = SecretStorage::default();
    let plan = storage.plan(&[], &limits, |change| {
        change.create(new_key)?;
        change.store_text(&MEGOLM_BACKUP_V1.into(), &vault.key_base64)
    });
    let plan = plan.unwrap();
    let damaged = JsonObject::from_json(plan.steps()[2].content.as_bytes()).unwrap();
    let master = EventType::from(CROSS_SIGNING_MASTER);
    let events = plan.steps().iter().map(|step| (&step.event_type, &step.content));
    let (bad, no_key) = ("m.secret_storage.key.bad".into(), JsonObject::from_json(br#"{"a":1}"#));
    let no_key = no_key.unwrap();
    let events = events.chain([(&master, &damaged), (&bad, &no_key)]);
    let mut evidence = Evidence::new("@a:b.org".into());
    evidence.storage = Some(SecretStorage::from_account_data(events, &limits));
    let info = json!({
        "version": "1",
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": decryption_key().public_key().to_base64() },
    });
    let info = BackupVersionInfo::from_json(info.to_string().as_bytes(), &limits).unwrap();
    evidence.take_current_backup(Some(info));
    let room_keys = json!({ "rooms": { "!a": { "sessions": { "s": {} } } } }).to_string();
    evidence.take_room_keys(room_keys.as_bytes(), 9, &limits);
    assert_eq!(evidence.session_count(), Some(1));
    let mut keys = QueriedKeys::default();
    keys.device_keys.insert("@a:b.org".into(), Default::default());
    evidence.keys = Some(keys);
    evidence.storage_keys = vec![new_key.key().clone()];
    evidence.backup_key = Some(decryption_key());
    evidence
}

fn look_at_finding(witness: &mut Witness, finding: &Finding) {
    witness.display::<Finding>(finding);
    finding.remedy().iter().for_each(|remedy| witness.display::<Remedy>(remedy));
}

fn look_at_repairs(witness: &mut Witness, vault: &Vault, found: &Diagnosis, new_key: &NewKey) {
    let mut parts = RepairParts::default();
    parts.new_key = Some(new_key.clone());
    let name = MEGOLM_BACKUP_V1.into();
    let value = SecretValue::kept_by_host(&name, vault.key_base64.as_bytes()).unwrap().value;
    parts.secrets = vec![value];
    witness.debug::<RepairParts>(&parts);
    let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
    for remedy in found.remedies() {
        match found.repair(&remedy, &parts, rng) {
            Ok(repair) => {
                witness.debug::<RepairPlan>(&repair);
            }
            Err(error) => witness.error::<RepairError>(error),
        }
    }
}

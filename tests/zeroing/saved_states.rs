//! Saved states, intact and damaged at each of their members: what is restored and what is refused leaves nothing.

use serde_json::{Value, json};
use strongroom::{
    Limits,
    client::{
        Backup,
        backup::{BackupOptions, SavedBackup},
        flow::{SavedFlow, SetUp},
    },
    crypto::ed25519::Ed25519Seed,
    encoding::base64,
    saved_state::StateKey,
    secret::SecretVec,
    secret_sharing::{Requester, Responder, SharePolicy},
    secret_value::SecretValue,
};

use crate::{
    damage::damaged,
    leaves_nothing,
    machines::{machine, set_up},
    sharing::{requester, responder},
    vault::{FixedRng, KEY, Vault, decryption_key, secret},
};

pub(crate) const USER: &str = "@a:b.org";
pub(crate) const DEVICE: &str = "PHONE";

/// Runs `restore` on the state, and on everything that can become of it by damage.
fn leaves_nothing_however_damaged(state: &SecretVec, restore: impl Fn(&SecretVec) -> bool) {
    let vault = Vault::new();
    let texts = damaged(state.expose_bytes());
    let texts: Vec<_> = texts.iter().map(|text| SecretVec::from(text.as_slice())).collect();
    let (mut restored, mut refused) = (0, 0);
    leaves_nothing(&vault, || {
        assert!(restore(state), "the intact state is not restored");
        for text in &texts {
            let is_restored = if restore(text) { &mut restored } else { &mut refused };
            *is_restored += 1;
        }
    });
    assert!(restored > 10 && refused > 1_000, "{restored} restored, {refused} refused");
}

/// Whether nothing in the state is left out, so that no member of it goes undamaged.
fn assert_full(state: &Value) {
    match state {
        Value::Null => panic!("a member is empty"),
        Value::Array(elements) => {
            assert!(!elements.is_empty(), "a list is empty");
            elements.iter().for_each(assert_full);
        }
        Value::Object(members) => members.values().for_each(assert_full),
        _ => {}
    }
}

/// The state of a machine with these members besides those of a new one.
fn saved_backup(members: &Value) -> SavedBackup {
    let mut saved = machine().save();
    let mut state: Value = serde_json::from_slice(saved.secret.expose_bytes()).unwrap();
    for (name, member) in members.as_object().unwrap() {
        state[name] = member.clone();
    }
    assert_full(&state);
    saved.secret = SecretVec::from(state.to_string().as_bytes());
    saved
}

/// A machine that has every member: one that makes a backup, and one that deletes all.
pub(crate) fn saved_backups() -> [SavedBackup; 2] {
    let vault = Vault::new();
    let public_key = decryption_key().public_key().to_base64();
    // Any key is as good as another one here.
    let shared = json!({ "shared_by_verified_device": ed25519() });
    let key = |provenance: &Value| json!({ "key": vault.key_base64, "provenance": provenance });
    let other = json!({ "key": base64::encode(&[7; 32]), "provenance": shared });
    let members = json!({
        "stage": "confirming",
        "used": { "version": "5", "public_key": public_key },
        "proofs": [
            { "signed_by_user": ed25519() }, { "signed_by_device": ed25519() },
            { "decryption_key": "generated" }, { "decryption_key": shared },
        ],
        "retired": [public_key],
        "keys": [key(&json!("generated")), key(&shared), other],
        "draft": {
            "key": other, "signatures": [["ed25519:PHONE", base64::encode(&[1; 64])]],
            "before": "5", "replaces": public_key, "created": "6",
        },
        "recovery_key_unsaved": true,
        "secret": "store",
        "preference": { "was_read": true, "enabled": true, "write": false },
        "restore_choice": "everything",
    });
    let mut disabling = members.clone();
    disabling["stage"] = json!("disabling");
    disabling["disabling"] = json!("5");
    [saved_backup(&members), saved_backup(&disabling)]
}

/// A public key that somebody has.
fn ed25519() -> String {
    Ed25519Seed::from_bytes(secret(&[1; 32])).public_key().to_base64()
}

fn restore_backup(saved: &SavedBackup) -> Option<Backup> {
    let (options, limits) = (BackupOptions::default(), Limits::default());
    Backup::from_saved(saved, USER.into(), DEVICE.into(), options, limits).ok()
}

#[test]
fn the_machines_state_leaves_nothing_however_damaged() {
    for saved in saved_backups() {
        let public = saved.public.clone();
        leaves_nothing_however_damaged(&saved.secret, |secret| {
            let saved = SavedBackup { public: public.clone(), secret: secret.clone() };
            let restored = restore_backup(&saved);
            let again = restored.as_ref().map(|backup| drop(backup.save().clone()));
            drop(format!("{restored:?}{saved:?}"));
            again.is_some()
        });
    }
}

#[test]
fn what_is_read_from_the_public_part_leaves_nothing() {
    let [saved, _] = saved_backups();
    let vault = Vault::new();
    let public = json!({
        "format": 3, "part": "backup", "user_id": USER, "device_id": DEVICE,
        "wanted": ["everything", { "room": "!a" }],
    });
    let texts = damaged(public.to_string().as_bytes());
    leaves_nothing(&vault, || {
        for public in &texts {
            let saved = SavedBackup { public: public.clone(), secret: saved.secret.clone() };
            assert!(restore_backup(&saved).is_some(), "it is a cache");
        }
    });
}

#[test]
fn the_state_of_a_set_up_leaves_nothing_however_damaged() {
    let mut saved = set_up();
    let mut state: Value = serde_json::from_slice(saved.secret.expose_bytes()).unwrap();
    let public_key = decryption_key().public_key().to_base64();
    state["before"] = json!({
        "version": "5", "public_key": public_key, "used": public_key, "default_key": "old",
    });
    state["made"] = json!(public_key);
    state["secrets"][0]["provenance"] = json!({ "shared_by_verified_device": ed25519() });
    state["belief"] = json!({
        "public_keys": {
            "backup": public_key, "master": ed25519(), "self_signing": ed25519(),
            "user_signing": ed25519(),
        },
        "accepted": ["org.example.note"],
    });
    assert_full(&state);
    saved.secret = SecretVec::from(state.to_string().as_bytes());
    leaves_nothing_however_damaged(&saved.secret, |secret| {
        let saved = SavedFlow { secret: secret.clone(), backup: saved.backup.clone() };
        let (options, limits) = (BackupOptions::default(), Limits::default());
        let flow = SetUp::from_saved(&saved, USER.into(), DEVICE.into(), options, limits);
        drop(format!("{flow:?}{saved:?}"));
        flow.is_ok()
    });
}

#[test]
fn a_secret_in_a_store_of_the_hosts_leaves_nothing_however_damaged() {
    let (user, device) = (USER.into(), DEVICE.into());
    let saved = decryption_key().to_secret().save(&user, &device);
    let vault = Vault::new();
    let texts = damaged(saved.expose_bytes());
    let texts: Vec<_> = texts.iter().map(|text| SecretVec::from(text.as_slice())).collect();
    leaves_nothing(&vault, || {
        let restored = SecretValue::from_saved(&saved, &user, &device).unwrap();
        assert!(restored.save(&user, &device) == saved);
        for text in &texts {
            drop(format!("{:?}", SecretValue::from_saved(text, &user, &device)));
        }
    });
}

#[test]
fn the_requesters_state_leaves_nothing_however_damaged() {
    let saved = requester().save();
    let text = str::from_utf8(saved.expose_bytes()).unwrap();
    for state in ["open", "received", "cancelled", "stored", "not_checked"] {
        assert!(text.contains(state), "{state} is missing in {text}");
    }
    leaves_nothing_however_damaged(&saved, |saved| {
        let restored = Requester::from_saved(saved, USER.into(), DEVICE.into());
        let again = restored.as_ref().map(|requester| drop(requester.save().clone()));
        drop(format!("{restored:?}"));
        again.is_ok()
    });
}

#[test]
fn the_responders_state_leaves_nothing_however_damaged() {
    leaves_nothing_however_damaged(&responder().save(), |saved| {
        let policy = SharePolicy::default();
        Responder::from_saved(saved, USER.into(), "LAPTOP".into(), policy).is_ok()
    });
}

#[cfg(feature = "unstable-msc4385")]
#[test]
fn what_was_pushed_leaves_nothing_however_damaged() {
    use strongroom::secret_sharing::SecretPushes;
    leaves_nothing_however_damaged(&crate::sharing::pushes().save(), |saved| {
        let policy = SharePolicy::default();
        let restored = SecretPushes::from_saved(saved, USER.into(), DEVICE.into(), policy);
        let again = restored.as_ref().map(|pushes| drop(pushes.save().clone()));
        drop(format!("{restored:?}"));
        again.is_ok()
    });
}

#[test]
fn sealed_states_leave_nothing_opened_or_not() {
    let vault = Vault::new();
    let [saved, _] = saved_backups();
    let sealed = StateKey::from_bytes(secret(&KEY)).seal(&saved.secret).unwrap();
    leaves_nothing(&vault, || {
        let key = StateKey::from_bytes(secret(&KEY));
        drop(key.seal_with_rng(&saved.secret, &mut FixedRng([1; 32])));
        assert!(key.open(&sealed).unwrap() == saved.secret);
        drop(StateKey::generate_with_rng(&mut FixedRng(KEY)).as_secret().clone());
        for length in 0..sealed.len() {
            assert!(key.open(&sealed[..length]).is_err());
        }
        for at in (0..sealed.len()).step_by(16) {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(key.open(&damaged).is_err());
        }
    });
}

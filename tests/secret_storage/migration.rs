//! Old accounts are brought into today's form, and nothing is trusted on the way that nobody vouched for.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use std::collections::BTreeMap;

use crate::account::{ASYMMETRIC_ID, Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key};
use crate::specification;
use crate::support::{
    recorded_account::{RecordedAccount, RecordedSecret},
    recorded_accounts::{ACCOUNT_DATA, BOOTSTRAP, legacy},
    vectors::{Row, rows},
};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::{AuthData, BackupDecryptionKey, BackupVersionInfo, TrustError, TrustedBackup},
    crypto::{
        curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey, key_material::KeyMaterial,
    },
    encoding::{base64, json_object::JsonObject},
    ids::{EventType, SecretName, UserId},
    recovery_key::RecoveryKey,
    secret::SecretBytes,
    secret_storage::{
        Change, EncryptedSecret, NewKey, NotVerified, Plan, PlanNote, SecretOrigin, SecretStorage,
        SecretStorageKey, VerifiedPublicKeys,
    },
    secret_value::{MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys},
    signed_json::{CrossSigningKey, CrossSigningUsage, TrustedSigner},
};

type Events = BTreeMap<EventType, JsonObject>;

#[test]
fn every_recorded_account_comes_home_and_nothing_old_is_left() {
    let accounts = legacy();
    assert!(!accounts.is_empty());
    for account in accounts {
        let (start, keys) = (events(&account), keys(&account));
        let new_key = NewKey::generate(None).unwrap();
        let names: Vec<_> = account.secrets.keys().map(|name| name.as_str().into()).collect();
        let plan = migrate(&start, &keys, &new_key, &nobody(&account.user_id), &names);
        assert_eq!(plan.notes(), [], "{}", account.name);
        for steps in 0..=plan.steps().len() {
            let there = carry_out(&start, &plan, steps);
            for (name, secret) in &account.secrets {
                let opened = open_with_any(&there, &account, &new_key, name);
                assert!(opened.contains(&today(secret)) || opened.contains(&secret.text()));
            }
        }
        let end = carry_out(&start, &plan, plan.steps().len());
        is_of_today(&end, &account, &new_key);
        let again =
            migrate(&end, &unlock_new(&end, &new_key), &new_key, &nobody(&account.user_id), &[]);
        assert_eq!(again.steps().len(), 0, "{}: {again}", account.name);
    }
}

#[test]
fn a_migration_that_keeps_all_leaves_every_secret_where_it_was_as_well() {
    for account in legacy() {
        let (start, keys) = (events(&account), keys(&account));
        let new_key = NewKey::generate(None).unwrap();
        let names: Vec<_> = account.secrets.keys().map(|name| name.as_str().into()).collect();
        let migrate_only = |change: &mut Change<'_>| {
            change.keep_all();
            change.migrate(&new_key, &nobody(&account.user_id), &names)
        };
        let plan = storage(&start).plan(&keys, &Limits::default(), migrate_only).unwrap();
        assert_eq!(plan.notes(), [], "{}", account.name);
        let end = carry_out(&start, &plan, plan.steps().len());
        let (before, after) = (storage(&start), storage(&end));
        assert!(before.keys().all(|key| after.key(key.id()).is_some()), "{}", account.name);
        for (name, secret) in before.secrets() {
            let still = after.secret(name).unwrap();
            assert!(
                secret.key_ids().all(|id| still.key_ids().any(|other| other == id)),
                "{}",
                account.name
            );
        }
        assert_eq!(after.default_key(), Some(new_key.id()));
        let mut new = unlock_new(&end, &new_key);
        for (name, secret) in &account.secrets {
            let name = SecretName::from(if name == MEGOLM_BACKUP_V1_RECOVERY_KEY {
                MEGOLM_BACKUP_V1
            } else {
                name
            });
            let opened = after.open(&name, &mut new, &PublicKeys::default()).unwrap();
            assert!(opened.is_authenticated(), "{}", account.name);
            assert_eq!(opened.text().expose_str(), today(secret), "{}: {name}", account.name);
        }
    }
}

#[test]
fn without_acceptance_nothing_moves_that_anybody_could_have_stored() {
    for account in legacy() {
        let (start, keys) = (events(&account), keys(&account));
        let new_key = NewKey::generate(None).unwrap();
        let plan = migrate(&start, &keys, &new_key, &nobody(&account.user_id), &[]);
        let storage = storage(&start);
        for (name, secret) in storage.secrets() {
            let has_symmetric = entries(secret).any(|(_, entry)| entry.get("iv").is_some());
            let asks = plan
                .notes()
                .iter()
                .any(|note| matches!(note, PlanNote::NeedsAcceptance(asked, _) if asked == name));
            let is_written =
                plan.steps().iter().any(|step| step.event_type.as_str() == name.as_str());
            assert_eq!((asks, is_written), (!has_symmetric, has_symmetric), "{}", account.name);
        }
        let end = carry_out(&start, &plan, plan.steps().len());
        for (name, secret) in &account.secrets {
            let opened = open_with_any(&end, &account, &new_key, name);
            assert!(opened.contains(&secret.text()) || opened.contains(&today(secret)));
        }
    }
}

#[test]
fn what_the_master_key_signed_vouches_for_secrets() {
    let mut moved = 0;
    for row in rows(BOOTSTRAP) {
        let uploaded = row.member("uploaded_cross_signing_keys");
        let cross_signing = [&uploaded["self_signing_key"], &uploaded["user_signing_key"]];
        let mut verified = verified(&row, &uploaded["master_key"], cross_signing);
        for version in row.member("key_backup_versions").as_array().unwrap() {
            let trusted = signed_by_master(version, &verified).unwrap();
            verified.pin_backup(*trusted.public_key().as_curve25519());
        }
        let account = legacy().into_iter().find(|account| account.name == row.name()).unwrap();
        let (start, keys) = (events(&account), keys(&account));
        let new_key = NewKey::generate(None).unwrap();
        let plan = migrate(&start, &keys, &new_key, &verified, &[]);
        assert_eq!(plan.notes(), [], "{}: every secret is vouched for", account.name);
        is_of_today(&carry_out(&start, &plan, plan.steps().len()), &account, &new_key);
        moved += account.secrets.len();
    }
    assert!(moved > 0);
}

#[test]
fn what_no_public_key_stands_for_needs_acceptance_by_its_name() {
    let row = rows(ACCOUNT_DATA).into_iter().next().unwrap();
    let keys_of = &row.member("cross_signing")["keys"];
    let cross_signing = [&keys_of["self_signing"], &keys_of["user_signing"]];
    let verified = verified(&row, &keys_of["master"], cross_signing);
    let account = legacy().into_iter().find(|account| account.name == row.name()).unwrap();
    let (start, held) = (events(&account), keys(&account));
    let new_key = NewKey::generate(None).unwrap();
    let backup = SecretName::from(MEGOLM_BACKUP_V1);
    let plan = migrate(&start, &held, &new_key, &verified, &[]);
    let asks = plan.notes().iter().filter_map(|note| match note {
        PlanNote::NeedsAcceptance(name, SecretOrigin::Curve25519AesSha2(_)) => Some(name.clone()),
        _ => None,
    });
    assert_eq!(asks.collect::<Vec<_>>(), std::slice::from_ref(&backup));
    assert!(plan.notes().iter().any(|note| matches!(note, PlanNote::KeyStays(_))));
    // The user accepts it later: the rest is done by then.
    let there = carry_out(&start, &plan, plan.steps().len());
    let mut held = held;
    held.extend(unlock_new(&there, &new_key));
    let plan = migrate(&there, &held, &new_key, &verified, &[backup]);
    assert_eq!(plan.notes(), []);
    is_of_today(&carry_out(&there, &plan, plan.steps().len()), &account, &new_key);
}

#[test]
fn a_backup_key_that_the_server_planted_is_taken_by_no_plan_and_no_backup() {
    // The server knows the public key of the storage, and so can encrypt to it.
    let planted = base64::encode(OTHER_KEY);
    let mut account = Account::default()
        .with_asymmetric_key(ASYMMETRIC_ID, KEY)
        .with_asymmetric_secret(MEGOLM_BACKUP_V1, ASYMMETRIC_ID, KEY, &planted);
    account.put_text("m.secret_storage.default_key", &format!(r#"{{"key":"{ASYMMETRIC_ID}"}}"#));
    let start: Events = account.events().into_iter().collect();
    let keys = unlock(&start, &recovery_key(KEY));
    let new_key = NewKey::generate(None).unwrap();
    let user = UserId::from("@alice:example.org");
    let backup = SecretName::from(MEGOLM_BACKUP_V1);

    let plan = migrate(&start, &keys, &new_key, &nobody(&user), &["org.example.other".into()]);
    assert!(matches!(&plan.notes()[0], PlanNote::NeedsAcceptance(name, _) if name == &backup));
    let mut pinned = nobody(&user);
    pinned.pin_backup(public_key(KEY));
    let contradicted = migrate(&start, &keys, &new_key, &pinned, std::slice::from_ref(&backup));
    assert_eq!(contradicted.notes()[0], PlanNote::Contradicted(backup.clone()), "even if accepted");
    for plan in [plan, contradicted] {
        assert!(plan.steps().iter().all(|step| step.event_type.as_str() != MEGOLM_BACKUP_V1));
        let end = carry_out(&start, &plan, plan.steps().len());
        for key in unlock_new(&end, &new_key) {
            assert!(storage(&end).open(&backup, &mut [key], &PublicKeys::default()).is_err());
        }
    }

    // The planted key opens the backup that the server made for it, and makes nothing trusted.
    let opened = storage(&start).open(&backup, &mut keys.clone(), &PublicKeys::default()).unwrap();
    assert!(!opened.is_authenticated());
    let key = opened.backup_key().unwrap();
    let auth_data = AuthData::new(key.public_key());
    let info = json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": serde_json::from_str::<Value>(auth_data.as_json()).unwrap(),
        "version": "1",
    });
    let info =
        BackupVersionInfo::from_json(info.to_string().as_bytes(), &Limits::default()).unwrap();
    let error = TrustedBackup::by_decryption_key(&info, &key, &[]).unwrap_err();
    assert!(matches!(error, TrustError::UnauthenticatedSource), "{error:?}");
}

#[test]
fn an_authenticated_secret_wins_over_what_was_planted_beside_it() {
    let mut account = Account::default()
        .with_key(ID, KEY)
        .with_asymmetric_key(ASYMMETRIC_ID, OTHER_KEY)
        .with_secret("org.example.a", ID, KEY, "mine");
    account.add_asymmetric_entry("org.example.a", ASYMMETRIC_ID, OTHER_KEY, "planted");
    account.put_text("m.secret_storage.default_key", &format!(r#"{{"key":"{ID}"}}"#));
    let start: Events = account.events().into_iter().collect();
    let keys =
        [unlock(&start, &recovery_key(KEY)), unlock(&start, &recovery_key(OTHER_KEY))].concat();
    let new_key = NewKey::generate(None).unwrap();
    let user = UserId::from("@alice:example.org");
    let plan = migrate(&start, &keys, &new_key, &nobody(&user), &["org.example.a".into()]);
    let end = carry_out(&start, &plan, plan.steps().len());
    let mut keys = unlock(&end, &recovery_key(KEY));
    let name = "org.example.a".into();
    let opened = storage(&end).open(&name, &mut keys, &PublicKeys::default()).unwrap();
    assert_eq!(opened.text().expose_str(), "mine");
    assert!(storage(&end).key(new_key.id()).is_none(), "the default key is good enough");
    assert_eq!(storage(&end).keys().count(), 1);
}

/// The server says that the secret is the key which is to take it.
#[test]
fn what_is_said_to_be_the_target_itself_loses_no_secret() {
    let mut account = Account::default()
        .with_key(ID, KEY)
        .with_asymmetric_key(ASYMMETRIC_ID, OTHER_KEY)
        .with_asymmetric_secret("org.example", ASYMMETRIC_ID, OTHER_KEY, "a secret");
    account.secret_mut("org.example")["encrypted"][ID] = json!({ "passthrough": true });
    account.put_text("m.secret_storage.default_key", &json!({ "key": ID }).to_string());
    let start: Events = account.events().into_iter().collect();
    let keys = [unlock(&start, &recovery_key(KEY)), unlock(&start, &recovery_key(OTHER_KEY))];
    let nobody = nobody(&"@alice:example.org".into());
    let new_key = NewKey::generate(None).unwrap();
    let plan = migrate(&start, &keys.concat(), &new_key, &nobody, &["org.example".into()]);
    let end = storage(&carry_out(&start, &plan, plan.steps().len()));
    let opened = end.open(&"org.example".into(), &mut keys[0].clone(), &PublicKeys::default());
    assert_eq!(opened.unwrap().text().expose_str(), "a secret", "{plan}");
}

#[test]
fn the_name_of_a_draft_goes_once_the_current_one_has_the_key() {
    let backup_key = base64::encode(OTHER_KEY);
    let account = Account::default().with_key(ID, KEY).with_secret(
        MEGOLM_BACKUP_V1_RECOVERY_KEY,
        ID,
        KEY,
        &OTHER_KEY.map(|b| b.to_string()).join(","),
    );
    let mut account = account;
    account.put_text("m.secret_storage.default_key", &format!(r#"{{"key":"{ID}"}}"#));
    let with_other = account.clone().with_secret(MEGOLM_BACKUP_V1, ID, KEY, &base64::encode(KEY));
    let with_same =
        account.clone().with_secret(MEGOLM_BACKUP_V1, ID, KEY, &format!("{backup_key}="));
    let user = UserId::from("@alice:example.org");
    let plan_for = |account: &Account| {
        let start: Events = account.events().into_iter().collect();
        let keys = unlock(&start, &recovery_key(KEY));
        let new_key = NewKey::generate(None).unwrap();
        (migrate(&start, &keys, &new_key, &nobody(&user), &[]), start)
    };
    let (plan, start) = plan_for(&account);
    let old = SecretName::from(MEGOLM_BACKUP_V1_RECOVERY_KEY);
    let reasons: Vec<_> = plan.steps().iter().map(|step| step.reason.clone()).collect();
    let store = PlanNote::Store(MEGOLM_BACKUP_V1.into());
    assert_eq!(reasons, [store, PlanNote::DeleteOldName(old.clone())]);
    let end = carry_out(&start, &plan, 2);
    let mut keys = unlock(&end, &recovery_key(KEY));
    let opened = storage(&end).open(&MEGOLM_BACKUP_V1.into(), &mut keys, &PublicKeys::default());
    assert_eq!(opened.unwrap().text().expose_str(), backup_key);

    let (plan, _) = plan_for(&with_same);
    let reasons: Vec<_> = plan.steps().iter().map(|step| step.reason.clone()).collect();
    assert_eq!(reasons, [PlanNote::DeleteOldName(old)]);
    let (plan, _) = plan_for(&with_other);
    assert_eq!(plan.notes(), [PlanNote::TwoValues(MEGOLM_BACKUP_V1.into())]);
    assert_eq!(plan.steps().len(), 0);
}

#[test]
fn a_key_with_few_rounds_and_one_that_serves_both_algorithms_are_replaced() {
    let mut weak =
        Account::default().with_key(ID, KEY).with_secret("org.example.a", ID, KEY, "text");
    weak.key_mut(ID)["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 9_999, "salt": "salt"});
    let both = Account::default()
        .with_key(ID, KEY)
        .with_asymmetric_key(ASYMMETRIC_ID, KEY)
        .with_secret("org.example.a", ID, KEY, "text");
    for mut account in [weak, both] {
        account.put_text("m.secret_storage.default_key", &format!(r#"{{"key":"{ID}"}}"#));
        let start: Events = account.events().into_iter().collect();
        let keys = unlock(&start, &recovery_key(KEY));
        let new_key = NewKey::generate(None).unwrap();
        let nobody = nobody(&"@alice:example.org".into());
        // With few rounds others may have found the key, so the user has to accept what it opens.
        let plan = migrate(&start, &keys, &new_key, &nobody, &["org.example.a".into()]);
        let end = carry_out(&start, &plan, plan.steps().len());
        let storage = storage(&end);
        assert_eq!(storage.keys().map(|key| key.id()).collect::<Vec<_>>(), [new_key.id()]);
        assert_eq!(storage.default_key(), Some(new_key.id()));
        let opened = storage.open(
            &"org.example.a".into(),
            &mut unlock_new(&end, &new_key),
            &PublicKeys::default(),
        );
        assert_eq!(opened.unwrap().text().expose_str(), "text");
    }
}

#[test]
fn the_key_of_a_former_backup_goes_along_from_a_key_with_few_rounds() {
    let former: SecretName = "strongroom.former_backup_key.0001020304050607".into();
    let text = base64::encode(OTHER_KEY);
    let mut account =
        Account::default().with_key(ID, KEY).with_secret(former.as_str(), ID, KEY, &text);
    account.key_mut(ID)["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 9_999, "salt": "salt"});
    account.put_text("m.secret_storage.default_key", &format!(r#"{{"key":"{ID}"}}"#));
    let start: Events = account.events().into_iter().collect();
    let (keys, new_key) = (unlock(&start, &recovery_key(KEY)), NewKey::generate(None).unwrap());
    let migrated = migrate(&start, &keys, &new_key, &nobody(&"@alice:example.org".into()), &[]);
    let rotated = storage(&start)
        .plan(&keys, &Limits::default(), |change| change.rotate(&ID.into(), &new_key))
        .unwrap();
    for plan in [migrated, rotated] {
        assert_eq!(plan.notes(), []);
        let end = carry_out(&start, &plan, plan.steps().len());
        let mut keys = unlock_new(&end, &new_key);
        let opened = storage(&end).open(&former, &mut keys, &PublicKeys::default()).unwrap();
        assert_eq!(opened.text().expose_str(), text);
        assert!(!opened.backup_key().unwrap().provenance().is_authentic());
    }
}

#[test]
fn a_list_of_numbers_under_a_key_of_today_becomes_base64_under_every_key() {
    let list = OTHER_KEY.map(|byte| byte.to_string()).join(",");
    let mut account = Account::default()
        .with_key(ID, KEY)
        .with_key(OTHER_ID, OTHER_KEY)
        .with_secret(MEGOLM_BACKUP_V1, ID, KEY, &list);
    account.add_entry(MEGOLM_BACKUP_V1, OTHER_ID, OTHER_KEY, &list);
    account.put_text("m.secret_storage.default_key", &format!(r#"{{"key":"{ID}"}}"#));
    let start: Events = account.events().into_iter().collect();
    let keys =
        [unlock(&start, &recovery_key(KEY)), unlock(&start, &recovery_key(OTHER_KEY))].concat();
    let new_key = NewKey::generate(None).unwrap();
    let plan = migrate(&start, &keys, &new_key, &nobody(&"@alice:example.org".into()), &[]);
    let end = carry_out(&start, &plan, plan.steps().len());
    for key in keys {
        let name = MEGOLM_BACKUP_V1.into();
        let opened = storage(&end).open(&name, &mut [key], &PublicKeys::default()).unwrap();
        assert_eq!(opened.text().expose_str(), base64::encode(OTHER_KEY));
    }
}

#[test]
fn public_keys_that_the_master_key_did_not_sign_are_not_verified() {
    let row = rows(BOOTSTRAP).into_iter().nth(1).unwrap();
    let uploaded = row.member("uploaded_cross_signing_keys");
    let (self_signing, limits) = (&uploaded["self_signing_key"], Limits::default());
    let version = &row.member("key_backup_versions")[0];
    let mut verified = verified(&row, &uploaded["master_key"], [self_signing, self_signing]);
    assert!(signed_by_master(version, &verified).is_ok());
    let mut changed = version.clone();
    changed["auth_data"]["public_key"] = json!(public_key(KEY).to_base64());
    assert!(signed_by_master(&changed, &verified).is_err());
    let mut usage = self_signing.clone();
    usage["usage"] = json!(["user_signing"]);
    let error = verified.add_cross_signing_key(&cross_signing_key(&usage), &limits);
    assert_eq!(error, Err(NotVerified::NotSigned));
    let master_key = cross_signing_key(&uploaded["master_key"]);
    let error = verified.add_cross_signing_key(&master_key, &limits);
    assert_eq!(error, Err(NotVerified::IsMaster));
    let self_signing = cross_signing_key(self_signing);
    let mut other = VerifiedPublicKeys::with_master("@other:example.org".into(), master(uploaded));
    let error = other.add_cross_signing_key(&self_signing, &limits);
    assert_eq!(error, Err(NotVerified::OtherUser));
    let mut nobody = nobody(&row.text("user_id").into());
    let error = nobody.add_cross_signing_key(&self_signing, &limits);
    assert_eq!(error, Err(NotVerified::NoMasterKey));
    assert!(nobody.as_public_keys().backup.is_none());
    assert_eq!(verified.as_public_keys().master, Some(master(uploaded)));
}

fn migrate(
    events: &Events,
    keys: &[SecretStorageKey],
    new_key: &NewKey,
    public_keys: &VerifiedPublicKeys,
    accepted: &[SecretName],
) -> Plan {
    let migrate = |change: &mut Change<'_>| change.migrate(new_key, public_keys, accepted);
    storage(events).plan(keys, &Limits::default(), migrate).unwrap()
}

fn carry_out(events: &Events, plan: &Plan, steps: usize) -> Events {
    let mut there = events.clone();
    for step in &plan.steps()[..steps] {
        there.insert(step.event_type.clone(), step.content.clone());
    }
    there
}

/// What a secret is encrypted to, and how, as it stands.
fn entries(secret: &EncryptedSecret) -> impl Iterator<Item = (String, Value)> {
    let mut json: Value = serde_json::from_str(secret.as_json().as_str()).unwrap();
    let encrypted = json.get_mut("encrypted").map(Value::take).unwrap_or_default();
    encrypted.as_object().cloned().unwrap_or_default().into_iter()
}

/// Whether the account holds all secrets under the new key, and nothing that is not written today.
fn is_of_today(end: &Events, account: &RecordedAccount, new_key: &NewKey) {
    let storage = storage(end);
    assert_eq!(storage.findings(), [], "{}", account.name);
    assert_eq!(storage.default_key(), Some(new_key.id()));
    let old: Vec<_> = account.keys.iter().map(|key| key.bytes.as_slice()).collect();
    for key in storage.keys() {
        assert_eq!(key.algorithm(), "m.secret_storage.v1.aes-hmac-sha2", "{}", account.name);
        assert_eq!(key.id(), new_key.id(), "{}", account.name);
        assert!(!old.contains(&new_key.key().expose_bytes()));
    }
    for (name, secret) in storage.secrets() {
        assert_ne!(name.as_str(), MEGOLM_BACKUP_V1_RECOVERY_KEY);
        for (id, entry) in entries(secret) {
            assert!(entry.get("iv").is_some(), "{}: {name}", account.name);
            assert_eq!(id, new_key.id().as_str());
        }
    }
    let as_json = |content: &JsonObject| serde_json::from_str(content.as_str()).unwrap();
    let data: specification::AccountData =
        end.iter().map(|(name, content)| (name.as_str().to_owned(), as_json(content))).collect();
    let text = new_key.to_recovery_key().unwrap().to_text();
    let key = specification::recovery_key(text.expose_str());
    let opened = specification::open(&data, &specification::default_key(&data), &key);
    let expected = account.secrets.iter().map(|(name, secret)| (name.clone(), today(secret)));
    assert_eq!(opened, expected.collect(), "{}", account.name);
}

/// The text of a secret as it is stored today.
fn today(secret: &RecordedSecret) -> String {
    match secret {
        RecordedSecret::Text(text) => text.clone(),
        _ => base64::encode(&secret.key()),
    }
}

/// All values that the old keys and the new one open.
fn open_with_any(
    events: &Events,
    account: &RecordedAccount,
    new_key: &NewKey,
    name: &str,
) -> Vec<String> {
    let recovery_keys = account.recovery_keys();
    let mut keys: Vec<_> =
        recovery_keys.iter().flat_map(|typed| unlock(events, &typed.text)).collect();
    keys.extend(unlock_new(events, new_key));
    let storage = storage(events);
    let open = |key| storage.open(&name.into(), &mut [key], &PublicKeys::default()).ok();
    let opened = keys.into_iter().filter_map(open);
    opened.map(|opened| opened.text().expose_str().to_owned()).collect()
}

fn keys(account: &RecordedAccount) -> Vec<SecretStorageKey> {
    let (events, typed) = (events(account), account.recovery_keys());
    typed.iter().flat_map(|typed| unlock(&events, &typed.text)).collect()
}

fn unlock_new(events: &Events, key: &NewKey) -> Vec<SecretStorageKey> {
    unlock(events, key.to_recovery_key().unwrap().to_text().expose_str())
}

fn unlock(events: &Events, typed: &str) -> Vec<SecretStorageKey> {
    let storage = storage(events);
    let unlocked = storage.unlock(typed, &PublicKeys::default(), &Limits::default());
    unlocked.map(|unlocked| unlocked.keys).unwrap_or_else(|_| {
        // What the host has kept, also where it opens nothing.
        let Ok(key) = RecoveryKey::parse(typed) else { return Vec::new() };
        let key = KeyMaterial::from(key.as_secret());
        storage.keys().filter_map(|description| description.accept(&key).ok()).collect()
    })
}

fn storage(events: &Events) -> SecretStorage {
    SecretStorage::from_account_data(events, &Limits::default())
}

fn events(account: &RecordedAccount) -> Events {
    let contents = account.contents.iter();
    contents.map(|(name, content)| (name.as_str().into(), content.clone())).collect()
}

fn verified(row: &Row, master_key: &Value, cross_signing: [&Value; 2]) -> VerifiedPublicKeys {
    let user = master_key["user_id"].as_str().unwrap();
    let key = only_key(master_key);
    let mut verified = VerifiedPublicKeys::with_master(user.into(), key);
    for key in cross_signing {
        let added = verified.add_cross_signing_key(&cross_signing_key(key), &Limits::default());
        assert_eq!(added, Ok(()), "{}", row.name());
    }
    verified
}

/// The proof that a backup is the user's, by the master key alone.
fn signed_by_master(
    version: &Value,
    verified: &VerifiedPublicKeys,
) -> Result<TrustedBackup, TrustError> {
    let limits = Limits::default();
    let mut version = version.clone();
    version["version"] = json!("1");
    version["algorithm"] = json!("m.megolm_backup.v1.curve25519-aes-sha2");
    let info = BackupVersionInfo::from_json(version.to_string().as_bytes(), &limits).unwrap();
    let signatures = version["auth_data"]["signatures"].as_object().unwrap();
    let user = UserId::from(signatures.keys().next().unwrap().as_str());
    let master = verified.as_public_keys().master.unwrap();
    let signers = [TrustedSigner::of_cross_signing_key(master)];
    TrustedBackup::by_signature(&info, &user, &signers, &[], &limits)
}

fn cross_signing_key(object: &Value) -> CrossSigningKey {
    let user = object["user_id"].as_str().unwrap().into();
    let usage = match object["usage"][0].as_str().unwrap() {
        "master" => CrossSigningUsage::Master,
        "self_signing" => CrossSigningUsage::SelfSigning,
        _ => CrossSigningUsage::UserSigning,
    };
    CrossSigningKey::from_json(&user, usage, &object.to_string(), &Limits::default()).unwrap()
}

fn master(uploaded: &Value) -> Ed25519PublicKey {
    only_key(&uploaded["master_key"])
}

fn only_key(object: &Value) -> Ed25519PublicKey {
    let key = object["keys"].as_object().unwrap().values().next().unwrap();
    Ed25519PublicKey::from_base64(key.as_str().unwrap()).unwrap()
}

fn nobody(user: &UserId) -> VerifiedPublicKeys {
    VerifiedPublicKeys::none(user.clone())
}

fn public_key(key: &[u8; 32]) -> Curve25519PublicKey {
    *BackupDecryptionKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = *key))
        .public_key()
        .as_curve25519()
}

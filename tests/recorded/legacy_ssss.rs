//! Secret storage as matrix-js-sdk 2.0 to 6.0 wrote it, which no maintained client opens any more: whole
//! accounts, from what somebody types to every secret.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use std::collections::BTreeSet;

use crate::support::{
    base64,
    recorded_account::{RecordedAccount, RecordedSecret, signer},
    recorded_accounts::{
        ACCOUNT_DATA, BOOTSTRAP, EARLIER, MIXED, before_migration, bootstrapped, contents, legacy,
        migrated, only_key, recorded, text,
    },
    vectors::{self, Row, rows_as_written},
};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustedBackup},
    crypto::{
        curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey, key_material::KeyMaterial,
    },
    encoding::json_object::JsonObject,
    ids::{SecretName, SecretStorageKeyId, UserId},
    provenance::Provenance,
    recovery_key::RecoveryKey,
    secret::SecretBytes,
    secret_storage::{
        EncryptedSecret, KeyDescription, KeyStanding, SecretOpenError, SecretOrigin, SecretStorage,
        Unlocked,
    },
    secret_value::{PublicKeys, SecretCheckError},
    signed_json::{SignatureVerdict, SignedObject, TrustedSigner},
};

#[test]
fn the_files_are_as_large_as_they_were() {
    let rows = |file| vectors::rows(file).len();
    let sizes = [ACCOUNT_DATA, EARLIER, BOOTSTRAP, MIXED].map(rows);
    let accounts = legacy();
    let keys: usize = accounts.iter().map(|account| account.keys.len()).sum();
    let passphrases: usize = accounts.iter().map(|account| account.passphrases().len()).sum();
    let secrets: usize = accounts.iter().map(|account| account.secrets.len()).sum();
    let entries: usize = accounts.iter().map(|account| all_entries(account).len()).sum();
    if vectors::are_our_own() {
        assert_eq!(sizes, [9, 3, 4, 2]);
        assert_eq!((accounts.len(), keys, passphrases), (20, 28, 11));
        assert_eq!((secrets, entries), (84, 92));
    }
    assert!(passphrases > 0 && entries > secrets);
}

#[test]
fn every_account_is_read_without_a_finding_and_has_its_keys_and_secrets() {
    for account in legacy() {
        let storage = account.storage();
        assert_eq!(storage.findings(), [], "{}", account.name);
        assert_eq!(
            storage.default_key().map(SecretStorageKeyId::as_str),
            account.default_key.as_deref()
        );
        let ids: BTreeSet<_> = storage.keys().map(KeyDescription::id).cloned().collect();
        let expected: BTreeSet<_> = account.keys.iter().map(|key| key.key_id()).collect();
        assert_eq!(ids, expected, "{}", account.name);
        let names = storage.secrets().map(|(name, _)| name.as_str());
        assert!(names.eq(account.secrets.keys()), "{}", account.name);
        for (name, secret) in storage.secrets() {
            let ids = secret.key_ids().map(|id| id.as_str().to_owned());
            assert_eq!(secret.unreadable().count(), 0, "{}: {name}", account.name);
            assert!(ids.eq(account.entries(name.as_str()).into_keys()), "{}", account.name);
        }
    }
}

#[test]
fn every_key_is_described_as_it_was_recorded() {
    for account in legacy() {
        let storage = account.storage();
        for recorded in &account.keys {
            let (key, json) =
                (storage.key(&recorded.key_id()).unwrap(), account.description(&recorded.id));
            let is_asymmetric = account.is_asymmetric(&recorded.id);
            let method = if is_asymmetric { "curve25519-aes-sha2" } else { "aes-hmac-sha2" };
            assert_eq!(key.algorithm(), format!("m.secret_storage.v1.{method}"));
            assert!(key.is_supported());
            assert_eq!(key.name(), json.get("name").map(text));
            let passphrase = key.passphrase().unwrap();
            assert_eq!(passphrase.is_some(), json.get("passphrase").is_some());
            assert!(passphrase.is_none_or(|read| read.repairs.is_empty()));
            assert!(key.can_be_checked(), "{}", account.name);
            let accepted = key.accept(&recorded.material()).expect("its own key");
            assert_eq!(accepted.standing(), KeyStanding::Checked, "{}", account.name);
            if is_asymmetric {
                let public = secret_key(&recorded.bytes).public_key().to_base64();
                assert_eq!(public, text(&json["pubkey"]));
                let expected = recorded.public_key.as_deref();
                assert!(expected.is_none_or(|expected| expected == public));
            }
            if let Some(text) = &recorded.recovery_key {
                let typed = RecoveryKey::parse(text).unwrap();
                assert_eq!(typed.as_secret().expose_bytes().as_slice(), recorded.bytes);
                assert_eq!(typed.to_text().expose_str(), text);
            }
        }
    }
}

#[test]
fn every_secret_opens_by_recovery_key() {
    for account in legacy() {
        let mut opened = BTreeSet::new();
        for typed in account.recovery_keys() {
            opened.extend(account.assert_opens(&typed));
        }
        assert_eq!(opened, all_entries(&account), "{}", account.name);
    }
}

#[test]
fn every_secret_under_a_key_with_a_passphrase_opens_by_passphrase() {
    let mut unlocked = 0;
    for account in crate::one_of_each(3, legacy()) {
        for typed in account.passphrases() {
            let under_it = all_entries(&account).into_iter();
            let under_it = under_it.filter(|(_, key)| typed.keys.contains(key)).collect();
            assert_eq!(account.assert_opens(&typed), under_it, "{}", account.name);
            unlocked += 1;
        }
    }
    assert!(unlocked > 0, "there are no passphrases");
}

#[test]
fn the_same_keys_open_each_secret_as_in_the_client() {
    for (row, written) in [ACCOUNT_DATA, EARLIER].into_iter().flat_map(rows_as_written) {
        let account = recorded(&row, &written);
        let opened = opened_by_recovery_keys(&account);
        let theirs = row.member("opened_by_the_library").as_object().unwrap();
        for (name, by_keys) in theirs {
            for (key_id, result) in by_keys.as_object().unwrap() {
                assert!(opened.contains(&(name.clone(), key_id.clone())), "{}", row.name());
                if result == "same text" {
                    continue;
                }
                let bytes = text(result).strip_prefix("bytes (Uint8Array), not text: ").unwrap();
                assert_eq!(account.secrets[name].text(), bytes);
                assert!(matches!(account.secrets[name], RecordedSecret::StorageKey(_)));
            }
        }
        let theirs: usize = theirs.values().map(|by_keys| by_keys.as_object().unwrap().len()).sum();
        // The client could not read one passthrough that it had written itself.
        let unread = usize::from(row.get("read_by_3_0_0").is_some());
        assert_eq!(opened.len(), theirs + unread, "{}", row.name());
    }
    for (row, written) in rows_as_written(MIXED) {
        let opened = opened_by_recovery_keys(&migrated(&row, &written));
        let theirs = row.member("opened_by_6_0_0_with_key_ids").as_object().unwrap();
        let theirs = theirs.iter().flat_map(|(name, keys)| {
            keys.as_array().unwrap().iter().map(|key| (name.clone(), text(key).to_owned()))
        });
        assert_eq!(opened, theirs.collect(), "{}", row.name());
    }
}

#[test]
fn a_passthrough_without_its_level_is_read_as_what_the_client_made_of_it_later() {
    let mut read = 0;
    for (row, written) in rows_as_written(EARLIER) {
        let Some(repaired) = written.get("account_data_after_5_1_1_repair") else { continue };
        let account = recorded(&row, &written);
        let storage = account.storage();
        let mut unlocked = unlock(&account, &storage);
        for (name, content) in contents(repaired) {
            let name = SecretName::from(name);
            let repaired = EncryptedSecret::from_json(&content).unwrap();
            let stored = storage.secret(&name).unwrap();
            assert!(stored.key_ids().eq(repaired.key_ids()));
            assert!(account.json(name.as_str()).get("encrypted").is_none());
            for secret in [stored, &repaired] {
                let opened = unlocked.keys[0].open(&name, secret).unwrap();
                account.assert_opened(name.as_str(), &opened);
                read += 1;
            }
        }
    }
    assert!(read > 0, "there is no such account");
}

#[test]
fn a_migrated_account_opens_by_its_default_key_and_by_the_old_one_what_was_left_behind() {
    for (row, written) in rows_as_written(MIXED) {
        let account = migrated(&row, &written);
        let storage = account.storage();
        let mut unlocked = unlock(&account, &storage);
        let default = row.text("default_key_id");
        let merged: Vec<_> = row.member("merged_event_types").as_array().unwrap().iter().collect();
        let mut left_behind = 0;
        for verdict in storage.open_all(&mut unlocked.keys, &account.public_keys) {
            let (name, opened) = (verdict.name.as_str(), verdict.outcome.unwrap());
            let entries = account.entries(name);
            assert_eq!(entries.len() == 2, merged.contains(&&json!(name)));
            let expected = if entries.contains_key(default) {
                default
            } else {
                row.text("old_default_key_id")
            };
            assert_eq!(opened.key_id().as_str(), expected, "{name}");
            assert_eq!(opened.is_authenticated(), expected == default);
            left_behind += usize::from(expected != default);
        }
        assert!(left_behind > 0, "{}", row.name());
        assert!(!merged.is_empty());
        let before = before_migration(&row, &written);
        for verdict in before.storage().open_all(&mut unlocked.keys, &account.public_keys) {
            let origin = verdict.outcome.unwrap().origin();
            assert!(matches!(origin, SecretOrigin::Curve25519AesSha2(_)));
        }
    }
}

#[test]
fn the_keys_of_a_migrated_account_are_checked_as_the_client_checked_them() {
    for (row, written) in rows_as_written(MIXED) {
        let account = migrated(&row, &written);
        let storage = account.storage();
        let mut wrong = account.keys[0].bytes.clone();
        wrong[16] ^= 1;
        for (which, id) in [("old", "old_default_key_id"), ("new", "default_key_id")] {
            let description = storage.key(&row.text(id).into()).unwrap();
            let key = account.key(row.text(id));
            let verdicts = row.member("check_key_6_0_0");
            let fits = description.accept(&key.material()).is_ok();
            assert_eq!(json!(fits), verdicts[which]);
            let fits = description.accept(&KeyMaterial::from_slice(&wrong).unwrap()).is_ok();
            assert_eq!(json!(fits), verdicts[format!("wrong_key_{which}")]);
        }
    }
}

#[test]
fn descriptions_and_secrets_are_kept_as_they_were_stored() {
    for account in legacy() {
        let storage = account.storage();
        for key in storage.keys() {
            let content = &account.contents[&format!("m.secret_storage.key.{}", key.id())];
            assert_eq!(key.as_json(), content.as_str());
        }
        for (name, secret) in storage.secrets() {
            let content = &account.contents[name.as_str()];
            assert_eq!(secret.as_json().as_str(), content.as_str());
            assert_eq!(serde_json::to_string(secret).unwrap(), content.as_str());
        }
    }
}

#[test]
fn every_description_is_signed_by_the_master_keys_that_it_names() {
    let (mut valid, mut missing) = (0, 0);
    for account in legacy() {
        for key in account.storage().keys() {
            let signatures = account.description(key.id().as_str());
            let signatures = &signatures["signatures"][account.user_id.as_str()];
            for master in account.signers() {
                let is_there = signatures.get(master.key_id().as_str()).is_some();
                let report = check(key, &account.user_id, std::slice::from_ref(&master));
                assert_eq!(report.0, is_there.then_some(master), "{}", account.name);
                *(if is_there { &mut valid } else { &mut missing }) += 1;
            }
            let all = check(key, &account.user_id, &account.signers());
            assert!(all.1, "{}: every signature is valid", account.name);
        }
    }
    assert!(valid > 0 && missing > 0, "there is an account whose master key was reset");
}

#[test]
fn no_description_is_signed_for_another_user_or_by_another_key_or_when_it_was_changed() {
    for account in legacy() {
        for key in account.storage().keys() {
            let other_user = UserId::from("@somebody.else:example.org");
            assert_eq!(check(key, &other_user, &account.signers()).0, None);
            let other = vodozemac::Ed25519SecretKey::new().public_key();
            let other = Ed25519PublicKey::from_bytes(other.as_bytes()).unwrap();
            let same_labels = account.signers().into_iter();
            let same_labels = same_labels.map(|it| TrustedSigner::new(it.key_id().clone(), other));
            let labels: Vec<_> = same_labels.collect();
            assert_eq!(check(key, &account.user_id, &labels).0, None, "{}", account.name);
            let mut changed = account.description(key.id().as_str());
            changed["name"] = json!("another name");
            let changed = describe(key.id(), &changed.to_string());
            let report =
                changed.check_signatures(&account.user_id, &account.signers(), &Limits::default());
            let verdicts = report.signatures().iter().map(|(_, verdict)| verdict);
            assert!(verdicts.clone().all(|it| it == &SignatureVerdict::Invalid));
            assert!(verdicts.count() > 0, "{}", account.name);
        }
    }
}

#[test]
fn a_reset_of_the_master_key_adds_a_signature_to_the_default_key_alone() {
    let mut rows = 0;
    for (row, written) in rows_as_written(ACCOUNT_DATA) {
        let Some(before) = written.get("key_description_before") else { continue };
        let account = recorded(&row, &written);
        let [new, old] = account.signers().try_into().unwrap();
        let storage = account.storage();
        let default = storage.key(storage.default_key().unwrap()).unwrap();
        let before = describe(default.id(), before.get());
        let trusts = |key, master: &TrustedSigner| {
            check(key, &account.user_id, std::slice::from_ref(master)).0.is_some()
        };
        assert_eq!((trusts(&before, &new), trusts(&before, &old)), (false, true));
        for key in storage.keys() {
            let is_default = key.id() == default.id();
            assert_eq!((trusts(key, &new), trusts(key, &old)), (is_default, true));
        }
        // The client would not encrypt to a key that the new master key has not signed.
        assert_eq!(row.text("store_under_a_key_not_signed_by_the_new_master"), "No signature");
        let unsigned = |key: &KeyDescription| {
            let mut json: Value = serde_json::from_str(key.as_json()).unwrap();
            json.as_object_mut().unwrap().remove("signatures").unwrap();
            json
        };
        assert_eq!(unsigned(&before), unsigned(default));
        assert_the_old_master_seed_is_not_the_new_one(&account);
        rows += 1;
    }
    assert!(rows > 0, "there is no such account");
}

fn assert_the_old_master_seed_is_not_the_new_one(account: &RecordedAccount) {
    let storage = account.storage();
    let name = SecretName::from("m.cross_signing.master");
    for typed in account.recovery_keys() {
        let mut keys =
            storage.unlock(&typed.text, &PublicKeys::default(), &Limits::default()).unwrap().keys;
        let ids: Vec<_> = keys.iter().map(|key| key.id().clone()).collect();
        if ids.iter().all(|id| !account.entries(name.as_str()).contains_key(id.as_str())) {
            continue;
        }
        let opened = storage.open(&name, &mut keys, &account.public_keys).unwrap();
        assert!(opened.belongs_to_public_key());
        let mut public_keys = PublicKeys::default();
        public_keys.master = Some(account.masters[0]);
        let refused = storage.open(&name, &mut keys, &public_keys).unwrap_err();
        let reason = SecretOpenError::PublicKey(SecretCheckError::CrossSigningKey);
        let reasons = ids.into_iter().map(|id| (id, reason.clone())).collect();
        assert_eq!(refused, SecretOpenError::Keys(reasons));
    }
}

#[test]
fn a_secret_that_does_not_belong_to_its_public_key_is_refused_and_the_others_open() {
    let mut refused = 0;
    for account in legacy() {
        for wrong in wrong_public_keys(&account.public_keys) {
            let storage = account.storage();
            let mut unlocked = unlock(&account, &storage);
            for verdict in storage.open_all(&mut unlocked.keys, &wrong.public_keys) {
                let is_wrong = verdict.name.as_str() == wrong.name;
                match verdict.outcome {
                    Err(SecretOpenError::Keys(reasons)) => {
                        let expected = SecretOpenError::PublicKey(wrong.error);
                        assert!(reasons.iter().all(|(_, reason)| reason == &expected));
                        assert!(is_wrong, "{}: {reasons:?}", account.name);
                        refused += 1;
                    }
                    Err(other) => assert_eq!(other, SecretOpenError::OtherKeys),
                    Ok(opened) => {
                        assert!(!is_wrong, "{}: {}", account.name, wrong.name);
                        account.assert_opened(verdict.name.as_str(), &opened);
                    }
                }
            }
        }
    }
    assert!(refused > 0, "no secret has a public key");
}

#[test]
fn a_bootstrapped_backup_is_that_of_the_stored_key_and_signed_by_the_master_key() {
    let (mut backups, mut passed_through) = (0, 0);
    for (row, written) in rows_as_written(BOOTSTRAP) {
        let account = bootstrapped(&row, &written);
        assert_uploaded_keys_are_signed(&row, &account);
        let storage = account.storage();
        let mut unlocked = unlock(&account, &storage);
        let Some(version) = row.member("key_backup_versions").as_array().unwrap().last() else {
            assert!(!account.secrets.contains_key(BACKUP));
            continue;
        };
        let version = serde_json::to_vec(version).unwrap();
        let info = BackupVersionInfo::from_json(&version, &Limits::default()).unwrap();
        let opened =
            storage.open(&BACKUP.into(), &mut unlocked.keys, &account.public_keys).unwrap();
        assert!(opened.belongs_to_public_key());
        // An asymmetric secret may be planted, so the host has to accept that.
        let key = opened.backup_key().unwrap();
        assert_eq!(key.provenance(), Provenance::Unauthenticated);
        let key = key.accept_unauthenticated();
        assert!(TrustedBackup::by_decryption_key(&info, &key, &[]).is_ok(), "{}", account.name);
        let (user_id, masters) = (&account.user_id, account.signers());
        let limits = Limits::default();
        assert!(TrustedBackup::by_signature(&info, user_id, &masters, &[], &limits).is_ok());
        assert_backup_passphrase_is_the_storages(&row, &account);
        if opened.origin() == SecretOrigin::Passthrough {
            assert_eq!(unlocked.keys[0].expose_bytes(), key_bytes(&key));
            passed_through += 1;
        }
        backups += 1;
    }
    assert!(passed_through > 0 && backups > passed_through, "both kinds occur");
}

fn assert_uploaded_keys_are_signed(row: &Row, account: &RecordedAccount) {
    let uploaded = row.member("uploaded_cross_signing_keys");
    for member in ["self_signing_key", "user_signing_key"] {
        let object = &uploaded[member];
        let object = SignedObject::from_json(&object.to_string(), &Limits::default()).unwrap();
        let report = object.verify(&account.user_id, &account.signers(), &Limits::default());
        assert!(report.all_valid(), "{}: {member}", account.name);
    }
    assert_eq!(account.signers(), [signer(&only_key(&uploaded["master_key"]))]);
}

/// Where the storage was made from a backup with a passphrase, the passphrase came along.
fn assert_backup_passphrase_is_the_storages(row: &Row, account: &RecordedAccount) {
    let auth_data = &row.member("key_backup_versions")[0]["auth_data"];
    if let Some(salt) = auth_data.get("private_key_salt") {
        let storage = account.storage();
        let key = storage.key(&account.keys[0].key_id()).unwrap();
        let parameters = &key.passphrase().unwrap().unwrap().value;
        assert_eq!(parameters.salt(), text(salt));
        assert_eq!(json!(parameters.rounds()), auth_data["private_key_iterations"]);
    }
}

/// One public key that is another one, and the secret that does not belong to it.
struct WrongPublicKeys {
    name: &'static str,
    public_keys: PublicKeys,
    error: SecretCheckError,
}

fn wrong_public_keys(right: &PublicKeys) -> Vec<WrongPublicKeys> {
    let other = vodozemac::Ed25519SecretKey::new().public_key();
    let other = Some(Ed25519PublicKey::from_bytes(other.as_bytes()).unwrap());
    let wrong = |name, change: &dyn Fn(&mut PublicKeys), error| {
        let mut public_keys = right.clone();
        change(&mut public_keys);
        WrongPublicKeys { name, public_keys, error }
    };
    let (backup, cross_signing) = (SecretCheckError::BackupKey, SecretCheckError::CrossSigningKey);
    let other_backup = Some(Curve25519PublicKey::from_bytes([9; 32]));
    vec![
        wrong("m.cross_signing.master", &|keys| keys.master = other, cross_signing),
        wrong("m.cross_signing.self_signing", &|keys| keys.self_signing = other, cross_signing),
        wrong("m.cross_signing.user_signing", &|keys| keys.user_signing = other, cross_signing),
        wrong("m.cross_signing.master", &|keys| keys.master = keys.user_signing.or(other), {
            cross_signing
        }),
        wrong(BACKUP, &|keys| keys.backup = other_backup, backup),
    ]
}

/// Who of these signed, and whether all signatures that were checked are valid.
fn check(
    key: &KeyDescription,
    user_id: &UserId,
    trusted: &[TrustedSigner],
) -> (Option<TrustedSigner>, bool) {
    let report = key.check_signatures(user_id, trusted, &Limits::default());
    (report.trusted_signer().cloned(), report.all_valid())
}

fn describe(id: &SecretStorageKeyId, json: &str) -> KeyDescription {
    let content = JsonObject::from_json(json.as_bytes()).unwrap();
    KeyDescription::from_json(id.clone(), &content, &Limits::default()).unwrap()
}

/// With all keys of the account, as if every recovery key were typed.
fn unlock(account: &RecordedAccount, storage: &SecretStorage) -> Unlocked {
    let (limits, public_keys) = (Limits::default(), PublicKeys::default());
    let typed = account.recovery_keys().into_iter();
    let unlocked = typed.map(|it| storage.unlock(&it.text, &public_keys, &limits).unwrap());
    let all = unlocked.reduce(|mut all, more| {
        all.keys.extend(more.keys);
        all
    });
    all.unwrap()
}

fn opened_by_recovery_keys(account: &RecordedAccount) -> BTreeSet<(String, String)> {
    account.recovery_keys().iter().flat_map(|typed| account.assert_opens(typed)).collect()
}

/// Every secret with every key that it is encrypted to.
fn all_entries(account: &RecordedAccount) -> BTreeSet<(String, String)> {
    let entries = account
        .secrets
        .keys()
        .flat_map(|name| account.entries(name).into_keys().map(move |key| (name.clone(), key)));
    entries.collect()
}

fn secret_key(bytes: &[u8]) -> BackupDecryptionKey {
    BackupDecryptionKey::from_bytes(SecretBytes::from_slice(bytes).unwrap())
}

fn key_bytes(key: &BackupDecryptionKey) -> Vec<u8> {
    base64::decode(key.to_base64().expose_str()).unwrap()
}

const BACKUP: &str = "m.megolm_backup.v1";

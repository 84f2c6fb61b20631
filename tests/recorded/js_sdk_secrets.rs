//! Whole accounts of matrix-js-sdk on Synapse: from what somebody types to every secret, compared with
//! the public keys that the server shows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use std::collections::BTreeSet;

use crate::support::{recorded_account::RecordedAccount, recorded_accounts::on_synapse};
use strongroom::{
    Limits,
    ids::SecretStorageKeyId,
    passphrase::PassphraseForm,
    secret_storage::{KeyStanding, SecretOpenError, SecretStorageKey, UnlockOutcome},
    secret_value::{PublicKeys, SecretCheckError},
};
use unicode_normalization::UnicodeNormalization as _;

#[test]
fn every_secret_opens_by_recovery_key_and_by_passphrase() {
    let (mut by_recovery_key, mut by_passphrase) = (0, 0);
    for (row, account) in on_synapse() {
        let storage = account.storage();
        assert_eq!(storage.findings(), []);
        assert_eq!(
            storage.default_key().map(SecretStorageKeyId::as_str),
            account.default_key.as_deref()
        );
        for typed in account.recovery_keys() {
            assert_eq!(account.assert_opens(&typed), all_entries(&account));
            by_recovery_key += 1;
        }
        assert_eq!(account.passphrases().len(), usize::from(row.get("passphrase").is_some()));
        for typed in account.passphrases() {
            assert_eq!(account.assert_opens(&typed), all_entries(&account));
            by_passphrase += 1;
        }
    }
    assert!(by_recovery_key > by_passphrase && by_passphrase > 0);
}

#[test]
fn a_passphrase_opens_in_whatever_normal_form_it_is_typed() {
    let mut tried = 0;
    for (_, account) in on_synapse() {
        for typed in account.passphrases() {
            let decomposed: String = typed.text.nfd().collect();
            assert_ne!(decomposed, typed.text, "there is an accent in it");
            let limits = Limits::default();
            let unlocked =
                account.storage().unlock(&decomposed, &account.public_keys, &limits).unwrap();
            let form = Some(PassphraseForm::Nfc);
            let outcomes: Vec<_> = unlocked.attempts.iter().map(|it| it.outcome.clone()).collect();
            assert_eq!(outcomes, [UnlockOutcome::Fits(form, KeyStanding::Checked)]);
            assert_eq!(unlocked.keys[0].expose_bytes(), account.keys[0].bytes);
            tried += 1;
        }
    }
    assert!(tried > 0, "there are no passphrases");
}

#[test]
fn every_secret_is_authenticated_and_belongs_to_its_public_key_and_to_no_other() {
    let accounts = on_synapse();
    for (index, (_, account)) in accounts.iter().enumerate() {
        let others = &accounts[(index + 1) % accounts.len()].1.public_keys;
        let storage = account.storage();
        let mut keys = unlock(account);
        let verdicts = storage.open_all(&mut keys, &account.public_keys);
        assert_eq!(verdicts.len(), 4, "three cross-signing keys and that of the backup");
        for verdict in verdicts {
            let opened = verdict.outcome.unwrap();
            assert!(opened.belongs_to_public_key(), "{}", verdict.name);
            assert!(opened.is_authenticated());
            assert!(opened.value().unwrap().repairs.is_empty());
        }
        for verdict in storage.open_all(&mut keys, others) {
            let error = match verdict.name.as_str() {
                "m.megolm_backup.v1" => SecretCheckError::BackupKey,
                _ => SecretCheckError::CrossSigningKey,
            };
            let reasons = vec![(account.keys[0].key_id(), SecretOpenError::PublicKey(error))];
            assert_eq!(verdict.outcome.unwrap_err(), SecretOpenError::Keys(reasons));
        }
        for verdict in storage.open_all(&mut keys, &PublicKeys::default()) {
            assert!(!verdict.outcome.unwrap().belongs_to_public_key());
        }
    }
}

#[test]
fn everything_is_kept_as_it_was_stored() {
    for (_, account) in on_synapse() {
        let storage = account.storage();
        for key in storage.keys() {
            let content = &account.contents[&format!("m.secret_storage.key.{}", key.id())];
            assert_eq!(key.as_json(), content.as_str());
        }
        for (name, secret) in storage.secrets() {
            let written = serde_json::to_string(secret).unwrap();
            assert_eq!(written, account.contents[name.as_str()].as_str());
        }
    }
}

fn unlock(account: &RecordedAccount) -> Vec<SecretStorageKey> {
    let typed = &account.recovery_keys()[0].text;
    account.storage().unlock(typed, &account.public_keys, &Limits::default()).unwrap().keys
}

fn all_entries(account: &RecordedAccount) -> BTreeSet<(String, String)> {
    let key = &account.keys[0].id;
    account.secrets.keys().map(|name| (name.clone(), key.clone())).collect()
}

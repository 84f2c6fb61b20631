//! Every account that real clients made, and what does not unlock it: other keys, other passphrases,
//! mistyped ones and the backup's key, each refused with the reason that it has.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use std::collections::BTreeSet;

use crate::{
    one_of_each,
    support::{
        recorded_account::{RecordedAccount, RecordedKey, Typed, recovery_key},
        recorded_accounts::{described, legacy, on_synapse},
    },
};
use serde_json::Value;
use strongroom::{
    Limits,
    crypto::key_material::KeyMaterial,
    encoding::json_object::JsonObject,
    passphrase::{PassphraseError, PassphraseForm},
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret_storage::{
        KeyDescription, KeyStanding, SecretOpenError, SecretOrigin, UnlockFailure, UnlockOutcome,
    },
    secret_value::PublicKeys,
};

#[test]
fn another_recovery_key_fits_no_description_and_unlocks_nothing() {
    let accounts = accounts();
    let all_keys: BTreeSet<_> =
        accounts.iter().flat_map(|account| &account.keys).map(|key| key.bytes.clone()).collect();
    for account in &accounts {
        let own: BTreeSet<_> = account.keys.iter().map(|key| key.bytes.clone()).collect();
        let mut others: Vec<_> = all_keys.difference(&own).cloned().collect();
        // The bits at the ends of an asymmetric key do not count: these do.
        for (key, place) in own.iter().flat_map(|key| [(key, 1), (key, key.len() - 2)]) {
            let mut changed = key.clone();
            changed[place] ^= 1;
            others.push(changed);
        }
        for other in others {
            assert_fits_nothing(account, &other);
        }
    }
}

/// What is said of a recovery key that is none of the account's: one never gives a key that has not 256 bits.
fn does_not_fit(account: &RecordedAccount) -> UnlockFailure {
    let has_256_bits = |key: &RecordedKey| {
        let bits = account.description(&key.id)["passphrase"]["bits"].as_u64();
        bits.is_none_or(|bits| bits == 256)
    };
    if account.keys.iter().any(has_256_bits) {
        UnlockFailure::RecoveryKeyDoesNotFit
    } else {
        UnlockFailure::PassphraseExpected
    }
}

fn assert_fits_nothing(account: &RecordedAccount, other: &[u8]) {
    let storage = account.storage();
    let material = KeyMaterial::from_slice(other).unwrap();
    for description in storage.keys() {
        let refused = description.accept(&material).err();
        let is_asymmetric = account.is_asymmetric(description.id().as_str());
        let expected = if is_asymmetric && other.len() != 32 {
            UnlockOutcome::KeyLength(other.len())
        } else {
            UnlockOutcome::DoesNotFit
        };
        assert_eq!(refused, Some(expected), "{}", account.name);
    }
    let Some(text) = recovery_key(other) else { return };
    let error = storage.unlock(&text, &PublicKeys::default(), &Limits::default()).unwrap_err();
    assert_eq!(error.reason, does_not_fit(account), "{}", account.name);
    assert_eq!(error.recovery_key, None);
    account.assert_attempts(&error.attempts, &fits_nothing(None));
}

#[test]
fn a_key_that_is_longer_or_shorter_does_not_fit() {
    for account in accounts() {
        for key in &account.keys {
            let longer = [&key.bytes[..], &[0]].concat();
            let shorter = &key.bytes[..key.bytes.len() - 1];
            for other in [&longer, shorter] {
                let Some(other) = KeyMaterial::from_slice(other) else { continue };
                let expected = if account.is_asymmetric(&key.id) {
                    UnlockOutcome::KeyLength(other.expose_bytes().len())
                } else {
                    UnlockOutcome::DoesNotFit
                };
                let storage = account.storage();
                let description = storage.key(&key.key_id()).unwrap();
                assert_eq!(description.accept(&other).err(), Some(expected), "{}", account.name);
            }
        }
    }
}

#[test]
fn a_mistyped_recovery_key_is_refused_with_what_is_wrong_with_it() {
    // What cannot be a recovery key is tried as a passphrase, which takes time: not here.
    let mut limits = Limits::default();
    limits.pbkdf2_rounds = 1_000;
    for account in accounts() {
        let storage = account.storage_within(&limits);
        for typed in account.recovery_keys() {
            for (mistyped, expected) in mistyped(&typed.text) {
                let error = storage.unlock(&mistyped, &account.public_keys, &limits).unwrap_err();
                let is_one = matches!(error.reason, UnlockFailure::Mistyped(_));
                assert!(
                    is_one || error.reason == UnlockFailure::RecoveryKey(expected),
                    "{mistyped}"
                );
                assert_eq!(error.recovery_key, Some(expected));
                for attempt in &error.attempts {
                    let id = attempt.key_id.as_str();
                    let asked = account.description(id)["passphrase"]["iterations"].as_u64();
                    let expected = match asked {
                        Some(asked) => UnlockOutcome::Passphrase(PassphraseError::TooManyRounds {
                            asked,
                            limit: 1_000,
                        }),
                        None => UnlockOutcome::NoPassphrase,
                    };
                    assert_eq!(attempt.outcome, expected, "{}", account.name);
                }
                assert_eq!(error.attempts.len(), account.keys.len());
            }
        }
    }
}

/// One mistake of each kind.
fn mistyped(text: &str) -> Vec<(String, RecoveryKeyError)> {
    let (rest, last) = text.split_at(text.len() - 1);
    let mut swapped: Vec<_> = text.bytes().collect();
    swapped.swap(0, 1);
    let mut mistakes = vec![
        (format!("{rest}0"), RecoveryKeyError::Character { position: text.len() }),
        (rest.to_owned(), RecoveryKeyError::Length { found: 47 }),
        (format!("{text}{last}"), RecoveryKeyError::Length { found: 49 }),
        (String::from_utf8(swapped).unwrap(), RecoveryKeyError::Prefix),
    ];
    let other = if last == "a" { "b" } else { "a" };
    let typo = format!("{rest}{other}");
    // One in 256 typing mistakes gives another key.
    if RecoveryKey::parse(&typo).is_err() {
        mistakes.push((typo, RecoveryKeyError::Parity));
    }
    mistakes
}

#[test]
fn another_passphrase_does_not_fit() {
    let mut refused = 0;
    for account in one_of_each(5, accounts()) {
        let storage = account.storage();
        for typed in account.passphrases() {
            let other = format!("{} ", typed.text);
            let error =
                storage.unlock(&other, &account.public_keys, &Limits::default()).unwrap_err();
            assert_eq!(error.reason, UnlockFailure::PassphraseDoesNotFit, "{}", account.name);
            assert_eq!(error.recovery_key, RecoveryKey::parse(&other).err());
            account.assert_attempts(&error.attempts, &fits_nothing(typed.typed_as));
            refused += 1;
        }
    }
    assert!(refused > 0, "there are no passphrases");
}

#[test]
fn a_passphrase_is_no_key_where_none_has_one() {
    let mut refused = 0;
    for account in accounts() {
        if account.keys.iter().any(|key| account.has_passphrase(&key.id)) {
            continue;
        }
        let (typed, storage) = ("correct horse battery staple", account.storage());
        let error = storage.unlock(typed, &account.public_keys, &Limits::default()).unwrap_err();
        // The "l" is the first that no recovery key has.
        let expected = RecoveryKeyError::Character { position: 27 };
        assert_eq!(error.reason, UnlockFailure::RecoveryKeyExpected, "{}", account.name);
        assert_eq!(error.recovery_key, Some(expected));
        let passphrase = Some(PassphraseForm::AsTyped);
        account.assert_attempts(&error.attempts, &fits_nothing(passphrase));
        refused += 1;
    }
    assert!(refused > 0, "every account has a passphrase");
}

#[test]
fn the_key_of_the_backup_is_told_from_that_of_secret_storage() {
    let (mut refused, mut both) = (0, 0);
    for account in accounts() {
        let Some(secret) = account.secrets.get("m.megolm_backup.v1") else { continue };
        let typed = recovery_key(&secret.key()).unwrap();
        let (storage, limits) = (account.storage(), Limits::default());
        let unlocked = storage.unlock(&typed, &account.public_keys, &limits);
        if account.keys.iter().any(|key| key.bytes == secret.key()) {
            assert!(unlocked.is_ok(), "{}: it is the key of both", account.name);
            both += 1;
            continue;
        }
        let error = unlocked.unwrap_err();
        let expected = match account.public_keys.backup {
            Some(_) => UnlockFailure::BackupKey,
            None => does_not_fit(&account),
        };
        assert_eq!(error.reason, expected, "{}", account.name);
        refused += usize::from(expected == UnlockFailure::BackupKey);
    }
    assert!(refused > 0 && both > 0, "both kinds occur");
}

#[test]
fn without_its_check_a_key_is_proven_by_what_it_opens_and_another_opens_nothing() {
    let mut tried = 0;
    for account in accounts().iter().map(without_checks) {
        let storage = account.storage();
        assert!(!storage.keys().any(KeyDescription::can_be_checked));
        // What others can guess is proven by nothing.
        let few = |key: &KeyDescription| {
            let passphrase = key.passphrase().ok().flatten();
            passphrase.is_some_and(|read| read.value.is_guessable())
        };
        if storage.keys().any(few) {
            continue;
        }
        tried += 1;
        for typed in account.recovery_keys() {
            let mut unlocked =
                storage.unlock(&typed.text, &PublicKeys::default(), &Limits::default()).unwrap();
            let ids: BTreeSet<_> = unlocked.keys.iter().map(|key| key.id().to_string()).collect();
            assert_eq!(ids, typed.keys, "{}", account.name);
            for attempt in &unlocked.attempts {
                let expected = match typed.keys.contains(attempt.key_id.as_str()) {
                    true => UnlockOutcome::Fits(None, KeyStanding::Proven),
                    false => UnlockOutcome::OpensNothing,
                };
                assert_eq!(attempt.outcome, expected, "{}", account.name);
            }
            for verdict in storage.open_all(&mut unlocked.keys, &account.public_keys) {
                if let Ok(opened) = verdict.outcome {
                    account.assert_opened(verdict.name.as_str(), &opened);
                }
            }
        }
        assert_another_opens_nothing(&account);
    }
    assert!(tried > 0, "some have rounds enough");
}

fn assert_another_opens_nothing(account: &RecordedAccount) {
    let storage = account.storage();
    let other = [7; 32];
    let typed = recovery_key(&other).unwrap();
    let error = storage.unlock(&typed, &PublicKeys::default(), &Limits::default()).unwrap_err();
    assert_eq!(error.reason, does_not_fit(account), "{}", account.name);
    assert!(error.attempts.iter().all(|it| it.outcome == UnlockOutcome::OpensNothing));
    let other = KeyMaterial::from_slice(&other).unwrap();
    for description in storage.keys() {
        let mut key = description.accept(&other).unwrap();
        assert_eq!(key.standing(), KeyStanding::Unverifiable);
        for (name, secret) in storage.secrets() {
            let is_passthrough =
                account.entries(name.as_str()).get(key.id().as_str()).map(is_passthrough);
            match (is_passthrough, key.open(name, secret)) {
                (None, Err(SecretOpenError::OtherKeys)) => {}
                (Some(false), Err(SecretOpenError::WrongKey)) => {}
                // Nothing tells a key from another here: so it proves no key.
                (Some(true), Ok(opened)) => assert_eq!(opened.origin(), SecretOrigin::Passthrough),
                (_, opened) => panic!("{}: {name}: {opened:?}", account.name),
            }
        }
        assert_eq!(key.standing(), KeyStanding::Unverifiable, "{}", account.name);
    }
}

/// As a server could change it, that wants any key to be taken.
fn without_checks(account: &RecordedAccount) -> RecordedAccount {
    let mut changed = account.clone();
    for key in &account.keys {
        let mut description = account.description(&key.id);
        for member in ["iv", "mac", "pubkey"] {
            description.as_object_mut().unwrap().remove(member);
        }
        let content = JsonObject::from_json(description.to_string().as_bytes()).unwrap();
        changed.contents.insert(format!("m.secret_storage.key.{}", key.id), content);
    }
    changed
}

fn is_passthrough(entry: &Value) -> bool {
    entry.get("passthrough").is_some()
}

fn fits_nothing(typed_as: Option<PassphraseForm>) -> Typed {
    Typed { text: String::new(), typed_as, keys: BTreeSet::new() }
}

fn accounts() -> Vec<RecordedAccount> {
    let symmetric = described().into_iter().chain(on_synapse()).map(|(_, account)| account);
    legacy().into_iter().chain(symmetric).collect()
}

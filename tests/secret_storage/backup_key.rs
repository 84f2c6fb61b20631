//! One call for what a person has.

use serde_json::json;
use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo, TrustedBackup},
    client::{flow::EnterError, unlock_backup_key},
    encoding::format::FormatProblem,
    provenance::Provenance,
    secret::SecretBytes,
    secret_storage::SecretStorage,
};

use crate::account::{ASYMMETRIC_ID, Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key};

const NAME: &str = "m.megolm_backup.v1";

fn backup_key(bytes: &[u8; 32]) -> BackupDecryptionKey {
    BackupDecryptionKey::from_bytes(SecretBytes::init_with(|it| *it = *bytes))
}

fn version(auth_data: serde_json::Value) -> BackupVersionInfo {
    let json = json!({
        "version": "1", "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": auth_data,
    });
    BackupVersionInfo::from_json(json.to_string().as_bytes(), &Limits::default()).unwrap()
}

fn version_of(key: &BackupDecryptionKey) -> BackupVersionInfo {
    version(json!({"public_key": key.public_key().to_base64()}))
}

fn unlock(
    typed: &str,
    storage: &SecretStorage,
    version: &BackupVersionInfo,
) -> Result<BackupDecryptionKey, EnterError> {
    unlock_backup_key(typed, storage, version, &Limits::default())
}

#[test]
fn the_key_of_the_storage_and_both_texts_of_the_backups_own_key_give_it() {
    let key = backup_key(OTHER_KEY);
    let text = key.to_base64();
    let account = Account::default().with_key(ID, KEY);
    let storage = account.with_secret(NAME, ID, KEY, text.expose_str()).storage();
    let info = version_of(&key);
    let unlocked = unlock(&recovery_key(KEY), &storage, &info).unwrap();
    assert_eq!(unlocked.public_key(), key.public_key());
    assert_eq!(unlocked.provenance(), Provenance::AuthenticatedSecretStorage);
    let padded = format!(" {}=\n", text.expose_str());
    for typed in [recovery_key(OTHER_KEY), text.expose_str().to_owned(), padded] {
        for storage in [&storage, &SecretStorage::default()] {
            let unlocked = unlock(&typed, storage, &info).unwrap();
            assert_eq!(unlocked.public_key(), key.public_key());
            assert_eq!(unlocked.provenance(), Provenance::TypedByUser);
            assert!(TrustedBackup::by_decryption_key(&info, &unlocked, &[]).is_ok());
        }
    }
}

#[test]
fn a_planted_key_opens_and_trusts_nothing() {
    let key = backup_key(OTHER_KEY);
    let account = Account::default().with_asymmetric_key(ASYMMETRIC_ID, KEY);
    let text = key.to_base64();
    let account = account.with_asymmetric_secret(NAME, ASYMMETRIC_ID, KEY, text.expose_str());
    let info = version_of(&key);
    let unlocked = unlock(&recovery_key(KEY), &account.storage(), &info).unwrap();
    assert_eq!(unlocked.provenance(), Provenance::Unauthenticated);
    assert!(TrustedBackup::by_decryption_key(&info, &unlocked, &[]).is_err());
}

#[test]
fn the_passphrase_of_an_old_backup_gives_its_key_and_few_rounds_make_no_key_authentic() {
    for (rounds, provenance) in
        [(10_000, Provenance::TypedByUser), (1_000, Provenance::Unauthenticated)]
    {
        let parameters = json!({"algorithm": "m.pbkdf2", "salt": "aBcD", "iterations": rounds});
        let parameters = parameters.to_string();
        let read = strongroom::passphrase::PassphraseParameters::from_json(
            parameters.as_bytes(),
            &Limits::default(),
        );
        let derived = read.unwrap().value.derive("correct horse");
        let key = backup_key(derived.expose_bytes().try_into().unwrap());
        let info = version(json!({
            "public_key": key.public_key().to_base64(),
            "private_key_salt": "aBcD", "private_key_iterations": rounds,
        }));
        let own = key.to_recovery_key().to_text();
        for typed in ["correct horse", own.expose_str()] {
            let unlocked = unlock(typed, &SecretStorage::default(), &info).unwrap();
            assert_eq!(unlocked.public_key(), key.public_key());
            assert_eq!(unlocked.provenance(), provenance, "{rounds}");
        }
        let error = unlock("wrong horse", &SecretStorage::default(), &info).unwrap_err();
        assert!(error.to_string().contains("does not open anything"), "{error}");
    }
}

#[test]
fn an_error_names_the_piece_that_does_not_fit() {
    let (key, other) = (backup_key(OTHER_KEY), backup_key(KEY));
    let (info, empty) = (version_of(&key), Account::default().with_key(ID, KEY));
    let error = unlock(&recovery_key(KEY), &empty.storage(), &info).unwrap_err();
    assert_eq!(error, EnterError::NotStored);
    let text = other.to_base64();
    let older = empty.clone().with_secret(NAME, ID, KEY, text.expose_str());
    let error = unlock(&recovery_key(KEY), &older.storage(), &info).unwrap_err();
    assert!(matches!(error, EnterError::NotOpened(_)), "{error}");
    let third = recovery_key(b"thirty-two bytes that are third.");
    for (typed, storage, sentence) in [
        (third.as_str(), empty.storage(), "does not open anything"),
        (third.as_str(), SecretStorage::default(), "does not open anything"),
        ("a passphrase", SecretStorage::default(), "the recovery key of the backup"),
        ("", SecretStorage::default(), "nothing was entered"),
    ] {
        let error = unlock(typed, &storage, &info).unwrap_err();
        assert!(matches!(error, EnterError::NotUnlocked(_)), "{error}");
        assert!(error.to_string().contains(sentence), "{error}");
    }
    let error = unlock(&third, &empty.storage(), &version(json!({}))).unwrap_err();
    assert!(matches!(error, EnterError::AuthData(_)), "{error}");
}

#[test]
fn account_data_is_read_from_owned_pairs_and_from_borrowed_ones() {
    let events = Account::default().with_key(ID, KEY).with_key(OTHER_ID, OTHER_KEY).events();
    let limits = Limits::default();
    let borrowed = events.iter().map(|(event_type, content)| (event_type, content));
    assert_eq!(SecretStorage::from_account_data(borrowed, &limits).keys().count(), 2);
    assert_eq!(SecretStorage::from_account_data(&events, &limits).keys().count(), 2);
    assert_eq!(SecretStorage::from_account_data(events, &limits).keys().count(), 2);
}

#[test]
fn account_data_are_read_from_one_text_in_each_form_that_they_come_in() {
    let events = Account::default().with_key(ID, KEY).with_key(OTHER_ID, OTHER_KEY).events();
    let by_type: Vec<_> = events
        .iter()
        .map(|(name, content)| format!("{}:{}", json!(name.as_str()), content.as_str()))
        .collect();
    let listed: Vec<_> = events
        .iter()
        .map(|(name, content)| {
            format!(r#"{{"content":{},"type":{}}}"#, content.as_str(), json!(name.as_str()))
        })
        .collect();
    let (by_type, listed) = (by_type.join(","), listed.join(","));
    let limits = Limits::default();
    for snapshot in [
        format!("{{{by_type}}}"),
        format!(r#"{{{by_type},"org.example.no_content":7}}"#),
        format!("[{listed}]"),
        format!(r#" [7,{{"type":"org.example"}},{listed},{{"content":{{}}}}]"#),
        format!(r#"{{"events":[{listed}]}}"#),
    ] {
        let storage = SecretStorage::from_json(snapshot.as_bytes(), &limits).unwrap();
        assert_eq!(storage.keys().count(), 2, "{snapshot}");
        assert!(storage.findings().is_empty(), "{snapshot}");
    }
    let none = |snapshot: &str| SecretStorage::from_json(snapshot.as_bytes(), &limits).unwrap();
    assert_eq!(none("{}").keys().count() + none("[]").keys().count(), 0);
    for (text, problem) in [
        ("", FormatProblem::NotJson),
        ("[", FormatProblem::NotJson),
        ("{} {}", FormatProblem::NotJson),
        ("\"x\"", FormatProblem::NotAnObject),
        (r#"{"events":7}"#, FormatProblem::Unusable("events")),
    ] {
        let error = SecretStorage::from_json(text.as_bytes(), &limits).unwrap_err();
        assert_eq!(error, problem.of("the account data"), "{text}");
    }
}

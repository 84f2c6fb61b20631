//! What is left behind when keys and secrets are deleted by hand or by other clients: emptied entries, descriptions that
//! are gone, keys that were replaced (rows 50, 51, 62 and 64 of the list of malformations).

use serde_json::json;
use sha2::Sha512;
use strongroom::{
    Limits,
    encoding::{format::FormatProblem, json_object::JsonObject},
    ids::SecretStorageKeyId,
    secret_storage::{
        ChangeError, EncryptedSecret, KeyStanding, PlanNote, SecretStorage, SecretStorageFinding,
        UnlockError, UnlockFailure, UnlockOutcome, Unlocked,
    },
    secret_value::PublicKeys,
};

use crate::account::{ASYMMETRIC_ID, Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key};

const NAME: &str = "m.megolm_backup.v1";
/// A member that nobody knows.
const OTHER: &str = "\"other\"";
const OTHER_NAME: &str = "m.cross_signing.master";

#[test]
fn row_50_a_secret_that_was_emptied_is_missing() {
    let contents = [
        r#"{"encrypted":{}}"#,
        r#"{"encrypted":null}"#,
        r#"{ "encrypted" : { } , "other": 1 }"#,
        r#"{"encrypted":{"key":{}}}"#,
        r#"{"encrypted":{"key":{ },"other key":null}}"#,
        r#"{"encrypted":{"key":null},"key":{"passthrough":false}}"#,
        r#"{"encrypted":[]}"#,
        r#"{"encrypted":""}"#,
        r#"{"encrypted":false}"#,
        r#"{"encrypted":0}"#,
        r#"{"encrypted":[{},""]}"#,
        r#"{"encrypted":{"key":[]}}"#,
        r#"{"encrypted":{"key":"","other key":false,"third":0.0}}"#,
        r#"{"encrypted":{"key":{"iv":"","ciphertext":"","mac":""}}}"#,
        r#"{"encrypted":{"key":{"iv":null,"ciphertext":null,"mac":null}}}"#,
        r#"{"encrypted":{"key":{"iv":"AAAAAAAAAAAAAAAAAAAAAA","ciphertext":"","mac":""}}}"#,
        r#"{"encrypted":{"key":{"ephemeral":"AAAA","ciphertext":"","mac":null}}}"#,
        r#"{"encrypted":{"key":{"passthrough":false}}}"#,
    ];
    for content in contents {
        let object = JsonObject::from_json(content.as_bytes()).unwrap();
        let read = EncryptedSecret::from_json(&object);
        assert_eq!(read.unwrap_err(), FormatProblem::Deleted.of("the secret"), "{content}");
        let mut account = Account::default().with_key(ID, KEY);
        account.put_text(NAME, content);
        let storage = account.storage();
        assert!(storage.secret(&NAME.into()).is_none(), "{content}");
        assert_eq!((storage.findings(), storage.secrets().count()), (&[][..], 0), "{content}");
        let mut keys = unlock(&storage, KEY).unwrap().keys;
        assert!(storage.open_all(&mut keys, &PublicKeys::default()).is_empty(), "{content}");
        // It can be stored again, and what stands beside it stays.
        let text = strongroom::encoding::base64::encode(&[7; 32]);
        let value =
            strongroom::secret_value::SecretValue::kept_by_host(&NAME.into(), text.as_bytes());
        let value = value.unwrap().value;
        account.put_json("m.secret_storage.default_key", json!({ "key": ID }));
        let plan = account.storage().plan(&keys, &Limits::default(), |change| change.store(&value));
        let step = plan.unwrap().steps()[0].clone();
        assert_eq!(step.content.as_str().contains(OTHER), content.contains(OTHER));
    }
    // What is not empty is not missing.
    for content in [r#"{"encrypted":["x"]}"#, r#"{"encrypted":"x"}"#, r#"{"encrypted":true}"#] {
        let object = JsonObject::from_json(content.as_bytes()).unwrap();
        let read = EncryptedSecret::from_json(&object);
        assert_eq!(
            read.unwrap_err(),
            FormatProblem::Unusable("encrypted").of("the secret"),
            "{content}"
        );
    }
}

#[test]
fn row_50_an_emptied_entry_hides_no_other() {
    let mut account = Account::default().with_key(ID, KEY).with_key(OTHER_ID, OTHER_KEY);
    account = account.with_secret(NAME, ID, KEY, "text");
    account.secret_mut(NAME)["encrypted"][OTHER_ID] = json!({});
    account.secret_mut(NAME)["encrypted"]["third"] = json!(null);
    let storage = account.storage();
    let secret = storage.secret(&NAME.into()).unwrap();
    assert_eq!(secret.key_ids().count(), 1);
    assert_eq!(storage.undescribed_keys().count(), 0);
    assert_eq!(unlock(&storage, KEY).unwrap().keys.len(), 1);
}

/// An event that says nothing of its own is no other data, and can be written.
#[test]
fn row_50_a_known_secret_in_which_nothing_stands_is_missing() {
    for content in ["{}", r#"{"ciphertext":""}"#, r#"{"key":{},"iv":null}"#] {
        let mut account = Account::default().with_key(ID, KEY);
        account.put_json("m.secret_storage.default_key", json!({ "key": ID }));
        account.put_text(NAME, content);
        let storage = account.storage();
        assert_eq!((storage.findings(), storage.secrets().count()), (&[][..], 0), "{content}");
        let keys = unlock(&storage, KEY).unwrap().keys;
        let text = strongroom::encoding::base64::encode(&[7; 32]);
        let value =
            strongroom::secret_value::SecretValue::kept_by_host(&NAME.into(), text.as_bytes());
        let value = value.unwrap().value;
        let plan = storage.plan(&keys, &Limits::default(), |change| change.store(&value));
        assert_eq!(plan.unwrap().steps().len(), 1, "{content}");
    }
}

#[test]
fn row_50_an_empty_member_is_as_good_as_none() {
    let mut account = Account::default().with_key(ID, KEY).with_secret(NAME, ID, KEY, "text");
    for nothing in [json!(null), json!(""), json!([]), json!({}), json!(false), json!(0)] {
        // The default key.
        account.key_mut(ID)["name"] = nothing.clone();
        account.put_json("m.secret_storage.default_key", json!({ "key": nothing, "other": 1 }));
        let storage = account.storage();
        assert_eq!((storage.default_key(), storage.findings()), (None, &[][..]), "{nothing}");
        account.key_mut(ID)["name"] = json!("m.default");
        assert_eq!(account.storage().default_key(), Some(&ID.into()), "{nothing}");
        // The passphrase, whole or member by member.
        for passphrase in [nothing.clone(), json!({ "algorithm": nothing, "salt": nothing })] {
            account.key_mut(ID)["passphrase"] = passphrase;
            let storage = account.storage();
            assert_eq!(storage.key(&ID.into()).unwrap().passphrase(), Ok(None), "{nothing}");
        }
        // The check, and what it stands in.
        let mut unchecked = account.clone();
        unchecked.key_mut(ID)["mac"] = nothing.clone();
        assert!(!unchecked.storage().key(&ID.into()).unwrap().can_be_checked());
        let keys = unlock(&unchecked.storage(), KEY).unwrap().keys;
        assert_eq!(keys[0].standing(), KeyStanding::Proven, "{nothing}");
        let mut asymmetric = Account::default().with_asymmetric_key(ASYMMETRIC_ID, KEY);
        asymmetric.key_mut(ASYMMETRIC_ID)["pubkey"] = nothing.clone();
        let storage = asymmetric.storage();
        assert!(!storage.key(&ASYMMETRIC_ID.into()).unwrap().can_be_checked());
        *unchecked.key_mut(ID) = json!({ "algorithm": nothing, "iv": nothing });
        let storage = unchecked.storage();
        assert!(storage.key(&ID.into()).is_none(), "{nothing}");
        assert_eq!(unlock(&storage, KEY).unwrap().keys.len(), 1, "{nothing}");
    }
}

/// Old clients for Android and iOS left the IV out; an empty one is none, too.
#[test]
fn row_50_an_empty_iv_is_one_of_zeros() {
    let mut account = Account::default().with_key(ID, KEY);
    let entry = crate::specification::entry(KEY, NAME, &[0; 16], "text");
    for nothing in [json!(null), json!(""), json!([]), json!(0)] {
        let mut entry = entry.clone();
        entry["iv"] = nothing.clone();
        account.put_json(NAME, json!({ "encrypted": { ID: entry } }));
        let storage = account.storage();
        let mut keys = unlock(&storage, KEY).unwrap().keys;
        let opened = storage.open(&NAME.into(), &mut keys, &PublicKeys::default());
        assert_eq!(opened.unwrap().text().expose_str(), "text", "{nothing}");
    }
}

#[test]
fn row_51_a_recovery_key_is_tried_on_the_secrets_of_a_key_that_nothing_describes() {
    let described = Account::default()
        .with_key(ID, KEY)
        .with_secret(NAME, ID, KEY, "text")
        .with_secret(OTHER_NAME, ID, KEY, "text");
    let event = format!("m.secret_storage.key.{ID}");
    let broken = [
        None,
        Some(json!({})),
        Some(json!({ "name": "my key" })),
        Some(json!({ "algorithm": null, "iv": "AAAA", "mac": "AAAA" })),
        Some(json!({ "algorithm": 7 })),
        Some(json!({ "algorithm": "m.secret_storage.v1.aes-hmac-sha2", "extra": 1.5e300 })),
    ];
    for content in broken {
        let mut account = described.clone();
        account.remove(&event);
        if let Some(content) = &content {
            account.put_json(&event, content.clone());
        }
        let storage = account.storage();
        let is_described = storage.key(&ID.into()).is_some();
        assert_eq!(storage.undescribed_keys().count(), usize::from(!is_described), "{content:?}");
        let mut unlocked = unlock(&storage, KEY).unwrap();
        assert_eq!(unlocked.keys[0].standing(), KeyStanding::Proven, "{content:?}");
        let opened = storage.open_all(&mut unlocked.keys, &PublicKeys::default());
        assert!(opened.iter().all(|verdict| verdict.outcome.is_ok()), "{content:?}");
        let error = unlock(&storage, OTHER_KEY).unwrap_err();
        assert_eq!(error.reason, UnlockFailure::RecoveryKeyDoesNotFit, "{content:?}");
        assert_eq!(error.attempts[0].outcome, UnlockOutcome::OpensNothing, "{content:?}");
        // One secret that was changed costs only itself.
        account.secret_mut(OTHER_NAME)["encrypted"][ID]["mac"] = json!("AAAA");
        assert_eq!(unlock(&account.storage(), KEY).unwrap().keys.len(), 1, "{content:?}");
    }
}

/// Whoever has nothing but the passphrase gets in, as long as it is written how the key comes from it.
#[test]
fn row_51_a_passphrase_that_is_left_of_a_description_is_tried() {
    let rounds = |rounds: u32| {
        let passphrase = json!({ "algorithm": "m.pbkdf2", "iterations": rounds, "salt": "salt" });
        let key = pbkdf2::pbkdf2_hmac_array::<Sha512, 32>(b"correct horse", b"salt", rounds);
        (passphrase, key)
    };
    let account = |(passphrase, key): &(serde_json::Value, [u8; 32]), algorithm| {
        let mut account = Account::default().with_key(ID, key).with_secret(NAME, ID, key, "text");
        let mut content = account.key_mut(ID).clone();
        content["passphrase"] = passphrase.clone();
        content["algorithm"] = algorithm;
        account.put_json(&format!("m.secret_storage.key.{ID}"), content);
        account.storage()
    };
    let typed = |storage: &SecretStorage, text: &str| {
        storage.unlock(text, &PublicKeys::default(), &Limits::default())
    };
    let (usual, few) = (rounds(100_000), rounds(1));
    for algorithm in [json!(null), json!(""), json!("m.secret_storage.v1.aes-hmac-sha2 ")] {
        let storage = account(&usual, algorithm.clone());
        let unlocked = typed(&storage, "correct horse").unwrap();
        assert_eq!(unlocked.keys[0].standing(), KeyStanding::Proven, "{algorithm}");
        let wrong = typed(&storage, "correct house").unwrap_err();
        // An algorithm that is not known may be one of the future.
        let is_named = algorithm.as_str().is_some_and(|name| !name.is_empty());
        let reason = match is_named {
            true => UnlockFailure::NothingToTry,
            false => UnlockFailure::PassphraseDoesNotFit,
        };
        assert_eq!(wrong.reason, reason, "{algorithm}");
        assert!(unlock(&storage, &usual.1).is_ok(), "{algorithm}");
        // What others can guess proves nothing, and the recovery key does as before.
        let guessable = account(&few, algorithm.clone());
        let reason = typed(&guessable, "correct horse").unwrap_err().reason;
        assert_eq!(reason, UnlockFailure::RecoveryKeyExpected, "{algorithm}");
        let unlocked = unlock(&guessable, &few.1).unwrap();
        assert_eq!(unlocked.keys[0].standing(), KeyStanding::Proven, "{algorithm}");
    }
}

#[test]
fn row_51_a_key_that_nothing_describes_is_described_again() {
    let event = format!("m.secret_storage.key.{ID}");
    let passphrase = json!({ "algorithm": "m.pbkdf2", "iterations": 500_000, "salt": "salt" });
    let left = json!({ "name": "my key", "passphrase": passphrase, "iv": "old", "signatures": {} });
    for left in [None, Some(json!({})), Some(left)] {
        let mut account = Account::default().with_secret(NAME, ID, KEY, "text");
        account.put_json("m.secret_storage.default_key", json!({ "key": ID }));
        if let Some(left) = &left {
            account.put_json(&event, left.clone());
        }
        let storage = account.storage();
        let keys = unlock(&storage, KEY).unwrap().keys;
        let id = SecretStorageKeyId::from(ID);
        let plan = storage.plan(&keys, &Limits::default(), |change| change.describe_again(&id));
        let plan = plan.unwrap();
        assert_eq!(plan.steps().len(), 1);
        assert_eq!(plan.steps()[0].reason, PlanNote::DescribeKeyAgain(id.clone()));
        account.put_text(&event, plan.steps()[0].content.as_str());
        let mended = account.storage();
        assert_eq!((mended.findings(), mended.undescribed_keys().count()), (&[][..], 0));
        assert_eq!(unlock(&mended, KEY).unwrap().keys[0].standing(), KeyStanding::Checked);
        let key = mended.key(&id).unwrap();
        let has_left = left.is_some_and(|left| left.get("passphrase").is_some());
        assert_eq!(key.passphrase().unwrap().is_some(), has_left);
        assert_eq!(key.name(), has_left.then_some("my key"));
        assert!(!key.as_json().contains("signatures"));
        let again = mended.plan(&keys, &Limits::default(), |change| change.describe_again(&id));
        assert_eq!(again.unwrap_err(), ChangeError::KeyExists(id.clone()));
        let without = storage.plan(&[], &Limits::default(), |change| change.describe_again(&id));
        assert_eq!(without.unwrap_err(), ChangeError::NoSuchKey(id));
    }
}

#[test]
fn row_51_an_asymmetric_key_that_nothing_describes_is_found_and_not_described() {
    let mut account = Account::default()
        .with_asymmetric_key(ASYMMETRIC_ID, KEY)
        .with_asymmetric_secret(NAME, ASYMMETRIC_ID, KEY, "text");
    account.remove(&format!("m.secret_storage.key.{ASYMMETRIC_ID}"));
    let storage = account.storage();
    let keys = unlock(&storage, KEY).unwrap().keys;
    assert!(keys[0].is_asymmetric());
    assert!(unlock(&storage, OTHER_KEY).is_err());
    let id = SecretStorageKeyId::from(ASYMMETRIC_ID);
    let plan = storage.plan(&keys, &Limits::default(), |change| change.describe_again(&id));
    assert_eq!(plan.unwrap_err(), ChangeError::Asymmetric(id));
}

/// A server can name as many keys as it likes.
#[test]
fn row_51_many_keys_that_nothing_describes_are_tried_once_each() {
    let mut account = Account::default().with_secret(NAME, ID, KEY, "text");
    let entry = account.secret_mut(NAME)["encrypted"][ID].clone();
    for number in 0..2_000 {
        account.secret_mut(NAME)["encrypted"][format!("k{number}")] = entry.clone();
    }
    let storage = account.storage();
    let unlocked = unlock(&storage, KEY).unwrap();
    assert_eq!((unlocked.keys.len(), unlocked.attempts.len()), (2_001, 2_001));
    assert_eq!(unlock(&storage, OTHER_KEY).unwrap_err().attempts.len(), 2_001);
}

#[test]
fn row_62_a_check_that_cannot_be_read_is_a_finding_of_the_storage() {
    let good = Account::default().with_key(ID, KEY).with_secret(NAME, ID, KEY, "text");
    for (member, value) in [
        ("mac", json!("!")),
        ("mac", json!("AAAA")),
        ("mac", json!(7)),
        ("iv", json!("!")),
        ("iv", json!([])),
        ("iv", json!("")),
    ] {
        let mut account = good.clone();
        account.key_mut(ID)[member] = value.clone();
        let storage = account.storage();
        let found = storage.findings();
        assert!(
            matches!(found, [SecretStorageFinding::KeyCheck(id, _)] if id.as_str() == ID),
            "{member} {value}: {found:?}"
        );
        assert_eq!(unlock(&storage, KEY).unwrap().keys[0].standing(), KeyStanding::Proven);
        assert!(unlock(&storage, OTHER_KEY).is_err());
        account.remove(NAME);
        let key = &unlock(&account.storage(), KEY).unwrap().keys[0];
        assert_eq!(key.standing(), KeyStanding::Unverifiable, "{member} {value}");
    }
    let mut account = good;
    account.key_mut(ID)["iv"] = json!(null);
    let error = FormatProblem::Unusable("iv").of("it");
    assert_eq!(account.storage().findings(), [SecretStorageFinding::KeyCheck(ID.into(), error)]);
}

#[test]
fn row_64_an_older_key_whose_description_was_left_behind_unlocks_nothing() {
    let both = Account::default()
        .with_key(ID, KEY)
        .with_key(OTHER_ID, OTHER_KEY)
        .with_secret(NAME, ID, KEY, "text");
    let mut emptied = both.clone();
    emptied.secret_mut(NAME)["encrypted"][OTHER_ID] = json!({});
    let mut undescribed = both.clone();
    undescribed.remove(&format!("m.secret_storage.key.{ID}"));
    for (mut account, is_default) in
        [(both.clone(), true), (emptied, true), (undescribed, true), (both, false)]
    {
        let default = if is_default { ID } else { OTHER_ID };
        account.put_json("m.secret_storage.default_key", json!({ "key": default }));
        let storage = account.storage();
        let (key, newer) = (OTHER_ID.into(), ID.into());
        let reason = UnlockFailure::OlderKey { key, newer, is_default };
        let error = unlock(&storage, OTHER_KEY).unwrap_err();
        assert_eq!(error.reason, reason);
        let sentence = if is_default {
            "this is an older key of your key storage, \u{201c}other key\u{201d}, which opens nothing any more; the \
             default one is \u{201c}key\u{201d}"
        } else {
            "this belongs to the key \u{201c}other key\u{201d} of your key storage, which opens nothing; the one in \
             use is \u{201c}key\u{201d}"
        };
        assert_eq!(error.to_string(), sentence);
        assert_eq!(unlock(&storage, KEY).unwrap().keys.len(), 1);
    }
}

/// A second key with which everything is encrypted as well is no older one, nor is a key of a storage with nothing in it.
#[test]
fn row_64_a_key_that_opens_something_or_has_nothing_to_open_unlocks_the_storage() {
    let keys = Account::default().with_key(ID, KEY).with_key(OTHER_ID, OTHER_KEY);
    unlock(&keys.storage(), OTHER_KEY).unwrap();
    let mut both = keys.with_secret(NAME, ID, KEY, "text");
    both.put_json("m.secret_storage.default_key", json!({ "key": ID }));
    both.add_entry(NAME, OTHER_ID, OTHER_KEY, "text");
    unlock(&both.storage(), OTHER_KEY).unwrap();
}

fn unlock(storage: &SecretStorage, key: &[u8; 32]) -> Result<Unlocked, UnlockError> {
    storage.unlock(&recovery_key(key), &PublicKeys::default(), &Limits::default())
}

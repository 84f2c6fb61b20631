//! What unlocks: a key that opens something, whatever its description says (rows 51, 62 and 64 of the list of
//! malformations).

use serde_json::{Value, json};
use strongroom::{
    Limits,
    passphrase::PassphraseParameters,
    secret_storage::{
        ChangeError, KeyStanding, SecretStorage, UnlockError, UnlockFailure, UnlockOutcome,
        Unlocked,
    },
    secret_value::PublicKeys,
};

use crate::account::{ASYMMETRIC_ID, Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key};

const NAME: &str = "m.megolm_backup.v1";
const THIRD_KEY: &[u8; 32] = b"thirty-two bytes that are third.";

/// What may stand under the ID of a key that opens none of it.
fn junk(name: &str) -> Vec<Value> {
    let sealed = Account::default().with_secret(name, ID, THIRD_KEY, "text");
    let sealed: Value = serde_json::from_str(&sealed.content(name)).unwrap();
    vec![
        json!({ "iv": "x" }),
        json!({ "iv": "", "ciphertext": "", "mac": "" }),
        json!([]),
        json!(["x"]),
        json!("x"),
        json!({ "v": 2 }),
        json!({ "passthrough": true }),
        sealed["encrypted"][ID].clone(),
    ]
}

#[test]
fn row_64_a_key_that_opens_nothing_unlocks_nothing_whatever_stands_under_it() {
    let both = Account::default()
        .with_key(ID, KEY)
        .with_key(OTHER_ID, OTHER_KEY)
        .with_secret(NAME, ID, KEY, "text");
    for entry in junk(NAME) {
        for default in [ID, OTHER_ID] {
            let mut account = both.clone();
            account.put_json("m.secret_storage.default_key", json!({ "key": default }));
            account.secret_mut(NAME)["encrypted"][OTHER_ID] = entry.clone();
            let storage = account.storage();
            let reason = unlock(&storage, OTHER_KEY).unwrap_err().reason;
            let (key, newer, is_default) = (OTHER_ID.into(), ID.into(), default == ID);
            assert_eq!(reason, UnlockFailure::OlderKey { key, newer, is_default }, "{entry}");
            let unlocked = unlock(&storage, KEY).unwrap();
            assert_eq!(unlocked.keys[0].id().as_str(), ID, "{entry}");
            assert!(unlocked.attempts.iter().all(|it| it.opens == (it.key_id.as_str() == ID)));
        }
    }
}

#[test]
fn row_64_the_only_key_opens_nothing_and_says_so() {
    for entry in junk(NAME) {
        let mut account = Account::default().with_key(ID, KEY);
        account.put_json("m.secret_storage.default_key", json!({ "key": ID }));
        account.put_json(NAME, json!({ "encrypted": { ID: entry } }));
        let unlocked = unlock(&account.storage(), KEY);
        if account.storage().secrets().count() == 0 {
            assert_eq!(unlocked.unwrap().keys.len(), 1, "{entry}");
            continue;
        }
        let error = unlocked.unwrap_err();
        assert_eq!(error.reason, UnlockFailure::OpensNothing { key: ID.into() }, "{entry}");
        assert_eq!(error.attempts[0].outcome, UnlockOutcome::OpensNothing);
        assert!(error.to_string().contains("opens nothing"), "{error}");
        let wrong = unlock(&account.storage(), OTHER_KEY).unwrap_err().reason;
        assert_eq!(wrong, UnlockFailure::RecoveryKeyDoesNotFit, "{entry}");
        // One secret that it opens is enough.
        let some = account.with_secret("org.example.a", ID, KEY, "");
        assert!(unlock(&some.storage(), KEY).unwrap().attempts[0].opens);
    }
}

/// Where nothing is encrypted, a key is right if it fits the default one's description, or there is no default one.
#[test]
fn row_64_of_a_storage_with_nothing_in_it_the_default_key_is_the_right_one() {
    let mut account = Account::default().with_key(ID, KEY).with_key(OTHER_ID, OTHER_KEY);
    account.put_json(NAME, json!({ "encrypted": { ID: {}, OTHER_ID: [] } }));
    assert!(unlock(&account.storage(), OTHER_KEY).is_ok());
    account.put_json("m.secret_storage.default_key", json!({ "key": ID }));
    let unlocked = unlock(&account.storage(), KEY).unwrap();
    assert!(!unlocked.attempts[0].opens);
    let (key, newer) = (OTHER_ID.into(), ID.into());
    let older = UnlockFailure::OlderKey { key, newer, is_default: true };
    assert_eq!(unlock(&account.storage(), OTHER_KEY).unwrap_err().reason, older);
}

/// A description without a check takes every text for its own.
#[test]
fn row_64_a_key_that_nothing_checks_unlocks_nothing_beside_secrets_of_another() {
    let mut account = Account::default()
        .with_key(ID, KEY)
        .with_key(OTHER_ID, OTHER_KEY)
        .with_secret(NAME, ID, KEY, "text");
    account.remove_check(OTHER_ID);
    for typed in [OTHER_KEY, THIRD_KEY] {
        let reason = unlock(&account.storage(), typed).unwrap_err().reason;
        assert_eq!(reason, UnlockFailure::RecoveryKeyDoesNotFit);
    }
    assert_eq!(unlock(&account.storage(), KEY).unwrap().keys[0].id().as_str(), ID);
}

#[test]
fn row_62_a_check_of_another_key_keeps_the_right_key_from_nothing() {
    let good = Account::default().with_key(ID, KEY).with_secret(NAME, ID, KEY, "text");
    let other = Account::default().with_key(ID, OTHER_KEY);
    let other: Value = serde_json::from_str(&other.content("m.secret_storage.key.key")).unwrap();
    let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (member, value) in [
        ("mac", json!(zeros)),
        ("iv", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("mac", other["mac"].clone()),
    ] {
        let mut account = good.clone();
        account.key_mut(ID)[member] = value.clone();
        let storage = account.storage();
        let keys = unlock(&storage, KEY).unwrap().keys;
        assert_eq!(keys[0].standing(), KeyStanding::Proven, "{member} {value}");
        assert!(storage.open(&NAME.into(), &mut keys.clone(), &PublicKeys::default()).is_ok());
        let wrong = unlock(&storage, THIRD_KEY).unwrap_err();
        assert_eq!(wrong.reason, UnlockFailure::RecoveryKeyDoesNotFit, "{member} {value}");
        assert_eq!(wrong.attempts[0].outcome, UnlockOutcome::DoesNotFit);
        // With nothing to open the check is all there is.
        account.remove(NAME);
        assert!(unlock(&account.storage(), KEY).is_err(), "{member} {value}");
    }
    // The whole description is that of another key: that one fits, and opens nothing.
    let mut replaced = good.clone();
    *replaced.key_mut(ID) = other;
    assert_eq!(unlock(&replaced.storage(), KEY).unwrap().keys[0].standing(), KeyStanding::Proven);
    let reason = unlock(&replaced.storage(), OTHER_KEY).unwrap_err().reason;
    assert_eq!(reason, UnlockFailure::OpensNothing { key: ID.into() });
    // A key that the host has kept is compared with the description alone.
    let kept =
        good.storage().unlock(&recovery_key(KEY), &PublicKeys::default(), &Limits::default());
    let material = strongroom::crypto::key_material::KeyMaterial::from_slice(
        kept.unwrap().keys[0].expose_bytes(),
    );
    let storage = replaced.storage();
    let accepted = storage.key(&ID.into()).unwrap().accept(&material.unwrap());
    assert_eq!(accepted.unwrap_err(), UnlockOutcome::DoesNotFit);
}

#[test]
fn row_62_an_asymmetric_key_is_proven_by_its_secrets_as_well() {
    let mut account = Account::default()
        .with_asymmetric_key(ASYMMETRIC_ID, OTHER_KEY)
        .with_asymmetric_secret(NAME, ASYMMETRIC_ID, KEY, "text");
    let keys = unlock(&account.storage(), KEY).unwrap().keys;
    assert_eq!(keys[0].standing(), KeyStanding::Proven);
    assert!(unlock(&account.storage(), OTHER_KEY).is_err());
    // What nobody encrypted proves nothing.
    account.secret_mut(NAME)["encrypted"][ASYMMETRIC_ID] = json!({ "passthrough": true });
    assert!(unlock(&account.storage(), KEY).is_err());
}

/// What others can guess is compared with its check alone: a server that stores a secret under each of its guesses would
/// learn which one is right.
#[test]
fn row_62_a_guess_is_not_tried_on_secrets_in_spite_of_its_check() {
    let storage = |rounds: i64| {
        let limits = Limits::default();
        let read = PassphraseParameters::from_parts(rounds, "salt", None, &limits).unwrap();
        let key = read.value.derive("1234");
        let key = key.expose_bytes().try_into().unwrap();
        let mut account =
            Account::default().with_key(ID, THIRD_KEY).with_secret(NAME, ID, key, "x");
        account.key_mut(ID)["passphrase"] =
            json!({ "algorithm": "m.pbkdf2", "iterations": rounds, "salt": "salt" });
        (account.storage(), recovery_key(key))
    };
    let (public_keys, limits) = (PublicKeys::default(), Limits::default());
    for (rounds, is_proven) in [(9_999, false), (10_000, true)] {
        let (storage, recovery_key) = storage(rounds);
        for typed in ["1234", &recovery_key] {
            let unlocked = storage.unlock(typed, &public_keys, &limits);
            assert_eq!(unlocked.is_ok(), is_proven, "{rounds}");
        }
    }
}

#[test]
fn row_51_a_description_of_an_algorithm_that_is_a_damaged_name_is_none() {
    let good = Account::default().with_key(ID, KEY).with_secret(NAME, ID, KEY, "text");
    for algorithm in ["", " ", "m.secret_storage.v1.aes-hmac-sha2 ", "aes", "M.Secret_Storage"] {
        let mut account = good.clone();
        account.put_json("m.secret_storage.default_key", json!({ "key": ID }));
        account.key_mut(ID)["algorithm"] = json!(algorithm);
        let storage = account.storage();
        let keys = unlock(&storage, KEY).unwrap().keys;
        assert_eq!(keys[0].standing(), KeyStanding::Proven, "{algorithm:?}");
        let error = unlock(&storage, OTHER_KEY).unwrap_err();
        let outcome = &error.attempts[0].outcome;
        let is_named =
            matches!(outcome, UnlockOutcome::Unsupported(name) if name.as_str() == algorithm);
        assert_eq!(is_named, !algorithm.is_empty(), "{outcome:?}");
        // It is described again.
        let id = ID.into();
        let plan = storage.plan(&keys, &Limits::default(), |change| change.describe_again(&id));
        account.put_text(
            &format!("m.secret_storage.key.{ID}"),
            plan.unwrap().steps()[0].content.as_str(),
        );
        let mended = account.storage();
        assert_eq!(unlock(&mended, KEY).unwrap().keys[0].standing(), KeyStanding::Checked);
        let again = mended.plan(&keys, &Limits::default(), |change| change.describe_again(&id));
        assert_eq!(again.unwrap_err(), ChangeError::KeyExists(id));
    }
}

fn unlock(storage: &SecretStorage, key: &[u8; 32]) -> Result<Unlocked, UnlockError> {
    storage.unlock(&recovery_key(key), &PublicKeys::default(), &Limits::default())
}

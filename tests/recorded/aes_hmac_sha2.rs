//! Symmetric secrets, key checks and derived keys, as matrix-js-sdk made them.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use crate::support::{
    recorded_accounts::{DESCRIPTIONS as KEYS, described},
    vectors::{self, Row},
};
use serde_json::Value;
use strongroom::{
    Limits,
    crypto::key_material::KeyMaterial,
    encoding::{base64, format::FormatProblem, json_object::JsonObject},
    ids::{SecretName, SecretStorageKeyId},
    passphrase::{PassphraseParameters, candidates},
    recovery_key::RecoveryKey,
    secret_storage::{EncryptedSecret, KeyDescription, KeyStanding},
    secret_value::SecretValue,
};

#[test]
fn every_secret_under_a_described_key_opens_to_the_value_that_was_stored() {
    let mut opened = 0;
    for row in vectors::rows(KEYS) {
        let keys = described_keys_of(&row);
        let events = row.member("secret_events").as_object().expect("an object");
        for (name, event) in events {
            let entries = event["encrypted"].as_object().expect("an object");
            for (key_id, entry) in entries {
                let described = keys.iter().find(|key| key.id == *key_id).expect("its key");
                let plaintext = opened_by(described, name, entry);
                let expected = text(&row.member("expected_secrets")[name]);
                assert_eq!(plaintext, expected);
                let read = SecretValue::read(&SecretName::from(name.as_str()), expected.as_bytes());
                let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(read.repairs.is_empty());
                let unpadded = expected.trim_end_matches('=');
                assert_eq!(read.value.to_text().expose_str(), unpadded);
                opened += 1;
            }
        }
    }
    assert!(opened > 0, "there are no secrets");
}

#[test]
fn every_passphrase_gives_the_described_key() {
    let mut derived = 0;
    for row in vectors::rows(KEYS) {
        let Some(passphrase) = row.get_text("passphrase") else { continue };
        let json = &row.member("key_description")["passphrase"];
        let read = PassphraseParameters::from_json(json.to_string().as_bytes(), &Limits::default())
            .unwrap_or_else(|error| panic!("{}: {error}", row.name()));
        assert_eq!(read.value.salt(), text(&json["salt"]));
        let rounds = json["iterations"].as_u64().expect("a number");
        assert_eq!(u64::from(read.value.rounds()), rounds);
        let few = read.value.is_guessable();
        assert_eq!(few, rounds < 10_000, "{:?}", read.repairs);
        let expected = key(row.text("key_b64"));
        let as_typed = &candidates(passphrase)[0].1;
        let ours = read.value.derive(as_typed.expose_str());
        assert_eq!(ours, expected, "{}", row.name());
        assert_ne!(read.value.derive(&format!("{passphrase} ")), expected);
        derived += 1;
    }
    assert!(derived > 0, "there are no passphrases");
}

#[test]
fn every_described_account_opens_by_recovery_key_and_by_passphrase() {
    let (mut by_recovery_key, mut by_passphrase) = (0, 0);
    for (row, account) in described() {
        let storage = account.storage();
        assert_eq!(storage.findings(), [], "{}", row.name());
        let default = storage.default_key().map(SecretStorageKeyId::as_str);
        assert_eq!(default, account.default_key.as_deref(), "{}", row.name());
        assert!(storage.secrets().map(|(name, _)| name.as_str()).eq(account.secrets.keys()));
        for key in storage.keys() {
            let event_type = format!("m.secret_storage.key.{}", key.id());
            assert_eq!(key.as_json(), account.contents[&event_type].as_str());
            let name = account.description(key.id().as_str()).get("name").cloned();
            assert_eq!(key.name().map(Value::from), name, "{}", row.name());
        }
        for (name, secret) in storage.secrets() {
            assert_eq!(secret.as_json().as_str(), account.contents[name.as_str()].as_str());
        }
        for typed in account.recovery_keys() {
            assert!(!account.assert_opens(&typed).is_empty(), "{}", row.name());
            by_recovery_key += 1;
        }
        for typed in account.passphrases() {
            assert!(!account.assert_opens(&typed).is_empty(), "{}", row.name());
            by_passphrase += 1;
        }
    }
    if vectors::are_our_own() {
        assert_eq!((by_recovery_key, by_passphrase), (8, 8));
    }
    assert!(by_recovery_key > 0 && by_passphrase > 0);
}

#[test]
fn every_secret_opens_with_each_of_the_keys_that_it_is_encrypted_to() {
    let mut under_two = 0;
    for (row, account) in described() {
        let storage = account.storage();
        for (name, secret) in storage.secrets() {
            let entries = account.entries(name.as_str());
            for recorded in &account.keys {
                let description = storage.key(&recorded.key_id()).expect("its description");
                let mut key = description.accept(&recorded.material()).expect("the key");
                assert_eq!(key.standing(), KeyStanding::Checked, "{}", row.name());
                let opened = key.open(name, secret).expect("a secret under this key");
                account.assert_opened(name.as_str(), &opened);
                assert_eq!(opened.key_id().as_str(), recorded.id);
            }
            assert_eq!(entries.len(), account.keys.len());
            under_two += usize::from(entries.len() > 1);
        }
    }
    assert!(under_two > 0, "no secret is under two keys");
}

#[test]
fn every_description_is_checked_as_the_client_checks_it() {
    let mut checked = 0;
    for (row, account) in described() {
        let Some(expected) = row.get("check_key") else { continue };
        let [recorded] = account.keys.as_slice() else { panic!("one key") };
        let (right, wrong) = (recorded.material(), &other_keys(&recorded.material())[0]);
        let standing = |changed: &Value, key: &KeyMaterial| {
            let content = JsonObject::from_json(changed.to_string().as_bytes()).expect("an object");
            let read = KeyDescription::from_json(recorded.key_id(), &content, &Limits::default());
            read.expect("a description").accept(key).map(|key| key.standing()).ok()
        };
        let (fits, checks) =
            (|found: Option<_>| Value::from(found.is_some()), KeyStanding::Checked);
        let description = account.description(&recorded.id);
        assert_eq!(&fits(standing(&description, &right)), expected, "{}", row.name());
        assert_eq!(&fits(standing(&description, wrong)), row.member("check_wrong_key"));
        for member in ["iv", "mac"] {
            let mut changed = description.clone();
            changed[member] = text(&changed[member]).trim_end_matches('=').into();
            let found = standing(&changed, &right);
            assert_eq!(&fits(found), row.member(&format!("check_with_unpadded_{member}")));
            assert_eq!(found, Some(checks));
            assert_eq!(standing(&changed, wrong), None, "{}", row.name());
        }
        let mut changed = description.clone();
        changed.as_object_mut().expect("an object").remove("mac");
        let found = standing(&changed, &right);
        assert_eq!(&fits(found), row.member("check_without_mac"), "{}", row.name());
        assert_eq!(found, Some(KeyStanding::Unverifiable), "accepted, and said to be unchecked");
        assert_eq!(standing(&changed, wrong), found);
        checked += 1;
    }
    assert!(checked > 0, "there are no keys");
}

#[test]
fn a_removed_secret_and_a_disabled_default_key_are_gone() {
    let mut rows = 0;
    for (row, mut account) in described() {
        let Some(removed) = row.get("removed_secret_event") else { continue };
        let object = |content: &Value| {
            JsonObject::from_json(content.to_string().as_bytes()).expect("an object")
        };
        let read = EncryptedSecret::from_json(&object(removed));
        assert_eq!(read.err(), Some(FormatProblem::Deleted.of("the secret")));
        let name = account.secrets.keys().next().expect("a secret").clone();
        account.contents.insert(name.clone(), object(removed));
        let storage = account.storage();
        assert!(storage.secret(&name.as_str().into()).is_none());
        assert_eq!(storage.findings(), []);
        let disabled = row.member("disabled_default_key_event");
        let default = "m.secret_storage.default_key".to_owned();
        let id = account.keys[0].id.clone();
        account.contents.insert(default.clone(), object(&serde_json::json!({"key": id.clone()})));
        assert_eq!(account.storage().default_key(), Some(&id.as_str().into()));
        account.contents.insert(default, object(disabled));
        assert_eq!(account.storage().default_key(), None);
        assert_eq!(account.storage().findings(), []);
        rows += 1;
    }
    assert!(rows > 0, "there is no such row");
}

#[test]
fn every_recovery_key_is_the_described_key() {
    for row in vectors::rows(KEYS) {
        if let Some(recovery_key) = row.get_text("recovery_key") {
            let typed = RecoveryKey::parse(recovery_key).expect("a recovery key");
            assert_eq!(KeyMaterial::from(typed.as_secret()), key(row.text("key_b64")));
        }
    }
}

#[test]
fn every_key_of_the_first_clients_is_derived() {
    for row in vectors::rows("legacy-ssss/pbkdf2.json") {
        let rounds = row.member("iterations").as_i64().expect("a number");
        let read =
            PassphraseParameters::from_parts(rounds, row.text("salt"), None, &Limits::default())
                .expect("parameters");
        let ours = read.value.derive(row.text("passphrase"));
        assert_eq!(ours, key(row.text("derived_key_b64")), "{rounds} rounds");
    }
}

/// What the described key makes of an entry.
fn opened_by(described: &DescribedKey, name: &str, entry: &Value) -> String {
    let object = |value: &Value| JsonObject::from_json(value.to_string().as_bytes()).expect("JSON");
    let id = SecretStorageKeyId::from(described.id.as_str());
    let content = object(&described.description);
    let description = KeyDescription::from_json(id, &content, &Limits::default());
    let accepted = description.expect("a description").accept(&key(&described.key));
    let content = object(&serde_json::json!({ "encrypted": { described.id.as_str(): entry } }));
    let secret = EncryptedSecret::from_json(&content).expect("a secret");
    let opened = accepted.expect("its key").open(&name.into(), &secret).expect("its secret");
    opened.text().expose_str().to_owned()
}

/// A key with its description.
struct DescribedKey {
    id: String,
    key: String,
    description: Value,
}

/// The keys of a row: one, or several in an array.
fn described_keys_of(row: &Row) -> Vec<DescribedKey> {
    let whole: Value = row.members().map(|(name, value)| (name.clone(), value.clone())).collect();
    let several = row.get("keys").and_then(Value::as_array);
    several.cloned().unwrap_or_else(|| vec![whole]).iter().map(with_description).collect()
}

fn with_description(key: &Value) -> DescribedKey {
    DescribedKey {
        id: text(&key["key_id"]).to_owned(),
        key: text(&key["key_b64"]).to_owned(),
        description: key["key_description"].clone(),
    }
}

fn key(text: &str) -> KeyMaterial {
    let bytes = base64::decode(text).expect("base64");
    KeyMaterial::from_slice(&bytes).expect("16 to 64 bytes")
}

/// Keys that are almost the key: one bit off, and of another length.
fn other_keys(key: &KeyMaterial) -> Vec<KeyMaterial> {
    let bytes = key.expose_bytes();
    let mut others = vec![bytes.to_vec(), bytes.to_vec(), [bytes, &[1]].concat()];
    others[0][0] ^= 1;
    if let Some(last) = others[1].last_mut() {
        *last ^= 0x80;
    }
    others.push(bytes[..bytes.len() - 1].to_vec());
    others.iter().filter_map(|bytes| KeyMaterial::from_slice(bytes)).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

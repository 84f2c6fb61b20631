//! Secret storage of `m.secret_storage.v1.aes-hmac-sha2`: descriptions of keys, and secrets.

use std::collections::BTreeMap;

use matrix_sdk_crypto::{
    secret_storage::{AesHmacSha2EncryptedData, SecretStorageKey as TheirKey},
    store::types::BackupDecryptionKey as TheirBackupKey,
};
use ruma::events::{
    EventContentFromType, GlobalAccountDataEventContent as _,
    secret::request::SecretName as TheirName, secret_storage::key::SecretStorageKeyEventContent,
};
use serde_json::{Value, json};
use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    encoding::{base64, json_object::JsonObject},
    ids::{EventType, SecretName},
    secret_storage::{NewKey, SecretStorage},
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        MEGOLM_BACKUP_V1, PublicKeys, SecretValue,
    },
};

use crate::kit::object;

const NAMES: [&str; 4] = [
    MEGOLM_BACKUP_V1,
    CROSS_SIGNING_MASTER,
    CROSS_SIGNING_SELF_SIGNING,
    CROSS_SIGNING_USER_SIGNING,
];

#[test]
fn what_we_store_under_a_recovery_key_it_opens_whole() {
    let key = NewKey::generate(Some("the name of the key")).unwrap();
    let recovery_key = key.to_recovery_key().unwrap().to_text();
    opens_whole(&key, recovery_key.expose_str());
}

#[test]
fn what_we_store_under_a_passphrase_it_opens_whole() {
    let key = NewKey::from_passphrase("correct horse battery staple", None).unwrap();
    opens_whole(&key, "correct horse battery staple");
}

#[test]
fn what_it_stores_under_a_recovery_key_we_open_whole() {
    let key = TheirKey::new();
    is_opened_whole(&key, &key.to_base58());
}

#[test]
fn what_it_stores_under_a_passphrase_we_open_whole() {
    is_opened_whole(&TheirKey::new_from_passphrase("Tr0ub4dor&3"), "Tr0ub4dor&3");
}

fn opens_whole(key: &NewKey, typed: &str) {
    let account_data = account_data(key);
    let default = account_data["m.secret_storage.default_key"]["key"].as_str().unwrap();
    let event_type = format!("m.secret_storage.key.{default}");
    let description = account_data[&event_type].to_string();
    let description = serde_json::value::RawValue::from_string(description).unwrap();
    let content = SecretStorageKeyEventContent::from_parts(&event_type, &description).unwrap();
    assert_eq!(content.key_id, key.id().as_str());
    assert!(TheirKey::from_account_data("another", content.clone()).is_err());
    let theirs = TheirKey::from_account_data(typed, content).unwrap();
    for (name, text) in secrets() {
        let encrypted = account_data[name]["encrypted"][theirs.key_id()].clone();
        let encrypted: AesHmacSha2EncryptedData = serde_json::from_value(encrypted).unwrap();
        let opened = theirs.decrypt(&encrypted, &TheirName::from(name)).unwrap();
        assert_eq!(String::from_utf8(opened).unwrap(), text);
    }
    let [(_, backup_key), ..] = secrets();
    let ours = BackupDecryptionKey::from_base64(&backup_key).unwrap();
    let backup_key = TheirBackupKey::from_base64(&backup_key).unwrap();
    assert_eq!(backup_key.megolm_v1_public_key().to_base64(), ours.public_key().to_base64());
}

fn is_opened_whole(key: &TheirKey, typed: &str) {
    let mut events: Vec<(EventType, JsonObject)> = vec![
        ("m.secret_storage.default_key".into(), object(&json!({ "key": key.key_id() }))),
        (key.event_content().event_type().to_string().as_str().into(), object(key.event_content())),
    ];
    for (name, text) in secrets() {
        let encrypted = key.encrypt(text.into_bytes(), &TheirName::from(name));
        events.push((name.into(), object(&json!({ "encrypted": { key.key_id(): encrypted } }))));
    }
    let storage = storage(&events);
    assert_eq!(storage.findings(), []);
    let (public_keys, limits) = (PublicKeys::default(), Limits::default());
    let mut keys = storage.unlock(typed, &public_keys, &limits).unwrap().keys;
    let opened = storage.open_all(&mut keys, &public_keys).into_iter().map(|verdict| {
        let opened = verdict.outcome.unwrap();
        assert!(opened.is_authenticated());
        (opened.name().as_str().to_owned(), opened.text().expose_str().to_owned())
    });
    let expected = secrets().into_iter().map(|(name, text)| (name.to_owned(), text));
    assert_eq!(opened.collect::<BTreeMap<_, _>>(), expected.collect::<BTreeMap<_, _>>());
}

/// What our plan for a new storage with the secrets writes.
fn account_data(key: &NewKey) -> BTreeMap<String, Value> {
    let plan = storage(&[]).plan(&[], &Limits::default(), |change| {
        change.create(key)?;
        secrets().iter().try_for_each(|(name, text)| {
            let secret = SecretValue::kept_by_host(&SecretName::from(*name), text.as_bytes());
            change.store(&secret.unwrap().value)
        })
    });
    let content = |json: &JsonObject| serde_json::from_slice(json.as_bytes()).unwrap();
    let plan = plan.unwrap();
    let steps = plan.steps().iter();
    steps.map(|step| (step.event_type.as_str().to_owned(), content(&step.content))).collect()
}

fn storage(events: &[(EventType, JsonObject)]) -> SecretStorage {
    let events = events.iter().map(|(event_type, content)| (event_type, content));
    SecretStorage::from_account_data(events, &Limits::default())
}

fn secrets() -> [(&'static str, String); 4] {
    let mut byte = 6;
    NAMES.map(|name| {
        byte += 1;
        (name, base64::encode(&[byte; 32]))
    })
}

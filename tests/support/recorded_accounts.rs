//! Where the accounts that real clients made are read from: one reader for each shape of a file.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};
use strongroom::{
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Seed},
    },
    encoding::json_object::JsonObject,
    secret::SecretBytes,
    secret_value::PublicKeys,
};

use super::{
    base64,
    js_sdk::{backup_key_by_recovery_key, secret_by_recovery_key},
    recorded_account::{RecordedAccount, RecordedKey, RecordedSecret},
    vectors::{RawMembers, Row, fixture_as_written, rows_as_written},
};

pub(crate) const ACCOUNT_DATA: &str = "legacy-ssss/account_data.json";
pub(crate) const EARLIER: &str = "legacy-ssss/account_data_earlier_versions.json";
pub(crate) const BOOTSTRAP: &str = "legacy-ssss/bootstrap.json";
pub(crate) const MIXED: &str = "legacy-ssss/mixed_algorithms.json";
pub(crate) const DESCRIPTIONS: &str = "aes-hmac-sha2/key_descriptions.json";

/// Every account with asymmetric secret storage; those that were migrated before and after.
pub(crate) fn legacy() -> Vec<RecordedAccount> {
    let files = [ACCOUNT_DATA, EARLIER].into_iter().flat_map(rows_as_written);
    let mut accounts: Vec<_> = files.map(|(row, written)| recorded(&row, &written)).collect();
    let files = rows_as_written(BOOTSTRAP).into_iter();
    accounts.extend(files.map(|(row, written)| bootstrapped(&row, &written)));
    for (row, written) in rows_as_written(MIXED) {
        accounts.extend([before_migration(&row, &written), migrated(&row, &written)]);
    }
    accounts
}

/// A row of [`ACCOUNT_DATA`] or [`EARLIER`].
pub(crate) fn recorded(row: &Row, written: &RawMembers) -> RecordedAccount {
    let keys: Vec<_> = row.member("keys").as_array().unwrap().iter().map(key).collect();
    let cross_signing = row.get("old_cross_signing").unwrap_or(row.member("cross_signing"));
    let mut masters = vec![master(row.member("cross_signing"))];
    masters.extend(row.get("old_cross_signing").map(master));
    let mut account = RecordedAccount {
        name: row.name().to_owned(),
        contents: contents(&written["account_data"]),
        default_key: Some(row.text("default_key_id").to_owned()),
        secrets: texts(row.member("expected_secrets")),
        user_id: text(&cross_signing["user_id"]).into(),
        masters,
        public_keys: public_keys(cross_signing),
        keys,
    };
    if let Some(key) = row.get_text("passthrough_secret_b64") {
        let key = RecordedSecret::StorageKey(bytes(key));
        let replaced = account.secrets.insert(BACKUP.into(), key).unwrap();
        assert_eq!(replaced.text(), "the key itself");
    } else if let Some(key) = row.get_text("repaired_secret") {
        let stored = account.secrets[BACKUP].text();
        let repaired = RecordedSecret::Numbers { stored, key: bytes(key) };
        account.secrets.insert(BACKUP.into(), repaired);
    } else if let Some(read) = row.get("read_by_5_1_1") {
        assert_eq!(read["equals_storage_key"], true);
        let key = RecordedSecret::StorageKey(bytes(text(&read["bytes_b64"])));
        assert!(account.secrets.insert(BACKUP.into(), key).is_none());
    } else {
        return account;
    }
    // All of these made the key of the backup that of the secret storage.
    let storage_key = account.key(row.text("default_key_id"));
    account.public_keys.backup = storage_key.public_key.as_deref().map(curve25519);
    account
}

/// A row of [`BOOTSTRAP`].
pub(crate) fn bootstrapped(row: &Row, written: &RawMembers) -> RecordedAccount {
    let contents = contents(&written["account_data"]);
    let ids: Vec<_> =
        contents.keys().filter_map(|name| name.strip_prefix("m.secret_storage.key.")).collect();
    let [id] = ids.as_slice() else { panic!("{}: one key", row.name()) };
    let key = RecordedKey {
        id: (*id).to_owned(),
        bytes: bytes(row.text("private_key_b64")),
        public_key: None,
        recovery_key: Some(row.text("recovery_key").to_owned()),
        passphrase: row.get_text("passphrase").map(str::to_owned),
    };
    let uploaded = row.member("uploaded_cross_signing_keys");
    let mut public_keys = PublicKeys::default();
    public_keys.master = Some(only_key(&uploaded["master_key"]));
    public_keys.self_signing = Some(only_key(&uploaded["self_signing_key"]));
    public_keys.user_signing = Some(only_key(&uploaded["user_signing_key"]));
    let versions = row.member("key_backup_versions").as_array().unwrap();
    public_keys.backup =
        versions.last().map(|version| curve25519(text(&version["auth_data"]["public_key"])));
    RecordedAccount {
        name: row.name().to_owned(),
        default_key: Some(key.id.clone()),
        keys: vec![key],
        contents,
        secrets: texts(row.member("secrets_as_read_by_the_library")),
        user_id: row.text("user_id").into(),
        masters: public_keys.master.into_iter().collect(),
        public_keys,
    }
}

/// A row of [`MIXED`] before the client added a symmetric key.
pub(crate) fn before_migration(row: &Row, written: &RawMembers) -> RecordedAccount {
    let mut account = migrated(row, written);
    account.name += " (before)";
    account.contents = contents(&written["account_data_before"]);
    account.default_key = Some(row.text("old_default_key_id").to_owned());
    account.keys.retain(|key| key.id == row.text("old_default_key_id"));
    account
}

/// A row of [`MIXED`] as the client left it.
pub(crate) fn migrated(row: &Row, written: &RawMembers) -> RecordedAccount {
    let mut public_keys = PublicKeys::default();
    public_keys.master = Some(ed25519(row.text("master_public_key")));
    RecordedAccount {
        name: row.name().to_owned(),
        contents: contents(&written["account_data"]),
        keys: row.member("keys").as_array().unwrap().iter().map(key).collect(),
        default_key: Some(row.text("default_key_id").to_owned()),
        secrets: texts(row.member("expected_secrets")),
        user_id: row.text("user_id").into(),
        masters: public_keys.master.into_iter().collect(),
        public_keys,
    }
}

/// The rows of [`DESCRIPTIONS`], each as an account of its own.
pub(crate) fn described() -> Vec<(Row, RecordedAccount)> {
    let rows = rows_as_written(DESCRIPTIONS).into_iter();
    rows.map(|(row, written)| (row.clone(), described_by(&row, &written))).collect()
}

fn described_by(row: &Row, written: &RawMembers) -> RecordedAccount {
    let mut contents = contents(&written["secret_events"]);
    let several: Vec<RawMembers> = match written.get("keys") {
        Some(keys) => serde_json::from_str(keys.get()).unwrap(),
        None => vec![written.clone()],
    };
    let mut keys = Vec::new();
    for member in &several {
        let whole = serde_json::to_value(member).unwrap();
        keys.push(key(&whole));
        let event_type = format!("m.secret_storage.key.{}", text(&whole["key_id"]));
        contents.insert(event_type, object(&member["key_description"]));
    }
    let event = row.get("default_key_event");
    if event.is_some() {
        contents.insert(DEFAULT_KEY.into(), object(&written["default_key_event"]));
    }
    RecordedAccount {
        name: row.name().to_owned(),
        default_key: event.map(|event| text(&event["key"]).to_owned()),
        keys,
        contents,
        secrets: texts(row.member("expected_secrets")),
        user_id: "@nobody:example.org".into(),
        masters: Vec::new(),
        public_keys: PublicKeys::default(),
    }
}

/// The accounts of matrix-js-sdk on Synapse. Of their secrets the backup key alone is recorded, and of
/// the others the public keys; so these are opened without the crate.
pub(crate) fn on_synapse() -> Vec<(Row, RecordedAccount)> {
    let files = ["js-sdk/random.json", "js-sdk/passphrase.json"].into_iter();
    files
        .map(|file| {
            let (row, written) = fixture_as_written(file);
            (row.clone(), on_synapse_from(&row, &written))
        })
        .collect()
}

fn on_synapse_from(row: &Row, written: &RawMembers) -> RecordedAccount {
    let contents = contents(&written["account_data"]);
    let default_key = serde_json::from_str::<Value>(contents[DEFAULT_KEY].as_str()).unwrap();
    let id = text(&default_key["key"]).to_owned();
    let recovery_key = row.text("recovery_key").to_owned();
    let typed = strongroom::recovery_key::RecoveryKey::typed_by_user(&recovery_key).unwrap();
    let key = RecordedKey {
        id: id.clone(),
        bytes: typed.as_secret().expose_bytes().to_vec(),
        public_key: None,
        recovery_key: Some(recovery_key),
        passphrase: row.get_text("passphrase").map(str::to_owned),
    };
    let queried = |member: &str| only_key(&row.member("keys_query")[member][row.text("user_id")]);
    let mut public_keys = PublicKeys::default();
    public_keys.master = Some(queried("master_keys"));
    public_keys.self_signing = Some(queried("self_signing_keys"));
    public_keys.user_signing = Some(queried("user_signing_keys"));
    let auth_data = &row.member("room_keys_version")["auth_data"];
    public_keys.backup = Some(curve25519(text(&auth_data["public_key"])));
    let backup_key = bytes(row.text("backup_decryption_key_base64"));
    assert_eq!(backup_key_by_recovery_key(row), backup_key);
    let names = contents.keys().filter(|name| !name.starts_with("m.secret_storage."));
    let secrets = names.map(|name| {
        let text = secret_by_recovery_key(row, name).unwrap();
        (name.clone(), RecordedSecret::Text(text))
    });
    let secrets = secrets.collect();
    RecordedAccount {
        name: row.text("user_id").to_owned(),
        default_key: Some(id),
        keys: vec![key],
        contents,
        secrets,
        user_id: row.text("user_id").into(),
        masters: public_keys.master.into_iter().collect(),
        public_keys,
    }
}

/// The public keys of a cross-signing object of [`ACCOUNT_DATA`].
fn public_keys(cross_signing: &Value) -> PublicKeys {
    let mut public_keys = PublicKeys::default();
    let of_seed = |name: &str| {
        let seed = bytes(text(&cross_signing["private_seeds_b64"][name]));
        Ed25519Seed::from_bytes(SecretBytes::from_slice(&seed).unwrap()).public_key()
    };
    public_keys.master = Some(master(cross_signing));
    public_keys.self_signing = Some(of_seed("self_signing"));
    public_keys.user_signing = Some(of_seed("user_signing"));
    assert_eq!(public_keys.master, Some(of_seed("master")));
    let keys = &cross_signing["keys"];
    // Where the client had reset its keys when they were recorded, they are the later ones.
    if Some(only_key(&keys["master"])) == public_keys.master {
        assert_eq!(Some(only_key(&keys["self_signing"])), public_keys.self_signing);
        assert_eq!(Some(only_key(&keys["user_signing"])), public_keys.user_signing);
    }
    public_keys
}

fn master(cross_signing: &Value) -> Ed25519PublicKey {
    ed25519(text(&cross_signing["master_public_key"]))
}

/// The key of a cross-signing object, which has one.
pub(crate) fn only_key(object: &Value) -> Ed25519PublicKey {
    let keys: Vec<_> = object["keys"].as_object().unwrap().values().collect();
    let [key] = keys.as_slice() else { panic!("one key") };
    ed25519(text(key))
}

fn key(recorded: &Value) -> RecordedKey {
    let optional = |member| recorded.get(member).and_then(Value::as_str).map(str::to_owned);
    let bytes_base64 = optional("private_key_b64").or_else(|| optional("key_b64")).unwrap();
    RecordedKey {
        id: text(&recorded["key_id"]).to_owned(),
        bytes: bytes(&bytes_base64),
        public_key: optional("public_key_b64"),
        recovery_key: optional("recovery_key"),
        passphrase: optional("passphrase"),
    }
}

/// Secrets that are recorded as text, or as the bytes of the storage key.
fn texts(recorded: &Value) -> BTreeMap<String, RecordedSecret> {
    let secrets = recorded.as_object().unwrap().iter().map(|(name, value)| {
        let secret = match value.get("bytes_b64") {
            Some(key) => RecordedSecret::StorageKey(bytes(text(key))),
            None => RecordedSecret::Text(text(value).to_owned()),
        };
        (name.clone(), secret)
    });
    secrets.collect()
}

pub(crate) fn contents(written: &RawValue) -> BTreeMap<String, JsonObject> {
    let members: RawMembers = serde_json::from_str(written.get()).unwrap();
    members.iter().map(|(event_type, content)| (event_type.clone(), object(content))).collect()
}

fn object(written: &RawValue) -> JsonObject {
    JsonObject::from_json(written.get().as_bytes()).unwrap()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    base64::decode(text).unwrap()
}

fn ed25519(text: &str) -> Ed25519PublicKey {
    Ed25519PublicKey::from_base64(text).unwrap()
}

fn curve25519(text: &str) -> Curve25519PublicKey {
    Curve25519PublicKey::from_base64(text).unwrap()
}

const BACKUP: &str = "m.megolm_backup.v1";

const DEFAULT_KEY: &str = "m.secret_storage.default_key";

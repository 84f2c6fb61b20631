//! Symmetric secrets, key checks and derived keys, as matrix-js-sdk made them.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by a panic"
)]

use crate::support::{
    recorded_accounts::{DESCRIPTIONS as KEYS, described},
    recorded_rng::RecordedRng,
    vectors::{self, Row},
};
use aes::Aes256;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use serde_json::Value;
use strongroom::{
    Limits,
    crypto::{
        aes_hmac_sha2::{KeyCheck, SymmetricSecret, open, seal_with_rng},
        key_material::KeyMaterial,
    },
    encoding::{
        base64,
        format::{FormatError, FormatProblem},
        json_object::JsonObject,
    },
    ids::{SecretName, SecretStorageKeyId},
    passphrase::{PassphraseFinding, PassphraseParameters, candidates},
    recovery_key::RecoveryKey,
    secret_storage::{EncryptedSecret, KeyDescription, KeyStanding},
    secret_value::SecretValue,
};

#[test]
fn every_secret_is_decrypted() {
    for row in vectors::rows(ITEMS) {
        let opened = open(&key(row.text("key_b64")), row.text("secret_name"), &secret(&row));
        let plaintext = opened.unwrap_or_else(|| panic!("{}", row.name()));
        assert_eq!(plaintext.expose_bytes(), row.text("plaintext").as_bytes(), "{}", row.name());
    }
}

#[test]
fn every_secret_is_encrypted_to_the_same_bytes_unless_no_client_draws_its_iv() {
    let (mut same, mut others) = (0, 0);
    for row in vectors::rows(ITEMS) {
        let recorded = secret(&row);
        let mut rng = RecordedRng::new(recorded.iv.as_bytes());
        let (key, name) = (key(row.text("key_b64")), row.text("secret_name"));
        let ours = seal_with_rng(&key, name, row.text("plaintext").as_bytes(), &mut rng);
        assert!(rng.is_used_up());
        let drawn = recorded.iv.as_bytes()[8] & 0x80 == 0;
        assert_eq!(ours == recorded, drawn, "{}", row.name());
        assert_eq!(ours.mac == recorded.mac, drawn, "{}", row.name());
        *(if drawn { &mut same } else { &mut others }) += 1;
    }
    assert!(same > 0 && others > 0, "both kinds occur");
}

#[test]
fn a_counter_of_128_bits_reads_the_rows_that_say_so_and_ours_reads_all() {
    for row in vectors::rows(ITEMS) {
        let recorded = secret(&row);
        let aes_key: [u8; 32] = hex(row.member("recomputed")["aes_key_hex"].as_str());
        let mut bytes = recorded.ciphertext.clone();
        Ctr128BE::<Aes256>::new(&aes_key.into(), recorded.iv.as_bytes().into())
            .apply_keystream(&mut bytes);
        let is_same = row.member("equals_128_bit_counter") == true;
        assert_eq!(bytes == row.text("plaintext").as_bytes(), is_same, "{}", row.name());
    }
}

#[test]
fn another_key_or_another_name_does_not_open_a_secret() {
    for row in vectors::rows(ITEMS) {
        let (key, name) = (key(row.text("key_b64")), row.text("secret_name"));
        for other in other_keys(&key) {
            assert_eq!(open(&other, name, &secret(&row)), None, "{}", row.name());
        }
        for other in ["", "m.cross_signing", &format!("{name} "), &name.to_uppercase()] {
            assert_eq!(open(&key, other, &secret(&row)), None, "{}", row.name());
        }
    }
}

#[test]
fn every_quirk_is_read_as_the_client_of_today_reads_it() {
    let (mut accepted, mut refused) = (0, 0);
    for row in vectors::rows(QUIRKS) {
        let verdict = row.member("js_sdk_43_0_0");
        let read = try_secret(&row).ok();
        let opened = read
            .and_then(|secret| open(&key(row.text("key_b64")), row.text("secret_name"), &secret));
        let text = opened.map(|opened| String::from_utf8_lossy(opened.expose_bytes()).into_owned());
        let theirs = verdict.get("plaintext").and_then(Value::as_str);
        assert_eq!(verdict["verdict"] == "accept", theirs.is_some(), "{}", row.name());
        assert_eq!(text.as_deref(), theirs, "{}", row.name());
        *(if theirs.is_some() { &mut accepted } else { &mut refused }) += 1;
    }
    assert!(accepted > 0 && refused > 0, "both kinds occur");
}

#[test]
fn every_key_check_fits_its_key_and_no_other() {
    for row in described_keys() {
        let key = key(&row.key);
        let (iv, mac) = (text(&row.description["iv"]), text(&row.description["mac"]));
        let check = KeyCheck::from_base64(iv, mac).expect("a key check");
        assert!(check.fits(&key), "{}", row.name);
        for other in other_keys(&key) {
            assert!(!check.fits(&other), "{}", row.name);
        }
        let unpadded = [iv, mac].map(|text| text.trim_end_matches('='));
        assert_eq!(KeyCheck::from_base64(unpadded[0], unpadded[1]), Ok(check));
        let mut rng = RecordedRng::new(check.iv.as_bytes());
        assert_eq!(KeyCheck::with_rng(&key, &mut rng), check, "{}", row.name);
    }
}

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
                let [iv, ciphertext, mac] =
                    ["iv", "ciphertext", "mac"].map(|part| text(&entry[part]));
                let secret = SymmetricSecret::from_base64(iv, ciphertext, mac).expect("a secret");
                let plaintext = open(&key(&described.key), name, &secret).expect("its key");
                let expected = text(&row.member("expected_secrets")[name]);
                assert_eq!(plaintext.expose_bytes(), expected.as_bytes());
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
        let few = matches!(read.repairs.as_slice(), [PassphraseFinding::FewRounds { .. }]);
        assert_eq!(few, rounds < 10_000, "{:?}", read.repairs);
        let expected = key(row.text("key_b64"));
        let as_typed = &candidates(passphrase)[0].text;
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

/// A key with its description.
struct DescribedKey {
    name: String,
    id: String,
    key: String,
    description: Value,
}

fn described_keys() -> Vec<DescribedKey> {
    vectors::rows(KEYS).iter().flat_map(described_keys_of).collect()
}

/// The keys of a row: one, or several in an array.
fn described_keys_of(row: &Row) -> Vec<DescribedKey> {
    let whole: Value = row.members().map(|(name, value)| (name.clone(), value.clone())).collect();
    let several = row.get("keys").and_then(Value::as_array);
    several
        .cloned()
        .unwrap_or_else(|| vec![whole])
        .iter()
        .map(|key| with_description(row, key))
        .collect()
}

fn with_description(row: &Row, key: &Value) -> DescribedKey {
    DescribedKey {
        name: row.name().to_owned(),
        id: text(&key["key_id"]).to_owned(),
        key: text(&key["key_b64"]).to_owned(),
        description: key["key_description"].clone(),
    }
}

fn secret(row: &Row) -> SymmetricSecret {
    try_secret(row).unwrap_or_else(|error| panic!("{}: {error}", row.name()))
}

fn try_secret(row: &Row) -> Result<SymmetricSecret, FormatError> {
    SymmetricSecret::from_base64(row.text("iv"), row.text("ciphertext"), row.text("mac"))
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

fn hex(text: Option<&str>) -> [u8; 32] {
    let text = text.expect("hexadecimal");
    let byte = |index| u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).expect("two digits");
    std::array::from_fn(byte)
}

const ITEMS: &str = "aes-hmac-sha2/items.json";

const QUIRKS: &str = "aes-hmac-sha2/quirks.json";

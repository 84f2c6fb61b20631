//! Symmetric secrets and key checks, as matrix-js-sdk made them.

use aes::Aes256;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use serde_json::Value;

use super::{
    recorded_rng::RecordedRng,
    vectors::{self, Row},
};
use crate::{
    crypto::{
        aes_hmac_sha2::{KeyCheck, SymmetricSecret, open, seal_with_rng},
        key_material::KeyMaterial,
    },
    encoding::{base64, format::FormatError},
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

fn secret(row: &Row) -> SymmetricSecret {
    try_secret(row).unwrap_or_else(|error| panic!("{}: {error}", row.name()))
}

fn try_secret(row: &Row) -> Result<SymmetricSecret, FormatError> {
    SymmetricSecret::from_base64(row.text("iv"), row.text("ciphertext"), row.text("mac"))
}

fn hex(text: Option<&str>) -> [u8; 32] {
    let text = text.expect("hexadecimal");
    let byte = |index| u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).expect("two digits");
    std::array::from_fn(byte)
}

fn described_keys() -> Vec<DescribedKey> {
    vectors::rows(KEYS).iter().flat_map(described_keys_of).collect()
}

/// A key with its description.
struct DescribedKey {
    name: String,
    key: String,
    description: Value,
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

const ITEMS: &str = "aes-hmac-sha2/items.json";

const QUIRKS: &str = "aes-hmac-sha2/quirks.json";

const KEYS: &str = "aes-hmac-sha2/key_descriptions.json";

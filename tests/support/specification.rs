//! Secret storage as the specification has it, read afresh: what is written must open by this, which shares
//! no code with the crate.
#![allow(dead_code, reason = "each test includes it and uses a part")]

use std::collections::BTreeMap;

use aes::Aes256;
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

/// The contents of an account's data by their types.
pub(crate) type AccountData = BTreeMap<String, Value>;

/// The bytes of a recovery key.
pub(crate) fn recovery_key(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    let mut bytes = [0; 64];
    let length = bs58::decode(text).onto(&mut bytes).unwrap();
    let bytes = &bytes[..length];
    assert_eq!(bytes[..2], [0x8b, 0x01]);
    assert_eq!(bytes.iter().fold(0, |parity, byte| parity ^ byte), 0);
    bytes[2..bytes.len() - 1].to_vec()
}

/// The key that a passphrase gives under a description.
pub(crate) fn passphrase_key(description: &Value, passphrase: &str) -> Vec<u8> {
    let parameters = &description["passphrase"];
    assert_eq!(parameters["algorithm"], "m.pbkdf2");
    let bits = parameters.get("bits").map_or(256, |bits| bits.as_u64().unwrap());
    let mut key = vec![0; usize::try_from(bits / 8).unwrap()];
    let rounds = u32::try_from(parameters["iterations"].as_u64().unwrap()).unwrap();
    assert!(rounds >= 10_000, "{rounds}");
    let salt = parameters["salt"].as_str().unwrap();
    pbkdf2::pbkdf2_hmac::<Sha512>(passphrase.as_bytes(), salt.as_bytes(), rounds, &mut key);
    key
}

/// The ID of the default key, which has to be described.
pub(crate) fn default_key(account: &AccountData) -> String {
    let id = account["m.secret_storage.default_key"]["key"].as_str().unwrap().to_owned();
    assert!(account.contains_key(&format!("m.secret_storage.key.{id}")));
    id
}

/// All secrets that a key opens, once its description has said that it is the one.
pub(crate) fn open(account: &AccountData, id: &str, key: &[u8]) -> BTreeMap<String, String> {
    let description = &account[&format!("m.secret_storage.key.{id}")];
    assert_eq!(description["algorithm"], "m.secret_storage.v1.aes-hmac-sha2");
    let iv = decode(&description["iv"]);
    let zeros = encrypt(key, "", &iv, &[0; 32]);
    let (_, mac) = keys(key, "");
    assert_eq!(code(&mac, &zeros), decode(&description["mac"]), "the key check");
    let entries = account
        .iter()
        .filter_map(|(name, content)| Some((name, content.get("encrypted")?.get(id)?)));
    let secrets = entries.map(|(name, entry)| {
        let (iv, ciphertext) = (decode(&entry["iv"]), decode(&entry["ciphertext"]));
        assert_eq!((iv.len(), iv[8] & 0x80), (16, 0), "the IV of {name}");
        let (_, mac) = keys(key, name);
        assert_eq!(code(&mac, &ciphertext), decode(&entry["mac"]), "the MAC of {name}");
        let plaintext = encrypt(key, name, &iv, &ciphertext);
        (name.clone(), String::from_utf8(plaintext).unwrap())
    });
    secrets.collect()
}

/// An entry of an encrypted secret with this IV.
pub(crate) fn entry(key: &[u8], name: &str, iv: &[u8; 16], text: &str) -> Value {
    let ciphertext = encrypt(key, name, iv, text.as_bytes());
    let (_, mac) = keys(key, name);
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes);
    let (mac, ciphertext) = (encode(&code(&mac, &ciphertext)), encode(&ciphertext));
    json!({ "iv": encode(iv), "ciphertext": ciphertext, "mac": mac })
}

fn keys(key: &[u8], name: &str) -> ([u8; 32], [u8; 32]) {
    let mut keys = [0; 64];
    Hkdf::<Sha256>::new(Some(&[0; 32]), key).expand(name.as_bytes(), &mut keys).unwrap();
    (keys[..32].try_into().unwrap(), keys[32..].try_into().unwrap())
}

fn encrypt(key: &[u8], name: &str, iv: &[u8], text: &[u8]) -> Vec<u8> {
    let (aes, _) = keys(key, name);
    let mut text = text.to_vec();
    let iv: [u8; 16] = iv.try_into().unwrap();
    Ctr128BE::<Aes256>::new(&aes.into(), &iv.into()).apply_keystream(&mut text);
    text
}

fn code(key: &[u8; 32], ciphertext: &[u8]) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    hmac.update(ciphertext);
    hmac.finalize().into_bytes().to_vec()
}

fn decode(text: &Value) -> Vec<u8> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(text.as_str().unwrap()).unwrap()
}

//! What a sealed message should turn out to be, found without the crate: by naive base64, by
//! vodozemac, and, where the MAC covers the ciphertext as vodozemac does not know it, by HKDF and
//! HMAC themselves.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use crate::{
    backup::EncryptedSessionData,
    crypto::{
        curve25519::Curve25519SecretKey,
        curve25519_aes_sha2::{self, MacScheme, MessageOpenError},
    },
    secret::SecretBytes,
};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;
use vodozemac::pk_encryption::{Error, Message, PkDecryption};

use super::base64;

/// What comes of a message, from its JSON on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It opens to this plaintext, and its MAC covers this.
    Opens(Vec<u8>, MacScheme),
    /// Its MAC fits under neither scheme.
    WrongKey,
    /// Its MAC fits, its padding does not.
    Damaged,
    /// Its ephemeral key is of low order.
    NonContributory,
    /// It is not base64 of the right lengths.
    Malformed,
}

/// What the crate makes of it.
pub(crate) fn by_the_crate(secret_key: &[u8; 32], members: &Map<String, Value>) -> Outcome {
    let json = serde_json::to_vec(members).expect("JSON writes JSON");
    let Ok(data) = EncryptedSessionData::from_json(&json) else { return Outcome::Malformed };
    let secret_key =
        Curve25519SecretKey::from_bytes(SecretBytes::init_with(|bytes| *bytes = *secret_key));
    match curve25519_aes_sha2::open(&secret_key, data.message()) {
        Ok(opened) => Outcome::Opens(opened.plaintext.expose_bytes().to_vec(), opened.mac_scheme),
        Err(MessageOpenError::WrongKey) => Outcome::WrongKey,
        Err(MessageOpenError::Damaged) => Outcome::Damaged,
        Err(MessageOpenError::NonContributory) => Outcome::NonContributory,
    }
}

/// What the general rules make of it.
pub(crate) fn by_the_rules(secret_key: &[u8; 32], members: &Map<String, Value>) -> Outcome {
    let decode = |name| members.get(name).and_then(Value::as_str).and_then(base64::decode);
    let parts = (decode("ephemeral"), decode("ciphertext"), decode("mac"));
    let (Some(ephemeral), Some(ciphertext), Some(mac)) = parts else { return Outcome::Malformed };
    let (Ok(ephemeral), Ok(mac)) = (<[u8; 32]>::try_from(ephemeral), <[u8; 8]>::try_from(mac))
    else {
        return Outcome::Malformed;
    };
    let secret_key = vodozemac::Curve25519SecretKey::from_slice(secret_key);
    let ephemeral_key = vodozemac::Curve25519PublicKey::from_bytes(ephemeral);
    let Some(mac_key) = mac_key(&secret_key, &ephemeral_key) else {
        return Outcome::NonContributory;
    };
    let over_ciphertext = mac == mac_over(&mac_key, &ciphertext);
    let known_mac = if over_ciphertext { mac_over(&mac_key, b"") } else { mac };
    let message = Message { ciphertext, mac: known_mac.to_vec(), ephemeral_key };
    match PkDecryption::from_key(secret_key).decrypt(&message) {
        Ok(plaintext) if over_ciphertext => Outcome::Opens(plaintext, MacScheme::Ciphertext),
        Ok(plaintext) => Outcome::Opens(plaintext, MacScheme::EmptyString),
        Err(Error::InvalidPadding(_)) => Outcome::Damaged,
        Err(Error::Mac(_)) => Outcome::WrongKey,
        Err(Error::NonContributoryKey) => Outcome::NonContributory,
    }
}

fn mac_key(
    secret_key: &vodozemac::Curve25519SecretKey,
    ephemeral_key: &vodozemac::Curve25519PublicKey,
) -> Option<[u8; 32]> {
    let shared_secret = secret_key.diffie_hellman(ephemeral_key)?;
    let mut keys = [0; 80];
    Hkdf::<Sha256>::new(Some(&[0; 32]), shared_secret.as_bytes())
        .expand(b"", &mut keys)
        .expect("80 bytes are a valid length");
    keys[32..64].try_into().ok()
}

fn mac_over(key: &[u8; 32], covered: &[u8]) -> [u8; 8] {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("any length is valid");
    hmac.update(covered);
    hmac.finalize().into_bytes()[..8].try_into().expect("SHA-256 has more than 8 bytes")
}

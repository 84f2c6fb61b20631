//! The same work with vodozemac's `PkEncryption` and `PkDecryption`, from and to the same JSON.
#![allow(dead_code, reason = "each benchmark includes it and uses a part")]

pub(crate) mod whole;

use serde::{Deserialize, Serialize};
use strongroom::{
    backup::BackupDecryptionKey,
    encoding::{base64, secret_base64},
    session_data::SessionData,
};
use vodozemac::{
    Curve25519PublicKey as VodozemacPublicKey, Curve25519SecretKey,
    pk_encryption::{Message, PkDecryption, PkEncryption},
};

/// An encrypted session in JSON.
#[derive(Serialize, Deserialize)]
struct Sealed {
    ephemeral: String,
    ciphertext: String,
    mac: String,
}

/// The sealing side of the key.
pub(crate) fn encryption(key: &BackupDecryptionKey) -> PkEncryption {
    let public_key = *key.public_key().as_curve25519().as_bytes();
    PkEncryption::from_key(VodozemacPublicKey::from_bytes(public_key))
}

/// The opening side of the key.
pub(crate) fn decryption(key: &BackupDecryptionKey) -> PkDecryption {
    let secret = secret_base64::decode_array(key.to_base64().expose_str()).unwrap();
    PkDecryption::from_key(Curve25519SecretKey::from_slice(secret.expose_bytes()))
}

/// From a session to the JSON bytes of the encrypted session.
pub(crate) fn seal(encryption: &PkEncryption, session: &SessionData) -> Vec<u8> {
    let message = encryption.encrypt(session.to_json().expose_bytes()).unwrap();
    let sealed = Sealed {
        ephemeral: message.ephemeral_key.to_base64(),
        ciphertext: base64::encode(&message.ciphertext),
        mac: base64::encode(&message.mac),
    };
    serde_json::to_vec(&sealed).unwrap()
}

/// From the JSON bytes of the encrypted session to a checked session.
pub(crate) fn open(decryption: &PkDecryption, json: &[u8]) -> SessionData {
    let sealed: Sealed = serde_json::from_slice(json).unwrap();
    let message = Message {
        ciphertext: base64::decode(&sealed.ciphertext).unwrap(),
        mac: base64::decode(&sealed.mac).unwrap(),
        ephemeral_key: VodozemacPublicKey::from_base64(&sealed.ephemeral).unwrap(),
    };
    let plaintext = decryption.decrypt(&message).unwrap();
    SessionData::from_json(&plaintext).unwrap().value
}

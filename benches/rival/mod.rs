//! The same work with vodozemac's `PkEncryption` and `PkDecryption`, and the same JSON types.
#![allow(dead_code, reason = "each benchmark includes it and uses a part")]

pub(crate) mod whole;

use strongroom::{
    backup::{BackupDecryptionKey, EncryptedSessionData},
    crypto::{
        curve25519::Curve25519PublicKey,
        curve25519_aes_sha2::{MessageMac, SealedMessage},
    },
    encoding::secret_base64,
    session_data::SessionData,
};
use vodozemac::{
    Curve25519PublicKey as VodozemacPublicKey, Curve25519SecretKey,
    pk_encryption::{Message, PkDecryption, PkEncryption},
};

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
    let message = SealedMessage {
        ephemeral: Curve25519PublicKey::from_bytes(message.ephemeral_key.to_bytes()),
        ciphertext: message.ciphertext,
        mac: MessageMac::from_bytes(message.mac.as_slice().try_into().unwrap()),
    };
    EncryptedSessionData::from(message).to_json()
}

/// From the JSON bytes of the encrypted session to a checked session.
pub(crate) fn open(decryption: &PkDecryption, json: &[u8]) -> SessionData {
    let sealed = EncryptedSessionData::from_json(json).unwrap().into_message();
    let message = Message {
        ciphertext: sealed.ciphertext,
        mac: sealed.mac.as_bytes().to_vec(),
        ephemeral_key: VodozemacPublicKey::from_bytes(*sealed.ephemeral.as_bytes()),
    };
    let plaintext = decryption.decrypt(&message).unwrap();
    SessionData::from_json(&plaintext).unwrap().session
}

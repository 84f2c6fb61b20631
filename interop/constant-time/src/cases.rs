//! What is done with secrets. Each case goes through the public interface, as a host does.

use std::hint::black_box;

use serde_json::json;
use strongroom::{
    backup::{BackedUpSession, BackupDecryptionKey, BackupPublicKey, SealOptions, SessionSealer},
    crypto::{curve25519::Curve25519PublicKey, curve25519_aes_sha2::MacScheme},
    encoding::secret_base64,
    ids::RoomId,
    recovery_key::RecoveryKey,
};

use crate::{
    sample::{backup, session},
    secrets::{SecretRng, hide, reveal, secret},
};

/// Each with its name.
pub(crate) const ALL: [(&str, fn()); 11] = [
    ("seal_one", seal_one),
    ("seal_few", || seal(3)),
    ("seal_batch", || seal(64)),
    ("open_one", || open(1)),
    ("open_few", || open(3)),
    ("open_batch", || open(64)),
    ("public_key", public_key),
    ("base64_write", base64_write),
    ("base64_read", base64_read),
    ("recovery_key_write", recovery_key_write),
    ("recovery_key_read", recovery_key_read),
];

fn seal_one() {
    let key = BackupPublicKey::new(point()).unwrap();
    let sealed = key.seal_with_rng(&session(), MacScheme::default(), &mut SecretRng(1));
    assert!(sealed.is_ok());
}

/// The ephemeral keys are secret, and nothing else.
fn seal(count: usize) {
    let (room_id, sessions) = (room_id(), vec![session(); count]);
    let sealer = SessionSealer::for_sessions(&backup(), count);
    let sessions: Vec<_> =
        sessions.iter().map(|session| (&room_id, session, SealOptions::default())).collect();
    assert!(sealer.seal_with_rng(&sessions, &mut SecretRng(1)).is_ok());
}

/// The decryption key is secret. That the MAC does not fit is told to everybody.
fn open(count: usize) {
    let key = BackupDecryptionKey::from_bytes(secret(1));
    let sealed_to = BackupPublicKey::new(point()).unwrap();
    let sealed = sealed_to.seal(&session()).unwrap();
    let json = json!({
        "first_message_index": 0, "forwarded_count": 0, "is_verified": false,
        "session_data": serde_json::from_slice::<serde_json::Value>(&sealed.to_json()).unwrap(),
    });
    let session = BackedUpSession {
        room_id: room_id(),
        session_id: "session".into(),
        json: serde_json::to_vec(&json).unwrap(),
    };
    let batch = vec![session; count];
    assert_eq!(key.open_sessions(&batch).len(), count);
}

fn public_key() {
    let key = BackupDecryptionKey::from_bytes(secret(1));
    reveal(key.public_key().as_curve25519().as_bytes());
    black_box(key.public_key());
}

fn base64_write() {
    black_box(BackupDecryptionKey::from_bytes(secret(1)).to_base64());
}

/// All characters are secret but the last one: where a text ends, and whether in `=`, everybody may know.
fn base64_read() {
    let text = String::from("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA");
    let (_, hidden) = text.as_bytes().split_last().unwrap();
    hide(hidden);
    assert!(secret_base64::decode_array::<32>(&text).is_ok());
}

fn recovery_key_write() {
    black_box(RecoveryKey::from_bytes(secret(1)).to_text());
}

fn recovery_key_read() {
    let text = String::from("EsTcLW2KPGiFwKEA3As5g5c4BXwkqeeJZJV8Q9fugUMNUE4d");
    hide(text.as_bytes());
    assert!(RecoveryKey::parse(&text).is_ok());
}

fn room_id() -> RoomId {
    RoomId::from("!OGEhHVWSdvArJzumhm:matrix.org")
}

/// Somebody's public key.
fn point() -> Curve25519PublicKey {
    *BackupDecryptionKey::generate().unwrap().public_key().as_curve25519()
}

//! The other way round: vodozemac opens what we seal.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail by a panic")]

use serde_json::Value;
use strongroom::{
    Limits,
    backup::{
        AuthData, BackupDecryptionKey, BackupVersionInfo, SealOptions, SealedSession, TrustedBackup,
    },
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::RoomId,
    session_data::{SessionData, SessionKey},
};
use vodozemac::{
    megolm::{ExportedSessionKey, GroupSession, InboundGroupSession},
    pk_encryption::{Message, PkDecryption},
};

#[test]
fn vodozemac_opens_a_sealed_session_and_imports_its_key() {
    let (key, session) = (generate(), forwarded_session());
    let sealed = key.public_key().seal(&session).expect("randomness").to_json();
    let opened = owner(&key).decrypt(&vodozemac_message(&sealed)).expect("our session");
    assert_eq!(opened, session.to_json().expose_bytes());
    let opened: Value = serde_json::from_slice(&opened).expect("JSON");
    let session_key = opened.get("session_key").and_then(Value::as_str).expect("a session key");
    let imported = ExportedSessionKey::from_base64(session_key).expect("an exported key");
    let imported = InboundGroupSession::import(&imported, Default::default());
    assert_eq!(imported.session_id(), session.session_id().as_str());
    assert_eq!(imported.first_known_index(), session.session_key().first_known_index());
}

#[test]
fn vodozemac_opens_a_session_sealed_for_upload() {
    let (key, session) = (generate(), forwarded_session());
    let sealed = seal_for_upload(&key, &session);
    let json = sealed.data().session_data().to_json();
    let opened = owner(&key).decrypt(&vodozemac_message(&json)).expect("our session");
    assert_eq!(opened, session.to_json().expose_bytes());
}

/// The recipe for hosts that decrypt with vodozemac: the bytes of the key are its export format.
#[test]
fn a_session_key_becomes_a_vodozemac_key_that_decrypts() {
    let mut outbound = GroupSession::new(Default::default());
    let inbound = InboundGroupSession::new(&outbound.session_key(), Default::default());
    let exported = inbound.export_at_first_known_index();
    let key = SessionKey::from_bytes(&exported.to_bytes()).expect("an exported key");

    let theirs = ExportedSessionKey::from_bytes(key.expose_bytes()).expect("an exported key");
    let mut imported = InboundGroupSession::import(&theirs, Default::default());

    let decrypted = imported.decrypt(&outbound.encrypt("a message")).expect("its own message");
    assert_eq!(decrypted.plaintext, b"a message");
    assert_eq!(theirs.to_base64(), key.to_base64().expose_str());
}

/// A session of a known sender that starts late and was forwarded twice.
fn forwarded_session() -> SessionData {
    let mut outbound = GroupSession::new(Default::default());
    for _ in 0..7 {
        outbound.encrypt("a message before the session was shared");
    }
    let account = vodozemac::olm::Account::new();
    let sender = Curve25519PublicKey::from_bytes(account.curve25519_key().to_bytes());
    let claimed = Ed25519PublicKey::from_bytes(account.ed25519_key().as_bytes());
    let key = SessionKey::from_bytes(&outbound.session_key().to_bytes()).expect("a session key");
    SessionData::new(key, sender, claimed.expect("a public key"))
        .with_forwarding_chain(vec![sender, *generate().public_key().as_curve25519()])
        .with_shared_history(true)
}

fn seal_for_upload(key: &BackupDecryptionKey, session: &SessionData) -> SealedSession {
    let version = serde_json::json!({
        "version": "1",
        "algorithm": strongroom::backup::MEGOLM_BACKUP_V1_CURVE25519_AES_SHA2,
        "auth_data": AuthData::new(key.public_key()),
    });
    let info = BackupVersionInfo::from_json(version.to_string().as_bytes(), &Limits::default());
    let info = info.expect("a version");
    let backup = TrustedBackup::by_decryption_key(&info, key, &[]).expect("it is our own");
    let sealed = backup.seal(RoomId::from("!room:example.org"), session, &SealOptions::default());
    let sealed = sealed.expect("randomness");
    assert_eq!(sealed.data().metadata().first_message_index, Some(7));
    assert_eq!(sealed.data().metadata().forwarded_count, Some(2));
    sealed
}

/// vodozemac's owner of one of our keys.
fn owner(key: &BackupDecryptionKey) -> PkDecryption {
    let secret = key.to_recovery_key();
    let secret = vodozemac::Curve25519SecretKey::from_slice(secret.as_secret().expose_bytes());
    PkDecryption::from_key(secret)
}

fn generate() -> BackupDecryptionKey {
    BackupDecryptionKey::generate().expect("randomness")
}

fn vodozemac_message(json: &[u8]) -> Message {
    let json: Value = serde_json::from_slice(json).expect("JSON");
    let text = |name| json.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name}"));
    Message::from_base64(text("ciphertext"), text("mac"), text("ephemeral")).expect("base64")
}

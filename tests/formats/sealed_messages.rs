//! The other way round: vodozemac opens what we seal.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail by a panic")]

use getrandom::{SysRng, rand_core::UnwrapErr};
use serde_json::Value;
use strongroom::{
    Limits,
    backup::{
        AuthData, BackupDecryptionKey, BackupVersionInfo, EncryptedSessionData, SealOptions,
        SealedSession, TrustedBackup,
    },
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        curve25519_aes_sha2::{MacScheme, open, seal_with_rng},
        ed25519::Ed25519PublicKey,
    },
    ids::RoomId,
    secret::SecretBytes,
    session_data::{SessionData, SessionKey},
};
use vodozemac::{
    megolm::{ExportedSessionKey, GroupSession, InboundGroupSession},
    pk_encryption::{Error, Message, PkDecryption, PkEncryption},
};

#[test]
fn vodozemac_opens_what_we_seal_at_every_size() {
    let owner = PkDecryption::new();
    let key = Curve25519PublicKey::from_bytes(owner.public_key().to_bytes());
    for size in (0..=300).chain(LARGE) {
        let plaintext = pattern(size);
        let mut rng = UnwrapErr(SysRng);
        let sealed = seal_with_rng(&key, &plaintext, MacScheme::EmptyString, &mut rng);
        let sealed = EncryptedSessionData::from(sealed.expect("a usable key")).to_json();
        let opened = owner.decrypt(&vodozemac_message(&sealed)).expect("our message");
        assert!(opened == plaintext, "{size} bytes");
    }
}

#[test]
fn we_open_what_vodozemac_seals_at_every_size() {
    let owner = PkDecryption::new();
    let sender = PkEncryption::from(&owner);
    let secret = SecretBytes::init_with(|bytes| *bytes = *owner.secret_key().to_bytes());
    let secret = Curve25519SecretKey::from_bytes(secret);
    for size in (0..=300).chain(LARGE) {
        let plaintext = pattern(size);
        let sealed = sender.encrypt(&plaintext).expect("a usable key");
        let json = serde_json::json!({
            "ephemeral": sealed.ephemeral_key.to_base64(),
            "ciphertext": vodozemac::base64_encode(sealed.ciphertext),
            "mac": vodozemac::base64_encode(sealed.mac),
        });
        let sealed = EncryptedSessionData::from_json(json.to_string().as_bytes());
        let opened = open(&secret, sealed.expect("a message").message()).expect("their message");
        assert!(opened.plaintext.expose_bytes() == plaintext, "{size} bytes");
        assert_eq!(opened.mac_scheme, MacScheme::EmptyString);
    }
}

#[test]
fn vodozemac_refuses_a_mac_over_the_ciphertext_as_deployed_clients_do() {
    let owner = PkDecryption::new();
    let key = Curve25519PublicKey::from_bytes(owner.public_key().to_bytes());
    let sealed = seal_with_rng(&key, b"key", MacScheme::Ciphertext, &mut UnwrapErr(SysRng));
    let sealed = EncryptedSessionData::from(sealed.expect("a usable key")).to_json();
    assert!(matches!(owner.decrypt(&vodozemac_message(&sealed)), Err(Error::Mac(_))));
}

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

fn pattern(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

const LARGE: [usize; 4] = [1000, 5000, 65_536, 1_000_000];

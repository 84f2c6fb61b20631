//! Messages that libolm and vodozemac sealed: libolm's are reproduced to the byte, all are opened.

use super::{
    oracle::{Outcome, by_the_crate, by_the_rules},
    recorded_rng::RecordedRng,
    vectors::{self, Row},
};
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, EncryptedSessionData, FailureCause, OpenError},
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        curve25519_aes_sha2::{MacScheme, SealedMessage, open as open_message, seal_with_rng},
    },
    encoding::base64,
    secret::SecretBytes,
    session_data::SessionData,
};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

#[test]
fn sealing_is_reproduced_to_the_byte_from_the_recorded_ephemeral_key() {
    for row in vectors::rows(LIBOLM) {
        let sealed = members(&seal(&row, MacScheme::EmptyString));
        for member in ["ephemeral", "ciphertext", "mac"] {
            assert_eq!(sealed.get(member), Some(row.member(member)), "{}: {member}", row.name());
        }
    }
}

#[test]
fn the_mac_covers_the_ciphertext_where_that_is_asked_for() {
    for row in vectors::rows(LIBOLM) {
        let sealed = members(&seal(&row, MacScheme::Ciphertext));
        assert_eq!(sealed.get("ciphertext"), Some(row.member("ciphertext")), "{}", row.name());
        if let Some(recomputed) = row.get("recomputed") {
            let expected = recomputed.get("mac_over_ciphertext_bytes");
            assert_eq!(sealed.get("mac"), expected, "{}", row.name());
        }
        let expected = Outcome::Opens(row.text("plaintext").into(), MacScheme::Ciphertext);
        let secret_key = row.key("private_key_b64");
        assert_eq!(by_the_crate(&secret_key, &sealed), expected, "{}", row.name());
        assert_eq!(by_the_rules(&secret_key, &sealed), expected, "{}", row.name());
    }
}

#[test]
fn every_message_opens_to_its_plaintext_with_a_mac_over_the_empty_string() {
    for row in [LIBOLM, VODOZEMAC].into_iter().flat_map(vectors::rows) {
        let expected = Outcome::Opens(row.text("plaintext").into(), MacScheme::EmptyString);
        let (secret_key, message) = (row.key("private_key_b64"), message_of(&row));
        assert_eq!(by_the_crate(&secret_key, &message), expected, "{}", row.name());
        assert_eq!(by_the_rules(&secret_key, &message), expected, "{}", row.name());
    }
}

#[test]
fn no_message_opens_with_the_key_of_another() {
    let rows: Vec<_> = [LIBOLM, VODOZEMAC].into_iter().flat_map(vectors::rows).collect();
    for row in &rows {
        let other = rows.iter().map(|other| other.key("private_key_b64"));
        let other = other.into_iter().find(|key| *key != row.key("private_key_b64"));
        let other = other.unwrap_or([7; 32]);
        assert_eq!(by_the_crate(&other, &message_of(row)), Outcome::WrongKey, "{}", row.name());
    }
}

#[test]
fn every_private_key_has_the_recorded_public_key() {
    for row in [LIBOLM, VODOZEMAC].into_iter().flat_map(vectors::rows) {
        let public_key = row.text("public_key_b64");
        let read = BackupPublicKey::from_base64(public_key).expect("a usable public key");
        assert_eq!(read.to_base64(), public_key, "{}", row.name());
        assert_eq!(decryption_key(&row).public_key(), &read, "{}", row.name());
        let secret_key = SecretBytes::init_with(|bytes| *bytes = row.key("private_key_b64"));
        let public = Curve25519SecretKey::from_bytes(secret_key).public_key();
        assert_eq!(public.to_base64(), public_key, "{}", row.name());
    }
}

#[test]
fn a_sealed_megolm_session_opens_to_its_session_key() {
    for row in [LIBOLM, VODOZEMAC].into_iter().flat_map(vectors::rows).filter(is_session) {
        let plaintext: Value = serde_json::from_str(row.text("plaintext")).expect("a session");
        let session = open(&row).expect("a session");
        let read = session.session_key().to_base64();
        assert_eq!(plaintext["session_key"].as_str(), Some(read.expose_str()), "{}", row.name());
        if let Some(session_id) = row.get_text("megolm_session_id") {
            assert_eq!(session.session_id().as_str(), session_id);
        }
    }
}

#[test]
fn any_other_plaintext_is_a_verdict_but_never_that_of_another_key() {
    for row in [LIBOLM, VODOZEMAC].into_iter().flat_map(vectors::rows).filter(|r| !is_session(r)) {
        if let Err(error) = open(&row) {
            assert_ne!(error.cause(), FailureCause::WrongKey, "{}", row.name());
        }
        let is_json = serde_json::from_str::<IgnoredAny>(row.text("plaintext")).is_ok();
        assert!(is_json || open(&row) == Err(OpenError::Damaged), "{}", row.name());
    }
}

#[test]
fn the_sessions_of_the_first_clients_open_to_the_bytes_that_they_sealed() {
    let mut opened = 0;
    for row in vectors::rows(LEGACY) {
        let secret_key = SecretBytes::init_with(|bytes| *bytes = row.key("private_key_b64"));
        let secret_key = Curve25519SecretKey::from_bytes(secret_key);
        let rooms = row.member("expected_session_plaintexts").as_object().expect("rooms");
        for (room, sessions) in rooms {
            for (session, plaintext) in sessions.as_object().expect("sessions") {
                let stored = &row.member("room_keys_keys_response")["rooms"][room]["sessions"];
                let data = &stored[session]["session_data"];
                let part = |name: &str| data[name].as_str().expect("a text");
                let message =
                    SealedMessage::from_base64(part("ephemeral"), part("ciphertext"), part("mac"));
                let message = open_message(&secret_key, &message.expect("a message"));
                let message = message.expect("its own key");
                assert_eq!(message.mac_scheme, MacScheme::EmptyString, "{}", row.name());
                let plaintext = plaintext.as_str().expect("a plaintext");
                assert_eq!(message.plaintext.expose_bytes(), plaintext.as_bytes());
                opened += 1;
            }
        }
    }
    assert!(opened > 0, "there are no sessions");
}

fn is_session(row: &Row) -> bool {
    row.get("megolm_session_id").is_some() || row.name().starts_with("megolm session")
}

fn open(row: &Row) -> Result<SessionData, OpenError> {
    let json = serde_json::to_vec(&message_of(row)).expect("JSON values");
    let (read, _) =
        decryption_key(row).open(&EncryptedSessionData::from_json(&json).expect("a message"))?;
    Ok(read.value)
}

fn seal(row: &Row, scheme: MacScheme) -> SealedMessage {
    let public_key = Curve25519PublicKey::from_bytes(row.key("public_key_b64"));
    let ephemeral = row.key("ephemeral_private_key_b64");
    let mut rng = RecordedRng::new(&ephemeral);
    let sealed = seal_with_rng(&public_key, row.text("plaintext").as_bytes(), scheme, &mut rng);
    assert!(rng.is_used_up(), "all 32 bytes are used");
    sealed.expect("a usable public key")
}

fn members(message: &SealedMessage) -> Map<String, Value> {
    let members = [
        ("ephemeral", message.ephemeral.to_base64()),
        ("ciphertext", base64::encode(&message.ciphertext)),
        ("mac", base64::encode(message.mac.as_bytes())),
    ];
    members.map(|(name, text)| (name.to_owned(), text.into())).into_iter().collect()
}

fn message_of(row: &Row) -> Map<String, Value> {
    let members = ["ephemeral", "ciphertext", "mac"].into_iter();
    members.map(|member| (member.to_owned(), row.member(member).clone())).collect()
}

fn decryption_key(row: &Row) -> BackupDecryptionKey {
    BackupDecryptionKey::from_base64(row.text("private_key_b64")).expect("a key in base64")
}

const LEGACY: &str = "legacy-ssss/key_backup_auth_data.json";
const LIBOLM: &str = "libolm/pk_encryption.json";
const VODOZEMAC: &str = "vodozemac/pk_encryption.json";

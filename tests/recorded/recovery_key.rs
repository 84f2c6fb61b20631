//! Recovery keys that three libraries wrote, and malformed ones with their verdicts and ours.
//!
//! A naive reader besides the table judges every row, those of other names as well.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail by a panic")]

use crate::support::{
    base58, base64,
    recovery_key_verdicts::{self, Verdict},
    vectors::{self, Row},
};
use serde_json::Value;
use strongroom::{
    backup::BackupDecryptionKey,
    provenance::Provenance,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret::SecretBytes,
};

#[test]
fn every_key_is_written_as_recorded() {
    for row in vectors::rows(VALID) {
        let key = RecoveryKey::from_bytes(secret(&row.key("key_b64")));
        assert_eq!(key.to_text().expose_str(), row.text("recovery_key"));
        let dense = key.to_text().expose_str().replace(' ', "");
        assert_eq!(dense, row.text("recovery_key_without_spaces"));
        if let Some(base58) = row.get_text("matrix_sdk_crypto_base58") {
            assert_eq!(dense, base58);
        }
    }
}

#[test]
fn every_key_is_read_with_and_without_spaces() {
    for row in vectors::rows(VALID) {
        let expected = row.key("key_b64");
        assert_eq!(hex(&expected), row.text("key_hex"));
        for member in ["recovery_key", "recovery_key_without_spaces"] {
            let text = row.text(member);
            let key = RecoveryKey::parse(text).expect("a recovery key");
            assert_eq!(key.as_secret().expose_bytes(), &expected, "{text}");
            assert_eq!(naive(text), Ok(expected), "{text}");
        }
    }
}

#[test]
fn every_key_has_the_recorded_public_key_and_base64() {
    for row in vectors::rows(VALID) {
        let typed = RecoveryKey::typed_by_user(row.text("recovery_key")).expect("a recovery key");
        let key = BackupDecryptionKey::from_recovery_key(typed);
        assert_eq!(key.public_key().to_base64(), row.text("curve25519_public_key_b64"));
        assert_eq!(key.to_base64().expose_str(), row.text("key_b64"));
        assert_eq!(key.provenance(), Provenance::TypedByUser);
        assert_eq!(key.to_recovery_key().to_text().expose_str(), row.text("recovery_key"));
        let stored = BackupDecryptionKey::from_base64(row.text("key_b64"));
        assert_eq!(stored.expect("base64").public_key(), key.public_key());
    }
}

#[test]
fn every_malformed_key_gets_the_verdict_of_a_naive_reader() {
    for row in vectors::rows(VERDICTS) {
        let input = row.text("input");
        let read = RecoveryKey::parse(input).map(|key| *key.as_secret().expose_bytes());
        assert_eq!(read, naive(input), "{}", row.name());
    }
}

#[test]
fn every_named_row_gets_our_recorded_verdict() {
    for row in vectors::rows(VERDICTS) {
        let Some(known) = recovery_key_verdicts::known(row.name()) else {
            assert!(!vectors::are_our_own(), "no verdict recorded: {}", row.name());
            continue;
        };
        let read = RecoveryKey::parse(row.text("input"));
        // What a row changes may be as it was by chance: a check byte of zero, say.
        let original = row.get_text("original_key_b64").and_then(base64::decode);
        let naive = naive(row.text("input")).ok().map(Vec::from);
        let unchanged = naive.is_some() && naive == original;
        let expected = if unchanged { Verdict::OriginalKey } else { known.ours };
        match expected {
            Verdict::OriginalKey => {
                let key = read.unwrap_or_else(|error| panic!("{}: {error}", row.name()));
                assert_eq!(key.as_secret().expose_bytes(), &row.key("original_key_b64"));
            }
            Verdict::AnotherKey => assert!(read.is_ok(), "{}", row.name()),
            Verdict::Refused => assert!(read.is_err(), "{}", row.name()),
            Verdict::Empty
            | Verdict::Character
            | Verdict::Invisible
            | Verdict::Length
            | Verdict::Prefix
            | Verdict::Parity => {
                assert_eq!(read.map_err(kind).err(), Some(expected), "{}", row.name());
            }
        }
    }
}

#[test]
fn a_verdict_that_is_not_every_librarys_has_a_reason() {
    for row in vectors::rows(VERDICTS) {
        let Some(known) = recovery_key_verdicts::known(row.name()) else { continue };
        let ours = RecoveryKey::parse(row.text("input")).is_ok();
        let differs = library_verdicts(&row).iter().any(|(accepted, _)| *accepted != ours);
        assert!(!differs || !known.reason.is_empty(), "no reason: {}", row.name());
        let reason_is_due = differs || !vectors::are_our_own();
        assert!(reason_is_due || known.reason.is_empty(), "they agree: {}", row.name());
    }
}

#[test]
fn what_every_library_accepts_is_accepted_as_the_same_key() {
    for row in vectors::rows(VERDICTS) {
        let verdicts = library_verdicts(&row);
        if !verdicts.is_empty() && verdicts.iter().all(|(accepted, _)| *accepted) {
            let key = RecoveryKey::parse(row.text("input")).expect("all accept it");
            let key = key.as_secret().expose_bytes().to_vec();
            for theirs in verdicts.iter().filter_map(|(_, key)| key.as_ref()) {
                assert_eq!(theirs, &key, "{}", row.name());
            }
        }
    }
}

/// The specification read literally: nothing but letters and digits, and nothing that cannot be seen, then base58, then the checks in our
/// order.
fn naive(text: &str) -> Result<[u8; 32], RecoveryKeyError> {
    let unfolded = |c: char| u32::from(c).checked_sub(0xfee0).filter(|c| *c > 0x20 && *c < 0x7f);
    let fold = |c: char| unfolded(c).and_then(char::from_u32).unwrap_or(c);
    let characters: Vec<char> = text.chars().map(fold).collect();
    let is_space = |c: &char| c.is_whitespace() || !(c.is_alphanumeric() || c.is_control());
    if characters.iter().all(is_space) {
        return Err(RecoveryKeyError::Empty);
    }
    let is_wrong = |c: &char| !is_space(c) && !base58::has(*c);
    if let Some(index) = characters.iter().position(is_wrong) {
        let position = index + 1;
        return Err(match u32::from(characters[index]) {
            code_point @ ..0x20 => RecoveryKeyError::Invisible { position, code_point },
            _ => RecoveryKeyError::Character { position },
        });
    }
    let dense: String = characters.into_iter().filter(|c| !is_space(c)).collect();
    if dense.len() != 48 {
        return Err(RecoveryKeyError::Length { found: dense.len() });
    }
    let bytes = base58::decode(&dense).expect("all characters are base58");
    let [0x8b, 0x01, key @ .., _] = bytes.as_slice() else { return Err(RecoveryKeyError::Prefix) };
    let Ok(key) = key.try_into() else { return Err(RecoveryKeyError::Prefix) };
    match bytes.iter().fold(0, |parity, byte| parity ^ byte) {
        0 => Ok(key),
        _ => Err(RecoveryKeyError::Parity),
    }
}

fn kind(error: RecoveryKeyError) -> Verdict {
    match error {
        RecoveryKeyError::Empty => Verdict::Empty,
        RecoveryKeyError::Character { .. } => Verdict::Character,
        RecoveryKeyError::Invisible { .. } => Verdict::Invisible,
        RecoveryKeyError::Length { .. } => Verdict::Length,
        RecoveryKeyError::Prefix => Verdict::Prefix,
        RecoveryKeyError::Parity => Verdict::Parity,
        other => panic!("an unknown verdict: {other}"),
    }
}

/// Whether each library of the row accepted it, and as which key.
fn library_verdicts(row: &Row) -> Vec<(bool, Option<Vec<u8>>)> {
    let answers = row.members().filter_map(|(_, answer)| {
        let accepted = answer.get("verdict")?.as_str()? == "accept";
        let key = answer.get("key_b64").and_then(Value::as_str).and_then(base64::decode);
        Some((accepted, key))
    });
    answers.collect()
}

fn secret(bytes: &[u8; 32]) -> SecretBytes<32> {
    SecretBytes::init_with(|secret| *secret = *bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const VALID: &str = "recovery-key/valid.json";
const VERDICTS: &str = "recovery-key/verdicts.json";

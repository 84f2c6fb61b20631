//! What libolm and vodozemac accept and refuse, row by row, and what we do.
//!
//! Every message goes through an oracle besides the table of verdicts, so that rows of other names
//! are judged as well.

use super::{
    base64,
    oracle::{Outcome, by_the_crate, by_the_rules},
    quirk_table::{self, Verdict},
    recorded_rng::RecordedRng,
    vectors::{self, Row},
};
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey},
    crypto::{
        curve25519::Curve25519PublicKey,
        curve25519_aes_sha2::{MacScheme, seal_with_rng},
    },
    encoding::format::{FormatError, FormatProblem},
};
use serde_json::{Map, Value};

#[test]
fn every_message_gets_the_verdict_of_the_general_rules() {
    let mut judged = 0;
    for row in FILES.into_iter().flat_map(vectors::rows).filter(is_message) {
        let (secret_key, message) = (row.key("private_key_b64"), message_of(&row));
        let (ours, rules) =
            (by_the_crate(&secret_key, &message), by_the_rules(&secret_key, &message));
        assert_eq!(ours, rules, "{}", row.name());
        judged += 1;
    }
    assert!(judged > 0, "there are no messages");
}

#[test]
fn every_named_row_gets_our_recorded_verdict() {
    for file in FILES {
        let rows = vectors::rows(file);
        for row in &rows {
            let unchanged = unchanged_plaintext(&rows, row);
            match quirk_table::known(row.name()) {
                Some(quirk) => {
                    assert_eq!(verdict(row, unchanged.as_deref()), quirk.ours, "{}", row.name());
                }
                None => assert!(!vectors::are_our_own(), "no verdict recorded: {}", row.name()),
            }
        }
    }
}

#[test]
fn a_verdict_that_is_not_libolms_has_a_reason() {
    for row in vectors::rows(LIBOLM) {
        let Some(quirk) = quirk_table::known(row.name()) else { continue };
        let differs = match row.get_text("libolm_verdict") {
            Some("accept") => !is_acceptance(quirk.ours),
            Some("reject") => is_acceptance(quirk.ours),
            _ => continue,
        };
        assert!(!differs || !quirk.not_as_libolm.is_empty(), "no reason: {quirk:?}");
        let reason_is_due = differs || !vectors::are_our_own();
        assert!(reason_is_due || quirk.not_as_libolm.is_empty(), "they agree: {quirk:?}");
    }
}

#[test]
fn a_verdict_that_is_not_vodozemacs_has_a_reason() {
    for row in vectors::rows(VODOZEMAC) {
        let Some(quirk) = quirk_table::known(row.name()) else { continue };
        let theirs = row.get("vodozemac").and_then(|answer| answer.get("verdict")?.as_str());
        let Some(theirs) = theirs else { continue };
        let differs = (theirs == "accept") != is_acceptance(quirk.ours);
        assert!(!differs || !quirk.not_as_vodozemac.is_empty(), "no reason: {quirk:?}");
        let reason_is_due = differs || !vectors::are_our_own();
        assert!(reason_is_due || quirk.not_as_vodozemac.is_empty(), "they agree: {quirk:?}");
    }
}

#[test]
fn what_we_open_is_the_plaintext_that_they_recorded() {
    for row in FILES.into_iter().flat_map(vectors::rows).filter(is_message) {
        let ours = by_the_crate(&row.key("private_key_b64"), &message_of(&row));
        let Outcome::Opens(plaintext, _) = ours else { continue };
        let whole = row.get("libolm_plaintext_matches_original") == Some(&Value::Bool(true));
        if whole && row.get_text("libolm_verdict") == Some("accept") {
            assert_eq!(row.text("libolm_plaintext").as_bytes(), plaintext, "{}", row.name());
        }
        let vodozemac = row.get("vodozemac").and_then(|answer| answer.get("plaintext_b64"));
        if let Some(theirs) = vodozemac.and_then(Value::as_str) {
            assert_eq!(base64::decode(theirs), Some(plaintext), "{}", row.name());
        }
    }
}

#[test]
fn public_and_private_keys_are_judged_by_the_general_rules() {
    for row in FILES.into_iter().flat_map(vectors::rows).filter(|row| !is_message(row)) {
        let expected = if let Some(text) = row.get_text("recipient_key") {
            match base64::decode(text).and_then(|key| <[u8; 32]>::try_from(key).ok()) {
                Some(key) if vodozemac_seals_to(key) => Verdict::KeyAccepted,
                Some(_) => Verdict::SealingRefused,
                None => Verdict::KeyRefused,
            }
        } else if base64::decode(&private_key_text(&row)).is_some_and(|key| key.len() == 32) {
            Verdict::KeyAccepted
        } else {
            Verdict::KeyRefused
        };
        assert_eq!(verdict(&row, None), expected, "{}", row.name());
    }
}

fn verdict(row: &Row, unchanged: Option<&[u8]>) -> Verdict {
    if is_message(row) {
        match by_the_crate(&row.key("private_key_b64"), &message_of(row)) {
            Outcome::Opens(plaintext, scheme) if unchanged == Some(&plaintext) => match scheme {
                MacScheme::Ciphertext => Verdict::OpensUnderCiphertext,
                _ => Verdict::Opens,
            },
            Outcome::Opens(_, _) => Verdict::OpensTo,
            Outcome::WrongKey => Verdict::WrongKey,
            Outcome::Damaged => Verdict::Damaged,
            Outcome::NonContributory => Verdict::NonContributory,
            Outcome::Malformed => Verdict::Malformed,
        }
    } else if let Some(text) = row.get_text("recipient_key") {
        public_key_verdict(text)
    } else {
        let read = BackupDecryptionKey::from_base64(&private_key_text(row));
        if read.is_ok() { Verdict::KeyAccepted } else { Verdict::KeyRefused }
    }
}

/// Both parsers and both ways to seal must say the same.
fn public_key_verdict(text: &str) -> Verdict {
    let verdict = match BackupPublicKey::from_base64(text) {
        Ok(_) => Verdict::KeyAccepted,
        Err(FormatError {
            problem: FormatProblem::NotBase64 | FormatProblem::Length { .. },
            ..
        }) => Verdict::KeyRefused,
        Err(FormatError { problem: FormatProblem::Unsafe, .. }) => Verdict::SealingRefused,
        Err(other) => panic!("an unknown verdict: {other}"),
    };
    let Ok(key) = Curve25519PublicKey::from_base64(text) else {
        assert_eq!(verdict, Verdict::KeyRefused);
        return verdict;
    };
    let usable = verdict == Verdict::KeyAccepted;
    assert_eq!(BackupPublicKey::new(key).is_ok(), usable);
    let mut rng = RecordedRng::new(&[7; 32]);
    assert_eq!(seal_with_rng(&key, b"key", MacScheme::EmptyString, &mut rng).is_ok(), usable);
    verdict
}

fn vodozemac_seals_to(key: [u8; 32]) -> bool {
    let key = vodozemac::Curve25519PublicKey::from_bytes(key);
    vodozemac::pk_encryption::PkEncryption::from_key(key).encrypt(b"key").is_ok()
}

/// What the message holds that this row is a variant of: the one for the same key.
fn unchanged_plaintext(rows: &[Row], variant: &Row) -> Option<Vec<u8>> {
    let for_same_key = |row: &&Row| row.get("private_key_b64") == variant.get("private_key_b64");
    let unchanged = || rows.iter().filter(|row| row.name() == "unchanged");
    let row = unchanged().find(for_same_key).or_else(|| unchanged().next())?;
    match by_the_rules(&row.key("private_key_b64"), &message_of(row)) {
        Outcome::Opens(plaintext, _) => Some(plaintext),
        other => panic!("the unchanged message does not open: {other:?}"),
    }
}

fn is_message(row: &Row) -> bool {
    row.get("private_key_b64").is_some()
}

fn message_of(row: &Row) -> Map<String, Value> {
    let members = row.members().filter(|(name, _)| MEMBERS.contains(&name.as_str()));
    members.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The private key of a row, or, where it is not recorded, one of the length that the row names.
fn private_key_text(row: &Row) -> String {
    if let Some(text) = row.get_text("private_key_given_b64") {
        return text.to_owned();
    }
    let length = row.name().split(' ').find_map(|word| word.parse::<usize>().ok());
    let Some(length) = length else { panic!("{} holds nothing to judge", row.name()) };
    let bits = "A".repeat(length / 3 * 4);
    format!("{bits}{}", ["", "AA", "AAA"].get(length % 3).expect("a remainder"))
}

fn is_acceptance(verdict: Verdict) -> bool {
    use Verdict::{KeyAccepted, Opens, OpensTo, OpensUnderCiphertext};
    matches!(verdict, Opens | OpensTo | OpensUnderCiphertext | KeyAccepted)
}

const LIBOLM: &str = "libolm/quirks.json";
const VODOZEMAC: &str = "vodozemac/quirks.json";
const FILES: [&str; 2] = [LIBOLM, VODOZEMAC];
const MEMBERS: [&str; 3] = ["ephemeral", "ciphertext", "mac"];

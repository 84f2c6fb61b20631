//! What real clients have stored as secrets and key descriptions, one test or more for each row of the
//! list of malformations that concerns a single secret, a key check or a passphrase.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

use strongroom::{
    Limits,
    backup::BackupDecryptionKey,
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Seed},
        key_material::KeyMaterial,
    },
    encoding::{
        base64,
        format::{FormatError, FormatProblem},
        read::Read,
    },
    ids::SecretName,
    passphrase::{PassphraseError, PassphraseForm, PassphraseParameters, candidates},
    saved_state::SavedStateError,
    secret::{SecretBytes, SecretVec},
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        DEHYDRATED_DEVICE, DEHYDRATED_DEVICE_UNSTABLE, MEGOLM_BACKUP_V1,
        MEGOLM_BACKUP_V1_RECOVERY_KEY, SecretCheckError, SecretRepair, SecretValue,
    },
};

#[test]
fn row_29_keys_are_read_padded_or_not_with_any_unused_bits_and_written_unpadded() {
    let unpadded = base64::encode(&KEY);
    let mut unused_bits = unpadded.clone();
    unused_bits.replace_range(42.., "D");
    assert!(unpadded.ends_with('A'), "its two unused bits are 0 there and 1 here");
    for text in [&unpadded, &format!("{unpadded}="), &unused_bits, &format!("{unused_bits}=")] {
        for name in KEY_NAMES {
            let read = read(name, text.as_bytes()).unwrap();
            assert!(!read.repairs.contains(&SecretRepair::NumberList));
            assert_eq!(read.value.to_text().expose_str(), unpadded);
            assert_eq!(key_of(&read.value), KEY, "{name}");
        }
    }
}

#[test]
fn row_39_the_name_of_a_draft_is_that_of_the_backup_key() {
    let read = read(MEGOLM_BACKUP_V1_RECOVERY_KEY, base64::encode(&KEY).as_bytes()).unwrap();
    assert_eq!(read.repairs, [SecretRepair::NameOfADraft]);
    assert_eq!(read.value.name().as_str(), MEGOLM_BACKUP_V1);
    assert_eq!(read.value.check_backup_key(&backup_public_key()), Ok(()));
}

#[test]
fn row_40_a_backup_key_as_a_list_of_numbers_is_read_and_its_repair_offered() {
    let list = number_list(&KEY);
    let stored = read(MEGOLM_BACKUP_V1, list.as_bytes()).unwrap();
    assert_eq!(stored.repairs, [SecretRepair::NumberList]);
    assert_eq!(stored.value.to_text().expose_str(), base64::encode(&KEY));
    assert_eq!(stored.value.check_backup_key(&backup_public_key()), Ok(()));
    let repairs = read(MEGOLM_BACKUP_V1_RECOVERY_KEY, list.as_bytes()).unwrap().repairs;
    assert_eq!(repairs, [SecretRepair::NameOfADraft, SecretRepair::NumberList]);
    let repaired = read(MEGOLM_BACKUP_V1, stored.value.to_text().expose_str().as_bytes()).unwrap();
    assert_eq!((repaired.repairs, repaired.value), (vec![], stored.value));
}

#[test]
fn row_40_other_lists_and_lists_under_other_names_are_no_keys() {
    let list = number_list(&KEY);
    let number = format!("{}", KEY[0]);
    for text in [
        format!("{list},1"),
        format!("{list},"),
        format!(",{list}"),
        list.rsplit_once(',').unwrap().0.to_owned(),
        list.replacen(&number, "256", 1),
        list.replacen(&number, "-1", 1),
        list.replacen(&number, "+1", 1),
        list.replacen(&number, "", 1),
        list.replacen(&number, "0x1", 1),
        format!("[{list}]"),
    ] {
        let error = read(MEGOLM_BACKUP_V1, text.as_bytes()).unwrap_err();
        assert_eq!(error, FormatProblem::NotAKey.of("the secret"), "{text}");
    }
    for name in KEY_NAMES.into_iter().filter(|name| !name.starts_with(MEGOLM_BACKUP_V1)) {
        let error = read(name, list.as_bytes()).unwrap_err();
        assert_eq!(error, FormatProblem::NotAKey.of("the secret"), "{name}");
    }
}

#[test]
fn row_41_rounds_are_read_within_the_limits_and_few_are_guessable() {
    let rounds = |text: &str| parameters(&json_with("iterations", text));
    for (text, expected) in [("1", 1), ("9999", 9_999), ("\"1234\"", 1_234)] {
        let read = rounds(text).unwrap();
        assert_eq!(read.value.rounds(), expected);
        assert!(read.value.is_guessable());
        assert_eq!(read.value.to_json(), Err(PassphraseError::TooFewRounds { rounds: expected }));
    }
    for (text, expected) in [("10000", 10_000), ("10000000", 10_000_000), ("\"500000\"", 500_000)] {
        let read = rounds(text).unwrap();
        assert_eq!((read.value.rounds(), read.repairs), (expected, vec![]));
        assert!(read.value.to_json().is_ok());
    }
    for text in ["0", "-0", "-1", "-4294967295", "-99999999999999999999", "\"0\"", "\"-7\""] {
        assert_eq!(rounds(text), Err(PassphraseError::NoRounds), "{text}");
    }
    for (text, asked) in [
        ("10000001", 10_000_001),
        ("4294967295", 4_294_967_295),
        ("4294967296", 4_294_967_296),
        ("4294967297", 4_294_967_297),
        ("18446744073709551616", i64::MAX.cast_unsigned()),
    ] {
        let error = PassphraseError::TooManyRounds { asked, limit: 10_000_000 };
        assert_eq!(rounds(text), Err(error), "{text}");
    }
    let unreadable = unusable("iterations");
    for text in ["1.5", "1e-4", "\"\"", "\"-\"", "\"+1\"", "true", "[1]", "{}", "\"ten\""] {
        assert_eq!(rounds(text), Err(unreadable.clone()), "{text}");
    }
}

#[test]
fn row_41_the_limit_is_the_callers() {
    let json = json_with("iterations", "500000");
    let mut limits = Limits::default();
    limits.pbkdf2_rounds = 499_999;
    let error = PassphraseError::TooManyRounds { asked: 500_000, limit: 499_999 };
    assert_eq!(PassphraseParameters::from_json(json.as_bytes(), &limits), Err(error));
    limits.pbkdf2_rounds = u32::MAX;
    let json = json_with("iterations", "4294967295");
    let read = PassphraseParameters::from_json(json.as_bytes(), &limits).unwrap();
    assert_eq!(read.value.rounds(), u32::MAX);
}

#[test]
fn row_41_bits_are_honoured_from_128_to_512() {
    for bits in [128, 136, 256, 384, 512] {
        let read = parameters(&json_with("bits", &bits.to_string())).unwrap();
        assert_eq!(read.value.bits(), bits);
    }
    for text in ["null", "256", "\"256\"", "256.0"] {
        let read = parameters(&json_with("bits", text)).unwrap();
        assert_eq!(read.value.bits(), 256, "{text}");
    }
    for bits in [0, 8, 120, 127, 129, 250, 511, 520, 1_024, 4_294_967_296 + 256] {
        let error = PassphraseError::KeyLength { bits };
        assert_eq!(parameters(&json_with("bits", &bits.to_string())), Err(error), "{bits}");
    }
    let error = PassphraseError::KeyLength { bits: 0 };
    assert_eq!(parameters(&json_with("bits", "-256")), Err(error));
    let error = unusable("bits");
    assert_eq!(parameters(&json_with("bits", "256.5")), Err(error));
}

#[test]
fn row_41_the_salt_is_its_text_and_never_decoded() {
    let key = |salt: &str| {
        let read = parameters(&json_with("salt", salt)).unwrap();
        read.value.derive("passphrase")
    };
    let mut expected = [0; 32];
    pbkdf2::pbkdf2_hmac::<sha2::Sha512>(b"passphrase", b"AQID", 10_000, &mut expected);
    assert_eq!(key("\"AQID\"").expose_bytes(), expected);
    assert_eq!(key("\"\\u0041QID\"").expose_bytes(), expected);
    assert_ne!(key("\"AQID=\"").expose_bytes(), expected);
    assert_eq!(key("\"\"").expose_bytes().len(), 32);
    for salt in ["7", "\"\\ud800\"", "[]"] {
        let error = unusable("salt");
        assert_eq!(parameters(&json_with("salt", salt)), Err(error));
    }
}

#[test]
fn an_algorithm_that_is_not_known_is_named_and_a_missing_one_is_a_finding() {
    let Err(PassphraseError::UnsupportedAlgorithm(name)) =
        parameters(&json_with("algorithm", "\"org.example.argon2id\""))
    else {
        panic!("another algorithm is known");
    };
    assert_eq!(name.as_str(), "org.example.argon2id");
    let read = parameters(&json_with("algorithm", "null")).unwrap();
    assert_eq!(read.repairs, [FormatProblem::Missing("algorithm")]);
    let error = unusable("algorithm");
    assert_eq!(parameters(&json_with("algorithm", "1")), Err(error));
}

#[test]
fn parameters_without_rounds_or_salt_and_other_types_are_no_parameters() {
    for member in ["iterations", "salt"] {
        let error = missing(member);
        assert_eq!(parameters(&json_with(member, "null")), Err(error));
    }
    for (text, error) in [
        ("[]", PassphraseError::from(FormatProblem::NotAnObject.of(WHAT))),
        ("null", PassphraseError::from(FormatProblem::NotAnObject.of(WHAT))),
        ("{", PassphraseError::from(FormatProblem::NotJson.of(WHAT))),
        ("{} {}", PassphraseError::from(FormatProblem::NotJson.of(WHAT))),
    ] {
        assert_eq!(parameters(text), Err(error), "{text}");
    }
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let error = PassphraseError::from(FormatProblem::Unkeepable.of(WHAT));
    assert_eq!(parameters(&json_with("future", &deep)), Err(error));
}

#[test]
fn row_13_unknown_members_of_parameters_survive() {
    let json = r#"{"future":{"a":[1.5,"\u00e9"]},"bits":512,"salt":"s\u002fs","iterations":"20000","algorithm":"m.pbkdf2","x":null}"#;
    let read = parameters(json).unwrap();
    let written = String::from_utf8(read.value.to_json().unwrap()).unwrap();
    assert_eq!(
        written,
        r#"{"algorithm":"m.pbkdf2","iterations":20000,"salt":"s/s","bits":512,"future":{"a":[1.5,"\u00e9"]},"x":null}"#
    );
    assert_eq!(parameters(&written).unwrap(), read);
}

#[test]
fn new_parameters_are_those_that_clients_write() {
    let new = PassphraseParameters::generate().unwrap();
    assert_eq!((new.rounds(), new.bits()), (500_000, 256));
    assert_eq!(new.salt().len(), 32);
    assert!(new.salt().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_ne!(new.salt(), PassphraseParameters::generate().unwrap().salt());
    let written = String::from_utf8(new.to_json().unwrap()).unwrap();
    let read = parameters(&written).unwrap();
    assert_eq!((read.value, read.repairs), (new, vec![]));
}

#[test]
fn row_42_a_passphrase_is_tried_as_typed_then_in_both_normal_forms_and_never_trimmed() {
    let (composed, decomposed) = (" caf\u{e9}\u{212b} ", " cafe\u{301}A\u{30a} ");
    let parameters = parameters(&json_with("bits", "256")).unwrap().value;
    let stored = [" caf\u{e9}\u{c5} ", decomposed, composed].map(|text| parameters.derive(text));
    for typed in [composed, decomposed, " caf\u{e9}\u{c5} ", " cafe\u{301}\u{c5} "] {
        let tried = candidates(typed);
        assert_eq!(tried[0].0, PassphraseForm::AsTyped);
        assert_eq!(tried[0].1.expose_str(), typed);
        let fits = |key: &KeyMaterial| {
            tried.iter().any(|(_, text)| parameters.derive(text.expose_str()) == *key)
        };
        assert!(fits(&stored[0]) && fits(&stored[1]), "{typed}");
        assert_eq!(
            fits(&stored[2]),
            typed == composed,
            "no form has the sign for \u{e5}ngstr\u{f6}m"
        );
        assert!(!fits(&parameters.derive(typed.trim())), "{typed}");
    }
}

#[test]
fn row_43_a_secret_that_is_not_text_is_named_and_an_empty_one_is_fine() {
    for name in ["org.example", MEGOLM_BACKUP_V1, CROSS_SIGNING_MASTER] {
        assert_eq!(read(name, b"a\xff").unwrap_err(), FormatProblem::NotText.of("the secret"));
    }
    for (name, text) in [("org.example", ""), ("org.example", "\0 \u{1f511}\n"), ("", "12,34")] {
        let read = read(name, text.as_bytes()).unwrap();
        assert_eq!((read.value.to_text().expose_str(), read.repairs), (text, vec![]));
    }
    assert_eq!(read(MEGOLM_BACKUP_V1, b"").unwrap_err(), FormatProblem::NotAKey.of("the secret"));
}

#[test]
fn a_key_belongs_to_its_own_public_key_alone() {
    let (backup, seed) = (backup_public_key(), seed_public_key());
    let text = base64::encode(&KEY);
    let mut top_bit = *backup.as_bytes();
    top_bit[31] |= 0x80;
    for name in KEY_NAMES {
        let value = read(name, text.as_bytes()).unwrap().value;
        let is_backup = name.starts_with(MEGOLM_BACKUP_V1);
        let kind = |error| if is_backup { (Ok(()), Err(error)) } else { (Err(error), Ok(())) };
        let fit = (value.check_backup_key(&backup), value.check_cross_signing_key(&seed));
        assert_eq!(fit, kind(SecretCheckError::Kind), "{name}");
        let other = Curve25519PublicKey::from_bytes([9; 32]);
        let other = (value.check_backup_key(&other), value.check_cross_signing_key(&other_seed()));
        let (as_backup, as_seed) = if is_backup {
            (SecretCheckError::BackupKey, SecretCheckError::Kind)
        } else {
            (SecretCheckError::Kind, SecretCheckError::CrossSigningKey)
        };
        assert_eq!(other, (Err(as_backup), Err(as_seed)), "{name}");
        if is_backup {
            let same = Curve25519PublicKey::from_bytes(top_bit);
            assert_eq!(value.check_backup_key(&same), Ok(()), "another encoding of the point");
        }
    }
    let text = read("org.example", text.as_bytes()).unwrap().value;
    assert_eq!(text.check_backup_key(&backup), Err(SecretCheckError::Kind));
    assert_eq!(text.check_cross_signing_key(&seed), Err(SecretCheckError::Kind));
}

#[test]
fn a_name_that_is_not_known_has_no_shape() {
    for name in ["m.dehydrated_device2", "m.cross_signing.master2", ""] {
        let value = read(name, b"no key").unwrap().value;
        assert_eq!(value.to_text().expose_str(), "no key", "{name}");
    }
}

#[test]
fn the_key_of_a_dehydrated_device_is_32_bytes_in_base64_padded_or_not() {
    for name in [DEHYDRATED_DEVICE, DEHYDRATED_DEVICE_UNSTABLE] {
        for stored in [base64::encode(&KEY), format!("{}=", base64::encode(&KEY))] {
            let value = read(name, stored.as_bytes()).unwrap().value;
            let key = value.dehydrated_device_key().unwrap();
            assert_eq!(*key.expose_bytes(), KEY);
            assert_eq!(value.to_text().expose_str(), base64::encode(&KEY));
            assert_eq!(value.name().as_str(), name, "each client finds it under its own name");
        }
        let numbers = KEY.map(|byte| byte.to_string()).join(",");
        for other in ["", "no key", &base64::encode(&KEY[1..]), &numbers] {
            read(name, other.as_bytes()).unwrap_err();
        }
    }
}

#[test]
fn a_text_that_was_saved_as_the_key_of_a_dehydrated_device_is_still_read() {
    let (user, device) = ("@a:b.org".into(), "PHONE".into());
    let saved = read("org.example.x", b"no key").unwrap().value.save(&user, &device);
    let saved = str::from_utf8(saved.expose_bytes()).unwrap();
    for name in [DEHYDRATED_DEVICE, CROSS_SIGNING_MASTER] {
        let saved = SecretVec::from(saved.replace("org.example.x", name).as_bytes());
        let read = SecretValue::from_saved(&saved, &user, &device);
        let text = read.map(|value| value.to_text().expose_str().to_owned());
        let is_dehydrated = name == DEHYDRATED_DEVICE;
        let expected =
            if is_dehydrated { Ok("no key".to_owned()) } else { Err(SavedStateError::Damaged) };
        assert_eq!(text, expected, "{name}");
    }
}

fn read(name: &str, stored: &[u8]) -> Result<Read<SecretValue, SecretRepair>, FormatError> {
    SecretValue::read(&SecretName::from(name), stored)
}

fn key_of(value: &SecretValue) -> [u8; 32] {
    match value.cross_signing_seed() {
        Some(seed) => *seed.as_secret().expose_bytes(),
        None => base64::decode_array(value.backup_key().unwrap().to_base64().expose_str()).unwrap(),
    }
}

fn backup_public_key() -> Curve25519PublicKey {
    *BackupDecryptionKey::from_bytes(SecretBytes::from_slice(&KEY).unwrap())
        .public_key()
        .as_curve25519()
}

fn seed_public_key() -> Ed25519PublicKey {
    Ed25519Seed::from_bytes(SecretBytes::from_slice(&KEY).unwrap()).public_key()
}

fn other_seed() -> Ed25519PublicKey {
    Ed25519Seed::from_bytes(SecretBytes::from_slice(&[9; 32]).unwrap()).public_key()
}

fn number_list(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
}

fn parameters(json: &str) -> Result<Read<PassphraseParameters, FormatProblem>, PassphraseError> {
    PassphraseParameters::from_json(json.as_bytes(), &Limits::default())
}

/// Usual parameters in which one member has this value.
fn json_with(member: &str, value: &str) -> String {
    format!(
        r#"{{"algorithm":"m.pbkdf2","iterations":10000,"salt":"salt","bits":256,"{member}":{value}}}"#
    )
}

const KEY: [u8; 32] = [
    200, 7, 255, 0, 10, 99, 100, 3, 4, 5, 6, 70, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 0xd0,
];

const KEY_NAMES: [&str; 5] = [
    MEGOLM_BACKUP_V1,
    MEGOLM_BACKUP_V1_RECOVERY_KEY,
    CROSS_SIGNING_MASTER,
    CROSS_SIGNING_SELF_SIGNING,
    CROSS_SIGNING_USER_SIGNING,
];

fn unusable(member: &'static str) -> PassphraseError {
    FormatProblem::Unusable(member).of(WHAT).into()
}

fn missing(member: &'static str) -> PassphraseError {
    FormatProblem::Missing(member).of(WHAT).into()
}

const WHAT: &str = "the object with the passphrase settings";

//! Row 25 of the list of malformations: the parameters of a passphrase in `auth_data`, in every form in
//! which they may stand there, and what a key from a passphrase proves.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use strongroom::{
    Limits,
    backup::{
        AuthData, BackupDecryptionKey, BackupPassphraseAttempts, BackupVersionInfo, TrustError,
        TrustReason, TrustedBackup,
    },
    encoding::format::FormatProblem,
    passphrase::{PassphraseError, PassphraseForm, PassphraseParameters, PassphraseProgress},
    provenance::Provenance,
    secret::SecretBytes,
};

#[test]
fn row_25_the_passphrase_opens_the_backup() {
    let auth_data = read(&auth_data_of("pass", &members("10000", r#""s\/s""#, None)));
    let read = auth_data.passphrase().unwrap().unwrap();
    assert_eq!((read.value.rounds(), read.value.salt()), (10_000, "s/s"));
    assert!(read.repairs.is_empty());
    let fitting = BackupDecryptionKey::from_passphrase(&auth_data, "pass").unwrap();
    assert_eq!(fitting.key.public_key(), auth_data.public_key());
    assert_eq!(fitting.key.provenance(), Provenance::TypedByUser);
    for other in ["", "Pass", "pass ", " pass", "pass\n"] {
        let error = BackupDecryptionKey::from_passphrase(&auth_data, other).unwrap_err();
        assert_eq!(error, PassphraseError::DoesNotFit, "{other:?}");
    }
}

#[test]
fn row_25_without_parameters_there_is_no_passphrase() {
    let nulls = r#","private_key_salt":null,"private_key_iterations":null,"private_key_bits":null"#;
    for members in ["", nulls, r#","private_key":"x","salt":"s","iterations":10000"#] {
        let auth_data = read(&auth_data_of("pass", members));
        assert_eq!(auth_data.passphrase(), Ok(None), "{members}");
        let error = BackupDecryptionKey::from_passphrase(&auth_data, "pass").unwrap_err();
        assert_eq!(error, PassphraseError::NoPassphrase);
    }
}

#[test]
fn row_25_numbers_may_be_strings_of_digits() {
    for (iterations, bits) in [
        ("10000", "256"),
        (r#""10000""#, r#""256""#),
        (r#""0010000""#, r#""0256""#),
        ("1e4", "256"),
        ("10000", "null"),
    ] {
        let json = auth_data_of("pass", &members(iterations, r#""salt""#, Some(bits)));
        assert!(BackupDecryptionKey::from_passphrase(&read(&json), "pass").is_ok(), "{json}");
    }
}

#[test]
fn row_25_unusable_members_leave_auth_data_usable() {
    let good = (Some("10000"), Some(r#""salt""#));
    let mut cases = vec![
        ((good.0, None, None), missing("salt")),
        ((good.0, Some("null"), None), missing("salt")),
        ((None, good.1, None), missing("iterations")),
        ((Some("null"), good.1, None), missing("iterations")),
        ((None, None, Some("256")), missing("iterations")),
    ];
    for not_a_text in ["1", "true", "[]", "{}", r#"["salt"]"#, "1.5"] {
        cases.push(((good.0, Some(not_a_text), None), unusable("salt")));
    }
    for not_an_integer in [
        "10000.5", "2.56e1", "1.5", "true", "[10000]", "{}", r#""""#, r#""x""#, r#""1e4""#,
        r#"" 1""#,
    ] {
        cases.push(((Some(not_an_integer), good.1, None), unusable("iterations")));
        cases.push(((good.0, good.1, Some(not_an_integer)), unusable("bits")));
    }
    for ((iterations, salt, bits), error) in cases {
        let json = auth_data_of("pass", &present(iterations, salt, bits));
        assert_unusable(&json, &error);
    }
}

#[test]
fn row_25_too_many_rounds_and_none_are_refused_before_any_work() {
    for none in ["0", "-1", "-0", r#""0""#, r#""-5""#, "-99999999999999999999999"] {
        let json = auth_data_of("pass", &members(none, r#""salt""#, None));
        assert_unusable(&json, &PassphraseError::NoRounds);
    }
    let max = u64::try_from(i64::MAX).unwrap();
    for (iterations, asked) in [
        ("10000001", 10_000_001),
        ("4294967295", 4_294_967_295),
        ("4294967297", 4_294_967_297),
        (r#""4294967296""#, 4_294_967_296),
        ("9007199254740993", 9_007_199_254_740_993),
        ("99999999999999999999999", max),
    ] {
        let json = auth_data_of("pass", &members(iterations, r#""salt""#, None));
        let error = PassphraseError::TooManyRounds { asked, limit: 10_000_000 };
        assert_unusable(&json, &error);
    }
}

#[test]
fn row_25_the_limit_on_rounds_is_the_callers() {
    let json = auth_data_of("pass", &members("10000", r#""salt""#, None));
    let mut limits = Limits::default();
    limits.pbkdf2_rounds = 9_999;
    let auth_data = AuthData::from_json(&json, &limits).unwrap();
    let error = PassphraseError::TooManyRounds { asked: 10_000, limit: 9_999 };
    assert_eq!(auth_data.passphrase(), Err(&error));
    limits.pbkdf2_rounds = 10_000;
    let auth_data = AuthData::from_json(&json, &limits).unwrap();
    assert!(BackupDecryptionKey::from_passphrase(&auth_data, "pass").is_ok());
}

#[test]
fn row_25_of_a_longer_key_32_bytes_count_and_a_shorter_one_is_no_key() {
    for bits in ["256", "264", "512"] {
        let json = auth_data_of("pass", &members("10000", r#""salt""#, Some(bits)));
        assert!(BackupDecryptionKey::from_passphrase(&read(&json), "pass").is_ok(), "{bits}");
    }
    for bits in [128, 248] {
        let json = auth_data_of("pass", &members("10000", r#""salt""#, Some(&bits.to_string())));
        let error = BackupDecryptionKey::from_passphrase(&read(&json), "pass").unwrap_err();
        assert_eq!(error, PassphraseError::KeyTooShort { bits });
    }
    for (text, bits) in
        [("0", 0), ("-256", 0), ("255", 255), ("520", 520), ("4294967552", 1 << 32 | 256)]
    {
        let json = auth_data_of("pass", &members("10000", r#""salt""#, Some(text)));
        assert_unusable(&json, &PassphraseError::KeyLength { bits });
    }
}

#[test]
fn row_25_the_salt_is_its_text_and_may_be_empty() {
    for salt in ["", "AQID", "\u{e9}", "e\u{301}", " ", "\u{1f511}"] {
        let text = format!("{salt:?}");
        let quoted = if salt.is_ascii() { text } else { format!("\"{salt}\"") };
        let members = members("1", &quoted, None);
        let public_key = derived_key("pass", 1, salt).public_key().to_base64();
        let auth_data = read(&format!(r#"{{"public_key":"{public_key}"{members}}}"#));
        assert!(BackupDecryptionKey::from_passphrase(&auth_data, "pass").is_ok(), "{salt:?}");
    }
}

#[test]
fn row_42_the_backups_passphrase_is_tried_in_three_forms() {
    let (mixed, composed, decomposed) = ("e\u{301}\u{e9}", "\u{e9}\u{e9}", "e\u{301}e\u{301}");
    for (stored, form) in [
        (mixed, PassphraseForm::AsTyped),
        (composed, PassphraseForm::Nfc),
        (decomposed, PassphraseForm::Nfd),
    ] {
        let auth_data = read(&auth_data_of(stored, &members("10000", r#""salt""#, None)));
        let fitting = BackupDecryptionKey::from_passphrase(&auth_data, mixed).unwrap();
        assert_eq!(fitting.form, form);
    }
}

#[test]
fn slices_give_the_same_key_and_tell_how_far_they_have_come() {
    let auth_data = read(&auth_data_of("e\u{301}", &members("10000", r#""salt""#, None)));
    let mut attempts = BackupPassphraseAttempts::new(&auth_data, "\u{e9}").unwrap();
    let mut slices = 0;
    let fitting = loop {
        slices += 1;
        if let Some(fitting) = attempts.advance(4_000).unwrap() {
            break fitting;
        }
        let PassphraseProgress { done, at_most } = attempts.progress();
        assert!(done < at_most && at_most == 20_000, "{done} of {at_most}");
    };
    assert_eq!((slices, fitting.form), (6, PassphraseForm::Nfd));
    assert_eq!(attempts.progress(), PassphraseProgress { done: 20_000, at_most: 20_000 });
    assert_eq!(attempts.advance(1).unwrap_err(), PassphraseError::DoesNotFit);
}

#[test]
fn a_passphrase_that_fits_makes_a_backup_trusted() {
    let info = version_info("pass", 10_000);
    let fitting = BackupDecryptionKey::from_passphrase(info.auth_data().unwrap(), "pass").unwrap();
    let trusted = TrustedBackup::by_decryption_key(&info, &fitting.key, &[]).unwrap();
    assert_eq!(trusted.reason(), &TrustReason::DecryptionKey(Provenance::TypedByUser));
    let retired = [*fitting.key.public_key()];
    let refused = TrustedBackup::by_decryption_key(&info, &fitting.key, &retired);
    assert_eq!(refused.unwrap_err(), TrustError::Retired);
}

#[test]
fn a_passphrase_with_few_rounds_opens_and_makes_nothing_trusted() {
    for rounds in [1, 9_999] {
        let info = version_info("pass", rounds);
        let auth_data = info.auth_data().unwrap();
        let parameters = &auth_data.passphrase().unwrap().unwrap().value;
        assert_eq!((parameters.rounds(), parameters.is_guessable()), (rounds, true));
        let key = BackupDecryptionKey::from_passphrase(auth_data, "pass").unwrap().key;
        let refused = TrustedBackup::by_decryption_key(&info, &key, &[]);
        assert_eq!(refused.unwrap_err(), TrustError::UnauthenticatedSource);
        let accepted = key.accept_unauthenticated();
        assert!(TrustedBackup::by_decryption_key(&info, &accepted, &[]).is_ok());
    }
}

#[test]
fn what_is_read_survives_and_what_is_new_has_no_passphrase() {
    let members = r#", "private_key_salt":"s\u0061lt" ,"private_key_iterations":"0"  ,"x":[1]"#;
    let json = auth_data_of("pass", members);
    let read = read(&json);
    assert_eq!(read.as_json(), json);
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    let new = AuthData::new(read.public_key());
    assert_eq!(new.passphrase(), Ok(None));
    assert!(!new.as_json().contains("private_key"));
}

/// Unusable for a passphrase, and as good as any for everything else.
#[track_caller]
fn assert_unusable(json: &str, error: &PassphraseError) {
    let auth_data = read(json);
    assert_eq!(auth_data.passphrase(), Err(error), "{json}");
    let refused = BackupDecryptionKey::from_passphrase(&auth_data, "pass").unwrap_err();
    assert_eq!(refused, error.clone());
    assert_eq!(refused.to_string(), error.to_string());
    assert_eq!(auth_data.public_key(), derived_key("pass", 10_000, "salt").public_key());
    assert_eq!(auth_data.as_json(), json);
}

fn read(json: &str) -> AuthData {
    AuthData::from_json(json, &Limits::default()).unwrap()
}

/// With the public key that the passphrase gives in 10,000 rounds with the salt of `members`, `s/s` or
/// `salt`.
fn auth_data_of(passphrase: &str, members: &str) -> String {
    let salt = if members.contains(r"s\/s") { "s/s" } else { "salt" };
    let public_key = derived_key(passphrase, 10_000, salt).public_key().to_base64();
    format!(r#"{{"public_key":"{public_key}"{members}}}"#)
}

fn version_info(passphrase: &str, rounds: u32) -> BackupVersionInfo {
    let public_key = derived_key(passphrase, rounds.into(), "salt").public_key().to_base64();
    let members = members(&rounds.to_string(), r#""salt""#, None);
    let json = format!(
        r#"{{"version":"1","algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{{"public_key":"{public_key}"{members}}}}}"#
    );
    BackupVersionInfo::from_json(json.as_bytes(), &Limits::default()).unwrap()
}

fn members(iterations: &str, salt: &str, bits: Option<&str>) -> String {
    present(Some(iterations), Some(salt), bits)
}

fn present(iterations: Option<&str>, salt: Option<&str>, bits: Option<&str>) -> String {
    let values = [("iterations", iterations), ("salt", salt), ("bits", bits)];
    let members = values
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| format!(r#","private_key_{name}":{value}"#)));
    members.collect()
}

/// The key that 32 bytes of PBKDF2 are.
fn derived_key(passphrase: &str, rounds: i64, salt: &str) -> BackupDecryptionKey {
    let read = PassphraseParameters::from_parts(rounds, salt, None, &Limits::default()).unwrap();
    let derived = read.value.derive(passphrase);
    let bytes = SecretBytes::from_slice(derived.expose_bytes()).unwrap();
    BackupDecryptionKey::typed_by_user(bytes)
}

fn unusable(member: &'static str) -> PassphraseError {
    FormatProblem::Unusable(member).of(WHAT).into()
}

fn missing(member: &'static str) -> PassphraseError {
    FormatProblem::Missing(member).of(WHAT).into()
}

const WHAT: &str = "the object with the passphrase settings";

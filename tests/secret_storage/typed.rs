//! What people type and paste (rows 53 and 54 of the malformations), and numbers by their value (row 55).

use serde_json::json;
use strongroom::{
    Limits,
    encoding::{
        format::FormatProblem,
        text_file::{self},
    },
    passphrase::{PassphraseError, PassphraseParameters},
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret_storage::{EntryKind, UnlockError, UnlockFailure},
    secret_value::PublicKeys,
};

use crate::account::{Account, ID, KEY, OTHER_ID, OTHER_KEY, recovery_key};

#[test]
fn row_53_what_stands_in_and_around_a_key_does_not_matter() {
    let key = recovery_key(KEY);
    let joined = |separator: &str| key.replace(' ', separator);
    let full_width: String = key.chars().map(full_width).collect();
    let each = |mark: &str| key.chars().map(|it| format!("{it}{mark}")).collect::<String>();
    let texts = [
        joined("-"),
        joined("."),
        joined("_"),
        joined(", "),
        joined(" \u{2013} "),
        joined("\u{2011}"),
        joined("\u{b7}"),
        joined("\u{ad}"),
        joined("\u{200b}"),
        joined("\r\n\t"),
        joined(""),
        each("\u{200d}"),
        each("\u{fe0f}"),
        full_width,
        format!("\u{feff}{key}\n"),
        format!("\u{200e}{key}\u{200f}"),
        format!("\u{2066}{key}\u{2069}"),
        format!("\"{key}\""),
        format!("\u{201e}{key}\u{201c}"),
        format!("\u{ab}\u{a0}{key}\u{a0}\u{bb}"),
        format!("\u{300c}{key}\u{300d}"),
        format!("`{key}`"),
        format!("```\n{key}\n```"),
        format!("```text\r\n{key}\r\n```\r\n"),
        format!("~~~\n{key}\n~~~"),
        format!("    {key}"),
        format!("> {}", joined("\n> ")),
        format!("**{key}**"),
        format!("<code>{key}</code>"),
        format!("Recovery key: {key}"),
        format!("Recovery key {key}"),
        format!("Security Key:\n\n{key}\n"),
        format!("Wiederherstellungsschl\u{fc}ssel: {key}"),
        format!("Cl\u{e9} de r\u{e9}cup\u{e9}ration : {key}"),
        format!("\u{6062}\u{590d}\u{5bc6}\u{94a5}\u{ff1a}{key}"),
        format!("\u{41a}\u{43b}\u{44e}\u{447}: {key}"),
        format!("Est\u{e1} aqu\u{ed}, es la clave: {key}"),
        format!("1. {key}"),
        format!("recovery_key={}", joined("-")),
        format!("# Matrix\n\n- Recovery key: `{key}`\n- User: @me:example.org\n"),
        format!("{key}\nSaved on 2024-01-05 at 10:00, do not lose it!"),
        format!("{key} (my recovery key)"),
        format!("{key}\n{key}"),
    ];
    let account = Account::default().with_key(ID, KEY);
    for text in texts {
        let read = RecoveryKey::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read.as_secret().expose_bytes(), KEY, "{text}");
        let unlocked = account.storage().unlock(&text, &PublicKeys::default(), &Limits::default());
        assert!(unlocked.is_ok(), "{text}");
    }
}

#[test]
fn row_53_a_text_that_is_not_one_key_for_sure_is_refused() {
    let (key, other) = (recovery_key(KEY), recovery_key(OTHER_KEY));
    let dense = key.replace(' ', "");
    let refused = [
        (format!("{key}\n{other}"), RecoveryKeyError::Several),
        (format!("old: {key}\nnew: {other}"), RecoveryKeyError::Several),
        (format!("{key} {other}"), RecoveryKeyError::Several),
        (format!("{key} EsTS"), RecoveryKeyError::Length { found: 52 }),
        (format!("{dense}2"), RecoveryKeyError::Length { found: 49 }),
        (format!("1{dense}"), RecoveryKeyError::Length { found: 49 }),
        (format!("0{dense}"), RecoveryKeyError::Character { position: 1 }),
        (format!("{dense}0"), RecoveryKeyError::Character { position: 49 }),
        (format!("{key} 0"), RecoveryKeyError::Character { position: 61 }),
        (format!("Recovery key: {}", &key[..58]), RecoveryKeyError::Length { found: 47 }),
        (
            format!("Recovery key: {}", key.replacen(' ', " 0", 1)),
            RecoveryKeyError::Character { position: 6 },
        ),
        (key.replacen(' ', "\u{435}", 1), RecoveryKeyError::Character { position: 5 }),
        ("Es".to_owned(), RecoveryKeyError::Length { found: 2 }),
        ("-.-".to_owned(), RecoveryKeyError::Length { found: 0 }),
    ];
    for (text, error) in refused {
        assert_eq!(RecoveryKey::parse(&text), Err(error), "{text}");
    }
}

#[test]
fn row_53_a_wrong_character_that_cannot_be_seen_is_named() {
    let key = recovery_key(KEY);
    for (character, name) in [('\0', "U+0000"), ('\u{1b}', "U+001B"), ('\u{2800}', "U+2800")] {
        let text = key.replacen(' ', &character.to_string(), 1);
        let error = RecoveryKey::parse(&text).unwrap_err();
        let code_point = character.into();
        assert_eq!(error, RecoveryKeyError::Invisible { position: 5, code_point });
        assert!(error.to_string().contains(name), "{error}");
    }
    let visible = RecoveryKey::parse(&key.replacen(' ', "0", 1)).unwrap_err();
    assert!(!visible.to_string().contains("U+"), "{visible}");
}

#[test]
fn row_53_a_key_file_is_read_in_every_encoding() {
    let text = format!("{}\r\n", recovery_key(KEY));
    let units = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let (le, be) = (units(u16::to_le_bytes), units(u16::to_be_bytes));
    let files = [
        text.clone().into_bytes(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [b"\xff\xfe", le.as_slice()].concat(),
        [b"\xfe\xff", be.as_slice()].concat(),
        le,
        be,
    ];
    for bytes in files {
        let read = text_file::read_text(&bytes).unwrap();
        assert_eq!(RecoveryKey::parse(read.expose_str()).unwrap().as_secret().expose_bytes(), KEY);
    }
    let utf8 = text.as_bytes();
    let utf32 =
        |to: fn(u32) -> [u8; 4]| text.chars().map(u32::from).flat_map(to).collect::<Vec<u8>>();
    let (le32, be32) = (utf32(u32::to_le_bytes), utf32(u32::to_be_bytes));
    let unusual = [
        [utf8, b"\0"].concat(),
        [utf8, &[0; 7]].concat(),
        [b"\xef\xbb\xbf", utf8, &[0; 512]].concat(),
        [units(u16::to_le_bytes), vec![0; 6]].concat(),
        [b"\xff\xfe", units(u16::to_le_bytes).as_slice(), &[0; 2]].concat(),
        [units(u16::to_be_bytes), vec![0; 4]].concat(),
        [b"\xff\xfe\0\0", le32.as_slice()].concat(),
        [b"\0\0\xfe\xff", be32.as_slice(), &[0; 8]].concat(),
        le32,
        be32,
        [utf8, b"\x1a"].concat(),
    ];
    for bytes in unusual {
        let read = text_file::read_text(&bytes).unwrap();
        assert!(!read.expose_str().contains('\0'), "{bytes:?}");
        assert_eq!(RecoveryKey::parse(read.expose_str()).unwrap().as_secret().expose_bytes(), KEY);
    }
    let padded = text_file::read_text(b"correct horse\0\0").unwrap();
    assert_eq!(padded.expose_str(), "correct horse");
    assert_eq!(
        text_file::read_text(b"\x89PNG\r\n\x1a\n\0\0\0"),
        Err(FormatProblem::NotText.of("the file"))
    );
}

#[test]
fn row_53_a_long_text_costs_time_by_its_length() {
    let key = recovery_key(KEY);
    let almost = key.replacen(' ', " 2", 1);
    let long = |piece: &str| piece.repeat(100_000 / piece.len());
    let gap = long(" ");
    let texts = [
        long("Es"),
        long("Es "),
        long("E\n"),
        long(&almost),
        long("Es\u{200b} "),
        format!("{gap}x"),
        format!("Es{gap}"),
        format!("E{gap}E{gap}Es{gap}"),
    ];
    for text in texts {
        assert!(RecoveryKey::parse(&text).is_err());
    }
    let after_lines = RecoveryKey::parse(&format!("{}{key}", long("\n"))).unwrap();
    assert_eq!(after_lines.as_secret().expose_bytes(), KEY);
    let far = format!("{}\n{key}\n{}", long("Es "), long("Es "));
    assert_eq!(RecoveryKey::parse(&far).unwrap().as_secret().expose_bytes(), KEY);
}

#[test]
fn row_54_a_blank_entry_is_refused_before_any_round() {
    let mut with_passphrase = Account::default().with_key(ID, KEY);
    with_passphrase.key_mut(ID)["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 10_000, "salt": "s"});
    let without = Account::default().with_key(ID, KEY);
    let cases = [(with_passphrase, EntryKind::Either), (without, EntryKind::RecoveryKey)];
    for (account, kind) in cases {
        let storage = account.storage();
        for blank in ["", " ", "\r\n", "\u{feff}", " \u{200b}\u{3000}\t"] {
            let unlock = storage.start_unlock(blank, &PublicKeys::default(), &Limits::default());
            assert_eq!(unlock.progress().at_most, 0);
            let error = unlock.finish().unwrap_err();
            let UnlockFailure::Empty { storage, backup } = error.reason else { panic!("{error}") };
            assert_eq!((storage, backup), (Some(kind), None));
            assert_eq!(error.recovery_key, Some(RecoveryKeyError::Empty));
            let names_passphrase = error.to_string().contains("passphrase");
            assert_eq!(names_passphrase, kind == EntryKind::Either, "{error}");
        }
    }
}

/// Whether it is the key with one mistake, the description of that key knows.
#[test]
fn of_a_mistyped_key_it_is_said_where_the_mistake_is() {
    let key = recovery_key(KEY);
    let characters: Vec<_> = key.chars().filter(|it| *it != ' ').collect();
    let with = |edit: &dyn Fn(&mut Vec<char>)| {
        let mut typed = characters.clone();
        edit(&mut typed);
        typed.into_iter().collect::<String>()
    };
    let other = |old: char| if old == 'a' { 'b' } else { 'a' };
    let place = (9..40).find(|place| characters[*place] != characters[place + 1]).unwrap();
    let expected = format!(
        "the {} character of group {} ",
        ["1st", "2nd", "3rd", "4th"][place % 4],
        place / 4 + 1
    );
    let typed = [
        (with(&|it| it[place] = other(it[place])), "is wrong"),
        (with(&|it| it.swap(place, place + 1)), "and the one after it are in the wrong order"),
        (with(&|it| it.insert(place, other(it[place]))), "is one too many"),
    ];
    let account = Account::default().with_key(ID, KEY);
    for (typed, mistake) in typed {
        let error = unlock(&account, &typed).unwrap_err();
        assert!(matches!(error.reason, UnlockFailure::Mistyped(_)), "{error}");
        assert!(error.to_string().ends_with(&(expected.clone() + mistake)), "{error}");
        // Nothing is offered without a proof: of another key, or of one that nothing checks.
        let mut unchecked = account.clone();
        unchecked.remove_check(ID);
        for account in [Account::default().with_key(ID, OTHER_KEY), unchecked] {
            let error = unlock(&account, &typed).unwrap_err();
            assert!(!matches!(error.reason, UnlockFailure::Mistyped(_)), "{error}");
        }
    }
    let missing = with(&|it| _ = it.remove(place));
    let missing = unlock(&account, &missing).unwrap_err();
    assert!(missing.to_string().ends_with("is missing"), "{missing}");
}

#[test]
fn row_54_a_refusal_says_what_was_expected() {
    let account = Account::default().with_key(ID, KEY);
    let reason = |account: &Account, typed: &str| unlock(account, typed).unwrap_err().reason;
    let expected = reason(&account, "correct horse battery staple");
    assert_eq!(expected, UnlockFailure::RecoveryKeyExpected);
    let sentence = expected.to_string();
    assert!(sentence.contains("looks like a passphrase") && sentence.contains("48"), "{sentence}");

    let mistyped = recovery_key(OTHER_KEY).replacen(' ', " 0", 1);
    let error = reason(&account, &mistyped);
    assert_eq!(error, UnlockFailure::RecoveryKey(RecoveryKeyError::Character { position: 6 }));
    let sentence = error.to_string();
    assert!(sentence.contains("looks like a recovery key but is not a valid one"), "{sentence}");

    // A recovery key has 256 bits.
    let mut long = Account::default().with_key(ID, KEY);
    long.key_mut(ID)["passphrase"] =
        json!({"algorithm": "m.pbkdf2", "iterations": 1, "salt": "s", "bits": 512});
    let expected = reason(&long, &recovery_key(OTHER_KEY));
    assert_eq!(expected, UnlockFailure::PassphraseExpected);
    assert_eq!(reason(&long, "wrong"), UnlockFailure::PassphraseDoesNotFit);
    let mixed = long.with_key(OTHER_ID, KEY);
    assert_eq!(reason(&mixed, &recovery_key(OTHER_KEY)), UnlockFailure::RecoveryKeyDoesNotFit);
}

#[test]
fn row_55_a_number_is_read_by_its_value() {
    let read = |iterations: &str, bits: &str| {
        let json = format!(
            r#"{{"algorithm":"m.pbkdf2","salt":"s","iterations":{iterations},"bits":{bits}}}"#
        );
        let read = PassphraseParameters::from_json(json.as_bytes(), &Limits::default())?;
        Ok((read.value.rounds(), read.value.bits()))
    };
    for ten_thousand in ["10000", "10000.0", "1e4", "1.0E+4", "100000e-1", "\"10000\""] {
        assert_eq!(read(ten_thousand, "256.0"), Ok((10_000, 256)), "{ten_thousand}");
        assert_eq!(read(ten_thousand, "5.12e2"), Ok((10_000, 512)), "{ten_thousand}");
    }
    use PassphraseError::{NoRounds, TooManyRounds};
    for other in ["1.5", "1e400", "10000.5", "1e-1", "\"1e4\"", "\"10000.0\"", "true"] {
        assert_eq!(read(other, "256"), Err(unusable("iterations")), "{other}");
        assert_eq!(read("10000", other), Err(unusable("bits")), "{other}");
    }
    for none in ["0", "-0.0", "-1e4", "-10000.0"] {
        assert_eq!(read(none, "256"), Err(NoRounds), "{none}");
    }
    let limit = Limits::default().pbkdf2_rounds;
    let asked = i64::MAX.unsigned_abs();
    assert_eq!(read("1e300", "256"), Err(TooManyRounds { asked, limit }));
}

fn unlock(account: &Account, typed: &str) -> Result<(), UnlockError> {
    account.storage().unlock(typed, &PublicKeys::default(), &Limits::default()).map(drop)
}

fn full_width(character: char) -> char {
    match character {
        '!'..='~' => char::from_u32(u32::from(character) + 0xfee0).unwrap(),
        _ => '\u{3000}',
    }
}

fn unusable(member: &'static str) -> PassphraseError {
    FormatProblem::Unusable(member).of(WHAT).into()
}

const WHAT: &str = "the object with the passphrase settings";

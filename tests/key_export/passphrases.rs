//! Which forms of a passphrase are tried, and how.

use std::io::Cursor;

use strongroom::{Limits, key_export::*, passphrase::PassphraseForm};

use super::kit::*;

fn encrypted(file: &str) -> EncryptedKeyFile<Cursor<&[u8]>> {
    match KeyFile::from_slice(file.as_bytes(), &Limits::default()).unwrap() {
        KeyFile::Encrypted(file) => file,
        KeyFile::Plain(_) => panic!("it is encrypted"),
    }
}

fn sealed_with(passphrase: &str, rounds: u32) -> String {
    framed(&sealed(passphrase, rounds, IV, json(&sessions(1)).as_bytes()))
}

#[test]
fn the_forms_of_a_passphrase_are_tried_and_the_one_that_fits_is_told() {
    use PassphraseForm::{AsTyped, Nfc, Nfd, Trimmed};
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    for (used, typed, form) in [
        ("horse", "horse", AsTyped),
        (" horse ", " horse ", AsTyped),
        ("horse", "horse ", Trimmed),
        ("horse", "\t horse\r\n", Trimmed),
        ("ho  rse", " ho  rse\n", Trimmed),
        (composed, decomposed, Nfc),
        (decomposed, composed, Nfd),
        (composed, "caf\u{e9}\n", Trimmed),
        (composed, "cafe\u{301}\n", Trimmed),
        (decomposed, "caf\u{e9}\u{a0}", Trimmed),
        ("\u{5bc6}\u{1f511}", "\u{5bc6}\u{1f511}", AsTyped),
    ] {
        let file = sealed_with(used, 2);
        let sessions = encrypted(&file).unlock(typed).open().unwrap();
        assert_eq!(sessions.form(), Some(form), "{used:?} {typed:?}");
        assert_eq!(sessions.finish().unwrap().form(), Some(form));
    }
    // Nothing else is guessed.
    for (used, typed) in [(" horse", "horse"), ("horse", "Horse"), ("ho rse", "horse")] {
        let file = sealed_with(used, 2);
        let error = encrypted(&file).unlock(typed).open().unwrap_err();
        assert_eq!(error, KeyFileError::WrongPassphrase);
    }
}

#[test]
fn a_wrong_passphrase_and_a_damaged_file_are_one_sentence_that_names_both() {
    let file = sealed_with(PASSPHRASE, 1);
    let wrong = encrypted(&file).unlock("wrong").open().unwrap_err();
    let mut bytes = sealed(PASSPHRASE, 1, IV, json(&sessions(1)).as_bytes());
    bytes[60] ^= 1;
    let damaged = framed(&bytes);
    assert_eq!(encrypted(&damaged).unlock(PASSPHRASE).open().unwrap_err(), wrong);
    let sentence = wrong.to_string();
    for word in ["passphrase", "damaged", "check", "copy"] {
        assert!(sentence.contains(word), "{sentence}");
    }
}

#[test]
fn nothing_is_tried_for_a_blank_entry() {
    let file = sealed_with(PASSPHRASE, 1);
    for typed in ["", " ", "\u{200b}\n"] {
        let mut attempts = encrypted(&file).unlock(typed);
        assert_eq!(attempts.progress().at_most, 0);
        assert_eq!(attempts.advance(1), Err(KeyFileError::BlankPassphrase));
    }
}

#[test]
fn a_passphrase_is_tried_in_slices_with_progress_and_the_file_can_be_tried_again() {
    let file = sealed_with("caf\u{e9}", 7);
    let mut attempts = encrypted(&file).unlock("cafe\u{301}");
    let mut seen = vec![attempts.progress()];
    assert_eq!((seen[0].done, seen[0].at_most), (0, 14));
    while !attempts.advance(2).unwrap() {
        seen.push(attempts.progress());
    }
    assert!(seen.windows(2).all(|pair| pair[0].done < pair[1].done), "{seen:?}");
    assert_eq!(attempts.progress().done, 14);
    assert!(attempts.advance(2).unwrap(), "what was found stays found");
    assert_eq!(attempts.open().unwrap().read_all().unwrap().0, sessions(1));

    let mut attempts = encrypted(&file).unlock("wrong");
    assert!(!attempts.advance(u32::MAX).unwrap());
    for _ in 0..2 {
        assert_eq!(attempts.advance(1), Err(KeyFileError::WrongPassphrase));
    }
    let mut again = attempts.into_file().unlock("caf\u{e9}");
    while !again.advance(1).unwrap() {}
    assert!(again.open().unwrap().finish().unwrap().is_everything());
}

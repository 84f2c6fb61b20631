//! What somebody may have meant who typed a passphrase.

use unicode_normalization::UnicodeNormalization as _;

use crate::{characters, secret::SecretString};

/// A passphrase that is worth a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassphraseCandidate {
    /// How it was made from what was typed.
    pub form: PassphraseForm,
    /// The passphrase.
    pub text: SecretString,
}

/// How a passphrase was made from what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PassphraseForm {
    /// Not changed at all.
    AsTyped,
    /// In Unicode's normal form C: letters with their accents in one character, as most keyboards
    /// give them.
    Nfc,
    /// In Unicode's normal form D: accents as characters of their own, as some systems give them.
    Nfd,
}

/// What to try for a typed passphrase, in this order: as typed, then in the Unicode normal forms C and
/// D where these differ. White space is never removed. A text in which nothing can be seen is no passphrase: no client
/// makes a key from an entry that was left empty, so there is nothing to try.
///
/// Clients derive keys from whatever a keyboard gave them, so the same passphrase typed on another
/// system can be another text.
#[must_use]
pub fn candidates(typed: &str) -> Vec<PassphraseCandidate> {
    if characters::is_blank(typed) {
        return Vec::new();
    }
    let as_typed = SecretString::from(typed);
    let mut candidates =
        vec![PassphraseCandidate { form: PassphraseForm::AsTyped, text: as_typed }];
    if typed.is_ascii() {
        return candidates;
    }
    for (form, text) in [
        (PassphraseForm::Nfc, collect(|| typed.nfc())),
        (PassphraseForm::Nfd, collect(|| typed.nfd())),
    ] {
        if candidates.iter().all(|candidate| candidate.text != text) {
            candidates.push(PassphraseCandidate { form, text });
        }
    }
    candidates
}

/// Runs the characters twice, since a text that grows would leave copies behind.
fn collect<I: Iterator<Item = char>>(characters: impl Fn() -> I) -> SecretString {
    let mut text = SecretString::with_capacity(characters().map(char::len_utf8).sum());
    characters().for_each(|character| text.push_within_capacity(character));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(typed: &str) -> Vec<(PassphraseForm, String)> {
        let candidates = candidates(typed).into_iter();
        candidates.map(|found| (found.form, found.text.expose_str().to_owned())).collect()
    }

    #[test]
    fn only_forms_that_differ_are_tried() {
        use PassphraseForm::{AsTyped, Nfc, Nfd};
        let (composed, decomposed) = ("\u{e9}".to_owned(), "e\u{301}".to_owned());
        assert_eq!(forms(" a\t"), [(AsTyped, " a\t".to_owned())]);
        for blank in ["", " ", "\t\u{200b}\n"] {
            assert_eq!(forms(blank), []);
        }
        assert_eq!(forms("密 🔑"), [(AsTyped, "密 🔑".to_owned())]);
        assert_eq!(forms(&composed), [(AsTyped, composed.clone()), (Nfd, decomposed.clone())]);
        assert_eq!(forms(&decomposed), [(AsTyped, decomposed), (Nfc, composed)]);
        let all = forms("e\u{301}\u{e9}").into_iter().map(|(form, _)| form);
        assert!(all.eq([AsTyped, Nfc, Nfd]));
    }

    #[test]
    fn compatibility_characters_stay() {
        assert_eq!(forms("\u{fb01}\u{2460}").len(), 1);
    }
}

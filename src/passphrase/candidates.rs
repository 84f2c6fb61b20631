//! What somebody may have meant who typed a passphrase.

// docs/decisions.md, 6: a dependency enters with the code that needs it.

use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};
use zeroize::Zeroizing;

use crate::{characters, secret::SecretString};

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
    /// Without the white space before and behind it, in whichever form. It is tried on key files alone.
    Trimmed,
}

/// What to try for a typed passphrase, in this order: as typed, then in the Unicode normal forms C and
/// D where these differ. White space is never removed. A text in which nothing can be seen is no passphrase: no client
/// makes a key from an entry that was left empty, so there is nothing to try.
///
/// Clients derive keys from whatever a keyboard gave them, so the same passphrase typed on another
/// system can be another text.
#[must_use]
pub fn candidates(typed: &str) -> Vec<(PassphraseForm, SecretString)> {
    if characters::is_blank(typed) {
        return Vec::new();
    }
    let as_typed = SecretString::from(typed);
    let mut candidates = vec![(PassphraseForm::AsTyped, as_typed)];
    if typed.is_ascii() {
        return candidates;
    }
    let decomposed = decomposed(typed);
    for (form, text) in [
        (PassphraseForm::Nfc, text(&composed(&decomposed))),
        (PassphraseForm::Nfd, text(&decomposed)),
    ] {
        if candidates.iter().all(|candidate| candidate.1 != text) {
            candidates.push((form, text));
        }
    }
    candidates
}

/// The same, and then all of it without the white space around it: somebody may have copied that along. It is for files at
/// hand; what a server can ask for is tried in fewer forms.
pub(crate) fn candidates_and_trimmed(typed: &str) -> Vec<(PassphraseForm, SecretString)> {
    let mut all = candidates(typed);
    for (_, text) in candidates(typed.trim()) {
        if all.iter().all(|candidate| candidate.1 != text) {
            all.push((PassphraseForm::Trimmed, text));
        }
    }
    all
}

/// A character with its canonical combining class, and its place among those of one letter.
type Classed = (u8, usize, char);

/// The normal form D, by the tables of `unicode-normalization`: its iterators keep a letter with many accents on the heap,
/// and free it without wiping it.
fn decomposed(typed: &str) -> Zeroizing<Vec<Classed>> {
    let mut count = 0;
    typed.chars().for_each(|character| decompose_canonical(character, |_| count += 1));
    let mut all = Zeroizing::new(Vec::with_capacity(count));
    for character in typed.chars() {
        decompose_canonical(character, |part| {
            let place = all.len();
            all.push((canonical_combining_class(part), place, part));
        });
    }
    // The places keep accents of one class in their order; a stable sort would copy them.
    all.chunk_by_mut(|_, next| next.0 != 0).for_each(<[Classed]>::sort_unstable);
    all
}

/// The normal form C of a text in the normal form D.
fn composed(decomposed: &[Classed]) -> Zeroizing<Vec<Classed>> {
    let mut all: Zeroizing<Vec<Classed>> = Zeroizing::new(Vec::with_capacity(decomposed.len()));
    let mut letter = None;
    for &(class, place, part) in decomposed {
        let is_blocked = letter.is_some_and(|letter| {
            let accent = all.last().filter(|_| letter + 1 < all.len());
            accent.is_some_and(|accent| accent.0 >= class)
        });
        let letter_before = letter.filter(|_| !is_blocked).and_then(|letter| all.get_mut(letter));
        let whole =
            letter_before.and_then(|before: &mut Classed| Some((compose(before.2, part)?, before)));
        if let Some((whole, before)) = whole {
            before.2 = whole;
            continue;
        }
        if class == 0 {
            letter = Some(all.len());
        }
        all.push((class, place, part));
    }
    all
}

fn text(characters: &[Classed]) -> SecretString {
    let characters = characters.iter().map(|classed| classed.2);
    let mut text = SecretString::with_capacity(characters.clone().map(char::len_utf8).sum());
    characters.for_each(|character| text.push_within_capacity(character));
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    fn forms(typed: &str) -> Vec<(PassphraseForm, String)> {
        let candidates = candidates(typed).into_iter();
        candidates.map(|(form, text)| (form, text.expose_str().to_owned())).collect()
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

    fn is_normal(typed: &str) {
        let decomposed = decomposed(typed);
        assert_eq!(text(&decomposed).expose_str(), typed.nfd().collect::<String>());
        assert_eq!(text(&composed(&decomposed)).expose_str(), typed.nfc().collect::<String>());
    }

    proptest! {
        #[test]
        fn the_normal_forms_are_those_of_unicode(
            typed in "[\\PC\u{300}-\u{36f}\u{591}-\u{5c7}\u{1100}-\u{11ff}\u{ac00}-\u{ac20}a-eA-E\u{e9}\u{1e69}\u{2f81a}\u{fb1d}-\u{fb4e}\u{1d15e}-\u{1d164}]{0,40}",
        ) {
            is_normal(&typed);
        }

        #[test]
        fn accents_in_any_order_and_number_are_put_into_unicodes_order(
            typed in "([aesu\u{1100}\u{1161}\u{ac00}\u{9c7}]?[\u{300}\u{301}\u{307}\u{323}\u{327}\u{31b}\u{338}\u{345}\u{11a8}\u{9be}\u{9d7}]{0,12}){0,4}",
        ) {
            is_normal(&typed);
        }
    }

    #[test]
    fn compatibility_characters_stay() {
        assert_eq!(forms("\u{fb01}\u{2460}").len(), 1);
    }
}

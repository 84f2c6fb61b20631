//! Finding the recovery key in what was typed or pasted.
//!
//! People paste what stands around a key: a label, quotes, the fences of a code block; and what programs put into it:
//! hyphens, soft hyphens, zero-width characters. No list of labels is needed: 48 characters that begin as a key does and
//! whose parity is right are a key, and a text that is none has such characters once in 16 million places.

use super::{BYTES, CHARACTERS, PREFIX, RecoveryKeyError, parity};
use crate::{
    characters,
    encoding::base58,
    secret::{SecretBytes, SecretString},
};

/// What a character means in a text that may hold a key.
enum Class {
    /// A character of keys, full-width ones folded.
    Digit(char),
    /// Nothing: it is dropped wherever it stands.
    Ignored,
    /// White space and such marks as people put between groups.
    Separator,
    /// The end of a line, or a mark around a key. It may stand in a key too, which can have several lines.
    Boundary,
    /// A letter or digit that no key has: the key is mistyped, or this is no key.
    WrongLetter,
    /// Any other character.
    Wrong,
}

/// The key in the text. A key is looked for only where its first letter stands, so each place is looked at from 48 such
/// letters before it at most, and the work grows with the length of the text.
pub(super) fn find(text: &str) -> Result<SecretBytes<32>, RecoveryKeyError> {
    if characters::is_blank(text) {
        return Err(RecoveryKeyError::Empty);
    }
    let mut found: Option<SecretBytes<32>> = None;
    let mut is_whole = false;
    let mut first_begin = None;
    let mut is_begin_of_group = true;
    for (index, (at, character)) in text.char_indices().enumerate() {
        let (_, rest) = text.split_at(at);
        let class = Class::of(character);
        if is_begin_of_group && matches!(class, Class::Digit('E')) && begins_like_a_key(rest) {
            first_begin.get_or_insert((index, rest));
            if let Some((key, ends_here)) = key_at(rest) {
                if found.as_ref().is_some_and(|other| *other != key) {
                    return Err(RecoveryKeyError::Several);
                }
                found = Some(key);
                is_whole |= ends_here;
            }
        }
        is_begin_of_group = match class {
            Class::Digit(_) | Class::WrongLetter => false,
            Class::Ignored => is_begin_of_group,
            Class::Separator | Class::Boundary | Class::Wrong => true,
        };
    }
    let (index, rest) = first_begin.unwrap_or((0, text));
    found.filter(|_| is_whole).ok_or_else(|| fault(index, rest))
}

/// Whether somebody who typed this meant a recovery key: about as many letters and digits as one has, as mixed as in one,
/// or a few groups of four that begin as all recovery keys do.
pub(super) fn is_meant(text: &str) -> bool {
    let (mut count, mut strange, mut groups_of_four, mut group) = (0_usize, 0_usize, 0_usize, 0);
    let (mut has_digit, mut has_upper, mut has_lower) = (false, false, false);
    let mut begin = ['\0'; 2];
    for character in text.chars().chain([' ']) {
        match Class::of(character) {
            Class::Digit(_) | Class::WrongLetter => {
                let letter = characters::fold_width(character);
                if let Some(place) = begin.get_mut(count) {
                    *place = letter.to_ascii_lowercase();
                }
                has_digit |= letter.is_ascii_digit();
                has_upper |= letter.is_ascii_uppercase();
                has_lower |= letter.is_ascii_lowercase();
                (count, group) = (count + 1, group + 1);
            }
            Class::Ignored => {}
            Class::Separator | Class::Boundary => {
                groups_of_four += usize::from(group == 4);
                group = 0;
            }
            Class::Wrong => strange += 1,
        }
    }
    let is_about_as_long = (CHARACTERS - 4..=CHARACTERS + 4).contains(&count);
    let is_mixed = has_digit && has_upper && has_lower;
    let begins_like_one = begin == ['e', 's'];
    strange <= 2 && ((is_about_as_long && is_mixed) || (begins_like_one && groups_of_four >= 3))
}

impl Class {
    fn of(character: char) -> Self {
        let folded = characters::fold_width(character);
        match folded {
            _ if base58::is_base58(folded) => Self::Digit(folded),
            _ if folded.is_ascii_alphanumeric() => Self::WrongLetter,
            _ if characters::is_default_ignorable(character) => Self::Ignored,
            '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Self::Boundary,
            _ if folded.is_whitespace() => Self::Separator,
            '-' | '_' | '.' | ',' | '\u{b7}' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {
                Self::Separator
            }
            '\u{2022}' | '\u{2026}' | '\u{2043}' | '\u{3001}' | '\u{3002}' | '\u{30fb}' => {
                Self::Separator
            }
            '\u{fe58}' | '\u{fe63}' | '\u{ff61}' | '\u{ff64}' | '\u{ff65}' => Self::Separator,
            '"' | '\'' | '`' | '\u{b4}' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}' => {
                Self::Boundary
            }
            '\u{2039}' | '\u{203a}' | '\u{3008}'..='\u{3011}' | '\u{301d}'..='\u{301f}' => {
                Self::Boundary
            }
            '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' => Self::Boundary,
            ':' | ';' | '|' | '*' | '~' | '#' | '\u{ff62}' | '\u{ff63}' => Self::Boundary,
            _ => Self::Wrong,
        }
    }
}

/// Whether the first two letters or digits are those of a key.
fn begins_like_a_key(text: &str) -> bool {
    let mut letters = text.chars().filter_map(|character| match Class::of(character) {
        Class::Digit(digit) => Some(digit),
        Class::Ignored | Class::Separator | Class::Boundary => None,
        Class::WrongLetter | Class::Wrong => Some(character),
    });
    letters.next() == Some('E') && letters.next() == Some('s')
}

/// The key at the beginning of the text, and whether a line, a quotation or the text ends after it.
fn key_at(text: &str) -> Option<(SecretBytes<32>, bool)> {
    let mut digits = SecretString::with_capacity(CHARACTERS);
    let mut rest = text.chars();
    while digits.expose_str().len() < CHARACTERS {
        match Class::of(rest.next()?) {
            Class::Digit(digit) => digits.push_within_capacity(digit),
            Class::Ignored | Class::Separator | Class::Boundary => {}
            Class::WrongLetter | Class::Wrong => return None,
        }
    }
    let next = rest.map(Class::of).find(|it| !matches!(it, Class::Ignored | Class::Separator));
    Some((decode(&digits).ok()?, matches!(next, None | Some(Class::Boundary))))
}

/// Why there is no key in a text, from where one begins; that is so many characters after the beginning of all.
fn fault(index: usize, text: &str) -> RecoveryKeyError {
    let mut digits = SecretString::with_capacity(CHARACTERS);
    let mut found = 0;
    for (position, character) in (index + 1..).zip(text.chars()) {
        match Class::of(character) {
            Class::Digit(digit) => {
                found += 1;
                if found <= CHARACTERS {
                    digits.push_within_capacity(digit);
                }
            }
            Class::Ignored | Class::Separator | Class::Boundary => {}
            Class::Wrong if characters::is_invisible(character) => {
                let code_point = character.into();
                return RecoveryKeyError::Invisible { position, code_point };
            }
            Class::WrongLetter | Class::Wrong => return RecoveryKeyError::Character { position },
        }
    }
    if found == CHARACTERS {
        decode(&digits).err().unwrap_or(RecoveryKeyError::Prefix)
    } else {
        RecoveryKeyError::Length { found }
    }
}

/// The key of 48 characters.
fn decode(digits: &SecretString) -> Result<SecretBytes<32>, RecoveryKeyError> {
    let bytes = base58::decode_vartime(digits.expose_str()).ok_or(RecoveryKeyError::Prefix)?;
    // 48 characters can hold a 36th byte, but then the first is not that of the prefix.
    let bytes = SecretBytes::<BYTES>::from_slice(bytes.expose_bytes());
    let bytes = bytes.ok_or(RecoveryKeyError::Prefix)?;
    let Some((PREFIX, [key @ .., _])) = bytes.expose_bytes().split_first_chunk() else {
        return Err(RecoveryKeyError::Prefix);
    };
    if parity(bytes.expose_bytes()) == 0 {
        SecretBytes::from_slice(key).ok_or(RecoveryKeyError::Prefix)
    } else {
        Err(RecoveryKeyError::Parity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_as_a_recovery_key_is_told_from_a_passphrase() {
        let like_one = [
            "EsTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j",
            "EsTSFgHNgJdTGvLmcB3wckopEUyKXNKoP1b3h9j2fNNQqJ8",
            "EsTS FgHN gJdT GvLm cB3w",
            "EsTS-FgHN-gJdT-GvLm-cB3w\u{200b}",
            "esTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j",
            "\tXsTS FgHN 0JdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j\n",
        ];
        for text in like_one {
            assert!(is_meant(text), "{text}");
        }
        let passphrases = [
            "",
            "Essen",
            "Es war einmal ein König",
            "correct horse battery staple",
            "correct-horse-battery-staple-and-a-few-more-words",
            "correct horse battery staple and a few more words now",
            "пароль 密码 🔑",
            "E\u{301}s",
        ];
        for text in passphrases {
            assert!(!is_meant(text), "{text}");
        }
    }
}

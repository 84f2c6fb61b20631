//! Repairing a recovery key in which one typing mistake was made.
//!
//! All texts that are one mistake away from what was typed are tried: at most 2,784. The parity leaves about one in 256 of them, and a
//! proof that the caller has decides about these: the public key of a backup, or what describes a key of the key storage.

use std::{fmt, ops::Range};

use super::{
    CHARACTERS, RecoveryKey, reading,
    tokens::{Token, Tokens},
};
use crate::{encoding::base58, provenance::Provenance, secret::SecretVec};

/// The typing mistake in what was typed instead of a recovery key, and its place: `character` is the one among the letters and
/// digits that were typed, counted from 1, at most 49; `position` is the same with all that is seen between them, as
/// [`RecoveryKeyError`](super::RecoveryKeyError) counts.
///
/// As a text it is a sentence that says where the mistake was, and nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TypingMistake {
    /// Another character in the place of one.
    Wrong {
        /// The place of the character that is wrong.
        character: usize,
        /// The same among all that is seen.
        position: usize,
    },
    /// One character less.
    Missing {
        /// The place of the character that is missing.
        character: usize,
        /// The same among all that is seen.
        position: usize,
    },
    /// One character more.
    Extra {
        /// The place of the character that is one too many.
        character: usize,
        /// The same among all that is seen.
        position: usize,
    },
    /// Two neighbours in the wrong order.
    Swapped {
        /// The place of the first of the two.
        character: usize,
        /// The same among all that is seen.
        position: usize,
    },
}

impl RecoveryKey {
    /// Repairs what the user has just typed: returns the keys that are one typing mistake away from `text` and that `is_proven`
    /// knows to be right, each with its mistake. A mistake is one wrong, missing or extra character, or two neighbours that were swapped. The keys are
    /// [typed by the user](Provenance::TypedByUser).
    ///
    /// There is one key, unless `is_proven` accepts several; none if there is another mistake or more than one, if `text` is the
    /// right key already, or if it is not about as long as a key. A mistake that can have been made in two ways, as one of two
    /// equal neighbours that is missing, is reported once, at the first of its places.
    ///
    /// At most 2,784 texts are tried. About 11 of them are keys, and seldom more than 30; `is_proven` is called once for each.
    ///
    /// # Security
    ///
    /// `is_proven` must compare with what is known of the right key: its public key, or the description of a key of the key storage.
    /// The parity alone proves nothing. How long it takes depends on what was typed, as does [`RecoveryKey::parse`].
    ///
    /// ```
    /// use strongroom::{backup::BackupDecryptionKey, recovery_key::RecoveryKey};
    ///
    /// let right = "EsTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j";
    /// let public_key_of = |key: &RecoveryKey| *BackupDecryptionKey::from_recovery_key(key.clone()).public_key();
    /// let public_key = public_key_of(&RecoveryKey::parse(right)?);
    ///
    /// let typed = "EsTS FgHN gJdT GvLm cB8w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j";
    /// let repaired = RecoveryKey::repair_typed(typed, |key| public_key_of(key) == public_key);
    /// let [(key, mistake)] = repaired.as_slice() else { panic!("there is one") };
    /// assert_eq!(key.to_text().expose_str(), right);
    /// assert_eq!(mistake.to_string(), "the 3rd character of group 5 is wrong");
    /// # Ok::<(), strongroom::recovery_key::RecoveryKeyError>(())
    /// ```
    pub fn repair_typed(
        text: &str,
        mut is_proven: impl FnMut(&Self) -> bool,
    ) -> Vec<(Self, TypingMistake)> {
        let Some(typed) = Typed::of(text) else { return Vec::new() };
        let mut repaired = Vec::new();
        typed.for_each_edit(|edit, characters| {
            let Ok(bytes) = reading::decode(characters) else { return };
            let key = Self { bytes, provenance: Provenance::TypedByUser };
            if is_proven(&key) {
                let mistake = (edit.mistake)(edit.index + 1, typed.position(edit.index));
                repaired.push((key, mistake));
            }
        });
        repaired
    }
}

impl TypingMistake {
    /// The place of the mistake among all that is seen of what was typed, whichever it is.
    #[must_use]
    pub fn position(self) -> usize {
        let (Self::Wrong { position, .. }
        | Self::Missing { position, .. }
        | Self::Extra { position, .. }
        | Self::Swapped { position, .. }) = self;
        position
    }

    fn wrong(character: usize, position: usize) -> Self {
        Self::Wrong { character, position }
    }

    fn missing(character: usize, position: usize) -> Self {
        Self::Missing { character, position }
    }

    fn extra(character: usize, position: usize) -> Self {
        Self::Extra { character, position }
    }

    fn swapped(character: usize, position: usize) -> Self {
        Self::Swapped { character, position }
    }
}

impl fmt::Display for TypingMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (character, what) = match self {
            Self::Wrong { character, .. } => (character, "is wrong"),
            Self::Missing { character, .. } => (character, "is missing"),
            Self::Extra { character, .. } => (character, "is one too many"),
            Self::Swapped { character, .. } => {
                (character, "and the one after it are in the wrong order")
            }
        };
        let index = character.saturating_sub(1);
        let (group, within) = (index / 4 + 1, index % 4);
        let ordinal = ["1st", "2nd", "3rd", "4th"].get(within).unwrap_or(&"1st");
        write!(f, "the {ordinal} character of group {group} {what}")
    }
}

/// What was typed instead of a key, without what separates its characters.
struct Typed {
    /// One byte each: `?` is one that no key has.
    characters: SecretVec,
    positions: Vec<usize>,
}

/// What makes another text of the one that was typed.
#[derive(Clone, Copy)]
struct Edit {
    mistake: fn(usize, usize) -> TypingMistake,
    /// Where, counted from 0.
    index: usize,
}

impl Typed {
    /// What may be a key but for one mistake: the whole text, or what in it is most like a key.
    fn of(text: &str) -> Option<Self> {
        Self::at(text, false, reading::EVERYWHERE).or_else(|| match reading::find(text) {
            // It is a key, but need not be the right one.
            Ok(key) => {
                let text = RecoveryKey::from_bytes(key).to_text();
                Self::at(text.expose_str(), false, reading::EVERYWHERE)
            }
            Err(no_key) => Self::at(text, no_key.skips_markup, no_key.places),
        })
    }

    fn at(text: &str, skips_markup: bool, places: Range<usize>) -> Option<Self> {
        let mut typed =
            Self { characters: SecretVec::with_capacity(LONGEST), positions: Vec::new() };
        let tokens = Tokens::new(text, skips_markup).skip_while(|(at, _)| *at < places.start);
        for (at, token) in tokens.take_while(|(at, _)| *at < places.end) {
            let character = match token {
                Token::Digit(digit) => u8::try_from(digit).ok()?,
                Token::WrongLetter(_) | Token::Foreign | Token::Invisible(_) => b'?',
                Token::Gap | Token::Mark | Token::LineEnd => continue,
            };
            if typed.positions.len() == LONGEST {
                return None;
            }
            typed.characters.extend_from_slice(&[character]);
            typed.positions.push(at);
        }
        (typed.positions.len() >= CHARACTERS - 1).then_some(typed)
    }

    /// Counted from the first character on.
    fn position(&self, index: usize) -> usize {
        let first = self.positions.first().copied().unwrap_or(1);
        let after = self.positions.last().map_or(1, |last| last + 1);
        self.positions.get(index).copied().unwrap_or(after) + 1 - first
    }

    /// Every text of 48 characters from which this is one mistake away, once each.
    fn for_each_edit(&self, mut take: impl FnMut(Edit, &str)) {
        let mut edit = |mistake: fn(usize, usize) -> TypingMistake, index, skipped, put: &[u8]| {
            if let Some(text) = self.edited(index, skipped, put)
                && let Ok(characters) = str::from_utf8(text.expose_bytes())
            {
                take(Edit { mistake, index }, characters);
            }
        };
        let typed = self.characters.expose_bytes();
        let alphabet = || (b'1'..=b'z').filter(|byte| base58::is_base58(char::from(*byte)));
        let before = |index: usize| typed.get(index.checked_sub(1)?).copied();
        match typed.len().checked_sub(CHARACTERS) {
            None => {
                for index in 0..CHARACTERS {
                    // Beside an equal character it is the same text one place before.
                    for put in alphabet().filter(|put| before(index) != Some(*put)) {
                        edit(TypingMistake::missing, index, 0, &[put]);
                    }
                }
            }
            Some(0) => {
                for (index, old) in typed.iter().enumerate() {
                    for put in alphabet().filter(|put| put != old) {
                        edit(TypingMistake::wrong, index, 1, &[put]);
                    }
                }
                for (index, pair) in typed.windows(2).enumerate() {
                    if let [first, second] = pair
                        && first != second
                    {
                        edit(TypingMistake::swapped, index, 2, &[*second, *first]);
                    }
                }
            }
            Some(_) => {
                for (index, old) in typed.iter().enumerate() {
                    if before(index) != Some(*old) {
                        edit(TypingMistake::extra, index, 1, &[]);
                    }
                }
            }
        }
    }

    /// The text with `put` in the place of some of its characters.
    fn edited(&self, index: usize, skipped: usize, put: &[u8]) -> Option<SecretVec> {
        let (before, after) = self.characters.expose_bytes().split_at_checked(index)?;
        let mut text = SecretVec::with_capacity(CHARACTERS);
        for piece in [before, put, after.get(skipped..)?] {
            text.extend_from_slice(piece);
        }
        Some(text)
    }
}

/// How many characters a key with one too many has.
const LONGEST: usize = CHARACTERS + 1;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "EsTS FgHN gJdT GvLm cB3w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j";

    fn right() -> RecoveryKey {
        RecoveryKey::parse(TEXT).unwrap()
    }

    fn alphabet() -> impl Iterator<Item = char> {
        ('0'..='z').filter(char::is_ascii_alphanumeric)
    }

    const STEP: usize = if cfg!(debug_assertions) { 5 } else { 1 };

    /// The text with groups of four, as it was typed.
    fn grouped(characters: &[char]) -> String {
        let groups = characters.chunks(4).map(|group| group.iter().collect::<String>());
        groups.collect::<Vec<_>>().join(" ")
    }

    /// Repairs it, and checks the one key, what is said of its mistake and how often a proof was asked for.
    fn check(typed: &[char], mistake: fn(usize, usize) -> TypingMistake, index: usize) {
        let mut proofs = 0;
        let text = grouped(typed);
        let found = RecoveryKey::repair_typed(&text, |key| {
            proofs += 1;
            *key == right()
        });
        let [(key, found)] = found.as_slice() else { panic!("{text}: {found:?}") };
        assert_eq!(key.to_text().expose_str(), TEXT, "{text}");
        assert_eq!(key.provenance(), Provenance::TypedByUser);
        let seen = typed.get(..index).unwrap();
        // A missing one at the end has no place in the text but after it.
        let gaps = if index < typed.len() { index / 4 } else { (index - 1) / 4 };
        let expected = mistake(index + 1, seen.len() + gaps + 1);
        assert_eq!((*found, found.position()), (expected, seen.len() + gaps + 1), "{text}");
        assert!(proofs <= 40, "{text}: {proofs} proofs");
    }

    fn characters() -> Vec<char> {
        TEXT.chars().filter(|character| *character != ' ').collect()
    }

    /// Where a stretch of equal characters begins.
    fn first_of_equal(characters: &[char], index: usize) -> usize {
        let (before, _) = characters.split_at(index);
        let equal = before.iter().rev().take_while(|other| characters.get(index) == Some(*other));
        index - equal.count()
    }

    #[test]
    fn every_wrong_character_is_repaired() {
        let right = characters();
        for (index, old) in right.iter().enumerate() {
            // At each place a dozen characters, at five neighbouring places all: all at each take a minute without optimisation.
            let some = alphabet().skip(index % STEP).step_by(STEP);
            for put in some.filter(|put| put != old) {
                let mut typed = right.clone();
                typed[index] = put;
                check(&typed, TypingMistake::wrong, index);
            }
        }
    }

    #[test]
    fn every_missing_or_extra_character_and_every_swap_is_repaired() {
        let right = characters();
        for index in 0..=CHARACTERS {
            for put in alphabet() {
                let mut typed = right.clone();
                typed.insert(index, put);
                check(&typed, TypingMistake::extra, first_of_equal(&typed, index));
            }
        }
        for index in 0..CHARACTERS {
            let mut typed = right.clone();
            typed.remove(index);
            check(&typed, TypingMistake::missing, first_of_equal(&right, index));
        }
        for index in (1..CHARACTERS).filter(|index| right[index - 1] != right[*index]) {
            let mut typed = right.clone();
            typed.swap(index - 1, index);
            check(&typed, TypingMistake::swapped, index - 1);
        }
    }

    #[test]
    fn what_is_not_proved_is_not_returned() {
        let wrong = TEXT.replace("cB3w", "cB8w");
        let mut asked = 0;
        let found = RecoveryKey::repair_typed(&wrong, |_| {
            asked += 1;
            false
        });
        assert!(found.is_empty() && asked > 0);
        let other = |key: &RecoveryKey| key.as_secret().expose_bytes() == &[7; 32];
        assert!(RecoveryKey::repair_typed(&wrong, other).is_empty());
    }

    #[test]
    fn all_that_are_proved_are_returned() {
        let wrong = TEXT.replace("cB3w", "cB8w");
        let found = RecoveryKey::repair_typed(&wrong, |_| true);
        assert!((2..=40).contains(&found.len()), "{}", found.len());
        let mut texts: Vec<_> =
            found.iter().map(|(key, _)| key.to_text().expose_str().to_owned()).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), found.len());
    }

    #[test]
    fn two_mistakes_or_none_or_another_text_give_nothing() {
        for typed in [
            TEXT,
            "EsTS FgHN gJdT GvLm cB8w ckop EUyK XNKo P1b3 h9j2 fNNQ qJ9j",
            "EsTS FgHN gJd GvLm cBw ckop EUyK XNKo P1b3 h9j2 fNNQ qJ8j",
            "EsTS FgHN gJdT",
            "",
            "correct horse battery staple",
        ] {
            assert!(RecoveryKey::repair_typed(typed, |key| *key == right()).is_empty(), "{typed}");
        }
    }

    #[test]
    fn a_long_text_is_tried_for_nothing() {
        let refuse = |_: &RecoveryKey| -> bool { panic!("it is no key") };
        for piece in ["E", "EsT", "\u{430}", " ", "EsTS "] {
            assert!(RecoveryKey::repair_typed(&piece.repeat(1_000_000), refuse).is_empty());
        }
    }

    #[test]
    fn a_key_with_a_mistake_is_repaired_beside_a_label() {
        for typed in ["cB8w", "cBw", "cB33w", "c3Bw", "cBOw", "cB!w"] {
            let typed = format!("My recovery key: {}", TEXT.replace("cB3w", typed));
            let found = RecoveryKey::repair_typed(&typed, |key| *key == right());
            assert_eq!(found.len(), 1, "{typed}");
        }
    }

    #[test]
    fn a_wrong_character_that_gives_another_key_is_repaired() {
        let mut others = 0;
        for (index, put) in
            (0..CHARACTERS).flat_map(|index| alphabet().map(move |put| (index, put)))
        {
            let mut typed = characters();
            typed[index] = put;
            let text = grouped(&typed);
            if RecoveryKey::parse(&text).is_ok_and(|other| other != right()) {
                others += 1;
                check(&typed, TypingMistake::wrong, index);
                let found =
                    RecoveryKey::repair_typed(&format!("Key: {text}"), |key| *key == right());
                assert_eq!(found.len(), 1);
            }
        }
        assert!(others > 0);
    }
}

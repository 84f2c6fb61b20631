//! Finding the recovery key in what was typed or pasted.
//!
//! People paste what stands around a key: a label, quotes, the fences of a code block; and what programs put into it:
//! hyphens, soft hyphens, zero-width characters, markup. No list of labels or separators is needed: 48 letters and digits
//! that begin as a key does and whose parity is right are a key, whatever separates them, and a text that is none has such
//! characters once in 16 million places. Where there is none, letters and digits that are mixed as no words are tell what
//! was meant as a key, and what is wrong is said of these alone.

use std::ops::Range;

use super::{
    BYTES, CHARACTERS, PREFIX, RecoveryKeyError,
    groups::{Before, GROUP, Group, Groups, Kind},
    parity,
    run::Run,
    tokens::{Token, Tokens},
};
use crate::{
    characters,
    encoding::base58,
    secret::{SecretBytes, SecretString},
};

/// There is no recovery key in a text.
#[derive(Debug)]
pub(super) struct NoKey {
    pub(super) error: RecoveryKeyError,
    /// Whether one was meant, rather than a passphrase.
    pub(super) is_meant: bool,
    /// Whether markup is left out where one was meant.
    pub(super) skips_markup: bool,
    /// The places of what was meant, or of everything.
    pub(super) places: Range<usize>,
}

/// The key in the text, with markup read as it stands, or else left out.
pub(super) fn find(text: &str) -> Result<SecretBytes<32>, NoKey> {
    if characters::is_blank(text) {
        return Err(NoKey::without_place(RecoveryKeyError::Empty, false));
    }
    let mut best: Option<(Run, bool)> = None;
    for skips_markup in [false, true] {
        let groups = Groups::new(text, skips_markup);
        let run = match groups.key() {
            Keys::One(key) => return Ok(key),
            Keys::Several => {
                return Err(NoKey::without_place(RecoveryKeyError::Several, true));
            }
            Keys::InMore(run) => run,
            Keys::None => groups.run(),
        };
        best = run.map(|run| (run, skips_markup)).or(best);
        if best.is_some() && groups.count() <= CHARACTERS {
            // There is no room for markup: a mark was typed for a character.
            break;
        }
    }
    Err(match best {
        Some((run, skips_markup)) => {
            let error = fault(text, skips_markup, run.positions.clone());
            NoKey { error, is_meant: true, skips_markup, places: run.positions }
        }
        None => NoKey::without_place(fault(text, false, EVERYWHERE), false),
    })
}

impl NoKey {
    fn without_place(error: RecoveryKeyError, is_meant: bool) -> Self {
        Self { error, is_meant, skips_markup: false, places: EVERYWHERE }
    }
}

/// What of keys there is in a text.
enum Keys {
    None,
    One(SecretBytes<32>),
    Several,
    /// More letters and digits stand with it than belong to it.
    InMore(Option<Run>),
}

impl Groups {
    /// The 48 characters in the text that begin a group, end one and are a key.
    fn key(&self) -> Keys {
        let (mut found, mut is_whole, mut in_more) = (None, false, None);
        for (index, group) in self.all.iter().enumerate() {
            let Some(characters) = self.key_characters(group, CHARACTERS) else { break };
            if !characters.starts_with("Es") || !characters.chars().all(base58::is_base58) {
                continue;
            }
            let Ok(key) = decode(characters) else { continue };
            if found.as_ref().is_some_and(|other| *other != key) {
                return Keys::Several;
            }
            found = Some(key);
            let end = group.start + CHARACTERS;
            let next = if end == self.count() { Some(self.all.len()) } else { self.index_at(end) };
            if next.is_some_and(|next| self.ends_before(next)) {
                is_whole = true;
            } else {
                let next = next.unwrap_or_else(|| self.index_after(end));
                in_more = in_more.or_else(|| self.run_of(index..self.end_of_stretch(next)));
            }
        }
        match found {
            Some(key) if is_whole => Keys::One(key),
            Some(_) => Keys::InMore(in_more),
            None => Keys::None,
        }
    }

    /// Whether a key that ends before this group is not followed by what may belong to it: only by words, or by nothing
    /// on its line.
    fn ends_before(&self, next: usize) -> bool {
        let after = self.all.get(next..).unwrap_or_default();
        let is_beside = |group: &&Group| group.before < Before::OneMark;
        let length = after.iter().take(WORDS).take_while(is_beside).count();
        match after.get(..length).unwrap_or_default() {
            [] => true,
            [first, ..] if first.before == Before::Nothing => first.kind == Kind::Invisible,
            [only] => only.is_word() && (only.kind == Kind::Foreign || only.length > GROUP),
            words => words.iter().all(|group| group.is_word() || group.kind == Kind::Invisible),
        }
    }

    /// Where what stands with the groups before this one ends: at a mark, or with the line.
    fn end_of_stretch(&self, next: usize) -> usize {
        let after = self.all.iter().skip(next);
        next + after.take_while(|group| group.before < Before::OneMark).count()
    }

    /// The first group after the one that this character is in.
    fn index_after(&self, character: usize) -> usize {
        self.all.partition_point(|group| group.start <= character)
    }
}

/// Why there is no key at these places of a text.
fn fault(text: &str, skips_markup: bool, places: Range<usize>) -> RecoveryKeyError {
    let mut digits = SecretString::with_capacity(CHARACTERS);
    let (mut found, mut marks, mut first_mark) = (0, 0, 0);
    let tokens = Tokens::new(text, skips_markup).skip_while(|(at, _)| *at < places.start);
    for (at, token) in tokens.take_while(|(at, _)| *at < places.end) {
        let position = at + 1 - places.start;
        match token {
            Token::Digit(digit) => {
                found += 1;
                if found <= CHARACTERS {
                    digits.push_within_capacity(digit);
                }
            }
            Token::Gap | Token::LineEnd => {}
            Token::Mark => {
                marks += 1;
                first_mark = if marks == 1 { position } else { first_mark };
            }
            Token::Invisible(code_point) => {
                return RecoveryKeyError::Invisible { position, code_point };
            }
            Token::WrongLetter(_) | Token::Foreign => {
                return RecoveryKeyError::Character { position };
            }
        }
    }
    // The length, which is always the same, comes before the prefix: that a character is missing helps a person more.
    if found == CHARACTERS {
        decode(digits.expose_str()).err().unwrap_or(RecoveryKeyError::Prefix)
    } else if marks > 0 && found + marks == CHARACTERS {
        // Each stands where a character of the key should: `!` was typed for `1`.
        RecoveryKeyError::Character { position: first_mark }
    } else {
        RecoveryKeyError::Length { found }
    }
}

/// The key of 48 characters.
pub(super) fn decode(characters: &str) -> Result<SecretBytes<32>, RecoveryKeyError> {
    let bytes = base58::decode_vartime(characters).ok_or(RecoveryKeyError::Prefix)?;
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

/// All places of a text.
pub(super) const EVERYWHERE: Range<usize> = 1..usize::MAX;

/// How many words after a key are looked at.
const WORDS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn is_meant(text: &str) -> bool {
        find(text).err().is_none_or(|no_key| no_key.is_meant)
    }

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

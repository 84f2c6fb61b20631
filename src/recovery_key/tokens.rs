//! What each character of a typed text means.

use unicode_normalization::char::is_combining_mark;

use crate::{characters, encoding::base58};

/// What a character, or a piece of markup, means in a text that may hold a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A character of keys, full-width ones folded.
    Digit(char),
    /// A letter or digit of ASCII that no key has.
    WrongLetter(char),
    /// A letter or digit of another script, or an accent.
    Foreign,
    /// It cannot be seen, and separates nothing.
    Invisible(u32),
    /// White space, and what people put between groups within a line.
    Gap,
    /// Any other mark: punctuation, a symbol, markup.
    Mark,
    /// The end of a line.
    LineEnd,
}

/// The tokens of a text, each with its place: how many characters are seen up to it. Characters for which nothing is
/// shown are left out.
pub(super) struct Tokens<'a> {
    rest: &'a str,
    position: usize,
    /// Whether markup is left out: entities, percent-encoding, tags, escape sequences, the numbers of a list.
    skips_markup: bool,
    is_in_group: bool,
    /// The number that a list goes on with.
    number: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str, skips_markup: bool) -> Self {
        Self { rest: text, position: 0, skips_markup, is_in_group: false, number: 1 }
    }

    /// Takes markup at the beginning of what is left; `false` if there is none.
    fn skip_markup(&mut self) -> bool {
        let mut length = markup(self.rest);
        if length.is_none() && !self.is_in_group {
            length = list_number(self.rest, self.number);
            self.number += usize::from(length.is_some());
        }
        let Some((skipped, rest)) = length.and_then(|length| self.rest.split_at_checked(length))
        else {
            return false;
        };
        self.position += skipped.chars().count();
        self.rest = rest;
        true
    }
}

impl Iterator for Tokens<'_> {
    type Item = (usize, Token);

    fn next(&mut self) -> Option<Self::Item> {
        if self.skips_markup && self.skip_markup() {
            self.is_in_group = false;
            return Some((self.position, Token::Mark));
        }
        let mut characters = self.rest.chars();
        let seen = |character: &char| !characters::is_default_ignorable(*character);
        let character = characters.find(seen)?;
        self.rest = characters.as_str();
        let token = Token::of(character);
        self.position += 1;
        self.is_in_group = match token {
            Token::Digit(_) | Token::WrongLetter(_) => true,
            // It may have been typed for a character.
            Token::Mark => self.is_in_group,
            Token::Foreign | Token::Invisible(_) | Token::Gap | Token::LineEnd => false,
        };
        Some((self.position, token))
    }
}

impl Token {
    fn of(character: char) -> Self {
        let folded = characters::fold_width(character);
        match folded {
            _ if base58::is_base58(folded) => Self::Digit(folded),
            _ if folded.is_ascii_alphanumeric() => Self::WrongLetter(folded),
            '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Self::LineEnd,
            '-' | '_' | '.' | ',' | '\u{b7}' | '\u{2010}'..='\u{2015}' | '\u{2212}' => Self::Gap,
            _ if folded.is_whitespace() => Self::Gap,
            _ if characters::is_invisible(character) => Self::Invisible(character.into()),
            _ if character.is_alphanumeric() || is_accent(character) => Self::Foreign,
            _ => Self::Mark,
        }
    }
}

/// Whether the character changes the letter before it. The frame of a key cap does not.
fn is_accent(character: char) -> bool {
    is_combining_mark(character) && character != '\u{20e3}'
}

/// The length of markup that the text begins with.
fn markup(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let ends_with = |end: u8, limit: usize, has: fn(&u8) -> bool| {
        let inner = bytes.get(1..)?.iter().take(limit).take_while(|byte| has(byte)).count();
        (inner > 0 && bytes.get(inner + 1) == Some(&end)).then_some(inner + 2)
    };
    match bytes {
        [b'&', ..] => ends_with(b';', 10, |byte| byte.is_ascii_alphanumeric() || *byte == b'#'),
        [b'<', ..] => ends_with(b'>', 40, |byte| !matches!(byte, b'<' | b'>' | b'\n')),
        [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => Some(3),
        [b'\\', b'u', ..] => Some(6),
        [b'\\', b'n' | b'r' | b't', ..] => Some(2),
        [b'\x1b', b'[', parameters @ ..] => {
            let is_parameter = |byte: &&u8| matches!(byte, b'0'..=b'9' | b';');
            Some(parameters.iter().take_while(is_parameter).count() + 3)
        }
        _ => None,
    }
}

/// The length of this number, if the text begins with it, and with no other letter or digit after it.
fn list_number(text: &str, number: usize) -> Option<usize> {
    let length = text.bytes().take(4).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(length)?;
    let is_alone = !rest.starts_with(char::is_alphanumeric);
    (is_alone && digits.parse() == Ok(number)).then_some(length)
}

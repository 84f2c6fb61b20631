//! The groups of letters and digits in a typed text, and whether they look like those of a recovery key or like words.

use super::tokens::{Token, Tokens};
use crate::secret::SecretString;

/// The letters and digits of a text, without all that separates them.
pub(super) struct Groups {
    /// One after the other, all of one byte: `?` is one of another script, `!` one that cannot be seen.
    characters: SecretString,
    pub(super) all: Vec<Group>,
}

/// Letters and digits between which nothing is seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) kind: Kind,
    /// Where it begins among the characters.
    pub(super) start: usize,
    pub(super) length: usize,
    /// The place of the first character in the text as it is seen.
    pub(super) position: usize,
    /// What stands before it.
    pub(super) before: Before,
    has_letter: bool,
    has_upper: bool,
    pub(super) has_lower: bool,
    /// How many characters no key has.
    pub(super) wrong: usize,
    /// How many digits stand beside letters.
    mixes: usize,
    /// How many capital letters follow one another.
    capitals: usize,
    /// How many capital letters follow small ones.
    rises: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters and digits of ASCII.
    Ascii,
    /// One letter of another script.
    Foreign,
    /// One character that cannot be seen.
    Invisible,
}

/// What stands before a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Before {
    Nothing,
    Gap,
    /// One mark and nothing else: it may have been typed for a character.
    OneMark,
    Mark,
    /// The end of a line, or the beginning of the text.
    LineEnd,
}

impl Groups {
    pub(super) fn new(text: &str, skips_markup: bool) -> Self {
        let characters = SecretString::with_capacity(text.len());
        let mut groups = Self { characters, all: Vec::new() };
        let (mut before, mut last) = (Before::LineEnd, '?');
        for (position, token) in Tokens::new(text, skips_markup) {
            let (kind, character) = match token {
                Token::Digit(character) | Token::WrongLetter(character) => (Kind::Ascii, character),
                Token::Foreign => (Kind::Foreign, '?'),
                Token::Invisible(_) => (Kind::Invisible, '!'),
                Token::Gap | Token::Mark | Token::LineEnd => {
                    before = before.with(token);
                    continue;
                }
            };
            let start = groups.characters.expose_str().len();
            groups.characters.push_within_capacity(character);
            match groups.all.last_mut() {
                Some(group) if group.takes(kind, before) => group.push(last, character),
                _ => groups.all.push(Group::new(kind, start, position, before, character)),
            }
            if let Some(group) = groups.all.last_mut() {
                group.wrong += usize::from(!matches!(token, Token::Digit(_)));
            }
            (before, last) = (Before::Nothing, character);
        }
        groups
    }

    /// So many characters from the first of a group on, if there are as many.
    pub(super) fn key_characters(&self, group: &Group, count: usize) -> Option<&str> {
        self.characters.expose_str().get(group.start..group.start + count)
    }

    pub(super) fn begins_with(&self, group: &Group, first: &str) -> bool {
        self.characters.expose_str().get(group.start..).is_some_and(|rest| rest.starts_with(first))
    }

    /// Whether it begins as all recovery keys do.
    pub(super) fn is_begin_of_key(&self, group: &Group) -> bool {
        group.length > 3 && ["EsS", "EsT", "EsU"].iter().any(|first| self.begins_with(group, first))
    }

    /// The group that begins at this character.
    pub(super) fn index_at(&self, start: usize) -> Option<usize> {
        self.all.binary_search_by_key(&start, |group| group.start).ok()
    }

    pub(super) fn count(&self) -> usize {
        self.characters.expose_str().len()
    }
}

impl Before {
    /// With one more of what separates groups.
    fn with(self, token: Token) -> Self {
        match (self, token) {
            (_, Token::LineEnd) => Self::LineEnd,
            (Self::Nothing, Token::Mark) => Self::OneMark,
            (Self::OneMark, _) | (_, Token::Mark) => self.max(Self::Mark),
            _ => self.max(Self::Gap),
        }
    }
}

impl Group {
    fn new(kind: Kind, start: usize, position: usize, before: Before, first: char) -> Self {
        Self {
            kind,
            start,
            length: 1,
            position,
            before,
            has_letter: first.is_ascii_alphabetic(),
            has_upper: first.is_ascii_uppercase(),
            has_lower: first.is_ascii_lowercase(),
            wrong: 0,
            mixes: 0,
            capitals: 0,
            rises: 0,
        }
    }

    /// Whether what comes next belongs to it.
    fn takes(&self, kind: Kind, before: Before) -> bool {
        self.kind == Kind::Ascii && kind == Kind::Ascii && before == Before::Nothing
    }

    fn push(&mut self, last: char, character: char) {
        self.length += 1;
        self.has_letter |= character.is_ascii_alphabetic();
        self.has_upper |= character.is_ascii_uppercase();
        self.has_lower |= character.is_ascii_lowercase();
        let is_mixed = last.is_ascii_digit() != character.is_ascii_digit();
        self.mixes += usize::from(is_mixed);
        let is_upper = character.is_ascii_uppercase();
        self.capitals += usize::from(is_upper && last.is_ascii_uppercase());
        self.rises += usize::from(is_upper && last.is_ascii_lowercase());
    }

    /// In how many places it is as no word is: a digit beside a letter, two capitals beside small letters, or, in a group
    /// of at most four, a capital after a small letter.
    pub(super) fn oddities(&self) -> usize {
        let capitals = if self.has_lower { self.capitals } else { 0 };
        let rises = if self.length <= GROUP { self.rises } else { 0 };
        self.mixes + capitals + rises
    }

    /// Whether it is as mixed as so many characters of a key, though it is longer than a group of four.
    pub(super) fn is_random(&self) -> bool {
        let has_all = self.has_upper && self.has_lower && self.mixes > 0;
        has_all && self.capitals >= 2 && self.oddities() * 4 >= self.length
    }

    /// Whether it may be a word.
    pub(super) fn is_word(&self) -> bool {
        match self.kind {
            Kind::Ascii => self.has_letter && self.oddities() == 0,
            Kind::Foreign => true,
            Kind::Invisible => false,
        }
    }

    /// How much speaks for its being a part of a key: of the groups of four in a key, nine of ten are odd.
    pub(super) fn weight(&self) -> isize {
        let length = isize::try_from(self.length).unwrap_or(isize::MAX / 8);
        match self.kind {
            Kind::Foreign | Kind::Invisible => -2,
            Kind::Ascii if self.oddities() > 0 => length.saturating_mul(2),
            Kind::Ascii if self.length <= GROUP && self.has_letter && !self.has_lower => -1,
            Kind::Ascii if self.length <= GROUP => -length,
            Kind::Ascii => length.saturating_mul(-3),
        }
    }
}

/// How many characters stand together in a key that was written down.
pub(super) const GROUP: usize = 4;

//! From the JSON of a key file to one entry at a time.

// docs/decisions.md, 21: a backup is split by our own scanner, and what is broken costs itself.

use super::{KeyFileError, other::BYTE_ORDER_MARK};
use crate::{
    Limits,
    encoding::json::{Collected, Piece, SyntaxError, is_white_space},
    session_data::SessionDataError,
};

/// Splits a JSON array into its elements while it arrives in pieces.
#[derive(Debug)]
pub(super) struct Entries {
    /// How deep an entry may be nested, the list included, and how many bytes it may have.
    max_depth: usize,
    max_bytes: usize,
    expected: Expected,
    piece: Piece,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    List,
    FirstEntry,
    Entry,
    RestOfEntry,
    Separator,
    Nothing,
}

impl Entries {
    pub(super) fn new(limits: &Limits) -> Self {
        let (max_depth, max_bytes) = (limits.response_depth, limits.session_bytes);
        Self { max_depth, max_bytes, expected: Expected::List, piece: Piece::new() }
    }

    /// Takes bytes off the input until an entry is whole; `None` once the input is used up.
    pub(super) fn next<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Result<&'s [u8], SessionDataError>>, KeyFileError> {
        while let Some((byte, rest)) = input.split_first() {
            if self.expected == Expected::RestOfEntry {
                if let Some(collected) = self.piece.collect(input)? {
                    self.expected = Expected::Separator;
                    return Ok(Some(self.entry(collected)));
                }
            } else if is_white_space(*byte) || self.is_mark(*byte) || self.between(*byte)? {
                *input = rest;
            }
        }
        Ok(None)
    }

    /// Says that the list ends here.
    pub(super) fn end(&self) -> Result<(), KeyFileError> {
        match self.expected {
            Expected::Nothing => Ok(()),
            Expected::List => Err(KeyFileError::NotAList),
            _ => Err(KeyFileError::ListTruncated),
        }
    }

    /// A byte outside of entries: whether it is used up, as only the first one of an entry is not.
    fn between(&mut self, byte: u8) -> Result<bool, KeyFileError> {
        self.expected = match (self.expected, byte) {
            (Expected::List, b'[') => Expected::FirstEntry,
            (Expected::List, _) => return Err(KeyFileError::NotAList),
            (Expected::FirstEntry | Expected::Separator, b']') => Expected::Nothing,
            (Expected::Separator, b',') => Expected::Entry,
            (Expected::FirstEntry | Expected::Entry, _) => {
                self.piece.begin(self.max_depth.saturating_sub(1), self.max_bytes);
                self.expected = Expected::RestOfEntry;
                return Ok(false);
            }
            (Expected::Nothing, _) => return Err(KeyFileError::ListTrailingBytes),
            (Expected::Separator | Expected::RestOfEntry, _) => {
                return Err(KeyFileError::ListSyntax);
            }
        };
        Ok(true)
    }

    fn is_mark(&self, byte: u8) -> bool {
        self.expected == Expected::List && BYTE_ORDER_MARK.contains(&byte)
    }

    fn entry<'a>(&'a self, collected: Collected<'a>) -> Result<&'a [u8], SessionDataError> {
        match collected {
            Collected::TooDeep => Err(SessionDataError::TooDeep { limit: self.max_depth }),
            Collected::TooLong { found } => {
                Err(SessionDataError::TooLarge { limit: self.max_bytes, found })
            }
            Collected::Given(_) | Collected::Buffered => Ok(self.piece.bytes(collected)),
        }
    }
}

impl From<SyntaxError> for KeyFileError {
    fn from(_: SyntaxError) -> Self {
        Self::ListSyntax
    }
}

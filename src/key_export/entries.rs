//! From the JSON of a key file to one entry at a time.

// docs/decisions.md, 21: a backup is split by our own scanner, and what is broken costs itself.

use thiserror::Error;

use super::{EntryError, other::BYTE_ORDER_MARK};
use crate::{
    Limits,
    encoding::json::{Collected, Piece, SyntaxError, is_white_space},
};

/// Why the list of a key file is not read to its end. Whatever came before is delivered all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum KeyListError {
    /// It ends in the middle.
    #[error(
        "the list of message keys is truncated: copy the whole file again, or export the keys once more"
    )]
    Truncated,
    /// It is no JSON from here on, so that nobody knows where the next entry begins.
    #[error("the list of message keys is not valid JSON: export the keys once more")]
    Syntax,
    /// Something follows it.
    #[error(
        "something follows the list of message keys: export the keys once more if keys are missing"
    )]
    TrailingBytes,
    /// It is JSON of another type, or nothing at all.
    #[error("there is no list of message keys in the file: choose a file that a client exported")]
    NotAList,
}

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
    ) -> Result<Option<Result<&'s [u8], EntryError>>, KeyListError> {
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
    pub(super) fn end(&self) -> Result<(), KeyListError> {
        match self.expected {
            Expected::Nothing => Ok(()),
            Expected::List => Err(KeyListError::NotAList),
            _ => Err(KeyListError::Truncated),
        }
    }

    /// A byte outside of entries: whether it is used up, as only the first one of an entry is not.
    fn between(&mut self, byte: u8) -> Result<bool, KeyListError> {
        self.expected = match (self.expected, byte) {
            (Expected::List, b'[') => Expected::FirstEntry,
            (Expected::List, _) => return Err(KeyListError::NotAList),
            (Expected::FirstEntry | Expected::Separator, b']') => Expected::Nothing,
            (Expected::Separator, b',') => Expected::Entry,
            (Expected::FirstEntry | Expected::Entry, _) => {
                self.piece.begin(self.max_depth.saturating_sub(1), self.max_bytes);
                self.expected = Expected::RestOfEntry;
                return Ok(false);
            }
            (Expected::Nothing, _) => return Err(KeyListError::TrailingBytes),
            (Expected::Separator | Expected::RestOfEntry, _) => return Err(KeyListError::Syntax),
        };
        Ok(true)
    }

    fn is_mark(&self, byte: u8) -> bool {
        self.expected == Expected::List && BYTE_ORDER_MARK.contains(&byte)
    }

    fn entry<'a>(&'a self, collected: Collected<'a>) -> Result<&'a [u8], EntryError> {
        match collected {
            Collected::TooDeep => Err(EntryError::TooDeep { limit: self.max_depth }),
            Collected::TooLong { found } => {
                Err(EntryError::TooLarge { limit: self.max_bytes, found })
            }
            Collected::Given(_) | Collected::Buffered => Ok(self.piece.bytes(collected)),
        }
    }
}

impl From<SyntaxError> for KeyListError {
    fn from(_: SyntaxError) -> Self {
        Self::Syntax
    }
}

//! One name or value of a response, whole again after it came in pieces.

use super::StreamError;
use crate::encoding::json::{ScanError, ValueScanner};

/// Collects a JSON value that may come in pieces; one that comes whole is not copied.
#[derive(Debug)]
pub(super) struct Piece {
    scanner: ValueScanner,
    /// What came with earlier bytes of the response, unless that is too much.
    buffer: Vec<u8>,
    length: usize,
    max_length: usize,
}

/// A collected value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Collected<'a> {
    /// It lies in the bytes that were given.
    Given(&'a [u8]),
    /// It came in pieces and lies in the buffer.
    Buffered,
    /// It has more bytes than are kept.
    TooLong {
        /// How many it has.
        found: usize,
    },
}

impl Piece {
    pub(super) fn new() -> Self {
        Self { scanner: ValueScanner::new(0), buffer: Vec::new(), length: 0, max_length: 0 }
    }

    /// Begins with another value: nested at most so deep, and kept up to so many bytes.
    pub(super) fn begin(&mut self, max_depth: usize, max_length: usize) {
        self.scanner.restart(max_depth);
        self.buffer.clear();
        self.length = 0;
        self.max_length = max_length;
    }

    /// Takes what belongs to the value off the input; `None` if it goes on behind the input.
    pub(super) fn collect<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Collected<'a>>, ScanError> {
        let end = self.scanner.scan(input)?;
        let (part, rest) = input.split_at(end.unwrap_or(input.len()));
        *input = rest;
        let is_first = self.length == 0;
        self.length += part.len();
        if self.length > self.max_length {
            self.buffer.clear();
        } else if !is_first || end.is_none() {
            self.buffer.extend_from_slice(part);
        }
        Ok(end.map(|_| match self.length {
            found if found > self.max_length => Collected::TooLong { found },
            _ if is_first => Collected::Given(part),
            _ => Collected::Buffered,
        }))
    }

    /// The bytes of a collected value, which must be the last one.
    pub(super) fn bytes<'a>(&'a self, collected: Collected<'a>) -> &'a [u8] {
        match collected {
            Collected::Given(bytes) => bytes,
            Collected::Buffered => &self.buffer,
            Collected::TooLong { .. } => &[],
        }
    }

    /// As [`Piece::collect`] for a name, which is refused once it has one byte too many: what follows is
    /// not looked at, so that the verdict does not depend on how much of it has come.
    pub(super) fn collect_name<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Collected<'a>>, StreamError> {
        let allowed = self.max_length.saturating_add(1).saturating_sub(self.length);
        let (mut window, _) = input.split_at(allowed.min(input.len()));
        let before = self.length;
        let collected = self.collect(&mut window).map_err(|_| StreamError::Syntax)?;
        *input = input.get(self.length - before..).unwrap_or_default();
        if self.length > self.max_length {
            return Err(StreamError::NameTooLong { limit: self.max_length });
        }
        Ok(collected)
    }

    /// Whether the value is whole if nothing follows.
    pub(super) fn may_end_here(&self) -> bool {
        self.scanner.may_end_here()
    }

    /// How many bytes of memory are held.
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}

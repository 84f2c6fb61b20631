//! One name or value of a response, whole again after it came in pieces.

use std::{borrow::Cow, fmt};

use super::StreamError;
use crate::encoding::{
    format::FormatProblem,
    json::{self, SyntaxError, ValueScanner},
};

/// Collects a JSON value that may come in pieces; one that comes whole is not copied.
pub(super) struct Piece {
    scanner: ValueScanner,
    /// The beginning of what came with earlier bytes of the response, as much as is kept.
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
    /// It has more bytes than are kept: the buffer has its beginning.
    TooLong {
        /// How many it has.
        found: usize,
    },
    /// Its arrays and objects are nested too deep.
    TooDeep,
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scanner, buffer, length, max_length: _ } = self;
        f.debug_struct("Piece")
            .field("scanner", scanner)
            .field("buffered_bytes", &buffer.len())
            .field("length", length)
            .finish_non_exhaustive()
    }
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
    ) -> Result<Option<Collected<'a>>, SyntaxError> {
        let end = self.scanner.scan(input)?;
        let (part, rest) = input.split_at(end.unwrap_or(input.len()));
        *input = rest;
        let before = self.length;
        self.length = self.length.saturating_add(part.len());
        if before == 0 && end.is_some() && self.length <= self.max_length {
            return Ok(Some(self.collected(Collected::Given(part))));
        }
        let kept = part.get(..self.max_length.saturating_sub(before)).unwrap_or(part);
        self.buffer.extend_from_slice(kept);
        Ok(end.map(|_| match self.length {
            found if found > self.max_length => self.collected(Collected::TooLong { found }),
            _ => self.collected(Collected::Buffered),
        }))
    }

    fn collected<'a>(&self, otherwise: Collected<'a>) -> Collected<'a> {
        if self.scanner.is_too_deep() { Collected::TooDeep } else { otherwise }
    }

    /// The bytes of a collected value, which must be the last one.
    pub(super) fn bytes<'a>(&'a self, collected: Collected<'a>) -> &'a [u8] {
        match collected {
            Collected::Given(bytes) => bytes,
            Collected::Buffered | Collected::TooLong { .. } => &self.buffer,
            Collected::TooDeep => &[],
        }
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

/// The name of a member.
pub(super) struct Name<'a> {
    /// The name; if it is not usable as an ID, as much of it as is kept, as it is written.
    pub(super) text: Cow<'a, str>,
    pub(super) problem: Option<FormatProblem>,
}

impl<'a> Name<'a> {
    /// Reads a name that was collected as these bytes.
    pub(super) fn read(
        collected: Collected<'_>,
        bytes: &'a [u8],
        limit: usize,
    ) -> Result<Self, StreamError> {
        if let Collected::TooLong { found } = collected {
            let text = String::from_utf8_lossy(bytes);
            return Ok(Self { text, problem: Some(FormatProblem::TooLarge { limit, found }) });
        }
        let (text, is_unicode) = json::name(bytes).ok_or(StreamError::Syntax)?;
        Ok(Self { text, problem: (!is_unicode).then_some(FormatProblem::NotText) })
    }

    /// Whether it is the name of this member.
    pub(super) fn is(&self, member: &str) -> bool {
        self.problem.is_none() && self.text == member
    }
}

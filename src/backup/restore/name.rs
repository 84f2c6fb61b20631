//! The name of a member in a response.

use std::borrow::Cow;

use super::StreamError;
use crate::encoding::{
    format::FormatProblem,
    json::{self, Collected},
};

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

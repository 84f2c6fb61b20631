//! What is wrong with the body of a success.

use thiserror::Error;

use crate::{
    backup::StreamError,
    encoding::format::{FormatError, FormatProblem},
    excerpt::Excerpt,
};

/// Why the body of a successful response cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// It is no JSON, or something follows the JSON.
    #[error("the homeserver's response is not valid JSON")]
    NotJson,
    /// It is JSON of another type.
    #[error("the homeserver's response is not a JSON object")]
    NotAnObject,
    /// A member is missing or of another type.
    #[error("the homeserver's response has no usable \u{201c}{0}\u{201d}")]
    Member(&'static str),
    /// It is an error with this code, in spite of its status.
    #[error("the homeserver's response has a status of success, but is the error {0}")]
    Errcode(Excerpt),
    /// A text in it has half a character, or it is nested too deep to be kept.
    #[error("the homeserver's response holds text that is not Unicode, or is nested too deep")]
    Unkeepable,
    /// It is nested too deep, or has a name too long, to be read.
    #[error("the homeserver's response is beyond the limits of what is read: {0}")]
    Stream(StreamError),
}

impl From<FormatError> for ResponseError {
    fn from(error: FormatError) -> Self {
        match error.problem {
            FormatProblem::NotAnObject => Self::NotAnObject,
            FormatProblem::Missing(name) | FormatProblem::Unusable(name) => Self::Member(name),
            FormatProblem::Unkeepable => Self::Unkeepable,
            _ => Self::NotJson,
        }
    }
}

impl From<StreamError> for ResponseError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::NotAnObject => Self::NotAnObject,
            StreamError::Member(name) => Self::Member(name),
            StreamError::CutOff | StreamError::Syntax | StreamError::TrailingBytes => Self::NotJson,
            error => Self::Stream(error),
        }
    }
}

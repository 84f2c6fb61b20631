//! What is wrong with the body of a success.

use super::ApiError;
use crate::{
    backup::StreamError,
    encoding::format::{FormatError, FormatProblem},
};

impl From<FormatProblem> for ApiError {
    fn from(problem: FormatProblem) -> Self {
        Self::Response(problem.of("the homeserver's response"))
    }
}

impl From<FormatError> for ApiError {
    /// What is wrong with the only thing that is in a response is wrong with the response.
    fn from(error: FormatError) -> Self {
        error.problem.into()
    }
}

impl From<StreamError> for ApiError {
    /// A response that is at hand as a whole was read, and is as long as it may be.
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::NotAnObject => FormatProblem::NotAnObject.into(),
            StreamError::Member(name) => FormatProblem::Unusable(name).into(),
            StreamError::CutOff
            | StreamError::Syntax
            | StreamError::TrailingBytes
            | StreamError::TooLong { .. }
            | StreamError::Read(_) => FormatProblem::NotJson.into(),
        }
    }
}

//! Why something is not of the form that it should have.
//!
//! What is read out of JSON or base64 fails in few ways, and nobody does anything else for one of them than for another. So
//! there is one error for all of it, which says what was read and what is wrong with it.
//!
//! ```
//! use strongroom::encoding::{format::FormatProblem, json_object::JsonObject};
//!
//! let error = JsonObject::from_json(b"[]").unwrap_err();
//! assert_eq!(error.problem, FormatProblem::NotAnObject);
//! assert_eq!(error.to_string(), "it is not a JSON object");
//! ```

use thiserror::Error;

use super::json::{JsonTextError, RawObjectError};

/// Something cannot be read, because it is not of the form that it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} {problem}")]
#[non_exhaustive]
pub struct FormatError {
    /// What was to be read, as the subject of the sentence: “the backup version”; “it” where the sentence around says what.
    pub what: &'static str,
    /// What is wrong with it.
    pub problem: FormatProblem,
}

/// What is wrong with the form of something. Nothing of what was read is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormatProblem {
    /// It is no JSON, or something follows it.
    #[error("is not valid JSON")]
    NotJson,
    /// It is JSON of another type.
    #[error("is not a JSON object")]
    NotAnObject,
    /// It is no text.
    #[error("is not text")]
    NotText,
    /// It is an event of another type.
    #[error("is of another type")]
    OtherType,
    /// It is what clients leave behind when they delete it.
    #[error("was deleted")]
    Deleted,
    /// It is of none of the forms that are known.
    #[error("has an unknown form")]
    UnknownForm,
    /// A member is missing, or is not a string.
    #[error("has no \u{201c}{0}\u{201d}")]
    Missing(&'static str),
    /// A member is missing, or is nothing that can be used.
    #[error("has no usable \u{201c}{0}\u{201d}")]
    Unusable(&'static str),
    /// A member, which is missing or not, says that it is something else than what was asked for.
    #[error("has another \u{201c}{0}\u{201d} than what was asked for")]
    Other(&'static str),
    /// It could be read as another kind of signed object as well: a device's keys with the public key of a backup in them, say. A
    /// signature that was made for the one must not count for the other.
    #[error("could be mistaken for something else that is signed, so it is not accepted")]
    OtherKind,
    /// A member has a character outside the standard alphabet of base64, or padding in the wrong place.
    #[error("has a damaged \u{201c}{0}\u{201d} (it is not valid base64)")]
    MemberNotBase64(&'static str),
    /// A member is base64, but of another number of bytes.
    #[error("has a damaged \u{201c}{member}\u{201d} (it has {found} bytes instead of {expected})")]
    MemberLength {
        /// The member.
        member: &'static str,
        /// How many bytes were needed.
        expected: usize,
        /// How many bytes it holds.
        found: usize,
    },
    /// A character outside the standard alphabet of base64, or padding in the wrong place.
    #[error("is not valid base64")]
    NotBase64,
    /// The text is base64, but of another number of bytes.
    #[error("has {found} bytes instead of {expected}")]
    Length {
        /// How many bytes were needed.
        expected: usize,
        /// How many bytes the text holds.
        found: usize,
    },
    /// Its 32 bytes are not a point on the curve.
    #[error("is damaged (it is not a point on the curve)")]
    NotAPoint,
    /// Whatever is encrypted with it could be opened by everybody.
    #[error("is not safe: anybody could open what is encrypted with it")]
    Unsafe,
    /// It is a secret key neither in base64 nor in another form that was ever written.
    #[error("is not a key of 32 bytes in base64")]
    NotAKey,
    /// An object in it has two members with one name.
    #[error("has an object with two members of one name")]
    DuplicateMember,
    /// A number in it has a fraction or is not within ±(2^53 - 1), so that it cannot be part of what is signed.
    #[error("has a number that cannot be part of what is signed")]
    Number,
    /// A string in it has half a character.
    #[error("has a string that is not Unicode")]
    LoneSurrogate,
    /// A text in it has half a character, or it is nested too deep to be kept.
    #[error("holds text that is not Unicode, or is nested too deep")]
    Unkeepable,
    /// It is longer than the limit.
    #[error("has {found} bytes, more than the limit of {limit}")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// It is nested deeper than the limit.
    #[error("is nested {found} levels deep, more than the limit of {limit}")]
    TooDeep {
        /// How many levels are allowed.
        limit: usize,
        /// How many levels there are.
        found: usize,
    },
}

impl FormatProblem {
    /// The error that says of what this is true.
    #[must_use]
    pub const fn of(self, what: &'static str) -> FormatError {
        FormatError { what, problem: self }
    }

    /// The same of a member, if it is what can be wrong with base64.
    pub(crate) const fn in_member(self, member: &'static str) -> Self {
        match self {
            Self::NotBase64 => Self::MemberNotBase64(member),
            Self::Length { expected, found } => Self::MemberLength { member, expected, found },
            other => other,
        }
    }

    /// Why a text is not the JSON object that it should be.
    pub(crate) fn of_object(error: RawObjectError, what: &'static str) -> FormatError {
        let problem = match error {
            RawObjectError::Syntax => Self::NotJson,
            RawObjectError::NotAnObject => Self::NotAnObject,
        };
        problem.of(what)
    }

    /// Why a value is not the string that a member should be.
    pub(crate) fn of_string(error: JsonTextError, member: &'static str) -> Self {
        match error {
            JsonTextError::NotAString => Self::Missing(member),
            JsonTextError::LoneSurrogate => Self::Unkeepable,
        }
    }
}

//! What the machine tells and does not ask.

use std::fmt;

use crate::{
    api::ApiError,
    backup::RestoreReport,
    client::{backup::Scope, flow::FlowError, waiting::RequestFailure},
};

/// Something that the account's machine tells its host. Its `Display` is a sentence for the user.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// See [`Next::UploadRefused`](super::Next::UploadRefused).
    UploadRefused(&'a ApiError),
    /// See [`Next::Fetched`](super::Next::Fetched).
    Fetched(&'a Scope, Result<&'a RestoreReport, &'a RequestFailure>),
    /// See [`Next::NotCreated`](super::Next::NotCreated).
    NotCreated(&'a FlowError),
    /// See [`Next::NotDeleted`](super::Next::NotDeleted).
    NotDeleted(&'a RequestFailure),
    /// See [`Next::Withdrawn`](super::Next::Withdrawn).
    Withdrawn(Result<(), &'a RequestFailure>),
    /// See [`Next::PreferenceNotSet`](super::Next::PreferenceNotSet).
    PreferenceNotSet {
        /// Whether the user wants a backup.
        enabled: bool,
        /// Why it was refused, if it was.
        refused: Option<&'a ApiError>,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UploadRefused(error) => write!(f, "message keys cannot be stored: {error}"),
            Self::Fetched(scope, Ok(report)) => write!(f, "fetching {scope}: {report}"),
            Self::Fetched(scope, Err(error)) => write!(f, "fetching {scope}: {error}"),
            Self::NotCreated(reason) => write!(f, "no backup was created: {reason}"),
            Self::NotDeleted(error) => write!(f, "a backup was not deleted: {error}"),
            Self::Withdrawn(Ok(())) => f.write_str("the backup is not signed by you any more"),
            Self::Withdrawn(Err(error)) => write!(f, "the backup is still signed by you: {error}"),
            Self::PreferenceNotSet { enabled, refused } => {
                let wanted = if *enabled { "wanted" } else { "not wanted" };
                write!(f, "other clients do not learn that a backup is {wanted}")?;
                refused.map_or(Ok(()), |error| write!(f, ": {error}"))
            }
        }
    }
}

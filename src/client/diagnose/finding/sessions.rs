//! What may be found about the sessions of a backup.

use std::fmt;

use thiserror::Error;

use super::{super::remedy::Remedy, Severity};
use crate::{backup::StreamError, secret_value::MEGOLM_BACKUP_V1};

/// Something about the sessions of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionFinding {
    /// They are sealed to another key than the one at hand.
    #[error("Of the sessions that were looked at, {0} are sealed to another key.")]
    UnderOtherKey(SessionCount),
    /// They are sealed to the key, and damaged.
    #[error("Of the sessions that were looked at, {0} are damaged.")]
    Damaged(SessionCount),
    /// They are not what the specification says.
    #[error("Of the sessions that were looked at, {0} are malformed.")]
    Malformed(SessionCount),
    /// They are of an unknown algorithm.
    #[error("Of the sessions that were looked at, {0} are of an algorithm that is not known here.")]
    Unsupported(SessionCount),
    /// They open, and something in them was repaired or disagrees with what the homeserver says.
    #[error(
        "Of the sessions that were looked at, {0} open, but had to be repaired or disagree with what stands beside them."
    )]
    WithWarnings(SessionCount),
    /// In the place of the sessions of a room stands something else.
    #[error("The homeserver returns something else than sessions for rooms ({0}).")]
    BrokenRooms(u64),
    /// The response with the sessions cannot be read to its end.
    #[error("The sessions could not all be read: {0}.")]
    ResponseBroken(#[source] StreamError),
    /// What a restore would give.
    #[error("A restore would give {restored} sessions that were looked at{all}.", all = of_all(*total))]
    WouldRestore {
        /// Those of the sample that open.
        restored: SessionCount,
        /// How many sessions the homeserver says there are in all.
        total: Option<u64>,
    },
}

/// So many sessions of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SessionCount {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
}

impl SessionFinding {
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::UnderOtherKey(_)
            | Self::Damaged(_)
            | Self::Malformed(_)
            | Self::Unsupported(_)
            | Self::BrokenRooms(_)
            | Self::ResponseBroken(_) => Severity::Failure,
            Self::WithWarnings(_) => Severity::Notice,
            Self::WouldRestore { .. } => Severity::Information,
        }
    }

    pub(super) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::UnderOtherKey(_) => Some(Remedy::AskOtherDevice(MEGOLM_BACKUP_V1.into())),
            Self::Damaged(_) | Self::Malformed(_) | Self::BrokenRooms(_) => {
                Some(Remedy::UploadAgain)
            }
            Self::Unsupported(_) => Some(Remedy::UpdateClient),
            Self::ResponseBroken(_) => Some(Remedy::FetchAgain),
            Self::WithWarnings(_) | Self::WouldRestore { .. } => None,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::UnderOtherKey(_) => "sessions.under_other_key",
            Self::Damaged(_) => "sessions.damaged",
            Self::Malformed(_) => "sessions.malformed",
            Self::Unsupported(_) => "sessions.unsupported",
            Self::WithWarnings(_) => "sessions.with_warnings",
            Self::BrokenRooms(_) => "sessions.broken_rooms",
            Self::ResponseBroken(_) => "sessions.response_broken",
            Self::WouldRestore { .. } => "sessions.would_restore",
        }
    }
}

impl fmt::Display for SessionCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} out of {}", self.count, self.of)
    }
}

fn of_all(total: Option<u64>) -> String {
    total.map_or_else(String::new, |total| format!("; the backup has {total}"))
}

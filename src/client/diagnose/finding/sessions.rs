//! What may be found about the sessions of a backup.

use std::fmt;

use super::{super::remedy::Remedy, Severity, argument::Argument as _, table::findings};
use crate::{backup::StreamError, secret_value::MEGOLM_BACKUP_V1};

findings! {
    /// Something about the sessions of a sample, each of which is one message key.
    pub enum SessionFinding {
        /// They are sealed to another key than the one at hand.
        UnderOtherKey { count: SessionCount } =
            "sessions.under_other_key", Severity::Failure,
            Some(Remedy::AskOtherDevice(MEGOLM_BACKUP_V1.into())),
            "In a sample of the message keys, {count} are encrypted with another backup key than the one at hand.";

        /// They are sealed to the key, and damaged.
        Damaged { count: SessionCount } =
            "sessions.damaged", Severity::Failure, Some(Remedy::UploadAgain),
            "In a sample of the message keys, {count} are damaged.";

        /// They are not what the specification says.
        Malformed { count: SessionCount } =
            "sessions.malformed", Severity::Failure, Some(Remedy::UploadAgain),
            "In a sample of the message keys, {count} have an invalid format and cannot be read.";

        /// They are of an unknown algorithm.
        Unsupported { count: SessionCount } =
            "sessions.unsupported", Severity::Failure, Some(Remedy::UpdateClient),
            "In a sample of the message keys, {count} use an algorithm that this client does not know.";

        /// They open, and something in them was repaired or disagrees with what the homeserver says.
        WithWarnings { count: SessionCount } =
            "sessions.with_warnings", Severity::Notice, None,
            "In a sample of the message keys, {count} can be restored, but had to be repaired or disagree with what the homeserver says about them.";

        /// In the place of the sessions of a room stands something else.
        BrokenRooms { count: u64 } =
            "sessions.broken_rooms", Severity::Failure, Some(Remedy::UploadAgain),
            "For some rooms ({count}) the homeserver does not return message keys, but something else.";

        /// The response with the sessions cannot be read to its end.
        ResponseBroken { error: StreamError } =
            "sessions.response_broken", Severity::Failure, Some(Remedy::FetchAgain),
            "Not all message keys could be read: {error}.";

        /// The homeserver counts more than it returned.
        Fewer { returned: u64, total: u64 } =
            "sessions.fewer", Severity::Warning, Some(Remedy::FetchAgain),
            "The homeserver says that the backup has {total} message keys, and returned {returned}.";

        /// What a restore would give, and how many sessions the homeserver says there are in all.
        WouldRestore { restored: SessionCount, total: Option<u64> } =
            "sessions.would_restore", Severity::Information, None,
            "A restore would bring back {restored} message keys of the sample; the backup has {total} in all.";
    }
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

impl fmt::Display for SessionCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} out of {}", self.count, self.of)
    }
}

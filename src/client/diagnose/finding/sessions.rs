//! What may be found about the sessions of a backup.

use std::fmt;

use super::{super::remedy::Remedy, Severity, argument::Argument as _, table::findings};
use crate::{backup::StreamError, secret_value::MEGOLM_BACKUP_V1};

findings! {
    /// Something about the sessions of a sample, each of which is one message key.
    enum SessionFinding {
        /// They are sealed to another key than the one at hand.
        UnderOtherKey { count: SessionCount } =
            "sessions.under_other_key", Severity::Failure,
            Some(Remedy::AskOtherDevice(MEGOLM_BACKUP_V1.into())),
            "Message keys in the backup are encrypted with another backup key than the one at hand ({count} that were looked at).";

        /// They are sealed to the key, and damaged.
        Damaged { count: SessionCount } =
            "sessions.damaged", Severity::Failure, Some(Remedy::UploadAgain),
            "Message keys in the backup are damaged ({count} that were looked at).";

        /// They are not what the specification says.
        Malformed { count: SessionCount } =
            "sessions.malformed", Severity::Failure, Some(Remedy::UploadAgain),
            "Message keys in the backup have an invalid format and cannot be read ({count} that were looked at).";

        /// They are of an unknown algorithm.
        Unsupported { count: SessionCount } =
            "sessions.unsupported", Severity::Failure, Some(Remedy::UpdateClient),
            "Message keys in the backup use an algorithm that this client does not know ({count} that were looked at).";

        /// They open, and something in them was repaired or disagrees with what the homeserver says.
        WithWarnings { count: SessionCount } =
            "sessions.with_warnings", Severity::Notice, None,
            "Message keys in the backup can be restored, but had to be repaired or differ from what the homeserver says about them ({count} that were looked at).";

        /// In the place of the sessions of a room stands something else.
        BrokenRooms { count: u64 } =
            "sessions.broken_rooms", Severity::Failure, Some(Remedy::UploadAgain),
            "The homeserver returns something else instead of the message keys of some rooms ({count}).";

        /// The response with the sessions cannot be read to its end.
        ResponseBroken { error: StreamError } =
            "sessions.response_broken", Severity::Failure, Some(Remedy::FetchAgain),
            "Not all message keys could be read: {error}.";

        /// The homeserver counts more than it returned. A few may have been uploaded between the two responses.
        Fewer { returned: u64, total: u64 } =
            "sessions.fewer",
            if is_close(*returned, *total) { Severity::Notice } else { Severity::Warning },
            Some(Remedy::FetchAgain),
            "The homeserver returned fewer message keys ({returned}) than it counted in the backup ({total}): unless the others were uploaded in between, they are missing.";

        /// What a restore would give, and how many sessions the homeserver says there are in all.
        WouldRestore { restored: SessionCount, total: Option<u64> } =
            "sessions.would_restore", Severity::Information, None,
            "A restore would bring back {restored} message keys that were looked at; the backup has {total} in all.";
    }
}

/// Whether so few are missing, a tenth or ten of them, that they may have been uploaded in between.
fn is_close(returned: u64, total: u64) -> bool {
    returned > 0 && total.saturating_sub(returned) <= (total / 10).max(10)
}

/// So many sessions of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct SessionCount {
    /// How many.
    pub(in super::super) count: u64,
    /// Of how many.
    pub(in super::super) of: u64,
}

impl fmt::Display for SessionCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} out of {}", self.count, self.of)
    }
}

//! What was repaired or disagreed in a session that is restored all the same.

// docs/decisions.md, 16: a restored session is unauthenticated.

use std::fmt;

use crate::{
    backup::{KeyBackupData, ReturnedSession},
    encoding::{base64, read::Read},
    excerpt::Excerpt,
    ids::SessionId,
    session_data::{Claims, Repair, SessionData},
};

/// Something that was repaired or disagreed in a session that was restored all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The server returned the session under another ID than the one inside, which counts.
    OtherSessionId(SessionId),
    /// The session names another room than the server. Neither is authenticated, and the name is not
    /// repeated: a server can move pieces of a session key to where it stands.
    OtherRoomClaimed,
    /// The session names another session ID than the one inside its key, which counts.
    OtherSessionIdClaimed,
    /// `first_message_index` is not the index inside the session key, which counts.
    OtherFirstMessageIndex {
        /// What the server returned.
        returned: u64,
        /// What the session key says.
        actual: u32,
    },
    /// What is said of shared history beside the encrypted session is not what the session itself says, which counts.
    OtherSharedHistory {
        /// What the server returned.
        returned: bool,
    },
    /// This number or flag beside the encrypted session is missing or of another type.
    MetadataIgnored(&'static str),
    /// Something inside the session was made good.
    Repaired(Repair),
    /// The session was restored before, for another room:
    /// [`RestoreOptions::check_rooms`](crate::backup::RestoreOptions::check_rooms).
    UnderTwoRooms,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSessionId(id) => {
                let id = Excerpt::new(id.as_str());
                write!(f, "the server calls the session {id}, which is not its ID")
            }
            Self::OtherRoomClaimed => f.write_str("the session names another room than the server"),
            Self::OtherSessionIdClaimed => f.write_str("the session names another ID than its own"),
            Self::OtherFirstMessageIndex { returned, actual } => {
                write!(f, "the session begins at message {actual}, the server says {returned}")
            }
            Self::OtherSharedHistory { returned } => {
                let may = if *returned { "may" } else { "may not" };
                write!(f, "the server says that the session {may} be shared, the session does not")
            }
            Self::MetadataIgnored(member) => write!(f, "{member} is not usable and was ignored"),
            Self::Repaired(repair) => repair.fmt(f),
            Self::UnderTwoRooms => f.write_str("the session was restored for another room before"),
        }
    }
}

/// Whether two session IDs, which are public keys in base64, are those of the same bytes: some clients pad theirs, and a
/// warning about that would teach users to look away.
fn same_id(one: &SessionId, other: &SessionId) -> bool {
    let bytes = |id: &SessionId| base64::decode(id.as_str()).ok();
    one == other || bytes(one).is_some_and(|one| bytes(other) == Some(one))
}

/// What disagrees between a session, what the server returned beside it, and what was repaired.
pub(super) fn compare(
    returned: ReturnedSession<'_>,
    data: &KeyBackupData,
    Read { value: session, repairs }: &Read<SessionData, Repair>,
    claims: &Claims,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let session_id = session.session_id();
    if !same_id(returned.session_id, &session_id) {
        warnings.push(Warning::OtherSessionId(returned.session_id.clone()));
    }
    if claims.room_id.as_ref().is_some_and(|claimed| claimed != returned.room_id) {
        warnings.push(Warning::OtherRoomClaimed);
    }
    if claims.session_id.as_ref().is_some_and(|claimed| !same_id(claimed, &session_id)) {
        warnings.push(Warning::OtherSessionIdClaimed);
    }
    let actual = session.session_key().first_known_index();
    if let Some(returned) =
        data.metadata().first_message_index.filter(|index| *index != u64::from(actual))
    {
        warnings.push(Warning::OtherFirstMessageIndex { returned, actual });
    }
    let claimed = data.claimed_shared_history();
    if let Some(returned) = claimed.filter(|claimed| *claimed != session.shared_history()) {
        warnings.push(Warning::OtherSharedHistory { returned });
    }
    warnings.extend(data.ignored().iter().copied().map(Warning::MetadataIgnored));
    warnings.extend(repairs.iter().copied().map(Warning::Repaired));
    warnings
}

//! What is asked of a restore.

use super::RestoreFilter;
use crate::ids::RoomId;

/// What is asked of a restore. Take [`RestoreOptions::default`] and change what does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// Which sessions are wanted. Default: all.
    pub filter: RestoreFilter,
    /// The room, if the response is that of `GET /room_keys/keys/{roomId}`. Default: none, for the
    /// response with all rooms.
    pub room_id: Option<RoomId>,
    /// How many sessions there are by what the server said of the
    /// [version](crate::backup::BackupVersionInfo::count), for [progress](super::RestoreProgress).
    /// Default: unknown.
    pub expected: Option<u64>,
    /// Whether a session that is restored for two rooms gets a
    /// [warning](crate::backup::Warning::UnderTwoRooms) the second time. This keeps 16 bytes for each
    /// restored session, in a table that is up to half empty: the one thing in a restore whose memory
    /// grows with the backup. Default: no.
    pub check_rooms: bool,
    /// Whether each batch is opened on the threads of rayon's current pool. The verdicts are the same,
    /// in the same order. Default: no.
    #[cfg(feature = "parallel")]
    pub parallel: bool,
}

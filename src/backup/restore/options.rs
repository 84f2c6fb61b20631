//! What is asked of a restore.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{RoomId, SessionId};

/// What is asked of a restore. Take [`RestoreOptions::default`], which wants every session, or [`RestoreOptions::nothing`] and
/// add rooms and sessions; then change what does not fit.
///
/// Rooms and sessions are told by the names that the server returns them under, which nobody vouches for.
///
/// ```
/// use strongroom::backup::RestoreOptions;
///
/// let wanted = RestoreOptions::nothing().with_room("!a".into()).with_session("!b".into(), "x".into());
/// assert!(wanted.wants(&"!a".into(), &"y".into()) && wanted.wants(&"!b".into(), &"x".into()));
/// assert!(!wanted.wants(&"!b".into(), &"y".into()));
/// assert!(wanted.with_session_of_any_room("y".into()).wants(&"!c".into(), &"y".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// `None` wants everything.
    rooms: Option<BTreeMap<RoomId, Wanted>>,
    /// Wanted whatever room they are in.
    sessions: BTreeSet<SessionId>,
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

impl RestoreOptions {
    /// Wants no session until some are added; the rest is passed over without being opened.
    #[must_use]
    pub fn nothing() -> Self {
        Self { rooms: Some(BTreeMap::new()), ..Self::default() }
    }

    /// Wants all sessions of this room, too. Where everything is wanted, it changes nothing.
    #[must_use]
    pub fn with_room(mut self, room_id: RoomId) -> Self {
        if let Some(rooms) = &mut self.rooms {
            rooms.insert(room_id, Wanted::Room);
        }
        self
    }

    /// Wants this session of this room, too.
    #[must_use]
    pub fn with_session(mut self, room_id: RoomId, session_id: SessionId) -> Self {
        if let Some(rooms) = &mut self.rooms {
            let wanted = rooms.entry(room_id).or_insert_with(|| Wanted::Sessions(BTreeSet::new()));
            if let Wanted::Sessions(sessions) = wanted {
                sessions.insert(session_id);
            }
        }
        self
    }

    /// Wants this session, too, whatever room it is in.
    #[must_use]
    pub fn with_session_of_any_room(mut self, session_id: SessionId) -> Self {
        self.sessions.insert(session_id);
        self
    }

    /// Whether anything of a room is wanted.
    #[must_use]
    pub fn wants_room(&self, room_id: &RoomId) -> bool {
        let is_named = |rooms: &BTreeMap<_, _>| rooms.contains_key(room_id);
        self.rooms.as_ref().is_none_or(is_named) || !self.sessions.is_empty()
    }

    /// Whether a session is wanted.
    #[must_use]
    pub fn wants(&self, room_id: &RoomId, session_id: &SessionId) -> bool {
        let Some(rooms) = &self.rooms else { return true };
        match rooms.get(room_id) {
            _ if self.sessions.contains(session_id) => true,
            None => false,
            Some(Wanted::Room) => true,
            Some(Wanted::Sessions(sessions)) => sessions.contains(session_id),
        }
    }
}

/// What is wanted of one room.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Room,
    Sessions(BTreeSet<SessionId>),
}

//! Sessions that are uploaded together.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::PutRoomKeysError;
use crate::{
    backup::{SealedSession, TrustedBackup},
    ids::{BackupVersion, RoomId, SessionId},
};

/// Sessions sealed to one backup, each of them once, by room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SealedSessions {
    pub(super) version: BackupVersion,
    pub(super) rooms: BTreeMap<RoomId, SessionsOfRoom>,
}

/// The sessions of one room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SessionsOfRoom(BTreeMap<SessionId, SealedSession>);

impl SealedSessions {
    /// Takes sessions that were all sealed to the key of the backup. Of two that are the same session,
    /// the better one stays.
    pub(super) fn new(
        backup: &TrustedBackup,
        sessions: impl IntoIterator<Item = SealedSession>,
    ) -> Result<Self, PutRoomKeysError> {
        let is_fitting = |session: &SealedSession| session.sealed_to() == backup.public_key();
        let (fitting, refused): (Vec<_>, Vec<_>) = sessions.into_iter().partition(is_fitting);
        if refused.is_empty() {
            Ok(Self::of_version(backup.version().clone(), fitting))
        } else {
            Err(PutRoomKeysError::SealedToAnotherKey { refused, fitting })
        }
    }

    fn of_version(version: BackupVersion, sessions: Vec<SealedSession>) -> Self {
        let mut rooms: BTreeMap<RoomId, SessionsOfRoom> = BTreeMap::new();
        for session in sessions {
            let SessionsOfRoom(room) = rooms.entry(session.room_id().clone()).or_default();
            let kept = room.get(session.session_id());
            if kept.is_none_or(|kept| session.data().replaces(kept.data())) {
                room.insert(session.session_id().clone(), session);
            }
        }
        Self { version, rooms }
    }

    /// How many sessions there are.
    pub(super) fn len(&self) -> usize {
        self.rooms.values().map(|SessionsOfRoom(room)| room.len()).sum()
    }

    /// The sessions, taken out.
    pub(super) fn into_sessions(self) -> Vec<SealedSession> {
        self.rooms.into_values().flat_map(|SessionsOfRoom(room)| room.into_values()).collect()
    }

    /// Two halves; itself if there are fewer than two sessions. By their number, so that halving ends after a few rounds however
    /// large single ones are.
    pub(super) fn split(self) -> Result<(Self, Self), Self> {
        let half = self.len() / 2;
        if half == 0 {
            return Err(self);
        }
        let version = self.version.clone();
        let mut first = self.into_sessions();
        let second = first.split_off(half);
        Ok((Self::of_version(version.clone(), first), Self::of_version(version, second)))
    }
}

impl SessionsOfRoom {
    /// No sessions.
    pub(super) fn none() -> &'static Self {
        static NONE: SessionsOfRoom = SessionsOfRoom(BTreeMap::new());
        &NONE
    }

    /// The session of this ID.
    pub(super) fn get(&self, session_id: &SessionId) -> Option<&SealedSession> {
        self.0.get(session_id)
    }
}

impl Serialize for SessionsOfRoom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(sessions) = self;
        serializer.collect_map(sessions.iter().map(|(id, session)| (id, session.data())))
    }
}

/// About how many bytes a session takes in the body.
pub(super) const USUAL_LENGTH: usize = 1024;

//! `PUT /_matrix/client/v3/room_keys/keys`, `…/{roomId}` and `…/{roomId}/{sessionId}`

// docs/decisions.md, 10: a `TrustedBackup` is the proof.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use thiserror::Error;

use super::{
    StoredRoomKeys,
    keys_path::{of_backup, of_room, of_session},
    sealed_sessions::{SealedSessions, SessionsOfRoom, USUAL_LENGTH},
};
use crate::{
    api::Request,
    backup::{KeyBackupData, SealedSession, TrustedBackup},
    encoding::json,
    ids::{RoomId, SessionId},
};

/// Sessions to be stored in a backup
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3room_keyskeys)).
///
/// [`PutRoomKeys::request`] is the request for all, for those of one room or for one, as it is made.
/// It can be made for a [`TrustedBackup`] alone, from sessions that were sealed to that backup's key.
///
/// ```compile_fail
/// # use strongroom::{api::PutRoomKeys, backup::{BackupVersionInfo, SealedSession}};
/// fn upload(info: &BackupVersionInfo, sessions: Vec<SealedSession>) {
///     let _ = PutRoomKeys::new(info, sessions); // a version that nobody vouches for
/// }
/// ```
///
/// A request that is [too large](crate::api::ApiError::is_request_too_large) for the server, or whose
/// connection was dropped, is sent in halves:
///
/// ```
/// # use strongroom::{Limits, api::{ApiError, PutRoomKeys, Request, StoredRoomKeys}};
/// fn send_all(
///     put: PutRoomKeys,
///     send: &mut impl FnMut(&Request<StoredRoomKeys>) -> http::Response<Vec<u8>>,
/// ) -> Result<(), ApiError> {
///     let request = put.request();
///     match request.read_response(&send(&request), &Limits::default()) {
///         Err(error) if error.is_request_too_large() => match put.split() {
///             Ok((first, second)) => {
///                 send_all(first, send)?;
///                 send_all(second, send)
///             }
///             Err(_) => Err(error), // a single session is too large for this server
///         },
///         other => other.map(drop),
///     }
/// }
/// ```
///
/// A [wrong version](crate::api::ApiError::means_other_version) means that the backup was replaced or
/// deleted: ask for the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutRoomKeys {
    scope: Scope,
    sessions: SealedSessions,
}

/// Which path they are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    Backup,
    Room(RoomId),
    Session(RoomId, SessionId),
}

/// Why sessions cannot be stored in a backup. Nothing is lost: every session is given back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PutRoomKeysError {
    /// Some sessions were sealed to the key of another backup, whose owner alone could open them.
    #[error("{} of {} sessions were sealed to the key of another backup",
        refused.len(), refused.len() + fitting.len())]
    SealedToAnotherKey {
        /// These sessions.
        refused: Vec<SealedSession>,
        /// The others: a request for them alone can be made.
        fitting: Vec<SealedSession>,
    },
    /// Some sessions belong to another room.
    #[error("{} of {} sessions belong to another room",
        refused.len(), refused.len() + fitting.len())]
    OtherRoom {
        /// These sessions.
        refused: Vec<SealedSession>,
        /// The others: a request for them alone can be made.
        fitting: Vec<SealedSession>,
    },
}

impl PutRoomKeys {
    /// Collects sessions for upload. Of two that are the same session, the better one is sent.
    ///
    /// # Errors
    ///
    /// [`PutRoomKeysError::SealedToAnotherKey`] if a session was not sealed to this backup's key.
    pub fn new(
        backup: &TrustedBackup,
        sessions: impl IntoIterator<Item = SealedSession>,
    ) -> Result<Self, PutRoomKeysError> {
        Ok(Self { scope: Scope::Backup, sessions: SealedSessions::new(backup, sessions)? })
    }

    /// Collects sessions of one room
    /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3room_keyskeysroomid)).
    ///
    /// # Errors
    ///
    /// [`PutRoomKeysError::SealedToAnotherKey`] if a session was not sealed to this backup's key,
    /// otherwise [`PutRoomKeysError::OtherRoom`] if one belongs to another room.
    pub fn for_room(
        backup: &TrustedBackup,
        room_id: RoomId,
        sessions: impl IntoIterator<Item = SealedSession>,
    ) -> Result<Self, PutRoomKeysError> {
        let sessions = SealedSessions::new(backup, sessions)?;
        if sessions.rooms.keys().all(|other| *other == room_id) {
            return Ok(Self { scope: Scope::Room(room_id), sessions });
        }
        let is_fitting = |session: &SealedSession| *session.room_id() == room_id;
        let (fitting, refused) = sessions.into_sessions().into_iter().partition(is_fitting);
        Err(PutRoomKeysError::OtherRoom { refused, fitting })
    }

    /// Takes one session
    /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid)).
    ///
    /// # Errors
    ///
    /// [`PutRoomKeysError::SealedToAnotherKey`] if it was not sealed to this backup's key.
    pub fn for_session(
        backup: &TrustedBackup,
        session: SealedSession,
    ) -> Result<Self, PutRoomKeysError> {
        let scope = Scope::Session(session.room_id().clone(), session.session_id().clone());
        Ok(Self { scope, sessions: SealedSessions::new(backup, [session])? })
    }

    /// The request that stores them.
    #[must_use]
    pub fn request(&self) -> Request<StoredRoomKeys> {
        let body = json::to_bytes(&self.to_body(), self.len() * USUAL_LENGTH);
        self.without_body().with_body(body)
    }

    /// What reads the response to the request, without a body that nobody sends again.
    pub(crate) fn without_body(&self) -> Request<StoredRoomKeys> {
        let version = &self.sessions.version;
        let path = match &self.scope {
            Scope::Backup => Ok(of_backup(version)),
            Scope::Room(room_id) => of_room(version, room_id),
            Scope::Session(room_id, session_id) => of_session(version, room_id, session_id),
        };
        Request::new(Method::PUT, path, StoredRoomKeys::read)
    }

    /// How many sessions are sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The exact length of the body, in bytes. It takes about as long as writing it.
    #[must_use]
    pub fn body_len(&self) -> usize {
        json::len(&self.to_body())
    }

    /// The sessions, taken out.
    #[must_use]
    pub fn into_sessions(self) -> Vec<SealedSession> {
        self.sessions.into_sessions()
    }

    /// Two requests with half of the sessions each.
    ///
    /// # Errors
    ///
    /// The request itself if it has fewer than two sessions.
    pub fn split(self) -> Result<(Self, Self), Self> {
        let with = |sessions| Self { scope: self.scope.clone(), sessions };
        match self.sessions.split() {
            Ok((first, second)) => Ok((with(first), with(second))),
            Err(sessions) => Err(with(sessions)),
        }
    }

    // The body is written when it is asked for, and its length counted the same way: so each session is held once.
    fn to_body(&self) -> Body<'_> {
        let rooms = &self.sessions.rooms;
        let of_room = |room_id| rooms.get(room_id).unwrap_or(SessionsOfRoom::none());
        match &self.scope {
            Scope::Backup => {
                let rooms = rooms.iter();
                let rooms = rooms.map(|(room_id, sessions)| (room_id, Room { sessions })).collect();
                Body::Backup { rooms }
            }
            Scope::Room(room_id) => Body::Room(Room { sessions: of_room(room_id) }),
            Scope::Session(room_id, session_id) => {
                Body::Session(of_room(room_id).get(session_id).map(SealedSession::data))
            }
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Backup {
        rooms: BTreeMap<&'a RoomId, Room<'a>>,
    },
    Room(Room<'a>),
    /// There is one as long as the request was not taken apart.
    Session(Option<&'a KeyBackupData>),
}

#[derive(Serialize)]
struct Room<'a> {
    sessions: &'a SessionsOfRoom,
}

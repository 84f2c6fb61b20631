//! `PUT /_matrix/client/v3/room_keys/keys`

// docs/decisions.md, 10: a `TrustedBackup` is the proof.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use thiserror::Error;

use super::{
    StoredRoomKeys, keys_path,
    sealed_sessions::{SealedSessions, SessionsOfRoom, USUAL_LENGTH},
};
use crate::{
    Limits,
    api::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed},
    backup::{SealedSession, TrustedBackup},
    encoding::json,
    ids::RoomId,
};

/// Stores sessions in a backup
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3room_keyskeys)).
///
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
/// # use strongroom::{Limits, api::{ApiError, Endpoint as _, PutRoomKeys}};
/// fn send_all(
///     put: PutRoomKeys,
///     send: &mut impl FnMut(&PutRoomKeys) -> http::Response<Vec<u8>>,
/// ) -> Result<(), ApiError> {
///     match put.read_response(&send(&put), &Limits::default()) {
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
    sessions: SealedSessions,
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
        Ok(Self { sessions: SealedSessions::new(backup, sessions)? })
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
        match self.sessions.split() {
            Ok((first, second)) => Ok((Self { sessions: first }, Self { sessions: second })),
            Err(sessions) => Err(Self { sessions }),
        }
    }

    // The body is written when it is asked for, and its length counted the same way: so each session is held once.
    fn to_body(&self) -> Body<'_> {
        let rooms = self.sessions.rooms.iter();
        Body { rooms: rooms.map(|(room_id, sessions)| (room_id, Room { sessions })).collect() }
    }
}

impl Sealed for PutRoomKeys {}

impl Endpoint for PutRoomKeys {
    type Response = StoredRoomKeys;

    fn method(&self) -> Method {
        Method::PUT
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        Ok(keys_path::of_backup(&self.sessions.version))
    }

    fn body(&self) -> Vec<u8> {
        json::to_bytes(&self.to_body(), self.len() * USUAL_LENGTH)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<StoredRoomKeys, ResponseError> {
        StoredRoomKeys::read(body)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    rooms: BTreeMap<&'a RoomId, Room<'a>>,
}

#[derive(Serialize)]
struct Room<'a> {
    sessions: &'a SessionsOfRoom,
}

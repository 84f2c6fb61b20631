//! `PUT /_matrix/client/v3/room_keys/keys`

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use thiserror::Error;

use crate::{
    Limits,
    api::{
        Endpoint,
        endpoint::{encode, object},
        error::ResponseError,
    },
    backup::{KeyBackupData, SealedSession, TrustedBackup},
    encoding::json,
    excerpt::Excerpt,
    ids::{BackupVersion, RoomId, SessionId},
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
#[derive(Debug, Clone)]
pub struct PutRoomKeys {
    version: BackupVersion,
    rooms: BTreeMap<RoomId, BTreeMap<SessionId, KeyBackupData>>,
}

/// Why sessions cannot be stored in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PutRoomKeysError {
    /// A session was sealed to the key of another backup, whose owner alone could open it.
    #[error("the session {} was sealed to the key of another backup", Excerpt::new(session_id.as_str()))]
    SealedToAnotherKey {
        /// The session.
        session_id: SessionId,
    },
}

/// What the homeserver says after sessions were stored; early servers say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredRoomKeys {
    /// An opaque token that changes when the stored sessions do.
    pub etag: Option<String>,
    /// How many sessions the backup holds now.
    pub count: Option<u64>,
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
        let mut rooms: BTreeMap<RoomId, BTreeMap<SessionId, KeyBackupData>> = BTreeMap::new();
        for session in sessions {
            let (room_id, session_id) = (session.room_id().clone(), session.session_id().clone());
            if session.sealed_to() != backup.public_key() {
                return Err(PutRoomKeysError::SealedToAnotherKey { session_id });
            }
            let room = rooms.entry(room_id).or_default();
            let offered = session.into_data();
            if room.get(&session_id).is_none_or(|kept| offered.replaces(kept)) {
                room.insert(session_id, offered);
            }
        }
        Ok(Self { version: backup.version().clone(), rooms })
    }
}

impl Endpoint for PutRoomKeys {
    type Response = StoredRoomKeys;

    fn method(&self) -> Method {
        Method::PUT
    }

    fn path_and_query(&self) -> String {
        format!("/_matrix/client/v3/room_keys/keys?version={}", encode(self.version.as_str()))
    }

    fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            rooms: BTreeMap<&'a RoomId, Room<'a>>,
        }
        #[derive(Serialize)]
        struct Room<'a> {
            sessions: &'a BTreeMap<SessionId, KeyBackupData>,
        }
        let rooms = self.rooms.iter().map(|(room_id, sessions)| (room_id, Room { sessions }));
        let sessions: usize = self.rooms.values().map(BTreeMap::len).sum();
        json::to_bytes(&Body { rooms: rooms.collect() }, sessions * USUAL_LENGTH)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<StoredRoomKeys, ResponseError> {
        let mut object = object(body)?;
        Ok(StoredRoomKeys {
            etag: object.take("etag").and_then(json::lenient_token),
            count: object.take("count").and_then(json::lenient_integer),
        })
    }
}

/// About how many bytes a session takes in the body.
const USUAL_LENGTH: usize = 1024;

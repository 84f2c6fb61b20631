//! `GET /_matrix/client/v3/room_keys/keys`

use http::Method;

use crate::{
    Limits,
    api::{Endpoint, endpoint::encode, error::ResponseError},
    backup::{
        BackedUpSession, FailedSession, OpenError, ReturnedSession, RoomKeysItem, RoomKeysSplitter,
        StreamError,
    },
    excerpt::Excerpt,
    ids::BackupVersion,
};

/// Asks for all sessions of a backup version
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3room_keyskeys)).
///
/// Reading needs no trust: what comes back is unauthenticated in any case.
///
/// The response of a large backup has hundreds of megabytes. Do not wait for it as a whole: feed it to
/// a [`Restore`](crate::backup::Restore) while it arrives.
#[derive(Debug, Clone)]
pub struct GetRoomKeys {
    version: BackupVersion,
}

/// The sessions of a response, each of them unread, and what is broken between them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RoomKeys {
    /// The sessions in the order of the response. One that occurs twice is here twice.
    pub sessions: Vec<BackedUpSession>,
    /// Rooms without sessions and sessions without an ID: each cost itself and nothing else.
    pub broken: Vec<ResponseError>,
}

impl GetRoomKeys {
    /// For the sessions of this version.
    #[must_use]
    pub fn new(version: BackupVersion) -> Self {
        Self { version }
    }
}

impl Endpoint for GetRoomKeys {
    type Response = RoomKeys;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> String {
        format!("/_matrix/client/v3/room_keys/keys?version={}", encode(self.version.as_str()))
    }

    fn body(&self) -> Vec<u8> {
        Vec::new()
    }

    fn max_response_bytes(&self, limits: &Limits) -> usize {
        limits.sessions_response_bytes
    }

    /// A response without `rooms`, an error body with status 200 for one, is an error and never an
    /// empty backup.
    fn read_body(&self, body: &[u8], limits: &Limits) -> Result<RoomKeys, ResponseError> {
        // All of it is in memory already.
        let all = body.len();
        let limits = Limits { session_bytes: all, name_bytes: all, response_depth: all, ..*limits };
        let mut splitter = RoomKeysSplitter::new(&limits);
        let mut keys = RoomKeys { sessions: Vec::new(), broken: Vec::new() };
        let mut rest = body;
        while let Some(item) = splitter.next_item(&mut rest)? {
            match item {
                RoomKeysItem::Session(session) => keys.sessions.push(to_owned(session)),
                RoomKeysItem::FailedSession(FailedSession { room_id, error, .. }) => {
                    let room_id = Excerpt::new(room_id.as_str());
                    keys.broken.push(match error {
                        OpenError::RoomId(_) => ResponseError::Room(room_id),
                        _ => ResponseError::SessionId(room_id),
                    });
                }
                RoomKeysItem::BrokenRoom(room_id) => {
                    keys.broken.push(ResponseError::Room(Excerpt::new(room_id.as_str())));
                }
            }
        }
        splitter.end()?;
        Ok(keys)
    }
}

fn to_owned(session: ReturnedSession<'_>) -> BackedUpSession {
    let ReturnedSession { room_id, session_id, json } = session;
    BackedUpSession {
        room_id: room_id.clone(),
        session_id: session_id.clone(),
        json: json.to_owned(),
    }
}

impl From<StreamError> for ResponseError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::NotAnObject => Self::NotAnObject,
            StreamError::Member(name) => Self::Member(name),
            _ => Self::NotJson,
        }
    }
}

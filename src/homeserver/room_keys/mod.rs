//! The endpoints of
//! [server-side key backups](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups).
//!
//! Checks go in this order: the JSON of the body, the `version` parameter, whether there is such a
//! version, whether it is the current one, the shape of the body. `PUT /version/{version}` compares the
//! two versions that it is given before it looks for either.

mod backups;
mod body;
mod keys;
mod stored_key;
mod stored_keys;
mod versions;

use http::Method;
use serde_json::value::RawValue;

pub(super) use self::backups::Backups;
use super::{call::Call, options::HomeserverOptions, refusal::Refusal};
use crate::ids::{BackupVersion, RoomId, SessionId};

/// An endpoint under `/room_keys`.
pub(super) enum RoomKeysRoute {
    /// `POST /version`
    CreateVersion,
    /// `GET /version`
    GetCurrentVersion,
    /// `GET /version/{version}`
    GetVersion(BackupVersion),
    /// `PUT /version/{version}`
    UpdateVersion(BackupVersion),
    /// `DELETE /version/{version}`
    DeleteVersion(BackupVersion),
    /// `PUT /keys` and below
    PutKeys(Part),
    /// `GET /keys` and below
    GetKeys(Part),
    /// `DELETE /keys` and below
    DeleteKeys(Part),
}

/// Which keys of a backup a request is about.
pub(super) enum Part {
    /// `/keys`
    All,
    /// `/keys/{roomId}`
    Room(RoomId),
    /// `/keys/{roomId}/{sessionId}`
    Session(RoomId, SessionId),
}

impl RoomKeysRoute {
    /// Finds the endpoint for a method and the decoded segments of a path after `room_keys`.
    pub(super) fn find(method: &Method, segments: &[&str]) -> Result<Self, Refusal> {
        match segments {
            ["version"] => match *method {
                Method::POST => Ok(Self::CreateVersion),
                Method::GET => Ok(Self::GetCurrentVersion),
                _ => Err(Refusal::UnknownMethod),
            },
            ["version", version] if !version.is_empty() => {
                let version = BackupVersion::from(*version);
                match *method {
                    Method::GET => Ok(Self::GetVersion(version)),
                    Method::PUT => Ok(Self::UpdateVersion(version)),
                    Method::DELETE => Ok(Self::DeleteVersion(version)),
                    _ => Err(Refusal::UnknownMethod),
                }
            }
            ["keys", part @ ..] => {
                let part = Part::find(part).ok_or(Refusal::UnknownPath)?;
                match *method {
                    Method::PUT => Ok(Self::PutKeys(part)),
                    Method::GET => Ok(Self::GetKeys(part)),
                    Method::DELETE => Ok(Self::DeleteKeys(part)),
                    _ => Err(Refusal::UnknownMethod),
                }
            }
            _ => Err(Refusal::UnknownPath),
        }
    }
}

impl Part {
    fn find(segments: &[&str]) -> Option<Self> {
        match segments {
            [] => Some(Self::All),
            [room] if !room.is_empty() => Some(Self::Room(RoomId::from(*room))),
            [room, session] if !room.is_empty() && !session.is_empty() => {
                Some(Self::Session(RoomId::from(*room), SessionId::from(*session)))
            }
            _ => None,
        }
    }
}

/// Does what a request asks for; returns the body of the response.
pub(super) fn respond(
    route: &RoomKeysRoute,
    call: &Call<'_>,
    backups: &mut Backups,
    options: &HomeserverOptions,
) -> Result<Vec<u8>, Refusal> {
    let opaque = Opaque::new(options);
    match route {
        RoomKeysRoute::CreateVersion => versions::create(call, opaque, backups),
        RoomKeysRoute::GetCurrentVersion => versions::get_current(backups),
        RoomKeysRoute::GetVersion(version) => versions::get(version, backups),
        RoomKeysRoute::UpdateVersion(version) => versions::update(version, call, opaque, backups),
        RoomKeysRoute::DeleteVersion(version) => versions::delete(version, backups),
        RoomKeysRoute::PutKeys(part) => keys::put(part, call, opaque, backups),
        RoomKeysRoute::GetKeys(part) => keys::get(part, call, backups),
        RoomKeysRoute::DeleteKeys(part) => keys::delete(part, call, backups),
    }
}

/// What `auth_data` and `session_data` may be; neither is looked into.
#[derive(Clone, Copy)]
enum Opaque {
    Object,
    ObjectOrString,
}

impl Opaque {
    fn new(options: &HomeserverOptions) -> Self {
        if options.strings_in_backups { Self::ObjectOrString } else { Self::Object }
    }

    fn takes(self, value: &RawValue) -> bool {
        match self {
            Self::Object => value.get().starts_with('{'),
            Self::ObjectOrString => value.get().starts_with(['{', '"']),
        }
    }
}

const NO_BACKUP: Refusal = Refusal::NotFound("There is no backup");
const UNKNOWN_VERSION: Refusal = Refusal::NotFound("There is no such backup version");

//! Requests on their way to the homeserver.

use http::Request;
use thiserror::Error;

use crate::{
    api::{
        AccessToken, BaseUrl, CreateBackupVersion, DeleteBackupVersion, Endpoint, GetAccountData,
        GetCurrentBackupVersion, GetRoomKeys, GetRoomKeysForRoom, GetRoomKeysForSession,
        PutAccountData, PutRoomKeys, RequestError,
    },
    ids::BackupVersion,
};

/// The number of a request, unique for one [`Backup`](super::Backup) since it was made or restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub(super) u64);

/// A request for the host to send. However it ends, [`Backup::answer`](super::Backup::answer) is told.
#[derive(Debug, Clone)]
pub struct Operation {
    pub(super) id: OperationId,
    pub(super) call: Call,
}

/// The request got no answer: nobody knows whether it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the request got no answer")]
pub struct NoAnswer;

/// No request of this number is awaited: it was answered, or made before a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no request of this number is awaited")]
pub struct UnknownOperation;

/// What the requests ask for.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Current(GetCurrentBackupVersion),
    Create(CreateBackupVersion),
    Delete(DeleteBackupVersion),
    Preference(GetAccountData),
    SetPreference(PutAccountData),
    Upload(BackupVersion, PutRoomKeys),
    /// What the backup has of a session that is to be uploaded.
    Look(GetRoomKeysForSession),
    Session(BackupVersion, GetRoomKeysForSession),
    Room(BackupVersion, GetRoomKeysForRoom),
    Everything(BackupVersion, GetRoomKeys),
}

impl Operation {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// The request. It may be sent again as it is.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the token or an ID cannot stand in a request.
    pub fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Request<Vec<u8>>, RequestError> {
        match &self.call {
            Call::Current(call) => call.to_http(base_url, token),
            Call::Create(call) => call.to_http(base_url, token),
            Call::Delete(call) => call.to_http(base_url, token),
            Call::Preference(call) => call.to_http(base_url, token),
            Call::SetPreference(call) => call.to_http(base_url, token),
            Call::Upload(_, call) => call.to_http(base_url, token),
            Call::Look(call) | Call::Session(_, call) => call.to_http(base_url, token),
            Call::Room(_, call) => call.to_http(base_url, token),
            Call::Everything(_, call) => call.to_http(base_url, token),
        }
    }

    /// Whether the response may be large: give its bytes to [`Backup::part`](super::Backup::part) as they
    /// arrive, if its status is one of success.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        matches!(self.call, Call::Room(..) | Call::Everything(..))
    }
}

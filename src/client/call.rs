//! What the machine asks the homeserver for.

use http::Request;

use crate::{
    api::{
        AccessToken, BaseUrl, CreateBackupVersion, DeleteBackupVersion, Endpoint as _,
        GetAccountData, GetCurrentBackupVersion, GetRoomKeys, GetRoomKeysForRoom,
        GetRoomKeysForSession, PutAccountData, PutRoomKeys, RequestError,
    },
    client::operation::Sendable,
    ids::BackupVersion,
};

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

impl Sendable for Call {
    fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Request<Vec<u8>>, RequestError> {
        match self {
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

    fn is_streamed(&self) -> bool {
        matches!(self, Self::Room(..) | Self::Everything(..))
    }
}

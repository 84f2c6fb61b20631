//! What the account's machine and the flows ask the homeserver for.

use http::Request;

use super::{backup::HostToken, waiting::RequestKind};
use crate::{
    api::{
        AccessToken, BaseUrl, CreateBackupVersion, DeleteBackupVersion, Endpoint as _,
        GetAccountData, GetBackupVersion, GetRoomKeys, GetRoomKeysForSession, PutAccountData,
        PutRoomKeys, RequestError, SendToDevice,
    },
    ids::BackupVersion,
};

/// Requests of which at most one is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Which backup there is: found, created, deleted.
    Version,
    Preference,
    Upload,
    Download,
    /// What a flow sends for itself.
    Flow,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Call {
    Current(GetBackupVersion),
    Create(CreateBackupVersion),
    Delete(DeleteBackupVersion),
    Preference(GetAccountData),
    SetPreference(PutAccountData),
    /// The sessions have these names, which travel with the request: nothing of an upload outlives its version.
    Upload(BackupVersion, PutRoomKeys, Vec<HostToken>),
    /// What the backup has of a session that is to be uploaded.
    Look(GetRoomKeysForSession),
    Session(BackupVersion, GetRoomKeysForSession),
    Room(BackupVersion, GetRoomKeys),
    Everything(BackupVersion, GetRoomKeys),
    /// An event of the account data, for a flow.
    Read(GetAccountData),
    /// An event of the account data, of a flow.
    Write(PutAccountData),
    /// The other devices are asked, by a flow.
    ToDevice(SendToDevice),
}

impl Call {
    pub(super) fn kind(&self) -> RequestKind {
        match self {
            Self::Current(_) => RequestKind::FindVersion,
            Self::Create(_) => RequestKind::CreateVersion,
            Self::Delete(_) => RequestKind::DeleteVersion,
            Self::Preference(_) => RequestKind::ReadPreference,
            Self::SetPreference(_) => RequestKind::WritePreference,
            Self::Upload(..) => RequestKind::Upload,
            Self::Look(_) => RequestKind::CompareSession,
            Self::Session(..) => RequestKind::FetchSession,
            Self::Room(..) => RequestKind::FetchRoom,
            Self::Everything(..) => RequestKind::FetchEverything,
            Self::Read(_) => RequestKind::ReadAccountData,
            Self::Write(_) => RequestKind::WriteAccountData,
            Self::ToDevice(_) => RequestKind::AskDevices,
        }
    }

    pub(super) fn lane(&self) -> Lane {
        match self {
            Self::Current(_) | Self::Create(_) | Self::Delete(_) => Lane::Version,
            Self::Preference(_) | Self::SetPreference(_) => Lane::Preference,
            Self::Upload(..) | Self::Look(_) => Lane::Upload,
            Self::Session(..) | Self::Room(..) | Self::Everything(..) => Lane::Download,
            Self::Read(_) | Self::Write(_) | Self::ToDevice(_) => Lane::Flow,
        }
    }

    /// Whether a flow made it, and not the account's machine.
    pub(super) fn is_of_flow(&self) -> bool {
        self.lane() == Lane::Flow
    }

    /// Whether the response may be large.
    pub(super) fn is_streamed(&self) -> bool {
        matches!(self, Self::Room(..) | Self::Everything(..))
    }

    pub(super) fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Request<Vec<u8>>, RequestError> {
        match self {
            Self::Current(call) => call.to_http(base_url, token),
            Self::Create(call) => call.to_http(base_url, token),
            Self::Delete(call) => call.to_http(base_url, token),
            Self::Preference(call) | Self::Read(call) => call.to_http(base_url, token),
            Self::SetPreference(call) | Self::Write(call) => call.to_http(base_url, token),
            Self::Upload(_, call, _) => call.to_http(base_url, token),
            Self::Look(call) | Self::Session(_, call) => call.to_http(base_url, token),
            Self::Room(_, call) => call.to_http(base_url, token),
            Self::Everything(_, call) => call.to_http(base_url, token),
            Self::ToDevice(call) => call.to_http(base_url, token),
        }
    }
}

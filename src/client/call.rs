//! What the account's machine and the flows ask the homeserver for.

use http::Request;

use super::waiting::RequestKind;
use crate::{
    api::{
        AccessToken, BaseUrl, CreateBackupVersion, DeleteBackupVersion, Endpoint as _,
        GetAccountData, GetBackupVersion, GetRoomKeys, GetRoomKeysForSession, PutAccountData,
        PutRoomKeys, QueryKeys, RequestError, SendToDevice, UpdateBackupVersion, UploadSignatures,
    },
    ids::BackupVersion,
};

/// Requests of which at most one is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Which backup there is: found, created, deleted, rid of signatures.
    Version,
    Preference,
    Upload,
    Download,
    #[cfg(feature = "unstable-msc4385")]
    Push,
    /// What a flow sends for itself.
    Flow,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Call {
    FindVersion(GetBackupVersion),
    CreateVersion(CreateBackupVersion),
    DeleteVersion(DeleteBackupVersion),
    UpdateVersion(UpdateBackupVersion),
    ReadPreference(GetAccountData),
    WritePreference(PutAccountData),
    /// The sessions have these names, which travel with the request: nothing of an upload outlives its version.
    Upload(BackupVersion, PutRoomKeys, Vec<u64>),
    /// What the backup has of a session that is to be uploaded.
    CompareSession(GetRoomKeysForSession),
    FetchSession(BackupVersion, GetRoomKeysForSession),
    FetchRoom(BackupVersion, GetRoomKeys),
    FetchEverything(BackupVersion, GetRoomKeys),
    /// A secret that nobody asked for, to another device.
    #[cfg(feature = "unstable-msc4385")]
    PushSecret(SendToDevice),
    /// An event of the account data, for a flow.
    ReadAccountData(GetAccountData),
    /// An event of the account data, of a flow.
    WriteAccountData(PutAccountData),
    /// The other devices are asked, by a flow.
    AskDevices(SendToDevice),
    /// What the homeserver publishes of the user’s keys, for a flow.
    QueryKeys(QueryKeys),
    /// Signatures that a flow has made.
    UploadSignatures(UploadSignatures),
}

impl Call {
    pub(super) fn kind(&self) -> RequestKind {
        match self {
            Self::FindVersion(_) => RequestKind::FindVersion,
            Self::CreateVersion(_) => RequestKind::CreateVersion,
            Self::DeleteVersion(_) => RequestKind::DeleteVersion,
            Self::UpdateVersion(_) => RequestKind::UpdateVersion,
            Self::ReadPreference(_) => RequestKind::ReadPreference,
            Self::WritePreference(_) => RequestKind::WritePreference,
            Self::Upload(..) => RequestKind::Upload,
            Self::CompareSession(_) => RequestKind::CompareSession,
            Self::FetchSession(..) => RequestKind::FetchSession,
            Self::FetchRoom(..) => RequestKind::FetchRoom,
            Self::FetchEverything(..) => RequestKind::FetchEverything,
            #[cfg(feature = "unstable-msc4385")]
            Self::PushSecret(_) => RequestKind::PushSecret,
            Self::ReadAccountData(_) => RequestKind::ReadAccountData,
            Self::WriteAccountData(_) => RequestKind::WriteAccountData,
            Self::AskDevices(_) => RequestKind::AskDevices,
            Self::QueryKeys(_) => RequestKind::QueryKeys,
            Self::UploadSignatures(_) => RequestKind::UploadSignatures,
        }
    }

    pub(super) fn lane(&self) -> Lane {
        match self {
            Self::FindVersion(_)
            | Self::CreateVersion(_)
            | Self::DeleteVersion(_)
            | Self::UpdateVersion(_) => Lane::Version,
            Self::ReadPreference(_) | Self::WritePreference(_) => Lane::Preference,
            Self::Upload(..) | Self::CompareSession(_) => Lane::Upload,
            Self::FetchSession(..) | Self::FetchRoom(..) | Self::FetchEverything(..) => {
                Lane::Download
            }
            #[cfg(feature = "unstable-msc4385")]
            Self::PushSecret(_) => Lane::Push,
            Self::ReadAccountData(_)
            | Self::WriteAccountData(_)
            | Self::AskDevices(_)
            | Self::QueryKeys(_)
            | Self::UploadSignatures(_) => Lane::Flow,
        }
    }

    /// Whether a flow made it, and not the account's machine.
    pub(super) fn is_of_flow(&self) -> bool {
        self.lane() == Lane::Flow
    }

    /// Whether the response may be large.
    pub(super) fn is_streamed(&self) -> bool {
        matches!(self, Self::FetchRoom(..) | Self::FetchEverything(..))
    }

    pub(super) fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Request<Vec<u8>>, RequestError> {
        match self {
            Self::FindVersion(call) => call.to_http(base_url, token),
            Self::CreateVersion(call) => call.to_http(base_url, token),
            Self::DeleteVersion(call) => call.to_http(base_url, token),
            Self::UpdateVersion(call) => call.to_http(base_url, token),
            Self::ReadPreference(call) | Self::ReadAccountData(call) => {
                call.to_http(base_url, token)
            }
            Self::WritePreference(call) | Self::WriteAccountData(call) => {
                call.to_http(base_url, token)
            }
            Self::Upload(_, call, _) => call.to_http(base_url, token),
            Self::CompareSession(call) | Self::FetchSession(_, call) => {
                call.to_http(base_url, token)
            }
            Self::FetchRoom(_, call) => call.to_http(base_url, token),
            Self::FetchEverything(_, call) => call.to_http(base_url, token),
            #[cfg(feature = "unstable-msc4385")]
            Self::PushSecret(call) => call.to_http(base_url, token),
            Self::AskDevices(call) => call.to_http(base_url, token),
            Self::QueryKeys(call) => call.to_http(base_url, token),
            Self::UploadSignatures(call) => call.to_http(base_url, token),
        }
    }
}

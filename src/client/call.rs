//! What the account's machine and the flows ask the homeserver for.

use super::waiting::RequestKind;
use crate::{
    api::{
        AccessToken, BaseUrl, PutRoomKeys, QueriedKeys, Request, RequestError, RoomKeys,
        SignatureFailure,
    },
    backup::{BackedUpSession, BackupVersionInfo},
    encoding::json_object::JsonObject,
    ids::{BackupVersion, EventType},
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
    FindVersion(Request<Option<BackupVersionInfo>>),
    CreateVersion(Request<BackupVersion>),
    DeleteVersion(Request<()>),
    UpdateVersion(Request<()>),
    ReadPreference(Request<Option<JsonObject>>),
    WritePreference(Request<()>),
    /// The sessions have these names, which travel with the request: nothing of an upload outlives its version.
    Upload(BackupVersion, PutRoomKeys, Vec<u64>),
    /// What the backup has of a session that is to be uploaded.
    CompareSession(Request<BackedUpSession>),
    FetchSession(BackupVersion, Request<BackedUpSession>),
    FetchRoom(BackupVersion, Request<RoomKeys>),
    FetchEverything(BackupVersion, Request<RoomKeys>),
    /// A secret that nobody asked for, to another device.
    #[cfg(feature = "unstable-msc4385")]
    PushSecret(Request<()>),
    /// An event of the account data, for a flow.
    ReadAccountData(EventType, Request<Option<JsonObject>>),
    /// An event of the account data, of a flow.
    WriteAccountData(Request<()>),
    /// The other devices are asked, by a flow.
    AskDevices(Request<()>),
    /// What the homeserver publishes of the user’s keys, for a flow.
    QueryKeys(Request<QueriedKeys>),
    /// Signatures that a flow has made.
    UploadSignatures(Request<Vec<SignatureFailure>>),
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
            Self::ReadAccountData(..) => RequestKind::ReadAccountData,
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
            Self::ReadAccountData(..)
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
    ) -> Result<http::Request<Vec<u8>>, RequestError> {
        match self {
            Self::FindVersion(call) => call.to_http(base_url, token),
            Self::CreateVersion(call) => call.to_http(base_url, token),
            Self::ReadPreference(call) | Self::ReadAccountData(_, call) => {
                call.to_http(base_url, token)
            }
            Self::DeleteVersion(call)
            | Self::UpdateVersion(call)
            | Self::WritePreference(call)
            | Self::WriteAccountData(call)
            | Self::AskDevices(call) => call.to_http(base_url, token),
            Self::Upload(_, call, _) => call.request().to_http(base_url, token),
            Self::CompareSession(call) | Self::FetchSession(_, call) => {
                call.to_http(base_url, token)
            }
            Self::FetchRoom(_, call) | Self::FetchEverything(_, call) => {
                call.to_http(base_url, token)
            }
            #[cfg(feature = "unstable-msc4385")]
            Self::PushSecret(call) => call.to_http(base_url, token),
            Self::QueryKeys(call) => call.to_http(base_url, token),
            Self::UploadSignatures(call) => call.to_http(base_url, token),
        }
    }
}

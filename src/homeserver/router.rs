//! Which endpoint a request is for.

use http::Method;
use percent_encoding::percent_decode_str;

use super::{
    access::OpenRoute, account_data::AccountDataRoute, devices::DevicesRoute, filters::FilterRoute,
    keys::KeysRoute, refusal::Refusal, room_keys::RoomKeysRoute, rooms::RoomsRoute, stubs::Stub,
    sync, to_device::SendToDevice,
};

/// An endpoint with what its path says, by topic.
pub(super) enum Route {
    /// An endpoint that needs no access token.
    Open(OpenRoute),
    /// Any other.
    LoggedIn(LoggedInRoute),
}

/// An endpoint that needs an access token.
pub(super) enum LoggedInRoute {
    /// `GET /account/whoami`
    WhoAmI,
    /// An endpoint of server-side key backups.
    RoomKeys(RoomKeysRoute),
    /// Account data, to be read or written.
    AccountData(AccountDataRoute),
    /// A filter, to be stored or read.
    Filter(FilterRoute),
    /// `GET /sync`
    Sync,
    /// Devices of the user.
    Devices(DevicesRoute),
    /// Messages to devices.
    SendToDevice(SendToDevice),
    /// Public keys.
    Keys(KeysRoute),
    /// Rooms of the user.
    Rooms(RoomsRoute),
    /// What is always the same.
    Stub(Stub),
}

impl Route {
    /// Finds the endpoint for a method and a path.
    ///
    /// Segments are decoded once, after the path is split, so an identifier may have slashes in it.
    pub(super) fn find(method: &Method, path: &str) -> Result<Self, Refusal> {
        let decoded = path
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Refusal::UnknownPath)?;
        let segments: Vec<&str> = decoded.iter().map(AsRef::as_ref).collect();
        let ["", "_matrix", "client", rest @ ..] = segments.as_slice() else {
            return Err(Refusal::UnknownPath);
        };
        match rest {
            ["versions"] | ["v3", "login" | "register"] => {
                OpenRoute::find(method, rest).map(Self::Open)
            }
            ["v3", rest @ ..] => LoggedInRoute::find(method, rest).map(Self::LoggedIn),
            _ => Err(Refusal::UnknownPath),
        }
    }
}

impl LoggedInRoute {
    fn find(method: &Method, segments: &[&str]) -> Result<Self, Refusal> {
        match segments {
            ["room_keys", rest @ ..] => RoomKeysRoute::find(method, rest).map(Self::RoomKeys),
            ["keys", rest @ ..] => KeysRoute::find(method, rest).map(Self::Keys),
            ["user", user, "account_data", kind] if !kind.is_empty() => {
                AccountDataRoute::find(method, user, kind).map(Self::AccountData)
            }
            ["user", user, "filter"] => FilterRoute::to_store(method, user).map(Self::Filter),
            ["user", user, "filter", id] => {
                FilterRoute::to_read(method, user, id).map(Self::Filter)
            }
            ["createRoom" | "joined_rooms" | "rooms", ..] => {
                RoomsRoute::find(method, segments).map(Self::Rooms)
            }
            ["pushrules", ..] | ["capabilities"] => Stub::find(method, segments).map(Self::Stub),
            ["sendToDevice", kind, transaction] if !transaction.is_empty() => {
                SendToDevice::find(method, kind, transaction).map(Self::SendToDevice)
            }
            ["devices" | "logout", ..] | ["delete_devices"] => {
                DevicesRoute::find(method, segments).map(Self::Devices)
            }
            ["sync"] => sync::find(method).map(|()| Self::Sync),
            ["account", "whoami"] if *method == Method::GET => Ok(Self::WhoAmI),
            ["account", "whoami"] => Err(Refusal::UnknownMethod),
            _ => Err(Refusal::UnknownPath),
        }
    }
}

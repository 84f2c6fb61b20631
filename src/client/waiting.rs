//! What is waited for.

use std::fmt;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RequestKind {
    /// `GET /room_keys/version`: which backup is the current one.
    FindVersion,
    /// `POST /room_keys/version`: a new backup.
    CreateVersion,
    /// `DELETE /room_keys/version/{version}`: a backup that is disabled.
    DeleteVersion,
    /// `GET` of the account data that says whether the user wants a backup.
    ReadPreference,
    /// `PUT` of it.
    WritePreference,
    /// `PUT /room_keys/keys`: sessions on their way to the backup.
    Upload,
    /// `GET /room_keys/keys/{room}/{session}`, before a session is uploaded that the backup may have already.
    CompareSession,
    /// `GET /room_keys/keys/{room}/{session}`.
    FetchSession,
    /// `GET /room_keys/keys/{room}`.
    FetchRoom,
    /// `GET /room_keys/keys`.
    FetchEverything,
    /// `GET` of an event of the secret storage.
    ReadAccountData,
    /// `PUT` of an event of the secret storage.
    WriteAccountData,
    /// `PUT /sendToDevice`: the other devices are asked for secrets.
    AskDevices,
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FindVersion => "look for the key storage",
            Self::CreateVersion => "create a key storage",
            Self::DeleteVersion => "delete the key storage",
            Self::ReadPreference => "read whether key storage is wanted",
            Self::WritePreference => "write whether key storage is wanted",
            Self::Upload => "store message keys",
            Self::CompareSession => "compare a message key with the stored one",
            Self::FetchSession => "fetch a message key",
            Self::FetchRoom => "fetch the message keys of a room",
            Self::FetchEverything => "fetch all message keys",
            Self::ReadAccountData => "read the account data",
            Self::WriteAccountData => "write the account data",
            Self::AskDevices => "ask the other devices",
        })
    }
}

//! What is waited for, since when, and why.

use std::fmt;

use thiserror::Error;

use crate::api::ApiError;

/// Something that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// What it is.
    pub what: Awaited,
    /// Since when, in the host's milliseconds since the epoch.
    pub since_ms: u64,
    /// How many requests of this kind have failed in a row.
    pub failures: u32,
    /// Why the last one failed.
    pub last_error: Option<RequestFailure>,
    /// When it is tried next, in the host's milliseconds since the epoch; nothing if an answer or the host is waited for.
    pub next_try_ms: Option<u64>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Awaited {
    /// A valid access token, and the call of `resume`. With `soft_logout` the device goes on to exist.
    Token {
        /// Whether the homeserver says that the device goes on to exist.
        soft_logout: bool,
    },
    /// The end of a rate limit, which counts for everything.
    RateLimit,
    /// A request that succeeds: its answer, or the time at which it is sent again.
    Request(RequestKind),
    /// The host's word that the state is written.
    Saved,
    /// The host's signatures.
    Signatures,
    /// The host's word that it has worked on what was delivered.
    Acknowledgement,
    /// The host's sessions.
    Sessions,
    /// The host's change of the secret storage.
    SecretStorage,
    /// The user's reply to a question.
    Reply,
    /// The host's account data.
    AccountData,
    /// The recovery key or passphrase that the user is to enter.
    Key,
    /// The user's word that the recovery key is saved.
    RecoveryKeySaved,
    /// Answers of the user's other devices.
    Devices,
    /// Something that proves what another device has sent, as the backup whose key it is, or the user's word that it is
    /// accepted without.
    Proof,
}

/// Why a request did not do what it was sent for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestFailure {
    /// There was no answer, or it was cut.
    #[error("no answer came from the homeserver, or only a part of one")]
    NoAnswer,
    /// The answer was one of failure, or could not be read.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// What it is about has changed, or is gone.
    #[error("the backup is gone, or not the one that it was")]
    OtherBackup,
    /// The backup does not have the session that was asked for.
    #[error("the backup does not have the message key")]
    NotInBackup,
    /// The answer was one of success, and nothing has changed.
    #[error("the homeserver accepted the request, but nothing changed")]
    NoEffect,
}

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
    /// `PUT /room_keys/version/{version}`: signatures that are withdrawn.
    UpdateVersion,
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
    /// `POST /keys/query`: what the homeserver publishes of the user’s keys.
    QueryKeys,
    /// `POST /keys/signatures/upload`: signatures of the user’s keys.
    UploadSignatures,
    /// `PUT /sendToDevice`: a new secret goes to another device that has not asked for it.
    #[cfg(feature = "unstable-msc4385")]
    PushSecret,
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FindVersion => "look for the backup",
            Self::CreateVersion => "create a backup",
            Self::DeleteVersion => "delete the backup",
            Self::UpdateVersion => "withdraw signatures from the backup",
            Self::ReadPreference => "read whether a backup is wanted",
            Self::WritePreference => "write whether a backup is wanted",
            Self::Upload => "store message keys",
            Self::CompareSession => "compare a message key with the stored one",
            Self::FetchSession => "fetch a message key",
            Self::FetchRoom => "fetch the message keys of a room",
            Self::FetchEverything => "fetch all message keys",
            Self::ReadAccountData => "read the account data",
            Self::WriteAccountData => "write the account data",
            Self::AskDevices => "ask the other devices",
            Self::QueryKeys => "look for the published keys",
            Self::UploadSignatures => "publish signatures",
            #[cfg(feature = "unstable-msc4385")]
            Self::PushSecret => "push a new secret to another device",
        })
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token { .. } => "waiting for the user to log in again",
            Self::RateLimit => "waiting because the homeserver limits the rate of requests",
            Self::Request(kind) => return write!(f, "waiting to {kind}"),
            Self::Saved => "waiting for the state to be saved",
            Self::Signatures => "waiting for signatures",
            Self::Acknowledgement => "waiting for message keys to be put away",
            Self::Sessions => "waiting for message keys to store",
            Self::SecretStorage => "waiting for the secret storage to be changed",
            Self::Reply => "waiting for the user to reply",
            Self::AccountData => "waiting for the account data",
            Self::Key => "waiting for the recovery key",
            Self::RecoveryKeySaved => "waiting for the recovery key to be saved",
            Self::Devices => "waiting for the other devices",
            Self::Proof => "waiting until what another device sent can be checked or is accepted",
        })
    }
}

impl Waiting {
    /// Nothing has failed.
    pub(super) fn since(what: Awaited, since_ms: u64) -> Self {
        Self { what, since_ms, failures: 0, last_error: None, next_try_ms: None }
    }

    /// The same once nothing is waited for any more: a sentence about the request that has failed.
    pub(super) fn as_failure(&self) -> impl fmt::Display {
        let Self { what, failures, last_error, .. } = self;
        let times = if *failures == 1 { String::new() } else { format!(" {failures} times") };
        match (what, last_error) {
            (Awaited::Request(kind), Some(error)) => {
                format!("the request to {kind} failed{times}: {error}")
            }
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        match (&self.last_error, self.failures) {
            (Some(error), 1) => write!(f, ": it failed, {error}"),
            (Some(error), failures) => write!(f, ": it failed {failures} times, {error}"),
            (None, _) => Ok(()),
        }
    }
}

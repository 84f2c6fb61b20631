//! Why flows end without what they are for.

use thiserror::Error;

use crate::{
    api::{ApiError, SignatureFailure},
    client::{
        failure::Failure,
        waiting::{RequestFailure, Waiting},
    },
    cross_signing::CrossSigningError,
    excerpt::Excerpt,
    ids::{BackupVersion, SecretName, SecretStorageKeyId},
    secret_sharing::RequesterError,
    secret_storage::ChangeError,
};

/// Why a flow ended without what it is for, or the account's machine [makes no backup](crate::client::backup::Next::NotCreated).
/// What was done so far can be taken up by another flow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FlowError {
    /// There is a secret storage, and none was to be replaced. It is recovered, or everything is rotated.
    #[error("the account already has key storage")]
    HasStorage(Option<SecretStorageKeyId>),
    /// There is a backup, and none was to be replaced. It is recovered, or everything is rotated.
    #[error("the account has a backup already")]
    HasBackup(BackupVersion),
    /// There is a backup, and its key is not at hand, or nothing but devices vouches for it: stored it would count for good. It is
    /// recovered first.
    #[error(
        "the key of the account\u{2019}s backup is not here, or not known to be yours; enter the recovery key first"
    )]
    NoBackupKey(BackupVersion),
    /// Something would be deleted that the caller has not named. Nothing was written.
    #[error(
        "nothing was turned off, since {}{}{} would be lost, which nobody has agreed to",
        lost_sessions(.version.as_ref(), *.count),
        if .version.is_some() && !.secrets.is_empty() { " and " } else { "" },
        lost_secrets(.secrets)
    )]
    WouldLose {
        /// The version of the backup whose sessions would be lost; if the homeserver shows none, the one that this device uses.
        version: Option<BackupVersion>,
        /// How many sessions the homeserver says it has.
        count: Option<u64>,
        /// The stored secrets.
        secrets: Vec<SecretName>,
    },
    /// The homeserver does not delete the backup. The secret storage is as it was.
    #[error("the homeserver does not delete the backup: {0}")]
    NotDeleted(Box<RequestFailure>),
    /// The homeserver publishes no digital identity of the user, or not the whole of it.
    #[error("the account has no digital identity, or the homeserver does not show all of it")]
    NoIdentity,
    /// The device has not published its keys yet, or the homeserver shows none that can be read.
    #[error(
        "the device has not published its keys yet, or the homeserver does not show them as they should be"
    )]
    DeviceNotPublished,
    /// No seed at hand becomes the self-signing key.
    #[error("no device can be made trusted: {0}")]
    SelfSigningKey(CrossSigningError),
    /// What the homeserver publishes of the device is not signed.
    #[error("the device is not made trusted: {0}")]
    DeviceNotSigned(CrossSigningError),
    /// The homeserver refuses the signature of the device.
    #[error(transparent)]
    SignatureRefused(SignatureFailure),
    /// The server refuses a request.
    #[error("{0}")]
    Refused(ApiError),
    /// The homeserver does not say which backup there is.
    #[error("the homeserver does not say whether there is a backup: {0}")]
    Unseen(Box<ApiError>),
    /// A request has failed again and again, for about an hour.
    #[error("{}", .0.as_failure())]
    Failing(Box<Waiting>),
    /// The host has given the flow up.
    #[error("it was cancelled")]
    GivenUp,
    /// The homeserver does not know what a request is about.
    #[error("the homeserver does not know what it was asked for")]
    NotFound,
    /// A request is too large for the homeserver.
    #[error("what is to be stored is too large for the homeserver")]
    TooLarge,
    /// The secrets cannot be written.
    #[error("the key storage cannot be changed: {0}")]
    Change(ChangeError),
    /// The other devices cannot be asked.
    #[error("the other devices cannot be asked: {0}")]
    Sharing(RequesterError),
    /// Another device has made a backup or a secret storage while this flow was on its way. Nothing of that was
    /// overwritten; what is there is to be looked at before anything is begun again.
    #[error("another device has set up a backup or key storage in the meantime")]
    OtherDevice,
    /// The homeserver says that it has created the backup, and does not show it.
    #[error("the homeserver does not show the backup that was created")]
    NotShown,
    /// Other clients write to the account all the time, or the homeserver shows now this and now that.
    #[error("what the homeserver shows of the account keeps changing")]
    KeepsChanging,
}

impl From<ChangeError> for FlowError {
    fn from(error: ChangeError) -> Self {
        Self::Change(error)
    }
}

/// Why a request will never be taken, if so.
pub(super) fn final_error(failure: Failure) -> Option<FlowError> {
    match failure {
        Failure::Refused(error) if error.is_request_too_large() => Some(FlowError::TooLarge),
        Failure::Refused(error) => Some(FlowError::Refused(error)),
        Failure::NotFound | Failure::OtherVersion => Some(FlowError::NotFound),
        _ => None,
    }
}

fn lost_sessions(version: Option<&BackupVersion>, count: Option<u64>) -> String {
    let Some(version) = version else { return String::new() };
    let version = Excerpt::new(version.as_str());
    match count {
        Some(count) => format!("{count} message keys in version {version} of the backup"),
        None => format!("the message keys in version {version} of the backup"),
    }
}

/// The first few, so that nobody can flood a screen.
fn lost_secrets(names: &[SecretName]) -> String {
    let shown = names.iter().take(SHOWN).map(|name| Excerpt::new(name.as_str()).to_string());
    let mut shown: Vec<_> = shown.collect();
    if names.len() > SHOWN {
        shown.push(format!("{} more", names.len() - SHOWN));
    }
    if shown.is_empty() { String::new() } else { format!("the secrets {}", shown.join(", ")) }
}

const SHOWN: usize = 10;

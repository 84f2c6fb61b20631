//! What the machine wants of its host.

use thiserror::Error;

use super::{Operation, Question, SavedBackup, Scope, TaskId};
use crate::{
    api::ApiError,
    backup::{RestoreReport, RestoredSession, SealOptions},
    client::{flow::FlowError, waiting::RequestFailure},
    ids::BackupVersion,
    secret_value::SecretValue,
    session_data::ExportedSession,
    signed_json::ToSign,
};

/// What the host is to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Next {
    /// Write the state to disk and keychain, then call [`Backup::saved`](super::Backup::saved). Nothing is
    /// sent before.
    Save(Box<SavedBackup>),
    /// Send it, then call [`Backup::answer`](super::Backup::answer). More than one may be on its way.
    Send(Box<Operation>),
    /// Call [`Backup::offer`](super::Backup::offer) with sessions that are not stored yet in this version; with
    /// none if there are none.
    Want {
        /// The version of the backup.
        version: BackupVersion,
        /// At most so many.
        count: usize,
        /// About so many bytes of JSON; one session takes about 1,000.
        bytes: usize,
    },
    /// These are stored in this version, as they were given or better. Mark them in the host's store, then
    /// [`Backup::ack`](super::Backup::ack).
    Stored(TaskId, BackupVersion, Vec<u64>),
    /// These cannot be stored in this version, each for its reason; then [`Backup::ack`](super::Backup::ack). The host
    /// may offer them again: they are passed over, 1,000 of them; if there are more, nothing is asked for until
    /// [`Backup::new_sessions`](super::Backup::new_sessions). After a restart they are tried again.
    NotStored(TaskId, BackupVersion, Vec<(u64, NotStored)>),
    /// The homeserver has fewer sessions of this version than it had: its database was put back, say, or another client has
    /// deleted some. Mark all of the host's sessions as not stored in this version, then [`Backup::ack`](super::Backup::ack):
    /// those that are still there are uploaded again. It is told once a day at most.
    Lost(TaskId, BackupVersion),
    /// The homeserver has refused a dozen requests to store sessions, with one session and with many, and taken none, so that it
    /// is not about the sessions but about the account. They are kept, and some of them are tried now and then until one is
    /// taken. This is told once.
    UploadRefused(ApiError),
    /// Put them into the host's store as unauthenticated, as stored in this version, then
    /// [`Backup::ack`](super::Backup::ack).
    Import(TaskId, BackupVersion, Vec<RestoredSession>),
    /// What was wanted from the backup was fetched: the response was read, to its end or not, as the report says, and all that
    /// was restored was given by `Import`. A session alone may have been looked for in all of its room; the report is of that
    /// then. Otherwise this is why it is not fetched: the homeserver refuses it, the backup does not have the session, or there
    /// is no backup any more or another one, so that it may be asked for again when it is settled which.
    Fetched(Scope, Result<Box<RestoreReport>, RequestFailure>),
    /// Sign it with the device key, and with the master key where it is at hand, then call
    /// [`Backup::signed`](super::Backup::signed).
    Sign(TaskId, ToSign),
    /// The backup that was asked for is not made. What is there is used or asked about as before; whoever wants a new one
    /// all the same calls [`Backup::rotate`](super::Backup::rotate) again.
    ///
    /// It is one of these:
    ///
    /// * [`FlowError::Refused`]: the homeserver refuses it.
    /// * [`FlowError::Failing`]: the homeserver has failed on it 16 times in a row, over an hour or more, and has said in
    ///   between which backup there is; once it has, one more failure is enough. The key is kept, in case the backup turns up.
    /// * [`FlowError::NotShown`]: the homeserver says that it has created the backup, or there was no answer, and it does not
    ///   show it after about a quarter of an hour. The key is kept, in case it turns up: then the user is asked. The next
    ///   version is created after an hour at the earliest, and after twice that time if that one is not shown, either.
    /// * [`FlowError::OtherDevice`]: there is another backup than when the new one was begun. If it is not trusted, or another
    ///   one was used before, the user is asked.
    NotCreated(FlowError),
    /// The homeserver has not deleted a version of a backup that is disabled, though it was asked 16 times, over an hour or
    /// more. The backup is off all the same; [`Backup::disable`](super::Backup::disable) tries it again.
    NotDeleted(RequestFailure),
    /// The signatures that [`Backup::withdraw_signatures`](super::Backup::withdraw_signatures) was called for are off this
    /// version of the backup, or why they are not.
    Withdrawn(BackupVersion, Result<(), RequestFailure>),
    /// The homeserver does not take the preference `m.key_backup` of the account, by which other clients know whether the
    /// user wants a backup. It is not tried again, and everything else goes on.
    PreferenceNotSet {
        /// Whether the user wants a backup.
        enabled: bool,
        /// Why it was refused; nothing if the server has failed on it five times, or has not answered ten times while it
        /// answered other requests.
        refused: Option<ApiError>,
    },
    /// Store this in the secret storage, then call [`Backup::secret_read_back`](super::Backup::secret_read_back).
    StoreSecret(SecretValue),
    /// Delete `m.megolm_backup.v1` from the secret storage, then call
    /// [`Backup::secret_read_back`](super::Backup::secret_read_back).
    DeleteSecret,
    /// The homeserver does not accept the access token: nothing is sent until
    /// [`Backup::resume`](super::Backup::resume). With `soft_logout` the device goes on to exist, and everything is to be kept
    /// until the user has logged in again.
    NeedsToken {
        /// Whether the homeserver says that the device goes on to exist.
        soft_logout: bool,
    },
    /// The user is about to be asked about a backup: call [`Backup::set_signers`](super::Backup::set_signers) with those who are
    /// trusted by now, if they have changed. It comes once for each backup, if signers were given before.
    RefreshSigners,
    /// Ask the user.
    Ask(TaskId, Box<Question>),
    /// Nothing to do until then, in the host's milliseconds, or until something happens:
    /// [`Backup::waiting_for`](super::Backup::waiting_for) says what.
    Wait(Option<u64>),
}

/// A session that is to be stored.
#[derive(Debug, Clone)]
pub struct OfferedSession {
    /// How the host tells one state of one session from another: a session that was improved has another token.
    pub token: u64,
    /// The session.
    pub session: ExportedSession,
    /// What is written beside it.
    pub options: SealOptions,
    /// Whether it came from a key file, a backup or another device, so that the backup may have a better one.
    pub is_imported: bool,
}

/// Why a session is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotStored {
    /// It is too large for the server. It is tried again after a day, if the host offers it.
    #[error("the session is too large for the server")]
    TooLarge,
    /// It cannot be sealed, or its room cannot stand in a request or does not begin with `!`: clients refuse a whole backup
    /// in which one room has such an ID.
    #[error("the message key or its room ID is not one that can be backed up")]
    Unusable,
    /// The server fails on it again and again, or does not answer, or puts it off, while it answers other requests; or it
    /// keeps saying that the version is not the current one, and shows it as the current one. It is tried again after an
    /// hour, if the host offers it.
    #[error("the server keeps failing on the session")]
    Failing,
    /// The server refused it. It is tried again after a day, if the host offers it.
    #[error("the message key was not stored: {0}")]
    Refused(ApiError),
}

//! What flows want of their host, and how they end.

use std::fmt;

use thiserror::Error;

use super::Flow;
use crate::{
    api::SignatureFailure,
    backup::{RestoreReport, RestoredSession, TrustError},
    client::{
        backup::{Backup, KeyFit, TaskId},
        operation::Operation,
        waiting::RequestFailure,
    },
    crypto::ed25519::Ed25519PublicKey,
    ids::BackupVersion,
    recovery_key::RecoveryKey,
    secret_storage::{PlanNote, SecretOpenError, SecretStorageKey, SecretVerdict, UnlockError},
    signed_json::ToSign,
};

/// What the host is to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step<F: Flow> {
    /// Write the state to disk and keychain, then call `saved`. Nothing is sent before.
    Save(Box<F::Saved>),
    /// Send it, then call `answer`.
    Send(Box<Operation>),
    /// Call `account_data` with all of the account data, as the host's own `/sync` has it. A flow sends none: it
    /// would take the host's events away. What has a name that everybody knows is read from the homeserver besides, so
    /// that a host that lags costs nothing there.
    ReadAccountData,
    /// Sign it with the device key, and [`ToSign::BackupAuthData`] with the master key as well where it is at hand, then call
    /// `signed`.
    Sign(TaskId, ToSign),
    /// Show it and insist that the user saves it, then call `recovery_key_saved`.
    ShowRecoveryKey(RecoveryKey),
    /// Ask the user for the recovery key or passphrase, then call `enter`.
    EnterKey,
    /// Put them into the host's store as unauthenticated, as stored in this version, then call `ack`.
    Import(TaskId, BackupVersion, Vec<RestoredSession>),
    /// The homeserver does not accept the access token: nothing is sent until `resume`. With `soft_logout` the device goes
    /// on to exist, and everything is to be kept until the user has logged in again.
    NeedsToken {
        /// Whether the homeserver says that the device goes on to exist.
        soft_logout: bool,
    },
    /// What became of each secret, once, as soon as they are open: the sessions may take longer.
    Secrets(Vec<SecretVerdict>),
    /// Nothing to do until then, in the host's milliseconds, or until something happens: `waiting_for` says what.
    Wait(Option<u64>),
    /// The flow has ended.
    Done(Box<F::Outcome>),
}

/// A secret storage and a backup that were set up, and belong together.
#[non_exhaustive]
pub struct SetUpDone {
    /// The account's machine, which goes on with the new backup.
    pub backup: Backup,
    /// The key of the secret storage.
    pub storage_key: SecretStorageKey,
    /// The version of the backup that was replaced. The old key opens what is in it for as long as it is there:
    /// delete it by [`delete_backup_version`](crate::api::delete_backup_version) once the machine has stored every session
    /// of the host in the new one. What only the old one has is fetched before.
    pub replaced: Option<BackupVersion>,
    /// What was left as it was.
    pub notes: Vec<PlanNote>,
}

impl fmt::Debug for SetUpDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backup, storage_key, replaced, notes } = self;
        f.debug_struct("SetUpDone")
            .field("backup", backup)
            .field("storage_key", storage_key)
            .field("replaced", replaced)
            .field("notes", notes)
            .finish()
    }
}

/// Key storage that was turned off.
#[non_exhaustive]
pub struct TurnedOff {
    /// The account's machine, which makes no backup until the user [wants one](Backup::enable).
    pub backup: Backup,
    /// An older version of the backup that has come to light, whose deletion nobody has agreed to: another flow that
    /// names it deletes it. The key of a backup that was stored stays until then.
    pub left: Option<BackupVersion>,
    /// What was left of the secret storage.
    pub notes: Vec<PlanNote>,
}

impl fmt::Debug for TurnedOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backup, left, notes } = self;
        f.debug_struct("TurnedOff")
            .field("backup", backup)
            .field("left", left)
            .field("notes", notes)
            .finish()
    }
}

/// A device that was made trusted.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeviceVerified {
    /// The account's machine.
    pub backup: Backup,
    /// The user's master key: pin it.
    pub master_key: Ed25519PublicKey,
    /// That the homeserver did not take the device's signature of the master key. The device is trusted all the same.
    pub refused: Option<SignatureFailure>,
}

/// What was got back.
#[non_exhaustive]
pub struct Recovered {
    /// The account's machine. Whether the backup may be uploaded to it knows: [`Backup::trusted`], or a question.
    pub backup: Backup,
    /// The keys of the secret storage that were entered.
    pub storage_keys: Vec<SecretStorageKey>,
    /// What became of each secret.
    pub secrets: Vec<SecretVerdict>,
    /// Whether the key that was found or was at hand belongs to the backup; nothing if there was none.
    pub key: Option<KeyFit>,
    /// What became of the sessions; nothing if there was no key to fetch them with, or they could not be had.
    pub fetched: Option<RestoreReport>,
    /// Why the homeserver did not say which backup there is, or did not give the sessions: it refuses them, or has not given
    /// them for about an hour. In the latter case the machine goes on to fetch them.
    pub failure: Option<RequestFailure>,
}

/// Why what was entered is of no use here, to [`Flow::enter`] or to
/// [`unlock_backup_key()`](crate::client::unlock_backup_key()). [`diagnose`](crate::client::diagnose) says more.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnterError {
    /// It opens nothing.
    #[error("nothing in this account was unlocked: {0}")]
    OpensNothing(Box<UnlockError>),
    /// It is neither the key of the backup nor one of the key storage.
    #[error(transparent)]
    NotUnlocked(Box<UnlockError>),
    /// The backup's public data cannot be used, so no key can be compared with it. Nothing was tried.
    #[error(transparent)]
    AuthData(#[from] TrustError),
    /// It unlocks the key storage, which does not hold the key of a backup.
    #[error("this unlocks your key storage, but the key of the backup is not in it")]
    NotStored,
    /// It unlocks the key storage, and the key in there is not to be had, or is not that of this backup.
    #[error("this unlocks your key storage, but the key of the backup in it is of no use: {0}")]
    NotOpened(SecretOpenError),
    /// It is the key of the key storage, which holds nothing: only the backup's own key is of use here.
    #[error(
        "this fits your key storage, but nothing is stored there; enter the recovery key of the backup itself"
    )]
    NothingStored,
    /// It unlocks the key storage, which is unlocked already and does not hold the key of the backup: only the backup's own
    /// key is of use now.
    #[error(
        "this unlocks your key storage, but does not give the key of the backup; enter the recovery key of the backup itself, or an older one of your key storage"
    )]
    NoBackupKey,
    /// There is a description that every key fits, and nothing that this one opens.
    #[error(
        "this does not open anything, and there is nothing to check it against: it may be the wrong one, so try another"
    )]
    NotConfirmed,
    /// The texts that were entered before it have taken ten times the rounds that
    /// [`Limits::unlock_rounds`](crate::Limits::unlock_rounds) allows for one, and it asks for more than are left. A recovery
    /// key takes none; otherwise the flow is to be begun again.
    #[error(
        "this was not tried, because earlier attempts took too much computation: enter the recovery key instead of a \
         passphrase, or start again"
    )]
    TooMuchTried,
    /// Nobody has asked for it now.
    #[error("no recovery key or passphrase is asked for at the moment")]
    NotAsked,
}

impl fmt::Debug for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backup, storage_keys, secrets, key, fetched, failure } = self;
        f.debug_struct("Recovered")
            .field("backup", backup)
            .field("storage_keys", storage_keys)
            .field("secrets", secrets)
            .field("key", key)
            .field("fetched", fetched)
            .field("failure", failure)
            .finish()
    }
}

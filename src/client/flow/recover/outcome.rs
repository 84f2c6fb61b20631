//! What was got back, and what was entered for it.

use std::fmt;

use thiserror::Error;

use crate::{
    client::{
        backup::{Backup, FetchOutcome, KeyFit},
        waiting::RequestFailure,
    },
    secret_storage::{SecretStorageKey, SecretVerdict, UnlockError},
};

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
    /// What became of the sessions; nothing if there was no key to fetch them with.
    pub fetched: Option<FetchOutcome>,
    /// Why the homeserver did not say which backup there is, or did not give the sessions for about an hour. What was wanted
    /// of it the machine goes on to fetch.
    pub failure: Option<RequestFailure>,
}

/// What was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Entered {
    /// A key of the secret storage, or a passphrase for one.
    StorageKey,
    /// The key of the backup itself, or an old passphrase of it: the secrets stay closed.
    BackupKey,
}

/// Why what was entered is of no use here. [`diagnose`](crate::client::diagnose) says more.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnterError {
    /// It opens nothing.
    #[error("nothing in this account was unlocked: {0}")]
    OpensNothing(Box<UnlockError>),
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

//! From a recovery key or passphrase to the secrets, the backup and its sessions.

mod outcome;
mod steps;

use std::fmt;

use http::Response;
use rand_core::CryptoRng;

pub use self::outcome::{EnterError, Entered, Recovered};
use super::{Flow, Step};
use crate::{
    Limits,
    backup::BackupDecryptionKey,
    client::{
        backup::{Backup, DeliveryId, FetchOutcome, KeyFit},
        operation::{NoAnswer, OperationId, UnknownOperation},
        stored_key::stored_key,
    },
    encoding::json_object::JsonObject,
    ids::EventType,
    recovery_key::RecoveryKey,
    secret_storage::{
        SecretStorage, SecretStorageKey, SecretVerdict, Unlocked, VerifiedPublicKeys,
    },
    secret_value::{MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys},
};

/// Gets the secrets and the sessions of an account back, with what the user has written down.
///
/// The flow keeps nothing but what the account's machine keeps. After a restart it is begun again with the machine: a
/// key that was entered is not asked for again, and the sessions are fetched from the start.
pub struct Recover {
    backup: Option<Backup>,
    limits: Limits,
    verified: VerifiedPublicKeys,
    storage: Option<SecretStorage>,
    stage: Stage,
    saves: bool,
    storage_keys: Vec<SecretStorageKey>,
    secrets: Vec<SecretVerdict>,
    fit: Option<KeyFit>,
    fetched: Option<FetchOutcome>,
}

/// How far the flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Account data and backup are looked at.
    Looking,
    /// The user is asked for a key.
    Entering,
    /// The sessions are fetched.
    Fetching,
    /// There is nothing more to do.
    Finished,
    Ended,
}

impl Recover {
    /// For a machine that is new, or was saved by an earlier run. `verified` are the public keys that are the user's for
    /// sure: secrets that do not belong to them are not taken.
    #[must_use]
    pub fn new(backup: Backup, verified: VerifiedPublicKeys, limits: Limits) -> Self {
        Self {
            backup: Some(backup),
            limits,
            verified,
            storage: None,
            stage: Stage::Looking,
            saves: false,
            storage_keys: Vec::new(),
            secrets: Vec::new(),
            fit: None,
            fetched: None,
        }
    }

    /// Gives the account's machine back, when the host gives the flow up. Nothing if the flow has ended with it.
    #[must_use]
    pub fn into_backup(self) -> Option<Backup> {
        self.backup
    }

    /// The secret storage, for a host that [unlocks](SecretStorage::start_unlock) it with progress and then calls
    /// [`Recover::unlocked`].
    #[must_use]
    pub fn storage(&self) -> Option<&SecretStorage> {
        self.storage.as_ref()
    }

    /// Keys of the secret storage, from wherever the host has them.
    pub fn unlocked(&mut self, keys: Vec<SecretStorageKey>, now_ms: u64) {
        self.storage_keys = keys;
        let Some(storage) = &self.storage else { return };
        let public_keys = self.verified.as_public_keys();
        self.secrets = storage.open_all(&mut self.storage_keys, public_keys);
        let opened = |name: &str| {
            let verdict = self.secrets.iter().find(|verdict| verdict.name.as_str() == name)?;
            verdict.outcome.as_ref().ok()
        };
        let names = [MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY];
        let key = names.into_iter().find_map(|name| stored_key(opened(name)?));
        match key {
            Some(key) => self.give_key(key, now_ms),
            None => self.stage = Stage::Finished,
        }
    }
}

impl Flow for Recover {
    type Outcome = Recovered;

    fn next(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Recovered> {
        loop {
            if self.saves {
                return Step::Wait(None);
            }
            let step = match self.stage {
                Stage::Looking => self.look(now_ms, rng),
                Stage::Entering => Some(Step::EnterKey),
                Stage::Fetching => self.work(now_ms, rng),
                Stage::Finished => self.finish(),
                Stage::Ended => Some(Step::Wait(None)),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn saved(&mut self) {
        self.saves = false;
        self.backup.iter_mut().for_each(Backup::saved);
    }

    fn account_data(&mut self, events: Vec<(EventType, JsonObject)>) {
        let events = events.iter().map(|(event_type, content)| (event_type, content));
        self.storage = Some(SecretStorage::from_account_data(events, &self.limits));
    }

    fn enter(&mut self, typed: &str, now_ms: u64) -> Result<Entered, EnterError> {
        let (Stage::Entering, Some(storage), Some(backup)) =
            (self.stage, &self.storage, &self.backup)
        else {
            return Err(EnterError::NotAsked);
        };
        let auth_data = backup.found().and_then(|info| info.auth_data().ok());
        let public_key = auth_data.map(|auth_data| *auth_data.public_key().as_curve25519());
        let public_keys = PublicKeys { backup: public_key, ..PublicKeys::default() };
        let error = match storage.unlock(typed, &public_keys, &self.limits) {
            Ok(Unlocked { keys, .. }) => {
                self.unlocked(keys, now_ms);
                return Ok(Entered::StorageKey);
            }
            Err(error) => error,
        };
        let key = match RecoveryKey::parse(typed) {
            Ok(key) => Some(BackupDecryptionKey::from_recovery_key(key)),
            Err(_) => auth_data.and_then(|auth_data| {
                let fitting = BackupDecryptionKey::from_passphrase(auth_data, typed);
                fitting.ok().map(|fitting| fitting.key)
            }),
        };
        let fits = |key: &BackupDecryptionKey| {
            auth_data.is_some_and(|auth_data| auth_data.public_key() == key.public_key())
        };
        match key.filter(fits) {
            Some(key) => {
                self.give_key(key, now_ms);
                Ok(Entered::BackupKey)
            }
            None => Err(EnterError::OpensNothing(Box::new(error))),
        }
    }

    fn ack(&mut self, id: DeliveryId) {
        self.backup.iter_mut().for_each(|backup| backup.ack(id));
    }

    fn part(&mut self, id: OperationId, bytes: &[u8]) -> Result<(), UnknownOperation> {
        self.backup.as_mut().ok_or(UnknownOperation)?.part(id, bytes)
    }

    fn answer(
        &mut self,
        id: OperationId,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Result<(), UnknownOperation> {
        self.backup.as_mut().ok_or(UnknownOperation)?.answer(id, answer, now_ms)
    }

    fn resume(&mut self) {
        self.backup.iter_mut().for_each(Backup::resume);
    }

    fn is_paused(&self) -> bool {
        self.backup.as_ref().is_some_and(Backup::is_paused)
    }
}

impl fmt::Debug for Recover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recover")
            .field("backup", &self.backup)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

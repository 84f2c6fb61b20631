//! From a recovery key or passphrase to the secrets, the backup and its sessions.

mod entering;
mod steps;

use std::fmt;

use rand_core::CryptoRng;

use super::{EnterError, Flow, Recovered, Step, contract::Parts, machine::Machine};
use crate::{
    Limits,
    backup::{BackupDecryptionKey, RestoreReport},
    client::{
        backup::{Backup, KeyFit, SavedBackup},
        key_kind::KeyKind,
        waiting::{Awaited, RequestFailure},
    },
    encoding::json_object::JsonObject,
    ids::EventType,
    secret::SecretVec,
    secret_storage::{SecretStorage, SecretStorageKey, SecretVerdict, VerifiedPublicKeys},
};

/// Gets the secrets and the sessions of an account back, with what the user has written down.
///
/// A key is asked for where there is a secret storage with something in it, or a backup whose key is not at hand: again
/// where the storage was unlocked and does not hold that key ([`Recover::wants_backup_key_alone`]). The
/// flow keeps nothing but what the account's machine keeps, whose state is its state: after a restart it is begun again with the machine, the key is
/// asked for again, and the sessions are fetched from the start. A host that has kept the keys of the storage gives them
/// by [`Recover::unlocked`], one that has the secrets already wants the [sessions only](Recover::sessions_only).
pub struct Recover {
    machine: Machine,
    limits: Limits,
    /// How many rounds of PBKDF2 all texts may still take that are entered.
    rounds_left: u64,
    verified: VerifiedPublicKeys,
    /// Also if the key of the backup is at hand: the other secrets are what no device has sent, and nobody else remembers
    /// them after a restart.
    wants_secrets: bool,
    storage: Option<SecretStorage>,
    /// Keys that the host gave before it was known what there is.
    given: Option<Vec<SecretStorageKey>>,
    stage: Stage,
    storage_keys: Vec<SecretStorageKey>,
    secrets: Vec<SecretVerdict>,
    fit: Option<KeyFit>,
    /// The key of a backup that nobody has seen yet.
    unseen: Option<BackupDecryptionKey>,
    fetched: Option<Result<Box<RestoreReport>, RequestFailure>>,
    failure: Option<RequestFailure>,
    /// Whether the secrets are to be handed out.
    has_secrets: bool,
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
    pub fn new(mut backup: Backup, verified: VerifiedPublicKeys, limits: Limits) -> Self {
        backup.look_afresh();
        Self {
            machine: Machine::new(backup),
            limits,
            rounds_left: limits.unlock_rounds.saturating_mul(entering::TEXTS),
            verified,
            wants_secrets: true,
            storage: None,
            given: None,
            stage: Stage::Looking,
            storage_keys: Vec::new(),
            secrets: Vec::new(),
            fit: None,
            unseen: None,
            fetched: None,
            failure: None,
            has_secrets: false,
        }
    }

    /// For a host that has all the secrets it wants: no key is asked for if that of the backup is at hand.
    #[must_use]
    pub fn sessions_only(self) -> Self {
        Self { wants_secrets: false, ..self }
    }

    /// Gives the account's machine back, when the host gives the flow up. Nothing if the flow has ended with it.
    #[must_use]
    pub fn into_backup(mut self) -> Option<Backup> {
        self.machine.give_back()
    }

    /// Whether nothing but the key of the backup itself is of use any more: the secret storage was unlocked and does not hold
    /// it, or holds nothing. Without that key [`Recover::skip_key`] goes on.
    #[must_use]
    pub fn wants_backup_key_alone(&self) -> bool {
        self.stage == Stage::Entering && (self.holds_nothing() || !self.secrets.is_empty())
    }

    /// The secret storage, for a host that [unlocks](SecretStorage::start_unlock) it with progress and then calls
    /// [`Recover::unlocked`].
    #[must_use]
    pub fn storage(&self) -> Option<&SecretStorage> {
        self.storage.as_ref()
    }
}

impl Flow for Recover {
    type Outcome = Recovered;
    type Saved = SavedBackup;

    fn give_up(&mut self) {
        if self.stage != Stage::Ended {
            self.stage = Stage::Finished;
        }
    }

    fn account_data(&mut self, events: Vec<(EventType, JsonObject)>) {
        self.storage = Some(SecretStorage::from_account_data(events, &self.limits));
    }

    fn enter(&mut self, typed: &str, now_ms: u64) -> Result<KeyKind, EnterError> {
        self.entered(typed, now_ms)
    }

    fn skip_key(&mut self, now_ms: u64) {
        if self.stage == Stage::Entering {
            self.fetch_if_possible(now_ms);
        }
    }
}

impl Parts for Recover {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn step(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Self> {
        loop {
            if self.machine.awaits_save() {
                return Step::Wait(None);
            }
            if std::mem::take(&mut self.has_secrets) {
                return Step::Secrets(self.secrets.clone());
            }
            let step = match self.stage {
                Stage::Looking => self.look(now_ms, rng),
                Stage::Entering => self.ask(now_ms, rng),
                Stage::Fetching => self.fetch(now_ms, rng),
                Stage::Finished => self.finish(),
                Stage::Ended => Some(Step::Wait(None)),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn awaited_of_host(&self) -> Option<Awaited> {
        match self.stage {
            _ if self.machine.awaits_save() => Some(Awaited::Saved),
            Stage::Looking if self.storage.is_none() => Some(Awaited::AccountData),
            Stage::Entering => Some(Awaited::Key),
            Stage::Fetching if self.machine.awaits_ack() => Some(Awaited::Acknowledgement),
            Stage::Looking | Stage::Fetching | Stage::Finished | Stage::Ended => None,
        }
    }

    fn repeat(&mut self, step: &Step<Self>) {
        match step {
            Step::Save(_) => self.machine.is_not_saved(),
            Step::Secrets(_) => self.has_secrets = true,
            _ => {}
        }
    }

    fn parts(backup: &SavedBackup) -> (&SavedBackup, Option<&SecretVec>) {
        (backup, None)
    }
}

impl fmt::Debug for Recover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recover")
            .field("backup", &self.machine.get())
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

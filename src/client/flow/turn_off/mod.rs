//! Key storage as a whole is turned off: the preference, the backup, and the secret storage.

mod next;
mod steps;

use std::fmt;

use super::{Flow, FlowError, TurnedOff, machine::Machine, storage::Storage};
use crate::{
    Limits,
    client::backup::{Backup, SavedBackup},
    encoding::json_object::JsonObject,
    ids::{BackupVersion, EventType, SecretName},
    secret_storage::PlanNote,
};

/// Turns key storage off: the preference says that no backup is wanted, the backup is deleted, and so are the stored secrets,
/// the default key and the descriptions of the keys, in this order.
///
/// With the backup go the sessions that nobody else has, and with the secrets the keys that no device has. So nothing is
/// deleted that the caller has not named: if there is more, the flow ends with [`FlowError::WouldLose`] before anything is
/// written, and a new one is begun once the user has agreed to that. What the host has not yet is
/// [fetched](crate::client::backup::Backup::fetch) before.
///
/// The flow keeps nothing but what the account's machine keeps: after a restart it is begun again with the machine and the
/// same names, and goes on with what is left. What cannot be read is not deleted, and what is encrypted with a key keeps it. If
/// another version of the backup comes to light that nobody has named, it stays, and so does the stored key of a backup; that
/// stays, too, if the version that this device used is not named, whether or not the homeserver shows it.
///
/// A flow that fails gives the machine back by [`TurnOff::into_backup`]. From the moment that the preference is written, that
/// goes on to delete the versions that were named, unless the user [has changed their mind](Backup::enable).
pub struct TurnOff {
    machine: Machine,
    storage: Storage,
    limits: Limits,
    versions: Vec<BackupVersion>,
    secrets: Vec<SecretName>,
    stage: Stage,
    /// Whether this device used a version that the caller has not named.
    keeps_key: bool,
    /// Whether the machine was told to look at the backup once more, since the last plan.
    has_asked: bool,
    /// How many plans were carried out.
    plans: u32,
    notes: Vec<PlanNote>,
}

/// How far the flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// What is there is looked at, and compared with what the caller has named.
    Looking,
    /// The machine writes the preference and deletes the versions.
    Disabling,
    /// The secret storage is cleared.
    Clearing,
    /// There is nothing more to do.
    Finished,
    Ended,
}

impl TurnOff {
    /// Deletes these `versions` of the backup with all sessions in them, and these `secrets`, and nothing else.
    #[must_use]
    pub fn new(
        mut backup: Backup,
        versions: &[BackupVersion],
        secrets: &[SecretName],
        limits: Limits,
    ) -> Self {
        backup.look_afresh();
        Self {
            storage: Storage::new(backup.user_id().clone(), limits),
            machine: Machine::new(backup),
            limits,
            versions: versions.to_vec(),
            secrets: secrets.to_vec(),
            stage: Stage::Looking,
            keeps_key: false,
            has_asked: false,
            plans: 0,
            notes: Vec::new(),
        }
    }

    /// Gives the account's machine back, when the flow has failed or the host gives it up. Nothing if the flow has ended
    /// with it.
    #[must_use]
    pub fn into_backup(mut self) -> Option<Backup> {
        self.machine.give_back()
    }
}

impl Flow for TurnOff {
    type Outcome = Result<TurnedOff, FlowError>;
    type Saved = SavedBackup;

    fn give_up(&mut self) {
        if self.stage != Stage::Ended {
            self.machine.give_up();
        }
    }

    fn account_data(&mut self, events: Vec<(EventType, JsonObject)>) {
        self.storage.give(events);
    }
}

impl fmt::Debug for TurnOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnOff")
            .field("backup", &self.machine.get())
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

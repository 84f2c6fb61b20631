//! Key storage as a whole is turned off: the preference, the backup, and the secret storage.

use std::fmt;

use http::Response;
use rand_core::CryptoRng;

use super::{
    Flow, FlowError, Step, TurnedOff,
    contract::Parts,
    machine::{Machine, Turn},
    set_up::{has_looked, unseen},
    storage::Storage,
};
use crate::{
    Limits,
    client::{
        backup::{self, Backup, SavedBackup},
        courier::Courier,
        operation::{NoAnswer, TaskId},
        waiting::{Awaited, RequestKind},
    },
    encoding::json_object::JsonObject,
    ids::{BackupVersion, EventType, SecretName},
    secret::SecretVec,
    secret_storage::{PlanNote, SecretStorage},
    secret_value::SecretShape,
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
/// same names, and goes on with what is left. What cannot be read is not deleted, and what is encrypted with a key keeps it. If an
/// older version of the backup comes to light that nobody has named, it stays, and so does the stored key of a backup.
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
    is_saving: bool,
    notes: Vec<PlanNote>,
    failure: Option<FlowError>,
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
            is_saving: false,
            notes: Vec::new(),
            failure: None,
        }
    }

    /// Gives the account's machine back, when the flow has failed or the host gives it up. Nothing if the flow has ended
    /// with it.
    #[must_use]
    pub fn into_backup(mut self) -> Option<Backup> {
        self.machine.give_back()
    }

    /// Looks at what there is, and begins only if the caller has named all of it.
    fn look(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Self>> {
        if !has_looked(self.machine.get()?) {
            return self.work(now, rng);
        }
        let Some(storage) = self.storage.get() else { return self.read() };
        if let Some(loss) = self.loss(&storage) {
            return self.fail(loss);
        }
        self.machine.get_mut()?.disable_versions(&self.versions);
        self.stage = Stage::Disabling;
        None
    }

    /// What the caller has not named, if there is any.
    fn loss(&self, storage: &SecretStorage) -> Option<FlowError> {
        let found = self.machine.get().and_then(Backup::found);
        let found = found.filter(|info| !self.versions.contains(info.version()));
        let version = found.map(|info| info.version().clone());
        let is_unnamed = |name: &&SecretName| !self.secrets.contains(name);
        let secrets: Vec<_> = storage.readable_secrets().filter(is_unnamed).cloned().collect();
        let is_loss = version.is_some() || !secrets.is_empty();
        let count = found.and_then(|info| info.count());
        is_loss.then_some(FlowError::WouldLose { version, count, secrets })
    }

    /// Lets the machine write the preference and delete the versions. The secrets go after them: until then whatever fails
    /// leaves a backup whose key is where it was.
    fn disable(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Self>> {
        match self.machine.get()?.stage() {
            backup::Stage::Disabling | backup::Stage::Off => self.work(now, rng),
            _ => self.fail(FlowError::OtherDevice),
        }
    }

    /// Lets the machine do what it has to do.
    fn work(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Self>> {
        match self.machine.next(now, rng) {
            Turn::Step(step) => Some(step),
            Turn::Save(saved) => {
                self.is_saving = true;
                Some(Step::Save(saved))
            }
            Turn::NotDeleted(failure) => self.fail(FlowError::NotDeleted(Box::new(failure))),
            Turn::Wait(until) => self.idle(until),
            turn => {
                self.machine.pass(turn);
                None
            }
        }
    }

    /// The machine has nothing to do.
    fn idle(&mut self, until: Option<u64>) -> Option<Step<Self>> {
        let machine = self.machine.get()?;
        if self.stage == Stage::Looking {
            return match unseen(machine) {
                Some(error) => self.fail(error),
                None if has_looked(machine) => None,
                None => Some(Step::Wait(until)),
            };
        }
        if machine.stage() == backup::Stage::Off {
            // Another client may have written meanwhile.
            self.storage.forget();
            self.stage = Stage::Clearing;
            return None;
        }
        Some(Step::Wait(until))
    }

    /// Clears the secret storage.
    fn clear(&mut self, rng: &mut impl CryptoRng) -> Option<Step<Self>> {
        if let Some(plan) = self.storage.finished() {
            self.notes = plan.notes().to_vec();
            self.stage = Stage::Finished;
            return None;
        }
        if !self.storage.wants_plan() {
            return self.read();
        }
        let Some(storage) = self.storage.get() else { return self.read() };
        let secrets = self.dispensable();
        let plan = storage.plan_with_rng(&[], &self.limits, rng, |change| {
            change.turn_off(&secrets);
            Ok(())
        });
        match plan {
            Ok(plan) => {
                self.storage.run(plan);
                None
            }
            Err(error) => self.fail(error.into()),
        }
    }

    /// The secrets that go. While a version is left, what is stored may be its key, whatever it was meant for.
    fn dispensable(&self) -> Vec<SecretName> {
        let is_left = self.machine.get().is_some_and(|backup| backup.found().is_some());
        let may_go =
            |name: &&SecretName| !(is_left && SecretShape::of(name) == SecretShape::BackupKey);
        self.secrets.iter().filter(may_go).cloned().collect()
    }

    /// Sends what the secret storage has to send, once the host has given its account data.
    fn read(&mut self) -> Option<Step<Self>> {
        let courier = self.machine.courier()?;
        Some(self.storage.step(courier))
    }

    fn finish(&mut self) -> Option<Step<Self>> {
        let backup = self.machine.give_back()?;
        let left = backup.found().map(|info| info.version().clone());
        let notes = std::mem::take(&mut self.notes);
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Ok(TurnedOff { backup, left, notes }))))
    }

    fn fail(&mut self, error: FlowError) -> Option<Step<Self>> {
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Err(error))))
    }
}

impl Flow for TurnOff {
    type Outcome = Result<TurnedOff, FlowError>;
    type Saved = SavedBackup;

    fn saved(&mut self) {
        self.is_saving = false;
        self.machine.saved();
    }

    fn give_up(&mut self) {
        if self.stage != Stage::Ended {
            self.storage.in_flight = None;
            self.machine.courier().into_iter().for_each(Courier::forget_flow);
            self.failure = Some(FlowError::GivenUp);
        }
    }

    fn account_data(&mut self, events: Vec<(EventType, JsonObject)>) {
        self.storage.give(events);
    }
}

impl Parts for TurnOff {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn step(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Self> {
        loop {
            if self.is_saving && self.failure.is_none() {
                return Step::Wait(None);
            }
            if self.stage != Stage::Ended && self.failure.is_none() {
                let failing = self.machine.failing(self.storage.kinds());
                self.failure = failing.map(|waiting| FlowError::Failing(Box::new(waiting)));
            }
            let step = match (self.failure.take(), self.stage) {
                (Some(failure), _) => self.fail(failure),
                (None, Stage::Looking) => self.look(now_ms, rng),
                (None, Stage::Disabling) => self.disable(now_ms, rng),
                (None, Stage::Clearing) => self.clear(rng),
                (None, Stage::Finished) => self.finish(),
                (None, Stage::Ended) => Some(Step::Wait(None)),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn awaited_of_host(&self) -> Option<Awaited> {
        match self.stage {
            _ if self.is_saving => Some(Awaited::Saved),
            Stage::Looking | Stage::Clearing if self.storage.wants_events() => {
                Some(Awaited::AccountData)
            }
            _ => None,
        }
    }

    fn repeat(&mut self, step: &Step<Self>) {
        if let Step::Save(_) = step {
            self.is_saving = false;
            self.machine.is_not_saved();
        }
    }

    fn parts(backup: &SavedBackup) -> (&SavedBackup, Option<&SecretVec>) {
        (backup, None)
    }

    fn own_requests(&self) -> &'static [RequestKind] {
        self.storage.kinds()
    }

    fn take_answer(
        &mut self,
        id: TaskId,
        answer: &Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> bool {
        let Some(courier) = self.machine.courier() else { return false };
        courier.advance(now_ms);
        let Some(answered) = self.storage.answer(courier, id, answer, now_ms) else { return false };
        self.failure = answered.err();
        true
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

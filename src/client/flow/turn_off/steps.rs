//! The steps of turning off, one function for each stage: what is there, the backup, the secret storage.

use rand_core::CryptoRng;

use super::{Stage, TurnOff};
use crate::{
    client::{
        backup::{self, Backup},
        flow::{
            FlowError, Step, TurnedOff,
            machine::Turn,
            set_up::{has_looked, unseen},
        },
    },
    ids::SecretName,
    secret_storage::SecretStorage,
    secret_value::SecretShape,
};

impl TurnOff {
    /// Looks at what there is, and begins only if the caller has named all of it.
    pub(super) fn look(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Self>> {
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
    pub(super) fn disable(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Self>> {
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
    pub(super) fn clear(&mut self, rng: &mut impl CryptoRng) -> Option<Step<Self>> {
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

    pub(super) fn finish(&mut self) -> Option<Step<Self>> {
        let backup = self.machine.give_back()?;
        let left = backup.found().map(|info| info.version().clone());
        let notes = std::mem::take(&mut self.notes);
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Ok(TurnedOff { backup, left, notes }))))
    }

    pub(super) fn fail(&mut self, error: FlowError) -> Option<Step<Self>> {
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Err(error))))
    }
}

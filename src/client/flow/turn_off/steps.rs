//! The steps of turning off, one function for each stage: what is there, the backup, the secret storage.

use std::collections::HashSet;

use rand_core::CryptoRng;

use super::{Stage, TurnOff};
use crate::{
    backup::BackupVersionInfo,
    client::{
        backup::{self, Backup},
        flow::{
            FlowError, Step, TurnedOff,
            machine::Turn,
            set_up::{has_looked, unseen},
        },
    },
    ids::{BackupVersion, SecretName},
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
        self.keeps_key = self.used_version().is_some_and(|used| !self.versions.contains(used));
        self.machine.get_mut()?.disable_versions(&self.versions);
        self.stage = Stage::Disabling;
        None
    }

    /// What the caller has not named, if there is any.
    fn loss(&self, storage: &SecretStorage) -> Option<FlowError> {
        let found = self.machine.get().and_then(Backup::found);
        // A homeserver may deny for a while the one that this device uses.
        let version = found.map(BackupVersionInfo::version).or_else(|| self.used_version());
        let version = version.filter(|version| !self.versions.contains(version)).cloned();
        let named: HashSet<_> = self.secrets.iter().collect();
        let is_unnamed = |name: &&SecretName| !named.contains(name);
        let secrets: Vec<_> = storage.readable_secrets().filter(is_unnamed).cloned().collect();
        let is_loss = version.is_some() || !secrets.is_empty();
        let count = found.filter(|_| version.is_some()).and_then(BackupVersionInfo::count);
        is_loss.then_some(FlowError::WouldLose { version, count, secrets })
    }

    fn used_version(&self) -> Option<&BackupVersion> {
        self.machine.get().and_then(Backup::used_version)
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
            Turn::Save(saved) => Some(Step::Save(saved)),
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
        if matches!(self.stage, Stage::Looking | Stage::Clearing) {
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

    /// Clears the secret storage, until there is nothing more to clear.
    pub(super) fn clear(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Self>> {
        if let Some(plan) = self.storage.finished() {
            if plan.steps().is_empty() {
                self.notes = plan.notes().to_vec();
                self.stage = Stage::Finished;
                return None;
            }
            self.plans += 1;
            // Another client may have stored something meanwhile.
            self.storage.forget();
            return (self.plans > MAX_PLANS)
                .then_some(())
                .and_then(|()| self.fail(FlowError::KeepsChanging));
        }
        if !self.storage.wants_plan() {
            return self.read();
        }
        let Some(storage) = self.storage.get() else { return self.read() };
        // Whoever makes another backup stores its key after it: what was read just now is not of a later one.
        let machine = self.machine.get_mut()?;
        if !std::mem::replace(&mut self.has_asked, true) {
            machine.look_afresh();
        }
        if !has_looked(machine) {
            return self.work(now, rng);
        }
        let secrets = self.dispensable();
        let plan = storage.plan_with_rng(&[], &self.limits, rng, |change| {
            change.turn_off(&secrets);
            Ok(())
        });
        match plan {
            Ok(plan) => {
                self.has_asked = false;
                self.storage.run(plan);
                None
            }
            Err(error) => self.fail(error.into()),
        }
    }

    /// The secrets that go. While a version is left, what is stored may be its key, whatever it was meant for; and so it is
    /// if nobody has named the version that this device used, whether or not it is shown.
    fn dispensable(&self) -> Vec<SecretName> {
        let is_found = self.machine.get().is_some_and(|backup| backup.found().is_some());
        let is_left = is_found || self.keeps_key;
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

/// One for what is stored, and one for the keys; a homeserver that shows more and more has no more of it cleared.
const MAX_PLANS: u32 = 10;

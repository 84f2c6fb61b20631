//! The steps of a recovery, one function for each stage.

use rand_core::CryptoRng;

use super::{Recover, Recovered, Stage};
use crate::client::{
    backup::Scope,
    flow::{Step, machine::Turn},
    waiting::RequestFailure,
};

impl Recover {
    /// Looks at what there is.
    pub(super) fn look(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Recover>> {
        if self.storage.is_none() {
            return Some(Step::ReadAccountData);
        }
        let backup = self.machine.get()?;
        if !backup.has_looked() && self.failure.is_none() {
            return self.work(now, rng);
        }
        let wants_secrets = self.wants_secrets && !self.holds_nothing();
        if let Some(keys) = self.given.take() {
            self.open(keys, now);
        } else if wants_secrets || self.lacks_backup_key() {
            self.stage = Stage::Entering;
        } else {
            self.fetch_if_possible(now);
        }
        None
    }

    /// Fetches the sessions.
    pub(super) fn fetch(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Recover>> {
        let has_looked = self.machine.get()?.has_looked();
        if let Some(key) = self.unseen.take_if(|_| has_looked) {
            self.failure = None;
            self.give_key(key, now);
            return None;
        }
        self.work(now, rng)
    }

    /// Lets the machine work.
    pub(super) fn work(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Recover>> {
        match self.machine.next(now, rng) {
            Turn::Step(step) => Some(step),
            Turn::Save(saved) => {
                self.saves = true;
                Some(Step::Save(saved))
            }
            Turn::Fetched(Scope::Everything, outcome) if self.stage == Stage::Fetching => {
                self.fetched = Some(*outcome);
                None
            }
            Turn::Wait(until) => self.idle(until),
            // Questions stay open, for the host to ask when the flow has ended.
            turn => {
                self.machine.pass(turn);
                None
            }
        }
    }

    /// The machine has nothing to do.
    fn idle(&mut self, until: Option<u64>) -> Option<Step<Recover>> {
        let backup = self.machine.get()?;
        if self.stage == Stage::Looking {
            // A homeserver without backups, or one that fails, keeps nobody from the secrets.
            self.failure = backup.look_failure().cloned();
            let is_done = backup.has_looked() || self.failure.is_some();
            return (!is_done).then_some(Step::Wait(until));
        }
        if self.unseen.is_some() {
            // That the network is down is waited out.
            self.failure = backup.look_failure().cloned();
            if !self.is_refused() {
                return Some(Step::Wait(until));
            }
            self.stage = Stage::Finished;
            return None;
        }
        if let Some(waiting) = self.machine.failing(None) {
            // The machine goes on with it.
            self.failure = waiting.last_error;
            self.stage = Stage::Finished;
            return None;
        }
        // With the key, whether the backup is trusted was asked again.
        if self.fetched.is_some() && !backup.awaits_answers() {
            self.stage = Stage::Finished;
            return None;
        }
        Some(Step::Wait(until))
    }

    /// Whether the homeserver was reached, and does not say which backup there is.
    pub(super) fn is_refused(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| *failure != RequestFailure::NoAnswer)
    }

    pub(super) fn finish(&mut self) -> Option<Step<Recover>> {
        let backup = self.machine.give_back()?;
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Recovered {
            backup,
            storage_keys: std::mem::take(&mut self.storage_keys),
            secrets: std::mem::take(&mut self.secrets),
            key: self.fit,
            fetched: self.fetched.take(),
            failure: self.failure.take(),
        })))
    }
}

//! The steps of a recovery, one function for each stage.

use rand_core::CryptoRng;

use super::{Recover, Recovered, Stage};
use crate::client::{
    backup::{Backup, Scope},
    flow::{Step, machine::Turn},
    waiting::{Awaited, RequestFailure, RequestKind},
};

impl Recover {
    /// Looks at what there is.
    pub(super) fn look(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Recover>> {
        if self.storage.is_none() {
            return Some(Step::ReadAccountData);
        }
        if !self.machine.get()?.has_looked() {
            return self.work(now, rng);
        }
        self.looked(now);
        None
    }

    /// What there is, is known as well as it will be.
    fn looked(&mut self, now: u64) {
        if let Some(keys) = self.given.take() {
            self.open(keys, now);
        } else if self.wants_storage_key() || self.lacks_backup_key() {
            self.stage = Stage::Entering;
        } else {
            self.fetch_if_possible(now);
        }
    }

    /// Whether a key of the storage is still of use, whatever the backup is.
    fn wants_storage_key(&self) -> bool {
        self.wants_secrets && self.storage_keys.is_empty() && !self.holds_nothing()
    }

    /// Asks the user for a key. One of the backup itself is of use only once the backup is seen, so that is tried meanwhile.
    pub(super) fn ask(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Recover>> {
        let has_looked = self.machine.get()?.has_looked();
        if has_looked { Some(Step::EnterKey) } else { self.work(now, rng) }
    }

    /// Fetches the sessions.
    pub(super) fn fetch(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Recover>> {
        let has_looked = self.machine.get()?.has_looked();
        if let Some(key) = self.unseen.take_if(|_| has_looked) {
            self.give_key(key, now);
            return None;
        }
        self.work(now, rng)
    }

    /// Lets the machine work.
    pub(super) fn work(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Recover>> {
        match self.machine.next(now, rng) {
            Turn::Step(step) => Some(step),
            Turn::Save(saved) => Some(Step::Save(saved)),
            Turn::Fetched(Scope::Everything, outcome) if self.stage == Stage::Fetching => {
                self.fetched = Some(outcome);
                None
            }
            Turn::Wait(until) => self.idle(now, until),
            // Questions stay open, for the host to ask when the flow has ended.
            turn => {
                self.machine.pass(turn);
                None
            }
        }
    }

    /// The machine has nothing to do.
    fn idle(&mut self, now: u64, until: Option<u64>) -> Option<Step<Recover>> {
        let backup = self.machine.get()?;
        if self.stage == Stage::Entering {
            return Some(Step::EnterKey);
        }
        if self.stage == Stage::Looking {
            // A homeserver without backups, or one that fails, keeps nobody from the secrets.
            let has_more = self.given.is_some() || self.wants_storage_key();
            let goes_on = has_more && backup.is_out_of_sight();
            if !goes_on && !backup.has_looked() && backup.look_failure().is_none() {
                return Some(Step::Wait(until));
            }
            self.looked(now);
            return None;
        }
        if self.unseen.is_some() {
            // That the network is down is waited out.
            if !self.is_refused() {
                return Some(Step::Wait(until));
            }
            self.stage = Stage::Finished;
            return None;
        }
        if let Some(waiting) = self.machine.failing(&[]) {
            // The machine goes on with it.
            self.failure = waiting.last_error;
            self.stage = Stage::Finished;
            return None;
        }
        // With the key, whether the backup is trusted was asked again.
        if self.fetched.is_some() && !backup.peek_courier().awaits_answers() {
            self.stage = Stage::Finished;
            return None;
        }
        Some(Step::Wait(until))
    }

    /// Whether the homeserver was reached, and does not say which backup there is.
    pub(super) fn is_refused(&self) -> bool {
        let failure = self.machine.get().and_then(Backup::look_failure);
        failure.is_some_and(|failure| *failure != RequestFailure::NoAnswer)
    }

    /// Why there are no sessions: the last failure of what they need, if it lasts.
    fn last_failure(&self) -> Option<RequestFailure> {
        let has_looked = self.machine.get()?.has_looked();
        let needed = |what| match what {
            Awaited::Request(RequestKind::FindVersion | RequestKind::ReadPreference) => !has_looked,
            Awaited::Request(kind) => kind == RequestKind::FetchEverything,
            _ => false,
        };
        let mut needed = self.machine.waiting_for(&[]).into_iter().filter(|it| needed(it.what));
        needed.find_map(|waiting| waiting.last_error)
    }

    pub(super) fn finish(&mut self) -> Option<Step<Recover>> {
        let (fetched, failure) = match self.fetched.take() {
            Some(Ok(report)) => (Some(*report), None),
            Some(Err(failure)) => (None, Some(failure)),
            None => (None, self.failure.take().or_else(|| self.last_failure())),
        };
        let backup = self.machine.give_back()?;
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Recovered {
            backup,
            storage_keys: std::mem::take(&mut self.storage_keys),
            secrets: std::mem::take(&mut self.secrets),
            key: self.fit,
            fetched,
            failure,
        })))
    }
}

//! Which step comes next, and what it waits for.

use rand_core::CryptoRng;

use super::{Stage, TurnOff};
use crate::{
    client::{
        backup::SavedBackup,
        flow::{Step, contract::Parts, machine::Machine},
        operation::{Answer, TaskId},
        waiting::{Awaited, RequestKind},
    },
    secret::SecretVec,
};

impl Parts for TurnOff {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn step(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Self> {
        loop {
            if self.machine.awaits_save() && !self.machine.has_failed() {
                return Step::Wait(None);
            }
            let goes_on = self.stage != Stage::Ended;
            let step = match (self.machine.failure(self.storage.kinds(), goes_on), self.stage) {
                (Some(failure), _) => self.fail(failure),
                (None, Stage::Looking) => self.look(now_ms, rng),
                (None, Stage::Disabling) => self.disable(now_ms, rng),
                (None, Stage::Clearing) => self.clear(now_ms, rng),
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
            _ if self.machine.awaits_save() => Some(Awaited::Saved),
            Stage::Looking | Stage::Clearing if self.storage.wants_events() => {
                Some(Awaited::AccountData)
            }
            _ => None,
        }
    }

    fn parts(backup: &SavedBackup) -> (&SavedBackup, Option<&SecretVec>) {
        (backup, None)
    }

    fn own_requests(&self) -> &'static [RequestKind] {
        self.storage.kinds()
    }

    fn take_answer(&mut self, id: TaskId, answer: &Answer, now_ms: u64) -> bool {
        self.storage.take_answer(&mut self.machine, id, answer, now_ms)
    }
}

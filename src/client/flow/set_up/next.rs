//! Which step comes next, and what it waits for.

use rand_core::CryptoRng;

use super::{SetUp, Stage, steps::Done};
use crate::{
    api::ApiError,
    client::{
        backup::Backup,
        flow::{FlowError, Step},
        waiting::{Awaited, RequestFailure},
    },
};

impl SetUp {
    /// What comes next.
    pub(super) fn step(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Done> {
        loop {
            if self.is_saving {
                return Step::Wait(None);
            }
            if self.is_unsaved {
                (self.is_unsaved, self.is_saving) = (false, true);
                return Step::Save(Box::new(self.save()));
            }
            let goes_on = self.stage != Stage::Ended && self.ending.is_none();
            if goes_on && self.failure.is_none() {
                let failing = self.machine.failing(self.storage.kind());
                self.failure = failing.map(|waiting| FlowError::Failing(Box::new(waiting)));
            }
            let step = match (self.failure.take(), self.stage) {
                (Some(failure), _) => self.fail(failure),
                (None, Stage::Checking) => self.check(now_ms, rng),
                (None, Stage::BackingUp) => self.back_up(now_ms, rng),
                (None, Stage::Storing) => self.store(now_ms, rng),
                (None, Stage::Showing { is_shown }) => self.show(is_shown),
                (None, Stage::Finished) => self.finish(),
                (None, Stage::Ended) => Some(Step::Wait(None)),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// What the host was asked for and has not done.
    pub(super) fn awaited_of_host(&self) -> Option<Awaited> {
        match self.stage {
            _ if self.is_saving => Some(Awaited::Saved),
            Stage::BackingUp if self.machine.awaits_signatures() => Some(Awaited::Signatures),
            Stage::Checking | Stage::Storing if self.storage.wants_events() => {
                Some(Awaited::AccountData)
            }
            Stage::Showing { is_shown: true } => Some(Awaited::RecoveryKeySaved),
            Stage::Checking
            | Stage::BackingUp
            | Stage::Storing
            | Stage::Showing { .. }
            | Stage::Finished
            | Stage::Ended => None,
        }
    }
}

/// Why nobody will know which backup there is, if so.
pub(super) fn unseen(machine: &Backup) -> Option<FlowError> {
    match machine.look_failure()? {
        RequestFailure::Api(error @ ApiError::Matrix(_)) if !error.is_rate_limited() => {
            let is_final = error.status().is_some_and(|status| (400..500).contains(&status));
            is_final.then(|| FlowError::Refused(error.clone()))
        }
        RequestFailure::Api(error @ (ApiError::Response(_) | ApiError::TooLarge { .. })) => {
            Some(FlowError::Unseen(Box::new(error.clone())))
        }
        _ => None,
    }
}

//! Which step comes next, what it waits for, and how it ends.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::{SetUp, Stage};
use crate::{
    api::ApiError,
    client::{
        backup::{self, Backup, SavedBackup},
        flow::{FlowError, SavedFlow, SetUpDone, Step, contract::Parts, machine::Machine},
        operation::{Answer, TaskId},
        waiting::{Awaited, RequestFailure, RequestKind},
    },
    secret::SecretVec,
    secret_storage::SecretStorage,
};

impl Parts for SetUp {
    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn step(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Step<Self> {
        loop {
            if self.is_saving {
                return Step::Wait(None);
            }
            if self.is_unsaved {
                (self.is_unsaved, self.is_saving) = (false, true);
                return Step::Save(Box::new(self.save()));
            }
            let goes_on = self.stage != Stage::Ended && self.ending.is_none();
            let step = match (self.machine.failure(self.storage.kinds(), goes_on), self.stage) {
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

    fn awaited_of_host(&self) -> Option<Awaited> {
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

    fn repeat(&mut self, step: &Step<Self>) {
        match step {
            Step::Save(_) => (self.is_unsaved, self.is_saving) = (true, false),
            Step::ShowRecoveryKey(_) if self.stage == (Stage::Showing { is_shown: true }) => {
                self.stage = Stage::Showing { is_shown: false };
            }
            _ => {}
        }
    }

    fn parts(saved: &SavedFlow) -> (&SavedBackup, Option<&SecretVec>) {
        let SavedFlow { secret, backup } = saved;
        (backup, Some(secret))
    }

    fn own_requests(&self) -> &'static [RequestKind] {
        self.storage.kinds()
    }

    fn take_answer(&mut self, id: TaskId, answer: &Answer, now_ms: u64) -> bool {
        self.storage.take_answer(&mut self.machine, id, answer, now_ms)
    }
}

impl SetUp {
    pub(super) fn finish(&mut self) -> Option<Step<SetUp>> {
        let mut backup = self.machine.give_back()?;
        // The key of the backup is in the storage, whose key the user has.
        backup.recovery_key_saved();
        let storage_key = self.kept.new_key.key().clone();
        let replaced = self.kept.before.take().and_then(|before| before.version);
        let replaced = replaced.filter(|version| !version.as_str().is_empty());
        let notes = std::mem::take(&mut self.notes);
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Ok(SetUpDone { backup, storage_key, replaced, notes }))))
    }

    /// The flow ends without what it is for. Whoever may have got the new key as the default one is shown it before, or
    /// they would be locked out: what the homeserver says of it now does not matter.
    pub(super) fn fail(&mut self, error: FlowError) -> Option<Step<SetUp>> {
        let new_id = self.kept.new_key.id();
        let is_default = |storage: Arc<SecretStorage>| storage.default_key() == Some(new_id);
        let is_needed = self.kept.may_be_default
            || !self.kept.completes() && self.storage.get().is_some_and(is_default);
        if is_needed && !self.kept.is_shown && self.ending.is_none() {
            self.ending = Some(error);
            self.stage = Stage::Showing { is_shown: false };
            return None;
        }
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Err(self.ending.take().unwrap_or(error)))))
    }
}

/// Whether the homeserver has said which backup there is. That the one that was used is gone it has to say twice: a proxy
/// says so, too, and the machine looks once more.
pub(in crate::client::flow) fn has_looked(machine: &Backup) -> bool {
    machine.has_looked() && machine.stage() != backup::Stage::Looking
}

/// Why nobody will know which backup there is, if so.
pub(in crate::client::flow) fn unseen(machine: &Backup) -> Option<FlowError> {
    match machine.look_failure()? {
        RequestFailure::Api(error @ ApiError::Matrix { .. })
            if !(error.is_rate_limited() || error.is_unauthorized()) =>
        {
            let is_final = error.status().is_some_and(|status| (400..500).contains(&status));
            is_final.then(|| FlowError::Refused(error.clone()))
        }
        RequestFailure::Api(
            error @ (ApiError::Response(_) | ApiError::Errcode(_) | ApiError::TooLarge { .. }),
        ) => Some(FlowError::Unseen(Box::new(error.clone()))),
        _ => None,
    }
}

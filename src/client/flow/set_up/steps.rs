//! The steps of setting up, one function for each stage: what is there, the backup, the recovery key.

use rand_core::CryptoRng;

use super::{SetUp, Stage};
use crate::{
    api::ApiError,
    client::{
        backup::{self, Backup, Question, QuestionId, Reply, SecretTask},
        flow::{FlowError, SetUpDone, Step, machine::Turn},
        waiting::{Awaited, RequestFailure},
    },
    secret_storage::ChangeError,
};

pub(super) type Done = Result<SetUpDone, FlowError>;

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
            if self.stage != Stage::Ended && self.failure.is_none() {
                let failing = self.machine.failing(self.storage.kind());
                self.failure = failing.map(|waiting| FlowError::Failing(Box::new(waiting)));
            }
            let step = match (self.failure.take(), self.stage) {
                (Some(failure), _) => self.fail(failure),
                (None, Stage::Checking) => self.check(now_ms, rng),
                (None, Stage::BackingUp) => self.back_up(now_ms, rng),
                (None, Stage::Storing) => self.store(now_ms, rng),
                (None, Stage::Showing { is_shown }) => self.show(is_shown),
                (None, Stage::Ending) => self.end(),
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
            Stage::Checking | Stage::Storing | Stage::Ending if self.storage.wants_events() => {
                Some(Awaited::AccountData)
            }
            Stage::Showing { is_shown: true } => Some(Awaited::RecoveryKeySaved),
            Stage::Checking
            | Stage::BackingUp
            | Stage::Storing
            | Stage::Showing { .. }
            | Stage::Ending
            | Stage::Finished
            | Stage::Ended => None,
        }
    }

    /// Looks at what is there, and notes it before anything is written.
    pub(super) fn check(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Done>> {
        if !self.machine.get()?.has_looked() {
            return self.look(now, rng);
        }
        if self.kept.is_stored {
            self.go_on();
            return None;
        }
        if let Some(name) = self.kept.unbelieved().cloned() {
            return self.fail(ChangeError::Unauthenticated(name).into());
        }
        let Some(storage) = self.storage.get() else { return self.read() };
        if self.kept.is_taken(&storage) {
            return self.taken(&storage);
        }
        if self.kept.before.is_none() {
            self.kept.note(self.machine.get()?, &storage);
        }
        self.machine.ask_again();
        self.stage = Stage::BackingUp;
        None
    }

    /// Lets the machine look, and do what else it has to do.
    pub(super) fn look(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Done>> {
        match self.machine.next(now, rng) {
            Turn::Step(step) => Some(step),
            Turn::Save(saved) => {
                self.save_machine(*saved);
                None
            }
            Turn::Wait(until) => {
                let machine = self.machine.get()?;
                if machine.has_looked() {
                    return None;
                }
                match unseen(machine) {
                    Some(error) => self.fail(error),
                    None => Some(Step::Wait(until)),
                }
            }
            turn => {
                self.machine.pass(turn);
                None
            }
        }
    }

    /// Lets the machine make the backup.
    pub(super) fn back_up(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Done>> {
        match self.machine.next(now, rng) {
            Turn::Step(step) => Some(step),
            Turn::Save(saved) => {
                self.save_machine(*saved);
                None
            }
            Turn::Write(SecretTask::Store(_)) => {
                // It is the current one: the machine has just looked.
                if self.kept.is_made(self.machine.get()?) {
                    self.go_on();
                }
                None
            }
            Turn::Ask(id, question) => self.asked(id, &question),
            Turn::NotCreated(error) => self.fail(FlowError::Refused(error)),
            Turn::NotShown(_) => self.fail(FlowError::NotShown),
            Turn::Wait(until) => self.idle(until),
            turn => {
                self.machine.pass(turn);
                None
            }
        }
    }

    fn asked(&mut self, id: QuestionId, question: &Question) -> Option<Step<Done>> {
        let found = match question {
            Question::SetUp { .. } | Question::Changed { found: None, .. } => {
                // What was asked is still open: nothing else has happened.
                let _ = self.machine.get_mut()?.reply(id, Reply::Create);
                self.is_unsaved = true;
                return None;
            }
            Question::Use { found, .. } | Question::Changed { found: Some(found), .. } => found,
            _ => return None,
        };
        if !self.kept.replaces {
            return self.fail(FlowError::HasBackup(found.version.clone()));
        }
        let before = self.kept.before.as_ref()?;
        if before.version.as_ref() != Some(&found.version) {
            return self.fail(FlowError::OtherDevice);
        }
        self.rotate()
    }

    /// The machine has nothing to do: it has the backup, or has not begun.
    fn idle(&mut self, until: Option<u64>) -> Option<Step<Done>> {
        let machine = self.machine.get()?;
        let is_made = self.kept.is_made(machine);
        match machine.stage() {
            // After a restart its key may be stored.
            backup::Stage::Running if is_made && machine.secret_task().is_none() => {
                self.go_on();
                None
            }
            backup::Stage::Running if is_made => Some(Step::Wait(until)),
            backup::Stage::Running | backup::Stage::Off => self.begin(),
            _ => match unseen(machine) {
                Some(error) => self.fail(error),
                None => Some(Step::Wait(until)),
            },
        }
    }

    /// The machine stands where it stood before.
    fn begin(&mut self) -> Option<Step<Done>> {
        if self.kept.replaces {
            return self.rotate();
        }
        let machine = self.machine.get_mut()?;
        let is_own = machine.stage() == backup::Stage::Off && machine.is_unfinished();
        if let Some(info) = machine.found().filter(|_| !is_own) {
            let version = info.version().clone();
            return self.fail(FlowError::HasBackup(version));
        }
        // The user had wanted no backup.
        machine.enable();
        None
    }

    /// The machine makes a new backup in the place of what is there.
    fn rotate(&mut self) -> Option<Step<Done>> {
        if std::mem::replace(&mut self.has_rotated, true) {
            return self.fail(FlowError::NotShown);
        }
        let machine = self.machine.get_mut()?;
        if machine.stage() == backup::Stage::Off {
            machine.enable();
        }
        machine.rotate();
        None
    }

    /// What comes after the backup, and after the user has saved the recovery key.
    pub(super) fn go_on(&mut self) {
        if let Some(ending) = self.ending.take() {
            self.failure = Some(ending);
            return;
        }
        let (is_shown, is_stored) = (self.kept.is_shown, self.kept.is_stored);
        self.stage = match (is_shown, is_stored) {
            (true, true) => Stage::Finished,
            (false, true) => Stage::Showing { is_shown: false },
            (false, false) if self.kept.replaces => Stage::Showing { is_shown: false },
            (_, false) => {
                // The user may have taken days.
                self.storage.forget();
                Stage::Storing
            }
        };
    }

    /// Shows the recovery key of the storage.
    pub(super) fn show(&mut self, is_shown: bool) -> Option<Step<Done>> {
        if is_shown {
            return Some(Step::Wait(None));
        }
        self.stage = Stage::Showing { is_shown: true };
        match self.kept.new_key.to_recovery_key() {
            Some(key) => Some(Step::ShowRecoveryKey(key)),
            None => {
                self.kept.is_shown = true;
                self.go_on();
                None
            }
        }
    }

    pub(super) fn finish(&mut self) -> Option<Step<Done>> {
        let mut backup = self.machine.give_back()?;
        // The key of the backup is in the storage, whose key the user has.
        backup.recovery_key_saved();
        let storage_key = self.kept.new_key.key().clone();
        let replaced = self.kept.before.take().and_then(|before| before.version);
        let notes = std::mem::take(&mut self.notes);
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Ok(SetUpDone { backup, storage_key, replaced, notes }))))
    }

    /// The flow ends without what it is for; a first storage is looked at before.
    pub(super) fn fail(&mut self, error: FlowError) -> Option<Step<Done>> {
        let has_begun = self.kept.before.is_some() && !self.kept.replaces;
        if has_begun && !self.kept.is_shown && self.ending.is_none() {
            self.ending = Some(error);
            self.storage.look_at_default_key();
            self.stage = Stage::Ending;
            return None;
        }
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Err(self.ending.take().unwrap_or(error)))))
    }

    /// Whoever has got the new key as the default one is shown it, or they would be locked out.
    pub(super) fn end(&mut self) -> Option<Step<Done>> {
        let Some(storage) = self.storage.get() else { return self.read() };
        if storage.default_key() == Some(self.kept.new_key.id()) {
            self.stage = Stage::Showing { is_shown: false };
            return None;
        }
        let error = self.ending.clone()?;
        self.fail(error)
    }

    fn save_machine(&mut self, saved: backup::SavedBackup) {
        self.saved_backup = saved;
        (self.is_unsaved, self.machine_saves) = (true, true);
    }
}

/// Why nobody will know which backup there is, if so.
fn unseen(machine: &Backup) -> Option<FlowError> {
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

//! The steps of setting up, one function for each stage: what is there, the backup, the recovery key.

use rand_core::CryptoRng;

use super::{
    Aim, SetUp, Stage,
    next::{has_looked, unseen},
};
use crate::{
    backup::BackupPublicKey,
    client::{
        backup::{self, Backup, Question, Reply, TaskId},
        flow::{FlowError, Step, machine::Turn},
    },
    ids::BackupVersion,
};

/// What the homeserver shows.
type Found = (BackupVersion, Option<BackupPublicKey>);

/// A homeserver that shows now this and now that has the user sign no more often.
const MAX_ROTATIONS: u32 = 3;

impl SetUp {
    /// Looks at what is there, and notes it before anything is written.
    pub(super) fn check(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SetUp>> {
        if !has_looked(self.machine.get()?) {
            return self.look(now, rng);
        }
        if self.kept.is_stored {
            self.go_on();
            return None;
        }
        if let Some(refusal) = self.kept.refusal() {
            return self.fail(refusal.into());
        }
        let Some(storage) = self.storage.get() else { return self.read() };
        if self.kept.is_taken(&storage) {
            return self.taken(&storage);
        }
        if self.kept.completes()
            && let Err(error) = self.former_key(&storage)
        {
            return self.fail(error.into());
        }
        if self.kept.before.is_none() {
            // A homeserver may deny for a while what the host has heard of.
            let default_key = storage.default_key().or(self.given_key.as_ref()).cloned();
            // Where it is the default one before the flow has written anything, the user has it.
            let is_default = default_key.as_ref() == Some(self.kept.new_key.id());
            self.kept.is_shown |= self.kept.completes() && is_default;
            self.kept.note(self.machine.get_mut()?, default_key);
        }
        self.note_draft();
        self.machine.ask_again();
        self.stage = Stage::BackingUp;
        None
    }

    /// Lets the machine look, and do what else it has to do.
    pub(super) fn look(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SetUp>> {
        match self.machine.next(now, rng) {
            Turn::Step(step) => Some(step),
            Turn::Save(saved) => {
                self.save_machine(*saved);
                None
            }
            Turn::Wait(until) => {
                let machine = self.machine.get()?;
                if has_looked(machine) {
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
    pub(super) fn back_up(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SetUp>> {
        match self.machine.next(now, rng) {
            Turn::Step(step) => Some(step),
            Turn::Save(saved) => {
                self.save_machine(*saved);
                None
            }
            Turn::StoreSecret => {
                // It is the current one: the machine has just looked.
                if self.kept.is_made(self.machine.get()?) {
                    self.go_on();
                }
                None
            }
            Turn::Ask(id, question) => self.asked(id, &question),
            // What there is is asked about.
            Turn::NotCreated(FlowError::OtherDevice) => None,
            Turn::NotCreated(reason) => self.fail(reason),
            Turn::Wait(until) => self.idle(until),
            turn => {
                self.machine.pass(turn);
                None
            }
        }
    }

    fn asked(&mut self, id: TaskId, question: &Question) -> Option<Step<SetUp>> {
        if self.kept.completes() && self.kept.made.is_none() && question.is_unwanted() {
            self.go_on();
            return None;
        }
        let found = match question {
            Question::SetUp { .. } | Question::Changed { found: None, .. } => None,
            Question::Use { found, .. } | Question::Changed { found: Some(found), .. } => {
                Some(found)
            }
            Question::Unseen { .. } if self.kept.replaces() => return self.rotate(None),
            Question::Unseen { error, .. } => {
                return self.fail(FlowError::Unseen(Box::new(error.clone())));
            }
            _ => return None,
        };
        let is_made = self.kept.made.is_some()
            && found.is_some_and(|found| found.public_key == self.kept.made);
        let reply = match found {
            // It was made for this, and is shown after all.
            Some(_) if is_made => Reply::Use,
            None if !self.kept.replaces() => Reply::Create,
            found => {
                let found = found.map(|found| (found.version.clone(), found.public_key));
                return self.rotate(found);
            }
        };
        // What was asked is still open: nothing else has happened.
        match self.machine.get_mut()?.reply(id, reply) {
            Ok(()) => {
                self.is_unsaved = true;
                None
            }
            Err(_) => self.fail(FlowError::OtherDevice),
        }
    }

    /// The machine has nothing to do: it has the backup, or has not begun.
    fn idle(&mut self, until: Option<u64>) -> Option<Step<SetUp>> {
        let machine = self.machine.get()?;
        let is_made = self.kept.is_made(machine);
        match machine.stage() {
            // After a restart its key may be stored.
            backup::Stage::Running if is_made && !machine.secret_is_due() => {
                self.go_on();
                None
            }
            backup::Stage::Running if is_made => Some(Step::Wait(until)),
            backup::Stage::Off if self.kept.completes() && self.kept.made.is_none() => {
                self.go_on();
                None
            }
            backup::Stage::Running | backup::Stage::Off => self.begin(),
            _ => match unseen(machine) {
                Some(error) => self.fail(error),
                None => Some(Step::Wait(until)),
            },
        }
    }

    /// The machine stands where it stood before.
    fn begin(&mut self) -> Option<Step<SetUp>> {
        let machine = self.machine.get_mut()?;
        if self.kept.replaces() {
            let found = machine.found().map(|info| {
                let auth_data = info.auth_data().ok();
                (info.version().clone(), auth_data.map(|auth_data| *auth_data.public_key()))
            });
            return self.rotate(found);
        }
        let is_own = machine.stage() == backup::Stage::Off && machine.is_unfinished();
        if let Some(info) = machine.found().filter(|_| !is_own) {
            let version = info.version().clone();
            return self.has_backup(version);
        }
        // The user had wanted no backup.
        machine.enable();
        None
    }

    /// The machine makes a new backup in the place of what is there, if that is known.
    fn rotate(&mut self, found: Option<Found>) -> Option<Step<SetUp>> {
        if let Some((version, public_key)) = found {
            if !self.kept.replaces() {
                return self.has_backup(version);
            }
            if !self.kept.is_to_go(&version, public_key.as_ref()) {
                return self.fail(FlowError::OtherDevice);
            }
            self.kept.before.as_mut()?.version = Some(version);
        }
        self.rotations += 1;
        if self.rotations > MAX_ROTATIONS {
            return self.fail(FlowError::KeepsChanging);
        }
        let machine = self.machine.get_mut()?;
        if machine.stage() == backup::Stage::Off {
            machine.enable();
        }
        machine.rotate();
        None
    }

    /// There is a backup that is not to be replaced, and that is not the user's for good as far as the machine knows.
    fn has_backup(&mut self, version: BackupVersion) -> Option<Step<SetUp>> {
        self.fail(match self.kept.aim {
            Aim::Complete => FlowError::NoBackupKey(version),
            Aim::Begin | Aim::Replace => FlowError::HasBackup(version),
        })
    }

    /// What comes after the backup, and after the user has saved the recovery key.
    pub(super) fn go_on(&mut self) {
        if let Some(ending) = self.ending.take() {
            self.machine.goes_on(Err(ending));
            return;
        }
        let (is_shown, is_stored) = (self.kept.is_shown, self.kept.is_stored);
        self.stage = match (is_shown, is_stored) {
            (true, true) => Stage::Finished,
            (false, true) => Stage::Showing { is_shown: false },
            (false, false) if self.kept.replaces() => Stage::Showing { is_shown: false },
            (_, false) => {
                // The user may have taken days.
                self.storage.forget();
                Stage::Storing
            }
        };
    }

    /// Shows the recovery key of the storage.
    pub(super) fn show(&mut self, is_shown: bool) -> Option<Step<SetUp>> {
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

    /// What the machine makes now is made for this: what it had begun before, it does not go on with.
    fn note_draft(&mut self) {
        let draft_key = self.machine.get().and_then(Backup::draft_key);
        let made = draft_key.or(self.kept.made);
        // A crash may have left the machine's part of what was saved, and not this one.
        self.is_unsaved |= made != self.kept.made;
        self.kept.made = made;
    }

    fn save_machine(&mut self, saved: backup::SavedBackup) {
        if self.stage == Stage::BackingUp {
            self.note_draft();
        }
        self.saved_backup = saved;
        (self.is_unsaved, self.machine_saves) = (true, true);
    }
}

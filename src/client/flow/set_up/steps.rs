//! The steps of setting up, one function for each stage.

use rand_core::CryptoRng;

use super::{SetUp, Stage};
use crate::{
    client::{
        backup::{self, Next, Question, Reply, SecretTask},
        flow::{FlowError, SetUpDone, Step},
    },
    secret_storage::{Change, ChangeError, PlanNote, SecretStorage, SecretStorageKey},
    secret_value::SecretValue,
};

type Done = Result<SetUpDone, FlowError>;

impl SetUp {
    /// Whether there is a secret storage already that is not ours.
    pub(super) fn check(&mut self) -> Option<Step<Done>> {
        let Some(storage) = self.storage.get() else { return Some(Step::ReadAccountData) };
        if self.is_taken(&storage) {
            return Some(self.fail(FlowError::HasStorage(storage.default_key().cloned())));
        }
        if self.kept.replaces && !self.kept.has_begun {
            self.begin();
        }
        self.stage = Stage::BackingUp;
        None
    }

    /// Whether somebody has a secret storage here that is not to be replaced.
    fn is_taken(&self, storage: &SecretStorage) -> bool {
        let new_id = self.kept.new_key.id();
        let is_others = storage.default_key().is_some_and(|id| id != new_id)
            || storage.keys().any(|key| key.id() != new_id);
        is_others && !self.kept.replaces
    }

    /// Lets the machine make the backup.
    pub(super) fn back_up(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<Done>> {
        let machine = self.backup.as_mut()?;
        match machine.next(now, rng) {
            Next::Save(saved) => {
                self.saved_backup = *saved;
                (self.is_unsaved, self.machine_saves) = (true, true);
                None
            }
            Next::Send(operation) => Some(Step::Send(operation)),
            Next::Sign(id, key) => Some(Step::Sign(id, key)),
            Next::Want(_) => {
                // The host goes on with the machine, and its sessions, when the flow has ended.
                machine.offer(&[], rng);
                self.is_running()
            }
            Next::WriteSecret(SecretTask::Store(secret)) => {
                self.stage = Stage::Storing(Some(secret));
                None
            }
            Next::Ask(id, question) => match *question {
                Question::SetUp { .. } => {
                    // What was asked is still open: nothing else has happened.
                    let _ = machine.reply(id, Reply::Create);
                    self.begun();
                    None
                }
                Question::Use { found, .. } | Question::Changed { found: Some(found), .. } => {
                    Some(self.fail(FlowError::HasBackup(found.version)))
                }
                _ => None,
            },
            Next::NotCreated(error) => Some(self.fail(FlowError::Refused(error))),
            Next::Wait(until) => self.is_running().or(Some(Step::Wait(until))),
            _ => None,
        }
    }

    /// The machine has a backup and wants nothing more for it.
    fn is_running(&mut self) -> Option<Step<Done>> {
        let machine = self.backup.as_ref()?;
        if machine.stage() != backup::Stage::Running || machine.secret_task().is_some() {
            return None;
        }
        if !(self.kept.has_begun && machine.has_key()) {
            let version = machine.trusted()?.version().clone();
            return Some(self.fail(FlowError::HasBackup(version)));
        }
        // After a restart the secrets may be written in part.
        self.stage = Stage::Storing(None);
        None
    }

    /// Writes the secrets.
    pub(super) fn store(
        &mut self,
        backup_key: Option<&SecretValue>,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Option<Step<Done>> {
        if let Some(failure) = self.failure.take() {
            return Some(self.fail(failure));
        }
        if let Some(plan) = self.storage.finished() {
            self.notes = plan.notes().to_vec();
            if let Some(machine) = &mut self.backup {
                // The plan has read it back.
                let _ = machine.secret_read_back(backup_key);
            }
            self.stage = Stage::Showing { is_shown: false };
            return None;
        }
        if self.storage.wants_plan() {
            let storage = self.storage.get()?;
            if self.is_taken(&storage) {
                // Another device has set one up in the same moment. The machine still has its key to store.
                return Some(self.fail(FlowError::HasStorage(storage.default_key().cloned())));
            }
            let old_keys = self.old_keys(&storage);
            let plan = storage.plan_with_rng(&old_keys, &self.limits, rng, |change| {
                self.change(change, &storage, &old_keys, backup_key)
            });
            match plan {
                Ok(plan) => self.storage.run(plan),
                Err(error) => return Some(self.fail(error.into())),
            }
            return None;
        }
        let sent = self.storage.call(now, rng).map(|operation| Step::Send(Box::new(operation)));
        Some(sent.unwrap_or_else(|| Step::Wait(self.storage.post.until())))
    }

    /// The old keys that are still described.
    fn old_keys(&self, storage: &SecretStorage) -> Vec<SecretStorageKey> {
        let described = |(id, key): &(_, _)| storage.key(id)?.accept(key).ok();
        self.kept.old_keys.iter().filter_map(described).collect()
    }

    fn change(
        &self,
        change: &mut Change<'_>,
        storage: &SecretStorage,
        old_keys: &[SecretStorageKey],
        backup_key: Option<&SecretValue>,
    ) -> Result<(), ChangeError> {
        let new_key = &self.kept.new_key;
        change.create(new_key)?;
        for secret in self.kept.secrets.iter().chain(backup_key) {
            change.store(secret.name(), secret.to_text().expose_str())?;
        }
        for key in storage.keys().filter(|key| key.id() != new_key.id()) {
            if old_keys.iter().any(|old| old.id() == key.id()) {
                change.rotate(key.id(), new_key)?;
            } else {
                change.note(PlanNote::KeyStays(key.id().clone()));
            }
        }
        Ok(())
    }

    /// Shows the recovery key of the storage, once everything opens with it.
    pub(super) fn show(&mut self, is_shown: bool) -> Option<Step<Done>> {
        if is_shown {
            return Some(Step::Wait(None));
        }
        self.stage = Stage::Showing { is_shown: true };
        match self.kept.new_key.to_recovery_key() {
            Some(key) => Some(Step::ShowRecoveryKey(key)),
            None => {
                self.stage = Stage::Saved;
                None
            }
        }
    }

    pub(super) fn finish(&mut self) -> Option<Step<Done>> {
        let mut backup = self.backup.take()?;
        // The key of the backup is in the storage, whose key the user has.
        backup.recovery_key_saved();
        let storage_key = self.kept.new_key.key().clone();
        let notes = std::mem::take(&mut self.notes);
        self.stage = Stage::Ended;
        Some(Step::Done(Box::new(Ok(SetUpDone { backup, storage_key, notes }))))
    }

    fn fail(&mut self, error: FlowError) -> Step<Done> {
        self.stage = Stage::Ended;
        Step::Done(Box::new(Err(error)))
    }

    /// The machine makes a new backup in the place of what is there.
    fn begin(&mut self) {
        if let Some(machine) = &mut self.backup {
            machine.rotate();
        }
        self.begun();
    }

    /// The machine knows what to do, and both know it after a restart.
    fn begun(&mut self) {
        if let Some(machine) = &self.backup {
            self.saved_backup = machine.save();
        }
        self.kept.has_begun = true;
        self.is_unsaved = true;
    }
}

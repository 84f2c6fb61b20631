//! The secrets are written, and compared with what there is when all of them are.

use rand_core::CryptoRng;

use super::{Look, SetUp, Stage, next::has_looked};
use crate::{
    backup::BackupDecryptionKey,
    client::{
        backup::Backup,
        flow::{FlowError, Step},
    },
    ids::{SecretName, SecretStorageKeyId},
    secret_storage::{Change, ChangeError, EncryptedSecret, SecretStorage},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys, SecretValue},
};

impl SetUp {
    /// Asks for the account data: the host for all of it, then the homeserver for what the host may not have heard of.
    pub(super) fn read(&mut self) -> Option<Step<SetUp>> {
        let courier = self.machine.courier()?;
        Some(self.storage.step(courier))
    }

    /// Writes the secrets.
    pub(super) fn store(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SetUp>> {
        if let Some(plan) = self.storage.finished() {
            self.notes = plan.notes().to_vec();
            if self.is_verified || !self.kept.replaces() {
                return self.stored();
            }
            // A secret may have been stored meanwhile, under a key that has gone.
            self.is_verified = true;
            self.storage.look_again();
            return None;
        }
        if !self.storage.wants_plan() {
            return self.carry_out();
        }
        let Some(storage) = self.storage.get() else { return self.read() };
        if self.is_current != Look::Done {
            return self.look_at_backup(now, rng);
        }
        self.is_current = Look::Needed;
        if self.kept.is_taken(&storage) {
            return self.taken(&storage);
        }
        // The machine may have stored it before, and a crash may have forgotten that. It is asked for its key at each plan:
        // it does not wish one to be stored while only a device vouches for the backup, and the set-up needs one.
        let backup_key = self.machine.get()?.storable_key().filter(|_| self.kept.made.is_some());
        if backup_key.is_none() && self.kept.made.is_some() {
            return self.fail(FlowError::OtherDevice);
        }
        match self.keep_former_key(&storage) {
            Ok(true) => return None,
            Ok(false) => {}
            Err(error) => return self.fail(error.into()),
        }
        let keys = self.kept.old_keys.clone();
        let plan = storage.plan_with_rng(&keys, &self.limits, rng, |change| {
            self.change(change, &storage, backup_key.as_ref())
        });
        match plan {
            Ok(plan) => {
                self.is_verified &= plan.steps().is_empty();
                self.storage.run(plan);
                None
            }
            Err(error) => self.fail(error.into()),
        }
    }

    /// Sends the next request of the plan. That a key is to become the default one is saved before: what comes of the
    /// request may never be known.
    fn carry_out(&mut self) -> Option<Step<SetUp>> {
        if self.storage.is_to_write_default_key() && !self.kept.may_be_default {
            (self.kept.may_be_default, self.is_unsaved) = (true, true);
            return None;
        }
        self.read()
    }

    /// The backup is to be the current one before anything is written about it.
    fn look_at_backup(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Step<SetUp>> {
        if self.kept.made.is_none() {
            // None is wanted.
            self.is_current = Look::Done;
            return None;
        }
        let machine = self.machine.get_mut()?;
        if self.is_current == Look::Needed {
            machine.look_afresh();
            self.is_current = Look::Asked;
        }
        if !has_looked(machine) {
            return self.look(now, rng);
        }
        if !self.kept.is_made(machine) {
            let is_gone = machine.found().is_none();
            return self.fail(if is_gone { FlowError::NotShown } else { FlowError::OtherDevice });
        }
        self.is_current = Look::Done;
        None
    }

    fn change(
        &self,
        change: &mut Change<'_>,
        storage: &SecretStorage,
        backup_key: Option<&SecretValue>,
    ) -> Result<(), ChangeError> {
        let new_key = &self.kept.new_key;
        change.trust(self.kept.belief.clone());
        // What is new goes first: what stands there by now is not to get under the new key.
        let under = [new_key.id().clone()];
        change.describe(new_key)?;
        for secret in &self.kept.secrets {
            // What opens with the new key was written since, by this flow or by somebody who has the key.
            if self.kept.completes() {
                change.store_missing_under(secret, new_key.id())?;
                continue;
            }
            let mut key = [new_key.key().clone()];
            if storage.open(secret.name(), &mut key, &PublicKeys::default()).is_err() {
                change.store_under(secret, &under)?;
            }
        }
        backup_key.map_or(Ok(()), |key| change.store_under(key, &under))?;
        change.create(new_key)?;
        if self.kept.replaces() {
            let gone: Vec<SecretStorageKeyId> =
                self.kept.old_keys.iter().map(|key| key.id().clone()).collect();
            change.leave_to(new_key, &gone);
        }
        Ok(())
    }

    /// A key that is about to be replaced is kept by the machine, and saved before; `false` if nothing is to be saved.
    fn keep_former_key(&mut self, storage: &SecretStorage) -> Result<bool, ChangeError> {
        if !self.kept.completes() {
            return Ok(false);
        }
        let (former, machine) = (self.former_key(storage)?, self.machine.get_mut());
        let (Some(former), Some(machine)) = (former, machine) else { return Ok(false) };
        let is_new = machine.keep_former_key(former);
        if is_new {
            (self.saved_backup, self.is_unsaved) = (machine.save(), true);
        }
        Ok(is_new)
    }

    /// The key of a backup that is stored, for a flow that takes nothing away; nothing if none is. What another key opens may
    /// be another one.
    pub(super) fn former_key(
        &self,
        storage: &SecretStorage,
    ) -> Result<Option<BackupDecryptionKey>, ChangeError> {
        let name = SecretName::from(MEGOLM_BACKUP_V1);
        if storage.secret(&name).is_none() && !storage.is_unreadable(&name) {
            return Ok(None);
        }
        let mut key = [self.kept.new_key.key().clone()];
        let opened = storage.open(&name, &mut key, &PublicKeys::default()).ok();
        let former = opened.and_then(|opened| opened.backup_key());
        let used = self.machine.get().and_then(Backup::used_key);
        let mut ids = storage.secret(&name).into_iter().flat_map(EncryptedSecret::key_ids);
        let is_alone = ids.all(|id| id == self.kept.new_key.id());
        let former = former.filter(|former| is_alone || used == Some(*former.public_key()));
        former.map(Some).ok_or(ChangeError::NotOpened(name))
    }

    /// Somebody else has a secret storage here.
    pub(super) fn taken(&mut self, storage: &SecretStorage) -> Option<Step<SetUp>> {
        self.fail(if self.kept.replaces() {
            FlowError::OtherDevice
        } else {
            FlowError::HasStorage(storage.default_key().cloned())
        })
    }

    /// Everything is written, and was read back.
    fn stored(&mut self) -> Option<Step<SetUp>> {
        let machine = self.machine.get_mut()?;
        // The plan has read it back.
        let _ = machine.secret_read_back(machine.storable_key().as_ref());
        self.saved_backup = machine.save();
        (self.kept.is_stored, self.is_unsaved) = (true, true);
        self.stage = Stage::Checking;
        None
    }
}

//! The decryption key in the secret storage, and disabling.

// docs/decisions.md, 13: what lasts and what hangs on a device are told apart.

use super::{
    AnswerError, Backup, Next, RequestKind, Stage,
    kept::{SecretChange, UsedBackup, Vaulted},
    scopes::Scopes,
    stage::Event,
};
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, Proofs},
    ids::BackupVersion,
    provenance::Provenance,
    secret_value::SecretValue,
};

impl Backup {
    /// Whether the secret storage is to be changed, and that was not read back yet. A key that counts only because a device
    /// shared it, or of a backup that only devices have signed, is not stored: there it would count for good, whatever
    /// becomes of the device.
    #[must_use]
    pub fn secret_is_due(&self) -> bool {
        self.kept.vaulted.change().is_some_and(|change| self.changes_secret(change).is_some())
    }

    /// What the host is to do, if it may be done.
    fn changes_secret(&self, change: SecretChange) -> Option<Next> {
        match change {
            SecretChange::Delete => Some(Next::DeleteSecret),
            SecretChange::Store => self.storable_key().map(Next::StoreSecret),
        }
    }

    /// The key of the backup in use, as a secret. Once it is stored it counts for good, so there is none unless the backup
    /// is trusted for good.
    pub(in crate::client) fn storable_key(&self) -> Option<SecretValue> {
        let used = self.kept.used_key()?;
        let secret = self.kept.key_of(&used)?.to_secret();
        let is_trusted = self.trusted().is_some_and(|it| *it.public_key() == used);
        (is_trusted && self.is_trusted_for_good()).then(|| secret.verified())
    }

    /// Keeps the key of a backup that is not the current one any more, since its copy in the secret storage is about to be
    /// replaced; `false` if it is here already, or is that of the backup in use.
    pub(in crate::client) fn keep_former_key(&mut self, key: BackupDecryptionKey) -> bool {
        let public_key = *key.public_key();
        let is_used = self.kept.used_key() == Some(public_key);
        let is_here = is_used || self.kept.key_of(&public_key).is_some();
        // It makes no room for others: it may be the only copy from now on.
        let is_new = !is_here && self.kept.keep_key(key, Some(public_key));
        if is_new {
            self.office.touch();
        }
        is_new
    }

    pub(in crate::client) fn used_version(&self) -> Option<&BackupVersion> {
        self.kept.used.as_ref().map(|used| &used.version)
    }

    pub(in crate::client) fn used_key(&self) -> Option<BackupPublicKey> {
        self.kept.used_key()
    }

    /// Whether the current backup is this device's own and its key is stored nowhere yet, whether or not it may be stored
    /// now.
    pub(in crate::client) fn is_unfinished(&self) -> bool {
        let found = self.look.public_key();
        self.kept.vaulted.change() == Some(SecretChange::Store)
            && found.is_some_and(|found| self.kept.used_key() == Some(found))
            && self.has_key()
    }

    /// Whether the key of the backup in use is to be written to the secret storage, and is not for the time being: only
    /// devices vouch for it, and stored it would count whatever becomes of them.
    ///
    /// It is written once the user has typed the key or signed the backup with a cross-signing key that the host has
    /// [declared](crate::signed_json::TrustedSigner::of_cross_signing_key) as one. After a restart such a signature counts
    /// again once the host has told [who is trusted](Self::set_signers).
    #[must_use]
    pub fn secret_is_withheld(&self) -> bool {
        self.kept.vaulted.change() == Some(SecretChange::Store)
            && self.trusted().is_some()
            && !self.secret_is_due()
    }

    /// What the secret storage holds under `m.megolm_backup.v1` now, read back from the server and opened.
    ///
    /// # Errors
    ///
    /// [`AnswerError::SecretNotRead`] if it is not what was to be written. The task stays, over a restart too, and is not
    /// given again by itself: see [`Backup::secret_storage_is_ready`].
    pub fn secret_read_back(&mut self, stored: Option<&SecretValue>) -> Result<(), AnswerError> {
        let holds = match (self.kept.vaulted.change(), stored) {
            (None, _) | (Some(SecretChange::Delete), None) => true,
            (Some(SecretChange::Store), Some(stored)) => {
                let key = self.kept.used_key();
                key.is_some_and(|key| stored.check_backup_key(key.as_curve25519()).is_ok())
            }
            _ => false,
        };
        if !holds {
            return Err(AnswerError::SecretNotRead);
        }
        if std::mem::take(&mut self.kept.vaulted) != Vaulted::Unneeded {
            self.office.touch();
        }
        Ok(())
    }

    /// The secret storage was set up or unlocked, so that what is still to be written can be written.
    pub fn secret_storage_is_ready(&mut self) {
        self.kept.vaulted.ask_again();
        self.look.is_current = false;
        self.look_again();
    }

    /// What the secret storage holds under `m.megolm_backup.v1`, whenever the host has opened it: if it is not the key
    /// of the backup in use, and that is at hand, it is stored again. Two devices that write at one moment do not see
    /// each other.
    pub fn secret_found(&mut self, stored: Option<&SecretValue>) {
        let Some(used) = self.kept.used_key().filter(|_| self.stage() == Stage::Running) else {
            return;
        };
        let fits = |stored: &SecretValue| stored.check_backup_key(used.as_curve25519()).is_ok();
        let is_there = stored.is_some_and(fits);
        if !is_there && self.kept.vaulted == Vaulted::Unneeded && self.kept.key_of(&used).is_some()
        {
            self.kept.vaulted = Vaulted::Due(SecretChange::Store);
            self.secret_storage_is_ready();
            self.office.touch();
        }
    }

    /// The account has no secret storage, so nothing has to be deleted from it. The key of a backup that is in use
    /// stays to be written.
    pub fn no_secret_storage(&mut self) {
        if self.kept.vaulted.change() == Some(SecretChange::Delete) {
            self.kept.vaulted = Vaulted::Unneeded;
            self.office.touch();
        }
    }

    /// What is to be written to the secret storage, once. A key is not stored before its backup is the current one: the task
    /// may wait for days, and another device may have put a newer key there.
    pub(super) fn write_secret(&mut self) -> Option<Next> {
        // What is stored, or deleted, is the key of the backup that is the current one now.
        let Vaulted::Due(change) = self.kept.vaulted else { return None };
        let is_settled = matches!(self.stage(), Stage::Running | Stage::Disabling);
        let next = self.changes_secret(change).filter(|_| is_settled && self.look.is_current)?;
        self.kept.vaulted = Vaulted::Asked(change);
        Some(next)
    }

    pub(super) fn start_disabling(&mut self) {
        self.preference.known.write = Some(false);
        self.kept.vaulted = Vaulted::Due(SecretChange::Delete);
        self.kept.recovery_key_unsaved = false;
    }

    /// The user wants no backup, and has agreed that these versions go with all that is in them; if there is another one it
    /// stays. What the secret storage holds is not the machine's business.
    pub(in crate::client) fn disable_versions(&mut self, versions: &[BackupVersion]) {
        self.disable();
        if let Some(disabling) = self.state.disabling_mut() {
            disabling.only = Some(versions.iter().take(MANY as usize).cloned().collect());
        }
        self.kept.vaulted = Vaulted::Unneeded;
        self.office.touch();
    }

    /// Nothing is disabled any more. What may be gone from the secret storage is stored again.
    pub(super) fn keep_secret(&mut self) {
        self.kept.vaulted = Vaulted::Unneeded;
        let has_key = self.kept.used_key().is_some_and(|used| self.kept.key_of(&used).is_some());
        if has_key {
            self.is_own();
        }
    }

    /// Versions go last: until then a crash leaves a backup that can be used again.
    pub(super) fn may_delete(&self) -> bool {
        self.preference.known.write.is_none() && self.kept.vaulted == Vaulted::Unneeded
    }

    /// That a version was deleted is seen when it is gone.
    fn count_deletions(&mut self) {
        let (found, state) = (self.look.found().map(|info| info.version()), &mut self.state);
        let Some(disabling) = state.disabling_mut() else { return };
        match disabling.attempted.take() {
            Some(attempted) if found == Some(&attempted) || disabling.deleted >= MANY => {
                self.office.courier.failed(RequestKind::DeleteVersion, 0);
            }
            Some(_) => {
                disabling.deleted += 1;
                self.office.courier.settled(RequestKind::DeleteVersion);
            }
            None => {}
        }
    }

    /// The first version to go is the one that the user meant; what shows after it is deleted, also after a restart.
    pub(super) fn delete_next(&mut self) {
        self.count_deletions();
        let (found, may_delete) = (self.look.found().map(|info| info.version()), self.may_delete());
        let Some(disabling) = self.state.disabling_mut() else { return };
        let is_unknown = disabling.meant.is_some() && found.is_some();
        let is_failing = self.office.courier.is_failing(RequestKind::DeleteVersion);
        let may_go =
            |found: &BackupVersion| disabling.only.as_ref().is_none_or(|only| only.contains(found));
        let stays = found.is_some_and(|found| !may_go(found));
        match found {
            Some(found) if is_unknown && disabling.meant.as_ref() != Some(found) => {
                let is_used = self.kept.used.is_some();
                self.turn(if is_used { Event::Other } else { Event::Untrusted });
            }
            // The secret goes first.
            _ if !may_delete => {}
            Some(found) if !is_failing && !stays && !found.as_str().is_empty() => {
                disabling.condemned = Some(found.clone());
                if disabling.meant.take().is_some() {
                    self.office.touch();
                }
            }
            // What the server has no name for cannot be deleted, nor what it does not delete: that the host is told.
            _ => {
                let failure = self.office.courier.last_error(RequestKind::DeleteVersion);
                let is_refused = is_failing && !stays && found.is_some();
                if let Some(failure) = failure.filter(|_| is_refused).cloned() {
                    self.office.deliver(Next::NotDeleted(failure));
                }
                self.forget();
                self.turn(Event::Deleted);
            }
        }
    }

    /// What was used is not used again. The key of a version that is left stays, since nobody else may have it, and so does
    /// that of one that nobody has agreed to delete, which may only not be shown. A request to create one may still arrive.
    pub(super) fn forget(&mut self) {
        let used = self.kept.used.take();
        let only = self.state.disabling_mut().and_then(|disabling| disabling.only.as_ref());
        let is_kept = |used: &&UsedBackup| only.is_some_and(|only| !only.contains(&used.version));
        let kept = used.as_ref().filter(is_kept).map(|used| used.public_key);
        let used = used.map(|used| used.public_key);
        used.into_iter().for_each(|used| self.kept.retire(used));
        let left = self.look.public_key();
        self.kept.keys.retain(|key| {
            let public_key = Some(*key.public_key());
            let is_drawn = key.provenance() == Provenance::Generated && public_key != used;
            is_drawn || public_key == left || public_key == kept
        });
        self.kept.proofs = Proofs::default();
        self.download.wanted = Scopes::default();
        self.office.touch();
    }
}

/// More versions than an account has. A server that shows another one after so many deletions is taken for one that deletes
/// nothing.
const MANY: u32 = 200;

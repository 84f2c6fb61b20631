//! The user's signatures are taken off a backup that is not trusted any more.

use std::collections::HashSet;

use super::{Backup, Call, Next, RequestKind, Stage};
use crate::{
    api,
    backup::{AuthData, BackupVersionInfo},
    client::{courier::PATIENCE, failure::Failure, waiting::RequestFailure},
    ids::{BackupVersion, KeyId},
};

/// Signatures that are to go. It is not remembered over a restart.
#[derive(Debug)]
pub(super) struct Withdrawal {
    version: BackupVersion,
    key_ids: Vec<KeyId>,
    /// What was there when the user said so.
    auth_data: AuthData,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The backup is to be what it was.
    Look,
    /// It was, just now: it is to be written without them.
    Write,
    /// It was written, or may have been: they are to be gone.
    ReadBack,
}

impl Backup {
    /// Takes the signatures of the user with these keys off the backup that was [found](Self::found) and is not used here:
    /// clients that trust the keys would go on to use it. All the rest of its `auth_data` stays as it is written, and so do the
    /// signatures of others; nothing is signed.
    ///
    /// It is written only if what is read just before is what was found, and read back; [`Next::Withdrawn`] says what came of
    /// it. Returns `false` if nothing is done: no backup was found, it is the one in use or not settled whether it is, or it has
    /// none of these signatures. After a restart it is to be called again.
    ///
    /// Whoever has a copy of the signed `auth_data` still has it: a key that was signed for is given up for good only by another
    /// backup in its place.
    pub fn withdraw_signatures(&mut self, key_ids: &[KeyId]) -> bool {
        let is_unused = matches!(self.stage(), Stage::Untrusted | Stage::Changed | Stage::Off);
        let Some(info) = self.look.found().filter(|_| is_unused) else { return false };
        let Ok(auth_data) = info.auth_data() else { return false };
        let user_id = &self.office.user_id;
        if info.version().as_str().is_empty() || !auth_data.has_signature_of(user_id, key_ids) {
            return false;
        }
        let (version, auth_data) = (info.version().clone(), auth_data.clone());
        let key_ids = key_ids.to_vec();
        self.withdrawal = Some(Withdrawal { version, key_ids, auth_data, step: Step::Look });
        self.office.courier.settled(RequestKind::UpdateVersion);
        self.look_again();
        true
    }

    /// The request that writes the `auth_data`, if that was seen just now.
    pub(super) fn withdrawal_call(&mut self) -> Option<Call> {
        if !self.writes_withdrawal() {
            return None;
        }
        let withdrawal = self.withdrawal.as_mut()?;
        withdrawal.step = Step::ReadBack;
        let key_ids: HashSet<_> = withdrawal.key_ids.iter().collect();
        let auth_data = withdrawal.auth_data.clone();
        let without = auth_data.without_signatures(&self.office.user_id, &key_ids);
        let version = withdrawal.version.clone();
        Some(Call::UpdateVersion(api::update_backup_version(&version, &without)))
    }

    /// What has come into use meanwhile is looked at instead, which ends it.
    pub(super) fn writes_withdrawal(&self) -> bool {
        let is_due = self.withdrawal.as_ref().is_some_and(|it| it.step == Step::Write);
        is_due && self.state.in_use().is_none()
    }

    /// The homeserver has said which backup is the current one.
    pub(super) fn withdrawal_looked(&mut self) {
        let Some(withdrawal) = &mut self.withdrawal else { return };
        let is_it = |info: &&BackupVersionInfo| *info.version() == withdrawal.version;
        let found = self.look.found.as_ref().map(|found| &found.info).filter(is_it);
        let Some(auth_data) = found.and_then(|info| info.auth_data().ok()) else {
            return self.withdrawn(Err(RequestFailure::OtherBackup));
        };
        let is_signed = auth_data.has_signature_of(&self.office.user_id, &withdrawal.key_ids);
        let is_same = auth_data.as_json() == withdrawal.auth_data.as_json();
        if !is_signed {
            return self.withdrawn(Ok(()));
        }
        // Another client may have begun to use it, or this one: what is there is looked at before it is called again.
        if !is_same || self.state.in_use().is_some() {
            return self.withdrawn(Err(RequestFailure::OtherBackup));
        }
        if withdrawal.step == Step::ReadBack {
            self.office.courier.failed(RequestKind::UpdateVersion, 0);
            if self.is_withdrawal_hopeless() {
                return;
            }
        }
        if let Some(withdrawal) = &mut self.withdrawal {
            withdrawal.step = Step::Write;
            self.look.due_ms = 0;
        }
    }

    /// The homeserver has answered the request that writes the `auth_data`.
    pub(super) fn withdrawal_written(&mut self, answer: Result<(), Failure>) {
        self.look_again();
        let Err(failure) = answer else { return };
        self.office.courier.failed(RequestKind::UpdateVersion, failure.wait_ms());
        let is_final = matches!(failure, Failure::Refused(_));
        if is_final && let Some(error) = self.update_error() {
            return self.withdrawn(Err(error));
        }
        if let Some(withdrawal) = &mut self.withdrawal {
            withdrawal.step = Step::Look;
        }
        self.is_withdrawal_hopeless();
    }

    /// The homeserver does not say which backup there is.
    pub(super) fn withdrawal_unseen(&mut self) {
        if let Some(failure) = self.look.failure.clone().filter(|_| self.withdrawal.is_some()) {
            self.withdrawn(Err(failure));
        }
    }

    /// Ends it if it has failed for about an hour.
    fn is_withdrawal_hopeless(&mut self) -> bool {
        let is_hopeless = self.office.courier.failures(RequestKind::UpdateVersion) >= PATIENCE;
        if is_hopeless {
            let error = self.update_error().unwrap_or(RequestFailure::NoEffect);
            self.withdrawn(Err(error));
        }
        is_hopeless
    }

    fn update_error(&self) -> Option<RequestFailure> {
        self.office.courier.last_error(RequestKind::UpdateVersion).cloned()
    }

    fn withdrawn(&mut self, outcome: Result<(), RequestFailure>) {
        if let Some(withdrawal) = self.withdrawal.take() {
            self.office.courier.settled(RequestKind::UpdateVersion);
            self.office.deliver(Next::Withdrawn(withdrawal.version, outcome));
        }
    }
}

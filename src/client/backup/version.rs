//! Which backup is the current one, and whether it may be used.

use super::{
    Backup, BackupOptions, Call, FoundBackup, Question, RequestKind, Signing, Stage,
    look::Look,
    stage::{Event, step},
    trust::is_used,
};
use crate::client::{failure::Failure, operation::OperationId};
use crate::{
    api::{CreateBackupVersion, DeleteBackupVersion, GetCurrentBackupVersion},
    backup::BackupVersionInfo,
    ids::BackupVersion,
};

impl Backup {
    /// Something happened: gets into the next stage, and does what belongs to the change.
    pub(super) fn turn(&mut self, event: Event) {
        let (before, after) = (self.kept.stage, step(self.kept.stage, event));
        if before == after {
            return;
        }
        self.kept.stage = after;
        if !(before.makes_backup() && after.makes_backup()) {
            self.changed_at_ms = self.courier.now();
        }
        self.version.due_ms = 0;
        self.touch();
        let goes_on = Stage::Running == after || after.makes_backup();
        if !goes_on {
            self.stop_uploads();
        }
        if after == Stage::Disabling {
            self.start_disabling();
        } else if before == Stage::Off || before == Stage::Disabling {
            self.kept.disabling = None;
            self.keep_secret();
        }
        if event == Event::Enable {
            self.kept.preference.write = Some(true);
        }
    }

    /// The next request about versions, if one is due.
    pub(super) fn version_call(&mut self, now: u64) -> Option<Call> {
        if self.version.in_flight.is_some() || self.version_due()? > now {
            return None;
        }
        match self.version_kind() {
            RequestKind::CreateVersion => {
                (self.signing.is_to_be_sent, self.signing.is_fresh) = (false, false);
                self.signing.is_unsent = false;
                let auth_data = self.kept.draft.as_ref()?.auth_data(&self.user_id).ok()?;
                Some(Call::Create(CreateBackupVersion::new(auth_data)))
            }
            RequestKind::DeleteVersion => {
                let version = self.condemned.take()?;
                self.attempted = Some(version.clone());
                Some(Call::Delete(DeleteBackupVersion::new(version)))
            }
            _ => Some(Call::Current(GetCurrentBackupVersion)),
        }
    }

    /// What the next request about versions is.
    pub(super) fn version_kind(&self) -> RequestKind {
        let Signing { is_to_be_sent, is_fresh, .. } = self.signing;
        match self.kept.stage {
            Stage::Confirming if is_to_be_sent && is_fresh => RequestKind::CreateVersion,
            Stage::Disabling if self.condemned.is_some() => RequestKind::DeleteVersion,
            _ => RequestKind::FindVersion,
        }
    }

    /// When the next request about versions may be sent.
    pub(super) fn version_due(&self) -> Option<u64> {
        let due = self.version.due().filter(|_| self.version_is_due())?;
        Some(self.courier.due(self.version_kind())?.max(due))
    }

    /// Whether the stage has anything to ask the server.
    pub(super) fn version_is_due(&self) -> bool {
        match self.kept.stage {
            // Somebody may want to fetch all the same.
            Stage::Off => {
                !self.look.is_done && (self.look.is_wanted || !self.kept.wanted.is_empty())
            }
            Stage::Creating => false,
            // What a new backup replaces has to be known.
            Stage::Signing => !self.look.is_done,
            Stage::Looking => self.preference_is_settled(),
            Stage::Disabling => self.may_delete() || !self.is_confirmed,
            _ => true,
        }
    }

    /// The server was asked which backup is the current one.
    pub(super) fn looked_at(
        &mut self,
        id: OperationId,
        found: Result<Option<BackupVersionInfo>, Failure>,
        now: u64,
    ) {
        let is_outdated = self.is_outdated(id);
        match found {
            Ok(found) => self.current(found, now),
            Err(failure) => {
                self.version_failed(RequestKind::FindVersion, &failure);
                self.not_seen(&failure);
            }
        }
        if is_outdated {
            self.look_afresh();
        }
    }

    /// The server has said which backup is the current one.
    fn current(&mut self, found: Option<BackupVersionInfo>, now: u64) {
        self.found = found;
        self.trusted.signatures.take();
        self.look = Look { is_done: true, ..Look::default() };
        self.found_at_ms = now;
        self.download.knows(self.found.as_ref());
        self.resume_uploads();
        match self.kept.stage {
            Stage::Disabling => match &self.found {
                Some(_) if self.is_unknown() => {
                    let is_used = self.kept.used.is_some();
                    self.turn(if is_used { Event::Other } else { Event::Untrusted });
                }
                // The secret goes first.
                _ if !self.may_delete() => {}
                Some(info) if !info.version().as_str().is_empty() => {
                    let version = info.version().clone();
                    self.condemn(version);
                }
                // What the server has no name for cannot be deleted.
                _ => {
                    self.forget();
                    self.turn(Event::Deleted);
                }
            },
            Stage::Confirming => self.confirm(),
            Stage::Signing | Stage::Creating | Stage::Off => {}
            _ => {
                let event = self.classify();
                self.turn(event);
            }
        }
        self.is_confirmed = matches!(self.kept.stage, Stage::Running | Stage::Disabling);
        self.look_later(now);
    }

    /// When the next look is due.
    fn look_later(&mut self, now: u64) {
        let wait = match self.kept.stage {
            Stage::Absent | Stage::Untrusted | Stage::Changed => self.poll_wait(),
            Stage::Running => self.options.check_ms,
            Stage::Confirming if !self.is_made() => self.creation_wait(),
            _ => 0,
        };
        self.version.answered(now.saturating_add(wait));
        if self.kept.stage == Stage::Confirming && self.is_made() {
            self.courier.failed(RequestKind::FindVersion, 0);
        } else {
            self.courier.succeeded(RequestKind::FindVersion);
        }
        // That a version was deleted is seen when it is gone.
        if self.condemned.is_some() && self.condemned == self.attempted {
            self.courier.failed(RequestKind::DeleteVersion, 0);
        } else if self.attempted.is_some() {
            self.courier.succeeded(RequestKind::DeleteVersion);
        }
    }

    /// How long to wait for the next look while nothing changes: as long as that has been so, within bounds.
    pub(super) fn poll_wait(&self) -> u64 {
        let BackupOptions { poll_ms, check_ms, .. } = self.options;
        self.courier.now().saturating_sub(self.changed_at_ms).clamp(poll_ms, check_ms.max(poll_ms))
    }

    /// Whether what is to be deleted is not what was there when the user said so.
    fn is_unknown(&self) -> bool {
        let Some(Some(known)) = &self.kept.disabling else { return false };
        self.found.as_ref().is_some_and(|info| info.version() != known)
    }

    /// The first version to go is the one that the user meant; what shows after it is deleted, also after a restart.
    fn condemn(&mut self, version: BackupVersion) {
        self.condemned = Some(version);
        if self.kept.disabling != Some(None) {
            self.kept.disabling = Some(None);
            self.touch();
        }
    }

    /// While a new backup is made, uploads go on to the one in use, as long as it is the current one.
    fn resume_uploads(&mut self) {
        if !self.kept.stage.makes_backup() || self.in_use.is_some() {
            return;
        }
        let (Some(info), Some(used)) = (&self.found, &self.kept.used) else { return };
        let is_proved = !self.has_lost_trust() || self.proves_anew(info);
        if let (Ok(backup), true) = (self.trust(info), is_proved && is_used(info, used)) {
            self.use_again(backup);
        }
    }

    /// What the current backup is for this device, and its proof if it may be used at once.
    pub(super) fn classify(&mut self) -> Event {
        let Some(info) = &self.found else {
            return if self.kept.used.is_some() { Event::Other } else { Event::NoBackup };
        };
        if let Some(used) = &self.kept.used {
            if !is_used(info, used) {
                return Event::Other;
            }
        } else if self.kept.preference.enabled == Some(false) {
            return Event::Untrusted;
        }
        // One that came back after another was a question is still one; one that nothing proved is none any more
        // once something does.
        let is_asked = self.kept.stage == Stage::Changed;
        if is_asked && !self.has_lost_trust() {
            return Event::Other;
        }
        if self.has_lost_trust() && !self.proves_anew(info) {
            return Event::Other;
        }
        match (self.trust(info), &self.kept.used) {
            (Ok(backup), None) => {
                self.adopt(backup);
                Event::Trusted
            }
            (Ok(backup), Some(_)) => {
                self.use_again(backup);
                if is_asked { Event::Use } else { Event::Trusted }
            }
            (Err(_), Some(_)) => Event::Other,
            (Err(_), None) => Event::Untrusted,
        }
    }

    /// The questions that the stage asks.
    pub(super) fn stage_question(&self) -> Option<Question> {
        let preference = self.kept.preference.enabled;
        let found = self.found.as_ref().map(|info| self.describe(info));
        match self.kept.stage {
            Stage::Looking => {
                self.unseen().map(|error| Question::Unseen { error: error.clone(), preference })
            }
            Stage::Absent => Some(Question::SetUp { preference }),
            Stage::Untrusted => found.map(|found| Question::Use { found, preference }),
            Stage::Changed if self.look.is_done => {
                let used = self.kept.used.clone()?;
                Some(Question::Changed { used, found, preference })
            }
            _ => None,
        }
    }

    fn describe(&self, info: &BackupVersionInfo) -> FoundBackup {
        let auth_data = info.auth_data().ok();
        let signatures = auth_data.map(|_| self.signatures(info).clone());
        FoundBackup {
            version: info.version().clone(),
            public_key: auth_data.map(|auth_data| *auth_data.public_key()),
            problem: self.trust(info).err(),
            signatures,
            count: info.count(),
        }
    }

    /// A request about versions failed.
    pub(super) fn version_failed(&mut self, kind: RequestKind, failure: &Failure) {
        self.courier.failed(kind, failure.wait_ms());
        let is_retried = self.kept.stage == Stage::Confirming && kind == RequestKind::CreateVersion;
        let wait = if is_retried { self.creation_wait() } else { 0 };
        self.version.answered(self.courier.now().saturating_add(wait));
    }
}

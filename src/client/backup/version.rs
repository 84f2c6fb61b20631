//! Which backup is the current one, and whether it may be used.

// docs/decisions.md, 27: the user is asked about facts of today.

use super::{
    Backup, Call, FoundBackup, Lane, Question, RequestKind, Stage,
    seen::Found,
    stage::{Creation, Event, Making, Phase, State},
    trust::is_used,
    upload::InUse,
};
use crate::client::{failure::Failure, operation::TaskId};
use crate::{api, backup::BackupVersionInfo, encoding::format::FormatProblem};

impl Backup {
    /// Something happened: gets into the next stage, and does what belongs to the change.
    pub(super) fn turn(&mut self, event: Event) {
        let before = self.stage();
        let is_enabled = matches!(event, Event::Enable);
        let is_refused = matches!(event, Event::Refused);
        let is_shown = matches!(event, Event::NoBackup | Event::Untrusted | Event::Other);
        let draft = self.state.making().and_then(Making::draft).cloned();
        self.state = std::mem::take(&mut self.state).after(event);
        let after = self.stage();
        if before == after {
            return;
        }
        let now = self.office.courier.now();
        if is_shown {
            self.look.has_changed(now, &self.office.options);
        } else if !(before.makes_backup() && after.makes_backup()) {
            self.look.changed_at_ms = now;
        }
        (self.look.due_ms, self.look.is_current) = (0, false);
        self.office.touch();
        if before == Stage::Running {
            // Who has changed the backup may have written the preference, too.
            self.preference.known_at_ms = None;
        }
        // A request to create it may still arrive, however often it has failed; not one that never went out.
        if let Some(draft) = draft.filter(|draft| !(is_refused && draft.is_unsent))
            && !after.makes_backup()
        {
            self.kept.keep_key(draft.key, None);
        }
        if after == Stage::Disabling {
            self.start_disabling();
        } else if before == Stage::Off || before == Stage::Disabling {
            self.office.courier.settled(RequestKind::DeleteVersion);
            self.keep_secret();
        }
        if is_enabled {
            self.preference.known.write = Some(true);
        }
    }

    pub(super) fn version_call(&mut self, now: u64) -> Option<Call> {
        if self.version_due()? > now {
            return None;
        }
        if let Some(call) = self.withdrawal_call() {
            return Some(call);
        }
        match &mut self.state {
            State::Making(Making {
                phase: Phase::Confirming(draft, creation @ Creation::Ready),
                ..
            }) => {
                (*creation, draft.is_unsent) = (Creation::Sent, false);
                let auth_data = draft.auth_data(&self.office.user_id).ok()?;
                Some(Call::CreateVersion(api::create_backup_version(&auth_data)))
            }
            State::Disabling(disabling) if disabling.condemned.is_some() => {
                let version = disabling.condemned.take()?;
                disabling.attempted = Some(version.clone());
                Some(Call::DeleteVersion(api::delete_backup_version(&version)))
            }
            _ => Some(Call::FindVersion(api::get_current_backup_version())),
        }
    }

    pub(super) fn version_kind(&self) -> RequestKind {
        match &self.state {
            _ if self.writes_withdrawal() => RequestKind::UpdateVersion,
            State::Making(Making { phase: Phase::Confirming(_, Creation::Ready), .. }) => {
                RequestKind::CreateVersion
            }
            State::Disabling(disabling) if disabling.condemned.is_some() => {
                RequestKind::DeleteVersion
            }
            _ => RequestKind::FindVersion,
        }
    }

    pub(super) fn version_due(&self) -> Option<u64> {
        let is_due = !self.office.courier.is_busy(Lane::Version) && self.version_is_due();
        let due = self.office.courier.due(self.version_kind()).filter(|_| is_due)?;
        Some(due.max(self.look.due_ms))
    }

    /// Whether the stage has anything to ask the server.
    pub(super) fn version_is_due(&self) -> bool {
        match self.stage() {
            _ if self.withdrawal.is_some() => true,
            // Somebody may want to fetch all the same.
            Stage::Off => {
                !self.look.is_done
                    && (self.look.wanted_since.is_some() || !self.download.wanted.is_empty())
            }
            Stage::Creating => false,
            // What a new backup replaces has to be known.
            Stage::Signing => !self.look.is_done,
            Stage::Looking => self.preference.is_settled(&self.office),
            Stage::Disabling => self.may_delete() || !self.look.is_current,
            _ => true,
        }
    }

    pub(super) fn looked_at(
        &mut self,
        id: TaskId,
        found: Result<Option<BackupVersionInfo>, Failure>,
    ) {
        // What was on its way already when the backup was to be looked at anew does not count.
        let is_outdated = self.look.wanted_since.is_some_and(|since| id.0 <= since);
        match found {
            Ok(found) => {
                self.current(found);
                self.count_again(id);
            }
            Err(failure) => {
                self.version_failed(RequestKind::FindVersion, &failure);
                self.not_seen(&failure);
                self.withdrawal_unseen();
            }
        }
        if is_outdated {
            self.look_afresh();
        }
    }

    fn current(&mut self, found: Option<BackupVersionInfo>) {
        let now = self.office.courier.now();
        self.look.is_answered(found, now);
        self.download.knows(self.look.found());
        self.resume_uploads();
        match self.stage() {
            Stage::Disabling => self.delete_next(),
            Stage::Confirming => self.confirm(),
            Stage::Signing | Stage::Creating | Stage::Off => {}
            _ => {
                let event = self.classify();
                self.turn(event);
            }
        }
        self.look.is_current = true;
        self.look_later();
        self.withdrawal_looked();
    }

    fn look_later(&mut self) {
        let is_made = self.state.making().and_then(Making::made).is_some();
        let wait = match self.stage() {
            Stage::Absent | Stage::Untrusted | Stage::Changed => self.poll_wait(),
            Stage::Running => self.office.options.check_ms,
            Stage::Looking if self.look.found.is_none() => self.office.options.poll_ms,
            Stage::Confirming if !is_made => self.creation_wait(),
            _ => 0,
        };
        self.look.due_ms = self.office.courier.now().saturating_add(wait);
        if is_made {
            self.office.courier.failed(RequestKind::FindVersion, 0);
        } else {
            self.office.courier.settled(RequestKind::FindVersion);
        }
    }

    /// While a new backup is made, uploads go on to the one in use, as long as it is the current one.
    fn resume_uploads(&mut self) {
        let State::Making(Making { old: None, .. }) = &self.state else { return };
        let (Some(found), Some(used)) = (&self.look.found, &self.kept.used) else { return };
        let is_proved = !self.has_lost_trust() || self.proves_anew(found);
        if let (Ok(backup), true) = (self.trust(found), is_proved && is_used(&found.info, used)) {
            self.use_again(&backup);
            if let Some(making) = self.state.making_mut() {
                making.old = Some(InUse::new(backup));
            }
        }
    }

    /// What the current backup is for this device, and its proof if it may be used at once.
    pub(super) fn classify(&mut self) -> Event {
        let Some(found) = &self.look.found else {
            return match (&self.kept.used, self.stage()) {
                (None, _) => Event::NoBackup,
                // A proxy says so, too: it has to be said twice before it is a question.
                (Some(_), Stage::Running) => Event::Gone,
                (Some(_), _) => Event::Other,
            };
        };
        if let Some(used) = &self.kept.used {
            if !is_used(&found.info, used) {
                return Event::Other;
            }
        } else if self.preference.known.enabled == Some(false) {
            return Event::Untrusted;
        }
        // One that came back after another was a question is still one; one that nothing proved is none any more
        // once something does.
        let is_asked = self.stage() == Stage::Changed;
        let is_open = if self.has_lost_trust() { !self.proves_anew(found) } else { is_asked };
        if is_open {
            return Event::Other;
        }
        match (self.trust(found), &self.kept.used) {
            (Ok(backup), None) => {
                self.adopt(&backup);
                Event::Trusted(backup)
            }
            (Ok(backup), Some(_)) => {
                self.use_again(&backup);
                if is_asked { Event::Use(backup) } else { Event::Trusted(backup) }
            }
            (Err(_), Some(_)) => Event::Other,
            (Err(_), None) => Event::Untrusted,
        }
    }

    pub(super) fn stage_question(&self) -> Option<Question> {
        let preference = self.preference.known.enabled;
        let found = self.look.found.as_ref().map(|found| self.describe(found));
        let is_nameless = found.as_ref().is_some_and(|it| it.version.as_str().is_empty());
        match self.stage() {
            Stage::Untrusted | Stage::Changed if is_nameless && self.look.is_done => {
                let error = FormatProblem::Unusable("version").into();
                Some(Question::Unseen { error, preference })
            }
            Stage::Looking => {
                self.unseen().map(|error| Question::Unseen { error: error.clone(), preference })
            }
            Stage::Absent => Some(Question::SetUp { preference }),
            Stage::Untrusted => found.map(|found| Question::Use { found, preference }),
            Stage::Changed if self.look.is_done => {
                let used = self.kept.used.clone()?;
                let used = (used.version, used.public_key);
                Some(Question::Changed { used, found, preference })
            }
            _ => None,
        }
    }

    fn describe(&self, found: &Found) -> FoundBackup {
        let info = &found.info;
        let auth_data = info.auth_data().ok();
        let signatures = auth_data.map(|_| self.signatures(found).clone());
        FoundBackup {
            version: info.version().clone(),
            public_key: auth_data.map(|auth_data| *auth_data.public_key()),
            problem: self.trust(found).err(),
            signatures,
            count: info.count(),
        }
    }

    pub(super) fn version_failed(&mut self, kind: RequestKind, failure: &Failure) {
        self.office.courier.failed(kind, failure.wait_ms());
        let is_retried = self.stage() == Stage::Confirming && kind == RequestKind::CreateVersion;
        let wait = if is_retried { self.creation_wait() } else { 0 };
        self.look.due_ms = self.office.courier.now().saturating_add(wait);
    }
}

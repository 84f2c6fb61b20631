//! What to do next.

use std::collections::VecDeque;

use rand_core::CryptoRng;

use super::{
    Backup, Call, DeliveryId, HostToken, Next, NoAnswer, Question, QuestionId, RequestKind,
};
use crate::{
    ids::BackupVersion,
    randomness::{NoRandomness, os_seeded_rng},
};

/// What waits to be handed to the host.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) deliveries: VecDeque<Next>,
    /// Whether the state has changed since it was saved.
    pub(super) is_unsaved: bool,
    /// Whether the host is saving.
    pub(super) is_saving: bool,
}

impl Backup {
    /// What the host is to do next. `now_ms` is the host's time, in milliseconds since the epoch; it may jump.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none. Nothing has changed then.
    pub fn next(&mut self, now_ms: u64) -> Result<Next, NoRandomness> {
        Ok(self.next_with_rng(now_ms, &mut os_seeded_rng()?))
    }

    /// As [`Backup::next`], with the caller's randomness.
    pub fn next_with_rng(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Next {
        let next = self.find_next(now_ms, rng);
        if matches!(next, Next::Wait(_)) {
            let awaited = self.awaited_of_host();
            self.courier.waits_for_host(awaited);
        }
        next
    }

    fn find_next(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Next {
        let now = self.courier.advance(now_ms);
        for id in self.courier.dropped() {
            // One of a flow is none of the machine's.
            let _ = self.answer(id, Err(NoAnswer), now_ms);
        }
        if let Some(soft_logout) = self.courier.needs_token() {
            return Next::NeedsToken { soft_logout };
        }
        self.settle(rng);
        if self.out.is_saving {
            return Next::Wait(None);
        }
        if let Some(save) = self.saving() {
            return save;
        }
        let next = self.delivery().or_else(|| self.sign()).or_else(|| self.write_secret());
        if let Some(next) = next.or_else(|| self.ask(now)) {
            return next;
        }
        if let Some(call) = self.call(now, rng) {
            return self.send(call);
        }
        // Looking for a request may have ended something that needs none.
        if let Some(next) = self.saving().or_else(|| self.delivery()) {
            return next;
        }
        match self.want(now) {
            Some(wish) => Next::Want(wish),
            None => Next::Wait(self.until()),
        }
    }

    /// The state that [`Next::Save`] gave is written.
    pub fn saved(&mut self) {
        self.out.is_saving = false;
    }

    /// The questions that are open, as after a restart.
    pub fn open_questions(&self) -> impl Iterator<Item = (QuestionId, &Question)> {
        self.asked.iter().map(|(id, question)| (*id, question))
    }

    /// Marks the state as changed, so that it is saved before anything else is sent.
    pub(super) fn touch(&mut self) {
        self.out.is_unsaved = true;
    }

    pub(super) fn deliver(&mut self, next: Next) {
        self.out.deliveries.push_back(next);
    }

    pub(super) fn deliver_stored(&mut self, version: BackupVersion, tokens: Vec<HostToken>) {
        if !tokens.is_empty() {
            if self.in_use.as_ref().is_some_and(|in_use| *in_use.backup.version() == version) {
                self.upload.progress.stored += tokens.len() as u64;
            }
            let id = self.delivery_id();
            self.deliver(Next::Stored(id, version, tokens));
        }
    }

    /// The number of a delivery, which the host is to acknowledge before it is asked for more.
    pub(super) fn delivery_id(&mut self) -> DeliveryId {
        let id = DeliveryId(self.new_id());
        self.upload.unacked.insert(id);
        id
    }

    fn saving(&mut self) -> Option<Next> {
        if !self.out.is_unsaved {
            return None;
        }
        (self.out.is_unsaved, self.out.is_saving) = (false, true);
        Some(Next::Save(Box::new(self.save())))
    }

    fn delivery(&mut self) -> Option<Next> {
        self.out.deliveries.pop_front()
    }

    /// Questions that have become true are asked; those that are true no more are forgotten.
    fn ask(&mut self, now: u64) -> Option<Next> {
        let wanted = self.questions();
        self.asked.retain(|(_, asked)| wanted.iter().any(|question| question.is_same(asked)));
        let is_new =
            |question: &Question| !self.asked.iter().any(|(_, asked)| asked.is_same(question));
        let new: Vec<_> = wanted.into_iter().filter(is_new).collect();
        let is_held_back = new.iter().any(Question::is_about_backup) && !self.has_todays_facts(now);
        if !is_held_back {
            self.preference.asked_since = None;
        }
        let question = new.into_iter().find(|new| !(is_held_back && new.is_about_backup()))?;
        if let Some(version) = question.offered()
            && self.trusted.signers.is_some()
            && self.trusted.refreshed_for.as_ref() != Some(version)
        {
            self.trusted.refreshed_for = Some(version.clone());
            return Some(Next::RefreshSigners);
        }
        if question.is_about_backup() {
            self.changed_at_ms = now;
        }
        let id = QuestionId(self.new_id());
        self.asked.push((id, question.clone()));
        Some(Next::Ask(id, Box::new(question)))
    }

    /// The next request, if one is due.
    fn call(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Call> {
        self.delay_upload(now, rng);
        let preference = self.preference_call(now);
        // A download may find that the version has to be looked at first.
        let download = preference.or_else(|| self.download_call(now));
        let version = download.or_else(|| self.version_call(now));
        version.or_else(|| self.upload_call(now))
    }

    fn send(&mut self, call: Call) -> Next {
        let kind = call.kind();
        let operation = self.courier.send(call);
        let id = operation.id();
        match kind {
            RequestKind::FindVersion | RequestKind::CreateVersion | RequestKind::DeleteVersion => {
                self.version.in_flight = Some(id);
            }
            RequestKind::ReadPreference | RequestKind::WritePreference => {
                self.preference.lane.in_flight = Some(id);
            }
            RequestKind::Upload | RequestKind::CompareSession => {
                self.upload.lane.in_flight = Some(id);
            }
            RequestKind::FetchSession | RequestKind::FetchRoom | RequestKind::FetchEverything => {
                self.download.lane.in_flight = Some(id);
            }
            // A flow sends its own.
            RequestKind::ReadAccountData
            | RequestKind::WriteAccountData
            | RequestKind::AskDevices => {}
        }
        Next::Send(Box::new(operation))
    }

    /// When something becomes due by itself, in the host's time.
    fn until(&self) -> Option<u64> {
        let (version, preference) = (self.version_due(), self.preference_due());
        let (upload, download) = (self.upload_due(), self.download_due());
        let due = [version, preference, upload, download].into_iter().flatten().min()?;
        Some(self.courier.host_time(due))
    }
}

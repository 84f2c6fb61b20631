//! What to do next.

use rand_core::CryptoRng;

use super::{Backup, Call, Next, NoAnswer, Question, QuestionId, download::Facts};
use crate::randomness::{NoRandomness, os_seeded_rng};

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
            self.office.courier.waits_for_host(awaited);
        }
        next
    }

    fn find_next(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Next {
        let now = self.office.courier.advance(now_ms);
        for id in self.office.courier.dropped() {
            // One of a flow is none of the machine's.
            let _ = self.answer(id, Err(NoAnswer), now_ms);
        }
        if let Some(soft_logout) = self.office.courier.needs_token() {
            return Next::NeedsToken { soft_logout };
        }
        self.settle(rng);
        if self.office.desk.is_saving {
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
            return Next::Send(Box::new(self.office.courier.send(call)));
        }
        // Looking for a request may have ended something that needs none.
        if let Some(next) = self.saving().or_else(|| self.delivery()) {
            return next;
        }
        match self.state.in_use_mut().and_then(|in_use| in_use.want(&mut self.office)) {
            Some(wish) => Next::Want(wish),
            None => Next::Wait(self.until()),
        }
    }

    /// The state that [`Next::Save`] gave is written.
    pub fn saved(&mut self) {
        self.office.desk.is_saving = false;
    }

    /// The questions that are open, as after a restart.
    pub fn open_questions(&self) -> impl Iterator<Item = (QuestionId, &Question)> {
        self.office.desk.asked.iter().map(|(id, question)| (*id, question))
    }

    fn saving(&mut self) -> Option<Next> {
        let is_due = self.office.desk.begin_saving();
        is_due.then(|| Next::Save(Box::new(self.save())))
    }

    fn delivery(&mut self) -> Option<Next> {
        self.office.desk.deliveries.pop_front()
    }

    /// Questions that have become true are asked; those that are true no more are forgotten.
    fn ask(&mut self, now: u64) -> Option<Next> {
        let wanted = self.questions();
        self.office
            .desk
            .asked
            .retain(|(_, asked)| wanted.iter().any(|question| question.is_same(asked)));
        let is_new = |question: &Question| {
            !self.office.desk.asked.iter().any(|(_, asked)| asked.is_same(question))
        };
        let new: Vec<_> = wanted.into_iter().filter(is_new).collect();
        let is_held_back = new.iter().any(Question::is_about_backup) && !self.has_todays_facts(now);
        if !is_held_back {
            self.preference.asked_since = None;
        }
        let question = new.into_iter().find(|new| !(is_held_back && new.is_about_backup()))?;
        if let Some(version) = question.offered()
            && self.trusted.signers.is_some()
            && self.office.desk.refreshed_for.as_ref() != Some(version)
        {
            self.office.desk.refreshed_for = Some(version.clone());
            return Some(Next::RefreshSigners);
        }
        if question.is_about_backup() {
            self.look.has_changed(now, &self.office.options);
        }
        let id = QuestionId(self.office.courier.new_id());
        self.office.desk.asked.push((id, question.clone()));
        Some(Next::Ask(id, Box::new(question)))
    }

    /// The next request, if one is due.
    fn call(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Call> {
        let preference = self.preference.next(&self.office, self.stage());
        // A download may find that the version has to be looked at first.
        let download = preference.or_else(|| self.download_call());
        let version = download.or_else(|| self.version_call(now));
        version.or_else(|| self.state.in_use_mut()?.next(&mut self.office, rng))
    }

    /// Whether the user can be asked.
    fn has_todays_facts(&mut self, now: u64) -> bool {
        let looks_now = self.version_due().is_some_and(|due| due <= now);
        self.preference.is_of_today(&self.office, &self.look, looks_now)
    }

    fn download_call(&mut self) -> Option<Call> {
        let age = self.office.courier.now().saturating_sub(self.look.found_at_ms);
        let is_fresh = age < self.office.options.poll_ms || !self.version_is_due();
        let facts = Facts::new(&self.look, &self.kept, is_fresh);
        let call = self.download.next(&mut self.office, facts);
        self.apply_effects();
        call
    }

    /// When something becomes due by itself, in the host's time.
    fn until(&self) -> Option<u64> {
        let (version, preference) =
            (self.version_due(), self.preference.due(&self.office, self.stage()));
        let upload = self.state.in_use().and_then(|in_use| in_use.due(&self.office));
        let facts = Facts::new(&self.look, &self.kept, true);
        let download = self.download.due(&self.office, facts);
        let due = [version, preference, upload, download].into_iter().flatten().min()?;
        Some(self.office.courier.host_time(due))
    }
}

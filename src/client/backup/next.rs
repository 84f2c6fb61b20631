//! What to do next, and what is waited for, for whoever drives the machine: the host, or a flow that takes it and gives it back.

use std::{collections::BTreeSet, mem};

use rand_core::CryptoRng;

use super::{
    Backup, Call, Next, Question, RequestKind, Stage, TaskId,
    download::Job,
    kept::Vaulted,
    stage::{Making, Phase},
    upload::{InUse, Supply},
};
use crate::{
    client::{
        courier::Courier,
        waiting::{Awaited, Waiting},
    },
    randomness::{NoRandomness, os_seeded_rng},
};

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
            let _ = self.answer(id, None, now_ms);
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
            Some(want) => want,
            None => Next::Wait(self.until()),
        }
    }

    /// The state that [`Next::Save`] gave is written.
    pub fn saved(&mut self) {
        self.office.desk.is_saving = false;
    }

    /// The questions that are open, as after a restart.
    pub fn open_questions(&self) -> impl Iterator<Item = (TaskId, &Question)> {
        self.office.desk.asked.iter().map(|(id, question)| (*id, question))
    }

    fn saving(&mut self) -> Option<Next> {
        let is_due = mem::take(&mut self.office.desk.is_unsaved);
        self.office.desk.is_saving |= is_due;
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
            && self.signers.is_some()
            && self.office.desk.refreshed_for.as_ref() != Some(version)
        {
            self.office.desk.refreshed_for = Some(version.clone());
            return Some(Next::RefreshSigners);
        }
        if question.is_about_backup() {
            self.look.has_changed(now, &self.office.options);
        }
        let id = self.office.courier.new_id();
        self.office.desk.asked.push((id, question.clone()));
        Some(Next::Ask(id, Box::new(question)))
    }

    fn call(&mut self, now: u64, rng: &mut impl CryptoRng) -> Option<Call> {
        let preference = self.preference.next(&self.office, self.stage());
        // A download may find that the version has to be looked at first.
        let download = preference.or_else(|| self.download_call());
        let version = download.or_else(|| self.version_call(now));
        #[cfg(feature = "unstable-msc4385")]
        let version = version.or_else(|| self.pushes.next(&self.office, rng));
        version.or_else(|| self.state.in_use_mut()?.next(&mut self.office, rng))
    }

    /// When something becomes due by itself, in the host's time.
    fn until(&self) -> Option<u64> {
        let (version, preference) =
            (self.version_due(), self.preference.due(&self.office, self.stage()));
        let upload = self.state.in_use().and_then(|in_use| in_use.due(&self.office));
        let dues = [version, preference, upload, self.download_due()].into_iter();
        #[cfg(feature = "unstable-msc4385")]
        let dues = dues.chain([self.pushes.due(&self.office)]);
        let due = dues.flatten().min()?;
        Some(self.office.courier.host_time(due))
    }

    /// What the machine waits for, as of the last [`next`](Self::next), with the reasons: requests that are on their way or
    /// have failed, the access token, the end of a rate limit, and what the host or the user was asked for. Nothing if all is
    /// well, and only news or the next regular look is waited for.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<Waiting> {
        self.waiting_for_with(&[])
    }

    /// The same, with requests of a flow.
    pub(in crate::client) fn waiting_for_with(&self, own: &[RequestKind]) -> Vec<Waiting> {
        let mut wanted: BTreeSet<_> = own.iter().copied().collect();
        if self.version_is_due() {
            wanted.insert(self.version_kind());
        }
        if self.stage() == Stage::Confirming {
            wanted.insert(RequestKind::CreateVersion);
        }
        if self.stage() == Stage::Disabling {
            wanted.insert(RequestKind::DeleteVersion);
        }
        if self.withdrawal.is_some() {
            wanted.insert(RequestKind::UpdateVersion);
        }
        if self.preference.is_due(self.stage()) {
            wanted.extend(self.preference.kinds());
        }
        if self.state.in_use().is_some() {
            wanted.extend([RequestKind::Upload, RequestKind::CompareSession]);
        }
        wanted.extend(self.download.wanted.kinds());
        #[cfg(feature = "unstable-msc4385")]
        wanted.extend(self.pushes.kind());
        self.office.courier.waiting_for(&wanted)
    }

    pub(in crate::client) fn awaited_of_host(&self) -> Vec<Awaited> {
        let is_secret_awaited = matches!(self.kept.vaulted, Vaulted::Asked(_));
        let is_secret_awaited = is_secret_awaited && self.secret_is_due();
        let is_signing = self.state.making().map(|making| &making.phase);
        let is_signing = matches!(is_signing, Some(Phase::Signing(_, Some(_))));
        let supply = self.state.in_use().map(|in_use| in_use.supply);
        let desk = &self.office.desk;
        let is_told = !desk.told.is_empty() || !desk.imports.is_empty();
        let awaited = [
            (desk.is_saving, Awaited::Saved),
            (is_signing, Awaited::Signatures),
            (is_told, Awaited::Acknowledgement),
            (supply == Some(Supply::Asked), Awaited::Sessions),
            (is_secret_awaited, Awaited::SecretStorage),
            (!desk.asked.is_empty(), Awaited::Reply),
        ];
        awaited.into_iter().filter(|(is_awaited, _)| *is_awaited).map(|(_, what)| what).collect()
    }

    /// Whoever drives the machine from now on knows nothing of what was handed out and not answered, so that it is
    /// handed out again. `undelivered` is what nobody has worked on.
    pub(in crate::client) fn hand_over(&mut self, undelivered: Vec<Next>) {
        self.office.desk.asked.clear();
        self.office.desk.refreshed_for = None;
        self.office.courier.forget_flow();
        self.office.courier.is_driven_anew();
        self.state.making_mut().into_iter().for_each(Making::sign_again);
        self.kept.vaulted.ask_again();
        self.state.in_use_mut().into_iter().for_each(InUse::is_asked_anew);
        self.is_not_saved();
        self.office.desk.deliveries.extend(undelivered);
    }

    /// Takes back what the host was given and has not carried out: it comes again.
    pub(in crate::client) fn take_back(&mut self, next: Next, now_ms: u64) {
        match next {
            Next::Save(_) => self.is_not_saved(),
            Next::Send(operation) => {
                self.is_interrupted();
                let _ = self.answer(operation.id(), None, now_ms);
            }
            Next::Want { .. } => self.state.in_use_mut().into_iter().for_each(InUse::is_asked_anew),
            Next::Sign(..) => self.state.making_mut().into_iter().for_each(Making::sign_again),
            Next::StoreSecret(_) | Next::DeleteSecret => self.kept.vaulted.ask_again(),
            Next::NeedsToken { .. } => self.office.courier.tell_token_again(),
            Next::RefreshSigners => self.office.desk.refreshed_for = None,
            Next::Ask(id, _) => self.office.desk.asked.retain(|(asked, _)| *asked != id),
            Next::Wait(_) => {}
            told @ (Next::Stored(..)
            | Next::NotStored(..)
            | Next::Lost(..)
            | Next::UploadRefused(_)
            | Next::Import(..)
            | Next::Fetched(..)
            | Next::NotCreated(_)
            | Next::NotDeleted(_)
            | Next::Withdrawn(..)
            | Next::PreferenceNotSet { .. }) => self.office.desk.deliveries.push_front(told),
        }
    }

    /// A response is not read any further because the host wants something else: that is no fault of the response.
    pub(in crate::client) fn is_interrupted(&mut self) {
        self.download.attempts = 0;
    }

    pub(in crate::client) fn is_not_saved(&mut self) {
        let desk = &mut self.office.desk;
        desk.is_unsaved |= mem::take(&mut desk.is_saving);
    }

    pub(in crate::client) fn longest_answer(&self) -> usize {
        self.office.limits.response_bytes.max(self.office.limits.session_bytes)
    }

    /// Whether nothing more of the response that is streamed is read.
    pub(in crate::client) fn has_ended_early(&self) -> bool {
        let Job::Stream { restore, .. } = &self.download.job else { return false };
        restore.ended_early().is_some()
    }

    pub(in crate::client) fn peek_courier(&self) -> &Courier {
        &self.office.courier
    }

    /// The one way out, for the requests of a flow.
    pub(in crate::client) fn courier(&mut self) -> &mut Courier {
        &mut self.office.courier
    }

    /// What the homeserver says of the backup is to be known anew, whether or not the user wants a backup here: what was sent
    /// up to now does not count.
    pub(in crate::client) fn look_afresh(&mut self) {
        (self.look.is_done, self.look.failure, self.look.due_ms) = (false, None, 0);
        self.look.wanted_since = Some(self.office.courier.last_id);
    }
}

//! The machine in other hands: a flow takes it, and gives it back.

use super::{Backup, Next, NoAnswer, download::Job, making::Making, upload::InUse};
use crate::client::{
    courier::Courier,
    operation::OperationId,
    waiting::{RequestKind, Waiting},
};

impl Backup {
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
                let _ = self.answer(operation.id(), Err(NoAnswer), now_ms);
            }
            Next::Want(_) => self.state.in_use_mut().into_iter().for_each(InUse::is_asked_anew),
            Next::Sign(..) => self.state.making_mut().into_iter().for_each(Making::sign_again),
            Next::WriteSecret(_) => self.kept.vaulted.ask_again(),
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
            | Next::PreferenceNotSet { .. }) => self.office.desk.deliveries.push_front(told),
        }
    }

    /// A response is not read any further because the host wants something else: that is no fault of the response.
    pub(in crate::client) fn is_interrupted(&mut self) {
        self.download.attempts = 0;
    }

    /// The state that was given last is not written.
    pub(in crate::client) fn is_not_saved(&mut self) {
        self.office.desk.is_not_saved();
    }

    /// The longest answer that is read as a whole, in bytes.
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

    /// What is waited for, with requests of a flow.
    pub(in crate::client) fn waiting_for_with(&self, own: Option<RequestKind>) -> Vec<Waiting> {
        let mut wanted = self.wanted_requests();
        wanted.extend(own);
        self.office.courier.waiting_for(&wanted)
    }

    /// What the homeserver says of the backup is to be known anew, whether or not the user wants a backup here.
    pub(in crate::client) fn look_afresh(&mut self) {
        self.look.afresh(self.office.courier.last_id());
    }

    /// Whether a request was on its way already when the backup was to be looked at anew.
    pub(super) fn is_outdated(&self, id: OperationId) -> bool {
        self.look.wanted_since.is_some_and(|since| id.0 <= since)
    }
}

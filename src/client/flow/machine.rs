//! The account's machine in the hands of a flow.

// docs/decisions.md, 28: a flow holds the account's machine.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::{Flow, FlowError, Step, error::final_error};
use crate::{
    backup::RestoreReport,
    client::{
        backup::{Backup, Next, Question, SavedBackup, Scope},
        courier::Courier,
        failure::Failure,
        operation::{Answer, AnswerError, Letter, TaskId},
        waiting::{Awaited, RequestFailure, RequestKind, Waiting},
    },
    crypto::ed25519::Ed25519Signature,
    ids::KeyId,
};

/// The account's machine, until it is given back. What is not for the flow waits for the host until then.
#[derive(Debug)]
pub(in crate::client) struct Machine {
    backup: Option<Backup>,
    held: Vec<Next>,
    /// Why the flow ends, at its next step.
    failure: Option<FlowError>,
}

/// What the machine wants.
pub(super) enum Turn<F: Flow> {
    /// The host is to do this.
    Step(Step<F>),
    /// The state is to be saved; then [`Machine::saved`].
    Save(Box<SavedBackup>),
    /// The key of the backup is to be stored.
    StoreSecret,
    /// The user is asked.
    Ask(TaskId, Box<Question>),
    /// A backup that was asked for is not made.
    NotCreated(FlowError),
    /// The backup is not deleted.
    NotDeleted(RequestFailure),
    /// What was wanted from the backup is there, or not.
    Fetched(Scope, Result<Box<RestoreReport>, RequestFailure>),
    /// Nothing to do until then.
    Wait(Option<u64>),
    /// Something that is not for the flow.
    Nothing,
}

impl Machine {
    /// Takes the machine from the host. What it has asked the host is asked again.
    pub(super) fn new(mut backup: Backup) -> Self {
        backup.hand_over(Vec::new());
        Self { backup: Some(backup), held: Vec::new(), failure: None }
    }

    /// Gives the machine back, once. What it has asked is asked again, and what it has delivered is delivered.
    pub(super) fn give_back(&mut self) -> Option<Backup> {
        let mut backup = self.backup.take()?;
        backup.hand_over(std::mem::take(&mut self.held));
        Some(backup)
    }

    /// What was asked so far was not for the flow: it is asked again.
    pub(super) fn ask_again(&mut self) {
        self.backup.iter_mut().for_each(|backup| backup.hand_over(Vec::new()));
    }

    pub(super) fn get(&self) -> Option<&Backup> {
        self.backup.as_ref()
    }

    pub(in crate::client) fn get_mut(&mut self) -> Option<&mut Backup> {
        self.backup.as_mut()
    }

    /// The one way out, for the requests of the flow itself; nothing once the machine was given back.
    pub(super) fn courier(&mut self) -> Option<&mut Courier> {
        self.backup.as_mut().map(Backup::courier)
    }

    /// Begins a step of the flow, and tells which requests the host has dropped.
    pub(super) fn begin(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Vec<TaskId> {
        let Some(courier) = self.courier() else { return Vec::new() };
        courier.advance(now_ms);
        courier.draw_ids(rng);
        courier.dropped()
    }

    /// What the machine wants next; nothing once it was given back.
    pub(super) fn next<F: Flow>(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Turn<F> {
        let Some(backup) = &mut self.backup else { return Turn::Wait(None) };
        match backup.next_with_rng(now_ms, rng) {
            Next::Save(saved) => Turn::Save(saved),
            Next::Send(operation) => Turn::Step(Step::Send(operation)),
            Next::Sign(id, key) => Turn::Step(Step::Sign(id, key)),
            Next::Import(id, version, sessions) => Turn::Step(Step::Import(id, version, sessions)),
            Next::Want { .. } => {
                // The host goes on with its sessions when it has the machine again.
                backup.offer_with_rng(&[], rng);
                Turn::Nothing
            }
            Next::StoreSecret(_) => Turn::StoreSecret,
            Next::Ask(id, question) => Turn::Ask(id, question),
            Next::NotCreated(reason) => Turn::NotCreated(reason),
            Next::Fetched(scope, outcome) => Turn::Fetched(scope, outcome),
            Next::NotDeleted(failure) => Turn::NotDeleted(failure),
            Next::NeedsToken { soft_logout } => Turn::Step(Step::NeedsToken { soft_logout }),
            Next::Wait(until) => Turn::Wait(until),
            // That is asked again when the host has the machine again.
            Next::RefreshSigners | Next::DeleteSecret => Turn::Nothing,
            next @ (Next::Stored(..)
            | Next::NotStored(..)
            | Next::Lost(..)
            | Next::UploadRefused(_)
            | Next::Withdrawn(..)
            | Next::PreferenceNotSet { .. }) => {
                self.hold(next);
                Turn::Nothing
            }
        }
    }

    /// Keeps what the flow has no use for. What is asked is asked again in any case.
    pub(super) fn pass<F: Flow>(&mut self, turn: Turn<F>) {
        match turn {
            Turn::Fetched(scope, outcome) => self.hold(Next::Fetched(scope, outcome)),
            Turn::NotCreated(reason) => self.hold(Next::NotCreated(reason)),
            Turn::NotDeleted(failure) => self.hold(Next::NotDeleted(failure)),
            _ => {}
        }
    }

    /// Keeps what is not for the flow: a report that is dropped is never acknowledged, and nothing more would be uploaded.
    pub(super) fn hold(&mut self, next: Next) {
        self.held.push(next);
    }

    pub(super) fn saved(&mut self) {
        self.backup.iter_mut().for_each(Backup::saved);
    }

    pub(super) fn answer(
        &mut self,
        id: TaskId,
        answer: Answer,
        now_ms: u64,
    ) -> Result<(), AnswerError> {
        self.backup.as_mut().ok_or(AnswerError::NotAwaited)?.answer(id, answer, now_ms)
    }

    /// A request of the flow itself to which this answer has come, if it is one.
    pub(super) fn take(
        &mut self,
        id: TaskId,
        answer: &Answer,
        now_ms: u64,
    ) -> Option<(&mut Courier, Arc<Letter>)> {
        let courier = self.courier()?;
        courier.advance(now_ms);
        let letter = courier.take(id, true, answer)?;
        Some((courier, letter))
    }

    /// A request of the flow itself has failed: it is sent again, or the flow ends.
    pub(super) fn has_failed_to(&mut self, kind: RequestKind, failure: Failure) {
        self.courier().into_iter().for_each(|courier| courier.failed(kind, failure.wait_ms()));
        self.failure = final_error(failure);
    }

    /// What came of an answer: the flow goes on, or ends.
    pub(super) fn goes_on(&mut self, result: Result<(), FlowError>) {
        self.failure = result.err();
    }

    /// The host gives the flow up: what it has sent is not waited for.
    pub(super) fn give_up(&mut self) {
        self.courier().into_iter().for_each(Courier::forget_flow);
        self.failure = Some(FlowError::GivenUp);
    }

    /// Whether the flow ends at its next step.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Why the flow ends now, once; while it `goes_on` that may be a request on which the homeserver keeps failing.
    pub(super) fn failure(&mut self, own: &[RequestKind], goes_on: bool) -> Option<FlowError> {
        let failing = |machine: &Self| {
            let waiting = machine.failing(own).filter(|_| goes_on)?;
            Some(FlowError::Failing(Box::new(waiting)))
        };
        self.failure.take().or_else(|| failing(self))
    }

    pub(super) fn part(&mut self, id: TaskId, bytes: &[u8]) -> Result<(), AnswerError> {
        self.backup.as_mut().ok_or(AnswerError::NotAwaited)?.part(id, bytes)
    }

    pub(super) fn signed(
        &mut self,
        id: TaskId,
        signatures: &[(KeyId, Ed25519Signature)],
    ) -> Result<(), AnswerError> {
        self.backup.as_mut().ok_or(AnswerError::NotAwaited)?.signed(id, signatures)
    }

    pub(super) fn ack(&mut self, id: TaskId) {
        self.backup.iter_mut().for_each(|backup| backup.ack(id));
    }

    pub(super) fn resume(&mut self) {
        self.backup.iter_mut().for_each(Backup::resume);
    }

    pub(super) fn is_paused(&self) -> bool {
        self.backup.as_ref().is_some_and(Backup::is_paused)
    }

    /// Whether the access token is not accepted, once.
    pub(super) fn needs_token(&mut self) -> Option<bool> {
        self.courier()?.needs_token()
    }

    /// What the host has not carried out comes again.
    pub(super) fn take_back(&mut self, next: Next, now_ms: u64) {
        if let Some(backup) = &mut self.backup {
            backup.take_back(next, now_ms);
        }
    }

    /// The state that the machine gave last is not written: it comes again.
    pub(super) fn is_not_saved(&mut self) {
        self.backup.iter_mut().for_each(Backup::is_not_saved);
    }

    /// Whether the machine waits for its state to be written.
    pub(super) fn awaits_save(&self) -> bool {
        self.awaits(Awaited::Saved)
    }

    /// Whether the machine waits for the host to put sessions away.
    pub(super) fn awaits_ack(&self) -> bool {
        self.awaits(Awaited::Acknowledgement)
    }

    /// Whether the machine waits for signatures.
    pub(super) fn awaits_signatures(&self) -> bool {
        self.awaits(Awaited::Signatures)
    }

    fn awaits(&self, what: Awaited) -> bool {
        self.backup.as_ref().is_some_and(|backup| backup.awaited_of_host().contains(&what))
    }

    /// What the flow waits for the host to do.
    pub(super) fn waits_for_host(&mut self, awaited: Option<Awaited>) {
        self.courier().into_iter().for_each(|courier| courier.waits_for_host(awaited));
    }

    /// A request on which the homeserver has failed for about an hour, and that is still to be sent. That the network is
    /// down is nothing that a flow ends for: the host knows better how long to wait.
    pub(super) fn failing(&self, own: &[RequestKind]) -> Option<Waiting> {
        let courier = self.backup.as_ref()?.peek_courier();
        let is_failing = |waiting: &Waiting| {
            let Awaited::Request(kind) = waiting.what else { return false };
            courier.is_failing(kind)
        };
        self.waiting_for(own).into_iter().find(is_failing)
    }

    /// What is waited for, with requests of the flow itself.
    pub(super) fn waiting_for(&self, own: &[RequestKind]) -> Vec<Waiting> {
        let Some(backup) = &self.backup else { return Vec::new() };
        backup.waiting_for_with(own)
    }
}

//! What became of an upload. What the server refuses may be about a session, or about the account.

use std::mem;

use super::{
    Next, NotStored, RequestKind,
    office::{Effect, Office},
    upload::{InUse, Pending, Supply},
};
use crate::{
    api::{ApiError, StoredRoomKeys},
    client::failure::Failure,
};

#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Sessions that were refused alone, until the rest was tried.
    parts: Vec<(Pending, ApiError)>,
    in_a_row: u32,
    /// Whether the server has taken anything since all was sent.
    is_any_taken: bool,
    suspicion: Suspicion,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Suspicion {
    #[default]
    None,
    /// Nothing is taken. What the host has besides is tried, then part after part, each a half of what it was.
    Account { is_told: bool, has_others: bool },
    /// Something was taken since: each session that is refused is refused for what it is.
    Cleared,
}

impl InUse {
    /// The server has answered an upload to this version, unless it was sent before the version came into use again.
    pub(super) fn uploaded(
        &mut self,
        office: &mut Office,
        stored: Result<StoredRoomKeys, Failure>,
        tokens: &[u64],
    ) {
        let batch = mem::take(&mut self.sending);
        match stored {
            Ok(stored) => {
                office.courier.settled(RequestKind::Upload);
                office.hopeless.denials = 0;
                self.upload_taken(office);
                for pending in &batch {
                    self.seen.add(pending.seen(), office.options.seen_sessions);
                }
                self.stored(office, tokens.to_vec());
                office.effects.push(Effect::Etag(stored.etag));
            }
            Err(Failure::OtherVersion | Failure::NotFound) => return self.gone(office, &batch),
            Err(failure) => self.upload_failed(office, batch, failure),
        }
        self.settle_refusals(office);
    }

    fn upload_failed(&mut self, office: &mut Office, batch: Vec<Pending>, failure: Failure) {
        let losses = office.courier.failures(RequestKind::Upload);
        if let Failure::Refused(error) = failure {
            return self.upload_refused(office, batch, error);
        }
        let is_to_blame = office.blames_request(RequestKind::Upload, &failure);
        match (failure, batch.len()) {
            (_, 0) => {}
            // One session may be what the server fails on.
            (Failure::Later { .. }, 1) => self.alone_failed(office, batch),
            (Failure::Later { .. }, _) if losses >= FAILURES => self.split(batch),
            // Something on the way may drop what is too large for it, without a word.
            (Failure::NoAnswer, 2..) if losses > 0 && losses.is_multiple_of(LOSSES) => {
                self.split(batch);
            }
            (_, 1) if is_to_blame => self.are_failing(office, &batch),
            _ if is_to_blame => self.split(batch),
            _ => self.batches.push_back(batch),
        }
    }

    /// Others go first, and after some times the host is told. If nothing can be looked at, it is told of all of them.
    pub(super) fn look_failed(
        &mut self,
        office: &mut Office,
        mut pending: Pending,
        failure: &Failure,
    ) {
        let is_to_blame = office.blames_request(RequestKind::CompareSession, failure);
        pending.failures += u32::from(matches!(failure, Failure::Later { .. }));
        let is_failing = pending.failures >= FAILURES;
        let mut failing = vec![pending];
        if is_to_blame {
            failing.extend(self.to_look.drain(..));
            self.are_failing(office, &failing);
        } else if is_failing {
            self.are_failing(office, &failing);
        } else {
            self.to_look.extend(failing);
        }
    }

    /// Others go first, and after some times the host is told: one bad session would hold up all others, in silence.
    fn alone_failed(&mut self, office: &mut Office, mut batch: Vec<Pending>) {
        batch.iter_mut().for_each(|pending| pending.failures += 1);
        if batch.iter().any(|pending| pending.failures >= FAILURES) {
            self.are_failing(office, &batch);
        } else {
            self.batches.push_back(batch);
        }
    }

    fn are_failing(&mut self, office: &mut Office, batch: &[Pending]) {
        let failing = |pending: &Pending| (pending.token, NotStored::Failing);
        self.not_stored(office, batch.iter().map(failing).collect());
    }

    pub(super) fn split(&mut self, mut batch: Vec<Pending>) {
        let second = batch.split_off(batch.len() / 2);
        self.batches.push_front(second);
        self.batches.push_front(batch);
    }

    /// The version is gone or was replaced, by the word of the server. If it shows it as the current one all the same, and
    /// has done so too often, that is about these sessions.
    pub(super) fn gone(&mut self, office: &mut Office, batch: &[Pending]) {
        if office.hopeless.is_denied() {
            self.are_failing(office, batch);
        }
        office.courier.failed(RequestKind::Upload, 0);
        office.effects.push(Effect::Gone);
    }

    pub(super) fn stored(&mut self, office: &mut Office, tokens: Vec<u64>) {
        self.progress.stored += tokens.len() as u64;
        office.deliver_stored(self.backup.version(), tokens);
    }

    /// Tells the host what cannot be stored. A server that takes nothing is asked again when there is something new.
    pub(super) fn not_stored(&mut self, office: &mut Office, failures: Vec<(u64, NotStored)>) {
        self.progress.not_stored += failures.len() as u64;
        if !failures.is_empty() && !office.deliver_not_stored(self.backup.version(), failures) {
            self.supply = Supply::Drained;
        }
    }

    /// The server refuses a request. One session may be the reason: the request is split. If that was done often enough to find
    /// one, and a few more, and nothing was taken, it seems to be about the account, whatever the server says.
    pub(super) fn upload_refused(
        &mut self,
        office: &mut Office,
        mut batch: Vec<Pending>,
        error: ApiError,
    ) {
        if let Suspicion::Account { is_told, has_others } = &mut self.refusals.suspicion {
            *has_others = false;
            if !mem::replace(is_told, true) {
                office.deliver(Next::UploadRefused(error));
            }
            office.courier.failed(RequestKind::Upload, 0);
            let second = batch.split_off(batch.len() / 2);
            return self.batches.extend([second, batch].into_iter().filter(|it| !it.is_empty()));
        }
        office.courier.settled(RequestKind::Upload);
        self.refusals.in_a_row = self.refusals.in_a_row.saturating_add(1);
        if batch.len() > 1 {
            self.split(batch);
        } else {
            self.refusals.parts.extend(batch.pop().map(|pending| (pending, error.clone())));
        }
        let halvings = office.options.batch_sessions.checked_ilog2().unwrap_or_default();
        let is_cleared = self.refusals.suspicion == Suspicion::Cleared;
        if !is_cleared && self.refusals.in_a_row >= halvings + MORE {
            self.suspect_account(office, error);
        }
    }

    /// The server has taken something, so it does not refuse the account.
    pub(super) fn upload_taken(&mut self, office: &Office) {
        (self.refusals.is_any_taken, self.refusals.in_a_row) = (true, 0);
        if matches!(self.refusals.suspicion, Suspicion::Account { .. }) {
            self.refusals.suspicion = Suspicion::Cleared;
            let kept = mem::take(&mut self.batches);
            self.ready.extend(kept.into_iter().flatten());
            self.make_batches(office);
        }
    }

    /// Once everything was tried: if all of it was refused, that seems to be about the account.
    pub(super) fn settle_refusals(&mut self, office: &mut Office) {
        if self.has_work() {
            return;
        }
        let is_any_taken = mem::take(&mut self.refusals.is_any_taken);
        match &self.refusals.parts[..] {
            [(_, error), _, ..] if !is_any_taken => {
                let error = error.clone();
                self.suspect_account(office, error);
            }
            _ => {
                self.refusals.suspicion = Suspicion::None;
                let parts = mem::take(&mut self.refusals.parts).into_iter();
                let parts = parts.map(|(pending, error)| {
                    let is_too_large = error.is_request_too_large();
                    let refused = NotStored::Refused(error);
                    (pending.token, if is_too_large { NotStored::TooLarge } else { refused })
                });
                self.not_stored(office, parts.collect());
            }
        }
    }

    /// The sessions are kept, and later ones are tried.
    fn suspect_account(&mut self, office: &mut Office, error: ApiError) {
        office.courier.has_failed_with(error);
        office.courier.failed(RequestKind::Upload, 0);
        self.refusals.suspicion = Suspicion::Account { is_told: false, has_others: false };
        let refused = mem::take(&mut self.refusals.parts).into_iter();
        self.batches.extend(refused.map(|(pending, _)| vec![pending]));
    }

    /// Whether other sessions are to be tried than those that are kept: whoever has a thousand that are refused is told.
    pub(super) fn wants_others(&self) -> bool {
        let is_alone =
            matches!(self.refusals.suspicion, Suspicion::Account { has_others: false, .. });
        is_alone && self.batches.iter().map(Vec::len).sum::<usize>() < MAX_KEPT
    }

    pub(super) fn others_came(&mut self) {
        if let Suspicion::Account { has_others, .. } = &mut self.refusals.suspicion {
            *has_others = true;
        }
    }
}

/// After so many failures a batch is split, and a session alone given up.
pub(super) const FAILURES: u32 = 5;

/// After so many lost answers in a row a batch is split.
const LOSSES: u32 = 3;

/// So many requests may be refused besides those that find one session.
const MORE: u32 = 5;

/// So many sessions are kept that are refused, as it seems for the account.
const MAX_KEPT: usize = 1_000;

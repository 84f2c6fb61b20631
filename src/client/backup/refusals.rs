//! Uploads that the server refuses: because of a session, or because of the account.

use std::mem;

use super::{
    Next, NotStored, RequestKind,
    office::Office,
    upload::{InUse, Pending},
};
use crate::api::ApiError;

/// What the server has refused of what it was given.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Sessions that were refused alone, until the rest was tried.
    parts: Vec<(Pending, ApiError)>,
    /// How many requests it has refused in a row.
    in_a_row: u32,
    /// Whether the server has taken anything since all was sent.
    is_any_taken: bool,
    suspicion: Suspicion,
}

/// Whether it is about the account.
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
        office.courier.succeeded(RequestKind::Upload);
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
        if self.suspects_account() {
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

    pub(super) fn suspects_account(&self) -> bool {
        matches!(self.refusals.suspicion, Suspicion::Account { .. })
    }

    /// Whether other sessions are to be tried than those that are kept: whoever has a thousand that are refused is told.
    pub(super) fn wants_others(&self) -> bool {
        let is_alone =
            matches!(self.refusals.suspicion, Suspicion::Account { has_others: false, .. });
        is_alone && self.batches.iter().map(Vec::len).sum::<usize>() < MAX_KEPT
    }

    /// The host has others, which go first.
    pub(super) fn others_came(&mut self) {
        if let Suspicion::Account { has_others, .. } = &mut self.refusals.suspicion {
            *has_others = true;
        }
    }
}

/// So many requests may be refused besides those that find one session.
const MORE: u32 = 5;

/// So many sessions are kept that are refused, as it seems for the account.
const MAX_KEPT: usize = 1_000;

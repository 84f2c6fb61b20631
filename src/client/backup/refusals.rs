//! Uploads that the server refuses: because of a session, or because of the account.

use http::StatusCode;

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
    /// Whether the server has taken anything since all was sent.
    is_any_taken: bool,
    /// Whether it refuses everything. Then one session at a time is tried.
    is_of_account: bool,
}

impl InUse {
    /// The server refuses a request. One session may be the reason: the request is split.
    pub(super) fn upload_refused(
        &mut self,
        office: &mut Office,
        mut batch: Vec<Pending>,
        error: ApiError,
    ) {
        if self.refusals.is_of_account {
            office.courier.failed(RequestKind::Upload, 0);
            return self.batches.push_back(batch);
        }
        if batch.len() > 1 {
            office.courier.succeeded(RequestKind::Upload);
            return self.split(batch);
        }
        self.refusals.parts.extend(batch.pop().map(|pending| (pending, error)));
    }

    /// The server has taken something, so it does not refuse the account.
    pub(super) fn upload_taken(&mut self, office: &Office) {
        self.refusals.is_any_taken = true;
        if std::mem::take(&mut self.refusals.is_of_account) {
            let kept = std::mem::take(&mut self.batches);
            self.ready.extend(kept.into_iter().flatten());
            self.make_batches(office);
        }
    }

    /// Once everything was tried: if all of it was refused alike, that is about the account. The sessions are kept then,
    /// and the host is told once.
    pub(super) fn settle_refusals(&mut self, office: &mut Office) {
        if self.has_work() {
            return;
        }
        let is_any_taken = std::mem::take(&mut self.refusals.is_any_taken);
        let parts = std::mem::take(&mut self.refusals.parts);
        let Some((_, first)) = parts.first() else { return };
        let is_alike = parts.iter().all(|(_, error)| error.status() == first.status());
        // What is wrong with a request is wrong with its content.
        let is_of_content = first.status() == Some(StatusCode::BAD_REQUEST.as_u16());
        if is_any_taken || is_of_content || !is_alike || parts.len() == 1 {
            let refused =
                |(pending, error): (Pending, _)| (pending.token, NotStored::Refused(error));
            return self.not_stored(office, parts.into_iter().map(refused).collect());
        }
        office.deliver(Next::UploadRefused(first.clone()));
        self.refusals.is_of_account = true;
        self.batches = parts.into_iter().map(|(pending, _)| vec![pending]).collect();
        office.courier.failed(RequestKind::Upload, 0);
    }
}

//! The machine in other hands: a flow takes it, and gives it back.

use super::{Backup, Next};
use crate::client::{
    courier::Courier,
    operation::OperationId,
    waiting::{RequestFailure, RequestKind, Waiting},
};

/// Whether the server was asked which backup there is.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Whether it was since the machine was made or restored.
    pub(super) is_done: bool,
    /// Whether it is to be asked although the user wants no backup.
    pub(super) is_wanted: bool,
    /// The last request that was sent before that: what it brings may be older than the wish.
    pub(super) since: u64,
    /// Why it does not say, if it refuses to or has failed on it for some time.
    pub(super) failure: Option<RequestFailure>,
}

impl Backup {
    /// Why the homeserver does not say which backup is the current one, if it refuses to, as one that has no backups at
    /// all; if it has failed on it five times in a row; or if it could not be reached for about an hour. It is asked again, each time
    /// later.
    #[must_use]
    pub fn look_failure(&self) -> Option<&RequestFailure> {
        self.look.failure.as_ref()
    }

    /// Whoever drives the machine from now on knows nothing of what was handed out and not answered, so that it is
    /// handed out again. `undelivered` is what nobody has worked on.
    pub(in crate::client) fn hand_over(&mut self, undelivered: Vec<Next>) {
        self.asked.clear();
        self.courier.forget_flow();
        self.ask_for_signatures();
        self.secret_is_asked_for = false;
        self.upload.is_asked_anew();
        self.out.is_unsaved |= std::mem::take(&mut self.out.is_saving);
        self.out.deliveries.extend(undelivered);
    }

    pub(in crate::client) fn peek_courier(&self) -> &Courier {
        &self.courier
    }

    /// The one way out, for the requests of a flow.
    pub(in crate::client) fn courier(&mut self) -> &mut Courier {
        &mut self.courier
    }

    /// What is waited for, with requests of a flow.
    pub(in crate::client) fn waiting_for_with(&self, own: Option<RequestKind>) -> Vec<Waiting> {
        let mut wanted = self.wanted_requests();
        wanted.extend(own);
        self.courier.waiting_for(&wanted)
    }

    /// What the homeserver says of the backup is to be known anew, whether or not the user wants a backup here.
    pub(in crate::client) fn look_afresh(&mut self) {
        self.look = Look { is_wanted: true, since: self.courier.last_id(), ..Look::default() };
        self.look_again();
    }

    /// Whether a request was on its way already when the backup was to be looked at anew.
    pub(super) fn is_outdated(&self, id: OperationId) -> bool {
        self.look.is_wanted && id.0 <= self.look.since
    }
}

//! What fails again and again: whether it is to blame, or the network, and when it is given up.

use super::{Backup, NotStored, RequestKind, Stage, upload::Pending};
use crate::client::{courier::Blame, failure::Failure};

impl Backup {
    /// Whether a request is to blame that fails like this, and not the network. If that is not known, the server is asked.
    pub(super) fn is_to_blame(&mut self, kind: RequestKind, failure: &Failure) -> bool {
        let blame = self.courier.blamed(kind, failure);
        if blame == Blame::Unknown {
            self.is_confirmed &= self.kept.stage != Stage::Disabling;
            self.look_again();
        }
        blame == Blame::Request
    }

    /// Others go first, and after some times the host is told. If nothing can be looked at, it is told of all of them.
    pub(super) fn look_failed(&mut self, mut pending: Pending, failure: &Failure) {
        let is_to_blame = self.is_to_blame(RequestKind::CompareSession, failure);
        self.courier.failed(RequestKind::CompareSession, failure.wait_ms());
        pending.failures += u32::from(matches!(failure, Failure::Later { .. }));
        let is_failing = pending.failures >= FAILURES;
        let mut failing = vec![pending];
        if is_to_blame {
            failing.extend(self.upload.to_look.drain(..));
            self.are_failing(&failing);
        } else if is_failing {
            self.are_failing(&failing);
        } else {
            self.upload.to_look.extend(failing);
        }
        self.make_batches();
    }

    /// Others go first, and after some times the host is told.
    pub(super) fn alone_failed(&mut self, mut batch: Vec<Pending>) {
        let count = |pending: &mut Pending| {
            pending.failures += 1;
            pending.failures
        };
        if batch.iter_mut().map(count).max() < Some(FAILURES) {
            return self.upload.batches.push_back(batch);
        }
        self.are_failing(&batch);
    }

    pub(super) fn are_failing(&mut self, batch: &[Pending]) {
        let failing = |pending: &Pending| (pending.token, NotStored::Failing);
        self.not_stored(batch.iter().map(failing).collect());
    }
}

/// After so many failures a batch is split, and a session alone given up.
pub(super) const FAILURES: u32 = 5;

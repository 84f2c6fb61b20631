//! What fails again and again: whether it is to blame, or the network, and when it is given up.

use super::{Backup, NotStored, RequestKind, Stage, upload::Pending};
use crate::client::failure::Failure;

impl Backup {
    /// Whether the server has answered anything since so many answers had come: then a request that gets none is to
    /// blame, and not the network. If that is not known, the server is asked.
    pub(super) fn is_heard_since(&mut self, last: u64) -> bool {
        let is_heard = self.heard > last;
        if !is_heard {
            self.is_confirmed &= self.kept.stage != Stage::Disabling;
            self.look_again();
        }
        is_heard
    }

    /// Others go first, and after some times the host is told. If nothing can be looked at, it is told of all of them.
    pub(super) fn look_failed(&mut self, mut pending: Pending, failure: &Failure) {
        pending.failures += u32::from(matches!(failure, Failure::Later { .. }));
        let is_failing = pending.failures >= FAILURES;
        let mut failing = vec![pending];
        if self.is_to_blame(RequestKind::CompareSession, failure) {
            failing.extend(self.upload.to_look.drain(..));
            self.are_failing(&failing);
        } else if is_failing {
            self.are_failing(&failing);
        } else {
            self.upload.to_look.extend(failing);
        }
        self.make_batches();
    }

    /// Whether something gets no answer for so long, or is put off, while the server answers others.
    pub(super) fn is_to_blame(&mut self, kind: RequestKind, failure: &Failure) -> bool {
        let last = std::mem::replace(&mut self.upload.heard, self.heard);
        matches!(failure, Failure::NoAnswer | Failure::RateLimited { .. })
            && self.courier.failures(kind) >= LOST
            && self.is_heard_since(last)
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

/// After so many failures in a row, over about a quarter of an hour, it is asked whether the network is to blame.
pub(super) const LOST: u32 = 10;

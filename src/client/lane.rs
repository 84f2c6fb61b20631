//! Requests of which at most one is in flight, and when the next one is due.

use super::operation::OperationId;

/// Requests of which at most one is in flight.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) in_flight: Option<OperationId>,
    /// Not before this, by the courier's clock.
    pub(super) due_ms: u64,
}

impl Lane {
    pub(super) fn is_free(&self, now: u64) -> bool {
        self.in_flight.is_none() && self.due_ms <= now
    }

    /// When it is due, unless an answer is awaited.
    pub(super) fn due(&self) -> Option<u64> {
        self.in_flight.is_none().then_some(self.due_ms)
    }

    /// An answer came.
    pub(super) fn answered(&mut self, due_ms: u64) {
        (self.in_flight, self.due_ms) = (None, due_ms);
    }
}

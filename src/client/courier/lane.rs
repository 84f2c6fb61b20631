//! Requests of which at most one is in flight, and when the next one is due.

use crate::client::operation::OperationId;

/// Requests of which at most one is in flight.
#[derive(Debug, Default)]
pub(in crate::client) struct Lane {
    pub(in crate::client) in_flight: Option<OperationId>,
    /// Not before this, by the courier's clock.
    pub(in crate::client) due_ms: u64,
}

impl Lane {
    pub(in crate::client) fn is_free(&self, now: u64) -> bool {
        self.in_flight.is_none() && self.due_ms <= now
    }

    /// When it is due, unless an answer is awaited.
    pub(in crate::client) fn due(&self) -> Option<u64> {
        self.in_flight.is_none().then_some(self.due_ms)
    }

    /// An answer came.
    pub(in crate::client) fn answered(&mut self, due_ms: u64) {
        (self.in_flight, self.due_ms) = (None, due_ms);
    }
}

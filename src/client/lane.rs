//! One kind of request at a time, and when the next one is due.

use super::operation::OperationId;

/// One kind of request: at most one is in flight.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) in_flight: Option<OperationId>,
    /// Not before this, by the machine's clock.
    pub(super) due_ms: u64,
    failures: u32,
}

/// How long to wait after requests that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    /// After the first one; it doubles with each further one.
    pub(super) first_ms: u64,
    /// At most, unless the server asks for more.
    pub(super) longest_ms: u64,
}

impl Lane {
    pub(super) fn is_free(&self, now: u64) -> bool {
        self.in_flight.is_none() && self.due_ms <= now
    }

    /// When it is due, unless an answer is awaited.
    pub(super) fn due(&self) -> Option<u64> {
        self.in_flight.is_none().then_some(self.due_ms)
    }

    /// An answer came, good or bad, that needs no waiting.
    pub(super) fn succeeded(&mut self, due_ms: u64) {
        *self = Self { in_flight: None, due_ms, failures: 0 };
    }

    /// An answer came that says nothing of the request that failed before.
    pub(super) fn answered(&mut self, due_ms: u64) {
        (self.in_flight, self.due_ms) = (None, due_ms);
    }

    /// The request failed, and is to be tried again later: each time after twice the time.
    pub(super) fn failed(&mut self, now: u64, asked_ms: u64, backoff: Backoff) {
        let doubled = backoff.first_ms.saturating_mul(1 << self.failures.min(20));
        let wait = doubled.min(backoff.longest_ms).max(asked_ms);
        self.in_flight = None;
        self.due_ms = now.saturating_add(wait);
        self.failures = self.failures.saturating_add(1);
    }

    /// How many times in a row it failed.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

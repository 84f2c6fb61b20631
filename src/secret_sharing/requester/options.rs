//! How long requests live.

use super::request::{Request, State};

/// How long requests live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequesterOptions {
    /// How long an answer is awaited, in milliseconds. Default: a day, so that a device that is switched
    /// on in the evening can still answer.
    pub lifetime_ms: u64,
    /// How long a request is remembered that is over, in milliseconds. Default: a week. It serves to name
    /// late answers alone; they are dropped in any case.
    pub memory_ms: u64,
}

impl Default for RequesterOptions {
    fn default() -> Self {
        Self { lifetime_ms: DAY_MS, memory_ms: 7 * DAY_MS }
    }
}

impl RequesterOptions {
    /// When something happens to the request by itself.
    pub(super) fn due(&self, request: &Request) -> Option<u64> {
        match request.state {
            State::Open(_) => Some(request.since_ms.saturating_add(self.lifetime_ms)),
            State::Received(..) => None,
            State::Closed(_) => Some(request.since_ms.saturating_add(self.memory_ms)),
        }
    }

    pub(super) fn is_over(&self, request: &Request, now: u64) -> bool {
        self.due(request).is_some_and(|due| due <= now)
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

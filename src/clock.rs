//! A clock that only goes forward, made of one that may jump.

use serde::{Deserialize, Serialize};

/// How much time has passed, as far as the host's clock told.
///
/// A clock that jumps back stops this one for a moment; one that jumps ahead makes things expire early.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Clock {
    last_ms: Option<u64>,
    elapsed_ms: u64,
}

impl Clock {
    /// Takes the host's time, and returns ours.
    pub(crate) fn advance(&mut self, now_ms: u64) -> u64 {
        let passed = self.last_ms.map_or(0, |last| now_ms.saturating_sub(last));
        self.last_ms = Some(now_ms);
        self.elapsed_ms = self.elapsed_ms.saturating_add(passed);
        self.elapsed_ms
    }

    /// The host's time when it was last told.
    pub(crate) fn last_ms(&self) -> u64 {
        self.last_ms.unwrap_or_default()
    }

    /// Our time when it was last told.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_back_costs_nothing_but_the_jump() {
        let mut clock = Clock::default();
        let told = [1_000, 1_500, 200, 300, 0, 7].map(|now| clock.advance(now));
        assert_eq!(told, [0, 500, 500, 600, 600, 607]);
        assert_eq!([u64::MAX, 0, 1].map(|now| clock.advance(now)), [u64::MAX; 3]);
    }
}

//! A clock that only goes forward, made of one that may jump.

// docs/decisions.md, 1: no I/O.

use serde::{Deserialize, Serialize};

/// How much time has passed, as far as the host's clock told.
///
/// A clock that jumps back stops this one for a moment; one that jumps ahead makes things expire early. A
/// jump counts for a hundred years at most: however far it went, there is time left for what comes after.
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
        self.elapsed_ms = self.elapsed_ms.saturating_add(passed.min(LONGEST_STEP_MS));
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

/// Longer than anything lives that expires.
const LONGEST_STEP_MS: u64 = 100 * 365 * 24 * 60 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_back_costs_nothing_but_the_jump() {
        let mut clock = Clock::default();
        let told = [1_000, 1_500, 200, 300, 0, 7].map(|now| clock.advance(now));
        assert_eq!(told, [0, 500, 500, 600, 600, 607]);
    }

    #[test]
    fn a_clock_that_jumped_to_its_end_still_tells_one_moment_from_the_next() {
        let mut clock = Clock::default();
        let told = [0, u64::MAX, 0, 1, 1_001].map(|now| clock.advance(now));
        let far = LONGEST_STEP_MS;
        assert_eq!(told, [0, far, far, far + 1, far + 1_001]);
    }
}

//! The clock of a host, which may be turned back and forth.

use crate::action::Jump;

/// A time of a host, and how it got there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now_ms: u64,
    /// By how much the clock went forward, all in all.
    advanced_ms: u64,
    /// How often it was turned back.
    turned_back: usize,
}

impl Moment {
    pub(crate) fn start() -> Self {
        Self { now_ms: 1_700_000_000_000, advanced_ms: 0, turned_back: 0 }
    }

    pub(crate) fn advance(&mut self, by_ms: u64) {
        self.now_ms += by_ms;
        self.advanced_ms += by_ms;
    }

    pub(crate) fn jump(&mut self, jump: Jump) {
        match jump {
            Jump::Second => self.advance(1_000),
            Jump::Window => self.advance(11 * MINUTE_MS),
            Jump::Lifetime => self.advance(DAY_MS + MINUTE_MS),
            Jump::Memory => self.advance(8 * DAY_MS),
            Jump::BackADay => self.turn_back(self.now_ms.saturating_sub(DAY_MS)),
            Jump::ToZero => self.turn_back(0),
        }
    }

    fn turn_back(&mut self, to_ms: u64) {
        self.now_ms = to_ms;
        self.turned_back += 1;
    }

    /// Whether so much time has passed since then; nothing if the clock does not tell.
    pub(crate) fn is_past(&self, since: &Self, span_ms: u64) -> Option<bool> {
        if self.turned_back == since.turned_back {
            Some(self.now_ms - since.now_ms >= span_ms)
        } else if self.advanced_ms - since.advanced_ms < span_ms {
            Some(false)
        } else {
            None
        }
    }
}

pub(crate) const MINUTE_MS: u64 = 60 * 1_000;
pub(crate) const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

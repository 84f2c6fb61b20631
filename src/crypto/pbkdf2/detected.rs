//! Lanes that the processor turned out to have: only detection makes a value, and only with a value they are used.
//!
//! The one `unsafe` block is the call of a function that is compiled for instructions which have to be there.

#![allow(unsafe_code, reason = "functions for instructions that were detected are called")]

use std::arch::is_x86_feature_detected;

use super::{
    chain::Chain,
    lanes::{avx2, avx512},
};

/// How many chains run at once, and the function that runs them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes {
    count: usize,
    run: unsafe fn(&mut [&mut Chain], u32),
}

impl Lanes {
    /// Eight lanes, if AVX-512 is there with its forms for shorter registers.
    pub(super) fn avx512() -> Option<Self> {
        let is_allowed =
            cfg!(not(any(strongroom_backend = "portable", strongroom_backend = "avx2")));
        let is_there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2");
        (is_allowed && is_there).then_some(Self { count: avx512::LANES, run: avx512::run })
    }

    /// Four lanes, if AVX2 is there.
    pub(super) fn avx2() -> Option<Self> {
        let is_allowed = cfg!(not(strongroom_backend = "portable"));
        let is_there = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2");
        (is_allowed && is_there).then_some(Self { count: avx2::LANES, run: avx2::run })
    }

    pub(super) fn count(self) -> usize {
        self.count
    }

    /// Runs so many rounds of each chain: no more than there are lanes.
    pub(super) fn run(self, chains: &mut [&mut Chain], rounds: u32) {
        // SAFETY: `self` exists, so the processor has what the function is compiled for.
        unsafe { (self.run)(chains, rounds) }
    }
}

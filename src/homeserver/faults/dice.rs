//! Drawing faults from a seed.

use sha2::{Digest as _, Sha256};

use super::fault::Fault;

/// Faults with their chances, and how many were drawn.
#[derive(Debug, Clone)]
pub(super) struct Dice {
    seed: u64,
    drawn: u64,
    chances: Vec<(u16, Fault)>,
}

impl Dice {
    /// Each chance is in thousandths.
    pub(super) fn new(seed: u64, chances: Vec<(u16, Fault)>) -> Self {
        Self { seed, drawn: 0, chances }
    }

    /// What happens to the next request.
    pub(super) fn draw(&mut self) -> Option<&Fault> {
        let mut left = self.next_below_1000();
        self.chances.iter().find_map(|(chance, fault)| {
            let hit = left < u64::from(*chance);
            left = left.saturating_sub(u64::from(*chance));
            hit.then_some(fault)
        })
    }

    /// The hash of seed and count, which is the same on every machine.
    fn next_below_1000(&mut self) -> u64 {
        let hash = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.drawn.to_be_bytes())
            .finalize();
        self.drawn += 1;
        hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)) % 1_000
    }
}

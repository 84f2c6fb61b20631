//! Randomness that was recorded, and no more of it than that.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(clippy::panic, reason = "a test may panic")]

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

/// Yields the recorded bytes once. Asking for more than are left is a failure of the test.
#[derive(Debug)]
pub(crate) struct RecordedRng<'a>(&'a [u8]);

impl<'a> RecordedRng<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all of it was drawn.
    pub(crate) fn is_used_up(&self) -> bool {
        self.0.is_empty()
    }

    fn draw<const N: usize>(&mut self) -> [u8; N] {
        let mut drawn = [0; N];
        let Ok(()) = self.try_fill_bytes(&mut drawn);
        drawn
    }
}

impl TryRng for RecordedRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.draw()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.draw()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let Some((drawn, left)) = self.0.split_at_checked(bytes.len()) else {
            panic!("{} random bytes were drawn, {} are recorded", bytes.len(), self.0.len());
        };
        bytes.copy_from_slice(drawn);
        self.0 = left;
        Ok(())
    }
}

impl TryCryptoRng for RecordedRng<'_> {}

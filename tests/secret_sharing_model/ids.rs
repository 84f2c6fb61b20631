//! Randomness that makes short and different request IDs, in the order in which they are drawn.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

/// Draws an ID that ends in this number. It is no randomness at all.
#[derive(Debug, Clone)]
pub(crate) struct Ids(pub(crate) usize);

impl TryRng for Ids {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::try_from(self.0).unwrap())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::try_from(self.0).unwrap())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let mut rest = self.0;
        for byte in bytes.iter_mut().rev() {
            *byte = u8::try_from(rest % CHARACTERS).unwrap();
            rest /= CHARACTERS;
        }
        Ok(())
    }
}

impl TryCryptoRng for Ids {}

/// How many characters an ID is made of.
const CHARACTERS: usize = 62;

//! The operating system's randomness, for those who do not bring their own.
//!
//! ```
//! use strongroom::{backup::BackupDecryptionKey, randomness::NoRandomness};
//!
//! fn new_key() -> Result<BackupDecryptionKey, NoRandomness> {
//!     BackupDecryptionKey::generate()
//! }
//! # new_key().unwrap();
//! ```

// docs/decisions.md, 1: no I/O.

use std::convert::Infallible;

use chacha20::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng as _, TryCryptoRng, TryRng};
use thiserror::Error;
use zeroize::Zeroizing;

/// The operating system has no randomness to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the operating system gave no randomness")]
pub struct NoRandomness;

/// Runs a function on the operating system's randomness, and throws its result away if that failed.
pub(crate) fn with_os_rng<T>(function: impl FnOnce(&mut OsRng) -> T) -> Result<T, NoRandomness> {
    let mut rng = OsRng { failed: false };
    let result = function(&mut rng);
    if rng.failed { Err(NoRandomness) } else { Ok(result) }
}

/// A generator with a seed of the operating system's, for a machine that is not to change if there is none: what it
/// draws cannot fail half-way.
pub(crate) fn os_seeded_rng() -> Result<ChaCha20Rng, NoRandomness> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(|_| NoRandomness)?;
    Ok(ChaCha20Rng::from_seed(*seed))
}

/// Remembers a failure instead of returning it, so that it fits where randomness cannot fail.
pub(crate) struct OsRng {
    failed: bool,
}

impl TryRng for OsRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.failed |= getrandom::fill(bytes).is_err();
        Ok(())
    }
}

impl TryCryptoRng for OsRng {}

/// So many letters and digits, each as likely as any other.
pub(crate) fn alphanumeric(length: usize, rng: &mut (impl CryptoRng + ?Sized)) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        // Of the 64 values that six bits have, two stand for no character.
        let drawn = bytes.iter().filter_map(|byte| ALPHANUMERIC.get(usize::from(byte & 63)));
        text.extend(drawn.take(length - text.len()).map(|byte| char::from(*byte)));
    }
    text
}

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use rand_core::Rng as _;

    use super::*;

    #[test]
    fn a_failure_takes_the_result_with_it() {
        assert_eq!(with_os_rng(|rng| rng.failed = true), Err(NoRandomness));
        assert_eq!(with_os_rng(|_| 7), Ok(7));
    }

    #[test]
    fn no_two_generators_draw_the_same() {
        let draw = || os_seeded_rng().map(|mut rng| rng.next_u64());
        assert_ne!(draw(), draw());
    }
}

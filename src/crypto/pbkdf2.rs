//! PBKDF2-HMAC-SHA-512 ([RFC 8018](https://www.rfc-editor.org/rfc/rfc8018#section-5.2)): a key from a
//! passphrase, in one go or in slices.
//!
//! ```text
//! U(1) = HMAC(passphrase, salt | 00 00 00 01)
//! U(n) = HMAC(passphrase, U(n - 1))
//! key  = the first 16 to 64 bytes of U(1) xor U(2) xor .. xor U(rounds)
//! ```
//!
//! The key is never longer than one output of SHA-512, so there is one such chain. Its rounds cannot
//! be run at the same time, and whoever asks for them decides how long it takes: [`Rounds`] are
//! compared with a limit before anything is computed.

// docs/decisions.md, 6: a dependency enters with the code that needs it.

use std::{fmt, num::NonZeroU32, slice};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha512, block_api::compress512};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use super::key_material::{KeyLength, KeyMaterial};

/// How many rounds are run: at least one, and no more than somebody allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rounds(NonZeroU32);

impl Rounds {
    /// Compares a number of rounds with the limit; `None` if there are none or too many.
    #[must_use]
    pub(crate) fn new(asked: u64, limit: u32) -> Option<Self> {
        let rounds = u32::try_from(asked).ok().filter(|rounds| *rounds <= limit)?;
        NonZeroU32::new(rounds).map(Self)
    }

    /// A number of rounds that needs no limit, since it is our own.
    pub(crate) const fn of(rounds: NonZeroU32) -> Self {
        Self(rounds)
    }

    /// Their number.
    #[must_use]
    pub(crate) fn get(self) -> u32 {
        self.0.get()
    }
}

/// Derives a key in one go.
#[must_use]
pub(crate) fn derive(
    passphrase: &[u8],
    salt: &[u8],
    rounds: Rounds,
    length: KeyLength,
) -> KeyMaterial {
    Derivation::new(passphrase, salt, rounds, length).finish()
}

/// A key that is being derived. Dropping it gives up and wipes everything.
///
/// 10,000 rounds take 3 to 6 ms on a desktop computer, and more on a phone.
pub(crate) struct Derivation {
    chain: Box<Chain>,
    done: u32,
    rounds: Rounds,
    length: KeyLength,
}

impl Derivation {
    /// Starts, and runs the first round.
    #[must_use]
    pub(crate) fn new(passphrase: &[u8], salt: &[u8], rounds: Rounds, length: KeyLength) -> Self {
        let chain = Chain::start(passphrase, salt);
        Self { chain, done: 1, rounds, length }
    }

    /// Runs so many rounds more, or those that are left. Returns whether no round is left.
    pub(crate) fn advance(&mut self, rounds: u32) -> bool {
        let rounds = rounds.min(self.rounds.get() - self.done);
        self.chain.run(rounds);
        self.done += rounds;
        self.done == self.rounds.get()
    }

    /// How many rounds were run.
    #[must_use]
    pub(crate) fn done(&self) -> u32 {
        self.done
    }

    /// Runs the rounds that are left, and gives the key.
    #[must_use]
    pub(crate) fn finish(mut self) -> KeyMaterial {
        self.advance(u32::MAX);
        KeyMaterial::init_with(self.length, |key| {
            let sum = self.chain.sum.iter().flat_map(|word| word.to_be_bytes());
            key.iter_mut().zip(sum).for_each(|(to, from)| *to = from);
        })
    }
}

impl fmt::Debug for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain: _, done, rounds, length } = self;
        f.debug_struct("Derivation")
            .field("done", done)
            .field("rounds", rounds)
            .field("length", length)
            .finish_non_exhaustive()
    }
}

/// The rounds themselves.
///
/// A round is two compressions of SHA-512, of which only the states behind the two padded keys and
/// the previous output change. So the compression is called directly: through `hmac`, each round would
/// copy and pad the buffers of two hashes, which takes 5 to 15 % more time and leaves more to wipe.
struct Chain {
    /// SHA-512 after the key xor 0x36, and after the key xor 0x5c.
    inner: [u64; 8],
    outer: [u64; 8],
    /// The last output, padded to the block that follows a key.
    block: [u8; BLOCK],
    /// All outputs so far.
    sum: [u64; 8],
}

impl Chain {
    fn start(passphrase: &[u8], salt: &[u8]) -> Box<Self> {
        let key = padded_key(passphrase);
        let mut chain =
            Box::new(Self { inner: INITIAL, outer: INITIAL, block: [0; BLOCK], sum: [0; 8] });
        for (state, pad) in [(&mut chain.inner, 0x36), (&mut chain.outer, 0x5c)] {
            let key = Zeroizing::new(key.map(|byte| byte ^ pad));
            compress512(state, slice::from_ref(&key));
        }
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut first =
            Hmac::<Sha512>::new_from_slice(key.as_slice()).expect("any length is valid");
        first.update(salt);
        first.update(&1_u32.to_be_bytes());
        let mut output = first.finalize().into_bytes();
        chain.block.iter_mut().zip(output.iter().chain(PADDING)).for_each(|(to, from)| *to = *from);
        let (words, _) = chain.block.as_chunks();
        chain.sum.iter_mut().zip(words).for_each(|(sum, word)| *sum = u64::from_be_bytes(*word));
        output.zeroize();
        chain
    }

    fn run(&mut self, rounds: u32) {
        let mut state = Zeroizing::new([0; 8]);
        for _ in 0..rounds {
            for start in [&self.inner, &self.outer] {
                *state = *start;
                compress512(&mut state, slice::from_ref(&self.block));
                let (words, _) = self.block.as_chunks_mut();
                words.iter_mut().zip(state.iter()).for_each(|(to, word)| *to = word.to_be_bytes());
            }
            self.sum.iter_mut().zip(state.iter()).for_each(|(sum, word)| *sum ^= word);
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let Self { inner, outer, block, sum } = self;
        inner.zeroize();
        outer.zeroize();
        block.zeroize();
        sum.zeroize();
    }
}

impl ZeroizeOnDrop for Chain {}

/// The key as HMAC uses it: hashed if it is longer than a block, then filled up with zeros.
fn padded_key(key: &[u8]) -> Zeroizing<[u8; BLOCK]> {
    let mut padded = Zeroizing::new([0; BLOCK]);
    if key.len() > BLOCK {
        let mut hash = Sha512::digest(key);
        padded.iter_mut().zip(&hash).for_each(|(to, from)| *to = *from);
        hash.zeroize();
    } else {
        padded.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    }
    padded
}

/// The block length of SHA-512 in bytes; an output is half of it.
const BLOCK: usize = 128;

/// What follows an output of 64 bytes in its block: SHA-512's padding of a message of 192 bytes, the
/// block of the key included.
const PADDING: &[u8; 64] = &{
    let mut padding = [0; 64];
    padding[0] = 0x80;
    padding[62] = 0x06;
    padding
};

/// The initial state of SHA-512 ([FIPS 180-4](https://doi.org/10.6028/NIST.FIPS.180-4), section 5.3.5).
const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_refused_before_any_are_run() {
        assert_eq!(Rounds::new(0, 10), None);
        assert_eq!(Rounds::new(10, 10).map(Rounds::get), Some(10));
        for asked in [11, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX] {
            assert_eq!(Rounds::new(asked, 10), None);
        }
        assert!(Rounds::new(u32::MAX.into(), u32::MAX).is_some());
    }

    #[test]
    fn starting_runs_one_round_of_however_many() {
        let rounds = Rounds::new(u32::MAX.into(), u32::MAX).unwrap();
        assert_eq!(Derivation::new(b"given up", b"s", rounds, KeyLength::default()).done(), 1);
    }

    #[test]
    fn progress_never_passes_the_end() {
        let rounds = Rounds::new(7, 10).unwrap();
        let mut derivation = Derivation::new(b"", b"", rounds, KeyLength::default());
        assert!(!derivation.advance(0));
        assert_eq!(derivation.done(), 1);
        assert!(!derivation.advance(5));
        assert!(derivation.advance(u32::MAX));
        assert!(derivation.advance(1));
        assert_eq!(derivation.done(), 7);
    }
}

//! One chain of rounds, and how it is run where there are no vectors.

use std::slice;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha512, block_api::compress512};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

/// The rounds themselves.
///
/// A round is two compressions of SHA-512, of which only the states behind the two padded keys and
/// the previous output change. So the compression is called directly: through `hmac`, each round would
/// copy and pad the buffers of two hashes, which takes 5 to 15 % more time and leaves more to wipe.
pub(super) struct Chain {
    /// SHA-512 after the key xor 0x36, and after the key xor 0x5c.
    pub(super) inner: [u64; 8],
    pub(super) outer: [u64; 8],
    /// The last output.
    pub(super) last: [u64; 8],
    /// All outputs so far.
    pub(super) sum: [u64; 8],
}

impl Chain {
    pub(super) fn start(passphrase: &[u8], salt: &[u8]) -> Box<Self> {
        let key = padded_key(passphrase);
        let mut chain =
            Box::new(Self { inner: INITIAL, outer: INITIAL, last: [0; 8], sum: [0; 8] });
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
        let (words, _) = output.as_chunks();
        let Self { last, sum, .. } = &mut *chain;
        for ((last, sum), word) in last.iter_mut().zip(sum).zip(words) {
            *last = u64::from_be_bytes(*word);
            *sum = *last;
        }
        output.zeroize();
        chain
    }

    /// The first 64 bytes that PBKDF2 gives, as far as it was run.
    pub(super) fn sum(&self) -> &[u64; 8] {
        &self.sum
    }

    /// Runs so many rounds with the compression of `sha2`.
    pub(super) fn run(&mut self, rounds: u32) {
        let mut block = Zeroizing::new([0; BLOCK]);
        let bytes = self.last.iter().flat_map(|word| word.to_be_bytes());
        block.iter_mut().zip(bytes.chain(*PADDING)).for_each(|(to, from)| *to = from);
        for _ in 0..rounds {
            for start in [&self.inner, &self.outer] {
                self.last = *start;
                compress512(&mut self.last, slice::from_ref(&block));
                let (words, _) = block.as_chunks_mut();
                words.iter_mut().zip(&self.last).for_each(|(to, word)| *to = word.to_be_bytes());
            }
            self.sum.iter_mut().zip(&self.last).for_each(|(sum, word)| *sum ^= word);
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let Self { inner, outer, last, sum } = self;
        inner.zeroize();
        outer.zeroize();
        last.zeroize();
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

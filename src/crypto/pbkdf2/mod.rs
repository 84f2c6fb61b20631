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
//! compared with a limit before anything is computed. The rounds of several keys can: each chain takes one lane of vector
//! registers (`lanes.rs`), where the processor has them.

// docs/decisions.md, 6: a dependency enters with the code that needs it.

// What has macros in it comes before what uses them.
#[cfg(target_arch = "x86_64")]
#[macro_use]
mod sha512;
#[cfg(target_arch = "x86_64")]
#[macro_use]
mod one;

mod chain;
#[cfg(target_arch = "x86_64")]
mod detected;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod path;

use std::{fmt, num::NonZeroU32};

use self::{chain::Chain, path::Path};
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
    /// How many rounds count as run.
    done: u32,
    /// How many rounds of the chain were run: some of them may have been run ahead.
    run: u32,
    rounds: Rounds,
    length: KeyLength,
}

impl Derivation {
    /// Starts, and runs the first round.
    #[must_use]
    pub(crate) fn new(passphrase: &[u8], salt: &[u8], rounds: Rounds, length: KeyLength) -> Self {
        let chain = Chain::start(passphrase, salt);
        Self { chain, done: 1, run: 1, rounds, length }
    }

    /// Runs so many rounds more, or those that are left. Returns whether no round is left.
    pub(crate) fn advance(&mut self, rounds: u32) -> bool {
        self.advance_with(rounds, Vec::new())
    }

    /// The same, and `others` run as many rounds ahead in the lanes beside it. Those count once it is their turn to advance,
    /// and take no time then. In AVX-512 a round with others takes about as long as one and a half alone, in AVX2 as two with one other,
    /// and as four with three.
    pub(crate) fn advance_with(&mut self, rounds: u32, others: Vec<&mut Self>) -> bool {
        self.done += rounds.min(self.rounds.get() - self.done);
        let is_finished = self.done == self.rounds.get();
        let rounds = self.done.saturating_sub(self.run);
        let mut together = others;
        together.push(self);
        run_together(Path::fastest(), together, rounds);
        is_finished
    }

    /// How many others can run in the lanes beside one: none where they would only come one after the other.
    pub(crate) fn beside() -> usize {
        Path::fastest().lanes() - 1
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
            let sum = self.chain.sum().iter().flat_map(|word| word.to_be_bytes());
            key.iter_mut().zip(sum).for_each(|(to, from)| *to = from);
        })
    }
}

impl fmt::Debug for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain: _, done, run: _, rounds, length } = self;
        f.debug_struct("Derivation")
            .field("done", done)
            .field("rounds", rounds)
            .field("length", length)
            .finish_non_exhaustive()
    }
}

/// Runs so many rounds of each, or those that are left of it.
fn run_together(path: Path, mut derivations: Vec<&mut Derivation>, rounds: u32) {
    let mut left = rounds;
    while left > 0 {
        derivations.retain(|derivation| derivation.run < derivation.rounds.get());
        let shortest =
            derivations.iter().map(|derivation| derivation.rounds.get() - derivation.run).min();
        let Some(step) = shortest.map(|shortest| shortest.min(left)) else { return };
        let mut chains = Vec::with_capacity(derivations.len());
        for derivation in &mut derivations {
            derivation.run += step;
            chains.push(&mut *derivation.chain);
        }
        chains.chunks_mut(path.lanes()).for_each(|chains| path.run(chains, step));
        left -= step;
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use sha2::Sha512;

    use super::*;

    /// Every path from one state to another, against the crate `pbkdf2`.
    fn agrees(path: Path, inputs: &[(Vec<u8>, Vec<u8>, u32)], slice: u32) {
        let mut derivations: Vec<_> = inputs
            .iter()
            .map(|(passphrase, salt, rounds)| {
                let rounds = Rounds::new((*rounds).into(), u32::MAX).unwrap();
                Derivation::new(passphrase, salt, rounds, KeyLength::longest())
            })
            .collect();
        while derivations.iter().any(|derivation| derivation.run < derivation.rounds.get()) {
            run_together(path, derivations.iter_mut().collect(), slice);
        }
        for (derivation, (passphrase, salt, rounds)) in derivations.into_iter().zip(inputs) {
            let expected = pbkdf2::pbkdf2_hmac_array::<Sha512, 64>(passphrase, salt, *rounds);
            assert_eq!(derivation.finish().expose_bytes(), expected, "{path:?}");
        }
    }

    #[test]
    fn chains_in_lanes_agree_with_the_crate_in_every_number_and_with_any_rounds() {
        for path in Path::all() {
            for count in 1..=17_u8 {
                let inputs: Vec<_> = (0..count)
                    .map(|at| (vec![at; 9], vec![!at; 5], 1 + u32::from(at) * 37 % 23))
                    .collect();
                agrees(path, &inputs, u32::MAX);
                agrees(path, &inputs, 3);
            }
        }
    }

    #[test]
    fn texts_at_the_edges_of_a_block_agree_with_the_crate() {
        let lengths = [0, 1, 107, 108, 111, 112, 127, 128, 129, 239, 240, 255, 256, 257];
        let of = |length| (vec![0x61; length], vec![0x73; length], 5);
        for path in Path::all() {
            agrees(path, &lengths.map(of), 2);
        }
    }

    proptest! {
        #[test]
        fn random_chains_in_lanes_agree_with_the_crate(
            inputs in vec((vec(any::<u8>(), 0..300), vec(any::<u8>(), 0..300), 1..60_u32), 1..18),
            slice in 1..80_u32,
        ) {
            Path::all().for_each(|path| agrees(path, &inputs, slice));
        }
    }

    #[test]
    fn rounds_that_were_run_ahead_count_in_their_turn() {
        let rounds = Rounds::new(9, 10).unwrap();
        let start = |text| Derivation::new(text, b"salt", rounds, KeyLength::default());
        let (mut first, mut second) = (start(b"first"), start(b"second"));
        assert!(!first.advance_with(3, vec![&mut second]));
        assert_eq!((first.done(), second.done(), second.run), (4, 1, 4));
        assert!(!second.advance(2));
        assert_eq!((second.done(), second.run), (3, 4));
        assert!(second.advance(100));
        assert_eq!((second.done(), second.run), (9, 9));
        for (derivation, text) in [(first, b"first".as_slice()), (second, b"second")] {
            assert_eq!(derivation.finish(), derive(text, b"salt", rounds, KeyLength::default()));
        }
    }

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

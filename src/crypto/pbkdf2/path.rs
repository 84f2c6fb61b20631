//! Which instructions run the rounds.

use std::sync::OnceLock;

use super::chain::Chain;
#[cfg(target_arch = "x86_64")]
use super::detected::Lanes;

/// The instructions that run chains.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path {
    /// Those of `sha2`, one chain after the other.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Lanes(Lanes),
}

impl Path {
    /// The fastest path that runs every lane as the portable one does; the portable one in debug builds, since without
    /// optimisation each instruction is the call of a function. A wrong lane would make a wrong key from the right passphrase.
    pub(super) fn fastest() -> Self {
        static FASTEST: OnceLock<Path> = OnceLock::new();
        if cfg!(debug_assertions) {
            return Self::Portable;
        }
        *FASTEST.get_or_init(|| {
            Self::all().find(|path| path.knows_the_answers()).unwrap_or(Self::Portable)
        })
    }

    /// Every path that this processor has, the fastest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let in_lanes = [Lanes::avx512(), Lanes::avx2()].map(|lanes| lanes.map(Self::Lanes));
        #[cfg(not(target_arch = "x86_64"))]
        let in_lanes = [None];
        in_lanes.into_iter().flatten().chain([Self::Portable])
    }

    /// How many chains run at once.
    pub(super) fn lanes(self) -> usize {
        match self {
            Self::Portable => 1,
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(lanes) => lanes.count(),
        }
    }

    /// Runs so many rounds of each chain: no more than there are lanes.
    pub(super) fn run(self, chains: &mut [&mut Chain], rounds: u32) {
        match self {
            Self::Portable => chains.iter_mut().for_each(|chain| chain.run(rounds)),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(lanes) => lanes.run(chains, rounds),
        }
    }

    /// Whether one chain, and a chain in every lane, come to what `sha2` makes of them.
    fn knows_the_answers(self) -> bool {
        [1, self.lanes()].into_iter().all(|count| {
            let start = || -> Vec<_> {
                (0..8).take(count).map(|at| Chain::start(&[0x61 + at; 9], b"known")).collect()
            };
            let (mut ours, mut expected) = (start(), start());
            let mut chains: Vec<_> = ours.iter_mut().map(|chain| &mut **chain).collect();
            self.run(&mut chains, KNOWN_ROUNDS);
            expected.iter_mut().for_each(|chain| chain.run(KNOWN_ROUNDS));
            let answers = ours.iter().zip(&expected);
            answers.into_iter().all(|(ours, expected)| ours.sum() == expected.sum())
        })
    }
}

/// Enough that a mistake of one round is one of the next.
const KNOWN_ROUNDS: u32 = 5;

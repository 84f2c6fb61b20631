//! Many messages to one key.

use std::fmt;

use rand_core::CryptoRng;

use super::agreements::{Agreement, EphemeralSecrets, Recipient};
use crate::crypto::curve25519::{Curve25519PublicKey, NonContributory};

/// Seals many messages to one public key, each with an ephemeral key of its own.
///
/// It holds a table of the key's multiples, 30 to 50 KiB, which makes the agreement with each ephemeral key
/// two and a half to five times as fast; keep it as long as there are messages for the key. Half of all 32 bytes, but no
/// public half of a secret key, lie on the twist of the curve: for these there is no table, and sealing is
/// merely not faster. What is sealed is in either case what [`seal_with_rng`](super::seal_with_rng) seals.
#[derive(Clone)]
pub(crate) struct BatchSealer(Recipient);

impl BatchSealer {
    /// Prepares for many messages to a key, or for some now and more later.
    #[must_use]
    pub(crate) fn new(key: &Curve25519PublicKey) -> Self {
        Self::for_messages(key, usize::MAX)
    }

    /// Prepares for about so many messages to a key.
    ///
    /// The table takes as long to compute as it saves over 20 to 51 messages, which depends on the processor: for fewer
    /// there is none.
    #[must_use]
    pub(crate) fn for_messages(key: &Curve25519PublicKey, expected: usize) -> Self {
        Self(Recipient::new(key, expected))
    }
}

impl fmt::Debug for BatchSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(recipient) = self;
        f.debug_struct("BatchSealer")
            .field("key", recipient.key())
            .field("has_table", &recipient.has_table())
            .finish_non_exhaustive()
    }
}

/// What is to be sealed, and an ephemeral secret for each. Sealing consumes it.
pub(crate) struct Batch<'a, T> {
    items: &'a [T],
    secrets: EphemeralSecrets,
}

impl<'a, T> Batch<'a, T> {
    /// Draws 32 bytes for each item, all at once.
    pub(crate) fn draw(items: &'a [T], rng: &mut impl CryptoRng) -> Self {
        Self { items, secrets: EphemeralSecrets::draw(items.len(), rng) }
    }

    /// Seals each item in its own way, in their order.
    pub(crate) fn seal<S>(
        self,
        sealer: &BatchSealer,
        seal: impl Fn(&'a T, Agreement) -> S,
    ) -> Result<Vec<S>, NonContributory> {
        let agreements = sealer.0.agree(self.secrets);
        let sealed = self.items.iter().zip(agreements.iter());
        sealed.map(|(item, agreement)| Ok(seal(item, agreement?))).collect()
    }

    /// As [`Batch::seal`], on the threads of rayon's current pool.
    #[cfg(feature = "parallel")]
    pub(crate) fn seal_parallel<S: Send>(
        self,
        sealer: &BatchSealer,
        seal: impl Fn(&'a T, Agreement) -> S + Sync,
    ) -> Result<Vec<S>, NonContributory>
    where
        T: Sync,
    {
        use rayon::prelude::*;

        let parts = self.items.par_chunks(PART).zip(self.secrets.as_scalars().par_chunks(PART));
        let parts = parts.map(|(items, secrets)| {
            let agreements = sealer.0.agree_with_part(secrets);
            let sealed = items.iter().zip(agreements.iter());
            sealed.map(|(item, agreement)| Ok(seal(item, agreement?))).collect()
        });
        let parts = parts.collect::<Result<Vec<Vec<S>>, NonContributory>>()?;
        Ok(parts.into_iter().flatten().collect())
    }
}

/// How many messages a thread takes at once: enough to share an inversion, few enough to share work.
#[cfg(feature = "parallel")]
const PART: usize = 32;

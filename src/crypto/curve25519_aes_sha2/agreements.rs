//! Many agreements with one key: each with an ephemeral key of its own.
//!
//! ```text
//! for each ephemeral secret e:  u(e * G), which is public, and u(e * P), which is shared
//! ```
//!
//! How they are multiplied, and what is computed in advance for P, is said in `crypto::lanes`.

use rand_core::CryptoRng;

use super::{MacScheme, SealedMessage, seal::seal_under};
use crate::{
    crypto::{
        curve25519::{Curve25519PublicKey, NonContributory, SharedSecret},
        lanes::{KeyPairs, Path, PreparedPoint},
    },
    secret::SecretVec,
};

/// The key that all of them are with. Nothing in it is secret.
#[derive(Clone)]
pub(super) struct Recipient {
    key: Curve25519PublicKey,
    point: PreparedPoint,
}

/// As many ephemeral secret keys as there are messages, 32 bytes each. Agreeing consumes them.
pub(super) struct EphemeralSecrets(SecretVec);

/// What one ephemeral key agreed upon with the recipient.
pub(crate) struct Agreement {
    ephemeral: Curve25519PublicKey,
    shared_secret: SharedSecret,
}

/// The outcome of a batch, in the order of the ephemeral secrets.
pub(super) struct Agreements(KeyPairs);

impl Recipient {
    /// Prepares a key for about so many agreements.
    pub(super) fn new(key: &Curve25519PublicKey, expected: usize) -> Self {
        Self { key: *key, point: PreparedPoint::new(Path::fastest(), key.as_bytes(), expected) }
    }

    pub(super) fn key(&self) -> &Curve25519PublicKey {
        &self.key
    }

    pub(super) fn has_table(&self) -> bool {
        self.point.has_table()
    }

    /// Agrees once with each of the secrets.
    pub(super) fn agree(&self, secrets: EphemeralSecrets) -> Agreements {
        self.agree_with_part(secrets.as_scalars())
    }

    /// As [`Recipient::agree`] with some of the secrets, all of which somebody else consumes.
    pub(super) fn agree_with_part(&self, scalars: &[[u8; 32]]) -> Agreements {
        Agreements(self.point.key_pairs(scalars))
    }
}

impl EphemeralSecrets {
    /// Draws all keys at once, the first one first.
    pub(super) fn draw(count: usize, rng: &mut impl CryptoRng) -> Self {
        let mut secrets = SecretVec::zeroed(count.saturating_mul(32));
        rng.fill_bytes(secrets.expose_bytes_mut());
        Self(secrets)
    }

    pub(super) fn as_scalars(&self) -> &[[u8; 32]] {
        let (scalars, _) = self.0.expose_bytes().as_chunks();
        scalars
    }
}

impl Agreements {
    /// The outcomes, each on its own.
    pub(super) fn iter(&self) -> impl Iterator<Item = Result<Agreement, NonContributory>> {
        let Self(KeyPairs { public, shared }) = self;
        public.iter().zip(shared.iter()).map(|(public, shared)| {
            let ephemeral = Curve25519PublicKey::from_bytes(*public);
            let shared_secret = SharedSecret::init_with(|bytes| bytes.copy_from_slice(shared))?;
            Ok(Agreement { ephemeral, shared_secret })
        })
    }
}

impl Agreement {
    /// The one message of this agreement.
    pub(crate) fn seal(self, plaintext: &[u8], scheme: MacScheme) -> SealedMessage {
        seal_under(&self.shared_secret, self.ephemeral, plaintext, scheme)
    }
}

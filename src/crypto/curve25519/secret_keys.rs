//! What must stay secret: kept keys, ephemeral keys, and what two keys agree upon.

use std::fmt;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{
    Curve25519PublicKey, NonContributory, agree, agree_with_each, agree_with_public_half,
    base_point_times,
};
use crate::secret::SecretBytes;

/// A Curve25519 secret key that is kept: 32 bytes, clamped when used.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Curve25519SecretKey(SecretBytes<32>);

impl Curve25519SecretKey {
    /// Draws a key.
    pub(crate) fn generate_with_rng(rng: &mut impl CryptoRng) -> Self {
        Self(SecretBytes::init_with(|bytes| rng.fill_bytes(bytes)))
    }

    /// Takes the 32 bytes of a key.
    pub(crate) fn from_bytes(bytes: SecretBytes<32>) -> Self {
        Self(bytes)
    }

    /// The public half.
    pub(crate) fn public_key(&self) -> Curve25519PublicKey {
        base_point_times(self.0.expose_bytes())
    }

    /// The agreement with somebody's public key.
    ///
    /// # Errors
    ///
    /// [`NonContributory`] if their key gives the all-zero secret.
    pub(crate) fn diffie_hellman(
        &self,
        their_key: &Curve25519PublicKey,
    ) -> Result<SharedSecret, NonContributory> {
        agree(self.0.expose_bytes(), their_key)
    }

    /// The agreements with each of many public keys, in their order, faster than one by one.
    pub(crate) fn diffie_hellman_with_each(
        &self,
        their_keys: &[Curve25519PublicKey],
    ) -> impl Iterator<Item = Result<SharedSecret, NonContributory>> + use<> {
        agree_with_each(self.0.expose_bytes(), their_keys)
    }

    /// The secret bytes.
    pub(crate) fn as_secret(&self) -> &SecretBytes<32> {
        &self.0
    }
}

impl fmt::Debug for Curve25519SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.debug_struct("Curve25519SecretKey").finish_non_exhaustive()
    }
}

/// A secret key for one agreement, which consumes it: two messages with one such key would share their keys and IV.
pub(crate) struct EphemeralSecret(Zeroizing<[u8; 32]>);

impl EphemeralSecret {
    /// Draws a key.
    pub(crate) fn generate_with_rng(rng: &mut impl CryptoRng) -> Self {
        let mut secret = Self(Zeroizing::new([0; 32]));
        rng.fill_bytes(secret.0.as_mut_slice());
        secret
    }

    /// The public half, and the one agreement of this key.
    ///
    /// # Errors
    ///
    /// [`NonContributory`] if their key gives the all-zero secret.
    pub(crate) fn diffie_hellman(
        self,
        their_key: &Curve25519PublicKey,
    ) -> Result<(Curve25519PublicKey, SharedSecret), NonContributory> {
        agree_with_public_half(&self.0, their_key)
    }
}

impl fmt::Debug for EphemeralSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.debug_struct("EphemeralSecret").finish_non_exhaustive()
    }
}

/// What two keys agree upon: 32 bytes, not all zero. It is for a key derivation, not a key itself.
pub(crate) struct SharedSecret(SecretBytes<32>);

impl SharedSecret {
    /// Has an agreement written, and takes it unless it is the all-zero one. It is on the heap: what is moved leaves copies on the
    /// stack.
    pub(in crate::crypto) fn init_with(
        fill: impl FnOnce(&mut [u8; 32]),
    ) -> Result<Self, NonContributory> {
        let shared = SecretBytes::init_with(fill);
        let is_zero = shared.expose_bytes().ct_eq(&[0; 32]).into();
        if is_zero { Err(NonContributory) } else { Ok(Self(shared)) }
    }

    /// The secret bytes.
    #[must_use]
    pub(crate) fn expose_bytes(&self) -> &[u8; 32] {
        self.0.expose_bytes()
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.debug_struct("SharedSecret").finish_non_exhaustive()
    }
}

//! What proves that a backup is the user's, and for how long.

// docs/decisions.md, 12: trust keeps all its proofs.

use serde::{Deserialize, Serialize};

use super::TrustReason;
use crate::{
    crypto::ed25519::Ed25519PublicKey,
    provenance::{Provenance, Saved},
    signed_json::TrustedSigner,
};

/// All that proves that a backup is the user's. When one falls, the others are left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Proof>")]
pub(crate) struct Proofs(Vec<Proof>);

/// One proof that a backup is the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Proof {
    /// A cross-signing key of the user has signed its public key.
    SignedByUser(Ed25519PublicKey),
    /// A device has.
    SignedByDevice(Ed25519PublicKey),
    /// A decryption key of it came from there, which is authentic.
    DecryptionKey(#[serde(with = "Saved")] Provenance),
}

impl Proof {
    /// Whether it proves something whatever becomes of the user's devices.
    fn is_lasting(self) -> bool {
        match self {
            Self::SignedByUser(_) => true,
            Self::SignedByDevice(_) => false,
            Self::DecryptionKey(provenance) => provenance.is_lasting(),
        }
    }

    /// Whether it proves anything: a saved state may say what is not so.
    fn proves(&self) -> bool {
        !matches!(self, Self::DecryptionKey(provenance) if !provenance.is_authentic())
    }

    /// The same if these are the keys of the user that are trusted.
    fn with(self, trusted: &[TrustedSigner]) -> Option<Self> {
        match self {
            Self::SignedByUser(key) | Self::SignedByDevice(key) => {
                let its = trusted.iter().filter(|signer| *signer.key() == key);
                its.max_by_key(|signer| signer.is_cross_signing_key()).map(Self::from)
            }
            Self::DecryptionKey(provenance) => provenance.stands_with(trusted).then_some(self),
        }
    }
}

impl From<&TrustedSigner> for Proof {
    fn from(signer: &TrustedSigner) -> Self {
        let key = *signer.key();
        if signer.is_cross_signing_key() {
            Self::SignedByUser(key)
        } else {
            Self::SignedByDevice(key)
        }
    }
}

impl From<Vec<Proof>> for Proofs {
    fn from(saved: Vec<Proof>) -> Self {
        let mut proofs = Self::default();
        saved.into_iter().filter(Proof::proves).for_each(|proof| proofs.add(proof));
        proofs
    }
}

impl Proofs {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Proof> {
        self.0.iter().copied()
    }

    /// Adds what made a backup trusted.
    pub(crate) fn add_reason(&mut self, reason: &TrustReason) {
        match reason {
            TrustReason::Signature(signer) => self.add(signer.into()),
            TrustReason::DecryptionKey(provenance) => self.add(Proof::DecryptionKey(*provenance)),
            TrustReason::UsedBefore => {}
        }
    }

    /// Adds a proof. No more are remembered than anybody needs: one that lasts takes the place of one that does not.
    pub(crate) fn add(&mut self, proof: Proof) {
        if let Proof::SignedByUser(key) = proof {
            self.0.retain(|other| *other != Proof::SignedByDevice(key));
        }
        let is_known = match proof {
            Proof::SignedByDevice(key) => self.0.contains(&Proof::SignedByUser(key)),
            _ => false,
        };
        if is_known || self.0.contains(&proof) {
            return;
        }
        if self.0.len() < MAX_PROOFS {
            self.0.push(proof);
        } else if proof.is_lasting()
            && let Some(other) = self.0.iter_mut().rfind(|other| !other.is_lasting())
        {
            *other = proof;
        }
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        other.iter().for_each(|proof| self.add(proof));
    }

    /// Drops the proofs that hang on a key which is not among these any more.
    pub(crate) fn retain(&mut self, trusted: &[TrustedSigner]) {
        self.0 = self.0.iter().filter_map(|proof| proof.with(trusted)).collect();
    }
}

impl Provenance {
    /// Whether it proves something if these are the keys of the user that are trusted.
    pub(crate) fn stands_with(self, trusted: &[TrustedSigner]) -> bool {
        match self {
            Self::SharedByVerifiedDevice(device) => {
                trusted.iter().any(|trusted| *trusted.key() == device)
            }
            other => other.is_authentic(),
        }
    }
}

/// How many proofs are remembered.
const MAX_PROOFS: usize = 32;

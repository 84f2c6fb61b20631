//! What proves that a backup is the user's, and for how long.

use super::TrustReason;
use crate::{
    crypto::ed25519::Ed25519PublicKey, provenance::Provenance, signed_json::TrustedSigner,
};

/// All that proves that a backup is the user's. When one falls, the others are left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Proofs {
    /// The keys of the user that signed its public key.
    pub(crate) signers: Vec<Ed25519PublicKey>,
    /// Where decryption keys of it came from, all of them authentic.
    pub(crate) keys: Vec<Provenance>,
}

impl Proofs {
    pub(crate) fn is_empty(&self) -> bool {
        self.signers.is_empty() && self.keys.is_empty()
    }

    /// Adds what made a backup trusted. No more are remembered than anybody needs.
    pub(crate) fn add(&mut self, reason: &TrustReason) {
        match reason {
            TrustReason::Signature(signer) => self.add_signer(*signer.key()),
            TrustReason::DecryptionKey(provenance) => self.add_key(*provenance),
            TrustReason::UsedBefore => {}
        }
    }

    pub(crate) fn add_signer(&mut self, signer: Ed25519PublicKey) {
        if self.signers.len() < MAX_PROOFS && !self.signers.contains(&signer) {
            self.signers.push(signer);
        }
    }

    pub(crate) fn add_key(&mut self, provenance: Provenance) {
        if self.keys.len() < MAX_PROOFS && !self.keys.contains(&provenance) {
            self.keys.push(provenance);
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        other.signers.into_iter().for_each(|signer| self.add_signer(signer));
        other.keys.into_iter().for_each(|provenance| self.add_key(provenance));
    }

    /// Drops the proofs that hang on a key which is not among these any more.
    pub(crate) fn retain(&mut self, trusted: &[TrustedSigner]) {
        self.signers.retain(|signer| trusted.iter().any(|trusted| trusted.key() == signer));
        self.keys.retain(|provenance| provenance.stands_with(trusted));
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

/// How many proofs of a kind are remembered.
const MAX_PROOFS: usize = 16;

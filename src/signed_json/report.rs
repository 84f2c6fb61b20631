//! What was found when signatures were checked.

use std::fmt;

use crate::{crypto::ed25519::Ed25519PublicKey, encoding::format::FormatError, ids::KeyId};

/// A key that the host trusts: a pinned master key, or the key of a verified device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedSigner {
    key_id: KeyId,
    key: Ed25519PublicKey,
    /// Whether it is one of the user's cross-signing keys, by the word of the host alone: a device can have any ID, its
    /// own key included.
    is_cross_signing: bool,
}

/// What was found when the signatures of one user were checked
/// ([specification](https://spec.matrix.org/v1.16/appendices/#checking-for-a-signature)).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignatureReport {
    pub(super) signatures: Vec<(KeyId, SignatureVerdict)>,
    pub(super) not_checked: usize,
    pub(super) by_others: usize,
}

/// What became of one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureVerdict {
    /// This trusted key made it. Its bytes decide, not the label of the signature.
    Valid(TrustedSigner),
    /// It is labelled as one of a trusted key, but no trusted key made it.
    Invalid,
    /// No trusted key made it, and its label is that of none.
    UnknownSigner,
    /// It is no base64 of 64 bytes.
    Malformed,
    /// It is labelled as one of another algorithm than Ed25519.
    UnsupportedAlgorithm,
    /// The object holds a number that cannot be signed.
    NotVerifiable(FormatError),
    /// A trusted key made it, but the object could be another kind of signed object as well, for which the
    /// signature may have been made.
    OtherKind,
}

impl TrustedSigner {
    /// Declares the key of a verified device trusted. The ID is its label, `ed25519:` and a device ID.
    ///
    /// A cross-signing key is declared by [`TrustedSigner::of_cross_signing_key`]. Declared here, its signatures count as
    /// those of a device, whatever its label: what only devices vouch for is not written to the secret storage, as
    /// [`Backup::secret_is_withheld`](crate::client::Backup::secret_is_withheld) tells.
    #[must_use]
    pub fn new(key_id: KeyId, key: Ed25519PublicKey) -> Self {
        Self { key_id, key, is_cross_signing: false }
    }

    /// Declares a cross-signing key of the user trusted: the pinned master key, or one that it has signed. Its label is the
    /// key itself.
    #[must_use]
    pub fn of_cross_signing_key(key: Ed25519PublicKey) -> Self {
        let key_id = KeyId::new(format!("ed25519:{}", key.to_base64()));
        Self { key_id, key, is_cross_signing: true }
    }

    /// Whether it was declared as a cross-signing key, which counts whatever becomes of the user's devices.
    #[must_use]
    pub fn is_cross_signing_key(&self) -> bool {
        self.is_cross_signing
    }

    /// The label of the key.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Ed25519PublicKey {
        &self.key
    }
}

impl SignatureReport {
    /// The signatures that were checked, each with its label and what became of it: those with the label of a trusted key first, otherwise in the
    /// order of the object.
    #[must_use]
    pub fn signatures(&self) -> &[(KeyId, SignatureVerdict)] {
        &self.signatures
    }

    /// How many signatures of the user were too many to be checked.
    #[must_use]
    pub fn not_checked(&self) -> usize {
        self.not_checked
    }

    /// How many signatures of other users there are.
    #[must_use]
    pub fn by_others(&self) -> usize {
        self.by_others
    }

    /// The trusted key that made the first valid signature.
    #[must_use]
    pub fn trusted_signer(&self) -> Option<&TrustedSigner> {
        self.valid_signers().next()
    }

    /// The trusted keys that made valid signatures.
    pub fn valid_signers(&self) -> impl Iterator<Item = &TrustedSigner> {
        self.signatures.iter().filter_map(|(_, verdict)| match verdict {
            SignatureVerdict::Valid(signer) => Some(signer),
            _ => None,
        })
    }

    /// Whether this key made a valid signature.
    #[must_use]
    pub fn is_valid_by(&self, signer: &TrustedSigner) -> bool {
        self.valid_signers().any(|found| found.key() == signer.key())
    }

    /// Whether the user made signatures, and every one is valid.
    #[must_use]
    pub fn all_valid(&self) -> bool {
        !self.signatures.is_empty()
            && self.not_checked == 0
            && self.valid_signers().count() == self.signatures.len()
    }
}

impl SignatureReport {
    /// The same when these alone are trusted.
    pub(crate) fn only_by(mut self, trusted: &[TrustedSigner]) -> Self {
        for (_, verdict) in &mut self.signatures {
            let is_other =
                |signer: &TrustedSigner| trusted.iter().all(|one| one.key() != signer.key());
            if matches!(verdict, SignatureVerdict::Valid(signer) if is_other(signer)) {
                *verdict = SignatureVerdict::UnknownSigner;
            }
        }
        self
    }

    /// The same for an object that could be of another kind as well: nothing in it counts as valid.
    pub(super) fn of_other_kind(mut self) -> Self {
        for (_, verdict) in &mut self.signatures {
            if matches!(verdict, SignatureVerdict::Valid(_)) {
                *verdict = SignatureVerdict::OtherKind;
            }
        }
        self
    }
}

impl fmt::Display for SignatureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let valid = self.valid_signers().count();
        write!(f, "{valid} of {} signatures are valid", self.signatures.len())?;
        if self.not_checked > 0 {
            write!(f, ", {} more were not checked", self.not_checked)?;
        }
        Ok(())
    }
}

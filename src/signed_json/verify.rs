//! Checking signatures, with a verdict for each.

use std::fmt;

use super::{SIGNATURES, SignedObject};
use crate::{
    Limits,
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
    encoding::canonical_json::{JsonValue, NotCanonical},
    ids::{KeyId, UserId},
};

/// A key that the host trusts: a pinned master key, or the key of a verified device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedSigner {
    key_id: KeyId,
    key: Ed25519PublicKey,
}

/// What was found when the signatures of one user were checked
/// ([specification](https://spec.matrix.org/v1.16/appendices/#checking-for-a-signature)).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignatureReport {
    signatures: Vec<CheckedSignature>,
    not_checked: usize,
    by_others: usize,
}

/// One signature and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedSignature {
    /// The label of the signature.
    pub key_id: KeyId,
    /// The verdict.
    pub verdict: SignatureVerdict,
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
    NotVerifiable(NotCanonical),
}

impl TrustedSigner {
    /// Declares a key trusted. The ID is its label, `ed25519:` and a device ID or public key.
    #[must_use]
    pub fn new(key_id: KeyId, key: Ed25519PublicKey) -> Self {
        Self { key_id, key }
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

impl SignedObject {
    /// Checks the signatures of one user against trusted keys of this user.
    ///
    /// Every signature is tried with every trusted key, whatever its label: a device can have any ID,
    /// that of the master key included. Signatures of other users are counted and not looked at. No
    /// more than [`Limits::signatures`] are checked, those with the label of a trusted key first.
    #[must_use]
    pub fn verify(
        &self,
        user_id: &UserId,
        trusted: &[TrustedSigner],
        limits: &Limits,
    ) -> SignatureReport {
        let users = self.get(SIGNATURES).and_then(JsonValue::as_object).unwrap_or_default();
        let count = |value: &JsonValue| value.as_object().unwrap_or_default().len();
        let by_others = users.iter().filter(|(user, _)| user != user_id.as_str());
        let mut report = SignatureReport {
            by_others: by_others.map(|(_, signatures)| count(signatures)).sum(),
            ..SignatureReport::default()
        };
        let own = users.iter().find(|(user, _)| user == user_id.as_str());
        let own = own.map_or_else(Vec::new, |(_, signatures)| labelled(signatures));
        let is_known = |key_id: &KeyId| trusted.iter().any(|signer| signer.key_id == *key_id);
        let (known, unknown): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|(key_id, _)| is_known(key_id));
        report.not_checked = (known.len() + unknown.len()).saturating_sub(limits.signatures);
        let message = self.bytes_to_sign();
        for (key_id, signature) in known.into_iter().chain(unknown).take(limits.signatures) {
            let verdict = match &message {
                Ok(message) => check(message, &key_id, signature, trusted),
                Err(error) => SignatureVerdict::NotVerifiable(error.clone()),
            };
            report.signatures.push(CheckedSignature { key_id, verdict });
        }
        report
    }
}

impl SignatureReport {
    /// The signatures that were checked: those with the label of a trusted key first, otherwise in the
    /// order of the object.
    #[must_use]
    pub fn signatures(&self) -> &[CheckedSignature] {
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
        self.signatures.iter().find_map(|checked| match &checked.verdict {
            SignatureVerdict::Valid(signer) => Some(signer),
            _ => None,
        })
    }

    /// Whether the user made signatures, and every one is valid.
    #[must_use]
    pub fn all_valid(&self) -> bool {
        let valid =
            |checked: &CheckedSignature| matches!(checked.verdict, SignatureVerdict::Valid(_));
        !self.signatures.is_empty() && self.not_checked == 0 && self.signatures.iter().all(valid)
    }
}

impl fmt::Display for SignatureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let valid =
            self.signatures.iter().filter(|one| matches!(one.verdict, SignatureVerdict::Valid(_)));
        write!(f, "{} of {} signatures are valid", valid.count(), self.signatures.len())?;
        if self.not_checked > 0 {
            write!(f, ", {} more were not checked", self.not_checked)?;
        }
        Ok(())
    }
}

/// The signatures of one user with their labels; something else in their place is one without.
fn labelled(signatures: &JsonValue) -> Vec<(KeyId, &JsonValue)> {
    match signatures.as_object() {
        Some(members) => {
            members.iter().map(|(key_id, value)| (KeyId::from(key_id.as_str()), value)).collect()
        }
        None => vec![(KeyId::from("ed25519:"), signatures)],
    }
}

fn check(
    message: &[u8],
    key_id: &KeyId,
    signature: &JsonValue,
    trusted: &[TrustedSigner],
) -> SignatureVerdict {
    if key_id.algorithm() != "ed25519" {
        return SignatureVerdict::UnsupportedAlgorithm;
    }
    let Some(Ok(signature)) = signature.as_str().map(Ed25519Signature::from_base64) else {
        return SignatureVerdict::Malformed;
    };
    let (labelled, others): (Vec<_>, Vec<_>) =
        trusted.iter().partition(|signer| signer.key_id == *key_id);
    let mut candidates = labelled.iter().chain(&others);
    match candidates.find(|signer| signer.key.verifies(message, &signature)) {
        Some(signer) => SignatureVerdict::Valid((*signer).clone()),
        None if labelled.is_empty() => SignatureVerdict::UnknownSigner,
        None => SignatureVerdict::Invalid,
    }
}

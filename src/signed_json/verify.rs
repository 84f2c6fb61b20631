//! Checking signatures, with a verdict for each.

use super::{
    CheckedSignature, SIGNATURES, SignatureReport, SignatureVerdict, SignedObject, TrustedSigner,
};
use crate::{
    Limits,
    crypto::ed25519::Ed25519Signature,
    encoding::canonical_json::JsonValue,
    ids::{KeyId, UserId},
};

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
        let is_known = |key_id: &KeyId| trusted.iter().any(|signer| signer.key_id() == key_id);
        let (known, unknown): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|(key_id, _)| is_known(key_id));
        report.not_checked = (known.len() + unknown.len()).saturating_sub(limits.signatures);
        let message = self.signed_bytes();
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
        trusted.iter().partition(|signer| signer.key_id() == key_id);
    let mut candidates = labelled.iter().chain(&others);
    match candidates.find(|signer| signer.key().verifies(message, &signature)) {
        Some(signer) => SignatureVerdict::Valid((*signer).clone()),
        None if labelled.is_empty() => SignatureVerdict::UnknownSigner,
        None => SignatureVerdict::Invalid,
    }
}

//! Checking signatures, with a verdict for each.

// docs/decisions.md, 12: trust keeps all its proofs.

use std::collections::HashMap;

use super::{Kind, SIGNATURES, SignatureReport, SignatureVerdict, SignedObject, TrustedSigner};
use crate::{
    Limits,
    crypto::ed25519::Ed25519Signature,
    encoding::canonical_json::JsonValue,
    ids::{KeyId, UserId},
};

/// The keys that signatures are checked with.
pub(crate) struct Signers<'a> {
    /// Keys that the host trusts: each is tried, whatever the label of a signature.
    trusted: &'a [TrustedSigner],
    /// These and the published ones by their labels, without the padding that some clients write behind a key.
    labels: HashMap<&'a str, Vec<&'a TrustedSigner>>,
}

impl<'a> Signers<'a> {
    /// Keys that the host trusts, and keys of which a server says that they are the user's: each of the latter is tried
    /// where the label is its own.
    pub(crate) fn new(trusted: &'a [TrustedSigner], published: &'a [TrustedSigner]) -> Self {
        let mut labels = HashMap::<_, Vec<&TrustedSigner>>::new();
        for signer in trusted.iter().chain(published) {
            let same = labels.entry(unpadded(signer.key_id())).or_default();
            if !same.iter().any(|other| other.key() == signer.key()) {
                same.push(signer);
            }
        }
        Self { trusted, labels }
    }

    fn labelled(&self, key_id: &KeyId) -> &[&'a TrustedSigner] {
        self.labels.get(unpadded(key_id)).map_or(&[], Vec::as_slice)
    }
}

/// How many signatures may still be verified with a key: for one object, or for all that one call looks at.
#[derive(Clone)]
pub(crate) struct SignatureWork {
    left: usize,
    has_left_out: bool,
}

impl SignatureWork {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { left: limits.signature_checks, has_left_out: false }
    }

    /// Whether a signature was not checked, since there were too many.
    pub(crate) fn has_left_out(&self) -> bool {
        self.has_left_out
    }

    fn verifies(&mut self, with: &TrustedSigner, message: &[u8], it: &Ed25519Signature) -> Outcome {
        if self.left == 0 {
            return Outcome::NotTried;
        }
        self.left -= 1;
        if with.key().verifies(message, it) { Outcome::Fits } else { Outcome::DoesNotFit }
    }
}

/// No signature may be verified any more, so nothing is known of one.
struct NoWorkLeft;

enum Outcome {
    Fits,
    DoesNotFit,
    NotTried,
}

impl SignedObject {
    /// Checks the signatures of one user against trusted keys of this user.
    ///
    /// Every signature is tried with every trusted key, whatever its label: a device can have any ID,
    /// that of the master key included. Signatures of other users are counted and not looked at. No
    /// more than [`Limits::signatures`] are checked, those with the label of a trusted key first, and no more
    /// than [`Limits::signature_checks`] times is one verified, first with the key of its label.
    #[must_use]
    pub fn verify(
        &self,
        user_id: &UserId,
        trusted: &[TrustedSigner],
        limits: &Limits,
    ) -> SignatureReport {
        self.verify_with(
            user_id,
            &Signers::new(trusted, &[]),
            &mut SignatureWork::new(limits),
            limits,
        )
    }

    /// The same for an object of a kind: if it could be of another one as well, no signature counts, since it may have
    /// been made for that.
    pub(crate) fn verify_as(
        &self,
        kind: Kind,
        user_id: &UserId,
        signers: &Signers<'_>,
        work: &mut SignatureWork,
        limits: &Limits,
    ) -> SignatureReport {
        let report = self.verify_with(user_id, signers, work, limits);
        if self.is_only(kind) { report } else { report.of_other_kind() }
    }

    /// The same with keys that are merely published, too, and with what work is left.
    pub(crate) fn verify_with(
        &self,
        user_id: &UserId,
        signers: &Signers<'_>,
        work: &mut SignatureWork,
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
        let (mut own, unknown): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|(key_id, _)| !signers.labelled(key_id).is_empty());
        own.extend(unknown);
        report.not_checked = own.len().saturating_sub(limits.signatures);
        own.truncate(limits.signatures);
        match self.signed_bytes() {
            Ok(message) => Check { message, signers, work }.all(own, &mut report),
            Err(error) => {
                let not_verifiable = |(key_id, _)| (key_id, SignatureVerdict::NotVerifiable(error));
                report.signatures = own.into_iter().map(not_verifiable).collect();
            }
        }
        work.has_left_out |= report.not_checked > 0;
        report
    }
}

/// The signatures of one object, while they are checked.
struct Check<'a> {
    message: Vec<u8>,
    signers: &'a Signers<'a>,
    work: &'a mut SignatureWork,
}

impl<'a> Check<'a> {
    fn all(&mut self, signatures: Vec<(KeyId, &JsonValue)>, report: &mut SignatureReport) {
        // With the keys of their labels first, so that no wrong signature costs a right one its check.
        let read: Vec<_> = signatures
            .into_iter()
            .map(|(key_id, value)| {
                let signature = read(&key_id, value);
                let signer = signature.as_ref().map(|it| self.by_label(&key_id, it));
                let signer = signer.unwrap_or(Ok(None));
                (key_id, signature, signer)
            })
            .collect();
        for (key_id, signature, signer) in read {
            let verdict = match (signature, signer) {
                (Err(verdict), _) => Some(verdict),
                (_, Ok(Some(signer))) => Some(SignatureVerdict::Valid(signer.clone())),
                (_, Err(NoWorkLeft)) => None,
                (Ok(signature), Ok(None)) => self.by_bytes(&key_id, &signature),
            };
            match verdict {
                Some(verdict) => report.signatures.push((key_id, verdict)),
                None => report.not_checked += 1,
            }
        }
    }

    /// The key that made a signature, of those that its label names.
    fn by_label(
        &mut self,
        key_id: &KeyId,
        it: &Ed25519Signature,
    ) -> Result<Option<&'a TrustedSigner>, NoWorkLeft> {
        for signer in self.signers.labelled(key_id) {
            match self.work.verifies(signer, &self.message, it) {
                Outcome::Fits => return Ok(Some(signer)),
                Outcome::DoesNotFit => {}
                Outcome::NotTried => return Err(NoWorkLeft),
            }
        }
        Ok(None)
    }

    /// What becomes of a signature that no key of its label made; nothing if there is too much work left.
    fn by_bytes(&mut self, key_id: &KeyId, it: &Ed25519Signature) -> Option<SignatureVerdict> {
        let own = self.signers.labelled(key_id);
        let is_tried = |signer: &TrustedSigner| own.iter().any(|one| one.key() == signer.key());
        let mut outcome = Outcome::DoesNotFit;
        for signer in self.signers.trusted.iter().filter(|signer| !is_tried(signer)) {
            outcome = self.work.verifies(signer, &self.message, it);
            match outcome {
                Outcome::Fits => return Some(SignatureVerdict::Valid(signer.clone())),
                Outcome::DoesNotFit => {}
                Outcome::NotTried => break,
            }
        }
        match outcome {
            Outcome::NotTried => None,
            _ if !own.is_empty() => Some(SignatureVerdict::Invalid),
            Outcome::Fits | Outcome::DoesNotFit => Some(SignatureVerdict::UnknownSigner),
        }
    }
}

fn unpadded(key_id: &KeyId) -> &str {
    key_id.as_str().trim_end_matches('=')
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

fn read(key_id: &KeyId, value: &JsonValue) -> Result<Ed25519Signature, SignatureVerdict> {
    if key_id.algorithm() != "ed25519" {
        return Err(SignatureVerdict::UnsupportedAlgorithm);
    }
    let signature = value.as_str().map(Ed25519Signature::from_base64);
    signature.and_then(Result::ok).ok_or(SignatureVerdict::Malformed)
}

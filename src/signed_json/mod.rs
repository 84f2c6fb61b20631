//! Signed JSON: objects that are kept to the last byte, what to sign of them, and who did.
//!
//! [Specification](https://spec.matrix.org/v1.16/appendices/#signing-json). An object is parsed and
//! verified from one and the same text, and written back as that text: members that are not known,
//! padding and order survive.
//!
//! What is verified and what is signed are two types. A [`SignedObject`] is somebody else's word: it can be
//! verified and passed on, never signed. What a host signs is a [`ToSign`], which this crate builds from
//! typed parts alone.
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     crypto::ed25519::Ed25519PublicKey,
//!     ids::{KeyId, UserId},
//!     signed_json::{SignedObject, TrustedSigner},
//! };
//!
//! let text = r#"{"signatures":{"domain":{"ed25519:1":"K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"}}}"#;
//! let object = SignedObject::from_json(text, &Limits::default())?;
//! let key = Ed25519PublicKey::from_base64("XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI")?;
//! let trusted = [TrustedSigner::new(KeyId::from("ed25519:1"), key)];
//! let report = object.verify(&UserId::from("domain"), &trusted, &Limits::default());
//! assert_eq!(report.trusted_signer(), Some(&trusted[0]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// docs/decisions.md, 20: JSON is kept as it came.

mod cross_signing_key;
mod device_keys;
mod keys_to_sign;
mod kind;
mod published_key;
mod report;
mod to_sign;
mod verify;

use std::collections::HashSet;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

pub use self::{
    cross_signing_key::{CrossSigningKey, CrossSigningUsage},
    device_keys::DeviceKeys,
    keys_to_sign::KeysToSign,
    report::{SignatureReport, SignatureVerdict, TrustedSigner},
    to_sign::{BackupAuthDataToSign, ToSign},
};
pub(crate) use self::{
    keys_to_sign::DeviceAlgorithm,
    kind::Kind,
    to_sign::{
        PRIVATE_KEY_BITS, PRIVATE_KEY_ITERATIONS, PRIVATE_KEY_SALT, PUBLIC_KEY, SignedPassphrase,
    },
    verify::{SignatureWork, Signers},
};
use crate::{
    Limits,
    crypto::ed25519::Ed25519Signature,
    encoding::{
        canonical_json::JsonValue,
        format::{FormatError, FormatProblem},
        json::{self, RawObject},
    },
    ids::{KeyId, UserId},
};

/// A JSON object with the text that it was read from. It can be verified and is never signed.
#[derive(Debug, Clone)]
pub struct SignedObject {
    text: Box<RawValue>,
    value: JsonValue,
}

impl SignedObject {
    /// Reads an object. A number that cannot be signed does not keep it from being read.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is no object, has a member twice, or is larger or deeper than the
    /// limits allow.
    pub fn from_json(text: &str, limits: &Limits) -> Result<Self, FormatError> {
        let value = JsonValue::parse(text, limits)?;
        if value.as_object().is_none() {
            return Err(FormatProblem::NotAnObject.of("it"));
        }
        let text = serde_json::from_str(text).map_err(|_| FormatProblem::NotJson.of("it"))?;
        Ok(Self { text, value })
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&JsonValue> {
        self.value.get(name)
    }

    /// The text as it came.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.text.get()
    }

    /// What was signed: the canonical JSON without `signatures` and `unsigned`. It is for verifying; what a
    /// host signs is a [`ToSign`].
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it holds a number that cannot be signed.
    pub(crate) fn signed_bytes(&self) -> Result<Vec<u8>, FormatError> {
        JsonValue::Object(self.signed_members().cloned().collect()).to_canonical()
    }

    /// The members that are signed.
    pub(crate) fn signed_members(&self) -> impl Iterator<Item = &(String, JsonValue)> {
        let members = self.value.as_object().unwrap_or_default();
        members.iter().filter(|(name, _)| !UNSIGNED.contains(&name.as_str()))
    }

    /// The same object with a signature added, or put in the place of one with the same key ID.
    /// Everything else stays as it is written.
    pub(crate) fn with_signature(
        self,
        user_id: &UserId,
        key_id: &KeyId,
        signature: &Ed25519Signature,
    ) -> Self {
        let signature = json::to_text(&signature.to_base64());
        let signatures = member(&self.text, SIGNATURES);
        let of_user = signatures.and_then(|signatures| member(signatures, user_id.as_str()));
        let of_user = json::with_member(of_user, key_id.as_str(), &signature);
        let signatures = json::with_member(signatures, user_id.as_str(), &of_user);
        let text = json::with_member(Some(&self.text), SIGNATURES, &signatures);
        Self::from_our_own(&text)
    }

    /// The same object without the user's signatures of these key IDs. Everything else stays as it is written.
    pub(crate) fn without_signatures(self, user_id: &UserId, key_ids: &HashSet<&KeyId>) -> Self {
        let Some(signatures) = member(&self.text, SIGNATURES) else { return self };
        let Some(of_user) = member(signatures, user_id.as_str()) else { return self };
        let is_gone = |name: &str, _: &RawValue| key_ids.contains(&KeyId::from(name));
        let of_user = json::without_members(Some(of_user), is_gone);
        let signatures = json::with_member(Some(signatures), user_id.as_str(), &of_user);
        let text = json::with_member(Some(&self.text), SIGNATURES, &signatures);
        Self::from_our_own(&text)
    }

    /// An object that has nothing but a string.
    pub(crate) fn of_one_member(name: &str, value: &str) -> Self {
        Self::from_our_own(&json::with_member(None, name, &json::to_text(value)))
    }

    /// What we made out of what was read keeps no limits: a signature of our own may exceed them.
    fn from_our_own(text: &str) -> Self {
        let limits = Limits {
            signed_object_bytes: usize::MAX,
            signed_object_depth: usize::MAX,
            ..Limits::default()
        };
        #[expect(clippy::expect_used, reason = "an object with one member set is an object")]
        Self::from_json(text, &limits).expect("it is an object")
    }
}

impl Serialize for SignedObject {
    /// Writes the text as it came.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

/// The value of a member, if there is one and it is an object.
fn member<'a>(object: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    RawObject::parse(object.get().as_bytes()).ok()?.take(name)
}

/// Where signatures stand: user ID, then key ID, then the signature.
const SIGNATURES: &str = "signatures";

/// The members that are not signed.
const UNSIGNED: [&str; 2] = [SIGNATURES, "unsigned"];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SignedObject {
        SignedObject::from_json(text, &Limits::default()).unwrap()
    }

    #[test]
    fn another_signature_leaves_everything_else_as_it_is_written() {
        let object = read(
            r#"{"z": 1.50, "signatures": {"@b:c": {"ed25519:B": "bb=="}, "@a:c": {"ed25519:A":"old", "k:x": 7}}, "a":"\u0041"}"#,
        );
        let signature = Ed25519Signature::from_bytes([0; 64]);
        let signed = object.with_signature(&"@a:c".into(), &"ed25519:A".into(), &signature);
        let text = signed.as_json();
        for piece in [r#""z":1.50"#, r#"{"ed25519:B": "bb=="}"#, r#""k:x":7"#, r#""a":"\u0041""#] {
            assert!(text.contains(piece), "{piece} in {text}");
        }
        assert!(!text.contains("old"));
        assert_eq!(text.matches("ed25519:A").count(), 1);
        assert!(read(text).get("signatures").is_some());
    }

    #[test]
    fn signatures_of_another_type_give_way_to_the_first_real_one() {
        for signatures in ["null", "[]", "\"x\"", "7"] {
            let object = read(&format!("{{\"a\":1,\"signatures\":{signatures}}}"));
            let signature = Ed25519Signature::from_bytes([0; 64]);
            let signed = object.with_signature(&"@a:c".into(), &"ed25519:A".into(), &signature);
            let text = signature.to_base64();
            let of_user = signed.get("signatures").and_then(|all| all.get("@a:c"));
            let found = of_user.and_then(|of_user| of_user.get("ed25519:A"));
            assert_eq!(found, Some(&JsonValue::String(text)));
        }
    }
}

//! Signed JSON: objects that are kept to the last byte, what to sign of them, and who did.
//!
//! [Specification](https://spec.matrix.org/v1.16/appendices/#signing-json). An object is parsed and
//! verified from one and the same text, and written back as that text: members that are not known,
//! padding and order survive.
//!
//! The host signs, since it has the keys, often in another process:
//!
//! ```
//! use strongroom::{
//!     Limits,
//!     crypto::ed25519::{Ed25519PublicKey, Ed25519Signature},
//!     ids::{KeyId, UserId},
//!     signed_json::{SignedObject, TrustedSigner},
//! };
//!
//! let account = vodozemac::olm::Account::new(); // or whatever keeps the signing key
//! let (user, key_id) = (UserId::from("@alice:example.org"), KeyId::from("ed25519:DEVICE"));
//!
//! let object = SignedObject::from_json(r#"{"public_key": "abc"}"#, &Limits::default())?;
//! let signature = account.sign(object.bytes_to_sign()?).to_bytes();
//! let object =
//!     object.with_signature(&user, &key_id, &Ed25519Signature::from_bytes(signature));
//!
//! let key = Ed25519PublicKey::from_bytes(account.ed25519_key().as_bytes())?;
//! let trusted = [TrustedSigner::new(key_id, key)];
//! let report = object.verify(&user, &trusted, &Limits::default());
//! assert_eq!(report.trusted_signer(), Some(&trusted[0]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod report;
mod verify;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

pub use self::report::{CheckedSignature, SignatureReport, SignatureVerdict, TrustedSigner};
use crate::{
    Limits,
    crypto::ed25519::Ed25519Signature,
    encoding::{
        canonical_json::{JsonError, JsonValue, NotCanonical},
        json::{self, RawObject},
    },
    ids::{KeyId, UserId},
};

/// A JSON object with the text that it was read from.
#[derive(Debug, Clone)]
pub struct SignedObject {
    text: Box<RawValue>,
    value: JsonValue,
}

/// Why a text is not an object that could be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignedJsonError {
    /// It cannot be read.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is JSON of another type.
    #[error("it is not a JSON object")]
    NotAnObject,
}

impl SignedObject {
    /// Reads an object. A number that cannot be signed does not keep it from being read.
    ///
    /// # Errors
    ///
    /// [`SignedJsonError`] if it is no object, has a member twice, or is larger or deeper than the
    /// limits allow.
    pub fn from_json(text: &str, limits: &Limits) -> Result<Self, SignedJsonError> {
        let value = JsonValue::parse(text, limits)?;
        if value.as_object().is_none() {
            return Err(SignedJsonError::NotAnObject);
        }
        let text = serde_json::from_str(text).map_err(|_| JsonError::Syntax)?;
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

    /// What is signed: the canonical JSON without `signatures` and `unsigned`.
    ///
    /// # Errors
    ///
    /// [`NotCanonical`] if it holds a number that cannot be signed.
    pub fn bytes_to_sign(&self) -> Result<Vec<u8>, NotCanonical> {
        let members = self.value.as_object().unwrap_or_default();
        let signed = members.iter().filter(|(name, _)| !UNSIGNED.contains(&name.as_str()));
        JsonValue::Object(signed.cloned().collect()).to_canonical()
    }

    /// The same object with a signature added, or put in the place of one with the same key ID.
    /// Everything else stays as it is written.
    #[must_use]
    pub fn with_signature(
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

    /// The same object without the signature of this key ID. Everything else stays as it is written.
    #[must_use]
    pub fn without_signature(self, user_id: &UserId, key_id: &KeyId) -> Self {
        let Some(signatures) = member(&self.text, SIGNATURES) else { return self };
        let Some(of_user) = member(signatures, user_id.as_str()) else { return self };
        let of_user = json::without_member(Some(of_user), key_id.as_str());
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

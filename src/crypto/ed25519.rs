//! Ed25519: public keys and signatures, to verify them; and seeds, to see which key they belong to.
//!
//! Signing with a device key is the host's: it has the key, often in another process. The crate says
//! [which bytes to sign](crate::signed_json::ToSign), and signs nothing else itself where a cross-signing seed is at
//! hand ([`cross_signing`](crate::cross_signing)).
//!
//! ```
//! use strongroom::crypto::ed25519::{Ed25519PublicKey, Ed25519Signature};
//!
//! let account = vodozemac::olm::Account::new(); // or whatever keeps the signing key
//! let signature = Ed25519Signature::from_bytes(account.sign("message").to_bytes());
//! let key = Ed25519PublicKey::from_bytes(account.ed25519_key().as_bytes())?;
//! assert!(key.verifies(b"message", &signature));
//! assert!(!key.verifies(b"another", &signature));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;

use crate::{
    crypto::lanes::Path,
    encoding::{
        as_text::serde_as_text,
        base64,
        format::{FormatError, FormatProblem},
    },
    secret::SecretBytes,
};

/// An Ed25519 public key: 32 bytes that encode a point on the curve.
///
/// Two of them are compared in constant time, since one may be the public half of a secret.
#[derive(Clone, Copy, Eq)]
pub struct Ed25519PublicKey([u8; 32]);

impl Ed25519PublicKey {
    /// The length of the key in bytes.
    pub const LENGTH: usize = 32;

    /// Reads a key from its 32 bytes.
    ///
    /// # Errors
    ///
    /// [`FormatProblem::NotAPoint`] if they do not encode a point on the curve.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, FormatError> {
        VerifyingKey::from_bytes(bytes)
            .map(|_| Self(*bytes))
            .map_err(|_| FormatProblem::NotAPoint.of(WHAT))
    }

    /// As [`Ed25519PublicKey::from_bytes`]; whether the bytes encode a point is tested when `test` says.
    pub(crate) fn from_bytes_with(
        bytes: &[u8; 32],
        test: &mut PointTest<'_>,
    ) -> Result<Self, FormatError> {
        match test {
            PointTest::Now => Self::from_bytes(bytes),
            PointTest::Later(untested) => {
                untested.push(*bytes);
                Ok(Self(*bytes))
            }
        }
    }

    /// Reads a key from base64, padded or not.
    ///
    /// # Errors
    ///
    /// [`FormatProblem::NotBase64`] or [`FormatProblem::Length`] if the text is not base64 of 32 bytes, otherwise as
    /// [`Ed25519PublicKey::from_bytes`].
    pub fn from_base64(text: &str) -> Result<Self, FormatError> {
        Self::from_base64_with(text, &mut PointTest::Now)
    }

    /// As [`Ed25519PublicKey::from_base64`]; whether the bytes encode a point is tested when `test` says.
    pub(crate) fn from_base64_with(
        text: &str,
        test: &mut PointTest<'_>,
    ) -> Result<Self, FormatError> {
        let damaged = |error: FormatError| error.problem.of(WHAT);
        Self::from_bytes_with(&base64::decode_array(text).map_err(damaged)?, test)
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key in unpadded base64: 43 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        base64::encode(self.as_bytes())
    }

    /// Whether the signature is one of these bytes by this key.
    ///
    /// Keys and signatures of small order are refused, and so are signatures in a second encoding
    /// ([RFC 8032, section 5.1.7](https://www.rfc-editor.org/rfc/rfc8032#section-5.1.7)).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Ed25519Signature) -> bool {
        let signature = Signature::from_bytes(&signature.0);
        VerifyingKey::from_bytes(&self.0)
            .and_then(|key| key.verify_strict(message, &signature))
            .is_ok()
    }
}

/// When it is tested whether the bytes of a public key encode a point on the curve, which takes most of the time of reading a key.
pub(crate) enum PointTest<'a> {
    /// When the key is read.
    Now,
    /// When many are read: they are collected here, and taken for points until [`are_points`] says which are.
    Later(&'a mut Vec<[u8; 32]>),
}

/// Of each, whether [`Ed25519PublicKey::from_bytes`] takes it for a key.
pub(crate) fn are_points(untested: &[[u8; 32]]) -> Vec<bool> {
    Path::fastest().are_points(untested)
}

impl FromStr for Ed25519PublicKey {
    type Err = FormatError;

    /// As [`Ed25519PublicKey::from_base64`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_base64(text)
    }
}

impl PartialEq for Ed25519PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for Ed25519PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Ed25519PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519PublicKey({})", self.to_base64())
    }
}

impl fmt::Display for Ed25519PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

/// An Ed25519 signature: 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ed25519Signature([u8; 64]);

impl Ed25519Signature {
    /// The length of a signature in bytes.
    pub const LENGTH: usize = 64;

    /// Takes a signature as it is; whether it is valid shows when it is verified.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Reads a signature from base64, padded or not.
    ///
    /// # Errors
    ///
    /// If the text is not base64 of 64 bytes.
    pub fn from_base64(text: &str) -> Result<Self, FormatError> {
        base64::decode_array(text).map(Self)
    }

    /// The 64 bytes of the signature.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// The signature in unpadded base64: 86 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        base64::encode(&self.0)
    }
}

impl FromStr for Ed25519Signature {
    type Err = FormatError;

    /// As [`Ed25519Signature::from_base64`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_base64(text)
    }
}

impl fmt::Debug for Ed25519Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519Signature({})", self.to_base64())
    }
}

impl fmt::Display for Ed25519Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

serde_as_text!(Ed25519PublicKey, Ed25519Signature);

/// The secret seed of a signing key: 32 bytes, as it is stored for cross-signing.
#[derive(Clone, PartialEq, Eq)]
pub struct Ed25519Seed(SecretBytes<32>);

impl Ed25519Seed {
    /// Takes the 32 bytes of a seed.
    #[must_use]
    pub fn from_bytes(bytes: SecretBytes<32>) -> Self {
        Self(bytes)
    }

    /// Draws a seed.
    pub(crate) fn generate_with_rng(rng: &mut impl CryptoRng) -> Self {
        Self(SecretBytes::init_with(|bytes| rng.fill_bytes(bytes)))
    }

    /// The public key that belongs to the seed.
    #[must_use]
    pub fn public_key(&self) -> Ed25519PublicKey {
        let key = SigningKey::from_bytes(self.0.expose_bytes());
        Ed25519PublicKey(key.verifying_key().to_bytes())
    }

    /// The secret bytes.
    #[must_use]
    pub fn as_secret(&self) -> &SecretBytes<32> {
        &self.0
    }
}

impl fmt::Debug for Ed25519Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.debug_struct("Ed25519Seed").finish_non_exhaustive()
    }
}

/// A seed that signs, with its public key. It is wiped with its seed, and the expanded key after each signature.
///
/// What it signs is a [`ToSign`](crate::signed_json::ToSign): nothing else calls [`sign`](Self::sign).
#[derive(Clone)]
pub(crate) struct Ed25519SigningKey {
    seed: Ed25519Seed,
    public: Ed25519PublicKey,
}

impl Ed25519SigningKey {
    pub(crate) fn new(seed: Ed25519Seed) -> Self {
        let public = seed.public_key();
        Self { seed, public }
    }

    pub(crate) fn public_key(&self) -> &Ed25519PublicKey {
        &self.public
    }

    /// The seed, to be stored.
    pub(crate) fn seed(&self) -> &Ed25519Seed {
        &self.seed
    }

    /// Signs as [RFC 8032](https://www.rfc-editor.org/rfc/rfc8032#section-5.1.6) says.
    pub(crate) fn sign(&self, message: &[u8]) -> Ed25519Signature {
        // It is wiped when it is dropped.
        let key = SigningKey::from_bytes(self.seed.0.expose_bytes());
        Ed25519Signature(key.sign(message).to_bytes())
    }
}

impl fmt::Debug for Ed25519SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed: _, public } = self;
        f.debug_struct("Ed25519SigningKey").field("public", public).finish_non_exhaustive()
    }
}

const WHAT: &str = "the Ed25519 public key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_its_own_base64() {
        let text = "UP7HVY2BSG8iweIccreyI49tbO+FZBuEANa8EXqm9Co";
        let key = Ed25519PublicKey::from_base64(text).unwrap();
        assert_eq!(key.to_base64(), text);
        assert_eq!(Ed25519PublicKey::from_base64(&format!("{text}=")), Ok(key));
    }

    /// The second test of RFC 8032, section 7.1.
    #[test]
    fn a_signing_key_signs_as_the_rfc_says() {
        let seed = "TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs";
        let seed = crate::encoding::secret_base64::decode_array(seed).unwrap();
        let key = Ed25519SigningKey::new(Ed25519Seed::from_bytes(seed));
        assert_eq!(key.public_key().to_base64(), "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw");
        let signature = key.sign(&[0x72]);
        assert_eq!(
            signature.to_base64(),
            "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA"
        );
        assert!(key.public_key().verifies(&[0x72], &signature));
        assert!(!format!("{key:?}").contains("TM0"));
    }

    /// The expanded key is in no container of ours.
    #[test]
    fn what_a_dependency_signs_with_wipes_itself() {
        fn wipes<T: zeroize::ZeroizeOnDrop>() {}
        wipes::<SigningKey>();
    }

    #[test]
    fn bytes_that_are_no_point_are_refused() {
        let mut bytes = [0; 32];
        bytes[0] = 2;
        assert_eq!(Ed25519PublicKey::from_bytes(&bytes), Err(FormatProblem::NotAPoint.of(WHAT)));
    }
}

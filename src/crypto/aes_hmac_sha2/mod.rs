//! The symmetric secret of `aes-hmac-sha2`: who has the key can encrypt and decrypt.
//!
//! Secret storage ([`m.secret_storage.v1.aes-hmac-sha2`](https://spec.matrix.org/v1.16/client-server-api/#msecret_storagev1aes-hmac-sha2))
//! uses it:
//!
//! ```text
//! AES key (32) | MAC key (32) = HKDF-SHA-256(salt: 32 zero bytes, key material, info: the secret's name)
//! ciphertext = AES-256-CTR(AES key, IV, plaintext)
//! mac = HMAC-SHA-256(MAC key, ciphertext)
//! ```
//!
//! The specification does not say how wide the counter is. matrix-js-sdk counts in the lower 64 bits of
//! the IV alone, and so does this crate; other clients count in all 128. The two differ only behind the
//! point where the lower 64 bits overflow. An IV is drawn with bit 63 clear, so that this takes 2^67
//! bytes; of those that are not, fewer than one in 2^59 overflows within 256 bytes.
//!
//! # Security
//!
//! The MAC covers neither the IV nor the name, though the name is in the keys. Whoever changes the IV
//! changes what comes out and is not noticed, so a secret that has a public key is to be
//! [checked](crate::secret_value) against it. An IV must not be used twice under one name, or the two
//! plaintexts give each other away: [`seal_with_rng`] draws one.

mod key_check;
mod keys;

use std::fmt;

use rand_core::CryptoRng;
use subtle::{Choice, ConstantTimeEq};

pub(crate) use self::key_check::KeyCheck;
use self::keys::SymmetricKeys;
use crate::{
    crypto::key_material::KeyMaterial,
    encoding::{base64, format::FormatError},
    secret::SecretVec,
};

/// A secret that was encrypted symmetrically.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SymmetricSecret {
    /// Where the counter starts.
    pub(crate) iv: Iv,
    /// The encrypted plaintext, as long as it.
    pub(crate) ciphertext: Vec<u8>,
    /// The authentication code over the ciphertext.
    pub(crate) mac: SymmetricMac,
}

/// Encrypts a secret under its name, with an IV of 16 bytes from `rng`.
pub(crate) fn seal_with_rng(
    key: &KeyMaterial,
    name: &str,
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> SymmetricSecret {
    let (keys, iv) = (SymmetricKeys::derive(key, name), Iv::draw(rng));
    let mut ciphertext = vec![0; plaintext.len()];
    keys.apply_keystream(&iv, plaintext, &mut ciphertext);
    let mac = keys.mac(&ciphertext);
    SymmetricSecret { iv, ciphertext, mac }
}

/// Decrypts a secret that was encrypted under this name. The code comes first, and is compared in
/// constant time.
///
/// `None` if the code does not fit: another key, another name, or damage. Nothing tells which.
#[must_use]
pub(crate) fn open(key: &KeyMaterial, name: &str, secret: &SymmetricSecret) -> Option<SecretVec> {
    let keys = SymmetricKeys::derive(key, name);
    if keys.mac(&secret.ciphertext) != secret.mac {
        return None;
    }
    let mut plaintext = SecretVec::zeroed(secret.ciphertext.len());
    keys.apply_keystream(&secret.iv, &secret.ciphertext, plaintext.expose_bytes_mut());
    Some(plaintext)
}

impl SymmetricSecret {
    /// Reads the three parts from base64, as [forgivingly](base64::decode_forgiving) as the JavaScript
    /// client does.
    ///
    /// # Errors
    ///
    /// [`FormatError`] says which of them cannot be read.
    pub(crate) fn from_base64(iv: &str, ciphertext: &str, mac: &str) -> Result<Self, FormatError> {
        let damaged = |member| {
            move |error: FormatError| error.problem.in_member(member).of("the encrypted data")
        };
        let iv = base64::decode_array_forgiving(iv).map_err(damaged("iv"))?;
        let ciphertext = base64::decode_forgiving(ciphertext).map_err(damaged("ciphertext"))?;
        let mac = SymmetricMac::from_base64(mac).map_err(damaged("mac"))?;
        Ok(Self { iv: Iv(iv), ciphertext, mac })
    }
}

impl fmt::Debug for SymmetricSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { iv, ciphertext, mac } = self;
        f.debug_struct("SymmetricSecret")
            .field("iv", iv)
            .field("ciphertext_bytes", &ciphertext.len())
            .field("mac", mac)
            .finish()
    }
}

/// An initialisation vector: 16 bytes, the lower half of which is where the counter starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Iv([u8; 16]);

impl Iv {
    /// The length of an IV in bytes.
    pub(crate) const LENGTH: usize = 16;

    /// Takes the 16 bytes of an IV as they are.
    #[must_use]
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Draws 16 bytes and clears bit 63, as the specification asks for.
    pub(crate) fn draw(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; Self::LENGTH];
        rng.fill_bytes(&mut bytes);
        let [_, _, _, _, _, _, _, _, highest, ..] = &mut bytes;
        *highest &= 0x7f;
        Self(bytes)
    }

    /// The 16 bytes of the IV.
    #[must_use]
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The IV in unpadded base64: 22 characters.
    #[must_use]
    pub(crate) fn to_base64(self) -> String {
        base64::encode(&self.0)
    }
}

impl fmt::Debug for Iv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iv({})", self.to_base64())
    }
}

/// The message authentication code: 32 bytes.
///
/// Two codes are compared in constant time.
#[derive(Clone, Copy)]
pub(crate) struct SymmetricMac([u8; 32]);

impl SymmetricMac {
    #[cfg(test)]
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn from_base64(text: &str) -> Result<Self, FormatError> {
        base64::decode_array_forgiving(text).map(Self)
    }

    #[cfg(test)]
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The code in unpadded base64: 43 characters.
    #[must_use]
    pub(crate) fn to_base64(self) -> String {
        base64::encode(&self.0)
    }
}

impl ConstantTimeEq for SymmetricMac {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for SymmetricMac {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for SymmetricMac {}

impl fmt::Debug for SymmetricMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SymmetricMac({})", self.to_base64())
    }
}

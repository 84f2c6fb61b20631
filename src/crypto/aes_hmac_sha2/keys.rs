//! The keys of one secret, derived from the key material and its name.

use aes::Aes256;
use ctr::{
    Ctr64BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Iv, SymmetricMac};
use crate::crypto::key_material::KeyMaterial;

/// AES key and MAC key. Their lengths are types, so no slice can be too short for a key.
pub(super) struct SymmetricKeys(Zeroizing<[[u8; 32]; 2]>);

impl SymmetricKeys {
    pub(super) fn derive(key: &KeyMaterial, name: &str) -> Self {
        let mut keys = Self(Zeroizing::new([[0; 32]; 2]));
        #[expect(clippy::expect_used, reason = "HKDF-SHA-256 refuses only more than 8160 bytes")]
        Hkdf::<Sha256>::new(Some(&[0; 32]), key.expose_bytes())
            .expand(name.as_bytes(), keys.0.as_flattened_mut())
            .expect("64 bytes are a valid length");
        keys
    }

    /// Encrypts or decrypts, which is the same, into a buffer of the same length.
    pub(super) fn apply_keystream(&self, iv: &Iv, input: &[u8], output: &mut [u8]) {
        let [key, _] = &*self.0;
        #[expect(
            clippy::expect_used,
            reason = "both callers make the buffer as long as the input"
        )]
        Ctr64BE::<Aes256>::new(key.into(), iv.as_bytes().into())
            .try_apply_keystream_b2b(input, output)
            .expect("the lengths are equal, and 2^64 blocks are more than fit into memory");
    }

    pub(super) fn mac(&self, ciphertext: &[u8]) -> SymmetricMac {
        let [_, key] = &*self.0;
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("any length is valid");
        hmac.update(ciphertext);
        SymmetricMac(hmac.finalize().into_bytes().into())
    }
}

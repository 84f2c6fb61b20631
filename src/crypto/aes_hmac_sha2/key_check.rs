//! Whether a key is the one that somebody described, without a secret to try it on.

use rand_core::CryptoRng;

use super::{Iv, SymmetricMac, keys::SymmetricKeys};
use crate::{
    crypto::key_material::KeyMaterial,
    encoding::{base64, format::FormatError},
};

/// The IV and the code that 32 zero bytes get under the empty name, as key descriptions have them.
///
/// # Security
///
/// Who knows the check can try passphrases, so the rounds of PBKDF2 are what protects a weak one. Who
/// can write it can let any key fit that they know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyCheck {
    /// Where the counter starts.
    pub(crate) iv: Iv,
    /// The authentication code over the encrypted zeros.
    pub(crate) mac: SymmetricMac,
}

impl KeyCheck {
    /// Makes a check for a key, with an IV of 16 bytes from `rng`.
    pub(crate) fn with_rng(key: &KeyMaterial, rng: &mut impl CryptoRng) -> Self {
        let iv = Iv::draw(rng);
        Self { iv, mac: mac_of_zeros(key, &iv) }
    }

    /// Reads a check from base64, as [forgivingly](base64::decode_forgiving) as the JavaScript client
    /// does. Of an IV of 32 bytes, which one old client wrote, the first 16 count; a secret with such an IV no client opens.
    ///
    /// # Errors
    ///
    /// [`FormatError`] says which of the two cannot be read.
    pub(crate) fn from_base64(iv: &str, mac: &str) -> Result<Self, FormatError> {
        let iv = read_iv(iv).map_err(|error| error.problem.in_member("iv").of("it"))?;
        let mac = SymmetricMac::from_base64(mac)
            .map_err(|error| error.problem.in_member("mac").of("it"))?;
        Ok(Self { iv, mac })
    }

    /// Whether the check was made for this key; compared in constant time.
    #[must_use]
    pub(crate) fn fits(&self, key: &KeyMaterial) -> bool {
        mac_of_zeros(key, &self.iv) == self.mac
    }
}

fn read_iv(text: &str) -> Result<Iv, FormatError> {
    let bytes = base64::decode_forgiving(text)?;
    match bytes.split_first_chunk() {
        Some((iv, rest)) if rest.is_empty() || rest.len() == Iv::LENGTH => Ok(Iv(*iv)),
        _ => Err(base64::length(Iv::LENGTH, bytes.len())),
    }
}

fn mac_of_zeros(key: &KeyMaterial, iv: &Iv) -> SymmetricMac {
    let keys = SymmetricKeys::derive(key, "");
    let mut ciphertext = [0; 32];
    keys.apply_keystream(iv, &[0; 32], &mut ciphertext);
    keys.mac(&ciphertext)
}

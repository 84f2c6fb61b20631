//! Key material: secret bytes from which keys are derived, and how many there are.
//!
//! The key of a secret storage is 32 bytes if it was drawn, and has as many bits as its description
//! says if it was derived from a passphrase: 128 to 512.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};

use crate::secret::{SecretBytes, SecretVec};

/// 16 to 64 secret bytes from which keys are derived. They are no key themselves.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyMaterial(SecretVec);

/// How long key material is: 16 to 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyLength(u8);

impl KeyMaterial {
    /// Copies 16 to 64 secret bytes; `None` if there are fewer or more.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        KeyLength::from_bytes(bytes.len())?;
        Some(Self(SecretVec::from(bytes)))
    }

    /// Makes the container and has `fill` write the secret in place.
    pub(super) fn init_with(length: KeyLength, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = SecretVec::zeroed(length.bytes());
        fill(bytes.expose_bytes_mut());
        Self(bytes)
    }

    /// How many bytes there are.
    #[must_use]
    pub(crate) fn length(&self) -> KeyLength {
        KeyLength::from_bytes(self.0.expose_bytes().len()).unwrap_or_default()
    }

    /// The secret itself.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.0.expose_bytes()
    }
}

impl From<&SecretBytes<32>> for KeyMaterial {
    fn from(bytes: &SecretBytes<32>) -> Self {
        Self(SecretVec::from(bytes.expose_bytes().as_slice()))
    }
}

impl ConstantTimeEq for KeyMaterial {
    /// Compares in a time that depends on the lengths alone.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.debug_struct("KeyMaterial").field("length", &self.length()).finish_non_exhaustive()
    }
}

impl KeyLength {
    /// Reads a length in bits: 128 to 512, in whole bytes. `None` for any other number.
    #[must_use]
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        let bytes = u8::try_from(bits / 8).ok()?;
        (bits.is_multiple_of(8) && (MIN..=MAX).contains(&bytes)).then_some(Self(bytes))
    }

    /// Reads a length in bytes: 16 to 64. `None` for any other number.
    #[must_use]
    pub(crate) fn from_bytes(bytes: usize) -> Option<Self> {
        Self::from_bits(u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8))
    }

    /// 64 bytes, 512 bits: as much as one derivation gives.
    pub(crate) const fn longest() -> Self {
        Self(MAX)
    }

    /// The length in bits.
    #[must_use]
    pub(crate) fn bits(self) -> u16 {
        u16::from(self.0) * 8
    }

    /// The length in bytes.
    #[must_use]
    pub(crate) fn bytes(self) -> usize {
        self.0.into()
    }
}

impl Default for KeyLength {
    /// 32 bytes, 256 bits.
    fn default() -> Self {
        Self(32)
    }
}

/// The fewest bytes.
const MIN: u8 = 16;

/// The most bytes.
const MAX: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_bytes_from_128_to_512_bits_are_a_length() {
        for bits in 0..=1_000 {
            let expected = (128..=512).contains(&bits) && bits % 8 == 0;
            match KeyLength::from_bits(bits) {
                Some(length) => assert!(expected && u64::from(length.bits()) == bits, "{bits}"),
                None => assert!(!expected, "{bits}"),
            }
        }
        for bits in [u64::MAX, 1 << 32, (1 << 32) + 256, 2048 + 256] {
            assert_eq!(KeyLength::from_bits(bits), None);
        }
    }

    #[test]
    fn material_of_another_length_is_refused() {
        for length in 0..100 {
            let material = KeyMaterial::from_slice(&vec![1; length]);
            assert_eq!(material.is_some(), (16..=64).contains(&length), "{length}");
        }
    }
}

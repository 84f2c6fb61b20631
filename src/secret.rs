//! Containers for secrets: wiped when dropped, never printed, compared in constant time.
//!
//! Every function that hands out the bytes is called `expose_…`, so that a reader of the calling
//! code sees where a secret leaves its container.
//!
//! # Security
//!
//! The containers wipe their own memory. Copies that the caller makes, that the operating system
//! swaps out, or that a dependency leaves on its stack are out of their reach.
//!
//! ```
//! use strongroom::secret::{SecretBytes, SecretString};
//!
//! let key = SecretBytes::<32>::init_with(|bytes| bytes.fill(7));
//! assert_eq!(format!("{key:?}"), "SecretBytes<32>(..)");
//! assert_eq!(key.expose_bytes()[0], 7);
//! assert_eq!(SecretString::from("hunter2").expose_str(), "hunter2");
//! ```

// docs/decisions.md, 9: secrets are wiped as far as this crate reaches.

use std::{fmt, io, mem};

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Exactly `N` secret bytes on the heap, so that moving the value leaves no copy behind.
#[derive(Clone)]
pub struct SecretBytes<const N: usize>(Box<[u8; N]>);

impl<const N: usize> SecretBytes<N> {
    /// Makes the container and has `fill` write the secret in place.
    pub fn init_with(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }

    /// Makes the container and has `fill` write the secret in place, which may fail.
    ///
    /// # Errors
    ///
    /// Whatever `fill` returns; what it had written by then is wiped.
    pub fn try_init_with<E>(fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0)?;
        Ok(secret)
    }

    /// Copies a secret of exactly `N` bytes; `None` for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == N).then(|| Self::init_with(|secret| secret.copy_from_slice(bytes)))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> ConstantTimeEq for SecretBytes<N> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

impl<const N: usize> PartialEq for SecretBytes<N> {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl<const N: usize> Eq for SecretBytes<N> {}

impl<const N: usize> fmt::Debug for SecretBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes<{N}>(..)")
    }
}

impl<const N: usize> Drop for SecretBytes<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> ZeroizeOnDrop for SecretBytes<N> {}

/// Any number of secret bytes.
///
/// It grows by copying into a larger allocation and wiping the old one, so it may be written to
/// through [`io::Write`] without leaving anything behind.
#[derive(Clone, Default)]
pub struct SecretVec(Zeroizing<Vec<u8>>);

impl SecretVec {
    /// An empty container with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    /// `len` zero bytes, to be written in place.
    pub(crate) fn zeroed(len: usize) -> Self {
        Self(Zeroizing::new(vec![0; len]))
    }

    /// Appends bytes.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
            larger.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(larger);
        }
        self.0.extend_from_slice(bytes);
    }

    /// The secret itself.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn expose_bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Wipes and forgets everything from `len` on.
    pub(crate) fn truncate(&mut self, len: usize) {
        if let Some(tail) = self.0.get_mut(len..) {
            tail.zeroize();
        }
        self.0.truncate(len);
    }
}

impl From<&[u8]> for SecretVec {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl io::Write for SecretVec {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ConstantTimeEq for SecretVec {
    /// Compares in a time that depends on the lengths alone.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

impl PartialEq for SecretVec {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for SecretVec {}

impl fmt::Debug for SecretVec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretVec(..)")
    }
}

impl ZeroizeOnDrop for SecretVec {}

/// A secret text: a passphrase, a recovery key as typed, an access token.
#[derive(Clone, Default)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// An empty text with room for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(String::with_capacity(capacity)))
    }

    /// Takes a text over without a copy; what is no UTF-8 is wiped and gives an empty text.
    pub(crate) fn from_utf8(mut bytes: Zeroizing<Vec<u8>>) -> Self {
        match String::from_utf8(mem::take(&mut *bytes)) {
            Ok(text) => Self::from(text),
            Err(error) => {
                *bytes = error.into_bytes();
                Self::default()
            }
        }
    }

    /// Appends a character. The caller has reserved the room for it: a text does not grow.
    pub(crate) fn push_within_capacity(&mut self, character: char) {
        debug_assert!(self.0.len() + character.len_utf8() <= self.0.capacity());
        self.0.push(character);
    }

    /// The secret itself.
    #[must_use]
    pub fn expose_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl From<String> for SecretString {
    /// Takes the text over without a copy.
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl ConstantTimeEq for SecretString {
    /// Compares in a time that depends on the lengths alone.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_bytes().ct_eq(other.0.as_bytes())
    }
}

impl PartialEq for SecretString {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for SecretString {}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(..)")
    }
}

impl ZeroizeOnDrop for SecretString {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_another_length_is_no_secret_of_this_type() {
        assert!(SecretBytes::<4>::from_slice(&[1, 2, 3]).is_none());
        assert!(SecretBytes::<4>::from_slice(&[1, 2, 3, 4]).is_some());
    }

    #[test]
    fn a_growing_container_keeps_its_bytes() {
        let mut secret = SecretVec::with_capacity(1);
        for byte in 0..=255 {
            secret.extend_from_slice(&[byte]);
        }
        assert_eq!(secret.expose_bytes(), (0..=255).collect::<Vec<u8>>());
        secret.truncate(2);
        assert_eq!(secret.expose_bytes(), [0, 1]);
    }

    #[test]
    fn secrets_are_equal_when_their_bytes_are() {
        assert_eq!(SecretVec::from([1, 2].as_slice()), SecretVec::from([1, 2].as_slice()));
        assert_ne!(SecretVec::from([1, 2].as_slice()), SecretVec::from([1].as_slice()));
        assert_ne!(SecretString::from("a"), SecretString::from("b"));
    }
}

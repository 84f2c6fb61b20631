//! X25519 ([RFC 7748](https://www.rfc-editor.org/rfc/rfc7748)): key newtypes and the agreement.
//!
//! An agreement whose result would be all zero, because the public key lies in a small subgroup, is
//! refused: everybody could compute it.

mod agreement;
mod secret_keys;

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use subtle::ConstantTimeEq as _;
use thiserror::Error;

use self::agreement::{agree, agree_with_each, agree_with_public_half, base_point_times};
pub(crate) use self::secret_keys::{Curve25519SecretKey, EphemeralSecret, SharedSecret};
use crate::{
    crypto::lanes,
    encoding::{base64, format::FormatError},
};

/// A Curve25519 public key: 32 bytes, any of which are a key.
///
/// The top bit is ignored by the agreement
/// ([RFC 7748, section 5](https://www.rfc-editor.org/rfc/rfc7748#section-5)) and kept as it came.
///
/// Two of them are compared in constant time, since one may be the public half of a guessed secret.
#[derive(Clone, Copy, Eq)]
pub struct Curve25519PublicKey([u8; 32]);

impl Curve25519PublicKey {
    /// The length of the key in bytes.
    pub const LENGTH: usize = 32;

    /// Takes the 32 bytes of a key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a key from base64, padded or not.
    ///
    /// # Errors
    ///
    /// If the text is not base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, FormatError> {
        base64::decode_array(text).map(Self)
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key in unpadded base64: 43 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        base64::encode(&self.0)
    }

    /// The same key in its one canonical encoding: the top bit clear, the coordinate reduced.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let mut bytes = self.0;
        let [.., last] = &mut bytes;
        *last &= 0x7f;
        // p = 2^255 - 19: the 19 values from p on have 0xed to 0xff, thirty times 0xff, 0x7f.
        if let [first, middle @ .., 0x7f] = &mut bytes
            && *first >= 0xed
            && middle.iter().all(|byte| *byte == 0xff)
        {
            let reduced = *first - 0xed;
            bytes = [0; 32];
            let [first, ..] = &mut bytes;
            *first = reduced;
        }
        Self(bytes)
    }

    /// Whether every agreement with this key gives the same all-zero secret.
    #[must_use]
    pub fn is_low_order(&self) -> bool {
        // Clamping makes the scalar a multiple of eight, so any scalar tells.
        agree(&[0; 32], self).is_err()
    }
}

impl FromStr for Curve25519PublicKey {
    type Err = FormatError;

    /// As [`Curve25519PublicKey::from_base64`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_base64(text)
    }
}

impl PartialEq for Curve25519PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for Curve25519PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Curve25519PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Curve25519PublicKey({})", self.to_base64())
    }
}

impl fmt::Display for Curve25519PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

/// How many results of vector instructions turned out to be wrong since the process started: zero on a processor that works.
///
/// Of what is sealed together, some is computed a second time without these instructions. If that shows a difference, the
/// whole batch is computed again without them, and so is everything after it; what was sealed is right in
/// either case. A host may want to tell somebody that the machine is broken.
#[must_use]
pub fn wrong_products() -> u64 {
    lanes::wrong_products()
}

/// The public key lies in a small subgroup, so the agreement would be known to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the Curve25519 public key is one that gives everybody the same secret")]
pub(crate) struct NonContributory;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_points_of_small_order_are_known() {
        let mut one = [0; 32];
        one[0] = 1;
        assert!(Curve25519PublicKey::from_bytes([0; 32]).is_low_order());
        assert!(Curve25519PublicKey::from_bytes(one).is_low_order());
        one[0] = 9;
        assert!(!Curve25519PublicKey::from_bytes(one).is_low_order());
    }

    #[test]
    fn every_coordinate_has_one_canonical_encoding() {
        let mut p = [0xff; 32];
        (p[0], p[31]) = (0xed, 0x7f);
        let canonical = |bytes| *Curve25519PublicKey::from_bytes(bytes).canonical().as_bytes();
        for above in 0..19 {
            let (mut high, mut low) = (p, [0; 32]);
            high[0] += above;
            low[0] = above;
            assert_eq!(canonical(high), low);
            high[31] |= 0x80;
            assert_eq!(canonical(high), low);
        }
        p[0] -= 1;
        assert_eq!(canonical(p), p);
        assert_eq!(canonical([0xff; 32])[0], 18);
    }

    #[test]
    fn an_ephemeral_key_agrees_with_a_kept_one() {
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        let kept = Curve25519SecretKey::generate_with_rng(rng);
        let ephemeral = EphemeralSecret::generate_with_rng(rng);
        let (public_half, ours) = ephemeral.diffie_hellman(&kept.public_key()).unwrap();
        let theirs = kept.diffie_hellman(&public_half).unwrap();
        assert_eq!(theirs.expose_bytes(), ours.expose_bytes());
    }
}

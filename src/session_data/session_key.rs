//! The Megolm session key in its export format.

use std::{fmt, str::FromStr};

use subtle::{Choice, ConstantTimeEq};

use super::SessionDataError;
use crate::{
    crypto::ed25519::{Ed25519PublicKey, Ed25519Signature, PointTest},
    encoding::{base64, secret_base64},
    ids::SessionId,
    secret::{SecretBytes, SecretString},
};

/// A Megolm session key: everything that decrypts the messages of a session from one index on.
///
/// It is kept in the [export format](https://spec.matrix.org/v1.16/client-server-api/#key-export-format)
/// of Megolm, 165 bytes:
///
/// ```text
/// 0x01 | first known index (4, big-endian) | ratchet (128) | Ed25519 public key (32)
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey(SecretBytes<165>);

impl SessionKey {
    /// The length of the export format in bytes.
    pub const LENGTH: usize = 165;

    /// Reads a key from its bytes.
    ///
    /// Besides the export format, the
    /// [sharing format](https://spec.matrix.org/v1.16/olm-megolm/megolm/#session-sharing-format)
    /// is read, since some client backed it up: 229 bytes that end in a signature, which is verified
    /// and dropped.
    ///
    /// # Errors
    ///
    /// [`SessionDataError`] says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SessionDataError> {
        Self::from_bytes_with(bytes, &mut PointTest::Now)
    }

    fn from_bytes_with(bytes: &[u8], test: &mut PointTest<'_>) -> Result<Self, SessionDataError> {
        match bytes.first() {
            None => Err(SessionDataError::KeyLength { expected: Self::LENGTH, found: 0 }),
            Some(&EXPORT_FORMAT) => Self::from_export_format(bytes, test),
            Some(&SHARING_FORMAT) => Self::from_sharing_format(bytes),
            Some(&format) => Err(SessionDataError::KeyFormat(format)),
        }
    }

    /// Reads a key from base64, padded or not, in a time that depends on its length alone.
    ///
    /// # Errors
    ///
    /// [`SessionDataError`] says what is wrong with the text.
    pub fn from_base64(text: &str) -> Result<Self, SessionDataError> {
        Self::from_base64_with(text, &mut PointTest::Now)
    }

    /// The same; whether the key of the export format holds a point is tested when `test` says.
    pub(super) fn from_base64_with(
        text: &str,
        test: &mut PointTest<'_>,
    ) -> Result<Self, SessionDataError> {
        let longest = SHARING_LENGTH.div_ceil(3) * 4;
        if text.len() > longest {
            let found = text.len() / 4 * 3;
            return Err(SessionDataError::KeyLength { expected: Self::LENGTH, found });
        }
        let bytes = secret_base64::decode(text).map_err(|_| SessionDataError::KeyBase64)?;
        Self::from_bytes_with(bytes.expose_bytes(), test)
    }

    /// The session's ID: its Ed25519 public key in unpadded base64.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        SessionId::new(base64::encode(self.public_key_bytes()))
    }

    /// The part of the ratchet that changes after 2^24 messages, and so is the same whichever of these the key begins with: 32
    /// secret bytes.
    pub(super) fn expose_slow_part(&self) -> &[u8] {
        self.0.expose_bytes().get(5..37).unwrap_or_default()
    }

    /// The 32 bytes of the ID, which are public.
    pub(super) fn public_key_bytes(&self) -> &[u8; 32] {
        public_key_of(self.0.expose_bytes())
    }

    /// The index of the first message that the key decrypts.
    #[must_use]
    pub fn first_known_index(&self) -> u32 {
        let [_, a, b, c, d, ..] = *self.0.expose_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// The export format in unpadded base64: 220 characters.
    #[must_use]
    pub fn to_base64(&self) -> SecretString {
        secret_base64::encode(self.0.expose_bytes())
    }

    /// The export format: 165 secret bytes.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; 165] {
        self.0.expose_bytes()
    }

    fn from_export_format(
        bytes: &[u8],
        test: &mut PointTest<'_>,
    ) -> Result<Self, SessionDataError> {
        let key = SecretBytes::from_slice(bytes)
            .ok_or(SessionDataError::KeyLength { expected: Self::LENGTH, found: bytes.len() })?;
        read_public_key(&key, test)?;
        Ok(Self(key))
    }

    fn from_sharing_format(bytes: &[u8]) -> Result<Self, SessionDataError> {
        let found = bytes.len();
        let wrong_length = || SessionDataError::KeyLength { expected: SHARING_LENGTH, found };
        let (signed, signature) = bytes.split_last_chunk().ok_or_else(wrong_length)?;
        let mut key = SecretBytes::from_slice(signed).ok_or_else(wrong_length)?;
        let signature = Ed25519Signature::from_bytes(*signature);
        if !read_public_key(&key, &mut PointTest::Now)?.verifies(signed, &signature) {
            return Err(SessionDataError::KeySignature);
        }
        key = SecretBytes::init_with(|export| {
            export.copy_from_slice(key.expose_bytes());
            export[0] = EXPORT_FORMAT;
        });
        Ok(Self(key))
    }
}

impl FromStr for SessionKey {
    type Err = SessionDataError;

    /// As [`SessionKey::from_base64`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_base64(text)
    }
}

impl ConstantTimeEq for SessionKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.debug_struct("SessionKey").field("session_id", &self.session_id()).finish_non_exhaustive()
    }
}

fn public_key_of(key: &[u8; SessionKey::LENGTH]) -> &[u8; 32] {
    #[expect(clippy::expect_used, reason = "the lengths are constants")]
    key.last_chunk().expect("165 bytes end in 32")
}

fn read_public_key(
    key: &SecretBytes<{ SessionKey::LENGTH }>,
    test: &mut PointTest<'_>,
) -> Result<Ed25519PublicKey, SessionDataError> {
    Ed25519PublicKey::from_bytes_with(public_key_of(key.expose_bytes()), test)
        .map_err(|_| SessionDataError::KeyWithoutId)
}

/// The first byte of the export format.
const EXPORT_FORMAT: u8 = 1;

/// The first byte of the sharing format.
const SHARING_FORMAT: u8 = 2;

/// The length of the sharing format in bytes: the export format and a signature.
const SHARING_LENGTH: usize = SessionKey::LENGTH + Ed25519Signature::LENGTH;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbound_session_is_read_in_both_formats() {
        let mut outbound = vodozemac::megolm::GroupSession::new(Default::default());
        outbound.encrypt("one");
        let shared = outbound.session_key();
        let key = SessionKey::from_bytes(&shared.to_bytes()).unwrap();
        let inbound = vodozemac::megolm::InboundGroupSession::new(&shared, Default::default());
        let exported = inbound.export_at_first_known_index();
        assert_eq!(key, SessionKey::from_base64(&exported.to_base64()).unwrap());
        assert_eq!(key.expose_bytes().as_slice(), exported.to_bytes());
        assert_eq!(key.session_id().as_str(), outbound.session_id());
        assert_eq!(key.first_known_index(), 1);
    }

    #[test]
    fn a_sharing_format_with_a_wrong_signature_is_refused() {
        let mut bytes =
            vodozemac::megolm::GroupSession::new(Default::default()).session_key().to_bytes();
        bytes[40] ^= 1;
        assert_eq!(SessionKey::from_bytes(&bytes), Err(SessionDataError::KeySignature));
    }

    #[test]
    fn other_lengths_and_formats_are_named() {
        let error = |bytes: &[u8]| SessionKey::from_bytes(bytes).unwrap_err();
        assert_eq!(error(&[]), SessionDataError::KeyLength { expected: 165, found: 0 });
        assert_eq!(error(&[1; 164]), SessionDataError::KeyLength { expected: 165, found: 164 });
        assert_eq!(error(&[2; 165]), SessionDataError::KeyLength { expected: 229, found: 165 });
        assert_eq!(error(&[2; 10]), SessionDataError::KeyLength { expected: 229, found: 10 });
        assert_eq!(error(&[3; 165]), SessionDataError::KeyFormat(3));
        let long = SessionKey::from_base64(&"A".repeat(1 << 20)).unwrap_err();
        assert!(matches!(long, SessionDataError::KeyLength { found: 786_432, .. }));
    }

    #[test]
    fn a_session_id_that_is_no_public_key_is_refused() {
        let mut bytes = [0; 165];
        bytes[0] = 1;
        bytes[133] = 2;
        assert_eq!(SessionKey::from_bytes(&bytes), Err(SessionDataError::KeyWithoutId));
    }
}

//! The two halves of a backup's key.

// docs/decisions.md, 11: a key carries its source.

use std::{fmt, str::FromStr};

use rand_core::CryptoRng;

use super::{MEGOLM_BACKUP_V1, SecretContent, SecretValue};
use crate::{
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        ed25519::Ed25519PublicKey,
    },
    encoding::{
        as_text::serde_as_text,
        format::{FormatError, FormatProblem},
        secret_base64,
    },
    provenance::Provenance,
    randomness::{NoRandomness, with_os_rng},
    secret::{SecretBytes, SecretString},
};

/// The public key of a backup: sessions are sealed to it.
///
/// Two keys are equal if they are the same point, however it is encoded: a server cannot pass a
/// retired key off as another by setting a bit that the agreement ignores.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BackupPublicKey(Curve25519PublicKey);

impl BackupPublicKey {
    /// Takes a Curve25519 key, in its one canonical encoding.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if what is sealed to the key could be opened by everybody.
    pub fn new(key: Curve25519PublicKey) -> Result<Self, FormatError> {
        if key.is_low_order() {
            Err(FormatProblem::Unsafe.of(WHAT))
        } else {
            Ok(Self(key.canonical()))
        }
    }

    /// Reads a key from base64, padded or not.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if the text is not base64 of 32 bytes, or no usable key.
    pub fn from_base64(text: &str) -> Result<Self, FormatError> {
        let damaged = |error: FormatError| error.problem.of(WHAT);
        let key = Curve25519PublicKey::from_base64(text).map_err(damaged)?;
        Self::new(key)
    }

    /// The key as the agreement uses it.
    #[must_use]
    pub fn as_curve25519(&self) -> &Curve25519PublicKey {
        &self.0
    }

    /// The key in unpadded base64: 43 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        self.0.to_base64()
    }
}

impl FromStr for BackupPublicKey {
    type Err = FormatError;

    /// As [`BackupPublicKey::from_base64`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_base64(text)
    }
}

impl fmt::Debug for BackupPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackupPublicKey({})", self.0)
    }
}

impl fmt::Display for BackupPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

serde_as_text!(BackupPublicKey);

/// The decryption key of a backup, and where it came from.
///
/// # Security
///
/// Any key opens sessions. Whether a key also makes a backup [trusted](crate::backup::TrustedBackup) depends
/// on its [provenance](Provenance): a server can plant a key where nobody vouches for it.
#[derive(Clone)]
pub struct BackupDecryptionKey {
    secret: Curve25519SecretKey,
    public: BackupPublicKey,
    provenance: Provenance,
}

impl BackupDecryptionKey {
    /// Draws a key for a new backup.
    pub fn generate_with_rng(rng: &mut impl CryptoRng) -> Self {
        Self::from_curve25519(Curve25519SecretKey::generate_with_rng(rng), Provenance::Generated)
    }

    /// Draws a key for a new backup from the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        with_os_rng(Self::generate_with_rng)
    }

    /// Takes the 32 bytes of a key of which nothing is known: it opens sessions, and makes nothing trusted.
    #[must_use]
    pub fn from_bytes(bytes: SecretBytes<32>) -> Self {
        Self::with_provenance(bytes, Provenance::Unauthenticated)
    }

    /// Reads a key from base64, padded or not, of which nothing is known: it opens sessions, and makes nothing trusted.
    /// What secret storage holds is read by
    /// [`OpenedSecret::backup_key`](crate::secret_storage::OpenedSecret::backup_key), which knows more.
    ///
    /// # Errors
    ///
    /// If the text is not base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, FormatError> {
        secret_base64::decode_array(text).map(Self::from_bytes)
    }

    /// Takes a key that the host has kept in a store of its own, and asserts that it was authentic when it got there
    /// and that nobody else can write there.
    #[must_use]
    pub fn kept_by_host(bytes: SecretBytes<32>) -> Self {
        Self::with_provenance(bytes, Provenance::KeptByHost)
    }

    /// Takes a key that the user has typed, for a host that reads what is typed itself, and asserts just that.
    #[must_use]
    pub fn typed_by_user(bytes: SecretBytes<32>) -> Self {
        Self::with_provenance(bytes, Provenance::TypedByUser)
    }

    /// Takes a key that the host has opened itself, and asserts that it was stored symmetrically
    /// (`m.secret_storage.v1.aes-hmac-sha2`) under a key that only the user can have.
    #[must_use]
    pub fn from_authenticated_secret_storage(bytes: SecretBytes<32>) -> Self {
        Self::with_provenance(bytes, Provenance::AuthenticatedSecretStorage)
    }

    /// Takes a key that came over Olm, for a host that shares secrets itself, and asserts that the device with this
    /// Ed25519 key sent it because it was asked, and that the user has verified that device.
    #[must_use]
    pub fn shared_by_verified_device(bytes: SecretBytes<32>, device: Ed25519PublicKey) -> Self {
        Self::with_provenance(bytes, Provenance::SharedByVerifiedDevice(device))
    }

    /// Takes a key with what is known of where it came from.
    pub(crate) fn with_provenance(bytes: SecretBytes<32>, provenance: Provenance) -> Self {
        Self::from_curve25519(Curve25519SecretKey::from_bytes(bytes), provenance)
    }

    /// The key in unpadded base64, 43 characters, as it is stored under `m.megolm_backup.v1`.
    #[must_use]
    pub fn to_base64(&self) -> SecretString {
        secret_base64::encode(self.secret.as_secret().expose_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &BackupPublicKey {
        &self.public
    }

    /// Where the key came from.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// Lets an unauthenticated key count as authentic, because the user said so after having been told that a server could
    /// have planted it, or that it can find the key since the backup's passphrase has few rounds.
    #[must_use]
    pub fn accept_unauthenticated(self) -> Self {
        Self { provenance: self.provenance.accepted(), ..self }
    }

    /// The same key, whose provenance proves nothing now.
    pub(crate) fn unauthenticated(self) -> Self {
        Self { provenance: Provenance::Unauthenticated, ..self }
    }

    pub(crate) fn secret(&self) -> &Curve25519SecretKey {
        &self.secret
    }

    fn from_curve25519(secret: Curve25519SecretKey, provenance: Provenance) -> Self {
        // A clamped scalar never gives a point of small order.
        let public = BackupPublicKey(secret.public_key());
        Self { secret, public, provenance }
    }
}

impl BackupDecryptionKey {
    /// The key as the secret that it is, `m.megolm_backup.v1`, with where it came from.
    #[must_use]
    pub fn to_secret(&self) -> SecretValue {
        SecretValue {
            name: MEGOLM_BACKUP_V1.into(),
            content: SecretContent::BackupKey(self.secret.clone()),
            provenance: self.provenance,
        }
    }
}

impl FromStr for BackupDecryptionKey {
    type Err = FormatError;

    /// As [`BackupDecryptionKey::from_base64`]: nothing is known of where the key came from.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_base64(text)
    }
}

impl fmt::Debug for BackupDecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret: _, public, provenance } = self;
        f.debug_struct("BackupDecryptionKey")
            .field("public", public)
            .field("provenance", provenance)
            .finish_non_exhaustive()
    }
}

const WHAT: &str = "the backup's public key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_encoding_of_a_point_is_the_same_key() {
        let key = BackupDecryptionKey::generate().unwrap();
        let mut bytes = *key.public_key().as_curve25519().as_bytes();
        bytes[31] |= 0x80;
        let same = BackupPublicKey::new(Curve25519PublicKey::from_bytes(bytes)).unwrap();
        assert_eq!(same, *key.public_key());
    }
}

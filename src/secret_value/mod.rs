//! A named secret, the shape that its name asks for, and the public key that it belongs to.
//!
//! Secrets are text. Those whose names the specification gives
//! ([backup](https://spec.matrix.org/v1.16/client-server-api/#recovery-key),
//! [cross-signing](https://spec.matrix.org/v1.16/client-server-api/#cross-signing)) are 32 bytes in
//! base64, and belong to a public key that everybody can see. So is the key of a dehydrated device
//! ([MSC3814](https://github.com/matrix-org/matrix-spec-proposals/pull/3814)), which belongs to none. Other names may
//! hold any text.
//!
//! # Security
//!
//! Secret storage does not tell whether a secret is the one that was stored: its code does not cover
//! the IV, and a server can return an old one. [`SecretValue::check_backup_key`] and
//! [`SecretValue::check_cross_signing_key`] do, as far as the public key is the right one.
//!
//! ```
//! use strongroom::{
//!     crypto::curve25519::Curve25519PublicKey,
//!     ids::SecretName,
//!     secret_value::{MEGOLM_BACKUP_V1, SecretCheckError, SecretValue},
//! };
//!
//! let stored = b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
//! let read = SecretValue::read(&SecretName::from(MEGOLM_BACKUP_V1), stored)?;
//! assert!(read.repairs.is_empty());
//! let other = Curve25519PublicKey::from_bytes([9; 32]);
//! assert_eq!(read.value.check_backup_key(&other), Err(SecretCheckError::BackupKey));
//! # Ok::<(), strongroom::encoding::format::FormatError>(())
//! ```

pub(crate) mod backup_key;
mod names;
mod public_keys;
mod reading;
mod saved;

use std::fmt;

use subtle::ConstantTimeEq as _;

use self::{
    backup_key::BackupDecryptionKey,
    reading::{read_key, read_number_list},
};
pub use self::{
    names::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        DEHYDRATED_DEVICE, DEHYDRATED_DEVICE_UNSTABLE, MEGOLM_BACKUP_V1,
        MEGOLM_BACKUP_V1_RECOVERY_KEY,
    },
    public_keys::PublicKeys,
    reading::{SecretCheckError, SecretRepair},
};
pub(crate) use self::{
    names::{SecretShape, WELL_KNOWN, former_backup_key, is_algorithm, is_former_backup_key},
    saved::SavedSecret,
};
use crate::{
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        ed25519::{Ed25519PublicKey, Ed25519Seed},
    },
    encoding::{
        format::{FormatError, FormatProblem},
        read::Read,
        secret_base64,
    },
    ids::SecretName,
    provenance::Provenance,
    secret::{SecretBytes, SecretString},
};

/// A secret that has the shape its name asks for, and where it came from.
///
/// Two are equal if they have one name and one content, wherever they came from; they are compared in constant
/// time.
#[derive(Clone)]
pub struct SecretValue {
    name: SecretName,
    content: SecretContent,
    provenance: Provenance,
}

/// What a secret is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum SecretContent {
    BackupKey(Curve25519SecretKey),
    CrossSigningSeed(Ed25519Seed),
    DehydratedDeviceKey(SecretBytes<32>),
    /// A text of which nothing is known; it may be empty.
    Text(SecretString),
}

impl SecretValue {
    /// Reads a secret as it was stored under this name, of which nothing else is known: it is
    /// [unauthenticated](Provenance::Unauthenticated). Base64 may be padded or not.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is no text, or not what the name asks for.
    pub fn read(
        name: &SecretName,
        stored: &[u8],
    ) -> Result<Read<SecretValue, SecretRepair>, FormatError> {
        Self::read_with(name, stored, Provenance::Unauthenticated)
    }

    /// Reads a secret that the host has made or has kept in a store of its own, and asserts that it is authentic:
    /// that nobody else can have put it there. Base64 may be padded or not.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is no text, or not what the name asks for.
    pub fn kept_by_host(
        name: &SecretName,
        kept: &[u8],
    ) -> Result<Read<SecretValue, SecretRepair>, FormatError> {
        Self::read_with(name, kept, Provenance::KeptByHost)
    }

    /// The seed of a cross-signing key that was drawn here, under the name that stands for its use.
    pub(crate) fn generated_seed(name: &str, seed: Ed25519Seed) -> Self {
        let content = SecretContent::CrossSigningSeed(seed);
        Self { name: name.into(), content, provenance: Provenance::Generated }
    }

    /// Reads a secret with what is known of where it came from.
    pub(crate) fn read_with(
        name: &SecretName,
        stored: &[u8],
        provenance: Provenance,
    ) -> Result<Read<SecretValue, SecretRepair>, FormatError> {
        let text = str::from_utf8(stored).map_err(|_| FormatProblem::NotText.of(reading::WHAT))?;
        let mut repairs = Vec::new();
        let mut current_name = name.clone();
        if name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY {
            repairs.push(SecretRepair::NameOfADraft);
            current_name = MEGOLM_BACKUP_V1.into();
        }
        let content = match SecretShape::of(name) {
            SecretShape::BackupKey => {
                let numbers = read_number_list(text);
                repairs.extend(numbers.as_ref().map(|_| SecretRepair::NumberList));
                let key = numbers.map_or_else(|| read_key(text), Ok)?;
                SecretContent::BackupKey(Curve25519SecretKey::from_bytes(key))
            }
            SecretShape::CrossSigningSeed => {
                SecretContent::CrossSigningSeed(Ed25519Seed::from_bytes(read_key(text)?))
            }
            SecretShape::DehydratedDeviceKey => SecretContent::DehydratedDeviceKey(read_key(text)?),
            SecretShape::Text => SecretContent::Text(SecretString::from(text)),
        };
        Ok(Read { value: Self { name: current_name, content, provenance }, repairs })
    }

    /// The name under which it is stored today.
    #[must_use]
    pub fn name(&self) -> &SecretName {
        &self.name
    }

    /// Where it came from.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// Lets an unauthenticated secret count as authentic, because the user said so after having been told that a
    /// server could have planted it.
    #[must_use]
    pub fn accept_unauthenticated(self) -> Self {
        Self { provenance: self.provenance.accepted(), ..self }
    }

    /// The same, which belongs to a public key that is the user's for sure.
    pub(crate) fn verified(self) -> Self {
        Self { provenance: self.provenance.verified(), ..self }
    }

    /// The decryption key of a backup, if it is one, with where it came from.
    #[must_use]
    pub fn backup_key(&self) -> Option<BackupDecryptionKey> {
        let SecretContent::BackupKey(key) = &self.content else { return None };
        Some(BackupDecryptionKey::with_provenance(key.as_secret().clone(), self.provenance))
    }

    /// The seed of a cross-signing key, if it is one.
    #[must_use]
    pub fn cross_signing_seed(&self) -> Option<&Ed25519Seed> {
        if let SecretContent::CrossSigningSeed(seed) = &self.content { Some(seed) } else { None }
    }

    /// The key that a dehydrated device is encrypted with
    /// ([MSC3814](https://github.com/matrix-org/matrix-spec-proposals/pull/3814)), if it is one: 32 bytes. It belongs to no
    /// public key.
    #[must_use]
    pub fn dehydrated_device_key(&self) -> Option<&SecretBytes<32>> {
        if let SecretContent::DehydratedDeviceKey(key) = &self.content { Some(key) } else { None }
    }

    /// The text to store: keys in unpadded base64, 43 characters, others as they are.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        match &self.content {
            SecretContent::BackupKey(key) => secret_base64::encode(key.as_secret().expose_bytes()),
            SecretContent::CrossSigningSeed(seed) => {
                secret_base64::encode(seed.as_secret().expose_bytes())
            }
            SecretContent::DehydratedDeviceKey(key) => secret_base64::encode(key.expose_bytes()),
            SecretContent::Text(text) => text.clone(),
        }
    }

    /// Whether it is the decryption key of the backup with this public key. Two encodings of one
    /// point are the same key; they are compared in constant time.
    ///
    /// # Errors
    ///
    /// [`SecretCheckError::BackupKey`] if it is another one, [`SecretCheckError::Kind`] if it is no
    /// backup key.
    pub fn check_backup_key(&self, public: &Curve25519PublicKey) -> Result<(), SecretCheckError> {
        let SecretContent::BackupKey(key) = &self.content else {
            return Err(SecretCheckError::Kind);
        };
        let fits = key.public_key().as_bytes().ct_eq(public.canonical().as_bytes());
        if fits.into() { Ok(()) } else { Err(SecretCheckError::BackupKey) }
    }

    /// Whether it is the seed of the cross-signing key with this public key, compared in constant time.
    ///
    /// # Errors
    ///
    /// [`SecretCheckError::CrossSigningKey`] if it is another one, [`SecretCheckError::Kind`] if it is
    /// no seed.
    pub fn check_cross_signing_key(
        &self,
        public: &Ed25519PublicKey,
    ) -> Result<(), SecretCheckError> {
        let seed = self.cross_signing_seed().ok_or(SecretCheckError::Kind)?;
        let fits = seed.public_key().as_bytes().ct_eq(public.as_bytes());
        if fits.into() { Ok(()) } else { Err(SecretCheckError::CrossSigningKey) }
    }
}

impl PartialEq for SecretValue {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.content == other.content
    }
}

impl Eq for SecretValue {}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, content, provenance } = self;
        f.debug_struct("SecretValue")
            .field("name", name)
            .field("content", content)
            .field("provenance", provenance)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SecretContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BackupKey(_) => "BackupKey(..)",
            Self::CrossSigningSeed(_) => "CrossSigningSeed(..)",
            Self::DehydratedDeviceKey(_) => "DehydratedDeviceKey(..)",
            Self::Text(_) => "Text(..)",
        })
    }
}

//! A named secret, the shape that its name asks for, and the public key that it belongs to.
//!
//! Secrets are text. Those whose names the specification gives
//! ([backup](https://spec.matrix.org/v1.16/client-server-api/#recovery-key),
//! [cross-signing](https://spec.matrix.org/v1.16/client-server-api/#cross-signing)) are 32 bytes in
//! base64, and belong to a public key that everybody can see. Other names may hold any text.
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
//! # Ok::<(), strongroom::secret_value::SecretValueError>(())
//! ```

mod names;
mod public_keys;

use std::fmt;

use subtle::ConstantTimeEq as _;
use thiserror::Error;

pub(crate) use self::names::WELL_KNOWN;
pub use self::{
    names::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING,
        DEHYDRATED_DEVICE, DEHYDRATED_DEVICE_UNSTABLE, MEGOLM_BACKUP_V1,
        MEGOLM_BACKUP_V1_RECOVERY_KEY,
    },
    public_keys::{PublicKeyVerdict, PublicKeys},
};
use crate::{
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        ed25519::{Ed25519PublicKey, Ed25519Seed},
    },
    encoding::{base64::Base64Error, secret_base64},
    ids::SecretName,
    secret::{SecretBytes, SecretString},
};

/// A secret that has the shape its name asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue {
    name: SecretName,
    content: SecretContent,
}

/// What a secret is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretContent {
    /// The decryption key of a backup.
    BackupKey(Curve25519SecretKey),
    /// The seed of a cross-signing key.
    CrossSigningSeed(Ed25519Seed),
    /// A text of which nothing is known; it may be empty.
    Text(SecretString),
}

/// The shape that the name of a secret asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretShape {
    /// 32 bytes of Curve25519.
    BackupKey,
    /// 32 bytes of Ed25519.
    CrossSigningSeed,
    /// Any text.
    Text,
}

/// A secret that was read, and what had to be made good. Storing it again as
/// [`SecretValue::to_text`] under [`SecretValue::name`] repairs it for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSecretValue {
    /// The secret.
    pub value: SecretValue,
    /// What was made good on the way; empty for what the specification says.
    pub repairs: Vec<SecretRepair>,
}

/// Something about a stored secret that was not as specified, and what was made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretRepair {
    /// The backup key was stored under the name of an early draft, `m.megolm_backup.v1.recovery_key`.
    NameOfADraft,
    /// The backup key was stored as `12,34,56,…`, which the JavaScript client once wrote.
    NumberList,
}

/// Why stored bytes are not the secret that their name asks for. What was stored is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretValueError {
    /// A secret is text, and this is not.
    #[error("the secret is not text")]
    NotUtf8,
    /// It is neither 32 bytes in base64 nor, for the backup key, 32 numbers.
    #[error("the secret is not a key of 32 bytes: {0}")]
    NotAKey(#[source] Base64Error),
}

/// Why a secret does not belong to a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretCheckError {
    /// The secret is not of the kind that has such a public key.
    #[error("the secret is of another kind than the public key")]
    Kind,
    /// The backup key is that of another backup, or was changed.
    #[error("the stored backup key does not belong to this backup")]
    BackupKey,
    /// The cross-signing key is another one, or was changed.
    #[error("the stored cross-signing key does not belong to this public key")]
    CrossSigningKey,
}

impl SecretShape {
    /// The shape for a name. Names that the crate does not know have none.
    #[must_use]
    pub fn of(name: &SecretName) -> Self {
        match name.as_str() {
            MEGOLM_BACKUP_V1 | MEGOLM_BACKUP_V1_RECOVERY_KEY => Self::BackupKey,
            CROSS_SIGNING_MASTER | CROSS_SIGNING_SELF_SIGNING | CROSS_SIGNING_USER_SIGNING => {
                Self::CrossSigningSeed
            }
            _ => Self::Text,
        }
    }
}

impl SecretValue {
    /// Reads a secret as it was stored under this name. Base64 may be padded or not.
    ///
    /// # Errors
    ///
    /// [`SecretValueError`] if it is no text, or not what the name asks for.
    pub fn read(name: &SecretName, stored: &[u8]) -> Result<ReadSecretValue, SecretValueError> {
        let text = str::from_utf8(stored).map_err(|_| SecretValueError::NotUtf8)?;
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
            SecretShape::Text => SecretContent::Text(SecretString::from(text)),
        };
        Ok(ReadSecretValue { value: Self { name: current_name, content }, repairs })
    }

    /// The name under which it is stored today.
    #[must_use]
    pub fn name(&self) -> &SecretName {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub fn content(&self) -> &SecretContent {
        &self.content
    }

    /// The text to store: keys in unpadded base64, 43 characters, others as they are.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        match &self.content {
            SecretContent::BackupKey(key) => secret_base64::encode(key.as_secret().expose_bytes()),
            SecretContent::CrossSigningSeed(seed) => {
                secret_base64::encode(seed.as_secret().expose_bytes())
            }
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
        let SecretContent::CrossSigningSeed(seed) = &self.content else {
            return Err(SecretCheckError::Kind);
        };
        let fits = seed.public_key().as_bytes().ct_eq(public.as_bytes());
        if fits.into() { Ok(()) } else { Err(SecretCheckError::CrossSigningKey) }
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, content } = self;
        f.debug_struct("SecretValue")
            .field("name", name)
            .field("content", content)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SecretContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BackupKey(_) => "BackupKey(..)",
            Self::CrossSigningSeed(_) => "CrossSigningSeed(..)",
            Self::Text(_) => "Text(..)",
        })
    }
}

fn read_key(text: &str) -> Result<SecretBytes<32>, SecretValueError> {
    secret_base64::decode_array(text).map_err(SecretValueError::NotAKey)
}

/// Reads 32 bytes from `12,34,…`; nothing if the text is of another form.
fn read_number_list(text: &str) -> Option<SecretBytes<32>> {
    let mut numbers = text.split(',');
    let bytes = SecretBytes::try_init_with(|bytes| {
        for byte in bytes {
            let number = numbers.next().ok_or(())?;
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            *byte = number.parse().ok().filter(|_| is_number).ok_or(())?;
        }
        Ok::<(), ()>(())
    });
    bytes.ok().filter(|_| numbers.next().is_none())
}

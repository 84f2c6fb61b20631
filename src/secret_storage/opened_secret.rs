//! A secret that was opened, and what is known of it.

use std::fmt;

use thiserror::Error;

use super::key::{KeyStanding, SecretStorageKey};
use crate::{
    crypto::curve25519_aes_sha2::MacScheme,
    encoding::{format::FormatError, read::Read},
    ids::{SecretName, SecretStorageKeyId},
    provenance::Provenance,
    secret::SecretString,
    secret_value::{
        PublicKeys, SecretCheckError, SecretRepair, SecretValue, backup_key::BackupDecryptionKey,
        is_former_backup_key,
    },
};

/// A secret out of the secret storage, and how it got there.
#[derive(Clone)]
pub struct OpenedSecret {
    name: SecretName,
    text: SecretString,
    key_id: SecretStorageKeyId,
    /// How sure it is that the key that opened it is the right one: that very key, whatever others have its ID.
    standing: KeyStanding,
    origin: SecretOrigin,
    /// Whether others can have found the key that opened it by trying passphrases.
    is_guessable: bool,
    belongs_to_public_key: bool,
}

/// How a secret was stored, which tells who may have stored it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretOrigin {
    /// Encrypted symmetrically: by somebody who had the key.
    AesHmacSha2,
    /// Encrypted asymmetrically: by anybody who knew the public key, the server included.
    Curve25519AesSha2(MacScheme),
    /// Not encrypted at all: somebody wrote that the backup key is the storage key.
    Passthrough,
}

/// Why a secret does not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretOpenError {
    /// It is encrypted to other keys alone than the one that was given, or those.
    #[error("the secret is encrypted with other keys")]
    OtherKeys,
    /// It is encrypted to keys that were given, and tried on none of them: others can
    /// [guess](super::SecretStorageKey::is_guessable) them, and nothing shows that they are the right ones, or another key
    /// is sure. Who is sure of a key can open it with [that key alone](super::SecretStorageKey::open).
    #[error("others can guess the key that the secret is encrypted to, so it was not tried")]
    NotTried,
    /// It is encrypted to keys that were given, and none opens it. The first reason is that
    /// of the first key.
    #[error("the secret does not open: {}", first_reason(.0))]
    Keys(Vec<(SecretStorageKeyId, SecretOpenError)>),
    /// What is stored under the key cannot be read.
    #[error("{0}")]
    Entry(FormatError),
    /// It was encrypted with another algorithm than the key is for.
    #[error("the secret was encrypted with another algorithm than the key is for")]
    OtherAlgorithm,
    /// The authentication code does not fit: another key, another name or damage.
    #[error("the secret was encrypted with another key or under another name, or it is damaged")]
    WrongKey,
    /// The key is right, and the ciphertext is not.
    #[error("the secret is damaged")]
    Damaged,
    /// It is to be the key itself, and is no backup key under an asymmetric key.
    #[error("the secret claims to be the storage key itself, which only a backup key may be")]
    PassthroughRefused,
    /// A secret is text, and this is not.
    #[error("the secret is not text")]
    NotUtf8,
    /// It is not the key that its name asks for, so it cannot belong to the public key.
    #[error("{0}")]
    Value(FormatError),
    /// It does not belong to the public key that the caller knows.
    #[error(transparent)]
    PublicKey(#[from] SecretCheckError),
}

impl OpenedSecret {
    pub(super) fn new(
        name: &SecretName,
        text: SecretString,
        key: &SecretStorageKey,
        origin: SecretOrigin,
    ) -> Self {
        let (name, key_id) = (name.clone(), key.id().clone());
        let (standing, is_guessable) = (key.standing(), key.is_guessable());
        let belongs_to_public_key = false;
        Self { name, text, key_id, standing, origin, is_guessable, belongs_to_public_key }
    }

    /// What is known of the key by now: it may have been proven by another secret.
    pub(super) fn opened_by(&mut self, key: &SecretStorageKey) {
        self.standing = key.standing();
    }

    /// Whether something shows that the key which opened it is the right one. What a merely unverifiable key gives is a
    /// guess, and a server that asks for one round must not learn what came of it.
    pub(crate) fn is_of_known_key(&self) -> bool {
        self.standing != KeyStanding::Unverifiable
    }

    /// Compares the secret with the public key that stands for its name, if the caller knows it.
    ///
    /// # Errors
    ///
    /// [`SecretOpenError`] if the secret does not belong to it, or is no key at all.
    pub fn check(mut self, public_keys: &PublicKeys) -> Result<Self, SecretOpenError> {
        if public_keys.has_one_for(&self.name) {
            self.belongs_to_public_key =
                public_keys.check(&self.value().map_err(SecretOpenError::Value)?.value)?;
        }
        Ok(self)
    }

    /// The name under which it was stored.
    #[must_use]
    pub fn name(&self) -> &SecretName {
        &self.name
    }

    /// The secret as it was stored; of a passthrough, the key in unpadded base64.
    #[must_use]
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// The secret as its name asks for it: a key, or text, with where it came from.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it is not.
    pub fn value(&self) -> Result<Read<SecretValue, SecretRepair>, FormatError> {
        let provenance = if self.is_authenticated() {
            Provenance::AuthenticatedSecretStorage
        } else {
            Provenance::Unauthenticated
        };
        SecretValue::read_with(&self.name, self.text.expose_str().as_bytes(), provenance)
    }

    /// The decryption key of a backup, if it is one, with where it came from: one that anybody could have stored opens
    /// sessions and makes nothing trusted. Nor does the key of a former backup that a
    /// [repair](crate::client::diagnose::Diagnosis::repair) has kept.
    #[must_use]
    pub fn backup_key(&self) -> Option<BackupDecryptionKey> {
        if is_former_backup_key(&self.name) {
            return BackupDecryptionKey::from_base64(self.text.expose_str()).ok();
        }
        self.value().ok()?.value.backup_key()
    }

    /// The key that opened it.
    #[must_use]
    pub fn key_id(&self) -> &SecretStorageKeyId {
        &self.key_id
    }

    /// How it was stored.
    #[must_use]
    pub fn origin(&self) -> SecretOrigin {
        self.origin
    }

    /// Whether somebody with the key stored it under this name, and only the user can have the key: it is symmetric,
    /// and no [passphrase of few rounds](crate::passphrase::PassphraseParameters::is_guessable) gave it. Nothing tells
    /// that the secret is the latest, nor that the IV is the one it was stored with.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.origin == SecretOrigin::AesHmacSha2 && !self.is_guessable
    }

    /// Whether it was compared with the public key that stands for its name, and belongs to it. One that does not is none that
    /// was opened.
    #[must_use]
    pub fn belongs_to_public_key(&self) -> bool {
        self.belongs_to_public_key
    }
}

fn first_reason(reasons: &[(SecretStorageKeyId, SecretOpenError)]) -> String {
    reasons.first().map(|(_, reason)| reason.to_string()).unwrap_or_default()
}

impl fmt::Debug for OpenedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, text: _, key_id, standing, origin, is_guessable, belongs_to_public_key } =
            self;
        f.debug_struct("OpenedSecret")
            .field("name", name)
            .field("key_id", key_id)
            .field("standing", standing)
            .field("origin", origin)
            .field("is_guessable", is_guessable)
            .field("belongs_to_public_key", belongs_to_public_key)
            .finish_non_exhaustive()
    }
}

//! A key of the secret storage in the hands of its owner.

use std::fmt;

use subtle::ConstantTimeEq as _;

use super::{
    encrypted_secret::{EncryptedSecret, SecretEntry},
    key_description::{KeyAlgorithm, KeyDescription, KeyTest},
    opened_secret::{OpenedSecret, SecretOpenError, SecretOrigin},
    unlock::UnlockOutcome,
};
use crate::{
    crypto::{
        aes_hmac_sha2,
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        curve25519_aes_sha2::{self, MessageOpenError},
        key_material::KeyMaterial,
    },
    encoding::secret_base64,
    ids::{SecretName, SecretStorageKeyId},
    recovery_key::RecoveryKey,
    secret::{SecretBytes, SecretString, SecretVec},
    secret_value::SecretShape,
};

/// A key of the secret storage, and how sure it is that it is the one its description means.
#[derive(Clone)]
#[doc(alias("4S key", "SSSS key"))]
pub struct SecretStorageKey {
    id: SecretStorageKeyId,
    secret: KeySecret,
    standing: KeyStanding,
    /// Whether a passphrase with few rounds gave it.
    is_guessable: bool,
    /// Whether a secret that it opens shows that it is the right one: not if others can have guessed it.
    is_provable: bool,
}

/// How sure it is that a key is the one its description means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyStanding {
    /// The description's `iv` and `mac`, or its public key, fit.
    Checked,
    /// The description has nothing to check, or a check that the key does not fit, but the key opened a secret that was
    /// encrypted to it. A [guessable](SecretStorageKey::is_guessable) key is never proven: whoever guesses it can have
    /// stored the secret.
    Proven,
    /// The description has nothing to check, and the key has not opened anything. The specification
    /// says to assume that it is right; nothing may be encrypted with it.
    Unverifiable,
}

#[derive(Clone)]
enum KeySecret {
    Symmetric(KeyMaterial),
    Asymmetric(Curve25519SecretKey),
}

impl KeyDescription {
    /// Whether a key is the one that is described, and the key ready for use if it is or may be: one that the host has
    /// kept, say. If the description has a passphrase with few rounds, it is
    /// [guessable](SecretStorageKey::is_guessable), since that may have given it.
    ///
    /// # Errors
    ///
    /// [`UnlockOutcome::DoesNotFit`] if it is not, [`UnlockOutcome::KeyLength`] or [`UnlockOutcome::Unsupported`] if it cannot be.
    pub fn accept(&self, key: &KeyMaterial) -> Result<SecretStorageKey, UnlockOutcome> {
        self.accept_with(key, &mut None)
    }

    /// The same with the public half of the key, which is derived once for all descriptions on which it is tried.
    pub(super) fn accept_with(
        &self,
        key: &KeyMaterial,
        public_half: &mut Option<Curve25519PublicKey>,
    ) -> Result<SecretStorageKey, UnlockOutcome> {
        let is_guessable = self.has_guessable_passphrase();
        let secret = self.secret_of(key)?;
        let fits = match (self.test(), &secret) {
            (KeyTest::Check(check), KeySecret::Symmetric(key)) => check.fits(key),
            (KeyTest::PublicKey(public), KeySecret::Asymmetric(secret)) => {
                public_half.get_or_insert_with(|| secret.public_key()) == public
            }
            _ => {
                let (id, standing) = (self.id().clone(), KeyStanding::Unverifiable);
                let is_provable = !is_guessable;
                return Ok(SecretStorageKey { id, secret, standing, is_guessable, is_provable });
            }
        };
        let (id, standing) = (self.id().clone(), KeyStanding::Checked);
        let checked = SecretStorageKey { id, secret, standing, is_guessable, is_provable: true };
        if fits { Ok(checked) } else { Err(UnlockOutcome::DoesNotFit) }
    }

    /// The key in spite of a check that it does not fit: the check may be what is damaged, and secrets that are encrypted
    /// to the key tell. `None` for one that others can guess, which no secret proves.
    pub(super) fn accept_for_proof(&self, key: &KeyMaterial) -> Option<SecretStorageKey> {
        let (id, standing) = (self.id().clone(), KeyStanding::Unverifiable);
        let secret = self.secret_of(key).ok().filter(|_| !self.has_guessable_passphrase())?;
        Some(SecretStorageKey { id, secret, standing, is_guessable: false, is_provable: true })
    }

    fn secret_of(&self, key: &KeyMaterial) -> Result<KeySecret, UnlockOutcome> {
        match self.known_algorithm() {
            KeyAlgorithm::AesHmacSha2 => Ok(KeySecret::Symmetric(key.clone())),
            KeyAlgorithm::Curve25519AesSha2 => {
                let bytes = SecretBytes::from_slice(key.expose_bytes());
                let bytes =
                    bytes.ok_or_else(|| UnlockOutcome::KeyLength(key.expose_bytes().len()))?;
                Ok(KeySecret::Asymmetric(Curve25519SecretKey::from_bytes(bytes)))
            }
            KeyAlgorithm::Unsupported(name) => Err(UnlockOutcome::Unsupported(name.clone())),
        }
    }
}

impl SecretStorageKey {
    /// A key that was saved, and was no [guess](Self::is_guess). Without its description nothing says that it is the right
    /// one, so that it only opens.
    pub(crate) fn saved(
        id: SecretStorageKeyId,
        key: &KeyMaterial,
        is_asymmetric: bool,
        is_guessable: bool,
    ) -> Option<Self> {
        let secret = if is_asymmetric {
            let bytes = SecretBytes::from_slice(key.expose_bytes())?;
            KeySecret::Asymmetric(Curve25519SecretKey::from_bytes(bytes))
        } else {
            KeySecret::Symmetric(key.clone())
        };
        let standing = KeyStanding::Unverifiable;
        Some(Self { id, secret, standing, is_guessable, is_provable: true })
    }

    /// Whether nothing shows, and nothing can, that it is the right one.
    pub(crate) fn is_guess(&self) -> bool {
        self.standing == KeyStanding::Unverifiable && !self.is_provable
    }

    /// Whether it is the right one, and nobody can have guessed it: what a server describes for guesses of its own decides
    /// nothing beside it.
    pub(crate) fn is_sure(&self) -> bool {
        self.standing != KeyStanding::Unverifiable && !self.is_guessable
    }

    /// The ID that secrets name the key by.
    #[must_use]
    pub fn id(&self) -> &SecretStorageKeyId {
        &self.id
    }

    /// How sure it is that the key is the right one.
    #[must_use]
    pub fn standing(&self) -> KeyStanding {
        self.standing
    }

    /// Whether everybody who knows the public half can encrypt to the key.
    #[must_use]
    pub fn is_asymmetric(&self) -> bool {
        matches!(self.secret, KeySecret::Asymmetric(_))
    }

    /// Whether it has the bytes of another key, compared in constant time.
    pub(super) fn has_same_bytes(&self, other: &Self) -> bool {
        self.expose_bytes().ct_eq(other.expose_bytes()).into()
    }

    /// Whether a passphrase of [few rounds](crate::passphrase::PassphraseParameters::is_guessable) gave the key, or
    /// may have: then others can have it, and what it opens is not
    /// [authenticated](OpenedSecret::is_authenticated).
    #[must_use]
    pub fn is_guessable(&self) -> bool {
        self.is_guessable
    }

    /// The same key, if it was known to be guessable before: a homeserver may describe it otherwise by now.
    pub(crate) fn known_to_be_guessable(self, is_guessable: bool) -> Self {
        Self { is_guessable: self.is_guessable || is_guessable, ..self }
    }

    /// The text form of the key; only keys of 32 bytes have one.
    #[must_use]
    pub fn to_recovery_key(&self) -> Option<RecoveryKey> {
        SecretBytes::from_slice(self.expose_bytes()).map(RecoveryKey::from_bytes)
    }

    /// The bytes of the key: 16 to 64.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        match &self.secret {
            KeySecret::Symmetric(key) => key.expose_bytes(),
            KeySecret::Asymmetric(key) => key.as_secret().expose_bytes(),
        }
    }

    /// The bytes from which the keys of a symmetric secret are derived.
    pub(crate) fn material(&self) -> KeyMaterial {
        match &self.secret {
            KeySecret::Symmetric(key) => key.clone(),
            KeySecret::Asymmetric(key) => KeyMaterial::from(key.as_secret()),
        }
    }

    /// Opens a secret with this key. A key that was unverifiable is proven if it succeeds, unless it is
    /// [guessable](Self::is_guessable).
    ///
    /// # Errors
    ///
    /// [`SecretOpenError`] if the secret is not encrypted to this key, or is damaged.
    pub fn open(
        &mut self,
        name: &SecretName,
        secret: &EncryptedSecret,
    ) -> Result<OpenedSecret, SecretOpenError> {
        let entry = secret
            .entry(&self.id)
            .ok_or(SecretOpenError::OtherKeys)?
            .map_err(|error| SecretOpenError::Entry(*error))?;
        let (plaintext, origin) = match (&self.secret, entry) {
            (KeySecret::Symmetric(key), SecretEntry::AesHmacSha2(secret)) => {
                let plaintext = aes_hmac_sha2::open(key, name.as_str(), secret);
                (plaintext.ok_or(SecretOpenError::WrongKey)?, SecretOrigin::AesHmacSha2)
            }
            (KeySecret::Asymmetric(key), SecretEntry::Curve25519AesSha2(message)) => {
                let opened = curve25519_aes_sha2::open(key, message)?;
                (opened.plaintext, SecretOrigin::Curve25519AesSha2(opened.mac_scheme))
            }
            (KeySecret::Asymmetric(key), SecretEntry::Passthrough) => {
                // It is not encrypted, so it proves nothing.
                let text = pass_through(name, key)?;
                let origin = SecretOrigin::Passthrough;
                return Ok(OpenedSecret::new(name, text, self, origin));
            }
            (KeySecret::Symmetric(_), SecretEntry::Passthrough) => {
                return Err(SecretOpenError::PassthroughRefused);
            }
            // What anybody can encrypt would pass as authenticated.
            _ => return Err(SecretOpenError::OtherAlgorithm),
        };
        if self.standing == KeyStanding::Unverifiable && self.is_provable {
            self.standing = KeyStanding::Proven;
        }
        let text = into_text(plaintext)?;
        Ok(OpenedSecret::new(name, text, self, origin))
    }
}

impl fmt::Debug for SecretStorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, secret: _, standing, is_guessable, is_provable: _ } = self;
        f.debug_struct("SecretStorageKey")
            .field("id", id)
            .field("is_asymmetric", &self.is_asymmetric())
            .field("standing", standing)
            .field("is_guessable", is_guessable)
            .finish_non_exhaustive()
    }
}

impl From<MessageOpenError> for SecretOpenError {
    fn from(error: MessageOpenError) -> Self {
        match error {
            MessageOpenError::WrongKey => Self::WrongKey,
            MessageOpenError::NonContributory | MessageOpenError::Damaged => Self::Damaged,
        }
    }
}

/// The key itself as a secret, for the backup key alone: a server could else make any secret the
/// storage key, which clients send to other devices or use to sign.
fn pass_through(
    name: &SecretName,
    key: &Curve25519SecretKey,
) -> Result<SecretString, SecretOpenError> {
    if SecretShape::of(name) == SecretShape::BackupKey {
        Ok(secret_base64::encode(key.as_secret().expose_bytes()))
    } else {
        Err(SecretOpenError::PassthroughRefused)
    }
}

fn into_text(plaintext: SecretVec) -> Result<SecretString, SecretOpenError> {
    let text = str::from_utf8(plaintext.expose_bytes()).map_err(|_| SecretOpenError::NotUtf8)?;
    Ok(SecretString::from(text))
}

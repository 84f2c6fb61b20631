//! Keys that people type: recovery keys, and the passphrases of old backups.

use super::auth_data::AuthData;
use crate::{
    passphrase::{
        DerivedKey, PassphraseAttempts, PassphraseError, PassphraseForm, PassphraseParameters,
        PassphraseProgress, PassphraseStep,
    },
    provenance::Provenance,
    recovery_key::RecoveryKey,
    secret::SecretBytes,
    secret_value::backup_key::{BackupDecryptionKey, BackupPublicKey},
};

/// The decryption key that a passphrase gave, and which form of the passphrase did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FittingPassphrase {
    /// The key. Its public half is that of the backup.
    pub key: BackupDecryptionKey,
    /// How the passphrase was made from what was typed.
    pub form: PassphraseForm,
    derived: (BackupPublicKey, PassphraseParameters),
}

impl FittingPassphrase {
    /// The parameters from which the passphrase gave the key of this backup, if they are ones that may be
    /// signed.
    pub(super) fn parameters_of(
        &self,
        public_key: &BackupPublicKey,
    ) -> Option<&PassphraseParameters> {
        let (derived, parameters) = &self.derived;
        (derived == public_key && !parameters.is_guessable()).then_some(parameters)
    }
}

/// A passphrase that is tried on a backup, in slices: [`BackupDecryptionKey::from_passphrase`] for
/// those who show progress. Dropping it gives up and wipes everything.
///
/// ```
/// # use strongroom::{Limits, backup::{AuthData, BackupDecryptionKey}};
/// # use strongroom::{passphrase::PassphraseParameters, secret::SecretBytes};
/// use strongroom::backup::BackupPassphraseAttempts;
///
/// # let limits = Limits::default();
/// # let derived = PassphraseParameters::from_parts(10_000, "aBcD", None, &limits)?;
/// # let derived = derived.value.derive("correct horse");
/// # let derived = SecretBytes::init_with(|bytes| bytes.copy_from_slice(derived.expose_bytes()));
/// # let key = BackupDecryptionKey::from_bytes(derived);
/// # let public_key = key.public_key().to_base64();
/// let auth_data = format!(
///     r#"{{"public_key":"{public_key}","private_key_salt":"aBcD","private_key_iterations":10000}}"#
/// );
/// let auth_data = AuthData::from_json(&auth_data, &limits)?;
///
/// let mut attempts = BackupPassphraseAttempts::new(&auth_data, "correct horse")?;
/// let fitting = loop {
///     if let Some(fitting) = attempts.advance(1_000)? {
///         break fitting;
///     }
///     println!("{:?}", attempts.progress());
/// };
/// assert_eq!(fitting.key.public_key(), auth_data.public_key());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BackupPassphraseAttempts {
    attempts: PassphraseAttempts,
    public_key: BackupPublicKey,
    parameters: PassphraseParameters,
}

impl BackupPassphraseAttempts {
    /// Starts with what a user typed.
    ///
    /// # Errors
    ///
    /// [`PassphraseError`], except that the passphrase does not fit.
    pub fn new(auth_data: &AuthData, typed: &str) -> Result<Self, PassphraseError> {
        let read = auth_data.passphrase().map_err(Clone::clone)?;
        let read = read.ok_or(PassphraseError::NoPassphrase)?;
        let length = read.value.key_length();
        if length.bytes() < KEY_LENGTH {
            return Err(PassphraseError::KeyTooShort { bits: length.bits() });
        }
        Ok(Self {
            attempts: read.value.attempts(typed),
            public_key: *auth_data.public_key(),
            parameters: read.value.clone(),
        })
    }

    /// Runs so many rounds more of one form of the passphrase, or those that are left of it. `None` if
    /// the key was not found yet.
    ///
    /// # Errors
    ///
    /// [`PassphraseError::DoesNotFit`] once all forms were tried.
    pub fn advance(&mut self, rounds: u32) -> Result<Option<FittingPassphrase>, PassphraseError> {
        match self.attempts.advance(rounds) {
            PassphraseStep::Working => Ok(None),
            PassphraseStep::Derived(derived) => Ok(self.check(&derived)),
            PassphraseStep::Exhausted => Err(PassphraseError::DoesNotFit),
        }
    }

    /// How far they have come.
    #[must_use]
    pub fn progress(&self) -> PassphraseProgress {
        self.attempts.progress()
    }

    /// Runs what is left.
    ///
    /// # Errors
    ///
    /// [`PassphraseError::DoesNotFit`] if no form that is left gives the backup's key.
    pub fn finish(mut self) -> Result<FittingPassphrase, PassphraseError> {
        loop {
            if let Some(fitting) = self.advance(u32::MAX)? {
                return Ok(fitting);
            }
        }
    }

    /// Of a longer key, the first 32 bytes count, as in libolm.
    fn check(&self, derived: &DerivedKey) -> Option<FittingPassphrase> {
        let bytes = SecretBytes::from_slice(derived.key.expose_bytes().get(..KEY_LENGTH)?)?;
        let provenance = if self.parameters.is_guessable() {
            Provenance::Unauthenticated
        } else {
            Provenance::TypedByUser
        };
        let key = BackupDecryptionKey::with_provenance(bytes, provenance);
        let fits = *key.public_key() == self.public_key;
        let derived_from = (self.public_key, self.parameters.clone());
        fits.then_some(FittingPassphrase { key, form: derived.form, derived: derived_from })
    }
}

impl BackupDecryptionKey {
    /// Takes a recovery key, with where it came from.
    #[must_use]
    pub fn from_recovery_key(key: RecoveryKey) -> Self {
        let provenance = key.provenance();
        Self::with_provenance(key.into_bytes(), provenance)
    }

    /// The key as a recovery key, to be written down by the user. It keeps where it came from.
    #[must_use]
    pub fn to_recovery_key(&self) -> RecoveryKey {
        RecoveryKey::with_provenance(self.secret().as_secret().clone(), self.provenance())
    }

    /// Derives the key of an old backup from its passphrase, and checks that it is the key of that
    /// backup. What was typed is tried in [several forms](crate::passphrase::candidates).
    ///
    /// With the 500,000 rounds that clients wrote, each form takes 0.15 to 0.3 seconds on a desktop
    /// computer, and more on a phone; [`BackupPassphraseAttempts`] does the same in slices.
    ///
    /// # Security
    ///
    /// The server chooses the salt, the rounds and the public key. It can only make a passphrase fit that
    /// it knows, so the key counts as typed by the user. With fewer than 10,000 rounds it can have found
    /// the passphrase by trying: the key opens sessions then, and [makes nothing
    /// trusted](Provenance::Unauthenticated). The password of the account is one that a server knows, so do
    /// not have users type that one here.
    ///
    /// # Errors
    ///
    /// [`PassphraseError`] if the backup has no usable parameters, or the passphrase does not fit.
    pub fn from_passphrase(
        auth_data: &AuthData,
        typed: &str,
    ) -> Result<FittingPassphrase, PassphraseError> {
        BackupPassphraseAttempts::new(auth_data, typed)?.finish()
    }
}

/// The length of a backup's key, in bytes.
const KEY_LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detour_launders_nothing() {
        let bytes = SecretBytes::init_with(|bytes| bytes.fill(1));
        let planted = BackupDecryptionKey::from_bytes(bytes);
        let moved = BackupDecryptionKey::from_recovery_key(planted.to_recovery_key());
        let text = moved.to_recovery_key().to_text();
        let read = RecoveryKey::parse(text.expose_str()).unwrap();
        let read = BackupDecryptionKey::from_recovery_key(read);
        let stored = BackupDecryptionKey::from_base64(planted.to_base64().expose_str()).unwrap();
        for key in [planted, moved, read, stored] {
            assert_eq!(key.provenance(), Provenance::Unauthenticated);
            let accepted = key.accept_unauthenticated();
            assert_eq!(accepted.provenance(), Provenance::AcceptedByUser);
        }
        let typed = RecoveryKey::typed_by_user(text.expose_str()).unwrap();
        let typed = BackupDecryptionKey::from_recovery_key(typed);
        assert_eq!(typed.to_recovery_key().provenance(), Provenance::TypedByUser);
        assert_eq!(typed.accept_unauthenticated().provenance(), Provenance::AcceptedByUser);
    }
}

//! The public keys that secrets have to belong to.

use super::{
    CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING, MEGOLM_BACKUP_V1,
    MEGOLM_BACKUP_V1_RECOVERY_KEY, SecretCheckError, SecretValue,
};
use crate::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::SecretName,
};

/// The public keys of an account, as far as the host knows and trusts them.
///
/// A secret whose public key is not here is not checked. One that does not belong to the key here is not opened, so who wants
/// the key of an old backup leaves that of the current one out.
///
/// ```
/// use strongroom::{crypto::curve25519::Curve25519PublicKey, secret_value::PublicKeys};
///
/// let mut public_keys = PublicKeys::default();
/// public_keys.backup = Some(Curve25519PublicKey::from_bytes([9; 32]));
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PublicKeys {
    /// The public key of the current backup, from its `auth_data`.
    pub backup: Option<Curve25519PublicKey>,
    /// The master cross-signing key.
    pub master: Option<Ed25519PublicKey>,
    /// The self-signing key.
    pub self_signing: Option<Ed25519PublicKey>,
    /// The user-signing key.
    pub user_signing: Option<Ed25519PublicKey>,
}

impl PublicKeys {
    /// Whether a secret belongs to the public key that stands for its name; `false` if there is none for its name, or the host
    /// did not give it.
    ///
    /// # Errors
    ///
    /// [`SecretCheckError`] if there is such a key and the secret does not belong to it.
    pub fn check(&self, secret: &SecretValue) -> Result<bool, SecretCheckError> {
        match self.of(secret.name().as_str()) {
            None => return Ok(false),
            Some(PublicKey::Backup(key)) => secret.check_backup_key(key)?,
            Some(PublicKey::CrossSigning(key)) => secret.check_cross_signing_key(key)?,
        }
        Ok(true)
    }

    /// Whether a public key is given for secrets of this name.
    #[must_use]
    pub fn has_one_for(&self, name: &SecretName) -> bool {
        self.of(name.as_str()).is_some()
    }

    fn of(&self, name: &str) -> Option<PublicKey<'_>> {
        let cross_signing = match name {
            MEGOLM_BACKUP_V1 | MEGOLM_BACKUP_V1_RECOVERY_KEY => {
                return self.backup.as_ref().map(PublicKey::Backup);
            }
            CROSS_SIGNING_MASTER => &self.master,
            CROSS_SIGNING_SELF_SIGNING => &self.self_signing,
            CROSS_SIGNING_USER_SIGNING => &self.user_signing,
            _ => return None,
        };
        cross_signing.as_ref().map(PublicKey::CrossSigning)
    }
}

/// The public key that a name stands for.
enum PublicKey<'a> {
    Backup(&'a Curve25519PublicKey),
    CrossSigning(&'a Ed25519PublicKey),
}

//! `auth_data` on its way to a signature of the user.

// docs/decisions.md, 13: what lasts and what hangs on a device are told apart.
// docs/decisions.md, 14: the host signs, and nothing from outside.

use std::collections::HashSet;

use super::{
    auth_data::AuthData,
    passphrase::FittingPassphrase,
    trust::{TrustError, TrustedBackup},
    version::BackupVersionInfo,
};
use crate::{
    crypto::ed25519::Ed25519Signature,
    ids::{KeyId, UserId},
    provenance::Provenance,
    secret_value::backup_key::BackupDecryptionKey,
    signed_json::ToSign,
};

/// The `auth_data` of the user's own backup, for the user's keys to sign: of a new backup, or of one that is
/// there and trusted.
///
/// Signed are the members that this crate made from typed parts, and no others: see [`ToSign`]. What is there
/// already keeps its signatures, and is never written with fewer members.
///
/// ```
/// use strongroom::{
///     backup::{BackupDecryptionKey, UnsignedAuthData},
///     crypto::ed25519::Ed25519Signature,
/// };
///
/// # let account = vodozemac::olm::Account::new();
/// let key = BackupDecryptionKey::generate()?;
/// let unsigned = UnsignedAuthData::new(&key)?;
/// let signature = account.sign(unsigned.to_sign().bytes()); // by whatever keeps the signing key
/// let signature = Ed25519Signature::from_bytes(signature.to_bytes());
/// let signed = unsigned.with_signature(
///     &"@alice:example.org".into(),
///     &"ed25519:DEVICE".into(),
///     &signature,
/// );
/// assert_eq!(signed.auth_data().public_key(), key.public_key());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct UnsignedAuthData {
    auth_data: AuthData,
    to_sign: ToSign,
}

impl UnsignedAuthData {
    /// For a new backup with this key.
    ///
    /// # Errors
    ///
    /// [`TrustError::KeyNotAuthentic`] if the key is not [authentic](crate::provenance::Provenance::is_authentic),
    /// [`TrustError::OnlyDevice`] if another device has shared it.
    pub fn new(key: &BackupDecryptionKey) -> Result<Self, TrustError> {
        match key.provenance() {
            Provenance::SharedByVerifiedDevice(_) => return Err(TrustError::OnlyDevice),
            provenance if !provenance.is_authentic() => {
                return Err(TrustError::KeyNotAuthentic);
            }
            _ => {}
        }
        let auth_data = AuthData::new(key.public_key());
        let to_sign = auth_data.to_sign(None)?;
        Ok(Self { auth_data, to_sign })
    }

    /// For a backup that is there, to add a signature to it. `passphrase` is what the user typed in this run, for
    /// an old backup whose `auth_data` tells how its key is derived.
    ///
    /// # Security
    ///
    /// A signature of the master key counts whatever becomes of the user's devices. Where only a device vouches for the
    /// backup ([`TrustedBackup::reason`]), let this device sign alone.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if it is another backup than the trusted one, or its `auth_data` has anything but the
    /// public key and the members of that passphrase.
    pub fn of_trusted(
        backup: &TrustedBackup,
        info: &BackupVersionInfo,
        passphrase: Option<&FittingPassphrase>,
    ) -> Result<Self, TrustError> {
        let auth_data = info.auth_data().map_err(Clone::clone)?;
        let is_it = info.version() == backup.version();
        if !is_it || auth_data.public_key() != backup.public_key() {
            return Err(TrustError::OtherBackup);
        }
        let to_sign = auth_data.to_sign(passphrase)?;
        Ok(Self { auth_data: auth_data.clone(), to_sign })
    }

    /// What a key of the user signs.
    #[must_use]
    pub fn to_sign(&self) -> &ToSign {
        &self.to_sign
    }

    /// The same with one more signature over [`to_sign`](Self::to_sign), or with this one in the place of an
    /// earlier one of this key.
    #[must_use]
    pub fn with_signature(
        self,
        user_id: &UserId,
        key_id: &KeyId,
        signature: &Ed25519Signature,
    ) -> Self {
        Self { auth_data: self.auth_data.with_signature(user_id, key_id, signature), ..self }
    }

    /// The same without signatures that are wrong: beside a right one they would be found for ever.
    pub(crate) fn without_signatures(self, user_id: &UserId, key_ids: &HashSet<&KeyId>) -> Self {
        Self { auth_data: self.auth_data.without_signatures(user_id, key_ids), ..self }
    }

    /// The `auth_data`, with the signatures so far.
    #[must_use]
    pub fn auth_data(&self) -> &AuthData {
        &self.auth_data
    }

    /// The `auth_data`, to be sent.
    #[must_use]
    pub fn into_auth_data(self) -> AuthData {
        self.auth_data
    }
}

//! Putting a backup key in the place of another one, which may be all that opens an older backup.

use super::{Change, ChangeError};
use crate::{
    ids::SecretName,
    secret_storage::key::{KeyStanding, SecretStorageKey},
    secret_value::{SecretValue, backup_key::BackupPublicKey, former_backup_key},
};

impl Change<'_> {
    /// Stores a backup key under the default key. What stands under its name and opens is stored before it under a
    /// [name of its own](former_backup_key); what is encrypted to keys that are not at hand stays beside it.
    ///
    /// # Errors
    ///
    /// As [`Change::store`].
    pub(crate) fn replace_backup_key(&mut self, secret: &SecretValue) -> Result<(), ChangeError> {
        let (name, text) = (secret.name(), secret.to_text());
        self.check_storing(secret)?;
        let default_key = self.default_key()?;
        let key = self.encrypting_key(&default_key)?;
        self.keep_backup_keys(name, secret.backup_key().map(|key| *key.public_key()))?;
        if self.keys_of(name).any(|key| self.has_text(name, key, &text)) {
            return self.store(secret);
        }
        let is_known = |key: &SecretStorageKey| key.standing() != KeyStanding::Unverifiable;
        let known = self.keys_of(name).filter(|key| is_known(key));
        let known = known.map(|key| key.id().clone()).collect();
        self.replace_entries(name, &text, &[&key], known);
        Ok(())
    }

    /// Stores every backup key that stands under a name, and opens, under a name of its own, but the one that belongs to
    /// this public key.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] if there is one, and no default key that it could be encrypted with.
    pub(crate) fn keep_backup_keys(
        &mut self,
        name: &SecretName,
        but: Option<BackupPublicKey>,
    ) -> Result<(), ChangeError> {
        let opened = self.keys_of(name).filter_map(|key| self.open(name, key)?.backup_key());
        let mut former: Vec<_> = opened.collect();
        former.retain(|key| Some(*key.public_key()) != but);
        for key in former {
            let name = former_backup_key(key.public_key().as_curve25519());
            self.store_text(&name, &key.to_base64(), &[self.default_key()?])?;
        }
        Ok(())
    }
}

//! Storing, replacing and deleting a secret.

// docs/decisions.md, 13: what lasts and what hangs on a device are told apart.

use std::collections::HashSet;

use super::{Change, ChangeError, PlanNote};
use crate::{
    crypto::aes_hmac_sha2::seal_with_rng,
    encoding::json_object::JsonObject,
    ids::{EventType, SecretName, SecretStorageKeyId},
    secret::SecretString,
    secret_storage::{
        DEFAULT_KEY, KEY_PREFIX,
        encrypted_secret::{entry_json, with_entries, without_entries},
        key::SecretStorageKey,
    },
    secret_value::{MEGOLM_BACKUP_V1_RECOVERY_KEY, SecretValue, is_algorithm},
};

impl Change<'_> {
    /// Stores a secret under the default key, or replaces it.
    ///
    /// # Errors
    ///
    /// As [`Change::store_under`]; [`ChangeError::NoDefaultKey`] if there is none.
    pub fn store(&mut self, secret: &SecretValue) -> Result<(), ChangeError> {
        let default_key = self.default_key()?;
        self.store_under(secret, &[default_key])
    }

    /// Stores a secret under these keys, or replaces it. If it has this value already, keys that open it
    /// keep opening it; otherwise it opens with these keys alone.
    ///
    /// What is stored counts as authentic for good, so it has to be
    /// [authentic](crate::provenance::Provenance::is_authentic) whatever becomes of the device that shared it, or
    /// [believed](Change::believe).
    ///
    /// # Errors
    ///
    /// [`ChangeError`] if nobody vouches for the secret, one of the keys may not encrypt, or there is other data under
    /// its name.
    pub fn store_under(
        &mut self,
        secret: &SecretValue,
        ids: &[SecretStorageKeyId],
    ) -> Result<(), ChangeError> {
        self.check_storing(secret)?;
        self.store_text(secret.name(), &secret.to_text(), ids)
    }

    /// Whether somebody vouches for a secret, and it may stand under its name.
    pub(super) fn check_storing(&self, secret: &SecretValue) -> Result<(), ChangeError> {
        let name = secret.name();
        if is_algorithm(name) {
            return Err(ChangeError::Name(name.clone()));
        }
        self.check_data(name)?;
        let is_vouched_for = self.belief.lets_store(secret);
        is_vouched_for.then_some(()).ok_or_else(|| ChangeError::Unauthenticated(name.clone()))
    }

    /// Stores a text that only the user can have stored before.
    pub(super) fn store_text(
        &mut self,
        name: &SecretName,
        text: &SecretString,
        ids: &[SecretStorageKeyId],
    ) -> Result<(), ChangeError> {
        let keys = ids.iter().map(|id| self.encrypting_key(id)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(ChangeError::NoDefaultKey);
        }
        let keys: Vec<_> = keys.iter().collect();
        if self.keys_of(name).any(|key| self.has_text(name, key, text)) {
            self.add_entries(name, text, &keys);
        } else {
            self.replace(name, text, &keys);
        }
        Ok(())
    }

    /// Stores a secret under the default key where it is missing there, and takes nothing away.
    ///
    /// If another value is stored and opens, that stays, with a [note](PlanNote::OtherValue). If something is stored that no
    /// key at hand opens, it stays as well; the secret is added beside it only if it belongs to a public key that is
    /// [believed](Change::believe). A cross-signing key has to belong to one in any case, or to be accepted by name.
    ///
    /// # Errors
    ///
    /// As [`Change::store`].
    pub fn store_missing(&mut self, secret: &SecretValue) -> Result<(), ChangeError> {
        let default_key = self.default_key()?;
        self.store_missing_under(secret, &default_key)
    }

    /// The same under this key.
    pub(crate) fn store_missing_under(
        &mut self,
        secret: &SecretValue,
        id: &SecretStorageKeyId,
    ) -> Result<(), ChangeError> {
        let (name, text) = (secret.name(), secret.to_text());
        self.check_value(name, text.expose_str())?;
        if !(self.belief.lets_store(secret) && self.belief.fits(secret)) {
            return Err(ChangeError::Unauthenticated(name.clone()));
        }
        let key = self.encrypting_key(id)?;
        let opening: Vec<_> =
            self.keys_of(name).filter(|key| self.open(name, key).is_some()).collect();
        let is_same = opening.iter().all(|key| self.has_text(name, key, &text));
        let stands = self.storage.secret(name).is_some() || self.storage.is_unreadable(name);
        let is_hidden = opening.is_empty() && stands;
        if !is_same {
            self.note(PlanNote::OtherValue(name.clone()));
        } else if is_hidden && !self.belief.knows(secret) {
            self.note(PlanNote::NotOpened(name.clone()));
        } else {
            self.add_entries(name, &text, &[&key]);
        }
        Ok(())
    }

    /// Encrypts a secret that a key at hand opens to the default key as well; `false` if none opens it, or nobody
    /// vouches for it.
    pub(crate) fn store_again(&mut self, name: &SecretName) -> Result<bool, ChangeError> {
        let opened = self.keys_of(name).find_map(|key| self.opened_by(name, key));
        let Some(opened) = opened else { return Ok(false) };
        let default_key = self.default_key()?;
        self.store_text(name, opened.text(), &[default_key])?;
        Ok(true)
    }

    /// Deletes a secret. Account data has no delete: clients take `{}` for it.
    ///
    /// # Errors
    ///
    /// [`ChangeError::OtherData`] if there is other data under its name, [`ChangeError::Name`] if no
    /// secret can have it.
    pub fn delete(&mut self, name: &SecretName) -> Result<(), ChangeError> {
        self.check_data(name)?;
        self.write_secret(name, JsonObject::empty(), PlanNote::Delete(name.clone()));
        Ok(())
    }

    /// Deletes what is stored of a secret under these keys. If nothing would be left under others, the
    /// secret is deleted.
    ///
    /// # Errors
    ///
    /// As [`Change::delete`].
    pub fn delete_under(
        &mut self,
        name: &SecretName,
        ids: &[SecretStorageKeyId],
    ) -> Result<(), ChangeError> {
        self.check_data(name)?;
        let Some(secret) = self.storage.secret(name) else { return Ok(()) };
        let ids: HashSet<_> = ids.iter().collect();
        let (gone, left): (Vec<_>, Vec<_>) =
            secret.entries().map(|(id, _)| id.clone()).partition(|id| ids.contains(id));
        if left.is_empty() {
            self.delete(name)
        } else if gone.is_empty() {
            Ok(())
        } else {
            self.remove_entries(name, gone);
            Ok(())
        }
    }

    /// Makes a secret that other keys open readable with these keys, too, in one write: a plan with one for each key would
    /// hold as many copies of the secret, and a server describes as many keys as it likes.
    pub(super) fn add_entries(
        &mut self,
        name: &SecretName,
        text: &SecretString,
        keys: &[&SecretStorageKey],
    ) {
        let mut ids = HashSet::new();
        let mut keys = keys.to_vec();
        keys.retain(|key| {
            let stands = self.has_text(name, key, text) && !self.lacks_iv(name, key.id());
            ids.insert(key.id()) && !stands
        });
        if keys.is_empty() {
            return;
        }
        let entries = self.encrypt(name, text, &keys);
        let content = self.storage.content(&EventType::from(name.as_str()));
        let secret = self.storage.secret(name);
        let has_entry =
            |key: &&SecretStorageKey| secret.is_some_and(|it| it.entry(key.id()).is_some());
        let reason = match content {
            Some(_) if keys.iter().any(has_entry) => PlanNote::Replace(name.clone(), Vec::new()),
            Some(_) => {
                let ids = keys.iter().map(|key| key.id().clone()).collect();
                PlanNote::AddEntries(name.clone(), ids)
            }
            None => PlanNote::Store(name.clone()),
        };
        let content = with_entries(content, entries.iter().map(|(id, entry)| (*id, &**entry)));
        self.write_secret(name, content, reason);
    }

    /// Takes entries away; whoever calls this knows that others remain.
    pub(super) fn remove_entries(&mut self, name: &SecretName, ids: Vec<SecretStorageKeyId>) {
        if let Some(content) = self.storage.content(&EventType::from(name.as_str())) {
            let content = without_entries(content, &ids);
            self.write_secret(name, content, PlanNote::RemoveEntries(name.clone(), ids));
        }
    }

    /// Whether a key opens the secret, and it has this value.
    pub(super) fn has_text(
        &self,
        name: &SecretName,
        key: &SecretStorageKey,
        text: &SecretString,
    ) -> bool {
        let Some(opened) = self.opened_by(name, key) else { return false };
        let read = |text: &SecretString| SecretValue::read(name, text.expose_str().as_bytes());
        // Padded or not, it is the same.
        let is_same = || matches!((read(opened.text()), read(text)), (Ok(one), Ok(other)) if one.repairs == other.repairs && one.value == other.value);
        opened.text() == text || is_same()
    }

    /// Whether the secret is there in the form of old clients, which is not left as it is.
    fn lacks_iv(&self, name: &SecretName, id: &SecretStorageKeyId) -> bool {
        self.storage.secret(name).is_some_and(|secret| secret.lacks_iv(id))
    }

    /// Writes another value, which opens with these keys alone: an entry of another key would open to the old value, and
    /// which of the two a client takes is chance.
    fn replace(&mut self, name: &SecretName, text: &SecretString, keys: &[&SecretStorageKey]) {
        let old_ids = self.storage.secret(name).into_iter().flat_map(|secret| secret.entries());
        self.replace_entries(name, text, keys, old_ids.map(|(id, _)| id.clone()).collect());
    }

    /// Writes another value in the place of these entries.
    pub(super) fn replace_entries(
        &mut self,
        name: &SecretName,
        text: &SecretString,
        keys: &[&SecretStorageKey],
        old_ids: Vec<SecretStorageKeyId>,
    ) {
        let mut ids = HashSet::new();
        let mut keys = keys.to_vec();
        keys.retain(|key| ids.insert(key.id()));
        let entries = self.encrypt(name, text, &keys);
        let before = self.storage.content(&EventType::from(name.as_str()));
        let without_old = before.map(|content| without_entries(content, &old_ids));
        let entries = entries.iter().map(|(id, entry)| (*id, &**entry));
        let content = with_entries(without_old.as_ref(), entries);
        let reason = if before.is_none() {
            PlanNote::Store(name.clone())
        } else {
            let is_dropped = |id: &SecretStorageKeyId| !ids.contains(id);
            PlanNote::Replace(name.clone(), old_ids.into_iter().filter(is_dropped).collect())
        };
        self.write_secret(name, content, reason);
    }

    /// The entries of a secret for these keys.
    fn encrypt<'k>(
        &mut self,
        name: &SecretName,
        text: &SecretString,
        keys: &[&'k SecretStorageKey],
    ) -> Vec<(&'k SecretStorageKeyId, String)> {
        let text = text.expose_str().as_bytes();
        let mut encrypt = |key: &&'k SecretStorageKey| {
            let sealed = seal_with_rng(&key.material(), name.as_str(), text, &mut self.rng);
            (key.id(), entry_json(&sealed))
        };
        keys.iter().map(&mut encrypt).collect()
    }

    /// Whether a secret of this name may have this text.
    pub(super) fn check_value(&self, name: &SecretName, text: &str) -> Result<(), ChangeError> {
        if name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY || is_algorithm(name) {
            return Err(ChangeError::Name(name.clone()));
        }
        self.check_data(name)?;
        SecretValue::read(name, text.as_bytes()).map_err(ChangeError::Value)?;
        Ok(())
    }

    fn check_data(&self, name: &SecretName) -> Result<(), ChangeError> {
        let is_reserved = name.as_str() == DEFAULT_KEY || name.as_str().starts_with(KEY_PREFIX);
        if is_reserved || name.as_str().is_empty() {
            Err(ChangeError::Name(name.clone()))
        } else if self.storage.is_other_data(&EventType::from(name.as_str())) {
            Err(ChangeError::OtherData(name.clone()))
        } else {
            Ok(())
        }
    }
}

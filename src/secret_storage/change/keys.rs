//! Adding, removing and rotating keys.

use std::collections::BTreeSet;

use super::{Change, ChangeError, NewKey, PlanNote};
use crate::{
    encoding::{json, json_object::JsonObject},
    ids::{EventType, SecretName, SecretStorageKeyId},
    secret::SecretString,
    secret_storage::{DEFAULT_KEY, KEY_PREFIX, key::KeyStanding, key_description::KeyDescription},
};

impl Change<'_> {
    /// Creates a secret storage, or gives it a new default key: adds the key and makes it default.
    ///
    /// # Errors
    ///
    /// [`ChangeError::KeyExists`] if another key has its ID.
    pub fn create(&mut self, new_key: &NewKey) -> Result<(), ChangeError> {
        self.add_key(new_key)?;
        self.set_default(new_key.id())
    }

    /// Adds a key, and encrypts every secret to it that the keys at hand open and that somebody with a
    /// key stored.
    ///
    /// # Errors
    ///
    /// [`ChangeError::KeyExists`] if another key has its ID.
    pub fn add_key(&mut self, new_key: &NewKey) -> Result<(), ChangeError> {
        self.describe(new_key)?;
        for name in self.secret_names() {
            if let Some(opened) = self.opened_by_others(&name, new_key.id()) {
                self.add_entries(&name, opened.text(), &[new_key.key()]);
            }
        }
        Ok(())
    }

    /// Makes a key default that is at hand and may encrypt.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] if it is not.
    pub fn set_default(&mut self, id: &SecretStorageKeyId) -> Result<(), ChangeError> {
        self.encrypting_key(id)?;
        let is_named = self.storage.has_default_key_event();
        if !is_named || self.storage.default_key() != Some(id) {
            let event_type = EventType::from(DEFAULT_KEY);
            let before = self.storage.content(&event_type).map(JsonObject::as_raw);
            let content = json::with_member(before, "key", &json::to_text(id.as_str()));
            let content = JsonObject::from_our_own(&content);
            self.write(event_type, content, PlanNote::SetDefault(id.clone()));
        }
        Ok(())
    }

    /// Removes a key. What it alone opened is encrypted to the default key first.
    ///
    /// # Errors
    ///
    /// [`ChangeError::IsDefault`] for the default key, [`ChangeError::WouldLose`] if secrets open with
    /// this key alone and it is not at hand, and what [`Change::store`] returns of the default key.
    pub fn remove_key(&mut self, id: &SecretStorageKeyId) -> Result<(), ChangeError> {
        if self.storage.default_key() == Some(id) {
            return Err(ChangeError::IsDefault(id.clone()));
        }
        let lost = self.move_secrets(id)?;
        if lost.is_empty() {
            self.forget(id);
            Ok(())
        } else {
            Err(ChangeError::WouldLose(lost))
        }
    }

    /// Puts a new key in the place of another one: encrypts to it what the old one opens, makes it default
    /// if the old one was, and removes the old one. If there are secrets that the old key should open and
    /// does not, they and its description stay, with a note.
    ///
    /// # Errors
    ///
    /// [`ChangeError::NoSuchKey`] if the old key is not described or not at hand,
    /// [`ChangeError::KeyExists`] if another key has the ID of the new one.
    pub fn rotate(
        &mut self,
        old: &SecretStorageKeyId,
        new_key: &NewKey,
    ) -> Result<(), ChangeError> {
        let is_done = self.storage.key(old).is_none() && self.is_described(new_key);
        if is_done || old == new_key.id() {
            return Ok(());
        }
        if self.storage.key(old).is_none() || self.keys.of_id(old).next().is_none() {
            return Err(ChangeError::NoSuchKey(old.clone()));
        }
        self.add_key(new_key)?;
        if self.storage.default_key().is_none_or(|id| id == old) {
            self.set_default(new_key.id())?;
        }
        let left = self.move_secrets(old)?;
        if left.is_empty() {
            self.forget(old);
        } else {
            left.into_iter().for_each(|name| self.note(PlanNote::NotOpened(name)));
            self.note(PlanNote::KeyStays(old.clone()));
        }
        Ok(())
    }

    /// Takes everything that a key opens away from all other keys, and the keys that nothing is left for. What it does
    /// not open stays, with a note. `gone` are keys that may have no description that can be read.
    pub(crate) fn leave_to(&mut self, new_key: &NewKey, gone: &[SecretStorageKeyId]) {
        let is_other = |id: &&SecretStorageKeyId| *id != new_key.id();
        let mut needed = BTreeSet::new();
        for name in self.secret_names() {
            let Some(secret) = self.storage.secret(&name) else { continue };
            let others: Vec<_> = secret.entries().map(|(id, _)| id).filter(is_other).collect();
            let others: Vec<_> = others.into_iter().cloned().collect();
            if self.opened_by(&name, new_key.key()).is_none() {
                let note = self.why_it_stays(&name);
                self.note(note);
                needed.extend(others);
            } else if !others.is_empty() {
                self.remove_entries(&name, others);
            }
        }
        let described = self.storage.keys().map(|key| key.id().clone());
        let ids: BTreeSet<_> = described.chain(gone.iter().cloned()).collect();
        for id in ids.iter().filter(is_other) {
            if needed.contains(id) {
                self.note(PlanNote::KeyStays(id.clone()));
            } else {
                self.forget(id);
            }
        }
    }

    /// Deletes these secrets, then the default key; the next plan, which is made when nothing can be stored under that any
    /// more, the keys that nothing is left for. What cannot be read stays, and so do the keys that anything is encrypted with.
    pub(crate) fn turn_off(&mut self, secrets: &[SecretName]) {
        for name in secrets {
            if self.storage.is_readable(name) {
                self.write_secret(name, JsonObject::empty(), PlanNote::Delete(name.clone()));
            } else if self.storage.secret(name).is_some() || self.storage.is_unreadable(name) {
                self.note(PlanNote::NotOpened(name.clone()));
            }
        }
        let entries = self.storage.secrets().flat_map(|(_, secret)| secret.key_ids());
        let mut needed: BTreeSet<_> = entries.cloned().collect();
        let is_unknown = |key: &&KeyDescription| !key.is_supported();
        let unknown = self.storage.keys().filter(is_unknown);
        needed.extend(unknown.map(|key| key.id().clone()));
        let default_key = self.storage.default_key().filter(|id| !needed.contains(*id)).cloned();
        if let Some(id) = default_key.filter(|_| self.storage.has_default_key_event()) {
            let reason = PlanNote::RemoveDefault(id);
            self.write(EventType::from(DEFAULT_KEY), JsonObject::empty(), reason);
        }
        if !self.steps.is_empty() {
            return;
        }
        let described: Vec<_> = self.storage.keys().map(|key| key.id().clone()).collect();
        for id in described {
            if needed.contains(&id) {
                self.note(PlanNote::KeyStays(id));
            } else {
                self.forget(&id);
            }
        }
    }

    fn why_it_stays(&self, name: &SecretName) -> PlanNote {
        match self.keys_of(name).find_map(|key| self.open(name, key)) {
            Some(opened) if !opened.is_authenticated() => {
                PlanNote::NeedsAcceptance(name.clone(), opened.origin())
            }
            _ => PlanNote::NotOpened(name.clone()),
        }
    }

    /// Makes a new key known.
    pub(crate) fn describe(&mut self, new_key: &NewKey) -> Result<(), ChangeError> {
        let id = new_key.id();
        if self.storage.key(id).is_some() && !self.is_described(new_key) {
            return Err(ChangeError::KeyExists(id.clone()));
        }
        if self.storage.key(id).is_none() {
            let event_type = EventType::new(format!("{KEY_PREFIX}{}", id.as_str()));
            let content = new_key.description().clone();
            self.write(event_type, content, PlanNote::DescribeKey(id.clone()));
        }
        self.keys.add(new_key.key());
        Ok(())
    }

    /// Takes a key's description away, once nothing is encrypted to it.
    pub(super) fn forget(&mut self, id: &SecretStorageKeyId) {
        let event_type = EventType::new(format!("{KEY_PREFIX}{}", id.as_str()));
        self.write(event_type, JsonObject::empty(), PlanNote::RemoveKey(id.clone()));
    }

    /// Takes the secrets from a key, encrypting to the default key those that nothing else opens; gives
    /// those that cannot be taken.
    fn move_secrets(&mut self, id: &SecretStorageKeyId) -> Result<Vec<SecretName>, ChangeError> {
        let mut left = Vec::new();
        for name in self.secret_names() {
            let is_under = self.storage.secret(&name).is_some_and(|it| it.entry(id).is_some());
            if !is_under {
                continue;
            }
            match self.text_under(&name, id) {
                Some(text) if !self.others_have(&name, id, &text) => {
                    let default_key = self.encrypting_key(&self.default_key()?)?;
                    self.add_entries(&name, &text, &[&default_key]);
                }
                None if self.opened_by_others(&name, id).is_none() => {
                    left.push(name);
                    continue;
                }
                _ => {}
            }
            self.remove_entries(&name, vec![id.clone()]);
        }
        Ok(left)
    }

    fn text_under(&self, name: &SecretName, id: &SecretStorageKeyId) -> Option<SecretString> {
        let key = self.keys.of_id(id).next()?;
        self.opened_by(name, key).map(|opened| opened.text().clone())
    }

    fn others_have(
        &self,
        name: &SecretName,
        but: &SecretStorageKeyId,
        text: &SecretString,
    ) -> bool {
        let mut others = self.keys_of(name).filter(|key| key.id() != but);
        others.any(|key| self.has_text(name, key, text))
    }

    /// Whether the description under the key's ID is that of the key, however it is written.
    fn is_described(&self, new_key: &NewKey) -> bool {
        let accepted =
            self.storage.key(new_key.id()).map(|it| it.accept(&new_key.key().material()));
        matches!(accepted, Some(Ok(key)) if key.standing() == KeyStanding::Checked)
    }
}

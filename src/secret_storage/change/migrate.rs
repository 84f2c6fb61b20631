//! Bringing what older clients wrote into today's form, without trusting what nobody vouched for.

use super::{Change, ChangeError, NewKey, PlanNote, StepReason, VerifiedPublicKeys};
use crate::{
    encoding::json_object::JsonObject,
    ids::{SecretName, SecretStorageKeyId},
    passphrase::PassphraseFinding,
    secret::SecretString,
    secret_storage::{
        encrypted_secret::SecretEntry,
        key::SecretStorageKey,
        key_description::{KeyAlgorithm, KeyDescription},
        opened_secret::{OpenedSecret, SecretOrigin},
    },
    secret_value::{
        MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeyVerdict, SecretValue,
    },
};

/// What a secret is, as far as it may be believed.
enum Settled {
    /// Somebody with a key stored it, it belongs to a verified public key, or the user accepts it.
    Text(SecretString),
    /// It stays where it is.
    Stays(PlanNote),
}

impl Change<'_> {
    /// Moves everything to today's forms: asymmetric entries, passthrough, the old name and the old text
    /// form of the backup key, keys with few rounds, and a symmetric key with the bytes of an asymmetric
    /// one. What is of today's form stays as it is; the new key is used only if there is no default key
    /// that can take the secrets.
    ///
    /// A secret that anybody could have stored moves if it belongs to one of the verified public keys, or
    /// if its name is among the `accepted` ones; otherwise a [note](PlanNote::NeedsAcceptance) asks for
    /// it, and it stays with its key.
    ///
    /// # Errors
    ///
    /// [`ChangeError::KeyExists`] if another key has the ID of the new one.
    pub fn migrate(
        &mut self,
        new_key: &NewKey,
        public_keys: &VerifiedPublicKeys,
        accepted: &[SecretName],
    ) -> Result<(), ChangeError> {
        let names: Vec<_> =
            self.secret_names().into_iter().filter(|name| self.is_of_old_form(name)).collect();
        let has_old_keys = self.storage.keys().any(|key| self.is_old(key));
        if names.is_empty() && !has_old_keys {
            return Ok(());
        }
        let target = self.target(new_key)?;
        // The current name comes first, so that an old name finds it as it will be.
        let (old, current): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY);
        for name in current.iter().chain(&old) {
            match self.settle(name, public_keys, accepted) {
                Settled::Text(text) => self.move_secret(name, &text, &target),
                Settled::Stays(note) => self.note(note),
            }
        }
        self.set_default(target.id())?;
        self.forget_old_keys(&target);
        Ok(())
    }

    /// The key that takes the secrets: the default one, if it is of today's kind and at hand.
    fn target(&mut self, new_key: &NewKey) -> Result<SecretStorageKey, ChangeError> {
        if let Some(id) = self.storage.default_key().cloned() {
            let is_old = self.storage.key(&id).is_some_and(|key| self.is_old(key));
            if let (Ok(key), false) = (self.encrypting_key(&id), is_old) {
                return Ok(key);
            }
        }
        self.describe(new_key)?;
        self.encrypting_key(new_key.id())
    }

    /// Whether a key is to be replaced: an asymmetric one, one with few rounds, or one with the bytes of
    /// an asymmetric one.
    fn is_old(&self, description: &KeyDescription) -> bool {
        match description.algorithm() {
            KeyAlgorithm::Curve25519AesSha2 => true,
            KeyAlgorithm::Unsupported(_) => false,
            KeyAlgorithm::AesHmacSha2 => {
                let held = self.keys.iter().find(|key| key.id() == description.id());
                held.is_some_and(|key| has_few_rounds(description) || self.serves_both(key))
            }
        }
    }

    fn serves_both(&self, key: &SecretStorageKey) -> bool {
        let mut asymmetric = self.keys.iter().filter(|key| key.is_asymmetric());
        asymmetric.any(|other| other.has_same_bytes(key))
    }

    /// Whether anything about a secret is not as it would be written today.
    fn is_of_old_form(&self, name: &SecretName) -> bool {
        !self.old_entries(name).is_empty()
            || name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY
            || self
                .keys
                .iter()
                .filter_map(|key| self.opened_by(name, key))
                .any(|opened| opened.value().is_ok_and(|read| !read.repairs.is_empty()))
    }

    /// The keys that a secret is to be taken from.
    fn old_entries(&self, name: &SecretName) -> Vec<SecretStorageKeyId> {
        let Some(secret) = self.storage.secret(name) else { return Vec::new() };
        let entries = secret.entries().filter(|(id, entry)| {
            matches!(entry, Ok(SecretEntry::Curve25519AesSha2(_) | SecretEntry::Passthrough))
                || self.storage.key(id).is_some_and(|key| self.is_old(key))
        });
        entries.map(|(id, _)| id.clone()).collect()
    }

    /// Which value of a secret may be believed.
    fn settle(
        &self,
        name: &SecretName,
        public_keys: &VerifiedPublicKeys,
        accepted: &[SecretName],
    ) -> Settled {
        let Some(secret) = self.storage.secret(name) else {
            return Settled::Stays(PlanNote::NotOpened(name.clone()));
        };
        let default_key = self.storage.default_key();
        let is_default = |key: &&SecretStorageKey| Some(key.id()) == default_key;
        let (first, then): (Vec<_>, Vec<_>) = self.keys.iter().partition(is_default);
        let keys = first.into_iter().chain(then);
        let (mut is_contradicted, mut authenticated, mut unauthenticated) = (false, None, None);
        for opened in keys.filter_map(|key| key.clone().open(name, secret).ok()) {
            match opened.check(public_keys.as_public_keys()) {
                Ok(opened) if opened.public_key() == PublicKeyVerdict::Belongs => {
                    return Settled::Text(text_to_store(&opened));
                }
                Ok(opened) if opened.is_authenticated() => {
                    authenticated.get_or_insert(opened);
                }
                Ok(opened) => {
                    unauthenticated.get_or_insert(opened);
                }
                Err(_) => is_contradicted = true,
            }
        }
        match (authenticated, unauthenticated) {
            (Some(opened), _) => Settled::Text(text_to_store(&opened)),
            (None, Some(opened)) if accepted.contains(name) => {
                Settled::Text(text_to_store(&opened))
            }
            (None, Some(opened)) => {
                Settled::Stays(PlanNote::NeedsAcceptance(name.clone(), opened.origin()))
            }
            (None, None) if is_contradicted => Settled::Stays(PlanNote::Contradicted(name.clone())),
            (None, None) => Settled::Stays(PlanNote::NotOpened(name.clone())),
        }
    }

    /// Writes a secret in today's form, then takes the old form away.
    fn move_secret(&mut self, name: &SecretName, text: &SecretString, target: &SecretStorageKey) {
        if name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY {
            return self.move_to_current_name(name, text, target);
        }
        let old = self.old_entries(name);
        self.add_entry(name, text, target);
        for key in self.keys_of_today(name) {
            self.add_entry(name, text, &key);
        }
        if !old.is_empty() {
            self.remove_entries(name, old);
        }
    }

    /// The keys that a secret is encrypted to and stays encrypted to.
    fn keys_of_today(&self, name: &SecretName) -> Vec<SecretStorageKey> {
        let old = self.old_entries(name);
        let Some(secret) = self.storage.secret(name) else { return Vec::new() };
        let ids = secret.entries().map(|(id, _)| id).filter(|id| !old.contains(id));
        ids.filter_map(|id| self.encrypting_key(id).ok()).collect()
    }

    fn move_to_current_name(
        &mut self,
        old_name: &SecretName,
        text: &SecretString,
        target: &SecretStorageKey,
    ) {
        let name = SecretName::from(MEGOLM_BACKUP_V1);
        match self.opened_by(&name, target) {
            None if self.storage.secret(&name).is_some() => {
                return self.note(PlanNote::TwoValues(name));
            }
            Some(current) if !is_same_key(current.text(), text) => {
                return self.note(PlanNote::TwoValues(name));
            }
            Some(_) => {}
            None => self.add_entry(&name, text, target),
        }
        let reason = StepReason::DeleteOldName(old_name.clone());
        self.write_secret(old_name, JsonObject::empty(), reason);
    }

    /// Takes away the descriptions of old keys to which nothing is encrypted any more.
    fn forget_old_keys(&mut self, target: &SecretStorageKey) {
        let old = self.storage.keys().filter(|key| self.is_old(key) && key.id() != target.id());
        for id in old.map(|key| key.id().clone()).collect::<Vec<_>>() {
            if self.storage.secrets().any(|(_, secret)| secret.entry(&id).is_some()) {
                self.note(PlanNote::KeyStays(id));
            } else {
                self.forget(&id);
            }
        }
    }
}

/// The text as it is stored today: a list of numbers and a passthrough become base64.
fn text_to_store(opened: &OpenedSecret) -> SecretString {
    match opened.value() {
        Ok(read) if !read.repairs.is_empty() || opened.origin() == SecretOrigin::Passthrough => {
            read.value.to_text()
        }
        _ => opened.text().clone(),
    }
}

/// Whether two texts are the same backup key, padded or not.
fn is_same_key(one: &SecretString, other: &SecretString) -> bool {
    let name = SecretName::from(MEGOLM_BACKUP_V1);
    let read = |text: &SecretString| SecretValue::read(&name, text.expose_str().as_bytes());
    matches!((read(one), read(other)), (Ok(one), Ok(other)) if one.value == other.value)
}

fn has_few_rounds(description: &KeyDescription) -> bool {
    let Ok(Some(passphrase)) = description.passphrase() else { return false };
    let is_few =
        |finding: &PassphraseFinding| matches!(finding, PassphraseFinding::FewRounds { .. });
    passphrase.findings.iter().any(is_few)
}

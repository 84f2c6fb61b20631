//! Bringing what older clients wrote into today's form, without trusting what nobody vouched for.

use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
};

use super::{Change, ChangeError, NewKey, PlanNote, VerifiedPublicKeys, proves_nothing};
use crate::{
    encoding::json_object::JsonObject,
    ids::{SecretName, SecretStorageKeyId},
    secret::SecretString,
    secret_storage::{
        at_hand::KeysAtHand,
        encrypted_secret::SecretEntry,
        key::SecretStorageKey,
        key_description::{KeyAlgorithm, KeyDescription},
        opened_secret::{OpenedSecret, SecretOrigin},
    },
    secret_value::{MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, SecretValue},
};

/// The keys that are to be replaced: asymmetric ones, those with few rounds, and those with the bytes of an asymmetric one.
type OldKeys = HashSet<SecretStorageKeyId>;

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
        let mut old_keys = self.old_keys();
        let is_old = |name: &SecretName| self.is_of_old_form(name, &old_keys);
        let names: Vec<_> = self.secret_names().into_iter().filter(is_old).collect();
        if names.is_empty() && old_keys.is_empty() {
            return Ok(());
        }
        let target = self.target(new_key, &old_keys)?;
        old_keys.remove(target.id());
        let accepted: HashSet<_> = accepted.iter().collect();
        // The current name comes first, so that an old name finds it as it will be.
        let (old, current): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY);
        for name in current.iter().chain(&old) {
            match self.settle(name, public_keys, accepted.contains(name)) {
                Settled::Text(text) => self.move_secret(name, &text, &target, &old_keys),
                Settled::Stays(note) => self.note(note),
            }
        }
        self.set_default(target.id())?;
        if !self.keeps_all {
            self.forget_old_keys(old_keys);
        }
        Ok(())
    }

    /// The key that takes the secrets: the default one, if it is of today's kind and at hand.
    fn target(
        &mut self,
        new_key: &NewKey,
        old_keys: &OldKeys,
    ) -> Result<SecretStorageKey, ChangeError> {
        let default_key = self.storage.default_key().filter(|id| !old_keys.contains(*id));
        if let Some(Ok(key)) = default_key.map(|id| self.encrypting_key(id)) {
            return Ok(key);
        }
        self.describe(new_key)?;
        self.encrypting_key(new_key.id())
    }

    fn old_keys(&self) -> OldKeys {
        let asymmetric = ByBytes::new(&self.keys);
        let is_old = |description: &&KeyDescription| match description.known_algorithm() {
            KeyAlgorithm::Curve25519AesSha2 => true,
            KeyAlgorithm::Unsupported(_) => false,
            KeyAlgorithm::AesHmacSha2 => {
                let mut held = self.keys.of_id(description.id());
                held.any(|key| has_few_rounds(description) || asymmetric.has(key))
            }
        };
        self.storage.keys().filter(is_old).map(|key| key.id().clone()).collect()
    }

    /// Whether anything about a secret is not as it would be written today.
    fn is_of_old_form(&self, name: &SecretName, old_keys: &OldKeys) -> bool {
        !self.old_entries(name, old_keys).is_empty()
            || name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY
            || self
                .keys_of(name)
                .filter_map(|key| self.opened_by(name, key))
                .any(|opened| opened.value().is_ok_and(|read| !read.repairs.is_empty()))
    }

    /// The keys that a secret is to be taken from.
    fn old_entries(&self, name: &SecretName, old_keys: &OldKeys) -> Vec<SecretStorageKeyId> {
        let Some(secret) = self.storage.secret(name) else { return Vec::new() };
        let entries = secret.entries().filter(|(id, entry)| {
            matches!(entry, Ok(SecretEntry::Curve25519AesSha2(_) | SecretEntry::Passthrough))
                || old_keys.contains(*id)
        });
        entries.map(|(id, _)| id.clone()).collect()
    }

    /// Which value of a secret may be believed.
    fn settle(
        &self,
        name: &SecretName,
        public_keys: &VerifiedPublicKeys,
        is_accepted: bool,
    ) -> Settled {
        let default_key = self.storage.default_key();
        let is_default = |key: &&SecretStorageKey| Some(key.id()) == default_key;
        let (first, then): (Vec<_>, Vec<_>) = self.keys_of(name).partition(is_default);
        let keys = first.into_iter().chain(then);
        let (mut is_contradicted, mut authenticated, mut unauthenticated) = (false, None, None);
        for opened in keys.filter_map(|key| self.open(name, key)) {
            match opened.check(public_keys.as_public_keys()) {
                Ok(opened) if opened.belongs_to_public_key() => {
                    return Settled::Text(text_to_store(&opened));
                }
                Ok(opened) if opened.is_authenticated() || proves_nothing(&opened) => {
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
            (None, Some(opened)) if is_accepted => Settled::Text(text_to_store(&opened)),
            (None, Some(opened)) => {
                Settled::Stays(PlanNote::NeedsAcceptance(name.clone(), opened.origin()))
            }
            (None, None) if is_contradicted => Settled::Stays(PlanNote::Contradicted(name.clone())),
            (None, None) => Settled::Stays(PlanNote::NotOpened(name.clone())),
        }
    }

    /// Writes a secret in today's form, then takes the old form away.
    fn move_secret(
        &mut self,
        name: &SecretName,
        text: &SecretString,
        target: &SecretStorageKey,
        old_keys: &OldKeys,
    ) {
        if name.as_str() == MEGOLM_BACKUP_V1_RECOVERY_KEY {
            return self.move_to_current_name(name, text, target);
        }
        let mut old: HashSet<_> = self.old_entries(name, old_keys).into_iter().collect();
        // What a server says of the target itself is written over.
        old.remove(target.id());
        // The keys that it is encrypted to and stays encrypted to.
        let secret = self.storage.secret(name).into_iter();
        let ids = secret.flat_map(|secret| secret.entries()).map(|(id, _)| id);
        let of_today = ids.filter(|id| !old.contains(*id) && *id != target.id());
        let of_today: Vec<_> = of_today.filter_map(|id| self.encrypting_key(id).ok()).collect();
        let keys: Vec<_> = [target].into_iter().chain(&of_today).collect();
        self.add_entries(name, text, &keys);
        if !old.is_empty() {
            let mut old: Vec<_> = old.into_iter().collect();
            old.sort_unstable();
            self.remove_entries(name, old);
        }
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
            None => self.add_entries(&name, text, &[target]),
        }
        let reason = PlanNote::DeleteOldName(old_name.clone());
        self.write_secret(old_name, JsonObject::empty(), reason);
    }

    /// Takes away the descriptions of old keys to which nothing is encrypted any more.
    fn forget_old_keys(&mut self, old_keys: OldKeys) {
        let entries = self.storage.secrets().flat_map(|(_, secret)| secret.entries());
        let needed: HashSet<_> =
            entries.map(|(id, _)| id).filter(|id| old_keys.contains(*id)).cloned().collect();
        let mut old_keys: Vec<_> = old_keys.into_iter().collect();
        old_keys.sort_unstable();
        for id in old_keys {
            if needed.contains(&id) {
                self.note(PlanNote::KeyStays(id));
            } else {
                self.forget(&id);
            }
        }
    }
}

/// The asymmetric keys at hand by a hash of their bytes that only this run can compute; what has the same hash is
/// compared in constant time.
struct ByBytes<'a> {
    hash: RandomState,
    keys: HashMap<u64, Vec<&'a SecretStorageKey>>,
}

impl<'a> ByBytes<'a> {
    fn new(keys: &'a KeysAtHand) -> Self {
        let mut by_bytes = Self { hash: RandomState::new(), keys: HashMap::new() };
        for key in keys.iter().filter(|key| key.is_asymmetric()) {
            if !by_bytes.has(key) {
                let hash = by_bytes.hash.hash_one(key.expose_bytes());
                by_bytes.keys.entry(hash).or_default().push(key);
            }
        }
        by_bytes
    }

    fn has(&self, key: &SecretStorageKey) -> bool {
        let alike = self.keys.get(&self.hash.hash_one(key.expose_bytes()));
        alike.is_some_and(|keys| keys.iter().any(|other| other.has_same_bytes(key)))
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
    passphrase.is_guessable()
}

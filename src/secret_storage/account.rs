//! The secret storage of an account: which keys there are, which is default, and which secrets.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    DEFAULT_KEY, KEY_PREFIX,
    account_data::AccountDataPair,
    encrypted_secret::EncryptedSecret,
    finding::SecretStorageFinding,
    key::SecretStorageKey,
    key_description::{KeyDescription, KeyTest},
    opened_secret::{OpenedSecret, SecretOpenError},
    opening::{Opening, SecretVerdict},
};
use crate::{
    Limits,
    encoding::{
        format::FormatProblem,
        json::{self, RawObject},
        json_object::JsonObject,
    },
    ids::{self, EventType, SecretName, SecretStorageKeyId},
    secret_value::{PublicKeys, SecretShape},
};

/// Everything that an account's data says of its secret storage
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#secret-storage)).
///
/// What cannot be read is a [finding](SecretStorageFinding), and does not hide the rest.
#[derive(Debug, Clone, Default)]
#[doc(alias("4S", "SSSS", "key storage"))]
pub struct SecretStorage {
    keys: BTreeMap<SecretStorageKeyId, KeyDescription>,
    /// What the event about the default key says; `None` if there is no such event, or nothing in it.
    default_key: Option<Option<SecretStorageKeyId>>,
    /// The keys that have the name of the default one in an early draft.
    default_by_name: BTreeSet<SecretStorageKeyId>,
    secrets: BTreeMap<SecretName, EncryptedSecret>,
    findings: Vec<SecretStorageFinding>,
    /// All events that have to do with secret storage, as they came.
    contents: BTreeMap<EventType, JsonObject>,
    /// The types of all others, which no secret may overwrite.
    others: BTreeSet<EventType>,
}

impl SecretStorage {
    /// Reads all events of an account's data, each with its type. Those that have nothing to do with
    /// secret storage are ignored, and those whose type has more than 1,024 bytes, since no request could change them; of
    /// several of one type, the last counts. The pairs may be owned or borrowed, and so may what they are in.
    pub fn from_account_data(
        events: impl IntoIterator<Item = impl AccountDataPair>,
        limits: &Limits,
    ) -> Self {
        let mut storage = Self::default();
        for event in events {
            storage.read(&EventType::from(event.event_type()), event.content(), limits);
        }
        storage.find_defaults(limits);
        storage
    }

    /// The keys that are described, in the order of their IDs.
    pub fn keys(&self) -> impl Iterator<Item = &KeyDescription> {
        self.keys.values()
    }

    /// The description of a key.
    #[must_use]
    pub fn key(&self, id: &SecretStorageKeyId) -> Option<&KeyDescription> {
        self.keys.get(id)
    }

    /// The ID of the default key, described or not: the one that the event names, or the only one that an
    /// early draft's name marks.
    #[must_use]
    pub fn default_key(&self) -> Option<&SecretStorageKeyId> {
        match self.named_default() {
            Some(named) => named,
            None => self.default_by_name.first().filter(|_| self.default_by_name.len() == 1),
        }
    }

    /// Whether there is an event that names a default key, readable or not; a name alone may mark one.
    pub(crate) fn has_default_key_event(&self) -> bool {
        self.named_default().is_some()
    }

    /// What the event says. An empty ID is none, unless a key has it.
    fn named_default(&self) -> Option<Option<&SecretStorageKeyId>> {
        let named = self.default_key.as_ref().map(Option::as_ref);
        named.filter(|id| id.is_none_or(|id| !id.as_str().is_empty() || self.key(id).is_some()))
    }

    /// The secrets with their names, in the order of these.
    pub fn secrets(&self) -> impl Iterator<Item = (&SecretName, &EncryptedSecret)> {
        self.secrets.iter()
    }

    /// The secret of this name.
    #[must_use]
    pub fn secret(&self, name: &SecretName) -> Option<&EncryptedSecret> {
        self.secrets.get(name)
    }

    /// The secrets that can be read under some key, whether or not that is at hand.
    pub(crate) fn readable_secrets(&self) -> impl Iterator<Item = &SecretName> {
        self.secrets().map(|(name, _)| name).filter(|name| self.is_readable(name))
    }

    /// Whether a secret is stored that a key may open.
    pub(crate) fn is_readable(&self, name: &SecretName) -> bool {
        self.secret(name).is_some_and(|it| it.entries().any(|(_, entry)| entry.is_ok()))
    }

    /// Whether something stands under the name of a secret, and nothing is encrypted in it: an entry that was emptied, say.
    pub(crate) fn is_emptied(&self, name: &SecretName) -> bool {
        let content = self.content(&EventType::from(name.as_str()));
        content.is_some() && self.secret(name).is_none()
    }

    /// Whether something stands under the name of a secret that is none: it may have been one before it was changed.
    pub(crate) fn is_unreadable(&self, name: &SecretName) -> bool {
        let content = self.content(&EventType::from(name.as_str()));
        let content = content.filter(|content| !json::is_nothing(content.as_raw()));
        let read = content.map(EncryptedSecret::from_json);
        match read {
            Some(Ok(secret)) => secret.entries().all(|(_, entry)| entry.is_err()),
            Some(Err(error)) => error.problem != FormatProblem::Deleted,
            None => false,
        }
    }

    /// Whether a secret was deleted: its event says `{}`.
    pub(crate) fn is_deleted(&self, name: &SecretName) -> bool {
        let content = self.contents.get(&EventType::from(name.as_str()));
        content.is_some_and(JsonObject::is_empty)
    }

    /// What is not as it should be; [`Limits::findings`] at most.
    #[must_use]
    pub fn findings(&self) -> &[SecretStorageFinding] {
        &self.findings
    }

    /// Opens one secret with whichever of these keys does, and compares it with the public key that
    /// stands for its name. Symmetric keys that nobody can guess come first: what others could have written must not take
    /// the place of what only the owner could. A key that others can guess is not tried if nothing shows that it
    /// is the right one, nor beside one that is sure and that they cannot guess ([`SecretOpenError::NotTried`]).
    ///
    /// # Errors
    ///
    /// [`SecretOpenError`] says why each of the keys failed.
    pub fn open(
        &self,
        name: &SecretName,
        keys: &mut [SecretStorageKey],
        public_keys: &PublicKeys,
    ) -> Result<OpenedSecret, SecretOpenError> {
        let Some(secret) = self.secret(name) else { return Err(SecretOpenError::OtherKeys) };
        let mut opening = Opening::new([(name, secret)], keys);
        while !opening.advance(keys, public_keys, u32::MAX) {}
        let verdict = opening.finish(keys).pop();
        verdict.map_or(Err(SecretOpenError::OtherKeys), |verdict| verdict.outcome)
    }

    /// Opens every secret that these keys open, each with a verdict of its own, as [`SecretStorage::open`] does.
    pub fn open_all(
        &self,
        keys: &mut [SecretStorageKey],
        public_keys: &PublicKeys,
    ) -> Vec<SecretVerdict> {
        let mut opening = Opening::new(self.secrets(), keys);
        while !opening.advance(keys, public_keys, u32::MAX) {}
        opening.finish(keys)
    }

    /// The content of an event that has to do with secret storage; `None` if there is none, or `{}`.
    pub(super) fn content(&self, event_type: &EventType) -> Option<&JsonObject> {
        self.contents.get(event_type).filter(|content| !content.is_empty())
    }

    /// Whether there is an event of this type that is not a secret nor meant as one.
    pub(super) fn is_other_data(&self, event_type: &EventType) -> bool {
        self.others.contains(event_type)
    }

    /// Reads one event, which replaces an earlier one of its type.
    pub(super) fn read(&mut self, event_type: &EventType, content: &JsonObject, limits: &Limits) {
        let name = event_type.as_str();
        if name.len() > ids::MAX_ID_BYTES {
            return;
        }
        let is_ours = if name == DEFAULT_KEY {
            self.default_key = read_default_key(content);
            true
        } else if let Some(id) = name.strip_prefix(KEY_PREFIX) {
            self.read_key(&SecretStorageKeyId::from(id), content, limits);
            true
        } else {
            self.read_secret(&SecretName::from(name), content, limits)
        };
        if is_ours {
            self.others.remove(event_type);
            self.contents.insert(event_type.clone(), content.clone());
        } else {
            self.contents.remove(event_type);
            self.others.insert(event_type.clone());
        }
    }

    fn read_key(&mut self, id: &SecretStorageKeyId, content: &JsonObject, limits: &Limits) {
        self.keys.remove(id);
        self.default_by_name.remove(id);
        match KeyDescription::from_json(id.clone(), content, limits) {
            Ok(key) => {
                if key.name() == Some(NAME_OF_DEFAULT) {
                    self.default_by_name.insert(id.clone());
                }
                if let KeyTest::Unreadable(error) = key.test() {
                    self.find(SecretStorageFinding::KeyCheck(id.clone(), *error), limits);
                }
                self.keys.insert(id.clone(), key);
            }
            Err(error) if error.problem == FormatProblem::Deleted => {}
            Err(error) => self.find(SecretStorageFinding::Key(id.clone(), error), limits),
        }
    }

    /// Reads a secret; `false` if the event is none, nor meant as one.
    fn read_secret(&mut self, name: &SecretName, content: &JsonObject, limits: &Limits) -> bool {
        self.secrets.remove(name);
        match EncryptedSecret::from_json(content) {
            Ok(secret) => {
                for id in secret.without_iv() {
                    self.find(SecretStorageFinding::WithoutIv(name.clone(), id.clone()), limits);
                }
                self.secrets.insert(name.clone(), secret);
            }
            Err(error) if error.problem == FormatProblem::Deleted => {}
            Err(error) if is_meant_as_secret(name, content) => {
                if !json::is_nothing(content.as_raw()) {
                    self.find(SecretStorageFinding::Secret(name.clone(), error), limits);
                }
            }
            Err(_) => return false,
        }
        true
    }

    /// Looks for what is wrong with the default key once all events are read.
    fn find_defaults(&mut self, limits: &Limits) {
        if self.default_key == Some(None) {
            self.find(SecretStorageFinding::DefaultKeyUnreadable, limits);
        }
        for id in self.default_by_name.clone() {
            self.find(SecretStorageFinding::DefaultByName(id), limits);
        }
        if let Some(id) = self.default_key().filter(|id| self.key(id).is_none()).cloned() {
            self.find(SecretStorageFinding::DefaultKeyMissing(id), limits);
        }
    }

    fn find(&mut self, finding: SecretStorageFinding, limits: &Limits) {
        if self.findings.len() < limits.findings {
            self.findings.push(finding);
        }
    }
}

/// Which key is the default one; `None` if the event says nothing of it, as where another client has emptied it.
fn read_default_key(content: &JsonObject) -> Option<Option<SecretStorageKeyId>> {
    let mut object = RawObject::parse(content.as_bytes()).ok()?;
    let Some(key) = object.take("key") else {
        return (!json::is_nothing(content.as_raw())).then_some(None);
    };
    if json::is_nothing(key) && !key.get().starts_with('"') {
        return None;
    }
    // No event has a longer type, so no key has a longer ID.
    let id = json::public_string(key).ok().filter(|id| id.len() <= MAX_ID_BYTES);
    Some(id.map(SecretStorageKeyId::new))
}

/// Whether an event that holds no secret should hold one.
fn is_meant_as_secret(name: &SecretName, content: &JsonObject) -> bool {
    let mut object = RawObject::parse(content.as_bytes()).unwrap_or_default();
    SecretShape::of(name) != SecretShape::Text || object.take("encrypted").is_some()
}

/// What the default key was called in an early draft.
const NAME_OF_DEFAULT: &str = "m.default";

/// What the 255 bytes of an event's type leave for the ID of a key.
const MAX_ID_BYTES: usize = 255 - KEY_PREFIX.len();

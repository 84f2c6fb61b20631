//! The secret storage of an account: which keys there are, which is default, and which secrets.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{
    DEFAULT_KEY, KEY_PREFIX,
    encrypted_secret::{EncryptedSecret, EncryptedSecretError},
    key::SecretStorageKey,
    key_description::{KeyDescription, KeyDescriptionError},
    opened_secret::{OpenedSecret, SecretOpenError},
};
use crate::{
    Limits,
    encoding::{
        json::{self, RawObject},
        json_object::JsonObject,
    },
    ids::{EventType, SecretName, SecretStorageKeyId},
    secret_value::{PublicKeys, SecretShape},
};

/// Everything that an account's data says of its secret storage
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#secret-storage)).
///
/// What cannot be read is a [finding](SecretStorageFinding), and does not hide the rest.
#[derive(Debug, Clone, Default)]
pub struct SecretStorage {
    keys: BTreeMap<SecretStorageKeyId, KeyDescription>,
    default_key: Option<SecretStorageKeyId>,
    secrets: BTreeMap<SecretName, EncryptedSecret>,
    findings: Vec<SecretStorageFinding>,
}

/// Something in the account data that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretStorageFinding {
    /// The description of a key cannot be read.
    #[error("a key description cannot be used: {1}")]
    Key(SecretStorageKeyId, #[source] KeyDescriptionError),
    /// An event with the name of a known secret, or with `encrypted`, is no secret.
    #[error("a secret cannot be read: {1}")]
    Secret(SecretName, #[source] EncryptedSecretError),
    /// `m.secret_storage.default_key` names a key that is not described.
    #[error("the default key is not described")]
    DefaultKeyMissing(SecretStorageKeyId),
    /// `m.secret_storage.default_key` cannot be read.
    #[error("the event that names the default key cannot be read")]
    DefaultKeyUnreadable,
    /// A key is named `m.default`, as an early draft marked the default one. It counts where there is
    /// no event that names the default key, and no other key has this name.
    #[error("a key is marked as default by its name, as an early draft had it")]
    DefaultByName(SecretStorageKeyId),
}

/// What became of one secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecretVerdict {
    /// The secret.
    pub name: SecretName,
    /// The secret, or why each of the keys failed that it is encrypted to.
    pub outcome: Result<OpenedSecret, SecretFailure>,
}

/// Why a secret did not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretFailure {
    /// It is encrypted to none of the keys that were given.
    #[error("the secret is encrypted to other keys")]
    OtherKeys,
    /// It is encrypted to keys that were given, and none opens it. The first reason is that of the
    /// first key.
    #[error("the secret does not open: {}", first_reason(.0))]
    Keys(Vec<(SecretStorageKeyId, SecretOpenError)>),
}

impl SecretStorage {
    /// Reads all events of an account's data, each with its type. Those that have nothing to do with
    /// secret storage are ignored; of several of one type, the last counts.
    pub fn from_account_data<'a>(
        events: impl IntoIterator<Item = (&'a EventType, &'a JsonObject)>,
        limits: &Limits,
    ) -> Self {
        let mut storage = Self::default();
        let mut default_key = None;
        for (event_type, content) in events {
            match event_type.as_str() {
                DEFAULT_KEY => default_key = Some(content),
                name => match name.strip_prefix(KEY_PREFIX) {
                    Some(id) => storage.read_key(&SecretStorageKeyId::from(id), content, limits),
                    None => storage.read_secret(&SecretName::from(name), content, limits),
                },
            }
        }
        storage.read_default_key(default_key, limits);
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

    /// The ID of the default key, described or not.
    #[must_use]
    pub fn default_key(&self) -> Option<&SecretStorageKeyId> {
        self.default_key.as_ref()
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

    /// What is not as it should be; [`Limits::findings`] at most.
    #[must_use]
    pub fn findings(&self) -> &[SecretStorageFinding] {
        &self.findings
    }

    /// Opens one secret with whichever of these keys does, and compares it with the public key that
    /// stands for its name. Symmetric keys come first: what everybody could have written must not take
    /// the place of what only the owner could.
    ///
    /// # Errors
    ///
    /// [`SecretFailure`] says why each of the keys failed.
    pub fn open(
        &self,
        name: &SecretName,
        keys: &mut [SecretStorageKey],
        public_keys: &PublicKeys,
    ) -> Result<OpenedSecret, SecretFailure> {
        let Some(secret) = self.secret(name) else { return Err(SecretFailure::OtherKeys) };
        let mut reasons = Vec::new();
        let (symmetric, asymmetric): (Vec<_>, Vec<_>) = keys
            .iter_mut()
            .filter(|key| secret.entry(key.id()).is_some())
            .partition(|key| !key.is_asymmetric());
        for key in symmetric.into_iter().chain(asymmetric) {
            match key.open(name, secret).and_then(|opened| opened.check(public_keys)) {
                Ok(opened) => return Ok(opened),
                Err(reason) => reasons.push((key.id().clone(), reason)),
            }
        }
        Err(if reasons.is_empty() {
            SecretFailure::OtherKeys
        } else {
            SecretFailure::Keys(reasons)
        })
    }

    /// Opens every secret that these keys open, each with a verdict of its own.
    pub fn open_all(
        &self,
        keys: &mut [SecretStorageKey],
        public_keys: &PublicKeys,
    ) -> Vec<SecretVerdict> {
        let mut open = |name: &SecretName| SecretVerdict {
            name: name.clone(),
            outcome: self.open(name, keys, public_keys),
        };
        self.secrets.keys().map(&mut open).collect()
    }

    fn read_key(&mut self, id: &SecretStorageKeyId, content: &JsonObject, limits: &Limits) {
        self.keys.remove(id);
        match KeyDescription::from_json(id.clone(), content, limits) {
            Ok(key) => drop(self.keys.insert(id.clone(), key)),
            Err(KeyDescriptionError::Deleted) => {}
            Err(error) => self.find(SecretStorageFinding::Key(id.clone(), error), limits),
        }
    }

    fn read_secret(&mut self, name: &SecretName, content: &JsonObject, limits: &Limits) {
        self.secrets.remove(name);
        match EncryptedSecret::from_json(content) {
            Ok(secret) => drop(self.secrets.insert(name.clone(), secret)),
            Err(EncryptedSecretError::NotEncrypted) if is_meant_as_secret(name, content) => {
                let error = EncryptedSecretError::NotEncrypted;
                self.find(SecretStorageFinding::Secret(name.clone(), error), limits);
            }
            Err(_) => {}
        }
    }

    fn read_default_key(&mut self, content: Option<&JsonObject>, limits: &Limits) {
        let by_name = self.keys().filter(|key| key.name() == Some(NAME_OF_DEFAULT));
        let by_name: Vec<_> = by_name.map(|key| key.id().clone()).collect();
        self.default_key = match content.filter(|content| !content.is_empty()) {
            Some(content) => {
                let id = read_key_id(content);
                if id.is_none() {
                    self.find(SecretStorageFinding::DefaultKeyUnreadable, limits);
                }
                id
            }
            None => match by_name.as_slice() {
                // An empty event says that there is none.
                [only] if content.is_none() => Some(only.clone()),
                _ => None,
            },
        };
        for id in by_name {
            self.find(SecretStorageFinding::DefaultByName(id), limits);
        }
        if let Some(id) = self.default_key.clone().filter(|id| self.key(id).is_none()) {
            self.find(SecretStorageFinding::DefaultKeyMissing(id), limits);
        }
    }

    fn find(&mut self, finding: SecretStorageFinding, limits: &Limits) {
        if self.findings.len() < limits.findings {
            self.findings.push(finding);
        }
    }
}

fn read_key_id(content: &JsonObject) -> Option<SecretStorageKeyId> {
    let mut object = RawObject::parse(content.as_bytes()).ok()?;
    let id = json::public_string(object.take("key")?).ok()?;
    Some(SecretStorageKeyId::new(id))
}

/// Whether an event that holds no secret should hold one.
fn is_meant_as_secret(name: &SecretName, content: &JsonObject) -> bool {
    let mut object = RawObject::parse(content.as_bytes()).unwrap_or_default();
    SecretShape::of(name) != SecretShape::Text || object.take("encrypted").is_some()
}

fn first_reason(reasons: &[(SecretStorageKeyId, SecretOpenError)]) -> String {
    reasons.first().map(|(_, reason)| reason.to_string()).unwrap_or_default()
}

/// What the default key was called in an early draft.
const NAME_OF_DEFAULT: &str = "m.default";

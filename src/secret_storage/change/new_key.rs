//! A new key for a secret storage, and its description.

use std::fmt;

use rand_core::CryptoRng;

use crate::{
    Limits,
    crypto::{aes_hmac_sha2::KeyCheck, key_material::KeyMaterial},
    encoding::{json, json_object::JsonObject},
    ids::SecretStorageKeyId,
    passphrase::PassphraseParameters,
    randomness::{NoRandomness, alphanumeric, with_os_rng},
    recovery_key::RecoveryKey,
    secret_storage::{
        AES_HMAC_SHA2,
        key::{KeyStanding, SecretStorageKey},
        key_description::KeyDescription,
    },
};

/// A key that is to become known to a secret storage, with what will be said of it
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#msecret_storagev1aes-hmac-sha2)).
///
/// Keep it until the plan that uses it is done: a plan that is made again needs the same one.
#[derive(Clone)]
pub struct NewKey {
    key: SecretStorageKey,
    description: JsonObject,
}

impl NewKey {
    /// Draws a key of 32 bytes, with a name to show if there is one.
    pub fn generate_with_rng(name: Option<&str>, rng: &mut impl CryptoRng) -> Self {
        let key = RecoveryKey::generate_with_rng(rng);
        Self::describe(&KeyMaterial::from(key.as_secret()), name, None, rng)
    }

    /// The same from the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn generate(name: Option<&str>) -> Result<Self, NoRandomness> {
        with_os_rng(|rng| Self::generate_with_rng(name, rng))
    }

    /// Derives a key of 32 bytes from a passphrase as it was typed, with a new salt and 500,000 rounds.
    /// It has a recovery key too, which opens the storage if the passphrase is forgotten.
    pub fn from_passphrase_with_rng(
        passphrase: &str,
        name: Option<&str>,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let parameters = PassphraseParameters::generate_with_rng(rng);
        Self::describe(&parameters.derive(passphrase), name, Some(&parameters), rng)
    }

    /// The same from the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn from_passphrase(passphrase: &str, name: Option<&str>) -> Result<Self, NoRandomness> {
        with_os_rng(|rng| Self::from_passphrase_with_rng(passphrase, name, rng))
    }

    /// Takes up a key that is described already, after a plan was interrupted; `None` unless it is
    /// symmetric and was checked.
    #[must_use]
    pub fn resume(description: &KeyDescription, key: &SecretStorageKey) -> Option<Self> {
        let is_this = description.id() == key.id() && !key.is_asymmetric();
        let description = JsonObject::from_json(description.as_json().as_bytes()).ok()?;
        (is_this && key.standing() == KeyStanding::Checked)
            .then(|| Self { key: key.clone(), description })
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &SecretStorageKey {
        &self.key
    }

    /// Its ID: 32 letters and digits.
    #[must_use]
    pub fn id(&self) -> &SecretStorageKeyId {
        self.key.id()
    }

    /// Its description, as it will be written.
    #[must_use]
    pub fn description(&self) -> &JsonObject {
        &self.description
    }

    /// The text for the user to write down; only keys of 32 bytes have one, as all new ones.
    #[must_use]
    pub fn to_recovery_key(&self) -> Option<RecoveryKey> {
        self.key.to_recovery_key()
    }

    fn describe(
        material: &KeyMaterial,
        name: Option<&str>,
        passphrase: Option<&PassphraseParameters>,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let check = KeyCheck::with_rng(material, rng);
        let id = SecretStorageKeyId::new(alphanumeric(ID_CHARACTERS, rng));
        let mut members = vec![("algorithm", json::to_text(AES_HMAC_SHA2))];
        members.extend(name.map(|name| ("name", json::to_text(name))));
        let passphrase = passphrase.and_then(|parameters| parameters.to_json().ok());
        let passphrase = passphrase.and_then(|json| String::from_utf8(json).ok());
        members.extend(passphrase.map(|json| ("passphrase", json)));
        members.push(("iv", json::to_text(&check.iv.to_base64())));
        members.push(("mac", json::to_text(&check.mac.to_base64())));
        let members = members.iter().map(|(name, value)| format!("\"{name}\":{value}"));
        let description =
            JsonObject::from_our_own(&format!("{{{}}}", members.collect::<Vec<_>>().join(",")));
        let limits = Limits { signed_object_bytes: usize::MAX, ..Limits::default() };
        #[expect(clippy::expect_used, reason = "the check was made for this key")]
        let key = KeyDescription::from_json(id, &description, &limits)
            .ok()
            .and_then(|description| description.accept(material).ok())
            .expect("the key fits its own description");
        Self { key, description }
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, description: _ } = self;
        f.debug_struct("NewKey").field("key", key).finish_non_exhaustive()
    }
}

/// As long as those of other clients.
const ID_CHARACTERS: usize = 32;

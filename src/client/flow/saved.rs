//! The state of a flow as bytes.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::set_up::{Before, Kept, SetUp};
use crate::{
    Limits,
    backup::{BackupPublicKey, BackupPublicKeyError},
    client::backup::{Backup, BackupOptions, SavedBackup},
    crypto::key_material::KeyMaterial,
    encoding::{json, json_object::JsonObject, secret_base64},
    ids::{BackupVersion, DeviceId, SecretName, SecretStorageKeyId, UserId},
    saved_state::{Header, SavedStateError},
    secret::SecretVec,
    secret_storage::{KeyDescription, NewKey, SecretStorageKey},
    secret_value::SecretValue,
};

/// The state of a flow: its own in two parts, one for the disk and one for a keychain, and that of the account's
/// machine. They are written together, and deleted together when the flow has ended: the secret part has keys and
/// secrets of the account in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFlow {
    /// How far the flow is. No key that opens anything is in it.
    pub public: Vec<u8>,
    /// The keys and secrets of the flow.
    pub secret: SecretVec,
    /// The state of the account's machine.
    pub backup: SavedBackup,
}

#[derive(Serialize, Deserialize)]
struct PublicPart {
    #[serde(flatten)]
    header: Header,
    replaces: bool,
    before: Option<SavedBefore>,
    is_shown: bool,
    is_stored: bool,
    key_id: SecretStorageKeyId,
    description: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
struct SavedBefore {
    version: Option<BackupVersion>,
    public_key: Option<String>,
    default_key: Option<SecretStorageKeyId>,
}

#[derive(Serialize)]
struct SecretPart<'a> {
    #[serde(flatten)]
    header: Header,
    key: &'a str,
    old_keys: Vec<(&'a SecretStorageKeyId, bool, &'a str)>,
    secrets: Vec<(&'a SecretName, &'a str)>,
}

#[derive(Deserialize)]
struct ReadSecretPart<'a> {
    #[serde(borrow)]
    key: &'a str,
    #[serde(borrow)]
    old_keys: Vec<(SecretStorageKeyId, bool, &'a str)>,
    #[serde(borrow)]
    secrets: Vec<(SecretName, &'a str)>,
}

impl SavedBefore {
    fn new(before: &Before) -> Self {
        let Before { version, public_key, default_key } = before.clone();
        let public_key = public_key.map(|public_key| public_key.to_base64());
        Self { version, public_key, default_key }
    }

    fn read(self) -> Result<Before, BackupPublicKeyError> {
        let Self { version, public_key, default_key } = self;
        let public_key = public_key.map(|text| BackupPublicKey::from_base64(&text)).transpose()?;
        Ok(Before { version, public_key, default_key })
    }
}

impl SetUp {
    /// Goes on from saved state: what was drawn is used again, and what is there is looked at.
    ///
    /// # Errors
    ///
    /// [`SavedStateError`] if a part is damaged, of another format, or of another user or device.
    pub fn restore(
        saved: &SavedFlow,
        user_id: UserId,
        device_id: DeviceId,
        options: BackupOptions,
        limits: Limits,
    ) -> Result<Self, SavedStateError> {
        let secret = saved.secret.expose_bytes();
        Header::check(&saved.public, PUBLIC, &user_id, &device_id)?;
        Header::check(secret, SECRET, &user_id, &device_id)?;
        let public: PublicPart =
            serde_json::from_slice(&saved.public).map_err(|_| SavedStateError::Damaged)?;
        let secret: ReadSecretPart<'_> =
            serde_json::from_slice(secret).map_err(|_| SavedStateError::Damaged)?;
        let kept = read(public, secret, &limits).ok_or(SavedStateError::Damaged)?;
        let backup = Backup::restore(&saved.backup, user_id, device_id, options, limits)?;
        Ok(Self::with(backup, kept, limits))
    }

    /// The state, as [`Step::Save`](super::Step::Save) gives it when it has changed.
    pub(super) fn save(&self) -> SavedFlow {
        let Kept { new_key, secrets, replaces, old_keys, before, is_shown, is_stored } = &self.kept;
        let public = PublicPart {
            header: Header::new(PUBLIC, &self.user_id, &self.device_id),
            replaces: *replaces,
            before: before.as_ref().map(SavedBefore::new),
            is_shown: *is_shown,
            is_stored: *is_stored,
            key_id: new_key.id().clone(),
            description: new_key.description().as_raw().to_owned(),
        };
        let key = secret_base64::encode(new_key.key().expose_bytes());
        let encode = |key: &SecretStorageKey| secret_base64::encode(key.expose_bytes());
        let old_keys: Vec<_> = old_keys.iter().map(|key| (key, encode(key))).collect();
        // Text in JSON could have escapes, which are not read without a copy.
        let text =
            |secret: &SecretValue| secret_base64::encode(secret.to_text().expose_str().as_bytes());
        let secrets: Vec<_> = secrets.iter().map(|secret| (secret.name(), text(secret))).collect();
        let texts = secrets.iter().map(|(_, text)| text.expose_str().len());
        let capacity = USUAL_LENGTH + 2 * texts.sum::<usize>();
        let part = SecretPart {
            header: Header::new(SECRET, &self.user_id, &self.device_id),
            key: key.expose_str(),
            old_keys: old_keys
                .iter()
                .map(|(key, text)| (key.id(), key.is_asymmetric(), text.expose_str()))
                .collect(),
            secrets: secrets.iter().map(|(name, text)| (*name, text.expose_str())).collect(),
        };
        SavedFlow {
            public: json::to_bytes(&public, USUAL_LENGTH),
            secret: json::to_secret_bytes(&part, capacity),
            backup: self.saved_backup.clone(),
        }
    }
}

fn read(public: PublicPart, secret: ReadSecretPart<'_>, limits: &Limits) -> Option<Kept> {
    let content = JsonObject::from_raw(&public.description)?;
    let description = KeyDescription::from_json(public.key_id, &content, limits).ok()?;
    let key = description.accept(&material(secret.key)?).ok()?;
    let old_keys = secret.old_keys.into_iter().map(|(id, is_asymmetric, key)| {
        SecretStorageKey::saved(id, &material(key)?, is_asymmetric)
    });
    let secrets = secret.secrets.into_iter().map(|(name, text)| {
        let text = secret_base64::decode(text).ok()?;
        SecretValue::read(&name, text.expose_bytes()).ok().map(|read| read.value)
    });
    Some(Kept {
        new_key: NewKey::resume(&description, &key)?,
        secrets: secrets.collect::<Option<_>>()?,
        replaces: public.replaces,
        old_keys: old_keys.collect::<Option<_>>()?,
        before: public.before.map(|before| before.read()).transpose().ok()?,
        is_shown: public.is_shown,
        is_stored: public.is_stored,
    })
}

fn material(text: &str) -> Option<KeyMaterial> {
    KeyMaterial::from_slice(secret_base64::decode(text).ok()?.expose_bytes()).ok()
}

const PUBLIC: &str = "set up";
const SECRET: &str = "set up secrets";

/// Room for a handful of keys.
const USUAL_LENGTH: usize = 4096;

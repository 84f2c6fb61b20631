//! The state of a set-up as bytes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Aim, Before, Kept, SetUp};
use crate::{
    Limits,
    backup::BackupPublicKey,
    client::{
        backup::{Backup, BackupOptions},
        flow::SavedFlow,
    },
    crypto::{
        curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey, key_material::KeyMaterial,
    },
    encoding::{
        format::FormatError,
        json::{self, Verbatim},
        json_object::JsonObject,
        secret_base64,
    },
    ids::{BackupVersion, DeviceId, SecretName, SecretStorageKeyId, UserId},
    saved_state::{Header, SavedStateError},
    secret::SecretString,
    secret_storage::{Belief, KeyDescription, NewKey, SecretStorageKey, VerifiedPublicKeys},
    secret_value::{PublicKeys, SavedSecret},
};

#[derive(Serialize)]
struct SecretPart<'a> {
    #[serde(flatten)]
    header: Header,
    #[serde(flatten)]
    state: SavedState<'a>,
}

#[derive(Serialize, Deserialize)]
struct SavedState<'a> {
    replaces: bool,
    #[serde(default)]
    completes: bool,
    before: Option<SavedBefore>,
    made: Option<String>,
    may_be_default: bool,
    is_shown: bool,
    is_stored: bool,
    key_id: SecretStorageKeyId,
    #[serde(borrow)]
    description: Verbatim<'a>,
    #[serde(borrow)]
    key: &'a str,
    #[serde(default)]
    is_guessable: bool,
    #[serde(borrow)]
    old_keys: Vec<SavedOldKey<'a>>,
    #[serde(borrow)]
    secrets: Vec<SavedSecret<'a>>,
    belief: SavedBelief,
}

/// What may be believed besides what only the user's keys can have stored.
#[derive(Serialize, Deserialize)]
struct SavedBelief {
    public_keys: Option<SavedPublicKeys>,
    accepted: BTreeSet<SecretName>,
}

#[derive(Serialize, Deserialize)]
struct SavedPublicKeys {
    backup: Option<String>,
    master: Option<String>,
    self_signing: Option<String>,
    user_signing: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct SavedOldKey<'a> {
    id: SecretStorageKeyId,
    is_asymmetric: bool,
    is_guessable: bool,
    key: &'a str,
}

#[derive(Serialize, Deserialize)]
struct SavedBefore {
    version: Option<BackupVersion>,
    public_key: Option<String>,
    used: Option<String>,
    default_key: Option<SecretStorageKeyId>,
}

impl SavedBefore {
    fn new(before: &Before) -> Self {
        let Before { version, public_key, used, default_key } = before.clone();
        let [public_key, used] = [public_key, used].map(|it| it.map(|key| key.to_base64()));
        Self { version, public_key, used, default_key }
    }

    fn read(self) -> Result<Before, FormatError> {
        let Self { version, public_key, used, default_key } = self;
        let (public_key, used) = (public_key_of(public_key)?, public_key_of(used)?);
        Ok(Before { version, public_key, used, default_key })
    }
}

impl SavedBelief {
    fn new(belief: &Belief) -> Self {
        let public_keys = belief.verified.as_ref().map(|verified| {
            let PublicKeys { backup, master, self_signing, user_signing } =
                verified.as_public_keys();
            let ed25519 = |key: &Option<Ed25519PublicKey>| key.map(|key| key.to_base64());
            SavedPublicKeys {
                backup: backup.map(|key| key.to_base64()),
                master: ed25519(master),
                self_signing: ed25519(self_signing),
                user_signing: ed25519(user_signing),
            }
        });
        Self { public_keys, accepted: belief.accepted.clone() }
    }

    fn read(self, user_id: &UserId) -> Option<Belief> {
        let ed25519 = |text: Option<String>| {
            text.map(|text| Ed25519PublicKey::from_base64(&text)).transpose().ok()
        };
        let verified = |saved: SavedPublicKeys| {
            let SavedPublicKeys { backup, master, self_signing, user_signing } = saved;
            let backup = backup.map(|text| Curve25519PublicKey::from_base64(&text));
            let keys = PublicKeys {
                backup: backup.transpose().ok()?,
                master: ed25519(master)?,
                self_signing: ed25519(self_signing)?,
                user_signing: ed25519(user_signing)?,
            };
            Some(VerifiedPublicKeys::saved(user_id.clone(), keys))
        };
        let verified = match self.public_keys {
            Some(saved) => Some(verified(saved)?),
            None => None,
        };
        Some(Belief { verified, accepted: self.accepted })
    }
}

impl<'a> SavedOldKey<'a> {
    fn new(key: &SecretStorageKey, text: &'a SecretString) -> Self {
        let (is_asymmetric, is_guessable) = (key.is_asymmetric(), key.is_guessable());
        Self { id: key.id().clone(), is_asymmetric, is_guessable, key: text.expose_str() }
    }

    fn read(self) -> Option<SecretStorageKey> {
        let Self { id, is_asymmetric, is_guessable, key } = self;
        SecretStorageKey::saved(id, &material(key)?, is_asymmetric, is_guessable)
    }
}

impl SetUp {
    /// Goes on from saved state: what was drawn is used again, and what is there is looked at.
    ///
    /// # Errors
    ///
    /// [`SavedStateError`] if a part is damaged, of another format, or of another user or device.
    pub fn from_saved(
        saved: &SavedFlow,
        user_id: UserId,
        device_id: DeviceId,
        options: BackupOptions,
        limits: Limits,
    ) -> Result<Self, SavedStateError> {
        let secret = saved.secret.expose_bytes();
        let state: SavedState<'_> = Header::read(secret, PART, &user_id, &device_id)?;
        let kept = read(state, &user_id, &limits).ok_or(SavedStateError::Damaged)?;
        let backup = Backup::from_saved(&saved.backup, user_id, device_id, options, limits)?;
        Ok(Self::with(backup, kept, limits))
    }

    /// The state, as [`Step::Save`](super::Step::Save) gives it when it has changed.
    pub(super) fn save(&self) -> SavedFlow {
        let Kept { new_key, secrets, belief, old_keys, .. } = &self.kept;
        let Kept { before, made, may_be_default, is_shown, is_stored, .. } = &self.kept;
        let key = secret_base64::encode(new_key.key().expose_bytes());
        let encode = |key: &SecretStorageKey| secret_base64::encode(key.expose_bytes());
        let old_keys: Vec<_> = old_keys.iter().map(|key| (key, encode(key))).collect();
        let secrets: Vec<_> = secrets.iter().map(|secret| (secret, secret.to_base64())).collect();
        let texts = secrets.iter().map(|(_, text)| text.expose_str().len());
        let capacity = USUAL_LENGTH + 2 * texts.sum::<usize>();
        let part = SecretPart {
            header: Header::new(PART, &self.user_id, &self.device_id),
            state: SavedState {
                replaces: self.kept.replaces(),
                completes: self.kept.completes(),
                before: before.as_ref().map(SavedBefore::new),
                made: made.map(|public_key| public_key.to_base64()),
                may_be_default: *may_be_default,
                is_shown: *is_shown,
                is_stored: *is_stored,
                key_id: new_key.id().clone(),
                description: Verbatim(new_key.description().as_raw()),
                key: key.expose_str(),
                is_guessable: new_key.key().is_guessable(),
                old_keys: old_keys
                    .iter()
                    .filter(|(key, _)| !key.is_guess())
                    .map(|(key, text)| SavedOldKey::new(key, text))
                    .collect(),
                secrets: secrets.iter().map(|(it, text)| SavedSecret::new(it, text)).collect(),
                belief: SavedBelief::new(belief),
            },
        };
        let secret = json::to_secret_bytes(&part, capacity);
        SavedFlow { secret, backup: self.saved_backup.clone() }
    }
}

fn read(state: SavedState<'_>, user_id: &UserId, limits: &Limits) -> Option<Kept> {
    let content = JsonObject::from_raw(state.description.0)?;
    let description = KeyDescription::from_json(state.key_id, &content, limits).ok()?;
    let key = description.accept(&material(state.key)?).ok()?;
    let key = key.known_to_be_guessable(state.is_guessable);
    let old_keys = state.old_keys.into_iter().map(SavedOldKey::read);
    let secrets = state.secrets.into_iter().map(SavedSecret::read);
    Some(Kept {
        new_key: NewKey::resume(&description, &key)?,
        secrets: secrets.collect::<Option<_>>()?,
        belief: state.belief.read(user_id)?,
        aim: match (state.replaces, state.completes) {
            (true, _) => Aim::Replace,
            (false, true) => Aim::Complete,
            (false, false) => Aim::Begin,
        },
        old_keys: old_keys.collect::<Option<_>>()?,
        before: state.before.map(|before| before.read()).transpose().ok()?,
        made: public_key_of(state.made).ok()?,
        may_be_default: state.may_be_default,
        is_shown: state.is_shown,
        is_stored: state.is_stored,
    })
}

fn public_key_of(text: Option<String>) -> Result<Option<BackupPublicKey>, FormatError> {
    text.map(|text| BackupPublicKey::from_base64(&text)).transpose()
}

fn material(text: &str) -> Option<KeyMaterial> {
    KeyMaterial::from_slice(secret_base64::decode(text).ok()?.expose_bytes())
}

const PART: &str = "set up";

/// Room for a handful of keys.
const USUAL_LENGTH: usize = 4096;

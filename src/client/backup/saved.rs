//! The machine's state as bytes: what is public, and the secrets apart from it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Backup, BackupOptions, RestoreChoice, Scope, Stage,
    kept::{Draft, Kept, Preference, SecretChange},
    saved_key::{SavedKey, SavedUsed},
};
use crate::{
    Limits,
    backup::{BackupDecryptionKey, BackupPublicKey},
    clock::Clock,
    crypto::ed25519::Ed25519Signature,
    encoding::json,
    ids::{BackupVersion, DeviceId, KeyId, UserId},
    saved_state::{Header, SavedStateError},
    secret::SecretVec,
};

/// The state of a [`Backup`] in two parts: one for the disk, one for a keychain.
///
/// Write the secret part first. What a crash between the two leaves is read: a new key without its draft is
/// kept for the case that its backup turns up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedBackup {
    /// Where the account stands. No key that opens anything is in it.
    pub public: Vec<u8>,
    /// The decryption keys, and which backup was trusted: who could write this could have sessions sealed to
    /// another key.
    pub secret: SecretVec,
}

#[derive(Serialize, Deserialize)]
struct PublicPart {
    #[serde(flatten)]
    header: Header,
    clock: Clock,
    stage: Stage,
    draft: Option<PublicDraft>,
    preference: Preference,
    restore_choice: Option<RestoreChoice>,
    wanted: BTreeSet<Scope>,
}

#[derive(Serialize, Deserialize)]
struct PublicDraft {
    public_key: String,
    signatures: Vec<(KeyId, String)>,
    before: Option<BackupVersion>,
    replaces: Option<String>,
    created: Option<BackupVersion>,
}

#[derive(Serialize)]
struct SecretPart<'a> {
    #[serde(flatten)]
    header: Header,
    used: Option<SavedUsed>,
    retired: Vec<String>,
    key: Option<SavedKey<'a>>,
    given_up: Vec<SavedKey<'a>>,
    recovery_key_unsaved: bool,
    secret: Option<SecretChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabling: Option<Option<BackupVersion>>,
}

#[derive(Deserialize)]
struct ReadSecretPart<'a> {
    used: Option<SavedUsed>,
    retired: Vec<String>,
    #[serde(borrow)]
    key: Option<SavedKey<'a>>,
    #[serde(borrow)]
    given_up: Vec<SavedKey<'a>>,
    recovery_key_unsaved: bool,
    secret: Option<SecretChange>,
    /// What was the current version when the user said it, if it was known: who could write the public part could
    /// else have everything deleted.
    #[serde(default, deserialize_with = "some")]
    disabling: Option<Option<BackupVersion>>,
}

impl Backup {
    /// Goes on from saved state. Which backup is the current one is asked for again, and whether it is the one that
    /// was used; a request to create one is not sent again before.
    ///
    /// # Errors
    ///
    /// [`SavedStateError`] if either part is damaged, of another format, or of another user or device.
    pub fn restore(
        saved: &SavedBackup,
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
        let clock = public.clock;
        let kept = public.read(secret)?;
        let mut backup = Self::with(user_id, device_id, options, limits, kept);
        backup.clock = clock;
        Ok(backup)
    }

    /// The state, as [`Next::Save`](super::Next::Save) gives it when it has changed.
    #[must_use]
    pub fn save(&self) -> SavedBackup {
        let kept = &self.kept;
        let is_kept = |scope: &&Scope| !matches!(scope, Scope::Session(..));
        let draft = kept.draft.as_ref().map(|draft| {
            let public_key = draft.key.public_key().to_base64();
            let signatures = draft.signatures.iter();
            let signatures =
                signatures.map(|(key_id, signature)| (key_id.clone(), signature.to_base64()));
            let signatures = signatures.collect();
            let replaces = draft.replaces.map(|public_key| public_key.to_base64());
            let (before, created) = (draft.before.clone(), draft.created.clone());
            PublicDraft { public_key, signatures, before, replaces, created }
        });
        let public = PublicPart {
            header: Header::new(PUBLIC, &self.user_id, &self.device_id),
            clock: self.clock,
            stage: kept.stage,
            draft,
            preference: kept.preference,
            restore_choice: kept.restore_choice,
            wanted: kept.wanted.iter().filter(is_kept).cloned().collect(),
        };
        SavedBackup { public: json::to_bytes(&public, USUAL_LENGTH), secret: self.save_secrets() }
    }

    fn save_secrets(&self) -> SecretVec {
        let kept = &self.kept;
        let draft = kept.draft.iter().map(|draft| &draft.key);
        let key = kept.key.as_ref().map(|key| (key.to_base64(), key.source()));
        let others = kept.given_up.iter().chain(draft);
        let others: Vec<_> = others.map(|key| (key.to_base64(), key.source())).collect();
        let part = SecretPart {
            header: Header::new(SECRET, &self.user_id, &self.device_id),
            used: kept.used.as_ref().map(SavedUsed::new),
            retired: kept.retired.iter().map(BackupPublicKey::to_base64).collect(),
            key: key.as_ref().map(|(key, source)| SavedKey::new(key.expose_str(), *source)),
            given_up: others
                .iter()
                .map(|(key, source)| SavedKey::new(key.expose_str(), *source))
                .collect(),
            recovery_key_unsaved: kept.recovery_key_unsaved,
            secret: kept.secret,
            disabling: kept.disabling.clone(),
        };
        json::to_secret_bytes(&part, USUAL_LENGTH)
    }
}

impl PublicPart {
    fn read(self, secret: ReadSecretPart<'_>) -> Result<Kept, SavedStateError> {
        let key_in_use = secret.key.map(SavedKey::read).transpose()?;
        let keys = secret.given_up.into_iter().map(SavedKey::read);
        let mut given_up: Vec<_> = keys.collect::<Result<_, _>>()?;
        let draft = self.draft.map(|draft| draft.read(&mut given_up, key_in_use.as_ref()));
        let draft = draft.transpose()?;
        let retired = secret.retired.iter().map(public_key).collect::<Result<_, _>>()?;
        let mut kept = Kept {
            stage: resume(self.stage, secret.disabling.is_some()),
            used: secret.used.map(SavedUsed::read).transpose()?,
            retired,
            key: key_in_use,
            draft,
            given_up,
            recovery_key_unsaved: secret.recovery_key_unsaved,
            secret: secret.secret,
            disabling: secret.disabling,
            preference: Preference {
                // Another client may have written it since.
                was_read: self.preference.was_read && self.preference.write.is_some(),
                ..self.preference
            },
            restore_choice: self.restore_choice,
            wanted: self.wanted,
        };
        if !kept.stage.makes_backup() {
            // Left by a crash between the two parts.
            kept.give_up_draft();
        }
        Ok(kept)
    }
}

impl PublicDraft {
    fn read(
        self,
        given_up: &mut Vec<BackupDecryptionKey>,
        key_in_use: Option<&BackupDecryptionKey>,
    ) -> Result<Draft, SavedStateError> {
        let own = public_key(self.public_key)?;
        let is_it = |key: &BackupDecryptionKey| *key.public_key() == own;
        let signatures = self.signatures.into_iter().map(|(key_id, signature)| {
            let signature = Ed25519Signature::from_base64(&signature);
            Ok((key_id, signature.map_err(|_| SavedStateError::Damaged)?))
        });
        let signatures = signatures.collect::<Result<_, _>>()?;
        let index = given_up.iter().position(is_it);
        // A crash between the two parts may leave a draft whose key is in use already.
        let key = index.map(|index| given_up.remove(index));
        let key = key.or_else(|| key_in_use.filter(|key| is_it(key)).cloned());
        let key = key.ok_or(SavedStateError::Damaged)?;
        let replaces = self.replaces.as_ref().map(public_key).transpose()?;
        Ok(Draft { key, signatures, before: self.before, replaces, created: self.created })
    }
}

fn public_key(text: impl AsRef<str>) -> Result<BackupPublicKey, SavedStateError> {
    BackupPublicKey::from_base64(text.as_ref()).map_err(|_| SavedStateError::Damaged)
}

/// A value that is there, `null` or not.
fn some<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<BackupVersion>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// Where a machine goes on: what was known of the server is asked for again.
fn resume(stage: Stage, is_disabling: bool) -> Stage {
    match stage {
        _ if is_disabling => Stage::Disabling,
        Stage::Disabling => Stage::Looking,
        Stage::Looking | Stage::Absent | Stage::Untrusted | Stage::Running => Stage::Looking,
        Stage::Creating | Stage::Confirming => Stage::Confirming,
        Stage::Changed | Stage::Signing | Stage::Off => stage,
    }
}

const PUBLIC: &str = "backup";
const SECRET: &str = "backup secrets";

/// Room for an account that has rotated a few times.
const USUAL_LENGTH: usize = 4096;

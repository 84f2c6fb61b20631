//! Keys and the backup in use, as they are saved.

use serde::{Deserialize, Serialize};

use super::UsedBackup;
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, KeySource},
    ids::BackupVersion,
    saved_state::SavedStateError,
};

#[derive(Serialize, Deserialize)]
pub(super) struct SavedUsed {
    version: BackupVersion,
    public_key: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedKey<'a> {
    #[serde(borrow)]
    key: &'a str,
    source: SavedSource,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedSource {
    Generated,
    TypedByUser,
    AuthenticatedSecretStorage,
    SharedByVerifiedDevice,
    Unauthenticated,
    AcceptedByUser,
}

impl SavedUsed {
    pub(super) fn new(used: &UsedBackup) -> Self {
        Self { version: used.version.clone(), public_key: used.public_key.to_base64() }
    }

    pub(super) fn read(self) -> Result<UsedBackup, SavedStateError> {
        let public_key = BackupPublicKey::from_base64(&self.public_key);
        let public_key = public_key.map_err(|_| SavedStateError::Damaged)?;
        Ok(UsedBackup { version: self.version, public_key })
    }
}

impl<'a> SavedKey<'a> {
    pub(super) fn new(key: &'a str, source: KeySource) -> Self {
        Self { key, source: source.into() }
    }

    pub(super) fn read(self) -> Result<BackupDecryptionKey, SavedStateError> {
        let key = BackupDecryptionKey::from_base64(self.key, self.source.into());
        key.map_err(|_| SavedStateError::Damaged)
    }
}

impl From<KeySource> for SavedSource {
    fn from(source: KeySource) -> Self {
        match source {
            KeySource::Generated => Self::Generated,
            KeySource::TypedByUser => Self::TypedByUser,
            KeySource::AuthenticatedSecretStorage => Self::AuthenticatedSecretStorage,
            KeySource::SharedByVerifiedDevice => Self::SharedByVerifiedDevice,
            KeySource::Unauthenticated => Self::Unauthenticated,
            KeySource::AcceptedByUser => Self::AcceptedByUser,
        }
    }
}

impl From<SavedSource> for KeySource {
    fn from(source: SavedSource) -> Self {
        match source {
            SavedSource::Generated => Self::Generated,
            SavedSource::TypedByUser => Self::TypedByUser,
            SavedSource::AuthenticatedSecretStorage => Self::AuthenticatedSecretStorage,
            SavedSource::SharedByVerifiedDevice => Self::SharedByVerifiedDevice,
            SavedSource::Unauthenticated => Self::Unauthenticated,
            SavedSource::AcceptedByUser => Self::AcceptedByUser,
        }
    }
}

//! Keys of backups, and where each was found.

use std::fmt;

use crate::{
    Limits,
    backup::{AuthData, BackupDecryptionKey, BackupVersionInfo, Restore, RestoreOptions},
    ids::{SecretName, SecretStorageKeyId},
    secrets_bundle::SecretsBundle,
};

/// All keys of backups that are at hand, each once, with where it was found.
///
/// Not more are kept than [`Limits::backup_keys`] allows. Those that somebody could have planted in the key storage come last and
/// are the first to be left out, so that no number of them takes the place of a key that the user has.
#[derive(Debug, Clone)]
pub struct BackupKeys {
    keys: Vec<(BackupDecryptionKey, KeySource)>,
    left_out: usize,
    pub(super) limits: Limits,
}

/// Where a key of a backup was found. What that proves is the key's [provenance](BackupDecryptionKey::provenance).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// What was typed is the key itself.
    Typed,
    /// What was typed is the passphrase of a version.
    BackupPassphrase,
    /// It was stored in the secret storage, which was unlocked with what was typed.
    SecretStorage {
        /// The storage key that it was encrypted with.
        key_id: SecretStorageKeyId,
        /// The name that it was stored under, today's or that of a draft.
        name: SecretName,
        /// Whether that storage key is the default one.
        is_default: bool,
        /// Whether the account still describes that storage key.
        is_described: bool,
    },
    /// It is in a secrets bundle.
    SecretsBundle,
    /// The host had it.
    Host,
}

impl BackupKeys {
    /// None yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { keys: Vec::new(), left_out: 0, limits: *limits }
    }

    /// Adds a key. One that is at hand already stays, unless it proves nothing and the new one does.
    pub fn add(&mut self, key: BackupDecryptionKey, source: KeySource) {
        let is_better = key.provenance().is_authentic();
        match self.keys.iter_mut().find(|(known, _)| known.public_key() == key.public_key()) {
            Some(known) if is_better && !known.0.provenance().is_authentic() => {
                *known = (key, source);
            }
            Some(_) => return,
            None => self.keys.push((key, source)),
        }
        self.keys.sort_by_key(|(key, source)| source.can_be_planted(key));
        self.left_out += self.keys.len().saturating_sub(self.limits.backup_keys);
        self.keys.truncate(self.limits.backup_keys);
    }

    /// Adds the key of a secrets bundle, if there is one in it.
    pub fn add_bundle(&mut self, bundle: &SecretsBundle) {
        if let Some(key) = bundle.backup_key() {
            self.add(key.clone(), KeySource::SecretsBundle);
        }
    }

    /// All keys, those first that the user has.
    pub fn iter(&self) -> impl Iterator<Item = (&BackupDecryptionKey, &KeySource)> {
        self.keys.iter().map(|(key, source)| (key, source))
    }

    /// The key that belongs to this version, by its public key.
    #[must_use]
    pub fn of_version(
        &self,
        version: &BackupVersionInfo,
    ) -> Option<(&BackupDecryptionKey, &KeySource)> {
        let auth_data = version.auth_data().ok()?;
        self.iter().find(|(key, _)| key.public_key() == auth_data.public_key())
    }

    pub(super) fn has_key_of(&self, auth_data: &AuthData) -> bool {
        self.iter().any(|(key, _)| key.public_key() == auth_data.public_key())
    }

    /// How many keys were left out, since there were more than [`Limits::backup_keys`].
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// A restore of what this version holds, with all keys: its own first, and the others on what that does not open.
    /// `None` if there is no key at all.
    #[must_use]
    pub fn restore(
        &self,
        version: Option<&BackupVersionInfo>,
        options: RestoreOptions,
    ) -> Option<Restore> {
        let own = version.and_then(|version| self.of_version(version));
        let (first, _) = own.or_else(|| self.iter().next())?;
        let others = self.iter().map(|(key, _)| key.clone());
        Some(Restore::new(first.clone(), options, &self.limits).with_other_keys(others))
    }
}

impl KeySource {
    /// The name of the source in reports: `backup_key`, `backup_passphrase`, `storage_key` for the default key of the storage,
    /// `older_storage_key` for any other, `secrets_bundle` or `host`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Typed => "backup_key",
            Self::BackupPassphrase => "backup_passphrase",
            Self::SecretStorage { is_default: true, .. } => "storage_key",
            Self::SecretStorage { is_default: false, .. } => "older_storage_key",
            Self::SecretsBundle => "secrets_bundle",
            Self::Host => "host",
        }
    }

    /// Whether a homeserver can have put the key where it was found.
    fn can_be_planted(&self, key: &BackupDecryptionKey) -> bool {
        matches!(self, Self::SecretStorage { .. }) && !key.provenance().is_authentic()
    }
}

impl fmt::Display for KeySource {
    /// To stand after *opened with*.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Typed => "the key of a backup",
            Self::BackupPassphrase => "the passphrase of a backup",
            Self::SecretStorage { is_default: true, .. } => "the key of your key storage",
            Self::SecretStorage { is_default: false, .. } => "an older key of your key storage",
            Self::SecretsBundle => "the key in a secrets bundle",
            Self::Host => "a key that was at hand already",
        })
    }
}

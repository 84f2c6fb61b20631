//! What was typed, and the keys of backups that it leads to.

use std::{cell::OnceCell, fmt};

use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo},
    client::unlock_backup_key,
    ids::SecretStorageKeyId,
    recovery_key::RecoveryKey,
    saved_files::SavedFiles,
    secret::SecretString,
    secret_storage::{SecretStorage, Unlocked},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
};

use crate::failure::Failure;

/// A key that may open a backup.
pub(crate) struct Candidate {
    pub(crate) key: BackupDecryptionKey,
    pub(crate) opened_by: OpenedBy,
}

/// What it was that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenedBy {
    BackupKey,
    BackupPassphrase,
    StorageKey,
    OlderStorageKey,
}

/// A text with what it opens.
struct Typed<'a> {
    text: &'a str,
    storage: &'a SecretStorage,
    limits: &'a Limits,
    unlocked: OnceCell<Option<Unlocked>>,
}

impl Candidate {
    /// Whether it is the key of this version.
    pub(crate) fn is_of(&self, info: &BackupVersionInfo) -> bool {
        info.auth_data().is_ok_and(|it| it.public_key() == self.key.public_key())
    }
}

impl OpenedBy {
    /// The name for programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::BackupKey => "backup_key",
            Self::BackupPassphrase => "backup_passphrase",
            Self::StorageKey => "storage_key",
            Self::OlderStorageKey => "older_storage_key",
        }
    }
}

impl fmt::Display for OpenedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BackupKey => "its own key",
            Self::BackupPassphrase => "its passphrase",
            Self::StorageKey => "the key of your key storage",
            Self::OlderStorageKey => "an older key of your key storage",
        })
    }
}

/// Every key that what was typed leads to, the better one first, and the first reason why one did not.
pub(crate) fn candidates(
    saved: &SavedFiles,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> (Vec<Candidate>, Option<String>) {
    candidates_in(&saved.secret_storage(limits).unwrap_or_default(), versions, typed, limits)
}

/// The same with a key storage that is known.
pub(crate) fn candidates_in(
    storage: &SecretStorage,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> (Vec<Candidate>, Option<String>) {
    let (mut found, mut reason) = (Vec::new(), None);
    for text in typed {
        let text = text.expose_str();
        let typed = Typed { text, storage, limits, unlocked: OnceCell::new() };
        let before = found.len();
        for version in versions {
            match unlock_backup_key(text, storage, version, limits) {
                Ok(key) => {
                    let opened_by = typed.opens(&key);
                    add(&mut found, Candidate { key, opened_by });
                }
                Err(error) => drop(reason.get_or_insert_with(|| error.to_string())),
            }
        }
        // Without a version that it fits, a key is tried on what there is.
        if found.len() == before {
            typed.keys().for_each(|candidate| add(&mut found, candidate));
        }
    }
    (found, reason)
}

/// The same, of which there must be one; and why what was entered opens nothing, if it does not.
pub(super) fn needed_candidates(
    saved: &SavedFiles,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> Result<(Vec<Candidate>, String), Failure> {
    let (found, reason) = candidates(saved, versions, typed, limits);
    let reason = reason.unwrap_or_else(|| {
        "what was entered leads to no key of a backup: save the account data and the backup\u{2019}s version, too"
            .into()
    });
    if found.is_empty() { Err(Failure::other(reason)) } else { Ok((found, reason)) }
}

impl Typed<'_> {
    /// What the text is, given the key that it leads to.
    fn opens(&self, key: &BackupDecryptionKey) -> OpenedBy {
        if self.own_key().is_some_and(|own| own.public_key() == key.public_key()) {
            return OpenedBy::BackupKey;
        }
        match self.unlocked() {
            Some(unlocked) => self.of_storage(unlocked.keys.iter().map(|key| key.id())),
            None => OpenedBy::BackupPassphrase,
        }
    }

    fn keys(&self) -> impl Iterator<Item = Candidate> {
        let own = self.own_key().map(|key| Candidate { key, opened_by: OpenedBy::BackupKey });
        own.into_iter().chain(self.stored_key())
    }

    /// The key itself, if that is what was typed.
    fn own_key(&self) -> Option<BackupDecryptionKey> {
        match RecoveryKey::typed_by_user(self.text) {
            Ok(key) => Some(BackupDecryptionKey::from_recovery_key(key)),
            Err(_) => BackupDecryptionKey::from_base64(self.text.trim()).ok(),
        }
    }

    fn stored_key(&self) -> Option<Candidate> {
        let mut keys = self.unlocked()?.keys.clone();
        let name = MEGOLM_BACKUP_V1.into();
        let opened = self.storage.open(&name, &mut keys, &PublicKeys::default()).ok()?;
        let opened_by = self.of_storage([opened.key_id()].into_iter());
        Some(Candidate { key: opened.backup_key()?, opened_by })
    }

    fn of_storage<'k>(&self, mut ids: impl Iterator<Item = &'k SecretStorageKeyId>) -> OpenedBy {
        let default_key = self.storage.default_key();
        if ids.any(|id| Some(id) == default_key) {
            OpenedBy::StorageKey
        } else {
            OpenedBy::OlderStorageKey
        }
    }

    /// The key storage, if the text unlocks it. A passphrase takes its time, so it is tried once.
    fn unlocked(&self) -> Option<&Unlocked> {
        let unlock = || self.storage.unlock(self.text, &PublicKeys::default(), self.limits).ok();
        self.unlocked.get_or_init(unlock).as_ref()
    }
}

fn add(found: &mut Vec<Candidate>, new: Candidate) {
    if found.iter().all(|known| known.key.public_key() != new.key.public_key()) {
        found.push(new);
    }
}

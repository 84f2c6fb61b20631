//! What was typed, and the keys of backups that it leads to.

use std::{cell::OnceCell, fmt};

use strongroom::{
    Limits,
    backup::{BackupDecryptionKey, BackupVersionInfo},
    client::unlock_backup_key,
    ids::SecretStorageKeyId,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    saved_files::SavedFiles,
    secret::SecretString,
    secret_storage::{SecretStorage, Unlocked},
    secret_value::{MEGOLM_BACKUP_V1, PublicKeys},
    secrets_bundle::SecretsBundle,
};

use super::reason::{Attempt, Reason, why};
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
    SecretsBundle,
}

/// A text with what it opens.
pub(super) struct Typed<'a> {
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
            Self::SecretsBundle => "secrets_bundle",
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
            Self::SecretsBundle => "its key in a secrets bundle",
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
    let storage = saved.secret_storage(limits);
    let (mut found, reasons) = reasoned(storage.as_ref(), versions, typed, limits);
    add_bundled(&mut found, saved);
    with_first((found, reasons))
}

/// The same with a key storage that is known.
pub(crate) fn candidates_in(
    storage: &SecretStorage,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> (Vec<Candidate>, Option<String>) {
    with_first(reasoned(Some(storage), versions, typed, limits))
}

fn with_first((found, reasons): (Vec<Candidate>, Vec<Reason>)) -> (Vec<Candidate>, Option<String>) {
    (found, reasons.into_iter().next().map(|reason| reason.sentence))
}

/// Every key, and of each text that is that of no version the reason.
fn reasoned(
    storage: Option<&SecretStorage>,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> (Vec<Candidate>, Vec<Reason>) {
    let none = SecretStorage::default();
    let (mut found, mut reasons) = (Vec::new(), Vec::new());
    for (text, number) in typed.iter().zip(1..) {
        let text = text.expose_str();
        let typed =
            Typed { text, storage: storage.unwrap_or(&none), limits, unlocked: OnceCell::new() };
        let (mut fits, mut error) = (false, None);
        for version in versions {
            match unlock_backup_key(text, typed.storage, version, limits) {
                Ok(key) => {
                    let opened_by = typed.opens(&key);
                    add(&mut found, Candidate { key, opened_by });
                    fits = true;
                }
                Err(new) => drop(error.get_or_insert(new)),
            }
        }
        // Without a version that it fits, a key is tried on what there is.
        if !fits {
            let has_account_data = storage.is_some();
            reasons.push(Attempt { number, typed: &typed, error, has_account_data }.reason());
            typed.keys().for_each(|candidate| add(&mut found, candidate));
        }
    }
    (found, reasons)
}

/// The same, of which there must be one; and why what was entered opens nothing, if it does not.
pub(super) fn needed_candidates(
    saved: &SavedFiles,
    versions: &[&BackupVersionInfo],
    typed: &[SecretString],
    limits: &Limits,
) -> Result<(Vec<Candidate>, Vec<Reason>), Failure> {
    if typed.is_empty() && !is_at_hand(saved) {
        return Err(Failure::usage(
            "there is no key to try: name a file with --recovery-key-file or --passphrase-file",
        ));
    }
    let storage = saved.secret_storage(limits);
    let (mut found, mut reasons) = reasoned(storage.as_ref(), versions, typed, limits);
    add_bundled(&mut found, saved);
    if typed.is_empty() && !found.iter().any(|key| versions.iter().any(|info| key.is_of(info))) {
        reasons.push(Reason::of_bundle());
    }
    if found.is_empty() {
        return Err(Failure::other(format!("nothing was written: {}", why(&reasons))));
    }
    Ok((found, reasons))
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

    /// Whether it is a recovery key, and if not, why.
    pub(super) fn recovery_key(&self) -> Result<RecoveryKey, RecoveryKeyError> {
        RecoveryKey::typed_by_user(self.text)
    }

    /// The key itself, if that is what was typed.
    pub(super) fn own_key(&self) -> Option<BackupDecryptionKey> {
        match self.recovery_key() {
            Ok(key) => Some(BackupDecryptionKey::from_recovery_key(key)),
            Err(_) => BackupDecryptionKey::from_base64(self.text.trim()).ok(),
        }
    }

    /// The key out of the key storage, whichever backup it is of.
    pub(super) fn stored_key(&self) -> Option<Candidate> {
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

/// Whether a key of a backup is among what was saved, so that none need be typed.
pub(super) fn is_at_hand(saved: &SavedFiles) -> bool {
    saved.secrets_bundles().any(|bundle| bundle.backup_key().is_some())
}

/// Adds the keys of bundles. They come out of files, so they open, and prove nothing.
fn add_bundled(found: &mut Vec<Candidate>, saved: &SavedFiles) {
    for key in saved.secrets_bundles().filter_map(SecretsBundle::backup_key) {
        add(found, Candidate { key: key.clone(), opened_by: OpenedBy::SecretsBundle });
    }
}

fn add(found: &mut Vec<Candidate>, new: Candidate) {
    if found.iter().all(|known| known.key.public_key() != new.key.public_key()) {
        found.push(new);
    }
}

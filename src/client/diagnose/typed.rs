//! Trying what was typed on everything that it could be the key of.

use std::collections::VecDeque;

use super::Evidence;
use crate::{
    Limits,
    backup::{BackupDecryptionKey, BackupPassphraseAttempts, BackupVersionInfo, FittingPassphrase},
    ids::BackupVersion,
    passphrase::PassphraseProgress,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret_storage::{SecretStorageKey, Unlock, UnlockAttempt, UnlockFailure},
    secret_value::PublicKeys,
};

/// What was typed, while it is tried.
#[derive(Debug)]
pub(super) struct Typing<'a> {
    unlock: Option<Unlock<'a>>,
    /// The passphrases of backups, the current one first. They come after the storage's.
    backups: VecDeque<BackupPassphraseAttempts>,
    tried: Option<Tried>,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Tried {
    /// The keys of the secret storage that it gives, or a key that fits its description and opens nothing.
    pub(super) storage_keys: Vec<SecretStorageKey>,
    pub(super) attempts: Vec<UnlockAttempt>,
    /// The keys of backups that it gives or may give, without regard to which backup.
    pub(super) backup_keys: Vec<BackupDecryptionKey>,
    /// The passphrase of a backup, if it is one.
    pub(super) passphrase: Option<FittingPassphrase>,
    /// The backups on which it was not tried, since that would have been too much work.
    pub(super) not_tried: Vec<BackupVersion>,
    /// Why it gives no key of the storage.
    pub(super) failure: Option<UnlockFailure>,
}

impl<'a> Typing<'a> {
    pub(super) fn new(evidence: &'a Evidence, typed: Option<&str>, limits: &Limits) -> Self {
        let Some(typed) = typed else {
            return Self { unlock: None, backups: VecDeque::new(), tried: None };
        };
        let mut public_keys = PublicKeys::default();
        let current = evidence.current().and_then(|info| info.auth_data().ok());
        public_keys.backup = current.map(|auth_data| *auth_data.public_key().as_curve25519());
        let storage = evidence.storage.as_ref();
        let unlock = storage.map(|storage| storage.start_unlock(typed, &public_keys, limits));
        let taken = unlock.as_ref().map_or(0, |unlock| unlock.progress().at_most);
        let left = limits.unlock_rounds.saturating_sub(taken);
        let (tried, backups) = try_on_backups(evidence, typed, left);
        Self { unlock, backups, tried: Some(tried) }
    }

    pub(super) fn advance(&mut self, rounds: u32) -> bool {
        if let Some(unlock) = &mut self.unlock {
            if unlock.advance(rounds) {
                self.end_unlocking();
            }
            return self.unlock.is_none() && self.backups.is_empty();
        }
        if let Some(attempts) = self.backups.front_mut() {
            match attempts.advance(rounds) {
                Ok(None) => {}
                Ok(Some(fitting)) => {
                    if let Some(tried) = &mut self.tried {
                        tried.backup_keys.push(fitting.key.clone());
                        tried.passphrase = Some(fitting);
                    }
                    self.backups.clear();
                }
                Err(_) => drop(self.backups.pop_front()),
            }
        }
        self.backups.is_empty()
    }

    pub(super) fn progress(&self) -> Option<PassphraseProgress> {
        let of_backup = || self.backups.front().map(BackupPassphraseAttempts::progress);
        self.unlock.as_ref().map(Unlock::progress).or_else(of_backup)
    }

    pub(super) fn finish(self) -> Option<Tried> {
        self.tried
    }

    fn end_unlocking(&mut self) {
        let (Some(unlock), Some(tried)) = (self.unlock.take(), &mut self.tried) else { return };
        let (keys, attempts) = unlock.finish_with_keys();
        match attempts {
            Ok(attempts) => {
                tried.failure = None;
                (tried.storage_keys, tried.attempts) = (keys, attempts);
                // It is the storage's, so it is not a passphrase of backups before there was one.
                self.backups.clear();
            }
            Err(error) => {
                tried.attempts = error.attempts;
                if matches!(error.reason, UnlockFailure::OpensNothing { .. }) {
                    // What it should open is said to be damaged, and can be stored again.
                    tried.storage_keys = keys;
                }
                tried.failure = Some(match tried.failure.take() {
                    Some(of_backup) => error.reason.with_backup(of_backup),
                    None => error.reason,
                });
            }
        }
    }
}

/// What a text is to the backups, without regard to the storage, and the passphrases that are to be tried within so many
/// rounds.
fn try_on_backups(
    evidence: &Evidence,
    typed: &str,
    mut left: u64,
) -> (Tried, VecDeque<BackupPassphraseAttempts>) {
    let (mut tried, mut backups) = (Tried::default(), VecDeque::new());
    let error = match RecoveryKey::typed_by_user(typed) {
        Ok(key) => return (of_recovery_key(evidence, key), backups),
        Err(error) => error,
    };
    let is_empty = matches!(error, RecoveryKeyError::Empty);
    let mut takes_passphrase = false;
    for info in evidence.versions().filter(|info| has_passphrase(info)) {
        takes_passphrase = true;
        if is_empty {
            break;
        }
        let attempts = attempts(info, typed).filter(|_| backups.len() < MAX_BACKUPS);
        let at_most = attempts.as_ref().map(|attempts| attempts.progress().at_most);
        let less = at_most.and_then(|at_most| left.checked_sub(at_most));
        if let (Some(attempts), Some(less)) = (attempts, less) {
            left = less;
            backups.push_back(attempts);
        } else {
            tried.not_tried.push(info.version().clone());
        }
    }
    let was_tried = !backups.is_empty();
    let can_be_tried = evidence.versions().any(|info| info.auth_data().is_ok());
    let failure = UnlockFailure::of_backup(typed, can_be_tried, takes_passphrase, was_tried);
    tried.failure = Some(failure);
    (tried, backups)
}

/// A recovery key may be that of a backup.
fn of_recovery_key(evidence: &Evidence, key: RecoveryKey) -> Tried {
    let mut tried = Tried::default();
    tried.backup_keys.push(BackupDecryptionKey::from_recovery_key(key));
    let can_be_tried = evidence.versions().any(|info| info.auth_data().is_ok());
    tried.failure = Some(match can_be_tried {
        true if evidence.storage.is_none() => UnlockFailure::NotTheBackupKey,
        true => UnlockFailure::RecoveryKeyDoesNotFit,
        false => UnlockFailure::NothingToTry,
    });
    tried
}

/// Whether the key of a backup can be derived from a passphrase.
fn has_passphrase(info: &BackupVersionInfo) -> bool {
    info.auth_data().is_ok_and(|auth_data| matches!(auth_data.passphrase(), Ok(Some(_))))
}

fn attempts(info: &BackupVersionInfo, typed: &str) -> Option<BackupPassphraseAttempts> {
    BackupPassphraseAttempts::new(info.auth_data().ok()?, typed).ok()
}

/// How many backups a passphrase is tried on.
const MAX_BACKUPS: usize = 5;

//! What can be entered, and what is said where something else was.

use std::fmt;

use super::{Typed, UnlockFailure};
use crate::{
    crypto::{
        curve25519::{Curve25519PublicKey, Curve25519SecretKey},
        key_material::KeyLength,
    },
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret_storage::key_description::KeyDescription,
};

/// What can be entered to open something. It displays as *the recovery key of your key storage*, say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expected {
    pub(super) storage: Option<EntryKind>,
    pub(super) backup: Option<EntryKind>,
}

/// What can be entered: a recovery key, a passphrase, or either. It displays as *the recovery key*, say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A recovery key alone.
    RecoveryKey,
    /// A passphrase alone.
    Passphrase,
    /// Either of them.
    Either,
}

impl Expected {
    /// What opens a backup by itself.
    fn of_backup(takes_passphrase: bool) -> Self {
        let kind = if takes_passphrase { EntryKind::Either } else { EntryKind::RecoveryKey };
        Self { storage: None, backup: Some(kind) }
    }

    /// What is said where nothing was entered.
    pub(super) fn where_nothing_is(self) -> UnlockFailure {
        UnlockFailure::Empty { storage: self.storage, backup: self.backup }
    }
}

impl EntryKind {
    /// What is expected where these are taken; `None` if neither is.
    pub(super) fn new(takes_recovery_key: bool, takes_passphrase: bool) -> Option<Self> {
        match (takes_recovery_key, takes_passphrase) {
            (true, true) => Some(Self::Either),
            (true, false) => Some(Self::RecoveryKey),
            (false, true) => Some(Self::Passphrase),
            (false, false) => None,
        }
    }
}

impl EntryKind {
    /// What gives the key that is described, as far as its description can be read.
    pub(crate) fn of(description: &KeyDescription) -> Self {
        match description.passphrase() {
            Ok(Some(read)) if read.value.key_length() != KeyLength::default() => Self::Passphrase,
            Ok(Some(_)) => Self::Either,
            Ok(None) | Err(_) => Self::RecoveryKey,
        }
    }
}

impl UnlockFailure {
    /// What backups with these public keys say to a text that opens none: `takes_passphrase` is whether one has a passphrase, and
    /// `was_tried` whether the text was tried as that.
    pub(crate) fn of_backup(
        typed: &str,
        public_keys: &[Curve25519PublicKey],
        takes_passphrase: bool,
        was_tried: bool,
    ) -> Self {
        let is_of_backup = |key: &RecoveryKey| {
            let key = Curve25519SecretKey::from_bytes(key.as_secret().clone()).public_key();
            public_keys.iter().any(|public_key| key == public_key.canonical())
        };
        let typed = Typed::new(typed);
        if let Some(mistake) = typed.mistake(is_of_backup) {
            return Self::Mistyped(mistake);
        }
        let can_be_tried = !public_keys.is_empty();
        match typed.recovery_key {
            Ok(_) if can_be_tried => Self::RecoveryKeyDoesNotFit,
            Err(RecoveryKeyError::Empty) if can_be_tried => {
                Expected::of_backup(takes_passphrase).where_nothing_is()
            }
            Err(error) if can_be_tried && typed.looks_like_recovery_key => Self::RecoveryKey(error),
            Err(_) if was_tried => Self::PassphraseDoesNotFit,
            Err(_) if can_be_tried && !takes_passphrase => Self::BackupKeyExpected,
            _ => Self::NothingToTry,
        }
    }

    /// What is said where the text was tried on a backup besides the key storage: what could not be right for one of them may
    /// have been for the other.
    #[must_use]
    pub(crate) fn with_backup(self, backup: Self) -> Self {
        match (self, backup) {
            (Self::NoKeys, backup) | (_, backup @ Self::Mistyped(_)) => backup,
            (Self::Empty { storage, .. }, Self::Empty { backup, .. }) => {
                let own = backup.filter(|kind| *kind != EntryKind::RecoveryKey);
                let own = own.map(|_| EntryKind::Passphrase);
                Self::Empty { storage, backup: if storage.is_some() { own } else { backup } }
            }
            (
                Self::RecoveryKeyExpected | Self::NothingToTry,
                backup @ Self::PassphraseDoesNotFit,
            )
            | (Self::NothingToTry, backup @ (Self::RecoveryKeyDoesNotFit | Self::RecoveryKey(_))) => {
                backup
            }
            (of_storage, _) => of_storage,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.storage, self.backup) {
            (Some(storage), Some(backup)) => {
                write!(f, "{storage} of your key storage, or {backup} of the backup")
            }
            (Some(storage), None) => write!(f, "{storage} of your key storage"),
            (None, Some(backup)) => write!(f, "{backup} of the backup"),
            (None, None) => f.write_str("the recovery key"),
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RecoveryKey => "the recovery key",
            Self::Passphrase => "the passphrase",
            Self::Either => "the recovery key or the passphrase",
        })
    }
}

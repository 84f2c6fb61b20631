//! What a machine remembers over a restart, whatever its state.

// docs/decisions.md, 24: the table is the transition, and each part has one owner.

use serde::{Deserialize, Serialize};

use super::seen::Counted;
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, Proofs},
    ids::BackupVersion,
    provenance::Provenance,
};

/// What a machine remembers over a restart, whatever its state.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) used: Option<UsedBackup>,
    pub(super) counted: Counted,
    /// What proves that it is the user's. When nothing does any more, the user is asked.
    pub(super) proofs: Proofs,
    pub(super) retired: Vec<BackupPublicKey>,
    /// The decryption keys that this device has: of the backup in use and of those before it, of backups whose creation was
    /// given up, since the request may arrive all the same, and those that may fit once the backup is seen. Which of them
    /// counts is decided by the backup. What proves most comes first, then what is newest.
    pub(super) keys: Vec<BackupDecryptionKey>,
    pub(super) recovery_key_unsaved: bool,
    /// What the secret storage still has to be told.
    pub(super) vaulted: Vaulted,
}

/// The backup that a device uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UsedBackup {
    pub(super) version: BackupVersion,
    pub(super) public_key: BackupPublicKey,
}

/// A change of the secret storage that was not read back yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecretChange {
    Store,
    Delete,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Vaulted {
    #[default]
    Unneeded,
    /// This, when the host can be asked for it.
    Due(SecretChange),
    /// The host was asked for this, and has not read it back.
    Asked(SecretChange),
}

/// What is known of `m.key_backup`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Preference {
    pub(super) was_read: bool,
    pub(super) enabled: Option<bool>,
    pub(super) write: Option<bool>,
}

impl Vaulted {
    pub(super) fn change(self) -> Option<SecretChange> {
        match self {
            Self::Unneeded => None,
            Self::Due(change) | Self::Asked(change) => Some(change),
        }
    }

    pub(super) fn ask_again(&mut self) {
        if let Self::Asked(change) = *self {
            *self = Self::Due(change);
        }
    }
}

impl Kept {
    pub(super) fn keys_of(
        &self,
        public_key: &BackupPublicKey,
    ) -> impl Iterator<Item = &BackupDecryptionKey> {
        self.keys.iter().filter(move |key| key.public_key() == public_key)
    }

    /// The decryption key of the backup with this public key that proves most, if this device has one.
    pub(super) fn key_of(&self, public_key: &BackupPublicKey) -> Option<&BackupDecryptionKey> {
        self.keys_of(public_key).next()
    }

    pub(super) fn used_key(&self) -> Option<BackupPublicKey> {
        self.used.as_ref().map(|used| used.public_key)
    }

    pub(super) fn retire(&mut self, public_key: BackupPublicKey) {
        if !self.retired.contains(&public_key) {
            self.retired.push(public_key);
        }
        if self.retired.len() > MAX_RETIRED {
            self.retired.remove(0);
        }
    }

    /// Keeps a key whose backup may turn up, or be used again, and returns whether it is new. The same key from elsewhere stays
    /// beside it, since each proves something of its own. Those of the backup in use and of the one that was found stay.
    pub(super) fn keep_key(
        &mut self,
        key: BackupDecryptionKey,
        found: Option<BackupPublicKey>,
    ) -> bool {
        if self.keys_of(key.public_key()).any(|it| it.provenance() == key.provenance()) {
            return false;
        }
        let index = self.keys.partition_point(|other| worth(other) > worth(&key));
        self.keys.insert(index, key);
        if self.keys.len() > MAX_KEYS {
            self.drop_key([found, self.used_key()]);
        }
        true
    }

    /// Drops what is missed least: a key that is there from elsewhere, too, or else what proves least and is oldest.
    fn drop_key(&mut self, needed: [Option<BackupPublicKey>; 2]) {
        let keys = || self.keys.iter().enumerate().rev();
        let is_double = |(index, key): &(usize, &BackupDecryptionKey)| {
            self.keys.iter().take(*index).any(|other| other.public_key() == key.public_key())
        };
        let is_needed = |key: &BackupDecryptionKey| needed.contains(&Some(*key.public_key()));
        let dropped = keys().find(is_double).or_else(|| keys().find(|(_, key)| !is_needed(key)));
        if let Some((index, _)) = dropped {
            self.keys.remove(index);
        }
    }
}

/// How much a key proves, and for how long.
fn worth(key: &BackupDecryptionKey) -> u8 {
    match key.provenance() {
        Provenance::Generated | Provenance::TypedByUser | Provenance::VerifiedPublicKey => 3,
        Provenance::AuthenticatedSecretStorage
        | Provenance::VerifiedChannel
        | Provenance::KeptByHost
        | Provenance::AcceptedByUser => 2,
        Provenance::SharedByVerifiedDevice(_) => 1,
        Provenance::Unauthenticated => 0,
    }
}

/// More keys than anybody has at a time, and requests than a network may still deliver.
const MAX_KEYS: usize = 16;

/// More rotations than anybody makes.
const MAX_RETIRED: usize = 1_000;

//! What a machine remembers over a restart, whatever its state.

// docs/decisions.md, 24: the table is the transition, and each part has one owner.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{counted::Counted, keyring::Keyring};
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, Proofs},
    excerpt::Excerpt,
    ids::{BackupVersion, RoomId, SessionId},
};

/// What a machine remembers over a restart, whatever its state.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The backup that was used last.
    pub(super) used: Option<UsedBackup>,
    /// How many sessions it has.
    pub(super) counted: Counted,
    /// What proves that it is the user's. When nothing does any more, the user is asked.
    pub(super) proofs: Proofs,
    /// Public keys that were given up.
    pub(super) retired: Vec<BackupPublicKey>,
    /// The decryption keys that this device has.
    pub(super) keys: Keyring,
    /// Whether the user still has to save the recovery key.
    pub(super) recovery_key_unsaved: bool,
    /// What the secret storage still has to be told.
    pub(super) vaulted: Vaulted,
}

/// The backup that a device uses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsedBackup {
    /// Its version.
    pub version: BackupVersion,
    /// Its public key.
    pub public_key: BackupPublicKey,
}

/// How much of the backup is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// All sessions.
    Everything,
    /// All sessions of this room.
    Room(RoomId),
    /// This session.
    Session(RoomId, SessionId),
}

/// A change of the secret storage that was not read back yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecretChange {
    Store,
    Delete,
}

/// What is to be done about the key in the secret storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Vaulted {
    /// Nothing.
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
    /// What is still to be written.
    pub(super) write: Option<bool>,
}

impl Vaulted {
    pub(super) fn change(self) -> Option<SecretChange> {
        match self {
            Self::Unneeded => None,
            Self::Due(change) | Self::Asked(change) => Some(change),
        }
    }

    /// The host is asked again.
    pub(super) fn ask_again(&mut self) {
        if let Self::Asked(change) = *self {
            *self = Self::Due(change);
        }
    }
}

impl Kept {
    /// All decryption keys of the backup with this public key.
    pub(super) fn keys_of(
        &self,
        public_key: &BackupPublicKey,
    ) -> impl Iterator<Item = &BackupDecryptionKey> {
        self.keys.of(public_key)
    }

    /// The decryption key of the backup with this public key that proves most, if this device has one.
    pub(super) fn key_of(&self, public_key: &BackupPublicKey) -> Option<&BackupDecryptionKey> {
        self.keys.of(public_key).next()
    }

    /// The public key of the backup that was used last.
    pub(super) fn used_key(&self) -> Option<BackupPublicKey> {
        self.used.as_ref().map(|used| used.public_key)
    }

    /// Remembers that a public key must not be used again.
    pub(super) fn retire(&mut self, public_key: BackupPublicKey) {
        if !self.retired.contains(&public_key) {
            self.retired.push(public_key);
        }
        if self.retired.len() > MAX_RETIRED {
            self.retired.remove(0);
        }
    }

    /// Keeps a key whose backup may turn up, or be used again.
    pub(super) fn keep_key(&mut self, key: BackupDecryptionKey) {
        let used = self.used_key();
        self.keys.add(key, |public_key| Some(*public_key) == used);
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Room(room_id) => write!(f, "room {}", Excerpt::new(room_id.as_str())),
            Self::Session(room_id, session_id) => {
                let [room_id, session_id] =
                    [room_id.as_str(), session_id.as_str()].map(Excerpt::new);
                write!(f, "session {session_id} of room {room_id}")
            }
        }
    }
}

impl Scope {
    /// Whether it is among these, or a part of one of them.
    pub(super) fn is_covered_by(&self, wanted: &BTreeSet<Self>) -> bool {
        let of_room = match self {
            Self::Session(room, _) => wanted.contains(&Self::Room(room.clone())),
            Self::Room(_) | Self::Everything => false,
        };
        of_room || wanted.contains(self) || wanted.contains(&Self::Everything)
    }

    /// Whether whoever has this has the other, too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, _) => true,
            (Self::Room(room), Self::Room(other) | Self::Session(other, _)) => room == other,
            (Self::Session(..), _) => self == other,
            (Self::Room(_), Self::Everything) => false,
        }
    }
}

/// More rotations than anybody makes.
const MAX_RETIRED: usize = 1_000;

//! What a machine remembers over a restart.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{RestoreChoice, Stage, keyring::Keyring, scopes::Scopes};
use crate::{
    backup::{
        AuthData, BackupDecryptionKey, BackupPublicKey, NotSignable, Proofs, UnsignedAuthData,
    },
    crypto::ed25519::Ed25519Signature,
    excerpt::Excerpt,
    ids::{BackupVersion, KeyId, RoomId, SessionId, UserId},
};

/// What a machine remembers over a restart.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) stage: Stage,
    /// The backup that was used last.
    pub(super) used: Option<UsedBackup>,
    /// What proves that it is the user's. When nothing does any more, the user is asked.
    pub(super) proofs: Proofs,
    /// Public keys that were given up.
    pub(super) retired: Vec<BackupPublicKey>,
    /// The decryption keys that this device has.
    pub(super) keys: Keyring,
    /// A new backup on its way.
    pub(super) draft: Option<Draft>,
    /// Whether the user still has to save the recovery key.
    pub(super) recovery_key_unsaved: bool,
    /// What the secret storage still has to be told.
    pub(super) secret: Option<SecretChange>,
    /// If everything is to be deleted, what was the current version when the user said so, as far as it was known and
    /// until its deletion is asked for.
    pub(super) disabling: Option<Option<BackupVersion>>,
    pub(super) preference: Preference,
    pub(super) restore_choice: Option<RestoreChoice>,
    /// What is to be fetched from the backup.
    pub(super) wanted: Scopes,
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

/// A backup that is being created.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) key: BackupDecryptionKey,
    /// The signatures of the user on its public key.
    pub(super) signatures: Vec<(KeyId, Ed25519Signature)>,
    /// The version that was current before, if there was one.
    pub(super) before: Option<BackupVersion>,
    /// Its public key, which is given up once the new backup is there.
    pub(super) replaces: Option<BackupPublicKey>,
    /// The version that the server says it made.
    pub(super) created: Option<BackupVersion>,
}

impl Draft {
    /// What the user signs, and what is sent: nothing but the public key.
    pub(super) fn unsigned(&self) -> Result<UnsignedAuthData, NotSignable> {
        UnsignedAuthData::new(&self.key)
    }

    /// The `auth_data` of the new version.
    pub(super) fn auth_data(&self, user_id: &UserId) -> Result<AuthData, NotSignable> {
        let signed =
            self.signatures.iter().fold(self.unsigned()?, |unsigned, (key_id, signature)| {
                unsigned.with_signature(user_id, key_id, signature)
            });
        Ok(signed.into_auth_data())
    }
}

/// A change of the secret storage that was not read back yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecretChange {
    Store,
    Delete,
}

/// What is known of `m.key_backup`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Preference {
    pub(super) was_read: bool,
    pub(super) enabled: Option<bool>,
    /// What is still to be written.
    pub(super) write: Option<bool>,
}

impl Kept {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Looking,
            used: None,
            proofs: Proofs::default(),
            retired: Vec::new(),
            keys: Keyring::default(),
            draft: None,
            recovery_key_unsaved: false,
            secret: None,
            disabling: None,
            preference: Preference::default(),
            restore_choice: None,
            wanted: Scopes::default(),
        }
    }

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

    /// Forgets the draft, but not its key: the request to create it may still arrive.
    pub(super) fn give_up_draft(&mut self) {
        if let Some(draft) = self.draft.take() {
            self.keep_key(draft.key);
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

//! The decryption key of the backup, from wherever the host has it.

use std::fmt;

use super::Backup;
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, TrustError},
    provenance::Provenance,
};

/// Whether a decryption key belongs to the backup on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFit {
    /// It does, and is used from now on.
    Fits,
    /// It does, and opens sessions. It makes nothing trusted, since a server could have planted it where it comes from,
    /// or found it because the backup's passphrase has few rounds: the backup is used only if a trusted key has signed it,
    /// or the user [accepts the risk](BackupDecryptionKey::accept_unauthenticated).
    FitsUnauthenticated,
    /// The backup has another public key. The key is not kept.
    OtherKey {
        /// The public key of the backup on the server.
        backup: BackupPublicKey,
        /// The public half of the key.
        key: BackupPublicKey,
    },
    /// No backup is known to compare it with. The key is kept beside those that were given before, 16 at most, and of
    /// these the ones that prove most: which of them is the key is decided when the backup is seen.
    NoBackup,
}

impl fmt::Display for KeyFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fits => f.write_str("the key is the key of the backup"),
            Self::FitsUnauthenticated => f.write_str(
                "the key is the key of the backup, but the homeserver could have put it where it comes from",
            ),
            Self::OtherKey { backup, key } => {
                TrustError::OtherPublicKey { backup: *backup, key: *key }.fmt(f)
            }
            Self::NoBackup => f.write_str("no backup is known that the key could belong to"),
        }
    }
}

impl Backup {
    /// The decryption key, from wherever the host has it: typed, from secret storage, or shared.
    pub fn give_key(&mut self, key: BackupDecryptionKey) -> KeyFit {
        if let Provenance::SharedByVerifiedDevice(device) = key.provenance()
            && self.trusted.sharers.len() < MAX_SHARERS
        {
            self.trusted.sharers.insert(device);
        }
        let public_key = *key.public_key();
        let found = self.look.public_key();
        if let Some(backup) = found.filter(|backup| *backup != public_key) {
            return KeyFit::OtherKey { backup, key: public_key };
        }
        let used = self.kept.used_key();
        let is_needed = |it: &BackupPublicKey| [found, used].contains(&Some(*it));
        if self.kept.keys.add(key, is_needed) {
            self.office.touch();
        }
        let fit = self.key_fit();
        self.prove_again();
        self.look_again();
        fit.unwrap_or(KeyFit::NoBackup)
    }

    /// Whether the decryption key of the backup on the server is at hand, and what that proves.
    pub(in crate::client) fn key_fit(&self) -> Option<KeyFit> {
        let auth_data = self.look.found()?.auth_data().ok()?;
        let mut keys = self.kept.keys_of(auth_data.public_key()).peekable();
        keys.peek()?;
        let proves = keys.any(|key| self.proves(auth_data, key));
        Some(if proves { KeyFit::Fits } else { KeyFit::FitsUnauthenticated })
    }

    /// Whether the decryption key of the backup on the server is at hand.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.download_key().is_some()
    }

    pub(super) fn download_key(&self) -> Option<&BackupDecryptionKey> {
        let auth_data = self.look.found()?.auth_data().ok()?;
        self.kept.key_of(auth_data.public_key())
    }
}

/// More devices than share a key before the host says who is trusted.
const MAX_SHARERS: usize = 100;

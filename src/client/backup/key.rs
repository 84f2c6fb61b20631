//! The decryption key of the backup, from wherever the host has it.

use super::Backup;
use crate::backup::{BackupDecryptionKey, BackupPublicKey};

/// Whether a decryption key belongs to the backup on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFit {
    /// It does, and is used from now on.
    Fits,
    /// It does, and opens sessions. It makes nothing trusted, since a server could have planted it where it comes from:
    /// the backup is used only if a trusted key has signed it, or the user
    /// [accepts the risk](BackupDecryptionKey::accept_unauthenticated).
    FitsUnauthenticated,
    /// The backup has another public key. The key is not kept.
    OtherKey {
        /// The public key of the backup on the server.
        backup: BackupPublicKey,
        /// The public half of the key.
        key: BackupPublicKey,
    },
    /// No backup is known to compare it with. The key is kept, if there is no other.
    NoBackup,
}

impl Backup {
    /// The decryption key, from wherever the host has it: typed, from secret storage, or shared.
    pub fn give_key(&mut self, key: BackupDecryptionKey) -> KeyFit {
        let found = self.found.as_ref().and_then(|info| info.auth_data().ok());
        let fit = match found.map(|auth_data| *auth_data.public_key()) {
            None => KeyFit::NoBackup,
            Some(backup) if backup == *key.public_key() => KeyFit::Fits,
            Some(backup) => KeyFit::OtherKey { backup, key: *key.public_key() },
        };
        let kept = self.kept.key.as_ref();
        let is_better = kept.is_none_or(|kept| {
            kept.public_key() != key.public_key() || key.provenance().is_authentic()
        });
        let kept_is_authentic =
            self.kept.keys_of(key.public_key()).any(|it| it.provenance().is_authentic());
        let takes = match fit {
            KeyFit::Fits | KeyFit::FitsUnauthenticated => is_better,
            KeyFit::NoBackup => kept.is_none(),
            KeyFit::OtherKey { .. } => false,
        };
        let is_authentic = |key: &BackupDecryptionKey| key.provenance().is_authentic();
        let fit = match fit {
            KeyFit::Fits if !is_authentic(&key) && !kept_is_authentic => {
                KeyFit::FitsUnauthenticated
            }
            fit => fit,
        };
        if takes {
            if let Some(former) = self.kept.key.replace(key) {
                self.kept.give_up(former);
            }
            self.touch();
            self.prove_again();
            self.look_again();
        }
        fit
    }

    /// Whether the decryption key of the backup on the server is at hand, and what that proves.
    pub(in crate::client) fn key_fit(&self) -> Option<KeyFit> {
        let authentic = self.download_key()?.provenance().is_authentic();
        Some(if authentic { KeyFit::Fits } else { KeyFit::FitsUnauthenticated })
    }

    /// Whether the decryption key of the backup on the server is at hand.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.download_key().is_some()
    }

    pub(super) fn download_key(&self) -> Option<&BackupDecryptionKey> {
        let auth_data = self.found.as_ref()?.auth_data().ok()?;
        self.kept.key_of(auth_data.public_key())
    }
}

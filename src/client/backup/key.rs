//! The decryption key of the backup, from wherever the host has it.

use super::Backup;
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey},
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
    /// No backup is known to compare it with. The key is kept, if there is none that proves as much.
    NoBackup,
}

impl Backup {
    /// The decryption key, from wherever the host has it: typed, from secret storage, or shared.
    pub fn give_key(&mut self, key: BackupDecryptionKey) -> KeyFit {
        if let Provenance::SharedByVerifiedDevice(device) = key.provenance()
            && self.trusted.sharers.len() < MAX_SHARERS
        {
            self.trusted.sharers.insert(device);
        }
        let fit = self.fit(&key);
        // What proves more, and for longer, stays.
        let worth = |key: &BackupDecryptionKey| {
            let provenance = key.provenance();
            // A device that shared it may be trusted again.
            (self.stands(key), provenance.is_lasting(), provenance.is_authentic())
        };
        let takes = match (fit, &self.kept.key) {
            (KeyFit::OtherKey { .. }, _) => false,
            (_, None) => true,
            (KeyFit::NoBackup, Some(kept)) => worth(&key) > worth(kept),
            (_, Some(kept)) => kept.public_key() != key.public_key() || worth(&key) >= worth(kept),
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

    /// Whether a key belongs to the backup on the server, and what it proves together with those that are at hand.
    fn fit(&self, key: &BackupDecryptionKey) -> KeyFit {
        let found = self.found.as_ref().and_then(|info| info.auth_data().ok());
        let Some(found) = found else { return KeyFit::NoBackup };
        if found.public_key() != key.public_key() {
            return KeyFit::OtherKey { backup: *found.public_key(), key: *key.public_key() };
        }
        let mut keys = self.kept.keys_of(key.public_key()).chain([key]);
        let proves = keys.any(|key| self.proves(found, key));
        if proves { KeyFit::Fits } else { KeyFit::FitsUnauthenticated }
    }

    /// Whether the decryption key of the backup on the server is at hand, and what that proves.
    pub(in crate::client) fn key_fit(&self) -> Option<KeyFit> {
        self.download_key().map(|key| self.fit(key))
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

/// More devices than share a key before the host says who is trusted.
const MAX_SHARERS: usize = 100;

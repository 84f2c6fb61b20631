//! Which backup is the user's, and for how long that is proved: by signatures, and by decryption keys.

// docs/decisions.md, 12: trust keeps all its proofs.

use std::fmt;

use super::{
    Backup,
    kept::{Kept, UsedBackup, Vaulted},
    seen::{Counted, Found},
    stage::{Event, State},
};
use crate::{
    backup::{
        AuthData, BackupDecryptionKey, BackupPublicKey, BackupVersionInfo, Proof, Proofs,
        TrustError, TrustedBackup,
    },
    provenance::Provenance,
    signed_json::SignatureReport,
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
            && self.sharers.len() < MAX_SHARERS
        {
            self.sharers.insert(device);
        }
        let public_key = *key.public_key();
        let found = self.look.public_key();
        if let Some(backup) = found.filter(|backup| *backup != public_key) {
            return KeyFit::OtherKey { backup, key: public_key };
        }
        if self.kept.keep_key(key, found) {
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
        self.look.public_key().is_some_and(|public_key| self.kept.key_of(&public_key).is_some())
    }

    /// All decryption keys that this device has, those of backups before the current one, too.
    pub(in crate::client) fn keys_at_hand(&self) -> &[BackupDecryptionKey] {
        &self.kept.keys
    }

    /// The proof that a backup may be uploaded to: that it is the one that was used, that its key is at
    /// hand, or a signature.
    pub(super) fn trust(&self, found: &Found) -> Result<TrustedBackup, TrustError> {
        let info = &found.info;
        let Kept { used, proofs, retired, .. } = &self.kept;
        if let Some(used) = used
            && let Ok(backup) = TrustedBackup::by_memory(info, &used.public_key, proofs, retired)
        {
            return Ok(backup);
        }
        let public_key = info.auth_data().map_err(Clone::clone)?.public_key();
        let mut by_key = None;
        for key in self.kept.keys_of(public_key) {
            let standing = if self.stands(key) { key } else { &key.clone().unauthenticated() };
            match TrustedBackup::by_decryption_key(info, standing, retired) {
                Ok(backup) => return Ok(backup),
                Err(error) => by_key = Some(error),
            }
        }
        let signed = TrustedBackup::by_report(info, self.signatures(found), retired);
        // Of two reasons the one is kept about which something can be done.
        signed.map_err(|error| match error {
            TrustError::NoTrustedSignature(_) => by_key.unwrap_or(error),
            error => error,
        })
    }

    /// The signatures of the backup that was found, each checked once until there is another one or other signers.
    pub(super) fn signatures<'a>(&self, found: &'a Found) -> &'a SignatureReport {
        found.signatures.get_or_init(|| {
            let Ok(auth_data) = found.info.auth_data() else { return SignatureReport::default() };
            let signers = self.signers.as_deref().unwrap_or_default();
            auth_data.check_signatures(&self.office.user_id, signers, &self.office.limits)
        })
    }

    /// Whether a key proves something, as far as the host has told who is trusted.
    pub(super) fn stands(&self, key: &BackupDecryptionKey) -> bool {
        match (key.provenance(), &self.signers) {
            (provenance, Some(signers)) => provenance.stands_with(signers),
            // Nothing that hangs on a device proves again what it proves no more.
            (Provenance::SharedByVerifiedDevice(device), None) => {
                self.sharers.contains(&device) && !self.has_lost_trust()
            }
            (provenance, None) => provenance.is_authentic(),
        }
    }

    /// Whether a key proves that the backup with this `auth_data` is the user's alone.
    pub(super) fn proves(&self, auth_data: &AuthData, key: &BackupDecryptionKey) -> bool {
        self.stands(key) && auth_data.provenance_of(key).is_authentic()
    }

    /// Whether nothing proves any more that the backup in use is the user's.
    pub(super) fn has_lost_trust(&self) -> bool {
        self.kept.used.is_some() && self.kept.proofs.is_empty()
    }

    /// Everything that proves by now that a backup is the user's.
    fn proofs_of(&self, found: &Found) -> Proofs {
        let mut proofs = Proofs::default();
        let Ok(auth_data) = found.info.auth_data() else { return proofs };
        let keys = self.kept.keys_of(auth_data.public_key());
        let keys = keys.filter(|key| self.proves(auth_data, key));
        keys.for_each(|key| proofs.add(Proof::DecryptionKey(key.provenance())));
        self.signatures(found).valid_signers().for_each(|signer| proofs.add(signer.into()));
        proofs
    }

    /// The host has told who is trusted now, or there is another key. What proves nothing any more is dropped; when
    /// nothing is left, the backup in use is a question.
    pub(super) fn prove_again(&mut self) {
        let Some(used) = self.kept.used.clone() else { return };
        let before = self.kept.proofs.clone();
        if let Some(signers) = &self.signers {
            self.kept.proofs.retain(signers);
        }
        // What has lost its last proof is looked at before it is used again: what is at hand is what was shown last.
        let found = self.look.found.as_ref().filter(|_| !before.is_empty());
        let found = found.filter(|found| is_used(&found.info, &used));
        if let Some(fresh) = found.map(|found| self.proofs_of(found)) {
            self.kept.proofs.extend(&fresh);
        }
        if self.kept.proofs == before {
            return;
        }
        self.office.touch();
        if self.kept.proofs.is_empty() {
            match &mut self.state {
                State::Running(_) => self.turn(Event::Other),
                State::Making(making) => making.old = None,
                _ => {}
            }
        }
    }

    /// Whether anything ends the question about a backup that had lost its last proof. A key out of the secret storage
    /// does not, nor one that was handed over: a device that has lost its trust may have put it there. The user can still say that it is to be used.
    pub(super) fn proves_anew(&self, found: &Found) -> bool {
        let is_stored = |proof| {
            let stored = [
                Provenance::AuthenticatedSecretStorage,
                Provenance::VerifiedChannel,
                Provenance::KeptByHost,
            ];
            stored.map(Proof::DecryptionKey).contains(&proof)
        };
        !self.proofs_of(found).iter().all(is_stored)
    }

    /// Whether the backup in use will still be proved when devices come and go.
    pub(super) fn is_trusted_for_good(&self) -> bool {
        // The keys of the user that counted before a restart may not count any more.
        let has_told = self.signers.is_some();
        self.kept.proofs.iter().any(|proof| match proof {
            Proof::SignedByUser(_) => has_told,
            Proof::SignedByDevice(_) => false,
            Proof::DecryptionKey(provenance) => provenance.is_lasting(),
        })
    }

    /// Uses another backup from now on, because the user said so, or it is the first one. The one before is retired, not
    /// earlier: had the creation failed, it would still be good. [`Self::use_again`] is apart from this, or a homeserver could
    /// exchange the key of a version while another backup is made.
    pub(super) fn adopt(&mut self, backup: &TrustedBackup) {
        let used =
            UsedBackup { version: backup.version().clone(), public_key: *backup.public_key() };
        if self.kept.used.as_ref() != Some(&used) {
            let before = self.kept.used_key();
            if before != Some(used.public_key) {
                before.into_iter().for_each(|before| self.kept.retire(before));
                // What was to be saved and stored is not any more, but a key that was made here: nobody else has it.
                (self.kept.recovery_key_unsaved, self.kept.vaulted) = (false, Vaulted::Unneeded);
                let is_made_here =
                    |key: &BackupDecryptionKey| key.provenance() == Provenance::Generated;
                if self.kept.keys_of(&used.public_key).any(is_made_here) {
                    self.is_own();
                }
                self.kept.proofs = Proofs::default();
            }
            self.kept.used = Some(used);
            self.kept.counted = Counted::default();
            self.office.touch();
        }
        self.use_again(backup);
    }

    /// Goes on with the backup that is used.
    pub(super) fn use_again(&mut self, backup: &TrustedBackup) {
        let before = self.kept.proofs.clone();
        self.kept.proofs.add_reason(backup.reason());
        self.prove_again();
        if self.kept.proofs != before {
            self.office.touch();
        }
    }
}

pub(super) fn is_used(info: &BackupVersionInfo, used: &UsedBackup) -> bool {
    let public_key = info.auth_data().ok().map(|auth_data| *auth_data.public_key());
    *info.version() == used.version && public_key == Some(used.public_key)
}

/// More devices than share a key before the host says who is trusted.
const MAX_SHARERS: usize = 100;

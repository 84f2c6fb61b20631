//! What a repair must not take from the user.

use super::{CurrentBackup, Diagnosis, RepairError, RepairParts};
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey},
    client::stored_key::stored_key,
    secret_value::MEGOLM_BACKUP_V1,
};

impl Diagnosis {
    /// The key of the current backup may be stored, unless that backup was given up, or the key that stands there opens
    /// another one.
    pub(super) fn may_replace_backup_key(&self, parts: &RepairParts) -> Result<(), RepairError> {
        let current = self.current_key();
        if current.is_some_and(|current| self.evidence.retired.contains(current)) {
            return Err(RepairError::NotTrusted);
        }
        let stored = self.facts.opened(MEGOLM_BACKUP_V1).and_then(stored_key);
        let stored = stored.as_ref().map(BackupDecryptionKey::public_key);
        let is_needed = stored.is_some_and(|stored| {
            current != Some(stored) && self.is_needed_for_older(stored, parts)
        });
        if is_needed { Err(RepairError::StillNeeded) } else { Ok(()) }
    }

    /// The public key of the current backup.
    fn current_key(&self) -> Option<&BackupPublicKey> {
        Some(self.evidence.current()?.auth_data().ok()?.public_key())
    }

    /// Whether a key opens an older version that may be needed.
    fn is_needed_for_older(&self, key: &BackupPublicKey, parts: &RepairParts) -> bool {
        let mut older = self.evidence.older_versions.iter();
        older.any(|info| {
            let is_its = info.auth_data().is_ok_and(|auth_data| auth_data.public_key() == key);
            is_its && !parts.dispensable.contains(info.version())
        })
    }

    /// Whether the backup key under the name of a draft opens a version that may be needed. Where nobody knows which
    /// versions there are, it may.
    pub(super) fn needs_draft(&self, parts: &RepairParts) -> bool {
        let drafted = self.facts.drafted.as_ref().map(BackupDecryptionKey::public_key);
        let is_unknown = matches!(self.evidence.backup, CurrentBackup::Unknown);
        is_unknown
            || drafted.is_some_and(|drafted| {
                self.current_key() == Some(drafted) || self.is_needed_for_older(drafted, parts)
            })
    }
}

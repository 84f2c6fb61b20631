//! What a repair must not take from the user.

// docs/decisions.md, 30: a diagnosis is findings, not a verdict.

use super::{CurrentBackup, Diagnosis, RepairError, RepairParts};
use crate::{
    backup::{BackupDecryptionKey, BackupPublicKey, BackupVersionInfo},
    secret_storage::OpenedSecret,
    secret_value::MEGOLM_BACKUP_V1,
};

impl Diagnosis {
    /// The key of the current backup may be stored, unless that backup was given up, or the key that stands there opens
    /// what the current one does not.
    pub(super) fn may_replace_backup_key(&self, parts: &RepairParts) -> Result<(), RepairError> {
        let current = self.current_key();
        if current.is_some_and(|current| self.evidence.retired.contains(current)) {
            return Err(RepairError::NotTrusted);
        }
        let stored = self.facts.opened(MEGOLM_BACKUP_V1).and_then(OpenedSecret::backup_key);
        let is_needed = stored.is_some_and(|stored| {
            current != Some(stored.public_key()) && self.is_needed(&stored, parts)
        });
        if is_needed { Err(RepairError::StillNeeded) } else { Ok(()) }
    }

    /// Whether the backup key under the name of a draft opens something that may be needed. It may where nobody knows
    /// which versions there are, or what it opens.
    pub(super) fn needs_draft(&self, parts: &RepairParts) -> bool {
        let info = match &self.evidence.backup {
            CurrentBackup::Unknown => return true,
            CurrentBackup::Absent => None,
            CurrentBackup::Version(info) => Some(info),
        };
        let is_current = |drafted: &BackupDecryptionKey| {
            self.current_key().is_some_and(|current| drafted.public_key() == current)
        };
        let has_key = |info: &BackupVersionInfo| self.facts.key_of(&self.evidence, info).is_some();
        match &self.facts.drafted {
            Some(drafted) if info.is_none_or(|info| info.auth_data().is_ok()) => {
                is_current(drafted) || self.is_needed(drafted, parts)
            }
            _ => {
                let mut older = self.evidence.older_versions.iter().map(BackupVersionInfo::version);
                !info.is_none_or(|info| has_key(info))
                    || !older.all(|version| parts.dispensable.contains(version))
            }
        }
    }

    /// The public key of the current backup.
    fn current_key(&self) -> Option<&BackupPublicKey> {
        Some(self.evidence.current()?.auth_data().ok()?.public_key())
    }

    /// Whether a key that is not the current one's opens an older version, or sessions of the current one.
    fn is_needed(&self, key: &BackupDecryptionKey, parts: &RepairParts) -> bool {
        let may_go = |info: &BackupVersionInfo| parts.dispensable.contains(info.version());
        let is_its = |info: &BackupVersionInfo| {
            info.auth_data().is_ok_and(|auth_data| auth_data.public_key() == key.public_key())
        };
        let mut older = self.evidence.older_versions.iter();
        older.any(|info| is_its(info) && !may_go(info))
            || !self.evidence.current().is_some_and(may_go)
                && self.opening.contains(key.public_key())
    }
}

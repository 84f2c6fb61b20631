//! What was typed: what it is the key of, and what it is not.

use super::{AskedFor, Case, Findings, InputFinding, facts::Facts, typed::Tried};
use crate::secret_storage::{KeyStanding, UnlockAttempt, UnlockOutcome};

impl Case<'_> {
    pub(super) fn look_at_input(&self, findings: &mut Findings) {
        let Some(tried) = &self.facts.tried else { return };
        let fits_storage = self.look_at_storage_keys(tried, findings);
        let fits_backup = self.look_at_backup_keys(tried, findings);
        for UnlockAttempt { key_id, outcome } in &tried.attempts {
            if is_not_tried(outcome) && !fits_storage {
                findings
                    .add(InputFinding::NotTried { key: key_id.clone(), reason: outcome.clone() });
            }
        }
        if !fits_storage && !fits_backup {
            let not_tried = tried.not_tried.iter().cloned();
            not_tried.for_each(|version| findings.add(InputFinding::NotTriedOnBackup { version }));
        }
        let is_comparable =
            self.evidence.storage.is_some() || self.evidence.versions().next().is_some();
        if let Some(failure) = tried.failure.filter(|_| is_comparable && !fits_backup) {
            findings.add(InputFinding::FitsNothing { reason: failure });
        }
    }

    fn look_at_storage_keys(&self, tried: &Tried, findings: &mut Findings) -> bool {
        for found in &tried.storage_keys {
            let key = found.id().clone();
            findings.add(match (found.standing(), self.evidence.asked) {
                (KeyStanding::Unverifiable, _) => InputFinding::NotCheckable { key },
                (_, AskedFor::BackupKey) if !self.is_backup_key(tried) => {
                    InputFinding::StorageKeyTyped { key }
                }
                _ => InputFinding::StorageKeyFits { key },
            });
        }
        !tried.storage_keys.is_empty()
    }

    fn look_at_backup_keys(&self, tried: &Tried, findings: &mut Findings) -> bool {
        let mut fits = false;
        for key in &tried.backup_keys {
            let Some(info) = Facts::version_of(self.evidence, key.public_key()) else { continue };
            fits = true;
            let version = info.version().clone();
            let is_current =
                self.evidence.current().is_some_and(|current| current.version() == info.version());
            findings.add(match self.evidence.asked {
                _ if !is_current => InputFinding::OlderBackupKey { version },
                AskedFor::StorageKey if tried.storage_keys.is_empty() => {
                    InputFinding::BackupKeyTyped { version }
                }
                _ => InputFinding::BackupKeyFits { version },
            });
        }
        fits
    }

    /// Whether what was typed is the current backup's own key.
    fn is_backup_key(&self, tried: &Tried) -> bool {
        let current = self.evidence.current().and_then(|info| info.auth_data().ok());
        current.is_some_and(|auth_data| {
            tried.backup_keys.iter().any(|key| key.public_key() == auth_data.public_key())
        })
    }
}

/// Whether nobody knows if the key would have fitted.
fn is_not_tried(outcome: &UnlockOutcome) -> bool {
    matches!(
        outcome,
        UnlockOutcome::Passphrase(_)
            | UnlockOutcome::TooMuchWork { .. }
            | UnlockOutcome::Length(_)
            | UnlockOutcome::Unsupported(_)
    )
}

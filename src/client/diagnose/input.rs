//! What was typed: what it is the key of, and what it is not.

use super::{Case, Findings, InputFinding, facts::Facts, gathering::Tried};
use crate::{
    client::key_kind::KeyKind,
    ids::SecretStorageKeyId,
    secret_storage::{
        EntryKind, KeyStanding, SecretStorageKey, SecretVerdict, UnlockAttempt, UnlockFailure,
        UnlockOutcome,
    },
};

impl Case<'_> {
    pub(super) fn look_at_input(&self, findings: &mut Findings) {
        let Some(tried) = &self.facts.tried else { return };
        let fits_storage = self.look_at_storage_keys(tried, findings);
        let fits_backup = self.look_at_backup_keys(tried, findings);
        // Nothing can be said of trying what nobody has entered, or a recovery key that is none as a passphrase.
        let is_none = matches!(
            tried.failure,
            Some(
                UnlockFailure::Empty { .. }
                    | UnlockFailure::RecoveryKey(_)
                    | UnlockFailure::Mistyped(_)
            )
        );
        for UnlockAttempt { key_id, outcome, .. } in &tried.attempts {
            if is_not_tried(outcome) && !fits_storage && !is_none {
                findings
                    .add(InputFinding::NotTried { key: key_id.clone(), reason: outcome.clone() });
            }
        }
        if !fits_storage && !fits_backup {
            let not_tried = tried.not_tried.iter().cloned();
            not_tried.for_each(|version| findings.add(InputFinding::NotTriedOnBackup { version }));
        }
        self.look_at_failure(tried, fits_backup, findings);
    }

    /// Why what was entered is none of the key storage's keys, if it is not the backup's either.
    fn look_at_failure(&self, tried: &Tried, fits_backup: bool, findings: &mut Findings) {
        let is_comparable =
            self.evidence.storage.is_some() || self.evidence.versions().next().is_some();
        let Some(reason) = tried.failure.clone().filter(|_| is_comparable && !fits_backup) else {
            return;
        };
        findings.add(match reason {
            UnlockFailure::OlderKey { key, newer, is_default } => {
                let takes = self.takes(&newer);
                if is_default {
                    InputFinding::OlderStorageKey { key, default: newer, takes }
                } else {
                    InputFinding::UnusedStorageKey { key, used: newer, takes }
                }
            }
            UnlockFailure::OpensNothing { key } => InputFinding::OpensNothing { key },
            reason => InputFinding::FitsNothing { reason },
        });
    }

    fn look_at_storage_keys(&self, tried: &Tried, findings: &mut Findings) -> bool {
        if matches!(tried.failure, Some(UnlockFailure::OpensNothing { .. })) {
            return false;
        }
        let opens = |key: &SecretStorageKey| {
            tried.attempts.iter().any(|attempt| attempt.opens && attempt.key_id == *key.id())
        };
        let has_opened = tried.attempts.iter().any(|attempt| attempt.opens);
        let has_sure_key = tried.storage_keys.iter().any(SecretStorageKey::is_sure);
        let counts =
            |key: &&SecretStorageKey| key.is_sure() || !(has_sure_key && key.is_guessable());
        for found in tried.storage_keys.iter().filter(counts) {
            let key = found.id().clone();
            findings.add(match (found.standing(), self.evidence.asked) {
                // What it unlocks, another key says.
                _ if has_opened && !opens(found) => continue,
                (KeyStanding::Unverifiable, _) => InputFinding::NotCheckable { key },
                _ if !opens(found) => InputFinding::NothingStored { key },
                (_, Some(KeyKind::Backup)) if !self.is_backup_key(tried) => {
                    InputFinding::StorageKeyTyped { key }
                }
                _ => InputFinding::StorageKeyFits { key },
            });
        }
        self.opens_part(tried).into_iter().for_each(|finding| findings.add(finding));
        !tried.storage_keys.is_empty()
    }

    /// Whether there are secrets under the default key that only that key opens, and another one was entered.
    fn opens_part(&self, tried: &Tried) -> Option<InputFinding> {
        let storage = self.evidence.storage.as_ref()?;
        let default = storage.default_key()?;
        let entered = tried.storage_keys.first()?.id();
        let mut at_hand = self.facts.storage_keys.iter();
        let is_closed = |verdict: &SecretVerdict| {
            let secret = storage.secret(&verdict.name);
            verdict.outcome.is_err() && secret.is_some_and(|it| it.entry(default).is_some())
        };
        let (key, default) = (entered.clone(), default.clone());
        (!at_hand.any(|key| *key.id() == default) && self.facts.secrets.iter().any(is_closed))
            .then(|| InputFinding::OpensPart { takes: self.takes(&default), key, default })
    }

    /// What gives the key with this ID.
    fn takes(&self, id: &SecretStorageKeyId) -> EntryKind {
        let storage = self.evidence.storage.as_ref();
        let description = storage.and_then(|storage| storage.key(id));
        description.map_or(EntryKind::RecoveryKey, EntryKind::of)
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
                Some(KeyKind::Storage) if tried.storage_keys.is_empty() => {
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
            | UnlockOutcome::TooManyGuessable
            | UnlockOutcome::TooManyKeys
            | UnlockOutcome::Length(_)
            | UnlockOutcome::Unsupported(_)
    )
}

//! The backup: whether it can be used, which key opens it, and who vouches for it.

use super::{BackupFinding, Case, CurrentBackup, Findings, facts::Facts};
use crate::{
    backup::{AuthData, BackupVersionInfo},
    excerpt::Excerpt,
    ids::SecretName,
    passphrase::PassphraseFinding,
    secret_storage::SecretFailure,
    secret_value::{MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY},
    signed_json::{CheckedSignature, SignatureVerdict},
};

/// How the members begin that say what passphrase gives the key.
const PASSPHRASE_MEMBERS: &str = "private_key_";

impl Case<'_> {
    pub(super) fn look_at_backup(&self, findings: &mut Findings) {
        let older = self.evidence.older_versions.iter().map(|info| info.version().clone());
        let older: Vec<_> = older.collect();
        if !older.is_empty() {
            findings.add(BackupFinding::OlderVersions { versions: older });
        }
        let is_off = self.evidence.backup_enabled == Some(false);
        if is_off {
            findings.add(BackupFinding::SwitchedOff);
        }
        let info = match &self.evidence.backup {
            CurrentBackup::Unknown => return,
            CurrentBackup::Absent if is_off => return,
            CurrentBackup::Absent => return findings.add(BackupFinding::Absent),
            CurrentBackup::Version(info) => info,
        };
        match info.auth_data() {
            Ok(auth_data) => {
                self.look_at_keys(info, auth_data, findings);
                look_at_members(info, auth_data, findings);
                self.look_at_signatures(info, findings);
                self.look_at_trust(info, auth_data, findings);
                look_at_passphrase(info, auth_data, findings);
            }
            Err(error) => {
                findings.add(BackupFinding::Unusable {
                    version: info.version().clone(),
                    error: error.clone(),
                });
            }
        }
    }

    fn look_at_keys(
        &self,
        info: &BackupVersionInfo,
        auth_data: &AuthData,
        findings: &mut Findings,
    ) {
        let (version, backup) = (info.version().clone(), *auth_data.public_key());
        let stored = self.facts.stored.as_ref().map(|key| *key.public_key());
        if let Some(stored) = stored.filter(|stored| *stored != backup) {
            let fits = Facts::version_of(self.evidence, &stored);
            let fits = fits.map(|info| info.version().clone());
            let version = version.clone();
            findings.add(BackupFinding::KeyDiffers { version, backup, stored, fits });
        }
        if self.has_looked_for_keys() && self.facts.key_of(self.evidence, info).is_none() {
            let stored = self.is_key_locked_away();
            findings.add(BackupFinding::NoKey { version, key: backup, stored });
        }
    }

    /// Whether there is any key that could have been the right one or led to it, or it is known that there is none.
    fn has_looked_for_keys(&self) -> bool {
        let is_nowhere = self.evidence.storage.as_ref().is_some_and(|storage| {
            let names = [MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY];
            names.iter().all(|name| storage.secret(&SecretName::from(*name)).is_none())
        });
        is_nowhere || self.facts.tried.is_some() || self.has_keys()
    }

    /// Whether a backup key is in the key storage, and no key at hand was tried on it that opens anything.
    fn is_key_locked_away(&self) -> bool {
        let Some(storage) = &self.evidence.storage else { return false };
        let opens_nothing = !self.facts.secrets.iter().any(|verdict| verdict.outcome.is_ok());
        [MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY].map(SecretName::from).iter().any(|name| {
            let mut verdicts = self.facts.secrets.iter();
            let verdict = verdicts.find(|verdict| verdict.name == *name);
            let was_tried = verdict.is_some_and(|verdict| match verdict.outcome {
                Ok(_) => true,
                Err(SecretFailure::Keys(_)) => !opens_nothing,
                Err(_) => false,
            });
            storage.secret(name).is_some() && !storage.is_unreadable(name) && !was_tried
        })
    }

    fn has_keys(&self) -> bool {
        let mut backup_keys = self.facts.backup_keys(self.evidence);
        backup_keys.next().is_some() || !self.facts.storage_keys.is_empty()
    }

    fn look_at_trust(
        &self,
        info: &BackupVersionInfo,
        auth_data: &AuthData,
        findings: &mut Findings,
    ) {
        let version = info.version().clone();
        if self.evidence.retired.contains(auth_data.public_key()) {
            return findings.add(BackupFinding::Retired { version, key: *auth_data.public_key() });
        }
        // Another key than that of the storage says nothing of the backup: the key in there may prove it.
        let is_locked = self.is_key_locked_away();
        let can_judge = self.has_keys() && !is_locked || !self.facts.trusted.is_empty();
        let is_signed = self.facts.signatures.valid_signers().any(|signer| self.is_trusted(signer));
        if can_judge && !is_signed && !self.facts.trusts(self.evidence) {
            let tried = self.has_looked_for_keys() && !is_locked;
            findings.add(BackupFinding::NotTrusted { version, tried });
        }
    }

    fn look_at_signatures(&self, info: &BackupVersionInfo, findings: &mut Findings) {
        let report = &self.facts.signatures;
        if report.signatures().is_empty() && report.not_checked() == 0 {
            findings.add(BackupFinding::NotSigned { version: info.version().clone() });
        }
        for CheckedSignature { key_id, verdict } in report.signatures() {
            let (version, signer) = (info.version().clone(), key_id.clone());
            findings.add(match verdict {
                SignatureVerdict::Valid(by) if self.is_trusted(by) => continue,
                SignatureVerdict::Valid(_) => BackupFinding::UnverifiedSigner { version, signer },
                SignatureVerdict::Invalid => BackupFinding::WrongSignature { version, signer },
                SignatureVerdict::UnknownSigner => BackupFinding::UnknownSigner { version, signer },
                _ => BackupFinding::UnusableSignature { version, signer },
            });
        }
    }

    fn is_trusted(&self, signer: &crate::signed_json::TrustedSigner) -> bool {
        let mut known = self.facts.trusted.iter().chain(&self.facts.devices);
        known.any(|trusted| trusted.key() == signer.key())
    }
}

/// What is wrong with the members of a passphrase, [`look_at_passphrase`] says.
fn look_at_members(info: &BackupVersionInfo, auth_data: &AuthData, findings: &mut Findings) {
    let is_of_passphrase = |name: &Excerpt| name.as_str().starts_with(PASSPHRASE_MEMBERS);
    let mut members = auth_data.other_members();
    members.retain(|name| !is_of_passphrase(name));
    if !members.is_empty() {
        findings.add(BackupFinding::OtherMembers { version: info.version().clone(), members });
    }
}

fn look_at_passphrase(info: &BackupVersionInfo, auth_data: &AuthData, findings: &mut Findings) {
    let version = || info.version().clone();
    match auth_data.passphrase() {
        Ok(None) => {}
        Ok(Some(read)) => {
            findings.add(BackupFinding::OwnPassphrase { version: version() });
            for finding in &read.repairs {
                if let PassphraseFinding::FewRounds { rounds } = finding {
                    findings.add(BackupFinding::FewRounds { version: version(), rounds: *rounds });
                }
            }
        }
        Err(error) => findings
            .add(BackupFinding::PassphraseUnusable { version: version(), error: error.clone() }),
    }
}

//! The backup: whether it can be used, which key opens it, who vouches for it; and its sessions: which of them a restore
//! would give.

use std::collections::BTreeMap;

use super::{
    BackupFinding, Case, CurrentBackup, Evidence, Findings, SessionCount, SessionFinding,
    evidence::SessionSample, facts::Facts,
};
use crate::{
    backup::{
        AuthData, BackedUpSession, BackupDecryptionKey, BackupPublicKey, BackupVersionInfo,
        FailureCause,
    },
    excerpt::Excerpt,
    ids::SecretName,
    secret_storage::SecretOpenError,
    secret_value::{MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY},
    signed_json::SignatureVerdict,
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
                Err(SecretOpenError::Keys(_)) => !opens_nothing,
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
        for (key_id, verdict) in report.signatures() {
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
            if read.is_guessable() {
                let rounds = read.value.rounds();
                findings.add(BackupFinding::FewRounds { version: version(), rounds });
            }
        }
        Err(error) => findings
            .add(BackupFinding::PassphraseUnusable { version: version(), error: error.clone() }),
    }
}

/// What the keys make of a sample, as far as it was looked at.
#[derive(Default)]
pub(super) struct Sampling {
    /// How many sessions were looked at.
    next: usize,
    restored: u64,
    warned: u64,
    /// Why the others are opened by no key.
    causes: BTreeMap<FailureCause, u64>,
    /// The public keys of those that open a session.
    opening: Vec<BackupPublicKey>,
}

impl Case<'_> {
    pub(super) fn look_at_sessions(&self, findings: &mut Findings) {
        let Some(sample) = &self.evidence.sample else { return };
        let total = self.evidence.current().and_then(|info| info.count());
        look_at_response(sample, total, findings);
        if self.facts.sampling_keys(self.evidence).is_empty() {
            return;
        }
        let (sampling, of) = (&self.sampling, sample.count());
        let mut malformed = sample.unreadable;
        for (cause, count) in &sampling.causes {
            let count = SessionCount { count: *count, of };
            match cause {
                FailureCause::WrongKey => findings.add(SessionFinding::UnderOtherKey { count }),
                FailureCause::Damaged => findings.add(SessionFinding::Damaged { count }),
                FailureCause::UnsupportedAlgorithm => {
                    findings.add(SessionFinding::Unsupported { count });
                }
                FailureCause::Malformed => malformed += count.count,
            }
        }
        if malformed > 0 {
            findings
                .add(SessionFinding::Malformed { count: SessionCount { count: malformed, of } });
        }
        if sampling.warned > 0 {
            findings.add(SessionFinding::WithWarnings {
                count: SessionCount { count: sampling.warned, of },
            });
        }
        let restored = SessionCount { count: sampling.restored, of };
        findings.add(SessionFinding::WouldRestore { restored, total });
    }
}

/// What the response is that the sample is from, where the homeserver counts so many sessions.
fn look_at_response(sample: &SessionSample, total: Option<u64>, findings: &mut Findings) {
    if let Some(error) = sample.ended_early {
        findings.add(SessionFinding::ResponseBroken { error });
    }
    if sample.broken_rooms > 0 {
        findings.add(SessionFinding::BrokenRooms { count: sample.broken_rooms });
    }
    let is_known = sample.is_whole && sample.broken_rooms == 0;
    let returned = sample.count();
    if let Some(total) = total.filter(|total| is_known && *total > returned) {
        findings.add(SessionFinding::Fewer { returned, total });
    }
}

impl Sampling {
    /// Tries keys on sessions so many times more; `true` if none is left. Each session is tried with every key: a restore may
    /// use them all.
    pub(super) fn advance(&mut self, facts: &Facts, evidence: &Evidence, tries: u32) -> bool {
        let Some(sample) = &evidence.sample else { return true };
        let keys = facts.sampling_keys(evidence);
        let mut left = usize::try_from(tries).unwrap_or(usize::MAX);
        for returned in sample.sessions.iter().skip(self.next) {
            if left == 0 {
                return false;
            }
            left = left.saturating_sub(keys.len());
            self.next += 1;
            self.look_at(returned, &keys);
        }
        true
    }

    fn look_at(&mut self, returned: &BackedUpSession, keys: &[&BackupDecryptionKey]) {
        let (mut warned, mut cause) = (None, None);
        for key in keys {
            match key.open_session(returned) {
                Ok(session) => {
                    warned = warned.or(Some(!session.warnings().is_empty()));
                    if !self.opening.contains(key.public_key()) {
                        self.opening.push(*key.public_key());
                    }
                }
                Err(error) if cause.is_none_or(|it| it == FailureCause::WrongKey) => {
                    cause = Some(error.cause());
                }
                Err(_) => {}
            }
        }
        match (warned, cause) {
            (Some(warned), _) => {
                self.restored += 1;
                self.warned += u64::from(warned);
            }
            (None, Some(cause)) => *self.causes.entry(cause).or_default() += 1,
            (None, None) => {}
        }
    }

    /// The public keys of those that open sessions of the sample.
    pub(super) fn opening(self) -> Vec<BackupPublicKey> {
        self.opening
    }
}

//! Finding the facts out, in slices: every device costs two checks of signatures, and a server shows as many as it likes.
//! What was typed is tried on everything that it could be the key of.

use std::collections::VecDeque;

use super::{
    Evidence,
    facts::{Facts, claimed_signers, not_signed_by_master, trusted_signers, verified_keys},
};
use crate::{
    Limits,
    backup::{BackupDecryptionKey, BackupPassphraseAttempts, BackupVersionInfo, FittingPassphrase},
    crypto::curve25519::Curve25519PublicKey,
    ids::BackupVersion,
    passphrase::PassphraseProgress,
    recovery_key::{RecoveryKey, RecoveryKeyError},
    secret_storage::{
        OpenedSecret, Opening, SecretStorage, SecretStorageKey, SecretVerdict, Unlock,
        UnlockAttempt, UnlockFailure, VerifiedPublicKeys,
    },
    secret_value::{
        MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys, is_former_backup_key,
    },
    signed_json::{DeviceKeys, SignatureReport, SignatureWork, Signers, TrustedSigner},
};

/// Facts that are being found out.
pub(super) struct Gathering<'a> {
    evidence: &'a Evidence,
    limits: Limits,
    facts: Facts,
    /// The secrets that are not opened yet, first of all.
    opening: Option<Opening<'a>>,
    /// The devices that are not looked at yet, the last one first.
    devices: Vec<&'a DeviceKeys>,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(evidence: &'a Evidence, tried: Option<Tried>, limits: &Limits) -> Self {
        let mut storage_keys = evidence.storage_keys.clone();
        storage_keys.extend(tried.iter().flat_map(|tried| tried.storage_keys.iter().cloned()));
        let storage = evidence.storage.iter().filter(|_| !storage_keys.is_empty());
        let opening = Opening::new(storage.flat_map(SecretStorage::secrets), &storage_keys);
        let facts = Facts {
            tried,
            stored: None,
            drafted: None,
            former: Vec::new(),
            trusted: Vec::new(),
            devices: Vec::new(),
            claimed: claimed_signers(evidence),
            signatures: SignatureReport::default(),
            storage_keys,
            secrets: Vec::new(),
            verified: VerifiedPublicKeys::none(evidence.user_id.clone()),
            not_signed_by_master: Vec::new(),
            work: SignatureWork::new(limits),
        };
        let of_user =
            evidence.keys.iter().filter_map(|keys| keys.device_keys.get(&evidence.user_id));
        let devices = of_user.flat_map(|devices| devices.values()).rev().collect();
        Self { evidence, limits: *limits, facts, opening: Some(opening), devices }
    }

    /// Opens so many secrets more, or looks at so many devices more; `true` if nothing is left.
    pub(super) fn advance(&mut self, steps: u32) -> bool {
        let Some(opening) = &mut self.opening else { return self.look_at_devices(steps) };
        let keys = &mut self.facts.storage_keys;
        if opening.advance(keys, &PublicKeys::default(), steps) {
            let opening = self.opening.take();
            self.facts.secrets = opening.map_or_else(Vec::new, |opening| opening.finish(keys));
            self.look_at_secrets();
        }
        false
    }

    /// What was found out.
    pub(super) fn finish(self) -> Facts {
        self.facts
    }

    /// What follows from the secrets.
    fn look_at_secrets(&mut self) {
        let (evidence, facts, limits) = (self.evidence, &mut self.facts, &self.limits);
        facts.verified = verified_keys(evidence, &facts.secrets, &mut facts.work, limits);
        let under = |name: &str| facts.opened(name)?.backup_key();
        let drafted = under(MEGOLM_BACKUP_V1_RECOVERY_KEY);
        let stored = under(MEGOLM_BACKUP_V1).or_else(|| drafted.clone());
        (facts.stored, facts.drafted) = (stored, drafted);
        let opened = facts.secrets.iter().filter_map(SecretVerdict::opened_by_known);
        let former = opened.filter(|opened| is_former_backup_key(opened.name()));
        facts.former = former.filter_map(OpenedSecret::backup_key).take(MAX_BACKUPS).collect();
        facts.trusted = trusted_signers(evidence, &facts.verified);
        facts.not_signed_by_master = not_signed_by_master(evidence, &mut facts.work, limits);
        look_at_backup(evidence, facts, limits);
    }

    fn look_at_devices(&mut self, devices: u32) -> bool {
        let facts = &mut self.facts;
        let self_signing = facts.verified.as_public_keys().self_signing;
        let Some(self_signing) = self_signing.map(TrustedSigner::of_cross_signing_key) else {
            return true;
        };
        for _ in 0..devices {
            let Some(device) = self.devices.pop() else { return true };
            // Whoever signs a device must not be able to name it: the device itself says who it is.
            if device.is_of_user(&self_signing, &mut facts.work, &self.limits) {
                let signer = TrustedSigner::new(device.key_id().clone(), *device.ed25519());
                facts.devices.push(signer);
            }
        }
        self.devices.is_empty()
    }
}

/// Checks the signatures of the current backup before anything else may take up the work, and pins its key if one of them
/// counts.
fn look_at_backup(evidence: &Evidence, facts: &mut Facts, limits: &Limits) {
    let Some(auth_data) = evidence.current().and_then(|info| info.auth_data().ok()) else { return };
    // Devices are found by their labels here; which of them are the user's is seen afterwards.
    let signers = &Signers::new(&facts.trusted, &facts.claimed);
    let work = &mut facts.work;
    facts.signatures = auth_data.check_signatures_with(&evidence.user_id, signers, work, limits);
    if facts.trusts_for_good(evidence) {
        facts.verified.pin_backup(*auth_data.public_key().as_curve25519());
    }
}

/// What was typed, while it is tried.
#[derive(Debug)]
pub(super) struct Typing<'a> {
    unlock: Option<Unlock<'a>>,
    /// The passphrases of backups, the current one first. They come after the storage's.
    backups: VecDeque<BackupPassphraseAttempts>,
    tried: Option<Tried>,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Tried {
    /// The keys of the secret storage that it gives, or a key that fits its description and opens nothing.
    pub(super) storage_keys: Vec<SecretStorageKey>,
    pub(super) attempts: Vec<UnlockAttempt>,
    /// The keys of backups that it gives or may give, without regard to which backup.
    pub(super) backup_keys: Vec<BackupDecryptionKey>,
    /// The passphrase of a backup, if it is one.
    pub(super) passphrase: Option<FittingPassphrase>,
    /// The backups on which it was not tried, since that would have been too much work.
    pub(super) not_tried: Vec<BackupVersion>,
    /// Why it gives no key of the storage.
    pub(super) failure: Option<UnlockFailure>,
}

impl<'a> Typing<'a> {
    pub(super) fn new(evidence: &'a Evidence, typed: Option<&str>, limits: &Limits) -> Self {
        let Some(typed) = typed else {
            return Self { unlock: None, backups: VecDeque::new(), tried: None };
        };
        let mut public_keys = PublicKeys::default();
        let current = evidence.current().and_then(|info| info.auth_data().ok());
        public_keys.backup = current.map(|auth_data| *auth_data.public_key().as_curve25519());
        let storage = evidence.storage.as_ref();
        let unlock = storage.map(|storage| storage.start_unlock(typed, &public_keys, limits));
        let taken = unlock.as_ref().map_or(0, |unlock| unlock.progress().at_most);
        let left = limits.unlock_rounds.saturating_sub(taken);
        let (tried, backups) = try_on_backups(evidence, typed, left);
        Self { unlock, backups, tried: Some(tried) }
    }

    pub(super) fn advance(&mut self, rounds: u32) -> bool {
        if let Some(unlock) = &mut self.unlock {
            if unlock.advance(rounds) {
                self.end_unlocking();
            }
            return self.unlock.is_none() && self.backups.is_empty();
        }
        if let Some(attempts) = self.backups.front_mut() {
            match attempts.advance(rounds) {
                Ok(None) => {}
                Ok(Some(fitting)) => {
                    if let Some(tried) = &mut self.tried {
                        tried.backup_keys.push(fitting.key.clone());
                        tried.passphrase = Some(fitting);
                    }
                    self.backups.clear();
                }
                Err(_) => drop(self.backups.pop_front()),
            }
        }
        self.backups.is_empty()
    }

    pub(super) fn progress(&self) -> Option<PassphraseProgress> {
        let of_backup = || self.backups.front().map(BackupPassphraseAttempts::progress);
        self.unlock.as_ref().map(Unlock::progress).or_else(of_backup)
    }

    pub(super) fn finish(self) -> Option<Tried> {
        self.tried
    }

    fn end_unlocking(&mut self) {
        let (Some(unlock), Some(tried)) = (self.unlock.take(), &mut self.tried) else { return };
        let (keys, attempts) = unlock.finish_with_keys();
        match attempts {
            Ok(attempts) => {
                tried.failure = None;
                (tried.storage_keys, tried.attempts) = (keys, attempts);
                // It is the storage's, so it is not a passphrase of backups before there was one.
                self.backups.clear();
            }
            Err(error) => {
                tried.attempts = error.attempts;
                if matches!(error.reason, UnlockFailure::OpensNothing { .. }) {
                    // What it should open is said to be damaged, and can be stored again.
                    tried.storage_keys = keys;
                }
                tried.failure = Some(match tried.failure.take() {
                    Some(of_backup) => error.reason.with_backup(of_backup),
                    None => error.reason,
                });
            }
        }
    }
}

/// What a text is to the backups, without regard to the storage, and the passphrases that are to be tried within so many
/// rounds.
fn try_on_backups(
    evidence: &Evidence,
    typed: &str,
    mut left: u64,
) -> (Tried, VecDeque<BackupPassphraseAttempts>) {
    let (mut tried, mut backups) = (Tried::default(), VecDeque::new());
    let error = match RecoveryKey::typed_by_user(typed) {
        Ok(key) => return (of_recovery_key(evidence, typed, key), backups),
        Err(error) => error,
    };
    let is_empty = matches!(error, RecoveryKeyError::Empty);
    let mut takes_passphrase = false;
    for info in evidence.versions().filter(|info| has_passphrase(info)) {
        takes_passphrase = true;
        if is_empty {
            break;
        }
        let attempts = attempts(info, typed).filter(|_| backups.len() < MAX_BACKUPS);
        let at_most = attempts.as_ref().map(|attempts| attempts.progress().at_most);
        let less = at_most.and_then(|at_most| left.checked_sub(at_most));
        if let (Some(attempts), Some(less)) = (attempts, less) {
            left = less;
            backups.push_back(attempts);
        } else {
            tried.not_tried.push(info.version().clone());
        }
    }
    let was_tried = !backups.is_empty();
    let failure =
        UnlockFailure::of_backup(typed, &public_keys(evidence), takes_passphrase, was_tried);
    tried.failure = Some(failure);
    (tried, backups)
}

/// A recovery key may be that of a backup.
fn of_recovery_key(evidence: &Evidence, typed: &str, key: RecoveryKey) -> Tried {
    let mut tried = Tried::default();
    tried.backup_keys.push(BackupDecryptionKey::from_recovery_key(key));
    let failure = UnlockFailure::of_backup(typed, &public_keys(evidence), false, false);
    tried.failure = Some(match failure {
        UnlockFailure::RecoveryKeyDoesNotFit if evidence.storage.is_none() => {
            UnlockFailure::NotTheBackupKey
        }
        failure => failure,
    });
    tried
}

/// Those of all backups that can be read.
fn public_keys(evidence: &Evidence) -> Vec<Curve25519PublicKey> {
    let auth_data = evidence.versions().filter_map(|info| info.auth_data().ok());
    auth_data.map(|auth_data| *auth_data.public_key().as_curve25519()).collect()
}

/// Whether the key of a backup can be derived from a passphrase.
fn has_passphrase(info: &BackupVersionInfo) -> bool {
    info.auth_data().is_ok_and(|auth_data| matches!(auth_data.passphrase(), Ok(Some(_))))
}

fn attempts(info: &BackupVersionInfo, typed: &str) -> Option<BackupPassphraseAttempts> {
    BackupPassphraseAttempts::new(info.auth_data().ok()?, typed).ok()
}

/// How many backups a passphrase is tried on, and how many keys of former ones are.
const MAX_BACKUPS: usize = 5;

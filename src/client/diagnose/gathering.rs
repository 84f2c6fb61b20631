//! Finding the facts out, in slices: every device costs two checks of signatures, and a server shows as many as it likes.

use super::{
    Evidence,
    facts::{Facts, claimed_signers, not_signed_by_master, trusted_signers, verified_keys},
    typed::Tried,
};
use crate::{
    Limits,
    secret_storage::{Opening, SecretStorage, VerifiedPublicKeys},
    secret_value::{MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys},
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

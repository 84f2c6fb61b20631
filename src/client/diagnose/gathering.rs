//! Finding the facts out, in slices: every device costs two checks of signatures, and a server shows as many as it likes.

use super::{
    Evidence,
    facts::{Facts, claimed_signers, opened, trusted_signers, verified_keys},
    typed::Tried,
};
use crate::{
    Limits,
    secret_value::{MEGOLM_BACKUP_V1, MEGOLM_BACKUP_V1_RECOVERY_KEY, PublicKeys},
    signed_json::{DeviceKeys, SignatureReport, SignatureWork, Signers, TrustedSigner},
};

/// Facts that are being found out.
pub(super) struct Gathering<'a> {
    limits: Limits,
    facts: Facts,
    work: SignatureWork,
    /// The devices that are not looked at yet, the last one first.
    devices: Vec<&'a DeviceKeys>,
}

impl<'a> Gathering<'a> {
    /// Opens the secrets, which takes about as long as reading them did.
    pub(super) fn new(evidence: &'a Evidence, tried: Option<Tried>, limits: &Limits) -> Self {
        let mut storage_keys = evidence.storage_keys.clone();
        storage_keys.extend(tried.iter().flat_map(|tried| tried.storage_keys.iter().cloned()));
        let secrets = match &evidence.storage {
            Some(storage) if !storage_keys.is_empty() => {
                storage.open_all(&mut storage_keys, &PublicKeys::default())
            }
            _ => Vec::new(),
        };
        let verified = verified_keys(evidence, (&secrets, &storage_keys), limits);
        let under = |name: &str| opened(&secrets, &storage_keys, name)?.backup_key();
        let drafted = under(MEGOLM_BACKUP_V1_RECOVERY_KEY);
        let stored = under(MEGOLM_BACKUP_V1).or_else(|| drafted.clone());
        let mut work = SignatureWork::new(limits);
        let mut facts = Facts {
            tried,
            stored,
            drafted,
            trusted: trusted_signers(evidence, &verified),
            devices: Vec::new(),
            claimed: claimed_signers(evidence),
            signatures: SignatureReport::default(),
            storage_keys,
            secrets,
            verified,
            work: work.clone(),
        };
        look_at_backup(evidence, &mut facts, &mut work, limits);
        let of_user =
            evidence.keys.iter().filter_map(|keys| keys.device_keys.get(&evidence.user_id));
        let devices = of_user.flat_map(|devices| devices.values()).rev().collect();
        Self { limits: *limits, facts, work, devices }
    }

    /// Looks at so many devices more; `true` if none is left.
    pub(super) fn advance(&mut self, devices: u32) -> bool {
        let self_signing = self.facts.verified.as_public_keys().self_signing;
        let Some(self_signing) = self_signing.map(TrustedSigner::of_cross_signing_key) else {
            return true;
        };
        for _ in 0..devices {
            let Some(device) = self.devices.pop() else { return true };
            // Whoever signs a device must not be able to name it: the device itself says who it is.
            if device.is_of_user(&self_signing, &mut self.work, &self.limits) {
                let signer = TrustedSigner::new(device.key_id().clone(), *device.ed25519());
                self.facts.devices.push(signer);
            }
        }
        self.devices.is_empty()
    }

    /// What was found out.
    pub(super) fn finish(mut self) -> Facts {
        self.facts.work = self.work;
        self.facts
    }
}

/// Checks the signatures of the current backup before anything else may take up the work, and pins its key if one of them
/// counts.
fn look_at_backup(
    evidence: &Evidence,
    facts: &mut Facts,
    work: &mut SignatureWork,
    limits: &Limits,
) {
    let Some(auth_data) = evidence.current().and_then(|info| info.auth_data().ok()) else { return };
    // Devices are found by their labels here; which of them are the user's is seen afterwards.
    let signers = &Signers::new(&facts.trusted, &facts.claimed);
    facts.signatures = auth_data.check_signatures_with(&evidence.user_id, signers, work, limits);
    if facts.trusts_for_good(evidence) {
        facts.verified.pin_backup(*auth_data.public_key().as_curve25519());
    }
}

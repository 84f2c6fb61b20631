//! The user's cross-signing keys and devices.

use super::{Case, Findings, IdentityFinding, facts::Facts};
use crate::{
    ids::SecretName,
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING},
    signed_json::TrustedSigner,
};

impl Case<'_> {
    pub(super) fn look_at_identity(&self, findings: &mut Findings) {
        let Some(keys) = &self.evidence.keys else { return };
        let user_id = &self.evidence.user_id;
        for unusable in keys.unusable.iter().filter(|unusable| unusable.user_id == *user_id) {
            let device_id = unusable.device_id.clone();
            findings.add(IdentityFinding::KeyUnusable(device_id, unusable.error.clone()));
        }
        let Some(published) = Facts::published(self.evidence, &CROSS_SIGNING_MASTER.into()) else {
            let is_told = keys.unusable.iter().any(|unusable| unusable.device_id.is_none());
            if !is_told {
                findings.add(IdentityFinding::NoCrossSigning);
            }
            return;
        };
        if let Some(pinned) = self.evidence.master_key.filter(|pinned| *pinned != published) {
            findings.add(IdentityFinding::MasterKeyDiffers { pinned, published });
        }
        let master = self.facts.claimed.iter().find(|signer| *signer.key() == published);
        let Some(master) = master else { return };
        for (name, of_users) in [
            (CROSS_SIGNING_SELF_SIGNING, &keys.self_signing_keys),
            (CROSS_SIGNING_USER_SIGNING, &keys.user_signing_keys),
        ] {
            let Some(key) = of_users.get(user_id) else { continue };
            let by: &[TrustedSigner] = std::slice::from_ref(master);
            let report = key.object().verify(user_id, by, self.limits);
            if report.trusted_signer().is_none() {
                findings.add(IdentityFinding::NotSignedByMaster(SecretName::from(name)));
            }
        }
    }
}

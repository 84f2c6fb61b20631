//! The user's cross-signing keys and devices.

use super::{Case, Findings, IdentityFinding, facts::Facts};
use crate::secret_value::CROSS_SIGNING_MASTER;

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
        for name in &self.facts.not_signed_by_master {
            findings.add(IdentityFinding::NotSignedByMaster(name.clone()));
        }
    }
}

//! The user's cross-signing keys and devices.

use super::{Case, Findings, IdentityFinding, facts::Facts};
use crate::{
    api::QueriedKeys,
    ids::SecretName,
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING},
    signed_json::TrustedSigner,
};

impl Case<'_> {
    pub(super) fn look_at_identity(&self, findings: &mut Findings) {
        let Some(keys) = &self.evidence.keys else { return };
        let user_id = &self.evidence.user_id;
        for unusable in keys.unusable.iter().filter(|unusable| unusable.user_id == *user_id) {
            let device = unusable.device_id.clone();
            findings.add(IdentityFinding::KeyUnusable { device, error: unusable.error.clone() });
        }
        self.look_for_unpublished(keys, findings);
        let published = Facts::published(self.evidence, &CROSS_SIGNING_MASTER.into());
        let Some(published) = published else { return };
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
                findings.add(IdentityFinding::NotSignedByMaster { name: SecretName::from(name) });
            }
        }
    }

    /// Which cross-signing keys are not published, and whether they are stored.
    fn look_for_unpublished(&self, keys: &QueriedKeys, findings: &mut Findings) {
        let names = [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING];
        let names = names.map(SecretName::from);
        let storage = self.evidence.storage.as_ref();
        let is_stored = |name: &&SecretName| storage.is_some_and(|it| it.secret(name).is_some());
        let is_published = |name: &&SecretName| Facts::published(self.evidence, name).is_some();
        let mut of_user = keys.unusable.iter().filter(|it| it.user_id == self.evidence.user_id);
        // Which of the keys it is that cannot be used is not known.
        let has_unusable = of_user.any(|unusable| unusable.device_id.is_none());
        let (stored, gone): (Vec<_>, Vec<_>) =
            names.iter().filter(|name| !is_published(name)).partition(is_stored);
        for name in &stored {
            findings.add(IdentityFinding::NotPublished { name: (*name).clone() });
        }
        match storage {
            _ if has_unusable => {}
            None if gone.len() == names.len() => findings.add(IdentityFinding::NonePublished),
            None => {}
            Some(_) if gone.len() == names.len() => findings.add(IdentityFinding::NoCrossSigning),
            Some(_) => {
                let missing = gone.into_iter().cloned();
                missing.for_each(|name| findings.add(IdentityFinding::KeyMissing { name }));
            }
        }
    }
}

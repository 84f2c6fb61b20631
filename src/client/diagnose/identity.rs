//! The user's cross-signing keys and devices.

use super::{Case, Findings, IdentityFinding, facts::Facts};
use crate::{
    api::QueriedKeys,
    ids::SecretName,
    secret_value::{CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING},
    signed_json::QueriedKeyError,
};

impl Case<'_> {
    pub(super) fn look_at_identity(&self, findings: &mut Findings) {
        let Some(keys) = self.evidence.own_keys() else { return };
        let user_id = &self.evidence.user_id;
        for unusable in keys.unusable.iter().filter(|unusable| unusable.user_id == *user_id) {
            let (device, error) = (unusable.device_id.clone(), unusable.error.clone());
            findings.add(match error {
                QueriedKeyError::NotAnObject => IdentityFinding::DevicesUnreadable,
                error => IdentityFinding::KeyUnusable { device, error },
            });
        }
        self.look_for_unpublished(keys, findings);
        let published = Facts::published(self.evidence, &CROSS_SIGNING_MASTER.into());
        let Some(published) = published else { return };
        if let Some(pinned) = self.evidence.master_key.filter(|pinned| *pinned != published) {
            findings.add(IdentityFinding::MasterKeyDiffers { pinned, published });
        }
        for name in &self.facts.not_signed_by_master {
            findings.add(IdentityFinding::NotSignedByMaster { name: name.clone() });
        }
    }

    /// Which cross-signing keys are not published, and whether they are stored.
    fn look_for_unpublished(&self, keys: &QueriedKeys, findings: &mut Findings) {
        let names = [CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING];
        let names = names.map(SecretName::from);
        let storage = self.evidence.storage.as_ref();
        // What cannot be read may be all that is left of a key, so that no other takes its place; the secret says so. Nor does
        // one take the place of a key that is stored: that is published again.
        let is_unreadable = |name: &SecretName| storage.is_some_and(|it| it.is_unreadable(name));
        let is_stored = |name: &&SecretName| storage.is_some_and(|it| it.secret(name).is_some());
        let is_published = |name: &&SecretName| Facts::published(self.evidence, name).is_some();
        let mut of_user = keys.unusable.iter().filter(|it| it.user_id == self.evidence.user_id);
        // Which of the keys it is that cannot be used is not known.
        let has_unusable = of_user.any(|unusable| {
            unusable.device_id.is_none() && unusable.error != QueriedKeyError::NotAnObject
        });
        let (stored, gone): (Vec<_>, Vec<_>) =
            names.iter().filter(|name| !is_published(name)).partition(is_stored);
        let has_none = gone.len() == names.len();
        for name in stored.into_iter().filter(|name| !is_unreadable(name)) {
            findings.add(IdentityFinding::NotPublished { name: name.clone() });
        }
        let gone: Vec<_> = gone.into_iter().filter(|name| !is_unreadable(name)).collect();
        match storage {
            _ if has_unusable => {}
            None if has_none => findings.add(IdentityFinding::NonePublished),
            None => {}
            Some(_) if gone.len() == names.len() => findings.add(IdentityFinding::NoCrossSigning),
            Some(_) => {
                let missing = gone.into_iter().cloned();
                missing.for_each(|name| findings.add(IdentityFinding::KeyMissing { name }));
            }
        }
    }
}

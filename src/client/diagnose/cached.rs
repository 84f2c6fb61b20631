//! The secrets that the host has on this device, against those in the key storage.

use super::{Case, Findings, Fitting, SecretFinding, facts::Facts};
use crate::{
    secret_storage::OpenedSecret,
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING, PublicKeys,
        SecretValue,
    },
};

impl Case<'_> {
    /// What cannot be read out of the key storage was said already.
    pub(super) fn look_at_cached(&self, findings: &mut Findings) {
        let public_keys = self.public_keys();
        for cached in self.evidence.cached_secrets() {
            let opened = self.facts.opened(cached.name().as_str());
            let stored = opened.and_then(|opened| opened.value().ok());
            if let Some(stored) = stored.map(|read| read.value).filter(|stored| *stored != cached) {
                let name = cached.name().clone();
                let fits = match fitting(&public_keys, &stored, &cached) {
                    // Whoever has put it there can have published a key for it, too.
                    Fitting::Stored if !opened.is_some_and(OpenedSecret::is_authenticated) => {
                        Fitting::Unknown
                    }
                    fits => fits,
                };
                findings.add(SecretFinding::CachedDiffers { name, fits });
            }
        }
    }

    /// The public keys that are published; the master key that the host has pinned counts before them.
    fn public_keys(&self) -> PublicKeys {
        let published = |name: &str| Facts::published(self.evidence, &name.into());
        let backup = self.evidence.current().and_then(|info| info.auth_data().ok());
        PublicKeys {
            backup: backup.map(|auth_data| *auth_data.public_key().as_curve25519()),
            master: self.evidence.master_key.or_else(|| published(CROSS_SIGNING_MASTER)),
            self_signing: published(CROSS_SIGNING_SELF_SIGNING),
            user_signing: published(CROSS_SIGNING_USER_SIGNING),
        }
    }
}

fn fitting(public_keys: &PublicKeys, stored: &SecretValue, cached: &SecretValue) -> Fitting {
    match (public_keys.check(stored), public_keys.check(cached)) {
        (Ok(true), _) => Fitting::Stored,
        (_, Ok(true)) => Fitting::Cached,
        (Err(_), Err(_)) => Fitting::Neither,
        (Ok(false), _) | (_, Ok(false)) => Fitting::Unknown,
    }
}

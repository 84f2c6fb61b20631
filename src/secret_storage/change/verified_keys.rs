//! Public keys that the user's master key vouches for.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::{
    Limits,
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::{SecretName, UserId},
    secret_value::{PublicKeys, SecretShape, SecretValue},
    signed_json::{CrossSigningKey, CrossSigningUsage, SignatureWork},
};

/// Public keys of an account that the user pinned, or that the pinned master key signed.
///
/// A secret that belongs to one of them is the user's, wherever it was stored. A public key that only
/// the server vouches for must not come in here.
#[derive(Debug, Clone)]
pub struct VerifiedPublicKeys {
    user_id: UserId,
    keys: PublicKeys,
}

/// What may be believed of secrets that others than the user can have stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Belief {
    /// Public keys that are the user's for sure.
    pub(crate) verified: Option<VerifiedPublicKeys>,
    /// Secrets of which the user said that they are theirs.
    pub(crate) accepted: BTreeSet<SecretName>,
}

impl Belief {
    pub(crate) fn new(public_keys: &VerifiedPublicKeys, accepted: &[SecretName]) -> Self {
        Self { verified: Some(public_keys.clone()), accepted: accepted.iter().cloned().collect() }
    }

    /// Whether a secret may be stored, where it counts as authentic for good.
    pub(crate) fn lets_store(&self, secret: &SecretValue) -> bool {
        self.accepted.contains(secret.name())
            || self.verify(secret.clone()).provenance().is_lasting()
    }

    /// Whether a secret belongs to a public key that is the user's for sure.
    pub(super) fn knows(&self, secret: &SecretValue) -> bool {
        self.verified.as_ref().is_some_and(|verified| verified.keys.check(secret) == Ok(true))
    }

    /// Whether a secret is what the account's public keys say, if it is one that has a public key; or the user has
    /// accepted it, and it is not known to be wrong.
    pub(crate) fn fits(&self, secret: &SecretValue) -> bool {
        let checked = self.verified.as_ref().map(|verified| verified.keys.check(secret));
        match checked {
            Some(Ok(true)) => true,
            Some(Err(_)) => false,
            None | Some(Ok(false)) => {
                let is_seed = SecretShape::of(secret.name()) == SecretShape::CrossSigningSeed;
                !is_seed || self.accepted.contains(secret.name())
            }
        }
    }

    /// A secret with what the public keys say of it.
    pub(super) fn verify(&self, secret: SecretValue) -> SecretValue {
        match &self.verified {
            Some(verified) => verified.vouch(secret),
            None => secret,
        }
    }
}

/// Why a public key is not taken as verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotVerified {
    /// There is no pinned master key to verify with.
    #[error("there is no master key to verify with")]
    NoMasterKey,
    /// The homeserver has another master key than the pinned one.
    #[error("the account has another master key than the one that was compared")]
    OtherMasterKey,
    /// The master key did not sign it.
    #[error("the master key did not sign it")]
    NotSigned,
    /// It is a key of another user.
    #[error("it is a key of another user")]
    OtherUser,
    /// It is a master key, which nothing but the host can say is the user's.
    #[error("a master key is the user\u{2019}s if it was compared, not because it is signed")]
    IsMaster,
}

impl VerifiedPublicKeys {
    /// Knows nothing of the user's keys: every unauthenticated secret needs the user's acceptance.
    #[must_use]
    pub fn none(user_id: UserId) -> Self {
        Self { user_id, keys: PublicKeys::default() }
    }

    /// With the user's master key, which the host has pinned or the user has compared.
    #[must_use]
    pub fn with_master(user_id: UserId, master: Ed25519PublicKey) -> Self {
        let keys = PublicKeys { master: Some(master), ..PublicKeys::default() };
        Self { user_id, keys }
    }

    /// The same as it was, from the secret part of a saved state.
    pub(crate) fn saved(user_id: UserId, keys: PublicKeys) -> Self {
        Self { user_id, keys }
    }

    /// Adds the public key of the backup, which the host has pinned, or which a
    /// [`TrustedBackup`](crate::backup::TrustedBackup) has for a [reason](crate::backup::TrustedBackup::reason) that lasts:
    /// not the signature of a device, nor a key that a device has shared.
    pub fn pin_backup(&mut self, public_key: Curve25519PublicKey) {
        self.keys.backup = Some(public_key);
    }

    /// Adds a self-signing or user-signing key, if the master key signed it. The master key itself is pinned, never
    /// added.
    ///
    /// # Errors
    ///
    /// [`NotVerified`] if it did not, or the key is another user's.
    pub fn add_cross_signing_key(
        &mut self,
        key: &CrossSigningKey,
        limits: &Limits,
    ) -> Result<(), NotVerified> {
        self.add_cross_signing_key_with(key, &mut SignatureWork::new(limits), limits)
    }

    /// The same with what work is left.
    pub(crate) fn add_cross_signing_key_with(
        &mut self,
        key: &CrossSigningKey,
        work: &mut SignatureWork,
        limits: &Limits,
    ) -> Result<(), NotVerified> {
        let master = self.keys.master.ok_or(NotVerified::NoMasterKey)?;
        if *key.user_id() != self.user_id {
            return Err(NotVerified::OtherUser);
        }
        let place = match key.usage() {
            CrossSigningUsage::SelfSigning => &mut self.keys.self_signing,
            CrossSigningUsage::UserSigning => &mut self.keys.user_signing,
            CrossSigningUsage::Master => return Err(NotVerified::IsMaster),
        };
        if !key.is_signed_with(&master, work, limits) {
            return Err(NotVerified::NotSigned);
        }
        *place = Some(*key.ed25519());
        Ok(())
    }

    /// A secret that belongs to one of them is the user's for sure, wherever it came from; another one stays what it is.
    #[must_use]
    pub fn vouch(&self, secret: SecretValue) -> SecretValue {
        if self.keys.check(&secret) == Ok(true) { secret.verified() } else { secret }
    }

    /// The keys, for everything that takes unverified ones.
    #[must_use]
    pub fn as_public_keys(&self) -> &PublicKeys {
        &self.keys
    }
}

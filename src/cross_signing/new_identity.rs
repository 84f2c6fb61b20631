//! A digital identity for a user that has none.

// docs/decisions.md, 33: a device is signed as the caller knows it.

use std::fmt;

use rand_core::CryptoRng;

use super::SelfSigningKey;
use crate::{
    crypto::ed25519::{Ed25519PublicKey, Ed25519Seed, Ed25519SigningKey},
    ids::UserId,
    randomness::{NoRandomness, with_os_rng},
    secret_value::{
        CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING, CROSS_SIGNING_USER_SIGNING, SecretValue,
    },
    signed_json::{CrossSigningUsage, KeysToSign, ToSign, TrustedSigner},
};

/// Three new cross-signing keys of a user
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#cross-signing)), of which nobody knows yet.
///
/// [`QueriedKeys::new_identity`](crate::api::QueriedKeys::new_identity) draws one for a user that has none. Store its
/// [secrets](Self::secrets) before [`upload_signing_keys`](crate::api::upload_signing_keys) publishes it: an identity whose
/// seeds are lost has to be reset. Then the [self-signing key](Self::self_signing_key) signs the first device.
#[derive(Clone)]
pub struct NewIdentity {
    user_id: UserId,
    master: Ed25519SigningKey,
    self_signing: Ed25519SigningKey,
    user_signing: Ed25519SigningKey,
}

impl NewIdentity {
    /// Draws an identity that takes the place of one that the user may have, because the user said so: everybody who has
    /// verified them is told that their identity has changed, and all their devices have to be verified anew.
    #[must_use]
    pub fn replacing_old_identity_with_rng(user_id: UserId, rng: &mut impl CryptoRng) -> Self {
        let [master, self_signing, user_signing] =
            [(); 3].map(|()| Ed25519SigningKey::new(Ed25519Seed::generate_with_rng(rng)));
        Self { user_id, master, self_signing, user_signing }
    }

    /// The same with the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the operating system has none to give.
    pub fn replacing_old_identity(user_id: UserId) -> Result<Self, NoRandomness> {
        with_os_rng(|rng| Self::replacing_old_identity_with_rng(user_id, rng))
    }

    /// Whose identity it is.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The master key: pin it once it is published.
    #[must_use]
    pub fn master_key(&self) -> &Ed25519PublicKey {
        self.master.public_key()
    }

    /// The seeds of the master, the self-signing and the user-signing key, to be stored.
    #[must_use]
    pub fn secrets(&self) -> [SecretValue; 3] {
        [
            (CROSS_SIGNING_MASTER, &self.master),
            (CROSS_SIGNING_SELF_SIGNING, &self.self_signing),
            (CROSS_SIGNING_USER_SIGNING, &self.user_signing),
        ]
        .map(|(name, key)| SecretValue::generated_seed(name, key.seed().clone()))
    }

    /// The self-signing key, to sign the first device.
    #[must_use]
    pub fn self_signing_key(&self) -> SelfSigningKey {
        SelfSigningKey {
            user_id: self.user_id.clone(),
            master_key: *self.master_key(),
            key: self.self_signing.clone(),
        }
    }

    /// The three objects to publish, the second and the third signed by the master key.
    pub(crate) fn to_publish(&self) -> [String; 3] {
        let typed = |usage, key: &Ed25519SigningKey| {
            KeysToSign::cross_signing_key(&self.user_id, usage, key.public_key())
        };
        let key_id = TrustedSigner::of_cross_signing_key(*self.master_key()).key_id().clone();
        let signed = |usage, key: &Ed25519SigningKey| {
            let keys = typed(usage, key);
            let signature = ToSign::CrossSigningKey(keys.clone()).sign_with(&self.master);
            keys.with_signature(&key_id, &signature)
        };
        [
            typed(CrossSigningUsage::Master, &self.master).without_signature(),
            signed(CrossSigningUsage::SelfSigning, &self.self_signing),
            signed(CrossSigningUsage::UserSigning, &self.user_signing),
        ]
    }
}

impl fmt::Debug for NewIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, master, self_signing: _, user_signing: _ } = self;
        f.debug_struct("NewIdentity")
            .field("user_id", user_id)
            .field("master_key", master.public_key())
            .finish_non_exhaustive()
    }
}

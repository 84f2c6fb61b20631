//! Writing in the way of 2019, for those who have to.

use super::{Change, ChangeError, PlanNote};
use crate::{
    Limits,
    crypto::{
        curve25519::Curve25519PublicKey,
        curve25519_aes_sha2::{MacScheme, seal_with_rng},
    },
    ids::{EventType, SecretName, SecretStorageKeyId, UserId},
    secret_storage::{
        encrypted_secret::{legacy_entry_json, with_entries},
        key_description::{KeyAlgorithm, KeyDescription, KeyTest},
    },
    signed_json::TrustedSigner,
};

/// The public key of an asymmetric secret storage, whose description a trusted key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyPublicKey {
    id: SecretStorageKeyId,
    public_key: Curve25519PublicKey,
}

impl KeyDescription {
    /// The public key of an asymmetric storage, if one of these trusted keys of the user signed the
    /// description; otherwise it may be the server's.
    #[must_use]
    pub fn verify_legacy(
        &self,
        user_id: &UserId,
        trusted: &[TrustedSigner],
        limits: &Limits,
    ) -> Option<LegacyPublicKey> {
        let KeyTest::PublicKey(public_key) = *self.test() else { return None };
        let is_signed = self.check_signatures(user_id, trusted, limits).trusted_signer().is_some();
        (is_signed && self.algorithm() == &KeyAlgorithm::Curve25519AesSha2)
            .then(|| LegacyPublicKey { id: self.id().clone(), public_key })
    }
}

impl Change<'_> {
    /// Encrypts a secret asymmetrically, beside what is there, for clients that know nothing else.
    /// Whoever reads it cannot tell who wrote it.
    ///
    /// # Errors
    ///
    /// [`ChangeError::NoSuchKey`] if the key is not described any more, and as [`Change::store_under`].
    pub fn store_legacy_asymmetric(
        &mut self,
        name: &SecretName,
        text: &str,
        key: &LegacyPublicKey,
    ) -> Result<(), ChangeError> {
        self.check_value(name, text)?;
        let described = self.storage.key(&key.id).map(KeyDescription::test);
        if described != Some(&KeyTest::PublicKey(key.public_key)) {
            return Err(ChangeError::NoSuchKey(key.id.clone()));
        }
        let scheme = MacScheme::EmptyString;
        let message = seal_with_rng(&key.public_key, text.as_bytes(), scheme, &mut self.rng)
            .map_err(|_| ChangeError::NonContributory)?;
        let content = self.storage.content(&EventType::from(name.as_str()));
        let content = with_entries(content, [(&key.id, &*legacy_entry_json(&message))]);
        self.write_secret(name, content, PlanNote::StoreLegacy(name.clone()));
        Ok(())
    }
}

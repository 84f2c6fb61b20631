//! Public keys that the user's master key vouches for.

use thiserror::Error;

use crate::{
    Limits,
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    encoding::canonical_json::JsonValue,
    ids::{KeyId, UserId},
    secret_value::PublicKeys,
    signed_json::{SignedObject, TrustedSigner},
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

/// Why a public key is not taken as verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotVerified {
    /// There is no pinned master key to verify with.
    #[error("there is no master key to verify with")]
    NoMasterKey,
    /// The master key did not sign it.
    #[error("the master key did not sign it")]
    NotSigned,
    /// It is not a cross-signing key or a backup's public data.
    #[error("it holds no public key of the kind")]
    NoKey,
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

    /// Adds the public key of the backup, which the host has pinned.
    pub fn pin_backup(&mut self, public_key: Curve25519PublicKey) {
        self.keys.backup = Some(public_key);
    }

    /// Adds the public key of the backup out of its `auth_data`, if the master key signed that.
    ///
    /// # Errors
    ///
    /// [`NotVerified`] if it did not.
    pub fn add_backup(
        &mut self,
        auth_data: &SignedObject,
        limits: &Limits,
    ) -> Result<(), NotVerified> {
        self.verify(auth_data, limits)?;
        let text = auth_data.get("public_key").and_then(JsonValue::as_str);
        let key = text.and_then(|text| Curve25519PublicKey::from_base64(text).ok());
        self.keys.backup = Some(key.ok_or(NotVerified::NoKey)?);
        Ok(())
    }

    /// Adds a self-signing or user-signing key as `/keys/query` returns it, if the master key signed it.
    ///
    /// # Errors
    ///
    /// [`NotVerified`] if it did not.
    pub fn add_cross_signing_key(
        &mut self,
        key: &SignedObject,
        limits: &Limits,
    ) -> Result<(), NotVerified> {
        self.verify(key, limits)?;
        let public_key = public_key(key).ok_or(NotVerified::NoKey)?;
        let Some(JsonValue::Array(usage)) = key.get("usage") else {
            return Err(NotVerified::NoKey);
        };
        match usage.as_slice() {
            [JsonValue::String(usage)] if usage == "self_signing" => {
                self.keys.self_signing = Some(public_key);
            }
            [JsonValue::String(usage)] if usage == "user_signing" => {
                self.keys.user_signing = Some(public_key);
            }
            _ => return Err(NotVerified::NoKey),
        }
        Ok(())
    }

    /// The keys, for everything that takes unverified ones.
    #[must_use]
    pub fn as_public_keys(&self) -> &PublicKeys {
        &self.keys
    }

    fn verify(&self, object: &SignedObject, limits: &Limits) -> Result<(), NotVerified> {
        let master = self.keys.master.ok_or(NotVerified::NoMasterKey)?;
        let label = KeyId::new(format!("ed25519:{}", master.to_base64()));
        let trusted = [TrustedSigner::new(label, master)];
        let report = object.verify(&self.user_id, &trusted, limits);
        report.trusted_signer().map(drop).ok_or(NotVerified::NotSigned)
    }
}

/// The one public key of a cross-signing key object.
fn public_key(object: &SignedObject) -> Option<Ed25519PublicKey> {
    match object.get("keys")?.as_object()? {
        [(_, JsonValue::String(key))] => Ed25519PublicKey::from_base64(key).ok(),
        _ => None,
    }
}

//! One cross-signing key.

use serde_json::value::RawValue;

use super::QueriedKeyError;
use crate::{
    Limits,
    crypto::ed25519::Ed25519PublicKey,
    encoding::canonical_json::JsonValue,
    ids::{KeyId, UserId},
    signed_json::SignedObject,
};

/// One cross-signing key
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#cross-signing)), with whatever
/// signatures it came with.
///
/// The homeserver can return any key: a master key is the user's if the host has pinned it, the other
/// two are if the master key signed them.
#[derive(Debug, Clone)]
pub struct CrossSigningKey {
    object: SignedObject,
    key_id: KeyId,
    ed25519: Ed25519PublicKey,
}

impl CrossSigningKey {
    /// The whole object, to be verified or signed.
    #[must_use]
    pub fn object(&self) -> &SignedObject {
        &self.object
    }

    /// The ID that the key was returned under: `ed25519:` and, by the specification, the key itself.
    /// The bytes of the key count, not this.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The key.
    #[must_use]
    pub fn ed25519(&self) -> &Ed25519PublicKey {
        &self.ed25519
    }

    pub(super) fn read(
        user_id: &UserId,
        usage: &str,
        value: &RawValue,
        limits: &Limits,
    ) -> Result<Self, QueriedKeyError> {
        let object = SignedObject::from_json(value.get(), limits)?;
        if object.get("user_id").and_then(JsonValue::as_str) != Some(user_id.as_str()) {
            return Err(QueriedKeyError::OtherUser);
        }
        let is_for = |value: &JsonValue| matches!(value, JsonValue::Array(uses) if uses.iter().any(|one| one.as_str() == Some(usage)));
        if !object.get("usage").is_some_and(is_for) {
            return Err(QueriedKeyError::OtherUsage);
        }
        let keys = object.get("keys").and_then(JsonValue::as_object).unwrap_or_default();
        let mut keys = keys.iter().map(|(id, key)| (KeyId::from(id.as_str()), key));
        let (Some((key_id, key)), None) = (keys.next(), keys.next()) else {
            return Err(QueriedKeyError::NotOneKey);
        };
        let key = key.as_str().filter(|_| key_id.algorithm() == "ed25519");
        let ed25519 = Ed25519PublicKey::from_base64(key.ok_or(QueriedKeyError::NotOneKey)?)?;
        Ok(Self { object, key_id, ed25519 })
    }
}

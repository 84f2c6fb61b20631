//! The keys of one device.

use serde_json::value::RawValue;

use super::QueriedKeyError;
use crate::{
    Limits,
    crypto::ed25519::Ed25519PublicKey,
    encoding::canonical_json::JsonValue,
    ids::{DeviceId, KeyId, UserId},
    signed_json::SignedObject,
};

/// The keys of one device
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#device-keys)), with whatever
/// signatures they came with.
///
/// That it belongs to its user is a claim until a key that the host trusts signed it, and that its
/// Ed25519 key made it is one until [`SignedObject::verify`] with that key says so.
#[derive(Debug, Clone)]
pub struct DeviceKeys {
    object: SignedObject,
    key_id: KeyId,
    ed25519: Ed25519PublicKey,
}

impl DeviceKeys {
    /// The whole object, to be verified or signed.
    #[must_use]
    pub fn object(&self) -> &SignedObject {
        &self.object
    }

    /// The ID of the device's Ed25519 key: `ed25519:` and the device ID.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The device's Ed25519 key.
    #[must_use]
    pub fn ed25519(&self) -> &Ed25519PublicKey {
        &self.ed25519
    }

    pub(super) fn read(
        user_id: &UserId,
        device_id: &DeviceId,
        value: &RawValue,
        limits: &Limits,
    ) -> Result<Self, QueriedKeyError> {
        let object = SignedObject::from_json(value.get(), limits)?;
        let claims = |name, id: &str| object.get(name).and_then(JsonValue::as_str) == Some(id);
        if !claims("user_id", user_id.as_str()) {
            return Err(QueriedKeyError::OtherUser);
        }
        if !claims("device_id", device_id.as_str()) {
            return Err(QueriedKeyError::OtherDevice);
        }
        let key_id = KeyId::ed25519(device_id);
        let key = object.get("keys").and_then(|keys| keys.get(key_id.as_str()));
        let key = key.and_then(JsonValue::as_str).ok_or(QueriedKeyError::NotOneKey)?;
        let ed25519 = Ed25519PublicKey::from_base64(key)?;
        Ok(Self { object, key_id, ed25519 })
    }
}

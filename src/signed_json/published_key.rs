//! What the keys that users publish have in common.

use thiserror::Error;

use super::SignedObject;
use crate::{
    crypto::ed25519::Ed25519PublicKey,
    encoding::{canonical_json::JsonValue, format::FormatError},
    ids::KeyId,
};

/// Why a key in a response cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueriedKeyError {
    /// What was returned in the place of a user's devices is not an object.
    #[error("the list of the user's devices is not a JSON object")]
    NotAnObject,
    /// It is not an object that could be signed.
    #[error("it cannot be read ({0})")]
    Json(FormatError),
    /// It could be read as another kind of signed object as well: a device's keys with the public key of a
    /// backup in them, say. A signature that was made for the one must not count for the other.
    #[error("it could be mistaken for something else that is signed, so it is not accepted")]
    OtherKind,
    /// It claims to belong to another user, or to none.
    #[error("it does not say that it belongs to the user that it was returned for")]
    OtherUser,
    /// It claims to belong to another device, or to none.
    #[error("it does not say that it belongs to this device")]
    OtherDevice,
    /// It is not for what it was returned as, and for that alone: a self-signing key among the master keys, say.
    #[error("its \u{201c}usage\u{201d} is not that of the key that it was returned as")]
    OtherUsage,
    /// It does not hold exactly one Ed25519 key.
    #[error("it does not contain exactly one Ed25519 key")]
    NotOneKey,
    /// Its Ed25519 key cannot be used.
    #[error("{0}")]
    Key(FormatError),
}

/// The only key of an object, which is an Ed25519 key.
pub(super) fn one_ed25519_key(
    object: &SignedObject,
) -> Result<(KeyId, Ed25519PublicKey), QueriedKeyError> {
    let keys = object.get("keys").and_then(JsonValue::as_object).unwrap_or_default();
    let [(key_id, JsonValue::String(key))] = keys else { return Err(QueriedKeyError::NotOneKey) };
    let key_id = KeyId::from(key_id.as_str());
    if key_id.algorithm() != "ed25519" {
        return Err(QueriedKeyError::NotOneKey);
    }
    Ok((key_id, Ed25519PublicKey::from_base64(key).map_err(QueriedKeyError::Key)?))
}

//! What the keys that users publish have in common.

use super::SignedObject;
use crate::{
    crypto::ed25519::Ed25519PublicKey,
    encoding::{
        canonical_json::JsonValue,
        format::{FormatError, FormatProblem},
    },
    ids::KeyId,
};

/// The only key of an object, which is an Ed25519 key.
pub(super) fn one_ed25519_key(
    object: &SignedObject,
) -> Result<(KeyId, Ed25519PublicKey), FormatError> {
    let keys = object.get("keys").and_then(JsonValue::as_object).unwrap_or_default();
    let none = FormatProblem::Unusable("keys").of("it");
    let [(key_id, JsonValue::String(key))] = keys else { return Err(none) };
    let key_id = KeyId::from(key_id.as_str());
    if key_id.algorithm() != "ed25519" {
        return Err(none);
    }
    Ok((key_id, Ed25519PublicKey::from_base64(key)?))
}

//! Signed objects that clients upload.

use serde_json::value::RawValue;

use crate::{
    Limits,
    crypto::ed25519::Ed25519PublicKey,
    homeserver::refusal::Refusal,
    ids::KeyId,
    signed_json::{SignedObject, TrustedSigner},
};

/// Reads an object that could be signed.
pub(super) fn read(value: &RawValue) -> Result<SignedObject, Refusal> {
    SignedObject::from_json(value.get(), &Limits::default())
        .map_err(|_| Refusal::BadJson("A signed object is not an object that can be signed"))
}

/// Whether the same is signed in both.
pub(super) fn same_but_for_signatures(one: &SignedObject, other: &SignedObject) -> bool {
    matches!((one.signed_bytes(), other.signed_bytes()), (Ok(one), Ok(other)) if one == other)
}

/// The Ed25519 keys among the `keys` of an object.
pub(super) fn ed25519_keys(object: &SignedObject) -> Vec<TrustedSigner> {
    let keys = object.get("keys").and_then(|keys| keys.as_object()).unwrap_or_default();
    let read = |(id, key): &(String, _)| {
        let id = KeyId::from(id.as_str());
        let key: &crate::encoding::canonical_json::JsonValue = key;
        let key = Ed25519PublicKey::from_base64(key.as_str()?).ok()?;
        (id.algorithm() == "ed25519").then(|| TrustedSigner::new(id, key))
    };
    keys.iter().filter_map(read).collect()
}

/// The Ed25519 key of this label among the `keys` of an object.
pub(super) fn ed25519_key(object: &SignedObject, label: &KeyId) -> Option<Ed25519PublicKey> {
    Ed25519PublicKey::from_base64(object.get("keys")?.get(label.as_str())?.as_str()?).ok()
}

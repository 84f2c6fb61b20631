//! What was signed, ready to be published.

use crate::{
    crypto::ed25519::Ed25519Signature,
    ids::{KeyId, UserId},
    signed_json::KeysToSign,
};

/// A device's keys or a master key with one new signature: the typed parts that were signed, and nothing else of what the
/// homeserver had published.
///
/// It is published by [`upload_signatures`](crate::api::upload_signatures). Homeservers compare it with what they have,
/// `signatures` and `unsigned` aside, and add the signature.
#[derive(Debug, Clone)]
pub struct SignedKey {
    user_id: UserId,
    name: String,
    json: String,
}

impl SignedKey {
    pub(super) fn new(keys: &KeysToSign, key_id: &KeyId, signature: &Ed25519Signature) -> Self {
        let json = keys.with_signature(key_id, signature);
        Self { user_id: keys.user_id().clone(), name: keys.name().to_owned(), json }
    }

    /// Whose keys they are.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The device ID, or the master key in unpadded base64.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The signed object, as canonical JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.json
    }
}

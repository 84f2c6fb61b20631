//! The [cross-signing](https://spec.matrix.org/v1.16/client-server-api/#cross-signing) keys of one user.

use std::collections::BTreeMap;

use crate::{
    crypto::ed25519::Ed25519Signature,
    homeserver::refusal::Refusal,
    ids::{KeyId, UserId},
    signed_json::{SignedObject, TrustedSigner},
};

use super::signed;

/// What a user publishes as their identity, and whom they signed.
#[derive(Clone, Default)]
pub(in crate::homeserver) struct Identity {
    pub(super) master: Option<CrossSigningKey>,
    pub(super) self_signing: Option<CrossSigningKey>,
    pub(super) user_signing: Option<CrossSigningKey>,
    /// Signatures on the master keys of others, which only the user who made them sees.
    pub(super) given: BTreeMap<UserId, Given>,
}

/// Signatures on one master key of another user.
#[derive(Clone)]
pub(super) struct Given {
    /// The key that was signed; the user may have another one since.
    pub(super) master: KeyId,
    pub(super) signatures: BTreeMap<KeyId, Ed25519Signature>,
}

/// A cross-signing key with the object that it came in.
#[derive(Clone)]
pub(super) struct CrossSigningKey {
    pub(super) object: SignedObject,
    pub(super) key: TrustedSigner,
}

impl Identity {
    /// About how many bytes it takes.
    pub(in crate::homeserver) fn bytes(&self) -> usize {
        let keys = [&self.master, &self.self_signing, &self.user_signing];
        let keys = keys.into_iter().flatten().map(|key| key.object.as_json().len());
        let given = self.given.iter().map(|(user, given)| {
            let signatures = given.signatures.len() * size_of::<(KeyId, Ed25519Signature)>();
            user.as_str().len() + size_of::<Given>() + signatures
        });
        keys.sum::<usize>() + given.sum::<usize>()
    }
}

impl CrossSigningKey {
    /// Stores a key, unless it is stored already, with signatures added since.
    pub(super) fn store(self, slot: &mut Option<Self>) {
        let same = |old: &Self| signed::same_but_for_signatures(&old.object, &self.object);
        if !slot.as_ref().is_some_and(same) {
            *slot = Some(self);
        }
    }

    /// Whether another key than this one is stored, or none.
    pub(super) fn is_new(&self, stored: Option<&Self>) -> bool {
        stored.is_none_or(|old| old.key.key() != self.key.key())
    }

    /// Takes a key of a user for one use: `master`, `self_signing` or `user_signing`.
    pub(super) fn new(object: SignedObject, usage: &str, user: &UserId) -> Result<Self, Refusal> {
        if object.get("user_id").and_then(|value| value.as_str()) != Some(user.as_str()) {
            return Err(Refusal::InvalidParameter("A cross-signing key is of another user"));
        }
        if !has_usage(&object, usage) {
            return Err(Refusal::InvalidParameter("A cross-signing key is for another use"));
        }
        let mut keys = signed::ed25519_keys(&object);
        let count = object.get("keys").and_then(|keys| keys.as_object()).unwrap_or_default().len();
        match keys.pop() {
            Some(key) if count == 1 && key.key_id().name() == key.key().to_base64() => {
                Ok(Self { object, key })
            }
            _ => {
                Err(Refusal::InvalidParameter("A cross-signing key must be one key under its name"))
            }
        }
    }
}

fn has_usage(object: &SignedObject, usage: &str) -> bool {
    use crate::encoding::canonical_json::JsonValue;
    match object.get("usage") {
        Some(JsonValue::Array(usages)) => usages.iter().any(|one| one.as_str() == Some(usage)),
        _ => false,
    }
}

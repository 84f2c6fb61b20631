//! Signing a device, and having a device sign the master key.

// docs/decisions.md, 33: a device is signed as the caller knows it.

use super::{CrossSigningError, ExpectedDevice, NAMED_MEMBERS, SelfSigningKey, SignedKey};
use crate::{
    Limits,
    crypto::{
        curve25519::Curve25519PublicKey,
        ed25519::{Ed25519PublicKey, Ed25519Signature},
    },
    encoding::{base64, canonical_json::JsonValue},
    excerpt::Excerpt,
    ids::{DeviceId, KeyId},
    signed_json::{
        CrossSigningUsage, DeviceAlgorithm, DeviceKeys, KeysToSign, SignedObject, ToSign,
    },
};

impl SelfSigningKey {
    /// Signs a device of the user: with its signature, who trusts the user's identity trusts the device
    /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#cross-signing)).
    ///
    /// What is signed is put together from the expected device and known algorithms, never what the homeserver has
    /// `published`; that has to be the same, its `signatures` and `unsigned` aside, and signed by the device itself.
    ///
    /// # Errors
    ///
    /// [`CrossSigningError`] if the published keys are not those of the expected device, have any other member, or could be
    /// mistaken for a cross-signing key ([CVE-2022-39250](https://www.cve.org/CVERecord?id=CVE-2022-39250)).
    pub fn sign_device(
        &self,
        published: &DeviceKeys,
        expected: &ExpectedDevice,
        limits: &Limits,
    ) -> Result<SignedKey, CrossSigningError> {
        self.check_expected(expected)?;
        if published.user_id() != &expected.user_id {
            return Err(CrossSigningError::OtherUser);
        }
        if *published.key_id() != KeyId::ed25519(&expected.device_id) {
            return Err(CrossSigningError::OtherDevice);
        }
        let keys = device_keys(published.object(), expected)?;
        if !published.is_self_signed(limits) {
            return Err(CrossSigningError::NotSelfSigned);
        }
        let signature = ToSign::DeviceKeys(keys.clone()).sign_with(&self.key);
        Ok(SignedKey::new(&keys, &self.key_id(), &signature))
    }

    /// The user's master key, for the host to sign with its device key: clients do that when a device is verified, so that
    /// the user's other devices see that it trusts the identity.
    #[must_use]
    pub fn master_key_to_sign(&self) -> ToSign {
        ToSign::CrossSigningKey(self.typed_master_key())
    }

    /// The master key with the `signature` that `device` made of [`master_key_to_sign`](Self::master_key_to_sign).
    ///
    /// # Errors
    ///
    /// [`CrossSigningError`] if the device is not one of the user, could be mistaken for a cross-signing key, or did not make
    /// the signature.
    pub fn master_key_signed_by(
        &self,
        device: &ExpectedDevice,
        signature: &Ed25519Signature,
    ) -> Result<SignedKey, CrossSigningError> {
        self.check_expected(device)?;
        let keys = self.typed_master_key();
        if !device.ed25519.verifies(keys.bytes(), signature) {
            return Err(CrossSigningError::OtherSigner);
        }
        Ok(SignedKey::new(&keys, &KeyId::ed25519(&device.device_id), signature))
    }

    fn typed_master_key(&self) -> KeysToSign {
        let usage = CrossSigningUsage::Master;
        KeysToSign::cross_signing_key(&self.user_id, usage, &self.master_key)
    }

    /// Whether the device that the caller means can be one of the user's.
    fn check_expected(&self, expected: &ExpectedDevice) -> Result<(), CrossSigningError> {
        if expected.user_id != self.user_id {
            return Err(CrossSigningError::OtherUser);
        }
        if is_a_key(&expected.device_id) {
            return Err(CrossSigningError::DeviceIdIsAKey);
        }
        if [self.master_key(), self.public_key()].contains(&&expected.ed25519) {
            return Err(CrossSigningError::CrossSigningKey);
        }
        Ok(())
    }
}

/// What is signed of the expected device, if that is all that is published.
fn device_keys(
    published: &SignedObject,
    expected: &ExpectedDevice,
) -> Result<KeysToSign, CrossSigningError> {
    if published.get("dehydrated").is_some_and(|value| *value != JsonValue::Bool(false)) {
        return Err(CrossSigningError::Dehydrated);
    }
    let (curve25519, ed25519) = two_keys(published, &expected.device_id)?;
    if ed25519 != expected.ed25519 {
        return Err(CrossSigningError::OtherFingerprint);
    }
    if expected.curve25519.is_some_and(|own| own != curve25519) {
        return Err(CrossSigningError::OtherIdentityKey);
    }
    let algorithms = published.get("algorithms").and_then(DeviceAlgorithm::read_list);
    let algorithms = algorithms
        .ok_or_else(|| CrossSigningError::DeviceMembers(vec![Excerpt::new("algorithms")]))?;
    let ExpectedDevice { user_id, device_id, .. } = expected;
    let keys = KeysToSign::device(user_id, device_id, &algorithms, &curve25519, &ed25519);
    let members = keys.differing_members(published, NAMED_MEMBERS);
    if members.is_empty() { Ok(keys) } else { Err(CrossSigningError::DeviceMembers(members)) }
}

/// The keys of the device, if there is one of each kind and no third.
fn two_keys(
    published: &SignedObject,
    device_id: &DeviceId,
) -> Result<(Curve25519PublicKey, Ed25519PublicKey), CrossSigningError> {
    let keys = published.get("keys");
    let count = keys.and_then(JsonValue::as_object).map_or(0, <[_]>::len);
    let key = |algorithm: &str| {
        let key = keys?.get(&format!("{algorithm}:{}", device_id.as_str()))?;
        key.as_str()
    };
    let curve25519 = key("curve25519").map(Curve25519PublicKey::from_base64);
    let ed25519 = key("ed25519").map(Ed25519PublicKey::from_base64);
    match (count, curve25519, ed25519) {
        (2, Some(Ok(curve25519)), Some(Ok(ed25519))) => Ok((curve25519, ed25519)),
        _ => Err(CrossSigningError::NotTwoKeys),
    }
}

/// Whether a device ID reads as a public key. Homeservers and clients find cross-signing keys by such a name, those of former
/// identities included, so no list of today's keys would do.
fn is_a_key(device_id: &DeviceId) -> bool {
    let name = device_id.as_str().trim_end_matches('=');
    base64::decode_array_forgiving::<32>(name).is_ok()
}

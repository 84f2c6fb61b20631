//! The keys of one device.

use super::{SignatureWork, SignedObject, Signers, TrustedSigner, kind::Kind};
use crate::{
    Limits,
    crypto::ed25519::Ed25519PublicKey,
    encoding::{
        canonical_json::JsonValue,
        format::{FormatError, FormatProblem},
    },
    ids::{DeviceId, KeyId, UserId},
};

/// The keys of one device
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#device-keys)), with whatever
/// signatures they came with.
///
/// That it belongs to its user is a claim until a key that the host trusts signed it, and that its
/// Ed25519 key made it is one until [`DeviceKeys::is_self_signed`] says so.
#[derive(Debug, Clone)]
pub struct DeviceKeys {
    object: SignedObject,
    user_id: UserId,
    key_id: KeyId,
    ed25519: Ed25519PublicKey,
}

impl DeviceKeys {
    /// Reads the keys that a homeserver returns for this device of this user.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if they claim another user or device, have no Ed25519 key, or could be read as
    /// another kind of signed object.
    pub fn from_json(
        user_id: &UserId,
        device_id: &DeviceId,
        text: &str,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        let object = SignedObject::from_json(text, limits)?;
        if !object.is_only(Kind::DeviceKeys) {
            return Err(FormatProblem::OtherKind.of("it"));
        }
        let claims = |name, id: &str| object.get(name).and_then(JsonValue::as_str) == Some(id);
        if !claims("user_id", user_id.as_str()) {
            return Err(FormatProblem::Other("user_id").of("it"));
        }
        if !claims("device_id", device_id.as_str()) {
            return Err(FormatProblem::Other("device_id").of("it"));
        }
        let key_id = KeyId::ed25519(device_id);
        let key = object.get("keys").and_then(|keys| keys.get(key_id.as_str()));
        let key =
            key.and_then(JsonValue::as_str).ok_or(FormatProblem::Unusable("keys").of("it"))?;
        let ed25519 = Ed25519PublicKey::from_base64(key)?;
        Ok(Self { object, user_id: user_id.clone(), key_id, ed25519 })
    }

    /// The whole object as it came, to be verified. It is the homeserver's, so it is never signed.
    #[must_use]
    pub fn object(&self) -> &SignedObject {
        &self.object
    }

    /// Whose device it claims to be.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
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

    /// Whether the device signed its keys itself: it says who it is.
    #[must_use]
    pub fn is_self_signed(&self, limits: &Limits) -> bool {
        self.is_signed_by(&TrustedSigner::new(self.key_id.clone(), self.ed25519), limits)
    }

    /// Whether this key of the user signed them, by a signature with its label: the self-signing key, say.
    #[must_use]
    pub fn is_signed_by(&self, signer: &TrustedSigner, limits: &Limits) -> bool {
        self.is_signed_with(signer, &mut SignatureWork::new(limits), limits)
    }

    /// Whether the device signed its keys itself, and this key of the user signed them, with what work is left.
    pub(crate) fn is_of_user(
        &self,
        signer: &TrustedSigner,
        work: &mut SignatureWork,
        limits: &Limits,
    ) -> bool {
        let own = TrustedSigner::new(self.key_id.clone(), self.ed25519);
        self.is_signed_with(signer, work, limits) && self.is_signed_with(&own, work, limits)
    }

    /// The same with what work is left.
    pub(crate) fn is_signed_with(
        &self,
        signer: &TrustedSigner,
        work: &mut SignatureWork,
        limits: &Limits,
    ) -> bool {
        let signers = &Signers::new(&[], std::slice::from_ref(signer));
        let report = self.object.verify_with(&self.user_id, signers, work, limits);
        report.trusted_signer().is_some()
    }
}

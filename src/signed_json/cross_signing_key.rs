//! One cross-signing key.

use super::{
    SignatureWork, SignedObject, Signers, TrustedSigner, kind::Kind, published_key::one_ed25519_key,
};
use crate::{
    Limits,
    crypto::ed25519::Ed25519PublicKey,
    encoding::{
        canonical_json::JsonValue,
        format::{FormatError, FormatProblem},
    },
    ids::{KeyId, UserId},
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
    user_id: UserId,
    usage: CrossSigningUsage,
    key_id: KeyId,
    ed25519: Ed25519PublicKey,
}

/// What a cross-signing key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CrossSigningUsage {
    /// It signs the other two.
    Master,
    /// It signs the user's own devices.
    SelfSigning,
    /// It signs the master keys of other users.
    UserSigning,
}

impl CrossSigningUsage {
    /// The name of the use in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::SelfSigning => "self_signing",
            Self::UserSigning => "user_signing",
        }
    }
}

impl CrossSigningKey {
    /// Reads the key that a homeserver returns for this user and this use.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if it claims another user or another use, has more than one use or key, or could
    /// be read as another kind of signed object.
    pub fn from_json(
        user_id: &UserId,
        usage: CrossSigningUsage,
        text: &str,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        let object = SignedObject::from_json(text, limits)?;
        if !object.is_only(Kind::CrossSigningKey) {
            return Err(FormatProblem::OtherKind.of("it"));
        }
        if object.get("user_id").and_then(JsonValue::as_str) != Some(user_id.as_str()) {
            return Err(FormatProblem::Other("user_id").of("it"));
        }
        let is_for = |value: &JsonValue| matches!(value, JsonValue::Array(uses) if matches!(uses.as_slice(), [JsonValue::String(only)] if only == usage.as_str()));
        if !object.get("usage").is_some_and(is_for) {
            return Err(FormatProblem::Other("usage").of("it"));
        }
        let (key_id, ed25519) = one_ed25519_key(&object)?;
        Ok(Self { object, user_id: user_id.clone(), usage, key_id, ed25519 })
    }

    /// The whole object as it came, to be verified. It is the homeserver's, so it is never signed.
    #[must_use]
    pub fn object(&self) -> &SignedObject {
        &self.object
    }

    /// Whose key it claims to be.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// What it is for.
    #[must_use]
    pub fn usage(&self) -> CrossSigningUsage {
        self.usage
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

    /// Whether this master key signed it, by a signature with its label.
    #[must_use]
    pub fn is_signed_by(&self, master: &Ed25519PublicKey, limits: &Limits) -> bool {
        self.is_signed_with(master, &mut SignatureWork::new(limits), limits)
    }

    /// Whether this device of the user signed it, by a signature with its label.
    pub(crate) fn is_signed_by_device(&self, device: &TrustedSigner, limits: &Limits) -> bool {
        let signers = &Signers::new(&[], std::slice::from_ref(device));
        let work = &mut SignatureWork::new(limits);
        self.object.verify_with(&self.user_id, signers, work, limits).trusted_signer().is_some()
    }

    /// The same with what work is left.
    pub(crate) fn is_signed_with(
        &self,
        master: &Ed25519PublicKey,
        work: &mut SignatureWork,
        limits: &Limits,
    ) -> bool {
        let published = &[TrustedSigner::of_cross_signing_key(*master)];
        let signers = &Signers::new(&[], published);
        self.object.verify_with(&self.user_id, signers, work, limits).trusted_signer().is_some()
    }
}

//! The device that the caller means.

use crate::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    encoding::format::FormatError,
    ids::{DeviceId, UserId},
};

/// A device as the caller knows it from outside the homeserver: the host's own, or one whose fingerprint a person has
/// compared.
///
/// Take nothing of it from an answer of the homeserver, which may show a device of its own under any name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedDevice {
    pub(super) user_id: UserId,
    pub(super) device_id: DeviceId,
    pub(super) curve25519: Option<Curve25519PublicKey>,
    pub(super) ed25519: Ed25519PublicKey,
}

impl ExpectedDevice {
    /// The host's own device, with both identity keys of its Olm account.
    #[must_use]
    pub fn own(
        user_id: UserId,
        device_id: DeviceId,
        curve25519: Curve25519PublicKey,
        ed25519: Ed25519PublicKey,
    ) -> Self {
        Self { user_id, device_id, curve25519: Some(curve25519), ed25519 }
    }

    /// A device whose fingerprint a person has typed as that device shows it: the 43 characters of its Ed25519 key in
    /// base64, with or without padding, in groups or not. Clients call it *session key*, too.
    ///
    /// The Curve25519 key is then whichever one the device itself has signed.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if the text without white space is not an Ed25519 public key.
    pub fn with_fingerprint(
        user_id: UserId,
        device_id: DeviceId,
        typed: &str,
    ) -> Result<Self, FormatError> {
        let significant = typed.chars().filter(|character| !character.is_whitespace());
        // No more is kept of a longer text than shows that it is none.
        let significant: String = significant.take(MAX_CHARACTERS + 1).collect();
        let ed25519 = Ed25519PublicKey::from_base64(&significant)?;
        Ok(Self { user_id, device_id, curve25519: None, ed25519 })
    }

    /// Whether it is the host's own, which can sign as well.
    pub(crate) fn is_own(&self) -> bool {
        self.curve25519.is_some()
    }

    /// Whose device it is.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The device ID.
    #[must_use]
    pub fn device_id(&self) -> &DeviceId {
        &self.device_id
    }

    /// The Ed25519 key: the fingerprint.
    #[must_use]
    pub fn ed25519(&self) -> &Ed25519PublicKey {
        &self.ed25519
    }
}

/// The length of 32 bytes in padded base64.
const MAX_CHARACTERS: usize = 44;

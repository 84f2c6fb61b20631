//! The two ways in which an event reaches a device.

// docs/decisions.md, 17: a secret goes encrypted to one device, or nowhere.

use std::fmt;

use super::{
    olm_payload::OlmPayload,
    own_devices::{DeviceIdentity, OwnDevices},
    requester::RequesterError,
};
use crate::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
    secret::{SecretString, SecretVec},
};

/// An event sent to this device, as the homeserver hands it over: nothing of it was decrypted.
///
/// That it comes from the user, the homeserver says. From which *device* it comes, nobody says: the
/// content may claim any. What an `m.room.encrypted` event holds is a [`DecryptedToDevice`] once Olm has opened it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToDeviceEvent {
    /// The sender, by the word of the homeserver.
    pub sender: UserId,
    /// The type.
    pub event_type: EventType,
    /// The content.
    pub content: JsonObject,
}

/// An event that came out of an Olm session, with the keys that the session vouches for.
#[derive(Clone)]
pub struct DecryptedToDevice {
    sender: UserId,
    curve25519: Curve25519PublicKey,
    ed25519: Ed25519PublicKey,
    event_type: SecretString,
    content: SecretVec,
}

impl DecryptedToDevice {
    /// Reads what Olm decrypted, and checks what
    /// [the specification](https://spec.matrix.org/v1.16/client-server-api/#molmv1curve25519-aes-sha2)
    /// asks for: that it names the same sender, and this user and device as its recipient.
    ///
    /// `sender` is who sent the `m.room.encrypted` event, `session_key` the identity key of the other side
    /// of the Olm session. The `sender_key` of the event is no substitute: anybody can write that.
    ///
    /// # Errors
    ///
    /// [`RequesterError`] if something is missing or was meant for somebody else.
    pub fn from_olm(
        sender: UserId,
        session_key: Curve25519PublicKey,
        plaintext: &[u8],
        devices: &OwnDevices,
    ) -> Result<Self, RequesterError> {
        let payload = OlmPayload::read(plaintext, &sender, devices)?;
        let OlmPayload { ed25519, event_type, content } = payload;
        Ok(Self { sender, curve25519: session_key, ed25519, event_type, content })
    }

    /// Takes over an event whose Olm payload the host has read and checked itself.
    ///
    /// # Security
    ///
    /// `curve25519` must be the identity key of the Olm session, `ed25519` the one inside the ciphertext
    /// (`keys`), and `sender`, `recipient` and `recipient_keys` must have been compared. If in doubt, use
    /// [`DecryptedToDevice::from_olm`].
    #[must_use]
    pub fn from_checked_parts(
        sender: UserId,
        curve25519: Curve25519PublicKey,
        ed25519: Ed25519PublicKey,
        event_type: &str,
        content: SecretVec,
    ) -> Self {
        Self { sender, curve25519, ed25519, event_type: event_type.into(), content }
    }

    /// The sender, by the word of the homeserver and of the device.
    #[must_use]
    pub fn sender(&self) -> &UserId {
        &self.sender
    }

    /// The identity key of the device at the other side of the Olm session.
    #[must_use]
    pub fn curve25519(&self) -> &Curve25519PublicKey {
        &self.curve25519
    }

    /// The signing key that the device claims inside the ciphertext.
    #[must_use]
    pub fn ed25519(&self) -> &Ed25519PublicKey {
        &self.ed25519
    }

    /// The user's device that sent it, if it is one to be believed.
    pub(super) fn trusted_sender(
        &self,
        devices: &OwnDevices,
    ) -> Result<DeviceIdentity, RequesterError> {
        if self.sender != *devices.user_id() {
            return Err(RequesterError::OtherUser);
        }
        let device = devices.trusted_by_keys(&self.curve25519, &self.ed25519);
        device.map(|device| device.identity.clone()).map_err(RequesterError::Sender)
    }

    /// The type of the event inside.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.event_type.expose_str()
    }

    /// The content of the event inside, as JSON.
    #[must_use]
    pub fn expose_content(&self) -> &[u8] {
        self.content.expose_bytes()
    }
}

impl fmt::Debug for DecryptedToDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sender, curve25519, ed25519, event_type: _, content: _ } = self;
        f.debug_struct("DecryptedToDevice")
            .field("sender", sender)
            .field("curve25519", curve25519)
            .field("ed25519", ed25519)
            .finish_non_exhaustive()
    }
}

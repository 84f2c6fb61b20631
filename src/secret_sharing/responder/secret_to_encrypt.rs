//! A secret on its way into Olm, and out of it.

// docs/decisions.md, 17: a secret goes encrypted to one device, or nowhere.

use std::fmt;

use crate::{
    encoding::{
        json::{self, RawObject},
        json_object::JsonObject,
    },
    ids::{DeviceId, RequestId, UserId},
    secret::SecretVec,
    secret_sharing::{
        olm_payload,
        own_devices::DeviceIdentity,
        secret_send::{SECRET_SEND, SecretSend},
    },
    secret_value::SecretValue,
};
#[cfg(feature = "unstable-msc4385")]
use crate::{ids::SecretName, secret_sharing::pushes::secret_push};

/// A secret that has to be encrypted for one device before it can go anywhere.
///
/// [`Responder::take`](super::Responder::take) makes it. It is used up by
/// [`Responder::encrypted`](super::Responder::encrypted), or by
/// [`Responder::no_session`](super::Responder::no_session); dropping it wipes the secret, and the request
/// stays as it is. Nothing that sends takes it as it is:
///
/// ```compile_fail,E0308
/// # use strongroom::{api, secret_sharing::SecretToEncrypt};
/// fn send(secret: SecretToEncrypt) {
///     let _ = api::send_secret("txn1", &secret);
/// }
/// ```
///
/// nor can it be encrypted for two devices, or twice:
///
/// ```compile_fail,E0382
/// # use strongroom::encoding::json_object::JsonObject;
/// # use strongroom::secret_sharing::{OwnDevices, Responder, SecretToEncrypt};
/// fn twice(responder: &mut Responder, secret: SecretToEncrypt, devices: &OwnDevices) {
///     let _ = responder.encrypted(secret, JsonObject::empty(), devices, 0);
///     let _ = responder.encrypted(secret, JsonObject::empty(), devices, 0);
/// }
/// ```
pub struct SecretToEncrypt {
    user_id: UserId,
    from: DeviceIdentity,
    pub(in crate::secret_sharing) to: DeviceIdentity,
    pub(in crate::secret_sharing) purpose: Purpose,
    content: SecretVec,
}

/// What a secret is sent for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::secret_sharing) enum Purpose {
    /// It was asked for.
    Answer(RequestId),
    /// It is new, and nobody asked. This is its name and the public key that it belongs to.
    #[cfg(feature = "unstable-msc4385")]
    Push(SecretName, String),
}

/// A secret that is encrypted for one device: the content of a `m.room.encrypted` event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedSecretSend {
    user_id: UserId,
    device_id: DeviceId,
    content: JsonObject,
}

impl SecretToEncrypt {
    pub(in crate::secret_sharing) fn new(
        user_id: UserId,
        from: DeviceIdentity,
        to: DeviceIdentity,
        purpose: Purpose,
        secret: &SecretValue,
    ) -> Self {
        let content = match &purpose {
            Purpose::Answer(id) => SecretSend::new(id.clone(), secret.to_text()).to_json(),
            #[cfg(feature = "unstable-msc4385")]
            Purpose::Push(..) => secret_push::write(secret),
        };
        Self { user_id, from, to, purpose, content }
    }

    /// The request that it answers, if it is an answer.
    pub(super) fn request_id(&self) -> Option<&RequestId> {
        match &self.purpose {
            Purpose::Answer(id) => Some(id),
            #[cfg(feature = "unstable-msc4385")]
            Purpose::Push(..) => None,
        }
    }

    /// The type of the event inside the ciphertext.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        match &self.purpose {
            Purpose::Answer(_) => SECRET_SEND,
            #[cfg(feature = "unstable-msc4385")]
            Purpose::Push(..) => secret_push::SECRET_PUSH_UNSTABLE,
        }
    }

    /// The one device that it may be encrypted for: with an Olm session of *this* Curve25519 key.
    #[must_use]
    pub fn device(&self) -> &DeviceIdentity {
        &self.to
    }

    /// What Olm encrypts: the event with its sender and its recipient
    /// ([specification](https://spec.matrix.org/v1.16/client-server-api/#molmv1curve25519-aes-sha2)).
    #[must_use]
    pub fn expose_olm_payload(&self) -> SecretVec {
        olm_payload::write(self.event_type(), &self.content, &self.user_id, &self.from, &self.to)
    }

    /// The content of the event, for a host whose Olm layer adds sender and recipient itself.
    #[must_use]
    pub fn expose_content(&self) -> &[u8] {
        self.content.expose_bytes()
    }

    /// Takes what Olm made of it; `None` if it is anything but a message from this device to that one.
    pub(in crate::secret_sharing) fn into_encrypted(
        self,
        content: JsonObject,
    ) -> Option<EncryptedSecretSend> {
        let is = |name, expected: &str| {
            let text = content.member(name).and_then(|value| json::string(value).ok());
            text.is_some_and(|text| text.as_str() == expected)
        };
        let sender_key = self.from.curve25519.to_base64();
        if !is("algorithm", OLM_V1) || !is("sender_key", &sender_key) {
            return None;
        }
        let ciphertext = RawObject::parse(content.member("ciphertext")?.get().as_bytes()).ok()?;
        let mut recipients = ciphertext.iter().map(|(key, _)| json::string(key));
        let recipient = recipients.next()?.ok()?;
        if recipients.next().is_some() || recipient.as_str() != self.to.curve25519.to_base64() {
            return None;
        }
        let (user_id, device_id) = (self.user_id, self.to.device_id);
        drop((recipients, recipient));
        Some(EncryptedSecretSend { user_id, device_id, content })
    }
}

impl EncryptedSecretSend {
    /// The user.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The device.
    #[must_use]
    pub fn device_id(&self) -> &DeviceId {
        &self.device_id
    }

    /// The content of the `m.room.encrypted` event.
    #[must_use]
    pub fn content(&self) -> &JsonObject {
        &self.content
    }
}

impl fmt::Debug for SecretToEncrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, from: _, to, purpose, content: _ } = self;
        f.debug_struct("SecretToEncrypt")
            .field("user_id", user_id)
            .field("to", to)
            .field("purpose", purpose)
            .finish_non_exhaustive()
    }
}

/// The algorithm of Olm.
const OLM_V1: &str = "m.olm.v1.curve25519-aes-sha2";

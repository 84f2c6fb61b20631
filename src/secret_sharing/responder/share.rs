//! From a decision to a secret that is encrypted.

// docs/decisions.md, 13: what lasts and what hangs on a device are told apart.

use super::{
    Responder,
    entry::Entry,
    outcome::{IncomingRequest, ResponderError},
    policy::ShareRule,
    secret_to_encrypt::{EncryptedSecretSend, Purpose, SecretToEncrypt},
    step::{AnswerState, Event, step},
};
use crate::{
    encoding::json_object::JsonObject,
    ids::RequestId,
    provenance::Provenance,
    secret_sharing::own_devices::{DeviceIdentity, OwnDevices},
    secret_value::SecretValue,
};

impl Responder {
    /// The user said yes. The host goes on as after [`Decision::Share`](super::Decision::Share).
    ///
    /// # Errors
    ///
    /// [`ResponderError`] if the request is over meanwhile.
    pub fn allow(&mut self, request: &IncomingRequest, now_ms: u64) -> Result<(), ResponderError> {
        self.change(&request.device, &request.request_id, Event::Allow, now_ms)
    }

    /// The user said no, or this device has no such secret. The same request is not answered any more.
    ///
    /// # Errors
    ///
    /// [`ResponderError`] if the request is over meanwhile.
    pub fn refuse(&mut self, request: &IncomingRequest, now_ms: u64) -> Result<(), ResponderError> {
        self.change(&request.device, &request.request_id, Event::Refuse, now_ms)
    }

    /// Hands out the secret, to be encrypted for the device that asked and for no other.
    ///
    /// Call it when there is an Olm session with the device, and encrypt at once: the device is looked up
    /// here, and again in [`Responder::encrypted`].
    ///
    /// # Errors
    ///
    /// [`ResponderError`] if the device is not trusted any more, nobody allowed it, the request is over, the secret is
    /// another one, or nobody vouches for it but a device that has shared it: the device that gets it takes it on this
    /// one's word, and would not hear when the other one is blocked.
    pub fn take(
        &mut self,
        request: &IncomingRequest,
        secret: &SecretValue,
        devices: &OwnDevices,
        now_ms: u64,
    ) -> Result<SecretToEncrypt, ResponderError> {
        let to = request.device.clone();
        let entry = self.check(&to, &request.request_id, Event::Take, devices, now_ms)?;
        if entry.name.as_ref() != Some(secret.name()) || *secret.name() != request.name {
            return Err(ResponderError::OtherSecret);
        }
        check_provenance(secret)?;
        let purpose = Purpose::Answer(entry.request_id.clone());
        let (user_id, from) = (self.user_id.clone(), devices.this_device().clone());
        Ok(SecretToEncrypt::new(user_id, from, to, purpose, secret))
    }

    /// The host has encrypted the secret: `content` is that of the `m.room.encrypted` event. It becomes
    /// something that can be sent, once for each request.
    ///
    /// # Errors
    ///
    /// [`ResponderError`] as for [`Responder::take`], or if the content is no Olm message to the device. Then
    /// nothing may be sent.
    pub fn encrypted(
        &mut self,
        secret: SecretToEncrypt,
        content: JsonObject,
        devices: &OwnDevices,
        now_ms: u64,
    ) -> Result<EncryptedSecretSend, ResponderError> {
        let request_id = secret.request_id().ok_or(ResponderError::Unknown)?;
        let entry = self.check(&secret.to, request_id, Event::Encrypted, devices, now_ms)?;
        let (to, request_id) = (entry.device.clone(), entry.request_id.clone());
        let encrypted = secret.into_encrypted(content).ok_or(ResponderError::NotEncrypted)?;
        self.change(&to, &request_id, Event::Encrypted, now_ms)?;
        Ok(encrypted)
    }

    /// The secret was not encrypted: there is no Olm session with the device, and no one-time key.
    ///
    /// The request stays as it is until it expires, so that the host can try again when the device has
    /// been online.
    ///
    /// # Errors
    ///
    /// [`ResponderError`] if the request is over meanwhile.
    pub fn no_session(
        &mut self,
        secret: SecretToEncrypt,
        now_ms: u64,
    ) -> Result<(), ResponderError> {
        let request_id = secret.request_id().ok_or(ResponderError::Unknown)?;
        self.change(&secret.to, request_id, Event::NoSession, now_ms)
    }

    fn change(
        &mut self,
        device: &DeviceIdentity,
        request_id: &RequestId,
        event: Event,
        now_ms: u64,
    ) -> Result<(), ResponderError> {
        let now = self.clock.advance(now_ms);
        let entry = self.entries.find(&device.device_id, request_id, &self.policy, now);
        let entry = entry.filter(|entry| entry.device == *device);
        match (step(entry.as_ref().map(|entry| entry.state), event)?, entry) {
            (Some(state), Some(entry)) => {
                entry.allowed_by_user |= event == Event::Allow;
                entry.set(state, now);
            }
            _ => return Err(ResponderError::Unknown),
        }
        Ok(())
    }

    /// The request, if its secret may leave this device now.
    fn check(
        &mut self,
        device: &DeviceIdentity,
        request_id: &RequestId,
        event: Event,
        devices: &OwnDevices,
        now_ms: u64,
    ) -> Result<&Entry, ResponderError> {
        let now = self.clock.advance(now_ms);
        if !self.is_ours(devices) {
            return Err(ResponderError::OtherAccount);
        }
        let entry = self.entries.find(&device.device_id, request_id, &self.policy, now);
        let entry = entry.filter(|entry| entry.device == *device);
        step(entry.as_ref().map(|entry| entry.state), event)?;
        let entry = entry.ok_or(ResponderError::Unknown)?;
        devices.still_trusted(&entry.device).map_err(ResponderError::Device)?;
        if entry.identity_changed(devices) {
            return Err(ResponderError::IdentityChanged);
        }
        let rule = entry.name.as_ref().map(|name| self.policy.rule(name));
        match (entry.state, rule) {
            (AnswerState::Allowed, Some(ShareRule::Share | ShareRule::AskUser)) => Ok(entry),
            _ => Err(ResponderError::NotShared),
        }
    }
}

/// Whether a device that gets this secret may take it on this one's word.
pub(in crate::secret_sharing) fn check_provenance(
    secret: &SecretValue,
) -> Result<(), ResponderError> {
    match secret.provenance() {
        Provenance::SharedByVerifiedDevice(_) => Err(ResponderError::OnlyDevice),
        provenance if !provenance.is_authentic() => Err(ResponderError::Unauthenticated),
        _ => Ok(()),
    }
}

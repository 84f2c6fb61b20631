//! From a new secret to a message for each device.

use std::collections::BTreeMap;

use super::SecretPushes;
use crate::{
    encoding::json_object::JsonObject,
    ids::{DeviceId, SecretName},
    secret_sharing::{
        own_devices::{DeviceIdentity, OwnDevices},
        responder::{
            EncryptedSecretSend, Purpose, ResponderError, SecretToEncrypt, check_provenance,
        },
    },
    secret_value::SecretValue,
};

/// How far a secret was pushed. The secret itself is the host's.
pub(super) struct Sending {
    /// The public key that it belongs to, in base64.
    pub(super) public_key: String,
    /// The devices that it was sent to.
    pub(super) sent: BTreeMap<DeviceId, DeviceIdentity>,
}

/// A message that was encrypted for a device, and is not known to be sent.
pub(super) struct InFlight {
    name: SecretName,
    to: DeviceIdentity,
    message: EncryptedSecretSend,
}

impl SecretPushes {
    /// The secret, to be encrypted for one of the verified devices that it was not pushed to yet; `None` if there is none
    /// for now. Call it until there is none, again after [`SecretPushes::no_session`], and whenever the devices change: a
    /// device that is verified later gets the secret, too. A secret of another public key takes the place of an earlier
    /// one of its name, and is pushed to all.
    ///
    /// # Errors
    ///
    /// [`ResponderError`] if secrets of this name are not pushed, or nobody vouches for this one but a device that has
    /// shared it.
    pub fn push(
        &mut self,
        secret: &SecretValue,
        devices: &OwnDevices,
        now_ms: u64,
    ) -> Result<Option<SecretToEncrypt>, ResponderError> {
        let now = self.clock.advance(now_ms);
        if !self.is_ours(devices) {
            return Err(ResponderError::OtherAccount);
        }
        let public_key = public_half(secret).filter(|_| self.is_wanted(secret.name()));
        let public_key = public_key.ok_or(ResponderError::NotShared)?;
        check_provenance(secret)?;
        let name = secret.name();
        if self.sending.get(name).is_none_or(|sending| sending.public_key != public_key) {
            let new = Sending { public_key: public_key.clone(), sent: BTreeMap::new() };
            self.sending.insert(name.clone(), new);
            self.in_flight.retain(|message| message.name != *name);
        }
        let is_held_off = |id| self.held_off.get(id).is_some_and(|until| *until > now);
        let mut lacking = devices
            .trusted()
            .map(|device| &device.identity)
            .filter(|to| self.check(name, &public_key, to).is_ok() && !is_held_off(&to.device_id));
        let Some(to) = lacking.next().cloned() else { return Ok(None) };
        let (user_id, from) = (self.user_id.clone(), devices.this_device().clone());
        let purpose = Purpose::Push(name.clone(), public_key);
        Ok(Some(SecretToEncrypt::new(user_id, from, to, purpose, secret)))
    }

    /// The host has encrypted the secret: `content` is that of the `m.room.encrypted` event. It becomes something that
    /// can be sent, once for each device.
    ///
    /// # Errors
    ///
    /// [`ResponderError`] if the device is not trusted any more or has the secret, another one took its place, or the
    /// content is no Olm message to the device. Then nothing may be sent.
    pub fn encrypted(
        &mut self,
        secret: SecretToEncrypt,
        content: JsonObject,
        devices: &OwnDevices,
    ) -> Result<EncryptedSecretSend, ResponderError> {
        if !self.is_ours(devices) {
            return Err(ResponderError::OtherAccount);
        }
        let Purpose::Push(name, public_key) = secret.purpose.clone() else {
            return Err(ResponderError::Unknown);
        };
        let to = secret.to.clone();
        devices.still_trusted(&to).map_err(ResponderError::Device)?;
        self.check(&name, &public_key, &to)?;
        let message = secret.into_encrypted(content).ok_or(ResponderError::NotEncrypted)?;
        self.in_flight.push(InFlight { name, to, message: message.clone() });
        Ok(message)
    }

    /// The secret was not encrypted: there is no Olm session with the device, and no one-time key. The device is tried
    /// again after ten minutes.
    pub fn no_session(&mut self, secret: SecretToEncrypt, now_ms: u64) {
        let to = secret.to.device_id.clone();
        self.hold_off(to, now_ms);
    }

    /// The homeserver has taken the message: the device gets the secret only once.
    pub fn sent(&mut self, message: &EncryptedSecretSend) {
        for InFlight { name, to, .. } in self.take_in_flight(message) {
            if let Some(sending) = self.sending.get_mut(&name) {
                sending.sent.insert(to.device_id.clone(), to);
            }
        }
    }

    /// The homeserver refuses the message. The device is tried again after ten minutes, with another one.
    pub fn not_sent(&mut self, message: &EncryptedSecretSend, now_ms: u64) {
        for InFlight { to, .. } in self.take_in_flight(message) {
            self.hold_off(to.device_id, now_ms);
        }
    }

    /// Whether a message is still to be sent. If its device is not trusted any more it is forgotten: once the device is
    /// trusted again, the secret is encrypted for it anew.
    pub(crate) fn is_due(&mut self, message: &EncryptedSecretSend, devices: &OwnDevices) -> bool {
        self.in_flight.retain(|it| it.message != *message || devices.still_trusted(&it.to).is_ok());
        self.in_flight.iter().any(|it| it.message == *message)
    }

    fn hold_off(&mut self, device_id: DeviceId, now_ms: u64) {
        let now = self.clock.advance(now_ms);
        self.held_off.retain(|_, until| *until > now);
        self.held_off.insert(device_id, now.saturating_add(RETRY_MS));
    }

    fn take_in_flight(&mut self, message: &EncryptedSecretSend) -> Vec<InFlight> {
        let (taken, others) = std::mem::take(&mut self.in_flight)
            .into_iter()
            .partition(|in_flight| in_flight.message == *message);
        self.in_flight = others;
        taken
    }

    /// Whether this secret is still to be pushed to the device.
    fn check(
        &self,
        name: &SecretName,
        public_key: &str,
        to: &DeviceIdentity,
    ) -> Result<(), ResponderError> {
        let sending = self.sending.get(name).filter(|it| it.public_key == public_key);
        let sending = sending.ok_or(ResponderError::Unknown)?;
        let is_sent = sending.sent.get(&to.device_id) == Some(to);
        let is_in_flight = self.in_flight.iter().any(|it| it.name == *name && it.to == *to);
        if is_sent || is_in_flight { Err(ResponderError::AlreadyAnswered) } else { Ok(()) }
    }
}

/// The public key that a secret belongs to, in base64.
fn public_half(secret: &SecretValue) -> Option<String> {
    let of_backup = || secret.backup_key().map(|key| key.public_key().to_base64());
    secret.cross_signing_seed().map(|seed| seed.public_key().to_base64()).or_else(of_backup)
}

/// How long a device without one-time keys is left alone: ten minutes.
const RETRY_MS: u64 = 10 * 60 * 1_000;

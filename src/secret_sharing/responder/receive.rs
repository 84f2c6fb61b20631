//! From a request to a decision.

use super::{
    Responder,
    entry::Entry,
    outcome::{Decision, IncomingRequest, ResponderError},
    policy::ShareRule,
    step::{AnswerState, Event, step},
};
use crate::{
    Limits,
    ids::SecretName,
    secret_sharing::{
        own_devices::{DeviceIdentity, OwnDevices},
        responder::SECRET_REQUEST,
        secret_request::SecretRequest,
        to_device::ToDeviceEvent,
    },
};

impl Responder {
    /// Takes an event of type `m.secret.request`, and says what to do.
    ///
    /// The same request again is the same request: while the user is asked, and once it was answered,
    /// refused or cancelled, it is ignored; while the secret is waiting to be encrypted, it says
    /// [`Decision::Share`] again.
    pub fn receive(
        &mut self,
        event: &ToDeviceEvent,
        devices: &OwnDevices,
        limits: &Limits,
        now_ms: u64,
    ) -> Decision {
        let now = self.clock.advance(now_ms);
        self.decide(event, devices, limits, now).unwrap_or_else(Decision::Ignore)
    }

    fn decide(
        &mut self,
        event: &ToDeviceEvent,
        devices: &OwnDevices,
        limits: &Limits,
        now: u64,
    ) -> Result<Decision, ResponderError> {
        if !self.is_ours(devices) {
            return Err(ResponderError::OtherAccount);
        }
        if event.event_type.as_str() != SECRET_REQUEST {
            return Err(ResponderError::OtherType);
        }
        if event.sender != self.user_id {
            return Err(ResponderError::OtherUser);
        }
        let read = SecretRequest::from_json(&event.content, limits);
        let request = read.map_err(ResponderError::Content)?;
        match request.name() {
            Some(name) => self.asked(&request, name, devices, now),
            None if request.is_cancellation() => self.cancelled(&request, devices, now),
            None => Err(ResponderError::UnknownAction),
        }
    }

    fn asked(
        &mut self,
        request: &SecretRequest,
        name: &SecretName,
        devices: &OwnDevices,
        now: u64,
    ) -> Result<Decision, ResponderError> {
        let device = asking(request, devices)?;
        let event = match self.policy.rule(name) {
            ShareRule::Share => Event::ComesToShare,
            ShareRule::AskUser => Event::ComesToAsk,
            ShareRule::Never => return Err(ResponderError::NotShared),
        };
        self.entries.forget_outdated(&device, devices, &self.policy, now);
        if !self.entries.admit(&device.device_id, &self.policy, now) {
            return Err(ResponderError::TooManyRequests);
        }
        let (device_id, id) = (&device.device_id, &request.request_id);
        if let Some(entry) = self.entries.find(device_id, id, &self.policy, now) {
            if entry.name.as_ref().is_some_and(|other| other != name) {
                return Err(ResponderError::OtherName);
            }
            let state = step(Some(entry.state), event);
            // Asked again, it is asked under the identity that is known by now.
            entry.master_key = entry.master_key.or(devices.master_key().copied());
            if let Some(state) = state? {
                entry.set(state, now);
            }
            return decision(entry);
        }
        let state = step(None, event)?.ok_or(ResponderError::Unknown)?;
        let entry = Entry::new(device, id.clone(), Some(name.clone()), devices, now, state);
        let decision = decision(&entry);
        let is_remembered = self.entries.add(entry, &self.policy);
        if is_remembered { decision } else { Err(ResponderError::TooManyRequests) }
    }

    fn cancelled(
        &mut self,
        request: &SecretRequest,
        devices: &OwnDevices,
        now: u64,
    ) -> Result<Decision, ResponderError> {
        let (device_id, id) = (&request.requesting_device_id, &request.request_id);
        if let Some(entry) = self.entries.find(device_id, id, &self.policy, now) {
            return withdraw(entry, now);
        }
        // It may have overtaken its request, which must not be answered then.
        let device = asking(request, devices)?;
        self.entries.forget_outdated(&device, devices, &self.policy, now);
        let state = step(None, Event::Cancellation)?.ok_or(ResponderError::Unknown)?;
        let entry = Entry::new(device, id.clone(), None, devices, now, state);
        let is_remembered = self.entries.admit(device_id, &self.policy, now)
            && self.entries.add(entry, &self.policy);
        Err(if is_remembered { ResponderError::Unknown } else { ResponderError::TooManyRequests })
    }
}

/// The device that a request names, if secrets may be shared with it.
fn asking(request: &SecretRequest, devices: &OwnDevices) -> Result<DeviceIdentity, ResponderError> {
    let device = devices.trusted_by_id(&request.requesting_device_id);
    device.map(|device| device.identity.clone()).map_err(ResponderError::Device)
}

fn withdraw(entry: &mut Entry, now: u64) -> Result<Decision, ResponderError> {
    let waiting: Option<IncomingRequest> = entry.incoming().filter(|_| entry.is_waiting());
    if let Some(state) = step(Some(entry.state), Event::Cancellation)? {
        entry.set(state, now);
    }
    waiting.map(Decision::Withdraw).ok_or(ResponderError::Cancelled)
}

fn decision(entry: &Entry) -> Result<Decision, ResponderError> {
    let incoming = entry.incoming().ok_or(ResponderError::Cancelled)?;
    match entry.state {
        AnswerState::Asking => Ok(Decision::AskUser(incoming)),
        AnswerState::Allowed => Ok(Decision::Share(incoming)),
        AnswerState::Answered => Err(ResponderError::AlreadyAnswered),
        AnswerState::Refused => Err(ResponderError::Refused),
        AnswerState::Cancelled => Err(ResponderError::Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{
            curve25519::Curve25519SecretKey,
            ed25519::{Ed25519PublicKey, Ed25519Seed},
        },
        secret::SecretBytes,
        secret_sharing::{OwnDevice, ResponderError, SharePolicy},
        secret_value::{MEGOLM_BACKUP_V1, SecretValue},
    };

    fn ed25519(byte: u8) -> Ed25519PublicKey {
        Ed25519Seed::from_bytes(SecretBytes::init_with(|bytes| *bytes = [byte; 32])).public_key()
    }

    fn identity(id: &str, byte: u8) -> DeviceIdentity {
        let secret = SecretBytes::init_with(|bytes| *bytes = [byte; 32]);
        let curve25519 = Curve25519SecretKey::from_bytes(secret).public_key();
        DeviceIdentity { device_id: id.into(), curve25519, ed25519: ed25519(byte) }
    }

    fn devices() -> OwnDevices {
        let phone = OwnDevice {
            identity: identity("PHONE", 2),
            verified: true,
            blocked: false,
            dehydrated: false,
        };
        OwnDevices::new("@a:b.org".into(), identity("LAPTOP", 1)).with_device(phone)
    }

    #[test]
    fn a_request_that_is_repeated_belongs_to_the_identity_that_is_known_by_then() {
        let name = MEGOLM_BACKUP_V1.into();
        let event = ToDeviceEvent {
            sender: "@a:b.org".into(),
            event_type: SECRET_REQUEST.into(),
            content: SecretRequest::new(name, "PHONE".into(), "1".into()).to_json(),
        };
        let policy = SharePolicy::without_questions();
        let mut responder = Responder::new("@a:b.org".into(), "LAPTOP".into(), policy);
        let (pinned, reset) =
            (devices().with_master_key(ed25519(3)), devices().with_master_key(ed25519(4)));
        let limits = Limits::default();
        responder.receive(&event, &devices(), &limits, 0);
        let Decision::Share(incoming) = responder.receive(&event, &pinned, &limits, 0) else {
            panic!("it waits to be shared");
        };
        let secret = SecretValue::kept_by_host(&incoming.name, "A".repeat(43).as_bytes());
        let secret = secret.unwrap().value;
        let taken = responder.take(&incoming, &secret, &reset, 0);
        assert_eq!(taken.map(drop), Err(ResponderError::IdentityChanged));
        assert!(responder.take(&incoming, &secret, &pinned, 0).is_ok());
    }
}

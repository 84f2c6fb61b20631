//! From an answer to a secret.

use super::{
    Requester,
    outcome::{AcceptedSecret, DroppedAnswer, Receipt, RequesterError},
    request::{Candidate, Judgement, Request, State},
    step::{Event, step},
};
use crate::{
    Limits,
    ids::{DeviceId, RequestId},
    secret_sharing::{
        own_devices::{DeviceIdentity, OwnDevices},
        secret_send::SecretSend,
        to_device::DecryptedToDevice,
    },
    secret_value::PublicKeys,
};

impl Requester {
    /// Takes an event that Olm decrypted.
    ///
    /// Its secret is accepted if this user sent it, from a device that is trusted now and was asked, which
    /// is found by its *keys*; if the request is open; and if it has the shape of its name and belongs to
    /// the public key, of which the pinned master key is one. Where such a key exists and is not known
    /// yet, the secret is kept: see [`Requester::learn`]. A secret whose name has no public key is accepted
    /// on the word of the device.
    ///
    /// An event that came in clear does not get here:
    ///
    /// ```compile_fail,E0308
    /// # use strongroom::{Limits, secret_value::PublicKeys};
    /// # use strongroom::secret_sharing::{OwnDevices, ToDeviceEvent, Requester};
    /// fn receive(requester: &mut Requester, event: &ToDeviceEvent, devices: &OwnDevices) {
    ///     requester.receive(event, devices, &PublicKeys::default(), &Limits::default(), 0);
    /// }
    /// ```
    pub fn receive(
        &mut self,
        event: &DecryptedToDevice,
        devices: &OwnDevices,
        public_keys: &PublicKeys,
        limits: &Limits,
        now_ms: u64,
    ) -> Receipt {
        let now = self.clock.advance(now_ms);
        let from = match self.sender(event, devices) {
            Ok(from) => from,
            Err(reason) => {
                return Receipt::Dropped(DroppedAnswer {
                    reason,
                    device_id: None,
                    request_id: None,
                });
            }
        };
        let device_id = Some(from.device_id.clone());
        let sent = match SecretSend::read(event, limits) {
            Ok(sent) => sent,
            Err(error) => {
                let reason = RequesterError::Content(error);
                return Receipt::Dropped(DroppedAnswer { reason, device_id, request_id: None });
            }
        };
        let request_id = self.requests.get(sent.request_id()).map(|request| request.id.clone());
        let outcome = self.answer(sent, from, devices, &pinned(public_keys, devices), now);
        outcome.unwrap_or_else(|reason| {
            Receipt::Dropped(DroppedAnswer { reason, device_id, request_id })
        })
    }

    /// Judges the answers that are kept, now that more public keys are known: call it whenever the host
    /// learns one, with the devices as they are.
    ///
    /// What is neither accepted nor dropped stays, and is not in the result.
    pub fn learn(
        &mut self,
        devices: &OwnDevices,
        public_keys: &PublicKeys,
        now_ms: u64,
    ) -> Vec<Receipt> {
        let now = self.clock.advance(now_ms);
        if !self.is_ours(devices) {
            return Vec::new();
        }
        let own = (&self.user_id, &self.device_id);
        let public_keys = pinned(public_keys, devices);
        let mut receipts = Vec::new();
        let spans = (self.lifetime_ms, self.memory_ms);
        for request in self.requests.values_mut() {
            if request.is_over(spans, now) {
                continue;
            }
            let dropped = request.drop_misfits(devices, &public_keys);
            receipts.extend(dropped.into_iter().map(Receipt::Dropped));
            let fits = |candidate: &&Candidate| {
                matches!(candidate.judge(&request.name, &public_keys), Judgement::Fits { .. })
            };
            let Some(fitting) = request.candidates().find(fits).cloned() else { continue };
            if step(Some(request.state()), Event::Accept).is_ok() {
                let accepted = request.accept(fitting, true, &public_keys, own);
                receipts.push(Receipt::Accepted(Box::new(accepted)));
            }
        }
        receipts
    }

    /// The devices whose answers to a request are kept until their public key is known.
    pub fn candidates(&self, id: &RequestId) -> impl Iterator<Item = &DeviceId> {
        let candidates = self.requests.get(id).into_iter().flat_map(Request::candidates);
        candidates.map(|candidate| &candidate.from.device_id)
    }

    /// Accepts the answer of a device that is kept, although nothing proves it: the last one of this
    /// device. A pinned master key that `devices` has by now still counts.
    ///
    /// # Security
    ///
    /// The device is trusted and was asked. Whether its secret is still the account's, nobody knows.
    ///
    /// # Errors
    ///
    /// [`RequesterError`] if there is none, the device is not trusted any more, or the answer contradicts
    /// the pinned master key.
    pub fn accept_unproven(
        &mut self,
        id: &RequestId,
        device_id: &DeviceId,
        devices: &OwnDevices,
        now_ms: u64,
    ) -> Result<AcceptedSecret, RequesterError> {
        let now = self.clock.advance(now_ms);
        self.check_account(devices)?;
        self.check_open(id, Event::Accept, now)?;
        let own = (&self.user_id, &self.device_id);
        let request = self.requests.get_mut(id).ok_or(RequesterError::Unknown)?;
        if request.identity_changed(devices) {
            return Err(RequesterError::IdentityChanged);
        }
        let candidate = request.last_of(device_id).ok_or(RequesterError::NoCandidate)?.clone();
        if let Err(problem) = devices.still_trusted(&candidate.from) {
            return Err(RequesterError::Device { device_id: device_id.clone(), problem });
        }
        let public_keys = pinned(&PublicKeys::default(), devices);
        let belongs = match candidate.judge(&request.name, &public_keys) {
            Judgement::Misfit(error) => return Err(RequesterError::PublicKey(error)),
            Judgement::Fits { belongs } => belongs,
            Judgement::Undecided => false,
        };
        Ok(request.accept(candidate, belongs, &public_keys, own))
    }

    /// The secrets that were accepted and are not [`stored`](Self::stored) yet: what a host asks for after
    /// a restart. What a device sent that is not trusted any more, or before the identity was reset, is not among
    /// them; [`stored`](Self::stored) wipes it, too.
    pub fn received<'a>(
        &'a self,
        devices: &'a OwnDevices,
    ) -> impl Iterator<Item = AcceptedSecret> + 'a {
        let own = (&self.user_id, &self.device_id);
        let requests = self.requests.values().filter(|_| self.is_ours(devices));
        requests.filter(|request| !request.identity_changed(devices)).filter_map(move |request| {
            match &request.state {
                State::Received { candidate, belongs } => {
                    devices.still_trusted(&candidate.from).ok()?;
                    Some(request.accepted(candidate, *belongs, Vec::new(), own))
                }
                State::Open(_) | State::Closed(_) => None,
            }
        })
    }

    /// Whether a device sent an event that is one to be believed.
    pub(crate) fn believes(&self, event: &DecryptedToDevice, devices: &OwnDevices) -> bool {
        self.sender(event, devices).is_ok()
    }

    /// The device that sent an event, if it is one to be believed.
    fn sender(
        &self,
        event: &DecryptedToDevice,
        devices: &OwnDevices,
    ) -> Result<DeviceIdentity, RequesterError> {
        if !self.is_ours(devices) {
            return Err(RequesterError::OtherAccount);
        }
        event.trusted_sender(devices)
    }

    fn answer(
        &mut self,
        sent: SecretSend,
        from: DeviceIdentity,
        devices: &OwnDevices,
        public_keys: &PublicKeys,
        now: u64,
    ) -> Result<Receipt, RequesterError> {
        let id = sent.request_id();
        self.check_open(id, Event::Answer, now)?;
        let own = (&self.user_id, &self.device_id);
        let request = self.requests.get_mut(id);
        let request = request.ok_or(RequesterError::Unknown)?;
        if request.asked.get(&from.device_id) != Some(&from) {
            return Err(RequesterError::NotAsked);
        }
        if request.identity_changed(devices) {
            return Err(RequesterError::IdentityChanged);
        }
        let device_id = from.device_id.clone();
        let candidate = Candidate::read(from, sent.secret().clone(), &request.name);
        let candidate = candidate.map_err(RequesterError::Shape)?;
        match candidate.judge(&request.name, public_keys) {
            Judgement::Misfit(error) => Err(RequesterError::PublicKey(error)),
            Judgement::Fits { belongs } => {
                let accepted = request.accept(candidate, belongs, public_keys, own);
                Ok(Receipt::Accepted(Box::new(accepted)))
            }
            Judgement::Undecided => {
                request.keep(candidate)?;
                Ok(Receipt::Kept { request_id: request.id.clone(), device_id })
            }
        }
    }
}

/// The public keys with the pinned master key, which counts before any other.
pub(in crate::secret_sharing) fn pinned(
    public_keys: &PublicKeys,
    devices: &OwnDevices,
) -> PublicKeys {
    let mut public_keys = public_keys.clone();
    public_keys.master = devices.master_key().copied().or(public_keys.master);
    public_keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{
            curve25519::Curve25519SecretKey,
            ed25519::{Ed25519PublicKey, Ed25519Seed},
        },
        encoding::secret_base64,
        secret::{SecretBytes, SecretVec},
        secret_sharing::{OwnDevice, SECRET_SEND},
        secret_value::{CROSS_SIGNING_MASTER, SecretCheckError},
    };

    fn bytes(byte: u8) -> SecretBytes<32> {
        SecretBytes::init_with(|bytes| *bytes = [byte; 32])
    }

    fn ed25519(byte: u8) -> Ed25519PublicKey {
        Ed25519Seed::from_bytes(bytes(byte)).public_key()
    }

    fn identity(id: &str, byte: u8) -> DeviceIdentity {
        let curve25519 = Curve25519SecretKey::from_bytes(bytes(byte)).public_key();
        DeviceIdentity { device_id: id.into(), curve25519, ed25519: ed25519(byte) }
    }

    fn devices() -> OwnDevices {
        let laptop = OwnDevice {
            identity: identity("LAPTOP", 2),
            verified: true,
            blocked: false,
            dehydrated: false,
        };
        OwnDevices::new("@a:b.org".into(), identity("PHONE", 1)).with_device(laptop)
    }

    #[test]
    fn the_user_cannot_accept_what_contradicts_the_pinned_master_key() {
        let mut requester = Requester::new("@a:b.org".into(), "PHONE".into());
        let name = CROSS_SIGNING_MASTER.into();
        let asked = requester.request(name, None, &devices(), 0).unwrap();
        let id = asked.request().request_id.clone();
        let sent = SecretSend::new(id.clone(), secret_base64::encode(bytes(3).expose_bytes()));
        let laptop = identity("LAPTOP", 2);
        let content: SecretVec = sent.to_json();
        let event = DecryptedToDevice::from_checked_parts(
            "@a:b.org".into(),
            laptop.curve25519,
            laptop.ed25519,
            SECRET_SEND,
            content,
        );
        let (keys, limits) = (PublicKeys::default(), Limits::default());
        let kept = requester.receive(&event, &devices(), &keys, &limits, 0);
        assert!(matches!(kept, Receipt::Kept { .. }), "{kept:?}");
        let mut accept = |pinned| {
            let devices = devices().with_master_key(ed25519(pinned));
            requester.accept_unproven(&id, &laptop.device_id, &devices, 0)
        };
        let expected = RequesterError::PublicKey(SecretCheckError::CrossSigningKey);
        assert_eq!(accept(4), Err(expected));
        assert!(accept(3).unwrap().belongs_to_public_key);
    }
}

//! One request and the answers to it.

use std::collections::BTreeMap;

use subtle::ConstantTimeEq as _;

use super::{
    outcome::{AcceptedSecret, DroppedAnswer, EndedRequest, RequesterError},
    step::{ClosedBy, RequestState},
};
use crate::{
    crypto::ed25519::Ed25519PublicKey,
    encoding::{format::FormatError, read::Read},
    ids::{DeviceId, RequestId, SecretName, UserId},
    provenance::Provenance,
    secret::SecretString,
    secret_sharing::{
        outgoing::OutgoingRequest,
        own_devices::{DeviceIdentity, OwnDevice, OwnDevices},
        secret_request::SecretRequest,
    },
    secret_value::{PublicKeys, SecretCheckError, SecretRepair, SecretShape, SecretValue},
};

pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) name: SecretName,
    /// Which devices are asked: these, or all that are trusted at the moment of asking, and of asking again.
    pub(super) to: Option<Vec<DeviceId>>,
    /// Who was asked, each as the device that it was then.
    pub(super) asked: BTreeMap<DeviceId, DeviceIdentity>,
    /// The pinned master key under which it was asked.
    pub(super) master_key: Option<Ed25519PublicKey>,
    /// When it got into its state, or was opened.
    pub(super) since_ms: u64,
    pub(super) state: State,
}

pub(super) enum State {
    /// What each device has answered, in the order in which it came.
    Open(BTreeMap<DeviceId, Vec<Candidate>>),
    Received {
        candidate: Candidate,
        /// Whether it belongs to its public key.
        belongs: bool,
    },
    Closed(ClosedBy),
}

/// An answer of a device that may answer, of the right shape.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) from: DeviceIdentity,
    /// As it came, so that it is read alike after a restart.
    pub(super) text: SecretString,
    pub(super) secret: Read<SecretValue, SecretRepair>,
}

/// What the public keys make of a candidate.
pub(super) enum Judgement {
    Fits {
        /// Whether it belongs to its public key.
        belongs: bool,
    },
    Undecided,
    Misfit(SecretCheckError),
}

impl Candidate {
    pub(super) fn read(
        from: DeviceIdentity,
        text: SecretString,
        name: &SecretName,
    ) -> Result<Self, FormatError> {
        let provenance = Provenance::SharedByVerifiedDevice(from.ed25519);
        let secret = SecretValue::read_with(name, text.expose_str().as_bytes(), provenance)?;
        Ok(Self { from, text, secret })
    }

    /// Whether it is the secret, as far as the public keys tell.
    pub(super) fn judge(&self, name: &SecretName, public_keys: &PublicKeys) -> Judgement {
        match public_keys.check(&self.secret.value) {
            Err(error) => Judgement::Misfit(error),
            Ok(true) => Judgement::Fits { belongs: true },
            // Nothing will ever prove it.
            Ok(false) if !SecretShape::of(name).has_public_key() => {
                Judgement::Fits { belongs: false }
            }
            Ok(false) => Judgement::Undecided,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.from == other.from && self.text.ct_eq(&other.text).into()
    }
}

impl Request {
    pub(super) fn state(&self) -> RequestState {
        match self.state {
            State::Open(_) => RequestState::Open,
            State::Received { .. } => RequestState::Received,
            State::Closed(by) => by.into(),
        }
    }

    /// When something happens to the request by itself, if it lives and is remembered for so long.
    pub(super) fn due(&self, (lifetime_ms, memory_ms): (u64, u64)) -> Option<u64> {
        match self.state {
            State::Open(_) => Some(self.since_ms.saturating_add(lifetime_ms)),
            State::Received { .. } => None,
            State::Closed(_) => Some(self.since_ms.saturating_add(memory_ms)),
        }
    }

    pub(super) fn is_over(&self, spans: (u64, u64), now: u64) -> bool {
        self.due(spans).is_some_and(|due| due <= now)
    }

    /// Whether the user's identity is another than when it was asked, as far as both are known.
    pub(super) fn identity_changed(&self, devices: &OwnDevices) -> bool {
        matches!((&self.master_key, devices.master_key()), (Some(then), Some(now)) if then != now)
    }

    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        let of_devices =
            if let State::Open(candidates) = &self.state { Some(candidates) } else { None };
        of_devices.into_iter().flat_map(|candidates| candidates.values().flatten())
    }

    pub(super) fn last_of(&self, device_id: &DeviceId) -> Option<&Candidate> {
        let State::Open(candidates) = &self.state else { return None };
        candidates.get(device_id)?.last()
    }

    /// Keeps an answer until its public key is known. Waiting costs a moment; taking the first one would let one broken device
    /// decide.
    pub(super) fn keep(&mut self, candidate: Candidate) -> Result<(), RequesterError> {
        let State::Open(candidates) = &mut self.state else {
            return Err(RequesterError::NotReceived);
        };
        let of_device = candidates.entry(candidate.from.device_id.clone()).or_default();
        if of_device.iter().any(|kept| kept.is_same(&candidate)) {
            return Err(RequesterError::Duplicate);
        }
        if of_device.len() >= CANDIDATES_PER_DEVICE {
            return Err(RequesterError::TooMany);
        }
        of_device.push(candidate);
        Ok(())
    }

    /// Takes the kept answers that are not the secret, or whose sender is not trusted any more.
    pub(super) fn drop_misfits(
        &mut self,
        devices: &OwnDevices,
        public_keys: &PublicKeys,
    ) -> Vec<DroppedAnswer> {
        let changed = self.identity_changed(devices);
        let State::Open(candidates) = &mut self.state else { return Vec::new() };
        let mut dropped = Vec::new();
        let mut stays = |candidate: &Candidate| {
            let reason = match devices.still_trusted(&candidate.from) {
                Err(problem) => RequesterError::Sender(problem),
                Ok(_) if changed => RequesterError::IdentityChanged,
                Ok(_) => match candidate.judge(&self.name, public_keys) {
                    Judgement::Misfit(error) => RequesterError::PublicKey(error),
                    Judgement::Fits { .. } | Judgement::Undecided => return true,
                },
            };
            dropped.push(DroppedAnswer::new(reason, &candidate.from, &self.id));
            false
        };
        candidates.values_mut().for_each(|of_device| of_device.retain(&mut stays));
        dropped
    }

    /// Takes an answer for the secret, and forgets the others.
    pub(super) fn accept(
        &mut self,
        candidate: Candidate,
        belongs: bool,
        public_keys: &PublicKeys,
        (user_id, device_id): (&UserId, &DeviceId),
    ) -> AcceptedSecret {
        let others = self.candidates().filter(|other| !other.is_same(&candidate));
        let dropped = others.map(|other| {
            let reason = match other.judge(&self.name, public_keys) {
                Judgement::Misfit(error) => RequesterError::PublicKey(error),
                Judgement::Fits { .. } | Judgement::Undecided => RequesterError::NotNeeded,
            };
            DroppedAnswer::new(reason, &other.from, &self.id)
        });
        let dropped = dropped.collect();
        let accepted = self.accepted(&candidate, belongs, dropped, (user_id, device_id));
        self.state = State::Received { candidate, belongs };
        accepted
    }

    pub(super) fn accepted(
        &self,
        candidate: &Candidate,
        belongs_to_public_key: bool,
        dropped: Vec<DroppedAnswer>,
        own: (&UserId, &DeviceId),
    ) -> AcceptedSecret {
        AcceptedSecret {
            request_id: self.id.clone(),
            name: self.name.clone(),
            secret: candidate.secret.clone(),
            belongs_to_public_key,
            from: candidate.from.clone(),
            cancellation: self.cancellation(Some(&candidate.from), own),
            dropped,
        }
    }

    /// Ends it without a secret.
    pub(super) fn end(&mut self, by: ClosedBy, own: (&UserId, &DeviceId)) -> EndedRequest {
        let dropped = self
            .candidates()
            .map(|other| DroppedAnswer::new(RequesterError::NotNeeded, &other.from, &self.id))
            .collect();
        let cancellation = self.cancellation(None, own);
        self.state = State::Closed(by);
        EndedRequest { request_id: self.id.clone(), name: self.name.clone(), cancellation, dropped }
    }

    /// What the devices are told once nothing is wanted of them any more.
    pub(super) fn cancellation_again(&self, own: (&UserId, &DeviceId)) -> Option<OutgoingRequest> {
        match &self.state {
            State::Open(_) => None,
            State::Received { candidate, .. } => self.cancellation(Some(&candidate.from), own),
            State::Closed(_) => self.cancellation(None, own),
        }
    }

    pub(super) fn question(&self, to: Vec<DeviceId>, own: (&UserId, &DeviceId)) -> OutgoingRequest {
        let request = SecretRequest::new(self.name.clone(), own.1.clone(), self.id.clone());
        OutgoingRequest { user_id: own.0.clone(), device_ids: to, request }
    }

    /// To all that were asked, but for the one that answered; `None` if nobody is left.
    fn cancellation(
        &self,
        answered: Option<&DeviceIdentity>,
        own: (&UserId, &DeviceId),
    ) -> Option<OutgoingRequest> {
        let others = self.asked.values().filter(|asked| Some(*asked) != answered);
        let device_ids: Vec<_> = others.map(|device| device.device_id.clone()).collect();
        let request = SecretRequest::cancellation(own.1.clone(), self.id.clone());
        let is_needed = !device_ids.is_empty();
        is_needed.then(|| OutgoingRequest { user_id: own.0.clone(), device_ids, request })
    }
}

impl DroppedAnswer {
    pub(super) fn new(reason: RequesterError, from: &DeviceIdentity, request: &RequestId) -> Self {
        Self { reason, device_id: Some(from.device_id.clone()), request_id: Some(request.clone()) }
    }
}

/// The devices that are asked, each of which is trusted.
pub(super) fn recipients(
    to: Option<&[DeviceId]>,
    devices: &OwnDevices,
) -> Result<BTreeMap<DeviceId, DeviceIdentity>, RequesterError> {
    let asked = match to {
        None => by_id(devices.trusted()),
        Some(names) => {
            let named = names.iter().map(|name| {
                devices
                    .trusted_by_id(name)
                    .map_err(|problem| RequesterError::Device { device_id: name.clone(), problem })
            });
            by_id(named.collect::<Result<Vec<_>, _>>()?)
        }
    };
    if asked.is_empty() { Err(RequesterError::NobodyToAsk) } else { Ok(asked) }
}

pub(super) fn by_id<'a>(
    devices: impl IntoIterator<Item = &'a OwnDevice>,
) -> BTreeMap<DeviceId, DeviceIdentity> {
    let identities = devices.into_iter().map(|device| &device.identity);
    identities.map(|identity| (identity.device_id.clone(), identity.clone())).collect()
}

/// A device that sends more different secrets than these for one request is broken.
const CANDIDATES_PER_DEVICE: usize = 4;

//! The device that asks.

mod outcome;
mod receive;
mod request;
mod saved;
mod step;
#[cfg(test)]
mod table;

use std::{collections::BTreeMap, fmt};

use rand_core::CryptoRng;

#[cfg(feature = "unstable-msc4385")]
pub(super) use self::receive::pinned;
use self::step::ClosedBy;
pub use self::{
    outcome::{AcceptedSecret, DroppedAnswer, EndedRequest, Receipt, RequesterError},
    step::RequestState,
};
use self::{
    request::{Request, State, by_id, recipients},
    step::{Event, step},
};
use super::{outgoing::OutgoingRequest, own_devices::OwnDevices};
use crate::{
    clock::Clock,
    ids::{DeviceId, RequestId, SecretName, UserId},
    randomness::{alphanumeric, with_os_rng},
    secret_value::is_algorithm,
};

/// Asks the user's other devices for secrets, and takes only what was asked for.
///
/// ```text
/// request ──> Open ──answer that fits──> Received ──stored──> Closed
///              │ ^ └─ retry, candidates
///              └── cancel, expire ──────────────────────────> Closed
/// ```
///
/// Save it after each call that changed something ([`Requester::save`]), and send what a call returns
/// only then: an answer to a request that was forgotten is dropped.
///
/// Times are the host's, in milliseconds since any moment; a clock that jumps back does no harm.
pub struct Requester {
    user_id: UserId,
    device_id: DeviceId,
    lifetime_ms: u64,
    memory_ms: u64,
    clock: Clock,
    requests: BTreeMap<RequestId, Request>,
}

impl Requester {
    /// Nothing has been asked yet.
    #[must_use]
    pub fn new(user_id: UserId, device_id: DeviceId) -> Self {
        let (clock, requests) = (Clock::default(), BTreeMap::new());
        let (lifetime_ms, memory_ms) = (Self::LIFETIME_MS, Self::MEMORY_MS);
        Self { user_id, device_id, lifetime_ms, memory_ms, clock, requests }
    }

    /// How long an answer is awaited unless another time is given, in milliseconds: a day, so that a device that is switched
    /// on in the evening can still answer.
    pub const LIFETIME_MS: u64 = 24 * 60 * 60 * 1_000;

    /// How long a request is remembered that is over, in milliseconds: a week. It serves to name late answers alone; they are
    /// dropped in any case.
    const MEMORY_MS: u64 = 7 * Self::LIFETIME_MS;

    /// Awaits an answer for so many milliseconds. It is no part of what is saved.
    #[must_use]
    pub fn with_lifetime_ms(mut self, lifetime_ms: u64) -> Self {
        self.lifetime_ms = lifetime_ms;
        self
    }

    /// Remembers a request that is over for so many milliseconds. It is no part of what is saved.
    #[must_use]
    pub fn with_memory_ms(mut self, memory_ms: u64) -> Self {
        self.memory_ms = memory_ms;
        self
    }

    /// Asks for a secret, with an ID from the operating system's randomness: these devices, or all that are trusted at
    /// the moment of asking, and of asking again.
    ///
    /// # Errors
    ///
    /// [`RequesterError::NoRandomness`] if there is none, otherwise as [`Requester::request_with_rng`].
    pub fn request(
        &mut self,
        name: SecretName,
        to: Option<Vec<DeviceId>>,
        devices: &OwnDevices,
        now_ms: u64,
    ) -> Result<OutgoingRequest, RequesterError> {
        let id = with_os_rng(|rng| alphanumeric(REQUEST_ID_LENGTH, rng))?;
        self.open(id.into(), name, to, devices, now_ms)
    }

    /// Asks for a secret: returns the request to be sent, to each device by its name.
    ///
    /// # Errors
    ///
    /// [`RequesterError`] if there is nobody to ask, or a named device is not trusted. Nothing was asked
    /// then.
    pub fn request_with_rng(
        &mut self,
        name: SecretName,
        to: Option<Vec<DeviceId>>,
        devices: &OwnDevices,
        now_ms: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<OutgoingRequest, RequesterError> {
        let id = alphanumeric(REQUEST_ID_LENGTH, rng);
        self.open(id.into(), name, to, devices, now_ms)
    }

    fn open(
        &mut self,
        id: RequestId,
        name: SecretName,
        to: Option<Vec<DeviceId>>,
        devices: &OwnDevices,
        now_ms: u64,
    ) -> Result<OutgoingRequest, RequesterError> {
        let since_ms = self.clock.advance(now_ms);
        self.check_account(devices)?;
        if is_algorithm(&name) {
            return Err(RequesterError::NotASecret(name));
        }
        step(self.state(&id), Event::Open)?;
        let asked = recipients(to.as_deref(), devices)?;
        let master_key = devices.master_key().copied();
        let state = State::Open(BTreeMap::new());
        let ids = asked.keys().cloned().collect();
        let request = Request { id: id.clone(), name, to, asked, master_key, since_ms, state };
        let outgoing = request.question(ids, (&self.user_id, &self.device_id));
        self.requests.insert(id, request);
        Ok(outgoing)
    }

    /// Asks again under the same ID: those that were named, or all that are trusted by now.
    ///
    /// # Errors
    ///
    /// [`RequesterError`] if it is not open, or nobody is left to ask.
    pub fn retry(
        &mut self,
        id: &RequestId,
        devices: &OwnDevices,
        now_ms: u64,
    ) -> Result<OutgoingRequest, RequesterError> {
        let now = self.clock.advance(now_ms);
        self.check_account(devices)?;
        self.check_open(id, Event::Retry, now)?;
        let own = (&self.user_id, &self.device_id);
        let request = self.requests.get_mut(id).ok_or(RequesterError::Unknown)?;
        if request.identity_changed(devices) {
            return Err(RequesterError::IdentityChanged);
        }
        let asked = match &request.to {
            None => by_id(devices.trusted()),
            Some(names) => by_id(names.iter().filter_map(|name| devices.trusted_by_id(name).ok())),
        };
        if asked.is_empty() {
            return Err(RequesterError::NobodyToAsk);
        }
        let ids = asked.keys().cloned().collect();
        // Who is not trusted any more stays on the list, to be told of the cancellation.
        request.asked.extend(asked);
        request.master_key = request.master_key.or(devices.master_key().copied());
        Ok(request.question(ids, own))
    }

    /// Takes a request back.
    ///
    /// # Errors
    ///
    /// [`RequesterError`] if it is not open.
    pub fn cancel(&mut self, id: &RequestId) -> Result<EndedRequest, RequesterError> {
        step(self.state(id), Event::Cancel)?;
        let own = (&self.user_id, &self.device_id);
        let request = self.requests.get_mut(id).ok_or(RequesterError::Unknown)?;
        request.since_ms = self.clock.elapsed_ms();
        Ok(request.end(ClosedBy::Cancelled, own))
    }

    /// The cancellation of a request that is over, or whose secret was accepted: to be sent again if a
    /// crash came before it was sent. `None` for one that is open, unknown, or of one device that answered.
    #[must_use]
    pub fn cancellation(&self, id: &RequestId) -> Option<OutgoingRequest> {
        self.requests.get(id)?.cancellation_again((&self.user_id, &self.device_id))
    }

    /// The host has stored the secret, so it is wiped here.
    ///
    /// # Errors
    ///
    /// [`RequesterError`] if none was accepted.
    pub fn stored(&mut self, id: &RequestId) -> Result<(), RequesterError> {
        step(self.state(id), Event::Stored)?;
        let request = self.requests.get_mut(id).ok_or(RequesterError::Unknown)?;
        request.since_ms = self.clock.elapsed_ms();
        request.state = State::Closed(ClosedBy::Stored);
        Ok(())
    }

    /// Ends what has waited too long, and forgets what ended long ago.
    pub fn expire(&mut self, now_ms: u64) -> Vec<EndedRequest> {
        let now = self.clock.advance(now_ms);
        let own = (&self.user_id, &self.device_id);
        let spans = (self.lifetime_ms, self.memory_ms);
        let mut ended = Vec::new();
        self.requests.retain(|_, request| {
            if !request.is_over(spans, now) {
                return true;
            }
            match step(Some(request.state()), Event::Expire) {
                Ok(Some(RequestState::Expired)) => {
                    request.since_ms = now;
                    ended.push(request.end(ClosedBy::Expired, own));
                    true
                }
                next => !matches!(next, Ok(None)),
            }
        });
        ended
    }

    /// In how many milliseconds, from the last time that was told, [`Requester::expire`] has something to
    /// do.
    #[must_use]
    pub fn next_expiry_ms(&self) -> Option<u64> {
        let now = self.clock.elapsed_ms();
        let due = |request: &Request| request.due((self.lifetime_ms, self.memory_ms));
        self.requests.values().filter_map(due).min().map(|due| due.saturating_sub(now))
    }

    /// Where a request stands; `None` if there is no such request.
    #[must_use]
    pub fn state(&self, id: &RequestId) -> Option<RequestState> {
        self.requests.get(id).map(Request::state)
    }

    /// All requests that are remembered, with their names and states.
    pub fn requests(&self) -> impl Iterator<Item = (&RequestId, &SecretName, RequestState)> {
        self.requests.values().map(|request| (&request.id, &request.name, request.state()))
    }

    fn check_account(&self, devices: &OwnDevices) -> Result<(), RequesterError> {
        let is_ours = self.is_ours(devices);
        if is_ours { Ok(()) } else { Err(RequesterError::OtherAccount) }
    }

    fn is_ours(&self, devices: &OwnDevices) -> bool {
        *devices.user_id() == self.user_id && devices.this_device().device_id == self.device_id
    }

    /// Whether an open request may take this event, its time not being over either.
    fn check_open(&self, id: &RequestId, event: Event, now: u64) -> Result<(), RequesterError> {
        step(self.state(id), event)?;
        let request = self.requests.get(id);
        if request.is_some_and(|request| request.is_over((self.lifetime_ms, self.memory_ms), now)) {
            return Err(RequesterError::Expired);
        }
        Ok(())
    }
}

impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, device_id, lifetime_ms, memory_ms, clock: _, requests } = self;
        f.debug_struct("Requester")
            .field("user_id", user_id)
            .field("device_id", device_id)
            .field("lifetime_ms", lifetime_ms)
            .field("memory_ms", memory_ms)
            .field("requests", &requests.len())
            .finish_non_exhaustive()
    }
}

/// 190 bits.
const REQUEST_ID_LENGTH: usize = 32;

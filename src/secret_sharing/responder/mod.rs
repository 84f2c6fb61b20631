//! The device that is asked.

mod entry;
mod outcome;
mod policy;
mod saved;
mod secret_to_encrypt;
mod share;
mod step;
#[cfg(test)]
mod table;

use std::fmt;

use self::{
    entry::{Entries, Entry},
    step::{Event, step},
};
pub use self::{
    outcome::{Decision, IgnoreReason, IncomingRequest, ShareError},
    policy::{SharePolicy, ShareRule},
    secret_to_encrypt::{EncryptedSecretSend, SecretToEncrypt},
    step::{AnswerState, AnswerStateError},
};
use super::{
    clock::Clock,
    own_devices::OwnDevices,
    secret_request::{SecretRequest, SecretRequestAction},
    to_device::PlainToDevice,
};
use crate::{
    Limits,
    ids::{DeviceId, RequestId, SecretName, UserId},
};

/// Answers the user's other devices when they ask for secrets, as the host's [`SharePolicy`] wants it.
///
/// ```text
///            ┌─ AskUser ─> Asking ──allow──┐
/// request ───┤                             ├─> Allowed ──take, encrypted──> Answered
///            └─ Share ─────────────────────┘    │ └─ no session: stays
/// cancellation, at any time before ─────────────┴─────────────────────────> Cancelled
/// refuse ─────────────────────────────────────────────────────────────────> Refused
/// ```
///
/// It holds no secret: the host gives one when it is shared. Save it after each call that changed
/// something ([`Responder::save`]), before what was encrypted is sent; then a request is answered once.
///
/// Times are the host's, in milliseconds since any moment; a clock that jumps back does no harm.
pub struct Responder {
    user_id: UserId,
    device_id: DeviceId,
    policy: SharePolicy,
    clock: Clock,
    entries: Entries,
}

impl Responder {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new(user_id: UserId, device_id: DeviceId, policy: SharePolicy) -> Self {
        let (clock, entries) = (Clock::default(), Entries::default());
        Self { user_id, device_id, policy, clock, entries }
    }

    /// Takes an event of type `m.secret.request`, and says what to do.
    ///
    /// The same request again is the same request: while the user is asked, and once it was answered,
    /// refused or cancelled, it is ignored; while the secret is waiting to be encrypted, it says
    /// [`Decision::Share`] again.
    pub fn receive(
        &mut self,
        event: &PlainToDevice,
        devices: &OwnDevices,
        limits: &Limits,
        now_ms: u64,
    ) -> Decision {
        let now = self.clock.advance(now_ms);
        self.decide(event, devices, limits, now).unwrap_or_else(Decision::Ignore)
    }

    /// What waits for the user or for an Olm session, and which of both: what a host asks for after a
    /// restart.
    pub fn waiting(&self) -> impl Iterator<Item = (IncomingRequest, AnswerState)> {
        let waiting = self.entries.list.iter().filter(|entry| entry.is_waiting());
        waiting.filter_map(|entry| Some((entry.incoming()?, entry.state)))
    }

    /// Where a request stands; `None` if there is no such request.
    #[must_use]
    pub fn state(&self, device_id: &DeviceId, request_id: &RequestId) -> Option<AnswerState> {
        let is_it = |entry: &&Entry| {
            entry.device.device_id == *device_id && entry.request_id == *request_id
        };
        self.entries.list.iter().find(is_it).map(|entry| entry.state)
    }

    /// Ends what has waited too long, which it returns, and forgets what was done with long ago.
    pub fn expire(&mut self, now_ms: u64) -> Vec<IncomingRequest> {
        let now = self.clock.advance(now_ms);
        let mut ended = Vec::new();
        self.entries.list.retain(|entry| {
            let next = step(Some(entry.state), Event::Expire);
            let forgets = entry.due(&self.policy) <= now && next == Ok(None);
            if forgets && entry.is_waiting() {
                ended.extend(entry.incoming());
            }
            !forgets
        });
        let window = self.policy.window_ms;
        self.entries.asked_ms.retain(|_, asked| {
            asked.retain(|at| at.saturating_add(window) > now);
            !asked.is_empty()
        });
        ended
    }

    /// In how many milliseconds, from the last time that was told, [`Responder::expire`] has something to
    /// do.
    #[must_use]
    pub fn next_expiry_ms(&self) -> Option<u64> {
        let due = self.entries.list.iter().map(|entry| entry.due(&self.policy)).min();
        due.map(|due| due.saturating_sub(self.clock.elapsed_ms()))
    }

    fn is_ours(&self, devices: &OwnDevices) -> bool {
        *devices.user_id() == self.user_id && devices.this_device().device_id == self.device_id
    }

    fn decide(
        &mut self,
        event: &PlainToDevice,
        devices: &OwnDevices,
        limits: &Limits,
        now: u64,
    ) -> Result<Decision, IgnoreReason> {
        if !self.is_ours(devices) {
            return Err(IgnoreReason::OtherAccount);
        }
        if event.event_type.as_str() != SECRET_REQUEST {
            return Err(IgnoreReason::OtherType);
        }
        if event.sender != self.user_id {
            return Err(IgnoreReason::OtherUser);
        }
        let read = SecretRequest::from_json(&event.content, limits);
        let request = read.map_err(IgnoreReason::Content)?.request;
        match &request.action {
            SecretRequestAction::Request(name) => self.asked(&request, name, devices, now),
            SecretRequestAction::Cancellation => self.cancelled(&request, devices, now),
            SecretRequestAction::Unknown(_) => Err(IgnoreReason::UnknownAction),
        }
    }

    fn asked(
        &mut self,
        request: &SecretRequest,
        name: &SecretName,
        devices: &OwnDevices,
        now: u64,
    ) -> Result<Decision, IgnoreReason> {
        let device = devices.trusted_by_id(&request.requesting_device_id);
        let device = device.map_err(IgnoreReason::Device)?.identity.clone();
        let event = match self.policy.rule(name) {
            ShareRule::Share => Event::ComesToShare,
            ShareRule::AskUser => Event::ComesToAsk,
            ShareRule::Never => return Err(IgnoreReason::NotShared),
        };
        self.entries.forget_outdated(&device, devices, &self.policy, now);
        if !self.entries.admit(&device.device_id, &self.policy, now) {
            return Err(IgnoreReason::TooManyRequests);
        }
        let (device_id, id) = (&device.device_id, &request.request_id);
        let entry = self.entries.find(device_id, id, &self.policy, now);
        if let Some(entry) = entry {
            if entry.name.as_ref().is_some_and(|other| other != name) {
                return Err(IgnoreReason::OtherName);
            }
            if let Some(state) = step(Some(entry.state), event)? {
                entry.set(state, now);
            }
            return decision(entry);
        }
        let state = step(None, event)?.ok_or(AnswerStateError::Unknown)?;
        let entry = Entry {
            device,
            request_id: id.clone(),
            name: Some(name.clone()),
            master_key: devices.master_key().copied(),
            since_ms: now,
            allowed_by_user: false,
            state,
        };
        let decision = decision(&entry);
        if self.entries.add(entry, &self.policy) {
            decision
        } else {
            Err(IgnoreReason::TooManyRequests)
        }
    }

    fn cancelled(
        &mut self,
        request: &SecretRequest,
        devices: &OwnDevices,
        now: u64,
    ) -> Result<Decision, IgnoreReason> {
        let (device_id, id) = (&request.requesting_device_id, &request.request_id);
        if let Some(entry) = self.entries.find(device_id, id, &self.policy, now) {
            let was_waiting = entry.is_waiting();
            if let Some(state) = step(Some(entry.state), Event::Cancellation)? {
                entry.set(state, now);
            }
            let withdrawn = entry.incoming().filter(|_| was_waiting);
            return withdrawn
                .map(Decision::Withdraw)
                .ok_or(IgnoreReason::Request(AnswerStateError::Cancelled));
        }
        // It may have overtaken its request, which must not be answered then.
        let device = devices.trusted_by_id(device_id).map_err(IgnoreReason::Device)?;
        let device = device.identity.clone();
        self.entries.forget_outdated(&device, devices, &self.policy, now);
        let state = step(None, Event::Cancellation)?.ok_or(AnswerStateError::Unknown)?;
        let entry = Entry {
            device,
            request_id: id.clone(),
            name: None,
            master_key: devices.master_key().copied(),
            since_ms: now,
            allowed_by_user: false,
            state,
        };
        let is_remembered = self.entries.admit(device_id, &self.policy, now)
            && self.entries.add(entry, &self.policy);
        Err(if is_remembered {
            IgnoreReason::Request(AnswerStateError::Unknown)
        } else {
            IgnoreReason::TooManyRequests
        })
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, device_id, policy, clock: _, entries } = self;
        f.debug_struct("Responder")
            .field("user_id", user_id)
            .field("device_id", device_id)
            .field("policy", policy)
            .field("requests", &entries.list.len())
            .finish_non_exhaustive()
    }
}

fn decision(entry: &Entry) -> Result<Decision, IgnoreReason> {
    let incoming = entry.incoming().ok_or(AnswerStateError::Cancelled)?;
    match entry.state {
        AnswerState::Asking => Ok(Decision::AskUser(incoming)),
        AnswerState::Allowed => Ok(Decision::Share(incoming)),
        AnswerState::Answered => Err(AnswerStateError::AlreadyAnswered.into()),
        AnswerState::Refused => Err(AnswerStateError::Refused.into()),
        AnswerState::Cancelled => Err(AnswerStateError::Cancelled.into()),
    }
}

/// The type of the event, which is never encrypted.
pub const SECRET_REQUEST: &str = "m.secret.request";

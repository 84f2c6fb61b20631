//! The device that is asked.

mod entry;
mod outcome;
mod policy;
mod receive;
mod saved;
mod secret_to_encrypt;
mod share;
mod step;
#[cfg(test)]
mod table;

use std::fmt;

use self::{
    entry::Entries,
    step::{Event, step},
};
pub use self::{
    outcome::{Decision, IncomingRequest, ResponderError},
    policy::{SharePolicy, ShareRule},
    secret_to_encrypt::{EncryptedSecretSend, SecretToEncrypt},
    step::AnswerState,
};
#[cfg(feature = "unstable-msc4385")]
pub(super) use self::{secret_to_encrypt::Purpose, share::check_provenance};
use super::own_devices::OwnDevices;
use crate::clock::Clock;
use crate::ids::{DeviceId, RequestId, UserId};

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

    /// What waits for the user or for an Olm session, and which of both: what a host asks for after a
    /// restart.
    pub fn waiting(&self) -> impl Iterator<Item = (IncomingRequest, AnswerState)> {
        let waiting = self.entries.iter().filter(|entry| entry.is_waiting());
        waiting.filter_map(|entry| Some((entry.incoming()?, entry.state)))
    }

    /// Where a request stands; `None` if there is no such request.
    #[must_use]
    pub fn state(&self, device_id: &DeviceId, request_id: &RequestId) -> Option<AnswerState> {
        self.entries.get(device_id, request_id).map(|entry| entry.state)
    }

    /// Ends what has waited too long, which it returns, and forgets what was done with long ago.
    pub fn expire(&mut self, now_ms: u64) -> Vec<IncomingRequest> {
        let now = self.clock.advance(now_ms);
        let mut ended = Vec::new();
        self.entries.retain(|entry| {
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
        let due = self.entries.iter().map(|entry| entry.due(&self.policy)).min();
        due.map(|due| due.saturating_sub(self.clock.elapsed_ms()))
    }

    fn is_ours(&self, devices: &OwnDevices) -> bool {
        *devices.user_id() == self.user_id && devices.this_device().device_id == self.device_id
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, device_id, policy, clock: _, entries } = self;
        f.debug_struct("Responder")
            .field("user_id", user_id)
            .field("device_id", device_id)
            .field("policy", policy)
            .field("requests", &entries.iter().count())
            .finish_non_exhaustive()
    }
}

/// The type of the event, which is never encrypted.
pub const SECRET_REQUEST: &str = "m.secret.request";

//! The one way out: the requests of the account's machine and of all flows.

// docs/decisions.md, 25: one courier.

mod tries;

use std::{collections::BTreeMap, sync::Arc};

use rand_core::CryptoRng;

use self::tries::Tries;
pub(super) use self::tries::{Backoff, Blame, PATIENCE};
use super::{
    call::{Call, Lane},
    failure::Failure,
    operation::{Answer, Letter, Operation, TaskId},
    waiting::{Awaited, RequestFailure, RequestKind},
};
use crate::{
    Limits,
    api::{self, ApiError},
    clock::Clock,
};

/// Requests on their way, when the next one of each kind may be sent, and what all of them have to obey: the access
/// token and rate limits.
#[derive(Debug, Default)]
pub(super) struct Courier {
    clock: Clock,
    backoff: Backoff,
    in_flight: BTreeMap<TaskId, Sent>,
    tries: BTreeMap<RequestKind, Tries>,
    /// How many answers have come, whatever they say.
    heard: u64,
    /// Nothing is sent before, by our clock: a server asked for it.
    not_before_ms: u64,
    /// When a server asked for it, in the host's time.
    limited_since_ms: u64,
    refused_token: Option<RefusedToken>,
    /// Requests up to this one had another token: what is said of it is past.
    last_id_of_old_token: u64,
    /// Whether the answer that is read now is one to such a request.
    is_of_old_token: bool,
    /// The last number that was given.
    pub(super) last_id: u64,
    last_error: Option<RequestFailure>,
    /// What the host is waited for, and since when in its time.
    host: BTreeMap<Awaited, u64>,
}

#[derive(Debug)]
struct Sent {
    letter: Arc<Letter>,
    /// In the host's time.
    since_ms: u64,
}

#[derive(Debug)]
struct RefusedToken {
    soft_logout: bool,
    /// In the host's time.
    since_ms: u64,
    is_told: bool,
}

impl Courier {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self { backoff, ..Self::default() }
    }

    /// Takes the host's time, and returns ours.
    pub(super) fn advance(&mut self, now_ms: u64) -> u64 {
        self.clock.advance(now_ms)
    }

    /// Our time when it was last told.
    pub(super) fn now(&self) -> u64 {
        self.clock.elapsed_ms()
    }

    /// The host's time when it was last told.
    pub(super) fn host_now_ms(&self) -> u64 {
        self.clock.last_ms()
    }

    /// A moment of our time, in the host's.
    pub(super) fn host_time(&self, at_ms: u64) -> u64 {
        self.host_now_ms().saturating_add(at_ms.saturating_sub(self.now()))
    }

    /// Draws where the numbers start: an answer to a request from before a restart is an answer to none of these.
    pub(super) fn draw_ids(&mut self, rng: &mut impl CryptoRng) {
        if self.last_id == 0 {
            self.last_id = rng.next_u64() >> 1;
        }
    }

    pub(super) fn new_id(&mut self) -> TaskId {
        self.last_id += 1;
        TaskId(self.last_id)
    }

    /// When a request of this kind may be sent, by our clock; nothing while there is no valid access token.
    pub(super) fn due(&self, kind: RequestKind) -> Option<u64> {
        let due = self.tries.get(&kind).map_or(0, |tries| tries.due_ms);
        (!self.is_paused()).then(|| due.max(self.not_before_ms))
    }

    pub(super) fn may_send(&self, kind: RequestKind) -> bool {
        self.due(kind).is_some_and(|due| due <= self.now())
    }

    pub(super) fn send(&mut self, call: Call) -> Operation {
        let id = self.new_id();
        let operation = Operation::new(id, call);
        let letter = Arc::clone(operation.letter());
        self.in_flight.insert(id, Sent { letter, since_ms: self.host_now_ms() });
        operation
    }

    pub(super) fn get(&self, id: TaskId) -> Option<&Call> {
        Some(self.in_flight.get(&id)?.letter.call())
    }

    /// Whether a request of this lane is on its way. Parts that remembered their own would lose it with themselves.
    pub(super) fn is_busy(&self, lane: Lane) -> bool {
        self.in_flight.values().any(|sent| sent.letter.call().lane() == lane)
    }

    /// A request to which this answer has come, if it is awaited.
    pub(super) fn take(
        &mut self,
        id: TaskId,
        is_of_flow: bool,
        answer: &Answer,
    ) -> Option<Arc<Letter>> {
        if self.get(id)?.is_of_flow() != is_of_flow {
            return None;
        }
        self.heard += u64::from(answer.is_some());
        self.is_of_old_token = id.0 <= self.last_id_of_old_token;
        self.last_error = None;
        Some(self.in_flight.remove(&id)?.letter)
    }

    /// Requests that the host has dropped before it made anything of them: they will never be answered.
    pub(super) fn dropped(&self) -> Vec<TaskId> {
        let is_dropped = |letter: &Arc<Letter>| !letter.is_read() && Arc::strong_count(letter) == 1;
        let dropped = self.in_flight.iter().filter(|(_, sent)| is_dropped(&sent.letter));
        dropped.map(|(id, _)| *id).collect()
    }

    pub(super) fn awaits_answers(&self) -> bool {
        self.in_flight.values().any(|sent| !sent.letter.call().is_of_flow())
    }

    /// Whether a request of a flow is on its way.
    pub(super) fn awaits_flow(&self) -> bool {
        self.in_flight.values().any(|sent| sent.letter.call().is_of_flow())
    }

    /// What a flow has asked for is not waited for any more.
    pub(super) fn forget_flow(&mut self) {
        self.in_flight.retain(|_, sent| !sent.letter.call().is_of_flow());
    }

    /// What came back for a request that was [taken](Self::take).
    pub(super) fn read<T>(
        &mut self,
        call: &api::Request<T>,
        answer: &Answer,
        now_ms: u64,
        limits: &Limits,
    ) -> Result<T, Failure> {
        let response = answer.as_ref().ok_or_else(|| self.lost())?;
        let read = call.read_response(response, limits);
        read.map_err(|error| self.blame(error, now_ms))
    }

    pub(super) fn lost(&mut self) -> Failure {
        self.last_error = Some(RequestFailure::NoAnswer);
        Failure::NoAnswer
    }

    /// Why it failed what is [counted](Self::failed) next.
    pub(super) fn has_failed_with(&mut self, error: ApiError) {
        self.last_error = Some(error.into());
    }

    /// What everything else has to obey.
    pub(super) fn blame(&mut self, error: ApiError, now_ms: u64) -> Failure {
        self.has_failed_with(error.clone());
        let soft_logout = error.is_soft_logout();
        let failure = Failure::new(error, now_ms);
        match failure {
            Failure::Unauthorized if !self.is_of_old_token && !self.is_paused() => {
                let since_ms = self.host_now_ms();
                self.refused_token = Some(RefusedToken { soft_logout, since_ms, is_told: false });
            }
            Failure::RateLimited { wait_ms } => {
                if self.not_before_ms <= self.now() {
                    self.limited_since_ms = self.host_now_ms();
                }
                let until = self.now().saturating_add(wait_ms);
                self.not_before_ms = self.not_before_ms.max(until);
            }
            _ => {}
        }
        failure
    }

    pub(super) fn resume(&mut self) {
        self.refused_token = None;
        self.last_id_of_old_token = self.last_id;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.refused_token.is_some()
    }

    /// Whether the device goes on to exist whose access token is not accepted, once.
    pub(super) fn needs_token(&mut self) -> Option<bool> {
        let token = self.refused_token.as_mut().filter(|token| !token.is_told)?;
        token.is_told = true;
        Some(token.soft_logout)
    }

    /// The host has done nothing about the access token: it is told again.
    pub(super) fn tell_token_again(&mut self) {
        self.refused_token.iter_mut().for_each(|token| token.is_told = false);
    }
}

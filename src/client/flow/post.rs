//! The requests of a flow: one at a time, and again later when they fail.

use http::{Request, Response};
use rand_core::CryptoRng;

use super::FlowError;
use crate::{
    Limits,
    api::{
        AccessToken, BaseUrl, Endpoint, GetAccountData, PutAccountData, RequestError, SendToDevice,
    },
    client::{
        failure::Failure,
        lane::{Backoff, Lane},
        operation::{NoAnswer, Operation, OperationId, Sendable},
    },
    clock::Clock,
};

/// What a flow asks for itself.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Get(GetAccountData),
    Put(PutAccountData),
    ToDevice(SendToDevice),
}

impl Sendable for Call {
    fn to_http(
        &self,
        base_url: &BaseUrl,
        token: &AccessToken,
    ) -> Result<Request<Vec<u8>>, RequestError> {
        match self {
            Self::Get(call) => call.to_http(base_url, token),
            Self::Put(call) => call.to_http(base_url, token),
            Self::ToDevice(call) => call.to_http(base_url, token),
        }
    }
}

/// One request at a time.
#[derive(Debug, Default)]
pub(super) struct Post {
    lane: Lane,
    clock: Clock,
    call: Option<Call>,
    pub(super) is_paused: bool,
    last_id: u64,
}

impl Post {
    /// The request, if it may be sent now.
    pub(super) fn send(
        &mut self,
        call: Call,
        now_ms: u64,
        rng: &mut impl CryptoRng,
    ) -> Option<Operation> {
        let now = self.clock.advance(now_ms);
        if self.is_paused || !self.lane.is_free(now) {
            return None;
        }
        if self.last_id == 0 {
            // An answer to a request from before a restart is an answer to none of these.
            self.last_id = rng.next_u64() >> 1;
        }
        self.last_id += 1;
        let id = OperationId(self.last_id);
        self.lane.in_flight = Some(id);
        self.call = Some(call.clone());
        Some(Operation::new(id, call))
    }

    /// The request of this number, if it is awaited.
    pub(super) fn take(&mut self, id: OperationId) -> Option<Call> {
        self.call.take_if(|_| self.lane.in_flight == Some(id))
    }

    /// What came back for a request that was [taken](Self::take). One that may succeed later is sent again.
    pub(super) fn read<E: Endpoint>(
        &mut self,
        call: &E,
        answer: Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
        limits: &Limits,
    ) -> Result<E::Response, Failure> {
        let now = self.clock.advance(now_ms);
        let read = answer.map_err(|NoAnswer| Failure::NoAnswer).and_then(|response| {
            call.read_response(&response, limits).map_err(|error| Failure::new(error, now_ms))
        });
        match &read {
            Ok(_) => self.lane.succeeded(now),
            Err(failure) => {
                self.is_paused |= matches!(failure, Failure::Unauthorized);
                self.lane.failed(now, failure.wait_ms(), BACKOFF);
            }
        }
        read
    }

    /// What came is not what was to come: the next request waits as after a failure.
    pub(super) fn slow_down(&mut self) {
        self.lane.failed(self.clock.elapsed_ms(), 0, BACKOFF);
    }

    /// When the next request may be sent, in the host's time; nothing while one is awaited.
    pub(super) fn until(&self) -> Option<u64> {
        let due = self.lane.due().filter(|_| !self.is_paused)?;
        let wait = due.saturating_sub(self.clock.elapsed_ms());
        Some(self.clock.last_ms().saturating_add(wait))
    }
}

/// Why a request will never be taken, if so.
pub(super) fn final_error(failure: Failure) -> Option<FlowError> {
    match failure {
        Failure::Refused(error) => Some(FlowError::Refused(error)),
        Failure::TooLarge => Some(FlowError::TooLarge),
        Failure::NotFound | Failure::OtherVersion => Some(FlowError::NotFound),
        _ => None,
    }
}

/// As the account's machine waits.
const BACKOFF: Backoff = Backoff { first_ms: 1_000, longest_ms: 10 * 60 * 1_000 };

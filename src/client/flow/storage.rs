//! The secret storage as the homeserver has it, and plans that are carried out there.

use std::collections::BTreeMap;

use http::Response;
use rand_core::CryptoRng;

use super::{
    FlowError,
    post::{Call, Post},
};
use crate::{
    Limits,
    api::{GetAccountData, PutAccountData},
    client::{
        failure::Failure,
        operation::{NoAnswer, Operation, OperationId},
    },
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
    secret_storage::{Plan, PlanStep, SecretStorage},
};

/// The secret storage, read and changed step by step.
#[derive(Debug)]
pub(super) struct Storage {
    user_id: UserId,
    limits: Limits,
    pub(super) post: Post,
    /// As the host gave them, and as they were read since.
    events: BTreeMap<EventType, JsonObject>,
    is_read: bool,
    running: Option<Running>,
    attempts: u32,
}

/// A plan that is carried out.
#[derive(Debug)]
struct Running {
    plan: Plan,
    phase: Phase,
}

/// Where the next step of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The event is to be what the plan was made from.
    Check,
    /// The event is to be written.
    Write,
    /// The event is to be read back.
    ReadBack,
}

impl Storage {
    pub(super) fn new(user_id: UserId, limits: Limits) -> Self {
        Self {
            user_id,
            limits,
            post: Post::default(),
            events: BTreeMap::new(),
            is_read: false,
            running: None,
            attempts: 0,
        }
    }

    /// What the account data says, once the host has given it.
    pub(super) fn get(&self) -> Option<SecretStorage> {
        self.is_read.then(|| SecretStorage::from_account_data(&self.events, &self.limits))
    }

    pub(super) fn give(&mut self, events: impl IntoIterator<Item = (EventType, JsonObject)>) {
        self.events = events.into_iter().collect();
        self.is_read = true;
    }

    /// Begins to carry out a plan.
    pub(super) fn run(&mut self, plan: Plan) {
        self.running = Some(Running { plan, phase: Phase::Check });
    }

    /// The plan, once all of it was read back.
    pub(super) fn finished(&mut self) -> Option<Plan> {
        let running = self.running.take_if(|running| running.plan.next().is_none())?;
        Some(running.plan)
    }

    /// Whether a plan is wanted: there is none, and the account data is known.
    pub(super) fn wants_plan(&self) -> bool {
        self.is_read && self.running.is_none()
    }

    /// The next request, if one may be sent now.
    pub(super) fn call(&mut self, now_ms: u64, rng: &mut impl CryptoRng) -> Option<Operation> {
        let Running { plan, phase } = self.running.as_ref()?;
        let PlanStep { event_type, content, .. } = plan.next()?;
        let (user_id, event_type) = (self.user_id.clone(), event_type.clone());
        let call = if *phase == Phase::Write {
            Call::Put(PutAccountData::new(user_id, event_type, content.clone()))
        } else {
            Call::Get(GetAccountData::new(user_id, event_type))
        };
        self.post.send(call, now_ms, rng)
    }

    /// What came back for a request of this; nothing if it is none.
    pub(super) fn answer(
        &mut self,
        id: OperationId,
        answer: &Result<Response<Vec<u8>>, NoAnswer>,
        now_ms: u64,
    ) -> Option<Result<(), FlowError>> {
        let call = self.post.take(id)?;
        let (answer, limits) = (answer.clone(), self.limits);
        let failure = match call {
            Call::Get(call) => match self.post.read(&call, answer, now_ms, &limits) {
                Ok(content) => return Some(self.compare(content)),
                Err(failure) => failure,
            },
            Call::Put(call) => match self.post.read(&call, answer, now_ms, &limits) {
                Ok(()) => {
                    self.turn(Phase::ReadBack);
                    return Some(Ok(()));
                }
                Err(failure) => {
                    // It may have been written all the same, and changed since.
                    self.turn(Phase::Check);
                    failure
                }
            },
            Call::ToDevice(_) => return None,
        };
        Some(match failure {
            Failure::Refused(error) => Err(FlowError::Refused(error)),
            Failure::TooLarge => Err(FlowError::TooLarge),
            _ => Ok(()),
        })
    }

    fn turn(&mut self, phase: Phase) {
        if let Some(running) = &mut self.running {
            running.phase = phase;
        }
    }

    /// The event of the step, as it is now.
    fn compare(&mut self, content: Option<JsonObject>) -> Result<(), FlowError> {
        let Some(Running { plan, phase }) = &mut self.running else { return Ok(()) };
        let Some(event_type) = plan.next().map(|step| step.event_type.clone()) else {
            return Ok(());
        };
        let compared = match phase {
            Phase::ReadBack => {
                *phase = Phase::Check;
                plan.read_back(content.as_ref())
            }
            Phase::Check | Phase::Write => {
                *phase = Phase::Write;
                plan.check_before(content.as_ref())
            }
        };
        match content {
            Some(content) => drop(self.events.insert(event_type, content)),
            None => drop(self.events.remove(&event_type)),
        }
        if compared.is_err() {
            // Another client was there: the plan is made again, from what it wrote.
            self.running = None;
            self.attempts += 1;
            if self.attempts > MAX_ATTEMPTS {
                return Err(FlowError::KeepsChanging);
            }
        }
        Ok(())
    }
}

/// How many times a plan is made again: about as many as there are events.
const MAX_ATTEMPTS: u32 = 100;

//! The secret storage as the homeserver has it, and plans that are carried out there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Flow, FlowError, Step, machine::Machine};
use crate::{
    Limits, api,
    client::{
        call::Call,
        courier::Courier,
        operation::{Answer, Operation, TaskId},
        waiting::RequestKind,
    },
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
    secret_storage::{DEFAULT_KEY, Plan, PlanStep, SecretStorage},
    secret_value::WELL_KNOWN,
};

/// The secret storage, read and changed step by step.
#[derive(Debug)]
pub(super) struct Storage {
    user_id: UserId,
    limits: Limits,
    /// As the host gave them, and as they were read since.
    events: BTreeMap<EventType, JsonObject>,
    /// What they say, until one of them is another one.
    parsed: Option<Arc<SecretStorage>>,
    is_read: bool,
    /// What is read from the homeserver itself before the storage is known.
    to_read: BTreeSet<EventType>,
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
            events: BTreeMap::new(),
            parsed: None,
            is_read: false,
            to_read: BTreeSet::new(),
            running: None,
            attempts: 0,
        }
    }

    /// Whether the host is to give the account data.
    pub(super) fn wants_events(&self) -> bool {
        !self.is_read
    }

    /// What the account data says, once the host has given it and the homeserver was asked for what the host may not
    /// have heard of.
    pub(super) fn get(&mut self) -> Option<Arc<SecretStorage>> {
        let is_known = self.is_read && self.to_read.is_empty();
        is_known.then(|| self.parsed())
    }

    pub(super) fn parsed(&mut self) -> Arc<SecretStorage> {
        let parse = || Arc::new(SecretStorage::from_account_data(&self.events, &self.limits));
        Arc::clone(self.parsed.get_or_insert_with(parse))
    }

    pub(super) fn give(&mut self, events: impl IntoIterator<Item = (EventType, JsonObject)>) {
        // What cannot be asked for is none of ours.
        let is_ours = |(event_type, _): &(EventType, _)| {
            api::get_account_data(&self.user_id, event_type).path_and_query().is_ok()
        };
        self.events = events.into_iter().filter(is_ours).collect();
        self.parsed = None;
        self.is_read = true;
        self.look_again();
    }

    /// The host is asked for the account data again.
    pub(super) fn forget(&mut self) {
        self.is_read = false;
    }

    /// What has a name that everybody knows is read from the homeserver, and so is every secret that is known.
    pub(super) fn look_again(&mut self) {
        let storage = self.parsed();
        let known = storage.secrets().map(|(name, _)| name.as_str());
        let names = known.chain(WELL_KNOWN).chain([DEFAULT_KEY]);
        self.to_read = names.map(EventType::from).collect();
    }

    /// Whether the next request makes a key the default one.
    pub(super) fn is_to_write_default_key(&self) -> bool {
        let writing = self.running.as_ref().filter(|running| running.phase == Phase::Write);
        let step = writing.and_then(|running| running.plan.next());
        step.is_some_and(|step| step.event_type == DEFAULT_KEY.into())
    }

    /// Begins to carry out a plan.
    pub(super) fn run(&mut self, plan: Plan) {
        self.running = Some(Running { plan, phase: Phase::Check });
    }

    /// The plan, once all of it was read back.
    pub(super) fn finished(&mut self) -> Option<Plan> {
        self.running.take_if(|running| running.plan.next().is_none()).map(|running| running.plan)
    }

    /// Whether a plan is wanted.
    pub(super) fn wants_plan(&self) -> bool {
        self.running.is_none()
    }

    /// The next step: the host is asked for the account data, or a request is sent, or waited for.
    pub(super) fn step<F: Flow>(&mut self, courier: &mut Courier) -> Step<F> {
        if self.wants_events() {
            return Step::ReadAccountData;
        }
        let sent = self.call(courier).map(|operation| Step::Send(Box::new(operation)));
        sent.unwrap_or_else(|| Step::Wait(self.due(courier).map(|due| courier.host_time(due))))
    }

    /// The next request, if one may be sent now.
    fn call(&mut self, courier: &mut Courier) -> Option<Operation> {
        if self.due(courier)? > courier.now() {
            return None;
        }
        let user_id = &self.user_id;
        let call = if let Some(event_type) = self.to_read.first() {
            Call::ReadAccountData(event_type.clone(), api::get_account_data(user_id, event_type))
        } else {
            let Running { plan, phase } = self.running.as_ref()?;
            let PlanStep { event_type, content, .. } = plan.next()?;
            match phase {
                Phase::Write => {
                    Call::WriteAccountData(api::put_account_data(user_id, event_type, content))
                }
                Phase::Check | Phase::ReadBack => {
                    let get = api::get_account_data(user_id, event_type);
                    Call::ReadAccountData(event_type.clone(), get)
                }
            }
        };
        Some(courier.send(call))
    }

    /// When the next request may be sent, by the courier's clock; nothing if none is to be sent, or one is awaited.
    fn due(&self, courier: &Courier) -> Option<u64> {
        if courier.awaits_flow() || !self.is_read {
            return None;
        }
        let read = courier.due(RequestKind::ReadAccountData)?;
        if !self.to_read.is_empty() {
            return Some(read);
        }
        // What is written is checked just before.
        match self.running.as_ref()?.phase {
            Phase::Check => Some(courier.due(RequestKind::WriteAccountData)?.max(read)),
            Phase::Write => courier.due(RequestKind::WriteAccountData),
            Phase::ReadBack => Some(read),
        }
    }

    /// What the next request is, and what it waits for: what is written is read just before.
    pub(super) fn kinds(&self) -> &'static [RequestKind] {
        match self.running.as_ref().map(|running| running.phase) {
            _ if !self.to_read.is_empty() => &[RequestKind::ReadAccountData],
            Some(Phase::Check) => &[RequestKind::ReadAccountData, RequestKind::WriteAccountData],
            Some(Phase::Write) => &[RequestKind::WriteAccountData],
            Some(Phase::ReadBack) => &[RequestKind::ReadAccountData],
            None => &[],
        }
    }

    /// What came back for a request of this; `false` if it is none.
    pub(super) fn take_answer(
        &mut self,
        machine: &mut Machine,
        id: TaskId,
        answer: &Answer,
        now_ms: u64,
    ) -> bool {
        let Some((courier, letter)) = machine.take(id, answer, now_ms) else { return false };
        let read = match letter.call() {
            Call::ReadAccountData(event_type, call) => {
                let content = courier.read(call, answer, now_ms, &self.limits);
                content.map(|content| {
                    courier.settled(RequestKind::ReadAccountData);
                    self.came(courier, event_type, content)
                })
            }
            Call::WriteAccountData(call) => {
                let written = courier.read(call, answer, now_ms, &self.limits);
                // If it has failed, it may have been written all the same, and changed since.
                self.turn(if written.is_ok() { Phase::ReadBack } else { Phase::Check });
                written.map(Ok)
            }
            _ => return false,
        };
        match read {
            Ok(compared) => machine.goes_on(compared),
            Err(failure) => machine.has_failed_to(letter.call().kind(), failure),
        }
        true
    }

    fn turn(&mut self, phase: Phase) {
        self.running.iter_mut().for_each(|running| running.phase = phase);
    }

    /// An event, as it is now.
    fn came(
        &mut self,
        courier: &mut Courier,
        event_type: &EventType,
        content: Option<JsonObject>,
    ) -> Result<(), FlowError> {
        let before = match &content {
            Some(content) => self.events.insert(event_type.clone(), content.clone()),
            None => self.events.remove(event_type),
        };
        if before != content {
            self.parsed = None;
        }
        self.to_read.remove(event_type);
        self.compare(courier, event_type, content.as_ref())
    }

    /// The event of the step, as it is now.
    fn compare(
        &mut self,
        courier: &mut Courier,
        event_type: &EventType,
        content: Option<&JsonObject>,
    ) -> Result<(), FlowError> {
        let Some(Running { plan, phase }) = &mut self.running else { return Ok(()) };
        if plan.next().is_none_or(|step| step.event_type != *event_type) {
            return Ok(());
        }
        let compared = match phase {
            Phase::ReadBack => {
                *phase = Phase::Check;
                let compared = plan.read_back(content);
                match &compared {
                    Ok(()) => courier.settled(RequestKind::WriteAccountData),
                    // A server may lag.
                    Err(_) => courier.failed(RequestKind::WriteAccountData, 0),
                }
                compared
            }
            Phase::Check | Phase::Write => {
                *phase = Phase::Write;
                plan.check_before(content)
            }
        };
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

//! [Messages to devices](https://spec.matrix.org/v1.16/client-server-api/#send-to-device-messaging):
//! sending them, and keeping them until they are fetched.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    call::{Call, name, object},
    logins::Caller,
    options::HomeserverOptions,
    refusal::Refusal,
    reply::empty,
    state::State,
};
use crate::ids::{DeviceId, UserId};

/// `PUT /sendToDevice/{eventType}/{txnId}`
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SendToDevice {
    kind: String,
    transaction: String,
}

/// Messages that wait for one device.
#[derive(Clone, Default)]
pub(super) struct Inbox {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

#[derive(Clone)]
struct Waiting {
    position: u64,
    message: Message,
}

/// A message as `/sync` returns it.
#[derive(Clone, Serialize)]
pub(super) struct Message {
    sender: UserId,
    #[serde(rename = "type")]
    kind: Arc<str>,
    content: Arc<RawValue>,
}

/// What a device sent last, so that it is not sent again.
#[derive(Clone, Default)]
pub(super) struct Transactions(VecDeque<SendToDevice>);

impl SendToDevice {
    /// Finds the endpoint for a method and what the path says.
    pub(super) fn find(method: &Method, kind: &str, transaction: &str) -> Result<Self, Refusal> {
        if *method != Method::PUT {
            return Err(Refusal::UnknownMethod);
        }
        Ok(Self { kind: kind.to_owned(), transaction: transaction.to_owned() })
    }
}

impl Inbox {
    /// Forgets what the device has: everything up to a position.
    pub(super) fn acknowledge(&mut self, position: u64) {
        let fetched = self.waiting.partition_point(|one| one.position <= position);
        self.bytes -= self.waiting.drain(..fetched).map(|one| one.message.bytes()).sum::<usize>();
    }

    /// Whether a message waits that came after a position.
    pub(super) fn has_after(&self, position: u64) -> bool {
        self.waiting.back().is_some_and(|last| last.position > position)
    }

    /// The next messages, and the position up to which they go: `end` if no more are waiting.
    pub(super) fn next(&self, end: u64) -> (Vec<&Message>, u64) {
        let messages = self.waiting.iter().take(MESSAGES_AT_ONCE).map(|one| &one.message).collect();
        let last = self.waiting.get(MESSAGES_AT_ONCE - 1);
        let more = self.waiting.len() > MESSAGES_AT_ONCE;
        (messages, last.filter(|_| more).map_or(end, |one| one.position))
    }

    /// About how many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn push(&mut self, position: u64, message: Message) {
        self.bytes += message.bytes();
        self.waiting.push_back(Waiting { position, message });
    }
}

impl Message {
    fn bytes(&self) -> usize {
        size_of::<Waiting>() + self.kind.len() + self.content.get().len()
    }
}

impl Transactions {
    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        let size = |one: &SendToDevice| one.kind.len() + one.transaction.len();
        self.0.iter().map(size).sum()
    }

    fn push(&mut self, sent: SendToDevice) {
        if self.0.len() == TRANSACTIONS_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(sent);
    }
}

/// Delivers messages, all or none; what was sent under a transaction ID is not sent again.
pub(super) fn send(
    request: &SendToDevice,
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
    options: &HomeserverOptions,
) -> Result<Vec<u8>, Refusal> {
    let mut body = call.json_object()?;
    if state.device(caller).transactions.0.contains(request) {
        return Ok(empty());
    }
    let messages = body.take("messages").ok_or(Refusal::BadJson(MESSAGES))?;
    let deliveries = read(messages, request, caller, state)?;
    check_room(&deliveries, state, options)?;
    for (to, message) in deliveries {
        let position = state.advance();
        state.device(&to).inbox.push(position, message);
    }
    state.device(caller).transactions.push(request.clone());
    Ok(empty())
}

/// Reads `{user: {device: content}}`; only devices that exist get anything.
fn read(
    messages: &RawValue,
    request: &SendToDevice,
    caller: &Caller,
    state: &State,
) -> Result<Vec<(Caller, Message)>, Refusal> {
    let kind: Arc<str> = request.kind.as_str().into();
    let mut deliveries = Vec::new();
    for (user, devices) in object(messages, MESSAGES)?.into_members() {
        let user = UserId::from(name(user)?);
        for (device, content) in object(devices, MESSAGES)?.into_members() {
            object(content, "The content of a message must be an object")?;
            let content: Arc<RawValue> = content.to_owned().into();
            for device in existing(&user, &name(device)?, state) {
                let (sender, kind) = (caller.user.clone(), Arc::clone(&kind));
                let message = Message { sender, kind, content: Arc::clone(&content) };
                deliveries.push((Caller { user: user.clone(), device }, message));
            }
        }
    }
    Ok(deliveries)
}

/// Refuses messages of which one account or device would get too many, all of them together.
fn check_room(
    deliveries: &[(Caller, Message)],
    state: &State,
    options: &HomeserverOptions,
) -> Result<(), Refusal> {
    let mut bytes = BTreeMap::<_, usize>::new();
    let mut counts = BTreeMap::<_, usize>::new();
    for (to, message) in deliveries {
        *bytes.entry(&to.user).or_default() += message.bytes();
        *counts.entry((&to.user, &to.device)).or_default() += 1;
    }
    for (user, more) in bytes {
        state.check_room_for(user, more, options.account_bytes)?;
    }
    for ((user, device), more) in counts {
        let device = state.accounts.get(user).and_then(|account| account.devices.get(device));
        let waiting = device.map_or(0, |device| device.inbox.waiting.len());
        if waiting + more > options.waiting_messages {
            return Err(Refusal::ResourceLimit);
        }
    }
    Ok(())
}

/// The device of this name, or all devices for `*`.
fn existing(user: &UserId, device: &str, state: &State) -> Vec<DeviceId> {
    let Some(account) = state.accounts.get(user) else { return Vec::new() };
    if device == "*" {
        return account.devices.keys().cloned().collect();
    }
    let device = DeviceId::from(device);
    if account.devices.contains_key(&device) { vec![device] } else { Vec::new() }
}

const MESSAGES: &str = "messages must be an object of objects";

/// How many messages one `/sync` returns, as the specification recommends.
const MESSAGES_AT_ONCE: usize = 100;

/// How many transaction IDs of a device are remembered.
const TRANSACTIONS_KEPT: usize = 1_000;

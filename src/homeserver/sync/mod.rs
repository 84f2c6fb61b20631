//! [`GET /sync`](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3sync) as far as keys
//! need it: account data, events of rooms, messages to devices, counts of one-time keys, changed keys of the
//! user.
//!
//! It never waits, since there is no clock here; [`patience`] says how long a host may.

mod filter;
mod token;

use std::{collections::BTreeMap, time::Duration};

use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

pub(super) use self::filter::Filter;
use self::token::SyncToken;
use super::{
    call::Call,
    logins::Caller,
    refusal::Refusal,
    reply::to_body,
    rooms::JoinedRoom,
    state::{Account, State},
    to_device::Message,
};
use crate::ids::{RoomId, UserId};

#[derive(Serialize)]
struct Reply<'a> {
    next_batch: SyncToken,
    account_data: Events<AccountDataEvent<'a>>,
    rooms: JoinedRooms<'a>,
    to_device: Events<&'a Message>,
    device_lists: DeviceLists<'a>,
    device_one_time_keys_count: BTreeMap<String, usize>,
    device_unused_fallback_key_types: Vec<&'a str>,
}

#[derive(Serialize)]
struct JoinedRooms<'a> {
    join: BTreeMap<&'a RoomId, JoinedRoom<'a>>,
}

#[derive(Serialize)]
struct Events<T> {
    events: Vec<T>,
}

#[derive(Serialize)]
struct AccountDataEvent<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    content: &'a RawValue,
}

#[derive(Serialize)]
struct DeviceLists<'a> {
    changed: Vec<&'a UserId>,
    left: [&'a UserId; 0],
}

/// Checks the method of `/sync`.
pub(super) fn find(method: &Method) -> Result<(), Refusal> {
    if *method == Method::GET { Ok(()) } else { Err(Refusal::UnknownMethod) }
}

/// What a request asks for.
struct Asked {
    since: Option<SyncToken>,
    filter: Filter,
    patience: Duration,
}

/// Returns what is new since the token, and forgets the messages that came before it.
pub(super) fn respond(
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
) -> Result<Vec<u8>, Refusal> {
    let end = state.position;
    let asked = Asked::read(call, state.account(caller), end)?;
    let inbox = &mut state.device(caller).inbox;
    inbox.acknowledge(asked.since.map_or(0, |since| since.messages));
    Ok(to_body(&reply(state.account(caller), caller, &asked, end)))
}

/// How long the request may wait for something new: not at all if there is something, or if it is refused.
pub(super) fn patience(call: &Call<'_>, caller: &Caller, state: &State) -> Duration {
    let Some(account) = state.accounts.get(&caller.user) else { return Duration::ZERO };
    match Asked::read(call, account, state.position) {
        Ok(asked) if !asked.finds_news(account, caller) => asked.patience,
        _ => Duration::ZERO,
    }
}

/// Returns whose keys changed between two tokens
/// ([`GET /keys/changes`](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3keyschanges)).
pub(super) fn key_changes(
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
) -> Result<Vec<u8>, Refusal> {
    let end = state.position;
    let from = SyncToken::parse(&call.parameter("from")?, end)?;
    // Of several changes only the last is known: one that came after `to` may hide another before it.
    SyncToken::parse(&call.parameter("to")?, end)?;
    Ok(to_body(&DeviceLists::since(from, state.account(caller), caller)))
}

impl Asked {
    fn read(call: &Call<'_>, account: &Account, end: u64) -> Result<Self, Refusal> {
        let since = call.optional_parameter("since").map(|text| SyncToken::parse(&text, end));
        let filter = call.optional_parameter("filter");
        let timeout = call.optional_parameter("timeout").map(|timeout| timeout.parse());
        let timeout = timeout.unwrap_or(Ok(0)).map_err(|_| TIMEOUT)?;
        let wants_all = call.optional_parameter("full_state").as_deref() == Some("true");
        let since = since.transpose()?;
        let answers_at_once = since.is_none() || wants_all;
        Ok(Self {
            since,
            filter: Filter::read(filter.as_deref(), &account.filters)?,
            patience: if answers_at_once {
                Duration::ZERO
            } else {
                Duration::from_millis(timeout).min(MAX_PATIENCE)
            },
        })
    }

    /// Whether there is an event, a message or a changed key since the token.
    fn finds_news(&self, account: &Account, caller: &Caller) -> bool {
        let Some(since) = self.since else { return true };
        let device = account.devices.get(&caller.device);
        device.is_some_and(|device| device.inbox.has_after(since.messages))
            || account.keys_changed > since.changes
            || self.account_data(account).next().is_some()
            || self.rooms(account, caller).next().is_some()
    }

    fn rooms<'a>(
        &'a self,
        account: &'a Account,
        caller: &'a Caller,
    ) -> impl Iterator<Item = (&'a RoomId, JoinedRoom<'a>)> {
        let start = self.since.map_or(0, |since| since.changes);
        let rooms = account.rooms.after(start, &caller.device);
        rooms.filter(|(id, _)| self.filter.lets_room_through(id.as_str()))
    }

    fn account_data<'a>(
        &'a self,
        account: &'a Account,
    ) -> impl Iterator<Item = AccountDataEvent<'a>> {
        let start = self.since.map_or(0, |since| since.changes);
        let new = account.account_data.after(start).into_iter();
        new.filter(|(kind, _)| self.filter.lets_account_data_through(kind))
            .map(|(kind, content)| AccountDataEvent { kind, content })
    }
}

impl<'a> DeviceLists<'a> {
    /// The user, if their own keys changed: nobody shares a room with others here.
    fn since(since: SyncToken, account: &Account, caller: &'a Caller) -> Self {
        let changed = account.keys_changed > since.changes;
        Self { changed: changed.then_some(&caller.user).into_iter().collect(), left: [] }
    }
}

fn reply<'a>(account: &'a Account, caller: &'a Caller, asked: &'a Asked, end: u64) -> Reply<'a> {
    let device = account.devices.get(&caller.device);
    let (messages, last) = device.map_or((Vec::new(), end), |device| device.inbox.next(end));
    // To a device that knows nothing yet, nothing has changed.
    let since = asked.since.unwrap_or(SyncToken { changes: end, messages: end });
    Reply {
        next_batch: SyncToken { changes: end, messages: last },
        account_data: Events { events: asked.account_data(account).collect() },
        rooms: JoinedRooms { join: asked.rooms(account, caller).collect() },
        to_device: Events { events: messages },
        device_lists: DeviceLists::since(since, account, caller),
        device_one_time_keys_count: device
            .map(|one| one.keys.one_time_key_counts())
            .unwrap_or_default(),
        device_unused_fallback_key_types: device
            .map(|one| one.keys.unused_fallback_algorithms())
            .unwrap_or_default(),
    }
}

/// The longest that a host is told to wait.
const MAX_PATIENCE: Duration = Duration::from_secs(300);

const TIMEOUT: Refusal = Refusal::InvalidParameter("timeout is not a number of milliseconds");

//! [`GET /sync`](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3sync) as far as keys
//! need it: account data, messages to devices, counts of one-time keys, changed keys of the user.
//!
//! It never waits: there is no clock here, so `timeout` is as good as zero.

mod filter;
mod token;

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

use self::{filter::Filter, token::SyncToken};
use super::{
    call::Call,
    logins::Caller,
    refusal::Refusal,
    reply::to_body,
    state::{Account, State},
    to_device::Message,
};
use crate::ids::UserId;

#[derive(Serialize)]
struct Reply<'a> {
    next_batch: SyncToken,
    account_data: Events<AccountDataEvent<'a>>,
    to_device: Events<&'a Message>,
    device_lists: DeviceLists<'a>,
    device_one_time_keys_count: BTreeMap<String, usize>,
    device_unused_fallback_key_types: Vec<&'a str>,
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

/// Returns what is new since the token, and forgets the messages that came before it.
pub(super) fn respond(
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
) -> Result<Vec<u8>, Refusal> {
    let end = state.position;
    let since = call.optional_parameter("since").map(|text| SyncToken::parse(&text, end));
    let since = since.transpose()?;
    let filter = Filter::read(call.optional_parameter("filter").as_deref())?;
    let inbox = &mut state.device(caller).inbox;
    inbox.acknowledge(since.map_or(0, |since| since.messages));
    Ok(to_body(&reply(state.account(caller), caller, since, end, &filter)))
}

fn reply<'a>(
    account: &'a Account,
    caller: &'a Caller,
    since: Option<SyncToken>,
    end: u64,
    filter: &Filter,
) -> Reply<'a> {
    let start = since.map_or(0, |since| since.changes);
    let device = account.devices.get(&caller.device);
    let (messages, last) = device.map_or((Vec::new(), end), |device| device.inbox.next(end));
    let account_data = account.account_data.after(start).into_iter();
    let account_data = account_data
        .filter(|(kind, _)| filter.lets_account_data_through(kind))
        .map(|(kind, content)| AccountDataEvent { kind, content });
    let changed = since.is_some() && account.keys_changed > start;
    Reply {
        next_batch: SyncToken { changes: end, messages: last },
        account_data: Events { events: account_data.collect() },
        to_device: Events { events: messages },
        device_lists: DeviceLists {
            changed: changed.then_some(&caller.user).into_iter().collect(),
            left: [],
        },
        device_one_time_keys_count: device
            .map(|one| one.keys.one_time_key_counts())
            .unwrap_or_default(),
        device_unused_fallback_key_types: device
            .map(|one| one.keys.unused_fallback_algorithms())
            .unwrap_or_default(),
    }
}

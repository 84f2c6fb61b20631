//! What `/sync` returns.

use serde_json::value::RawValue;

use crate::{
    api::{ApiError, members::text, request::object},
    encoding::{
        format::FormatProblem,
        json::{self, RawObject},
        json_object::JsonObject,
    },
    ids::EventType,
    secret_sharing::ToDeviceEvent,
};

/// Account data that has changed, and events that were sent to this device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncResponse {
    /// What the next request [goes on from](super::Request::since): how far the host has read what the server sends, 4,096
    /// bytes at most.
    pub next_batch: String,
    /// The account data, types and contents, in the order of the response. An empty content means that it was deleted.
    pub account_data: Vec<(EventType, JsonObject)>,
    /// The events sent to this device, in the order of the response.
    pub to_device: Vec<ToDeviceEvent>,
    /// How many events of both kinds were left out: they have no type, no content, or are no objects; or they were sent to this
    /// device, and do not say by whom.
    pub broken: usize,
}

impl SyncResponse {
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let mut object = object(body)?;
        let next_batch = object.take("next_batch").and_then(json::lenient_token);
        let next_batch = next_batch.filter(|token| token.len() <= MAX_TOKEN_BYTES);
        let next_batch = next_batch.ok_or(FormatProblem::Unusable("next_batch"))?;
        let (account_data, to_device) =
            (events(&mut object, "account_data")?, events(&mut object, "to_device")?);
        let all = account_data.len() + to_device.len();
        let pair = |event| Some((text(event, "type")?.into(), content(event)?));
        let account_data: Vec<_> = account_data.into_iter().filter_map(pair).collect();
        let to_device: Vec<_> = to_device.into_iter().filter_map(sent).collect();
        let broken = all - account_data.len() - to_device.len();
        Ok(Self { next_batch, account_data, to_device, broken })
    }
}

fn sent(event: &RawValue) -> Option<ToDeviceEvent> {
    Some(ToDeviceEvent {
        sender: text(event, "sender")?.into(),
        event_type: text(event, "type")?.into(),
        content: content(event)?,
    })
}

/// A longer one may not fit into the URL of the next request. Real ones have some hundred bytes.
const MAX_TOKEN_BYTES: usize = 4_096;

fn content(event: &RawValue) -> Option<JsonObject> {
    let mut event = RawObject::parse(event.get().as_bytes()).ok()?;
    event.take("content").and_then(JsonObject::from_raw)
}

/// The elements of `events` in a member of the response; none if either is absent or `null`.
fn events<'a>(
    object: &mut RawObject<'a>,
    name: &'static str,
) -> Result<Vec<&'a RawValue>, ApiError> {
    let Some(value) = object.take_present(name) else { return Ok(Vec::new()) };
    let broken = FormatProblem::Unusable(name);
    let mut inner = RawObject::parse(value.get().as_bytes()).map_err(|_| broken)?;
    let Some(events) = inner.take_present("events") else { return Ok(Vec::new()) };
    json::array(events).ok_or(broken.into())
}

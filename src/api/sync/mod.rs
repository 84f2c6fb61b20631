//! `GET /_matrix/client/v3/sync`, for account data and what was sent to the device.

mod events;

use std::time::Duration;

use http::Method;
use serde::Serialize;

pub use self::events::{SyncResponse, ToDeviceEvent};
use super::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed, path::Path};
use crate::{Limits, encoding::json, ids::EventType};

/// Asks for account data that has changed, and for events sent to this device
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3sync)).
///
/// A filter in the request leaves out rooms and presence. It is for bots and tools that have no
/// `/sync` of their own, and does not show the user as online.
///
/// # Security
///
/// The homeserver forgets an event sent to the device once the next request says with
/// [`since`](Self::since) that it came. A host with its own `/sync` must not send this one beside it:
/// each would lose what the other got.
///
/// ```
/// use strongroom::{Limits, api::{Endpoint as _, GetSync}};
///
/// let first = GetSync::new().account_data(["m.secret_storage.default_key".into()]);
/// let response = http::Response::new(
///     r#"{"next_batch":"s1","account_data":{"events":[
///         {"type":"m.secret_storage.default_key","content":{"key":"abc"}}]}}"#,
/// );
/// let sync = first.read_response(&response, &Limits::default())?;
/// assert_eq!(sync.account_data[0].1.as_bytes(), br#"{"key":"abc"}"#);
///
/// let next = first.since(sync.next_batch).timeout(std::time::Duration::from_secs(30));
/// assert!(next.path_and_query()?.contains("since=s1&timeout=30000"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct GetSync {
    since: Option<String>,
    timeout: Duration,
    types: Option<Vec<EventType>>,
}

impl GetSync {
    /// For all account data, answered at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For what is new since a response.
    #[must_use]
    pub fn since(mut self, next_batch: String) -> Self {
        self.since = Some(next_batch);
        self
    }

    /// How long the homeserver may wait for something new, in whole milliseconds. Give the connection
    /// more time than that.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// For account data of these types alone. `*` stands for any characters.
    #[must_use]
    pub fn account_data(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        self.types = Some(types.into_iter().collect());
        self
    }

    fn filter(&self) -> String {
        let none = &Some(Vec::new());
        let filter = Filter {
            account_data: Types { types: &self.types },
            presence: Types { types: none },
            room: Rooms { rooms: [] },
        };
        json::to_text(&filter)
    }
}

impl Sealed for GetSync {}

impl Endpoint for GetSync {
    type Response = SyncResponse;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        // Inline, so that no request is needed for the filter.
        let mut path = Path::new("/sync").query("filter", &self.filter());
        path = path.query("set_presence", "offline");
        if let Some(since) = &self.since {
            path = path.query("since", since.as_str());
        }
        Ok(path.query("timeout", &self.timeout.as_millis().to_string()).to_string())
    }

    fn max_response_bytes(&self, limits: &Limits) -> usize {
        limits.sync_response_bytes
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<SyncResponse, ResponseError> {
        SyncResponse::read(body)
    }
}

#[derive(Serialize)]
struct Filter<'a> {
    account_data: Types<'a>,
    presence: Types<'a>,
    room: Rooms,
}

#[derive(Serialize)]
struct Types<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    types: &'a Option<Vec<EventType>>,
}

/// No rooms at all; without the member it would be all of them.
#[derive(Serialize)]
struct Rooms {
    rooms: [&'static str; 0],
}

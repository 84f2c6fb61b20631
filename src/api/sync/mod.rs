//! `GET /_matrix/client/v3/sync`, for account data and what was sent to the device.

mod events;

use std::time::Duration;

use http::Method;
use serde::Serialize;

pub use self::events::SyncResponse;
use super::{Request, path::Path};
use crate::{encoding::json, ids::EventType};

/// Asks for account data that has changed, and for events sent to this device
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3sync)).
///
/// A filter in the request leaves out rooms and presence. It is for bots and tools that have no
/// `/sync` of their own, and does not show the user as online.
///
/// # Security
///
/// The homeserver forgets an event sent to the device once the next request says with
/// [`since`](Request::since) that it came. A host with its own `/sync` must not send this one beside it:
/// each would lose what the other got.
///
/// ```
/// use strongroom::{Limits, api};
///
/// let first = api::get_sync().account_data(["m.secret_storage.default_key".into()]);
/// let response = http::Response::new(
///     r#"{"next_batch":"s1","account_data":{"events":[
///         {"type":"m.secret_storage.default_key","content":{"key":"abc"}}]}}"#,
/// );
/// let sync = first.read_response(&response, &Limits::default())?;
/// assert_eq!(sync.account_data[0].1.as_bytes(), br#"{"key":"abc"}"#);
///
/// let next = first.since(&sync.next_batch).timeout(std::time::Duration::from_secs(30));
/// assert!(next.path_and_query()?.contains("since=s1&timeout=30000"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn get_sync() -> Request<SyncResponse> {
    // The filter is inline, so that no request is needed for it.
    let path = Path::new("/sync").query("filter", &filter(None));
    let path = path.query("set_presence", "offline").query("timeout", "0");
    Request::new(Method::GET, Ok(path), |body, _| SyncResponse::read(body))
        .with_longest(|limits| limits.sync_response_bytes)
}

/// For all account data, answered at once, unless these say otherwise.
impl Request<SyncResponse> {
    /// For what is new since a response.
    #[must_use]
    pub fn since(self, next_batch: &str) -> Self {
        self.with_path(|path| path.query("since", next_batch))
    }

    /// How long the homeserver may wait for something new, in whole milliseconds. Give the connection
    /// more time than that.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with_path(|path| path.query("timeout", &timeout.as_millis().to_string()))
    }

    /// For account data of these types alone. `*` stands for any characters.
    #[must_use]
    pub fn account_data(self, types: impl IntoIterator<Item = EventType>) -> Self {
        let filter = filter(Some(types.into_iter().collect()));
        self.with_path(|path| path.query("filter", &filter))
    }
}

fn filter(types: Option<Vec<EventType>>) -> String {
    let none = &Some(Vec::new());
    json::to_text(&Filter {
        account_data: Types { types: &types },
        presence: Types { types: none },
        room: Rooms { rooms: [] },
    })
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

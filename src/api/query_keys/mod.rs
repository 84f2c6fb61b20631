//! `POST /_matrix/client/v3/keys/query`

mod new_identity;
mod own_keys;
mod queried_keys;

use std::{collections::BTreeMap, time::Duration};

use http::Method;
use serde::Serialize;

pub(crate) use self::queried_keys::DEVICES_UNREADABLE;
pub use self::{own_keys::OwnKeys, queried_keys::QueriedKeys};
use super::{Request, path::Path};
use crate::{
    encoding::json,
    ids::{DeviceId, UserId},
};

/// Asks for the cross-signing keys of `users`, and for the keys of the devices that are named with them; of all their devices
/// if none is named ([specification](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keysquery)).
///
/// The homeserver waits for other servers as long as it likes, or for the `timeout`, in whole milliseconds.
///
/// ```
/// use strongroom::{Limits, api};
///
/// let query = api::query_keys([("@alice:example.org".into(), vec![])], None);
/// assert_eq!(query.body(), br#"{"device_keys":{"@alice:example.org":[]}}"#);
/// let response = http::Response::new(r#"{"device_keys":{},"failures":{"example.net":{}}}"#);
/// let keys = query.read_response(&response, &Limits::default())?;
/// assert!(keys.failures.contains_key("example.net"), "its users may have keys all the same");
/// # Ok::<(), strongroom::api::ApiError>(())
/// ```
#[must_use]
pub fn query_keys(
    users: impl IntoIterator<Item = (UserId, Vec<DeviceId>)>,
    timeout: Option<Duration>,
) -> Request<QueriedKeys> {
    #[derive(Serialize)]
    struct Body {
        device_keys: BTreeMap<UserId, Vec<DeviceId>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        timeout: Option<u64>,
    }
    let milliseconds = |timeout: Duration| timeout.as_millis().try_into().unwrap_or(u64::MAX);
    let device_keys: BTreeMap<_, _> = users.into_iter().collect();
    let capacity = device_keys.len() * 64 + 64;
    let body = json::to_bytes(&Body { device_keys, timeout: timeout.map(milliseconds) }, capacity);
    Request::new(Method::POST, Ok(Path::new("/keys/query")), QueriedKeys::read)
        .with_body(body)
        .with_longest(|limits| limits.sync_response_bytes)
}

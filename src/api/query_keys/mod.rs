//! `POST /_matrix/client/v3/keys/query`

mod new_identity;
mod own_keys;
mod queried_keys;

use std::{collections::BTreeMap, time::Duration};

use http::Method;
use serde::Serialize;

pub use self::{new_identity::NewIdentityError, own_keys::OwnKeys, queried_keys::QueriedKeys};
use super::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed, path::Path};
use crate::{
    Limits,
    encoding::json,
    ids::{DeviceId, UserId},
};

/// Asks for the keys of users and their devices
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keysquery)).
///
/// ```
/// use strongroom::{Limits, api::{Endpoint as _, QueryKeys}};
///
/// let query = QueryKeys::new().user("@alice:example.org".into());
/// assert_eq!(query.body(), br#"{"device_keys":{"@alice:example.org":[]}}"#);
/// let response = http::Response::new(r#"{"device_keys":{},"failures":{"example.net":{}}}"#);
/// let keys = query.read_response(&response, &Limits::default())?;
/// assert!(keys.failures.contains_key("example.net"), "its users may have keys all the same");
/// # Ok::<(), strongroom::api::ApiError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct QueryKeys {
    users: BTreeMap<UserId, Vec<DeviceId>>,
    timeout: Option<Duration>,
}

impl QueryKeys {
    /// For nobody until somebody is added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For a user and all their devices.
    #[must_use]
    pub fn user(mut self, user_id: UserId) -> Self {
        self.users.insert(user_id, Vec::new());
        self
    }

    /// For a user and this device; call it again for more devices. Cross-signing keys come in any case.
    #[must_use]
    pub fn device(mut self, user_id: UserId, device_id: DeviceId) -> Self {
        self.users.entry(user_id).or_default().push(device_id);
        self
    }

    /// How long the homeserver may wait for other servers, in whole milliseconds. It decides if this
    /// is not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl Sealed for QueryKeys {}

impl Endpoint for QueryKeys {
    type Response = QueriedKeys;

    fn method(&self) -> Method {
        Method::POST
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        Ok(Path::new("/keys/query").to_string())
    }

    fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            device_keys: &'a BTreeMap<UserId, Vec<DeviceId>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            timeout: Option<u64>,
        }
        let milliseconds = |timeout: Duration| timeout.as_millis().try_into().unwrap_or(u64::MAX);
        let body = Body { device_keys: &self.users, timeout: self.timeout.map(milliseconds) };
        json::to_bytes(&body, self.users.len() * 64 + 64)
    }

    fn max_response_bytes(&self, limits: &Limits) -> usize {
        limits.sync_response_bytes
    }

    fn read_body(&self, body: &[u8], limits: &Limits) -> Result<QueriedKeys, ResponseError> {
        QueriedKeys::read(body, limits)
    }
}

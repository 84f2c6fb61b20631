//! `GET /_matrix/client/v3/user/{userId}/account_data/{type}`

use http::Method;

use super::{Endpoint, RequestError, ResponseError, endpoint::sealed::Sealed, path::Path};
use crate::{
    Limits,
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
};

/// Asks for one event of the user's account data
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3useruseridaccount_datatype)).
///
/// `None` means that there is none: it was never set, or deleted by
/// [`PutAccountData::delete`](super::PutAccountData::delete), which leaves an empty object.
///
/// # Security
///
/// Nobody but the homeserver vouches for what it returns.
#[derive(Debug, Clone)]
pub struct GetAccountData {
    user_id: UserId,
    event_type: EventType,
}

impl GetAccountData {
    /// For the user whose access token will be given, and this type.
    #[must_use]
    pub fn new(user_id: UserId, event_type: EventType) -> Self {
        Self { user_id, event_type }
    }

    /// The type.
    pub(crate) fn event_type(&self) -> &EventType {
        &self.event_type
    }
}

impl Sealed for GetAccountData {}

impl Endpoint for GetAccountData {
    type Response = Option<JsonObject>;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        account_data_path(&self.user_id, &self.event_type)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<Self::Response, ResponseError> {
        let content = JsonObject::from_json(body)?;
        Ok(Some(content).filter(|content| !content.is_empty()))
    }

    fn when_not_found(&self) -> Option<Self::Response> {
        Some(None)
    }
}

/// The path of one event, for all that can be done with it.
pub(super) fn account_data_path(
    user_id: &UserId,
    event_type: &EventType,
) -> Result<String, RequestError> {
    let path = Path::new("/user").segment("userId", user_id.as_str())?.part("/account_data");
    Ok(path.segment("type", event_type.as_str())?.to_string())
}

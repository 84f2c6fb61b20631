//! `PUT /_matrix/client/v3/user/{userId}/account_data/{type}`

use http::Method;

use super::{
    Endpoint, RequestError, ResponseError,
    endpoint::{acknowledgement, sealed::Sealed},
    get_account_data::account_data_path,
};
use crate::{
    Limits,
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
};

/// Writes one event of the user's account data
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3useruseridaccount_datatype)).
///
/// # Security
///
/// The homeserver reads it. A secret goes there encrypted, and only so.
///
/// ```
/// use strongroom::{api::{Endpoint as _, PutAccountData}, encoding::json_object::JsonObject};
///
/// let content = JsonObject::from_json(br#"{"key":"abc"}"#)?;
/// let put = PutAccountData::new("@a:b.org".into(), "m.secret_storage.default_key".into(), content);
/// assert_eq!(
///     put.path_and_query()?,
///     "/_matrix/client/v3/user/%40a%3Ab.org/account_data/m.secret_storage.default_key",
/// );
/// assert_eq!(put.body(), br#"{"key":"abc"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PutAccountData {
    user_id: UserId,
    event_type: EventType,
    content: JsonObject,
}

impl PutAccountData {
    /// For the user whose access token will be given, and this type.
    #[must_use]
    pub fn new(user_id: UserId, event_type: EventType, content: JsonObject) -> Self {
        Self { user_id, event_type, content }
    }

    /// Writes an empty object, which is all there is for deleting: every reader takes it for none.
    #[must_use]
    pub fn delete(user_id: UserId, event_type: EventType) -> Self {
        Self::new(user_id, event_type, JsonObject::empty())
    }
}

impl Sealed for PutAccountData {}

impl Endpoint for PutAccountData {
    type Response = ();

    fn method(&self) -> Method {
        Method::PUT
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        account_data_path(&self.user_id, &self.event_type)
    }

    fn body(&self) -> Vec<u8> {
        self.content.as_bytes().to_owned()
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<(), ResponseError> {
        acknowledgement(body).map(drop)
    }
}

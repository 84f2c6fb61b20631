//! `PUT /_matrix/client/v3/user/{userId}/account_data/{type}`

use http::Method;

use super::{Request, get_account_data::account_data_path, request::done};
use crate::{
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
};

/// Writes one event of the account data of the user whose access token will be given
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3useruseridaccount_datatype)).
///
/// # Security
///
/// The homeserver reads it. A secret goes there encrypted, and only so.
///
/// ```
/// use strongroom::{api, encoding::json_object::JsonObject};
///
/// let content = JsonObject::from_json(br#"{"key":"abc"}"#)?;
/// let event_type = "m.secret_storage.default_key".into();
/// let put = api::put_account_data(&"@a:b.org".into(), &event_type, &content);
/// assert_eq!(
///     put.path_and_query()?,
///     "/_matrix/client/v3/user/%40a%3Ab.org/account_data/m.secret_storage.default_key",
/// );
/// assert_eq!(put.body(), br#"{"key":"abc"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn put_account_data(
    user_id: &UserId,
    event_type: &EventType,
    content: &JsonObject,
) -> Request<()> {
    let path = account_data_path(user_id, event_type);
    Request::new(Method::PUT, path, done).with_body(content.as_bytes().to_owned())
}

/// Writes an empty object, which is all there is for deleting: every reader takes it for none.
#[must_use]
pub fn delete_account_data(user_id: &UserId, event_type: &EventType) -> Request<()> {
    put_account_data(user_id, event_type, &JsonObject::empty())
}

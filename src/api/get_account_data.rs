//! `GET /_matrix/client/v3/user/{userId}/account_data/{type}`

use http::Method;

use super::{Request, RequestError, path::Path};
use crate::{
    encoding::json_object::JsonObject,
    ids::{EventType, UserId},
};

/// Asks for one event of the account data of the user whose access token will be given
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3useruseridaccount_datatype)).
///
/// `None` means that there is none: it was never set, or deleted by
/// [`delete_account_data`](super::delete_account_data), which leaves an empty object.
///
/// # Security
///
/// Nobody but the homeserver vouches for what it returns.
#[must_use]
pub fn get_account_data(user_id: &UserId, event_type: &EventType) -> Request<Option<JsonObject>> {
    let path = account_data_path(user_id, event_type);
    let read = |body: &[u8], _: &_| {
        let content = JsonObject::from_json(body)?;
        Ok(Some(content).filter(|content| !content.is_empty()))
    };
    Request::new(Method::GET, path, read).with_not_found(|| None)
}

/// The path of one event, for all that can be done with it.
pub(super) fn account_data_path(
    user_id: &UserId,
    event_type: &EventType,
) -> Result<Path, RequestError> {
    let path = Path::new("/user").segment("userId", user_id.as_str())?.part("/account_data");
    path.segment("type", event_type.as_str())
}

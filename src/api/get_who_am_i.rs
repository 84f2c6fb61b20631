//! `GET /_matrix/client/v3/account/whoami`

use http::Method;

use super::{
    Endpoint, RequestError, ResponseError,
    endpoint::{object, sealed::Sealed},
    path::Path,
};
use crate::{
    Limits,
    encoding::json,
    ids::{DeviceId, UserId},
};

/// Asks who the access token belongs to
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3accountwhoami)).
#[derive(Debug, Clone, Copy)]
pub struct GetWhoAmI;

/// Who an access token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WhoAmI {
    /// The user.
    pub user_id: UserId,
    /// The device; an application service has none, and early servers do not say.
    pub device_id: Option<DeviceId>,
    /// Whether the user is a guest.
    pub is_guest: bool,
}

impl Sealed for GetWhoAmI {}

impl Endpoint for GetWhoAmI {
    type Response = WhoAmI;

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        Ok(Path::new("/account/whoami").to_string())
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<WhoAmI, ResponseError> {
        let mut object = object(body)?;
        let mut text = |name| match object.take_present(name) {
            None => Ok(None),
            Some(value) => json::public_string(value).map(|text| Some(text.into_owned())),
        };
        let user_id = text("user_id").ok().flatten().ok_or(ResponseError::Member("user_id"))?;
        let device_id = text("device_id").map_err(|_| ResponseError::Member("device_id"))?;
        let is_guest = object.take("is_guest").is_some_and(|value| value.get() == "true");
        let (user_id, device_id) = (user_id.into(), device_id.map(DeviceId::from));
        Ok(WhoAmI { user_id, device_id, is_guest })
    }
}

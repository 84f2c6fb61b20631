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
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3accountwhoami)): the user, and the
/// device. An application service has no device, and early servers do not say.
#[derive(Debug, Clone, Copy)]
pub struct GetWhoAmI;

impl Sealed for GetWhoAmI {}

impl Endpoint for GetWhoAmI {
    type Response = (UserId, Option<DeviceId>);

    fn method(&self) -> Method {
        Method::GET
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        Ok(Path::new("/account/whoami").to_string())
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<Self::Response, ResponseError> {
        let mut object = object(body)?;
        let mut text = |name| match object.take_present(name) {
            None => Ok(None),
            Some(value) => json::public_string(value).map(|text| Some(text.into_owned())),
        };
        let user_id = text("user_id").ok().flatten().ok_or(ResponseError::Member("user_id"))?;
        let device_id = text("device_id").map_err(|_| ResponseError::Member("device_id"))?;
        Ok((user_id.into(), device_id.map(DeviceId::from)))
    }
}

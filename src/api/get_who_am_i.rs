//! `GET /_matrix/client/v3/account/whoami`

use http::Method;

use super::{ApiError, Request, path::Path, request::object};
use crate::{
    encoding::{format::FormatProblem, json},
    ids::{DeviceId, UserId},
};

/// Asks who the access token belongs to
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#get_matrixclientv3accountwhoami)): the user, and the
/// device. An application service has no device, and early servers do not say.
#[must_use]
pub fn get_who_am_i() -> Request<(UserId, Option<DeviceId>)> {
    Request::new(Method::GET, Ok(Path::new("/account/whoami")), |body, _| read(body))
}

fn read(body: &[u8]) -> Result<(UserId, Option<DeviceId>), ApiError> {
    let mut object = object(body)?;
    let mut text = |name| match object.take_present(name) {
        None => Ok(None),
        Some(value) => json::public_string(value).map(|text| Some(text.into_owned())),
    };
    let user_id = text("user_id").ok().flatten().ok_or(FormatProblem::Unusable("user_id"))?;
    let device_id = text("device_id").map_err(|_| FormatProblem::Unusable("device_id"))?;
    Ok((user_id.into(), device_id.map(DeviceId::from)))
}

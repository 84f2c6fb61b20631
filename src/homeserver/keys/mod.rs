//! Public keys of devices and users
//! ([specification](https://spec.matrix.org/v1.16/client-server-api/#key-management-api)): upload, query
//! and claim, cross-signing keys, and signatures.

mod claim;
mod device_keys;
mod identity;
mod query;
mod signatures;
mod signed;
mod upload;
mod upload_identity;

use http::Method;

pub(super) use self::{device_keys::DeviceKeys, identity::Identity};
use super::{
    call::Call, logins::Caller, options::HomeserverOptions, refusal::Refusal, state::State, sync,
};

/// An endpoint under `/keys`; all but one are `POST`.
pub(super) enum KeysRoute {
    /// `/upload`
    Upload,
    /// `/query`
    Query,
    /// `/claim`
    Claim,
    /// `/device_signing/upload`
    UploadIdentity,
    /// `/signatures/upload`
    UploadSignatures,
    /// `GET /changes`
    Changes,
}

impl KeysRoute {
    /// Finds the endpoint for a method and the decoded segments of a path after `keys`.
    pub(super) fn find(method: &Method, segments: &[&str]) -> Result<Self, Refusal> {
        let route = match segments {
            ["upload"] => Self::Upload,
            ["query"] => Self::Query,
            ["claim"] => Self::Claim,
            ["device_signing", "upload"] => Self::UploadIdentity,
            ["signatures", "upload"] => Self::UploadSignatures,
            ["changes"] => Self::Changes,
            _ => return Err(Refusal::UnknownPath),
        };
        let expected = if let Self::Changes = route { Method::GET } else { Method::POST };
        if *method == expected { Ok(route) } else { Err(Refusal::UnknownMethod) }
    }
}

/// Does what a request asks for; returns the body of the response.
pub(super) fn respond(
    route: &KeysRoute,
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
    options: &HomeserverOptions,
) -> Result<Vec<u8>, Refusal> {
    match route {
        KeysRoute::Upload => upload::respond(call, caller, state),
        KeysRoute::Query => query::respond(call, caller, state),
        KeysRoute::Claim => claim::respond(call, state),
        KeysRoute::UploadIdentity => upload_identity::respond(call, caller, state, options),
        KeysRoute::UploadSignatures => signatures::respond(call, caller, state),
        KeysRoute::Changes => sync::key_changes(call, caller, state),
    }
}

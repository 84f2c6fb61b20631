//! `POST /_matrix/client/v3/keys/signatures/upload`

use std::collections::BTreeMap;

use http::Method;
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    ApiError, Request,
    members::{members, members_of, text},
    path::Path,
    request::acknowledgement,
};
use crate::{
    cross_signing::SignedKey,
    encoding::{format::FormatProblem, json, json_object::JsonObject},
    excerpt::Excerpt,
    ids::UserId,
};

/// A signed object that the homeserver did not take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the homeserver did not take the signature of {}: {errcode} {message}", Excerpt::new(name))]
#[non_exhaustive]
pub struct SignatureFailure {
    /// The user whose key was signed.
    pub user_id: UserId,
    /// The device ID, or the cross-signing public key in base64.
    pub name: String,
    /// The error code.
    pub errcode: Excerpt,
    /// The explanation for people, as the homeserver worded it.
    pub message: Excerpt,
}

/// Publishes signatures of devices and cross-signing keys
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keyssignaturesupload)); of several
/// keys of one name, the last counts.
///
/// Each is one that this crate has put together from typed parts, with one new signature: nothing of what the homeserver
/// returned is sent back, and no signature that it has already. A response with a status of success may still have refused
/// some of them: it lists these.
pub fn upload_signatures(
    keys: impl IntoIterator<Item = SignedKey>,
) -> Request<Vec<SignatureFailure>> {
    let mut objects = BTreeMap::<_, BTreeMap<_, _>>::new();
    let mut length = 128;
    for key in keys {
        length += key.as_json().len() + 128;
        let of_user = objects.entry(key.user_id().clone()).or_default();
        of_user.insert(key.name().to_owned(), JsonObject::from_our_own(key.as_json()));
    }
    Request::new(Method::POST, Ok(Path::new("/keys/signatures/upload")), |body, _| read(body))
        .with_body(json::to_bytes(&objects, length))
}

/// What is no object where a failure is expected counts as one: it is no success.
fn read(body: &[u8]) -> Result<Vec<SignatureFailure>, ApiError> {
    let mut failures = Vec::new();
    for (user_id, of_user) in members(&mut acknowledgement(body)?, "failures")? {
        let user_id = UserId::from(user_id);
        let named = members_of(of_user).ok_or(FormatProblem::Unusable("failures"))?;
        failures.extend(named.into_iter().map(|(name, value)| failure(&user_id, name, value)));
    }
    Ok(failures)
}

fn failure(user_id: &UserId, name: String, value: &RawValue) -> SignatureFailure {
    SignatureFailure {
        user_id: user_id.clone(),
        name,
        errcode: Excerpt::new(&text(value, "errcode").unwrap_or_default()),
        message: Excerpt::new(&text(value, "error").unwrap_or_default()),
    }
}

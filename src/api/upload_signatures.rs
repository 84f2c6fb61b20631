//! `POST /_matrix/client/v3/keys/signatures/upload`

use std::collections::BTreeMap;

use http::Method;
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    Endpoint, RequestError, ResponseError,
    endpoint::{acknowledgement, sealed::Sealed},
    members::{members, members_of, text},
    path::Path,
};
use crate::{
    Limits,
    cross_signing::SignedKey,
    encoding::{json, json_object::JsonObject},
    excerpt::Excerpt,
    ids::UserId,
};

/// Publishes signatures of devices and cross-signing keys
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keyssignaturesupload)).
///
/// Each is one that this crate has put together from typed parts, with one new signature: nothing of what the homeserver
/// returned is sent back, and no signature that it has already. A response with a status of success may still have refused
/// some of them: it lists these.
#[derive(Debug, Clone, Default)]
pub struct UploadSignatures {
    objects: BTreeMap<UserId, BTreeMap<String, JsonObject>>,
}

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

impl UploadSignatures {
    /// Of these keys; of several of one name, the last counts.
    pub fn new(keys: impl IntoIterator<Item = SignedKey>) -> Self {
        let mut objects = BTreeMap::<_, BTreeMap<_, _>>::new();
        for key in keys {
            let of_user = objects.entry(key.user_id().clone()).or_default();
            of_user.insert(key.name().to_owned(), JsonObject::from_our_own(key.as_json()));
        }
        Self { objects }
    }
}

impl Sealed for UploadSignatures {}

impl Endpoint for UploadSignatures {
    type Response = Vec<SignatureFailure>;

    fn method(&self) -> Method {
        Method::POST
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        Ok(Path::new("/keys/signatures/upload").to_string())
    }

    fn body(&self) -> Vec<u8> {
        let objects = self.objects.values().flat_map(BTreeMap::values);
        let length: usize = objects.map(|object| object.as_bytes().len() + 128).sum();
        json::to_bytes(&self.objects, length)
    }

    /// What is no object where a failure is expected counts as one: it is no success.
    fn read_body(&self, body: &[u8], _: &Limits) -> Result<Self::Response, ResponseError> {
        let mut failures = Vec::new();
        for (user_id, of_user) in members(&mut acknowledgement(body)?, "failures")? {
            let user_id = UserId::from(user_id);
            let named = members_of(of_user).ok_or(ResponseError::Member("failures"))?;
            failures.extend(named.into_iter().map(|(name, value)| failure(&user_id, name, value)));
        }
        Ok(failures)
    }
}

fn failure(user_id: &UserId, name: String, value: &RawValue) -> SignatureFailure {
    SignatureFailure {
        user_id: user_id.clone(),
        name,
        errcode: Excerpt::new(&text(value, "errcode").unwrap_or_default()),
        message: Excerpt::new(&text(value, "error").unwrap_or_default()),
    }
}

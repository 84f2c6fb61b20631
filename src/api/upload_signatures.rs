//! `POST /_matrix/client/v3/keys/signatures/upload`

use std::collections::BTreeMap;

use http::Method;
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    Request, ResponseError,
    members::{members, members_of, text},
    path::Path,
    request::acknowledgement,
};
use crate::{
    crypto::ed25519::Ed25519PublicKey,
    encoding::json,
    excerpt::Excerpt,
    ids::{DeviceId, UserId},
    signed_json::SignedObject,
};

/// Publishes signatures of devices and cross-signing keys
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keyssignaturesupload)).
///
/// Each object is one that the host has made from keys that it knows by itself, and signed: its own device's
/// keys, say. What the homeserver returned for such a key must not be signed, since it can have any members. A
/// response with a status of success may still have refused some of them: it lists these.
#[derive(Debug, Clone, Default)]
pub struct UploadSignatures {
    objects: BTreeMap<UserId, BTreeMap<String, SignedObject>>,
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
    /// Nothing until something is added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the keys of a device with a signature on them.
    #[must_use]
    pub fn device(self, user_id: UserId, device_id: &DeviceId, keys: SignedObject) -> Self {
        self.object(user_id, device_id.as_str().to_owned(), keys)
    }

    /// Adds a cross-signing key with a signature on it.
    #[must_use]
    pub fn cross_signing_key(
        self,
        user_id: UserId,
        public_key: &Ed25519PublicKey,
        key: SignedObject,
    ) -> Self {
        self.object(user_id, public_key.to_base64(), key)
    }

    /// The request that publishes them.
    #[must_use]
    pub fn request(&self) -> Request<Vec<SignatureFailure>> {
        let objects = self.objects.values().flat_map(BTreeMap::values);
        let length: usize = objects.map(|object| object.as_json().len() + 128).sum();
        Request::new(Method::POST, Ok(Path::new("/keys/signatures/upload")), |body, _| read(body))
            .with_body(json::to_bytes(&self.objects, length))
    }

    fn object(mut self, user_id: UserId, name: String, object: SignedObject) -> Self {
        self.objects.entry(user_id).or_default().insert(name, object);
        self
    }
}

/// What is no object where a failure is expected counts as one: it is no success.
fn read(body: &[u8]) -> Result<Vec<SignatureFailure>, ResponseError> {
    let mut failures = Vec::new();
    for (user_id, of_user) in members(&mut acknowledgement(body)?, "failures")? {
        let user_id = UserId::from(user_id);
        let named = members_of(of_user).ok_or(ResponseError::Member("failures"))?;
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

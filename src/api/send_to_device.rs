//! `PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}`

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;

use super::{
    Endpoint, RequestError, ResponseError,
    endpoint::{acknowledgement, sealed::Sealed},
    path::Path,
};
use crate::{
    Limits,
    encoding::{json, json_object::JsonObject},
    ids::{DeviceId, UserId},
    secret_sharing::{EncryptedSecretSend, OutgoingRequest},
};

/// Sends events straight to devices
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid)).
///
/// The types that it can send are those that this crate has a use for, and neither is a secret in
/// clear: `m.secret.send` goes as `m.room.encrypted`, and there is no other way to send it.
///
/// A request that got no answer is sent again as it is: by its transaction ID the homeserver knows it.
///
/// ```
/// use strongroom::{api::{Endpoint as _, SendToDevice}, encoding::json_object::JsonObject};
///
/// let request = JsonObject::from_json(
///     br#"{"action":"request","name":"m.megolm_backup.v1","request_id":"1","requesting_device_id":"A"}"#,
/// )?;
/// let send = SendToDevice::secret_request("txn1".into()).to_all("@a:b.org".into(), request);
/// assert_eq!(
///     send.path_and_query()?,
///     "/_matrix/client/v3/sendToDevice/m.secret.request/txn1",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SendToDevice {
    event_type: &'static str,
    transaction_id: String,
    messages: BTreeMap<UserId, BTreeMap<DeviceId, JsonObject>>,
}

/// The transaction ID tells a request that is sent again from a new one. The host chooses it, and never the same one twice
/// with one access token.
impl SendToDevice {
    /// Sends `m.room.encrypted`, each content encrypted by the host for the device it is sent to.
    #[must_use]
    pub fn encrypted(transaction_id: String) -> Self {
        Self { event_type: "m.room.encrypted", transaction_id, messages: BTreeMap::new() }
    }

    /// Sends `m.secret.request`: a request for a secret, or its cancellation. These are not encrypted.
    #[must_use]
    pub fn secret_request(transaction_id: String) -> Self {
        Self { event_type: "m.secret.request", transaction_id, messages: BTreeMap::new() }
    }

    /// Sends a request for a secret, or its cancellation, to the devices that it names.
    #[must_use]
    pub fn requests(transaction_id: String, request: &OutgoingRequest) -> Self {
        let (user_id, content) = (request.user_id(), request.content());
        let to = |send: Self, device: &DeviceId| {
            send.to(user_id.clone(), device.clone(), content.clone())
        };
        request.device_ids().iter().fold(Self::secret_request(transaction_id), to)
    }

    /// Sends a secret to the one device that it is encrypted for.
    #[must_use]
    pub fn secret(transaction_id: String, secret: &EncryptedSecretSend) -> Self {
        let (user_id, device_id) = (secret.user_id().clone(), secret.device_id().clone());
        Self::encrypted(transaction_id).to(user_id, device_id, secret.content().clone())
    }

    /// Sends to one device, in place of what it would have been sent before.
    ///
    /// A device ID of `*` is no device: homeservers send it to all devices of the user, as
    /// [`to_all`](Self::to_all) does.
    #[must_use]
    pub fn to(mut self, user_id: UserId, device_id: DeviceId, content: JsonObject) -> Self {
        self.messages.entry(user_id).or_default().insert(device_id, content);
        self
    }

    /// Sends the same to all devices of a user.
    #[must_use]
    pub fn to_all(self, user_id: UserId, content: JsonObject) -> Self {
        self.to(user_id, ALL_DEVICES.into(), content)
    }
}

impl Sealed for SendToDevice {}

impl Endpoint for SendToDevice {
    type Response = ();

    fn method(&self) -> Method {
        Method::PUT
    }

    fn path_and_query(&self) -> Result<String, RequestError> {
        let path = Path::new("/sendToDevice").segment("eventType", self.event_type)?;
        Ok(path.segment("txnId", self.transaction_id.as_str())?.to_string())
    }

    fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            messages: &'a BTreeMap<UserId, BTreeMap<DeviceId, JsonObject>>,
        }
        json::to_bytes(&Body { messages: &self.messages }, USUAL_LENGTH)
    }

    fn read_body(&self, body: &[u8], _: &Limits) -> Result<(), ResponseError> {
        acknowledgement(body).map(drop)
    }
}

/// What stands in the place of a device ID.
const ALL_DEVICES: &str = "*";

/// Enough for an encrypted event or two.
const USUAL_LENGTH: usize = 4096;

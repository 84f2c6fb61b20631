//! `PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}`
//!
//! What is sent are the types that this crate has a use for, and neither is a secret in clear: `m.secret.send` goes as
//! `m.room.encrypted`, and there is no other way to send it.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;

use super::{Request, path::Path, request::done};
use crate::{
    encoding::{json, json_object::JsonObject},
    ids::{DeviceId, UserId},
    secret_sharing::{EncryptedSecretSend, OutgoingRequest},
};

/// Sends a request for a secret, or its cancellation, to the devices that it names
/// ([specification](https://spec.matrix.org/v1.16/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid)).
///
/// The `transaction_id` tells a request that is sent again from a new one. The host chooses it, and never the same one twice
/// with one access token. A request that got no answer is sent again as it is.
#[must_use]
pub fn request_secret(transaction_id: &str, request: &OutgoingRequest) -> Request<()> {
    let (user_id, content) = (request.user_id(), request.content());
    let to = |device: &DeviceId| (user_id.clone(), device.clone(), content.clone());
    send_secret_request(transaction_id, request.device_ids().iter().map(to))
}

/// Sends a secret to the one device that it is encrypted for; the `transaction_id` is that of
/// [`request_secret`].
#[must_use]
pub fn send_secret(transaction_id: &str, secret: &EncryptedSecretSend) -> Request<()> {
    let (user_id, device_id) = (secret.user_id().clone(), secret.device_id().clone());
    send_encrypted(transaction_id, [(user_id, device_id, secret.content().clone())])
}

/// Sends `m.room.encrypted`, each content encrypted by the host for the device it is sent to; the `transaction_id` is that of
/// [`request_secret`].
#[must_use]
pub fn send_encrypted(
    transaction_id: &str,
    contents: impl IntoIterator<Item = (UserId, DeviceId, JsonObject)>,
) -> Request<()> {
    send("m.room.encrypted", transaction_id, contents)
}

/// Sends `m.secret.request`, which is not encrypted, with contents of the host's own; the `transaction_id` is that of
/// [`request_secret`]. A device ID of `*` means all devices of the user.
///
/// ```
/// use strongroom::{api, encoding::json_object::JsonObject};
///
/// let content = JsonObject::from_json(
///     br#"{"action":"request","name":"m.megolm_backup.v1","request_id":"1","requesting_device_id":"A"}"#,
/// )?;
/// let send = api::send_secret_request("txn1", [("@a:b.org".into(), "*".into(), content)]);
/// assert_eq!(
///     send.path_and_query()?,
///     "/_matrix/client/v3/sendToDevice/m.secret.request/txn1",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn send_secret_request(
    transaction_id: &str,
    contents: impl IntoIterator<Item = (UserId, DeviceId, JsonObject)>,
) -> Request<()> {
    send("m.secret.request", transaction_id, contents)
}

/// Of two contents for one device, the last is sent.
fn send(
    event_type: &str,
    transaction_id: &str,
    contents: impl IntoIterator<Item = (UserId, DeviceId, JsonObject)>,
) -> Request<()> {
    #[derive(Serialize)]
    struct Body {
        messages: BTreeMap<UserId, BTreeMap<DeviceId, JsonObject>>,
    }
    let mut messages = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (user_id, device_id, content) in contents {
        messages.entry(user_id).or_default().insert(device_id, content);
    }
    let path = Path::new("/sendToDevice").segment("eventType", event_type);
    let path = path.and_then(|path| path.segment("txnId", transaction_id));
    Request::new(Method::PUT, path, done)
        .with_body(json::to_bytes(&Body { messages }, USUAL_LENGTH))
}

/// Enough for an encrypted event or two.
const USUAL_LENGTH: usize = 4096;

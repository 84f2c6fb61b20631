//! Requests and cancellations on their way out.

use super::secret_request::SecretRequest;
use crate::{
    encoding::json_object::JsonObject,
    ids::{DeviceId, UserId},
};

/// A `m.secret.request` to be sent, unencrypted, to each of these devices.
///
/// The `request_secret` of `api` makes an HTTP request of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingRequest {
    pub(super) user_id: UserId,
    pub(super) device_ids: Vec<DeviceId>,
    pub(super) request: SecretRequest,
}

impl OutgoingRequest {
    /// Whose devices they are: the user's own.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The devices, each named; never `*`.
    #[must_use]
    pub fn device_ids(&self) -> &[DeviceId] {
        &self.device_ids
    }

    /// What is sent to each of them.
    #[must_use]
    pub fn request(&self) -> &SecretRequest {
        &self.request
    }

    /// The content of the event.
    #[must_use]
    pub fn content(&self) -> JsonObject {
        self.request.to_json()
    }
}

//! Keys that cannot be used.

use crate::{
    ids::{DeviceId, UserId},
    signed_json::QueriedKeyError,
};

/// A key in a response that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnusableKey {
    /// The user that it was returned for.
    pub user_id: UserId,
    /// The device that it was returned for; `None` for a cross-signing key, or for all devices.
    pub device_id: Option<DeviceId>,
    /// Why it cannot be used.
    pub error: QueriedKeyError,
}

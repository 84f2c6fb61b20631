//! Keys that cannot be used.

use thiserror::Error;

use crate::{
    crypto::ed25519::Ed25519KeyError,
    ids::{DeviceId, UserId},
    signed_json::SignedJsonError,
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

/// Why a key in a response cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueriedKeyError {
    /// What was returned in the place of a user's devices is not an object.
    #[error("the devices of the user are not a JSON object")]
    NotAnObject,
    /// It is not an object that could be signed.
    #[error("the key cannot be read: {0}")]
    Json(#[from] SignedJsonError),
    /// It claims to belong to another user, or to none.
    #[error("the key does not claim to belong to the user that it was returned for")]
    OtherUser,
    /// It claims to belong to another device, or to none.
    #[error("the key does not claim to belong to the device that it was returned for")]
    OtherDevice,
    /// It is not for what it was returned as: a self-signing key among the master keys, say.
    #[error("the key is not for the use that it was returned for")]
    OtherUsage,
    /// It does not hold exactly one Ed25519 key.
    #[error("there is not exactly one Ed25519 key in it")]
    NotOneKey,
    /// Its Ed25519 key cannot be used.
    #[error(transparent)]
    Key(#[from] Ed25519KeyError),
}

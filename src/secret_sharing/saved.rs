//! What is common to saved state: whose it is, in which format, and how keys are written.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use thiserror::Error;

use super::own_devices::DeviceIdentity;
use crate::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::{DeviceId, UserId},
};

/// Why saved state is not taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not what was saved, or damaged.
    #[error("the saved state is damaged")]
    Damaged,
    /// Another version of this crate saved it.
    #[error("the saved state has the format {found}, and {FORMAT} is known")]
    Format {
        /// The format it has.
        found: u32,
    },
    /// It is that of another user or device.
    #[error("the saved state is that of another account or device")]
    OtherAccount,
    /// It is that of another machine, or the public part in place of the secret one.
    #[error("the saved state is another part of the state")]
    OtherPart,
}

/// What every part begins with.
#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    format: u32,
    part: String,
    user_id: UserId,
    device_id: DeviceId,
}

/// A device as it is saved.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedDevice {
    device_id: DeviceId,
    curve25519: String,
    ed25519: String,
}

impl Header {
    pub(super) fn new(part: &str, user_id: &UserId, device_id: &DeviceId) -> Self {
        let (user_id, device_id) = (user_id.clone(), device_id.clone());
        Self { format: FORMAT, part: part.to_owned(), user_id, device_id }
    }

    /// Reads the header of a part, and checks that it is the part and the account that is wanted.
    pub(super) fn check(
        saved: &[u8],
        part: &str,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<(), RestoreError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        serde_json::from_slice::<IgnoredAny>(saved).map_err(|_| RestoreError::Damaged)?;
        let Format { format } = serde_json::from_slice(saved).map_err(|_| RestoreError::Damaged)?;
        if format != FORMAT {
            return Err(RestoreError::Format { found: format });
        }
        let header: Self = serde_json::from_slice(saved).map_err(|_| RestoreError::Damaged)?;
        if header.part != part {
            return Err(RestoreError::OtherPart);
        }
        if header.user_id != *user_id || header.device_id != *device_id {
            return Err(RestoreError::OtherAccount);
        }
        Ok(())
    }
}

impl SavedDevice {
    pub(super) fn new(device: &DeviceIdentity) -> Self {
        Self {
            device_id: device.device_id.clone(),
            curve25519: device.curve25519.to_base64(),
            ed25519: device.ed25519.to_base64(),
        }
    }

    pub(super) fn read(self) -> Result<DeviceIdentity, RestoreError> {
        let curve25519 = Curve25519PublicKey::from_base64(&self.curve25519);
        let curve25519 = curve25519.map_err(|_| RestoreError::Damaged)?;
        Ok(DeviceIdentity {
            device_id: self.device_id,
            curve25519,
            ed25519: ed25519(&self.ed25519)?,
        })
    }
}

pub(super) fn ed25519(text: &str) -> Result<Ed25519PublicKey, RestoreError> {
    Ed25519PublicKey::from_base64(text).map_err(|_| RestoreError::Damaged)
}

const FORMAT: u32 = 1;

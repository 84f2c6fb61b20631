//! How a device and its keys are saved.

use serde::{Deserialize, Serialize};

use super::own_devices::DeviceIdentity;
use crate::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::DeviceId,
    saved_state::SavedStateError,
};

/// A device as it is saved.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedDevice {
    device_id: DeviceId,
    curve25519: String,
    ed25519: String,
}

impl SavedDevice {
    pub(super) fn new(device: &DeviceIdentity) -> Self {
        Self {
            device_id: device.device_id.clone(),
            curve25519: device.curve25519.to_base64(),
            ed25519: device.ed25519.to_base64(),
        }
    }

    pub(super) fn read(self) -> Result<DeviceIdentity, SavedStateError> {
        let curve25519 = Curve25519PublicKey::from_base64(&self.curve25519);
        let curve25519 = curve25519.map_err(|_| SavedStateError::Damaged)?;
        Ok(DeviceIdentity {
            device_id: self.device_id,
            curve25519,
            ed25519: ed25519(&self.ed25519)?,
        })
    }
}

pub(super) fn ed25519(text: &str) -> Result<Ed25519PublicKey, SavedStateError> {
    Ed25519PublicKey::from_base64(text).map_err(|_| SavedStateError::Damaged)
}

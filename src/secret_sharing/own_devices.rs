//! The user's own devices, as the host vouches for them.

use std::collections::HashMap;

use thiserror::Error;

use crate::{
    crypto::{curve25519::Curve25519PublicKey, ed25519::Ed25519PublicKey},
    ids::{DeviceId, UserId},
};

/// A device's ID and its two public keys. All three make the device: a new login can take an old ID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeviceIdentity {
    /// The ID.
    pub device_id: DeviceId,
    /// The identity key of Olm.
    pub curve25519: Curve25519PublicKey,
    /// The key that the device signs with.
    pub ed25519: Ed25519PublicKey,
}

/// One of the user's devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDevice {
    /// Its ID and keys, as its signed device keys have them.
    pub identity: DeviceIdentity,
    /// Whether the user verified it: on this device, or by a signature of the self-signing key, whose
    /// chain the host followed up to the pinned master key.
    pub verified: bool,
    /// Whether the user wants nothing to do with it.
    pub blocked: bool,
    /// Whether it is a dehydrated device
    /// ([MSC3814](https://github.com/matrix-org/matrix-spec-proposals/pull/3814)): keys that wait on the
    /// server for somebody to pick them up.
    pub dehydrated: bool,
}

/// What the host knows of its own account at one moment: which devices there are, and which to trust.
///
/// # Security
///
/// Everything in this module stands on it. The answer of `keys/query` is the server's word; a host builds
/// the snapshot from what it *verified*: device keys whose signature holds, the chain from the pinned
/// master key over the self-signing key, and what the user did by hand. A device is `verified` only
/// so. [`QueriedKeys::own_keys`](crate::api::QueriedKeys::own_keys) does it, but for what the user did.
/// Build a new one for each call, so that a device that was deleted meanwhile is not in it.
#[derive(Debug, Clone)]
pub struct OwnDevices {
    user_id: UserId,
    ours: DeviceIdentity,
    master_key: Option<Ed25519PublicKey>,
    devices: Vec<OwnDevice>,
    index: Index,
}

/// Where the devices stand, so that each is found, and whether it is the only one, without looking at all of them.
#[derive(Debug, Clone, Default)]
struct Index {
    ids: HashMap<DeviceId, Found>,
    keys: HashMap<(Curve25519PublicKey, Ed25519PublicKey), Found>,
}

/// The first device that has something, and how many have it.
#[derive(Debug, Clone, Copy)]
struct Found {
    first: usize,
    count: usize,
}

/// Why nothing is shared with a device, nor taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DeviceProblem {
    /// It is this device.
    #[error("it is this device itself")]
    ThisDevice,
    /// The user has no such device, or no longer.
    #[error("the user has no such device")]
    Unknown,
    /// Several devices have this ID or these keys.
    #[error("several devices claim to be this one")]
    Ambiguous,
    /// The user blocked it.
    #[error("the user blocked the device")]
    Blocked,
    /// It is a dehydrated device.
    #[error("it is a dehydrated device, which nobody uses")]
    Dehydrated,
    /// Nobody verified it.
    #[error("the device is not verified")]
    Unverified,
}

impl OwnDevices {
    /// An account with this device alone.
    #[must_use]
    pub fn new(user_id: UserId, this_device: DeviceIdentity) -> Self {
        Self {
            user_id,
            ours: this_device,
            master_key: None,
            devices: Vec::new(),
            index: Index::default(),
        }
    }

    /// With the master cross-signing key that was verified once and is compared since.
    #[must_use]
    pub fn with_master_key(mut self, pinned: Ed25519PublicKey) -> Self {
        self.master_key = Some(pinned);
        self
    }

    /// With one more device.
    #[must_use]
    pub fn with_device(mut self, device: OwnDevice) -> Self {
        self.index.add(&device.identity, self.devices.len());
        self.devices.push(device);
        self
    }

    /// Whose devices they are.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// This device.
    #[must_use]
    pub fn this_device(&self) -> &DeviceIdentity {
        &self.ours
    }

    /// The pinned master key.
    #[must_use]
    pub fn master_key(&self) -> Option<&Ed25519PublicKey> {
        self.master_key.as_ref()
    }

    /// The device of this ID, if secrets may be exchanged with it.
    ///
    /// # Errors
    ///
    /// [`DeviceProblem`] if not.
    pub fn trusted_by_id(&self, device_id: &DeviceId) -> Result<&OwnDevice, DeviceProblem> {
        if *device_id == self.ours.device_id {
            return Err(DeviceProblem::ThisDevice);
        }
        self.only_one(self.index.ids.get(device_id))
    }

    /// The device that has both keys, if secrets may be exchanged with it.
    ///
    /// # Errors
    ///
    /// [`DeviceProblem`] if not.
    pub fn trusted_by_keys(
        &self,
        curve25519: &Curve25519PublicKey,
        ed25519: &Ed25519PublicKey,
    ) -> Result<&OwnDevice, DeviceProblem> {
        if *curve25519 == self.ours.curve25519 {
            return Err(DeviceProblem::ThisDevice);
        }
        self.only_one(self.index.keys.get(&(*curve25519, *ed25519)))
    }

    /// The same device as before, if secrets may still be exchanged with it.
    ///
    /// # Errors
    ///
    /// [`DeviceProblem`] if not; [`DeviceProblem::Unknown`] if it has other keys now.
    pub fn still_trusted(&self, before: &DeviceIdentity) -> Result<&OwnDevice, DeviceProblem> {
        let device = self.trusted_by_id(&before.device_id)?;
        if device.identity == *before { Ok(device) } else { Err(DeviceProblem::Unknown) }
    }

    /// All devices with which secrets may be exchanged.
    pub fn trusted(&self) -> impl Iterator<Item = &OwnDevice> {
        self.devices.iter().filter(|device| self.still_trusted(&device.identity).is_ok())
    }

    fn only_one(&self, found: Option<&Found>) -> Result<&OwnDevice, DeviceProblem> {
        let device = found.and_then(|found| self.devices.get(found.first));
        let device = device.ok_or(DeviceProblem::Unknown)?;
        if device.identity.is_like(&self.ours) {
            return Err(DeviceProblem::ThisDevice);
        }
        // A device that is blocked must not get under another ID what it does not get under its own.
        if self.index.has_alike(&device.identity) {
            return Err(DeviceProblem::Ambiguous);
        }
        device.check()
    }
}

impl Index {
    fn add(&mut self, identity: &DeviceIdentity, index: usize) {
        let DeviceIdentity { device_id, curve25519, ed25519 } = identity.clone();
        let none = Found { first: index, count: 0 };
        self.ids.entry(device_id).or_insert(none).count += 1;
        self.keys.entry((curve25519, ed25519)).or_insert(none).count += 1;
    }

    /// Whether another device [is like](DeviceIdentity::is_like) this one.
    fn has_alike(&self, identity: &DeviceIdentity) -> bool {
        let keys = (identity.curve25519, identity.ed25519);
        let found = [self.ids.get(&identity.device_id), self.keys.get(&keys)];
        found.into_iter().flatten().any(|found| found.count > 1)
    }
}

impl DeviceIdentity {
    /// Whether both may be the same device. The keys count together: anybody can publish a Curve25519 key
    /// that is another device's, but not sign it with the other device's Ed25519 key.
    fn is_like(&self, other: &Self) -> bool {
        self.device_id == other.device_id
            || self.curve25519 == other.curve25519 && self.ed25519 == other.ed25519
    }
}

impl OwnDevice {
    fn check(&self) -> Result<&Self, DeviceProblem> {
        if self.blocked {
            Err(DeviceProblem::Blocked)
        } else if self.dehydrated {
            Err(DeviceProblem::Dehydrated)
        } else if !self.verified {
            Err(DeviceProblem::Unverified)
        } else {
            Ok(self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{curve25519::Curve25519SecretKey, ed25519::Ed25519Seed},
        secret::SecretBytes,
    };

    fn device(id: &str, byte: u8) -> OwnDevice {
        let secret = SecretBytes::init_with(|bytes| *bytes = [byte; 32]);
        let identity = DeviceIdentity {
            device_id: id.into(),
            curve25519: Curve25519SecretKey::from_bytes(secret.clone()).public_key(),
            ed25519: Ed25519Seed::from_bytes(secret).public_key(),
        };
        OwnDevice { identity, verified: true, blocked: false, dehydrated: false }
    }

    fn devices(others: &[OwnDevice]) -> OwnDevices {
        let devices = OwnDevices::new("@a:b.org".into(), device("OURS", 1).identity);
        others.iter().cloned().fold(devices, OwnDevices::with_device)
    }

    /// What is said of a device by its ID, by its keys, and in the list.
    fn verdicts(devices: &OwnDevices, device: &OwnDevice) -> [Result<(), DeviceProblem>; 3] {
        let OwnDevice { identity, .. } = device;
        let is_listed = devices.trusted().any(|listed| listed.identity == *identity);
        let still = devices.still_trusted(identity).map(drop);
        assert_eq!(is_listed, still.is_ok());
        [
            devices.trusted_by_id(&identity.device_id).map(drop),
            devices.trusted_by_keys(&identity.curve25519, &identity.ed25519).map(drop),
            still,
        ]
    }

    #[test]
    fn a_blocked_device_is_not_trusted_under_another_id() {
        let blocked = OwnDevice { blocked: true, ..device("STOLEN", 2) };
        let renamed = device("NEW", 2);
        let both = devices(&[blocked, renamed.clone()]);
        assert_eq!(verdicts(&both, &renamed), [Err(DeviceProblem::Ambiguous); 3]);
    }

    #[test]
    fn this_device_is_not_another_one_under_another_id() {
        let renamed = device("NEW", 1);
        let found = verdicts(&devices(std::slice::from_ref(&renamed)), &renamed);
        assert_eq!(found, [Err(DeviceProblem::ThisDevice); 3]);
    }

    #[test]
    fn two_devices_of_one_id_are_both_not_trusted() {
        let (one, other) = (device("LAPTOP", 2), device("LAPTOP", 3));
        let both = devices(&[one.clone(), other.clone()]);
        assert_eq!(verdicts(&both, &one), [Err(DeviceProblem::Ambiguous); 3]);
        assert_eq!(verdicts(&both, &other), [Err(DeviceProblem::Ambiguous); 3]);
    }

    #[test]
    fn a_device_that_publishes_the_curve25519_key_of_another_one_spoils_nothing() {
        let (laptop, mut liar) = (device("LAPTOP", 2), device("ROGUE", 3));
        (liar.identity.curve25519, liar.verified) = (laptop.identity.curve25519, false);
        assert_eq!(verdicts(&devices(&[liar, laptop.clone()]), &laptop), [Ok(()); 3]);
    }
}

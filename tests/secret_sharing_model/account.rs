//! Alice's account, and who in it may have secrets: in the plainest words, and apart from the library's.

use strongroom::secret_sharing::{OwnDevice, OwnDevices};

use crate::cast::{ALICE, ALL, Key, Who, identity, master_key};

/// A device as the account has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) who: Who,
    pub(crate) key: Key,
    pub(crate) verified: bool,
    pub(crate) blocked: bool,
    pub(crate) dehydrated: bool,
}

/// The account; or what a host believes of it since it last looked.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) devices: Vec<Device>,
    /// How often the identity was reset.
    pub(crate) epoch: usize,
    /// Whether the master key is pinned.
    pub(crate) pinned: bool,
}

impl Device {
    pub(crate) fn new(who: Who, verified: bool) -> Self {
        let dehydrated = who == Who::Dehydrated;
        Self { who, key: who.key(), verified, blocked: false, dehydrated }
    }
}

impl Account {
    pub(crate) fn new(pinned: bool) -> Self {
        let verified = |who| !matches!(who, Who::New | Who::Rogue);
        let devices = ALL.into_iter().map(|who| Device::new(who, verified(who))).collect();
        Self { devices, epoch: 0, pinned }
    }

    /// What a device of this name tells the library. It lists itself, too.
    pub(crate) fn snapshot(&self, own: Who) -> OwnDevices {
        let mut snapshot = OwnDevices::new(ALICE.into(), identity(own, own.key()));
        if self.pinned {
            snapshot = snapshot.with_master_key(master_key(self.epoch));
        }
        for device in &self.devices {
            snapshot = snapshot.with_device(OwnDevice {
                identity: identity(device.who, device.key),
                verified: device.verified,
                blocked: device.blocked,
                dehydrated: device.dehydrated,
            });
        }
        snapshot
    }

    /// Whether a device of this name may exchange secrets with this other one.
    pub(crate) fn trusts(&self, own: Who, who: Who, key: Key) -> bool {
        let alike = |device: &&Device| device.who == who || device.key == key;
        let alike: Vec<_> = self.devices.iter().filter(alike).collect();
        let [device] = alike[..] else { return false };
        let is_other = who != own && key != own.key();
        let is_it = device.who == who && device.key == key;
        is_other && is_it && device.verified && !device.blocked && !device.dehydrated
    }

    /// The keys under this name, if the device may exchange secrets.
    pub(crate) fn trusted_key(&self, own: Who, who: Who) -> Option<Key> {
        let device = self.devices.iter().find(|device| device.who == who)?;
        self.trusts(own, who, device.key).then_some(device.key)
    }

    /// All devices with which a device of this name may exchange secrets.
    pub(crate) fn trusted(&self, own: Who) -> impl Iterator<Item = (Who, Key)> {
        ALL.into_iter().filter_map(move |who| Some((who, self.trusted_key(own, who)?)))
    }

    /// The identity that is pinned.
    pub(crate) fn pinned_epoch(&self) -> Option<usize> {
        self.pinned.then_some(self.epoch)
    }

    pub(crate) fn keys_of(&self, who: Who) -> Vec<Key> {
        let devices = self.devices.iter().filter(|device| device.who == who);
        devices.map(|device| device.key).collect()
    }
}

/// Whether two identities are known to be different ones.
pub(crate) fn differ(then: Option<usize>, now: Option<usize>) -> bool {
    matches!((then, now), (Some(then), Some(now)) if then != now)
}

//! The requests of other devices, and how often each device asks.

use std::collections::{BTreeMap, VecDeque};

use super::{
    outcome::IncomingRequest,
    policy::{SharePolicy, ShareRule},
    step::AnswerState,
};
use crate::{
    crypto::ed25519::Ed25519PublicKey,
    ids::{DeviceId, RequestId, SecretName},
    secret_sharing::own_devices::{DeviceIdentity, OwnDevices},
};

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) device: DeviceIdentity,
    pub(super) request_id: RequestId,
    /// Nothing if only its cancellation has come.
    pub(super) name: Option<SecretName>,
    /// The pinned master key when it came.
    pub(super) master_key: Option<Ed25519PublicKey>,
    /// When it came; when its state became final, if it is.
    pub(super) since_ms: u64,
    /// Whether the user said yes to it.
    pub(super) allowed_by_user: bool,
    pub(super) state: AnswerState,
}

/// All requests that are remembered.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Those of each device in the order in which they came, at most [`SharePolicy::requests_per_device`].
    pub(super) of_devices: BTreeMap<DeviceId, Vec<Entry>>,
    /// When each device asked lately.
    pub(super) asked_ms: BTreeMap<DeviceId, VecDeque<u64>>,
}

impl Entry {
    pub(super) fn new(
        device: DeviceIdentity,
        request_id: RequestId,
        name: Option<SecretName>,
        devices: &OwnDevices,
        since_ms: u64,
        state: AnswerState,
    ) -> Self {
        let (master_key, allowed_by_user) = (devices.master_key().copied(), false);
        Self { device, request_id, name, master_key, since_ms, allowed_by_user, state }
    }

    pub(super) fn incoming(&self) -> Option<IncomingRequest> {
        let (device, request_id) = (self.device.clone(), self.request_id.clone());
        Some(IncomingRequest { device, request_id, name: self.name.clone()? })
    }

    /// Whether something can still come of it.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, AnswerState::Asking | AnswerState::Allowed)
    }

    pub(super) fn due(&self, policy: &SharePolicy) -> u64 {
        let span = if self.is_waiting() { policy.lifetime_ms } else { policy.memory_ms };
        self.since_ms.saturating_add(span)
    }

    /// Whether the user's identity is another than when it came, as far as both are known.
    pub(super) fn identity_changed(&self, devices: &OwnDevices) -> bool {
        matches!((&self.master_key, devices.master_key()), (Some(then), Some(now)) if then != now)
    }

    /// Takes back what another policy allowed and this one leaves to the user: who has just switched to being asked means the
    /// requests that wait, too.
    pub(super) fn submit_to(&mut self, policy: &SharePolicy) {
        let rule = self.name.as_ref().map(|name| policy.rule(name));
        let is_open = self.state == AnswerState::Allowed && !self.allowed_by_user;
        if is_open && rule == Some(ShareRule::AskUser) {
            self.state = AnswerState::Asking;
        }
    }

    /// Gets into a state.
    pub(super) fn set(&mut self, state: AnswerState, now: u64) {
        let was_waiting = self.is_waiting();
        self.state = state;
        if was_waiting && !self.is_waiting() {
            self.since_ms = now;
        }
    }
}

impl Entries {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.of_devices.values().flatten()
    }

    /// The request of this ID that the device has made.
    pub(super) fn get(&self, device_id: &DeviceId, request_id: &RequestId) -> Option<&Entry> {
        self.of_devices.get(device_id)?.iter().find(|entry| entry.request_id == *request_id)
    }

    /// The request of this ID that the device has made, unless its time is over.
    pub(super) fn find(
        &mut self,
        device_id: &DeviceId,
        request_id: &RequestId,
        policy: &SharePolicy,
        now: u64,
    ) -> Option<&mut Entry> {
        let mut of_device = self.of_devices.get_mut(device_id)?.iter_mut();
        of_device.find(|entry| entry.request_id == *request_id && entry.due(policy) > now)
    }

    /// Forgets what this device, or another one of the same ID, cannot get any more.
    pub(super) fn forget_outdated(
        &mut self,
        device: &DeviceIdentity,
        devices: &OwnDevices,
        policy: &SharePolicy,
        now: u64,
    ) {
        let Some(of_device) = self.of_devices.get_mut(&device.device_id) else { return };
        of_device.retain(|entry| {
            entry.device == *device && !entry.identity_changed(devices) && entry.due(policy) > now
        });
    }

    /// Counts a request of a device; `false` if there were too many lately.
    pub(super) fn admit(&mut self, device_id: &DeviceId, policy: &SharePolicy, now: u64) -> bool {
        let asked = self.asked_ms.entry(device_id.clone()).or_default();
        asked.retain(|at| at.saturating_add(policy.window_ms) > now);
        let admitted = asked.len() < policy.requests_per_window;
        if admitted {
            asked.push_back(now);
        }
        admitted
    }

    /// Adds a request; `false` if the device has too many that are waiting.
    pub(super) fn add(&mut self, entry: Entry, policy: &SharePolicy) -> bool {
        let of_device = self.of_devices.entry(entry.device.device_id.clone()).or_default();
        if of_device.len() >= policy.requests_per_device {
            let done = |other: &Entry| !other.is_waiting();
            let Some(oldest) = of_device.iter().position(done) else { return false };
            of_device.remove(oldest);
        }
        of_device.push(entry);
        true
    }

    /// Forgets the requests for which `stays` returns `false`, and with its last one the device.
    pub(super) fn retain(&mut self, mut stays: impl FnMut(&Entry) -> bool) {
        self.of_devices.retain(|_, of_device| {
            of_device.retain(&mut stays);
            !of_device.is_empty()
        });
    }
}

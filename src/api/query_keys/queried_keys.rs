//! What `/keys/query` returns.

use std::collections::{BTreeMap, btree_map::Entry};

use serde_json::value::RawValue;

use crate::{
    Limits,
    api::{
        ApiError,
        members::{members, members_of},
        request::acknowledgement,
    },
    encoding::{
        format::{FormatError, FormatProblem},
        json::{self, RawObject},
        json_object::JsonObject,
    },
    ids::{DeviceId, UserId},
    signed_json::{CrossSigningKey, CrossSigningUsage, DeviceKeys},
};

/// The keys of users and their devices, as the homeserver returns them.
///
/// # Security
///
/// Nothing is verified: each key is the signed object that it came as, and says whom it claims to
/// belong to. Whether one signed the other is found by [`CrossSigningKey::is_signed_by`] and
/// [`DeviceKeys::is_signed_by`], with a key that the host trusts; [`own_keys`](Self::own_keys) does it for the own
/// account. What claims another user or device than
/// it was returned for is [unusable](Self::unusable), as the specification demands, and so is what could
/// be read as another kind of signed object.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct QueriedKeys {
    /// The keys of devices, by user.
    pub device_keys: BTreeMap<UserId, BTreeMap<DeviceId, DeviceKeys>>,
    /// The master keys.
    pub master_keys: BTreeMap<UserId, CrossSigningKey>,
    /// The keys that users sign their own devices with.
    pub self_signing_keys: BTreeMap<UserId, CrossSigningKey>,
    /// The keys that users sign others with; a homeserver returns the caller's own alone.
    pub user_signing_keys: BTreeMap<UserId, CrossSigningKey>,
    /// The servers that could not be asked, and what the homeserver says of each. Their users may have
    /// keys all the same.
    pub failures: BTreeMap<String, JsonObject>,
    /// What cannot be used, with the user and the device that it was returned for, and the reason: it cost itself alone. The
    /// device is `None` for a cross-signing key, and for all devices. No more than [`Limits::findings`] are named.
    pub unusable: Vec<(UserId, Option<DeviceId>, FormatError)>,
    /// How many cannot be used, those that are not named included.
    pub unusable_count: u64,
}

impl QueriedKeys {
    pub(super) fn read(body: &[u8], limits: &Limits) -> Result<Self, ApiError> {
        let mut object = acknowledgement(body)?;
        let mut keys = Self::default();
        for (user_id, devices) in members(&mut object, "device_keys")? {
            keys.add_devices(&user_id.into(), devices, limits);
        }
        keys.master_keys =
            keys.cross_signing(&mut object, CrossSigningUsage::Master, "master_keys", limits)?;
        keys.self_signing_keys = keys.cross_signing(
            &mut object,
            CrossSigningUsage::SelfSigning,
            "self_signing_keys",
            limits,
        )?;
        keys.user_signing_keys = keys.cross_signing(
            &mut object,
            CrossSigningUsage::UserSigning,
            "user_signing_keys",
            limits,
        )?;
        let details = |value| JsonObject::from_raw(value).unwrap_or_else(JsonObject::empty);
        let failures = members(&mut object, "failures")?.into_iter();
        keys.failures = failures.map(|(server, value)| (server, details(value))).collect();
        Ok(keys)
    }

    fn add_devices(&mut self, user_id: &UserId, devices: &RawValue, limits: &Limits) {
        let devices = if says_something(devices) { members_of(devices) } else { Some(Vec::new()) };
        let Some(devices) = devices else {
            let error = DEVICES_UNREADABLE;
            let user_id = user_id.clone();
            return self.cannot_use((user_id, None, error), limits);
        };
        let mut of_user = BTreeMap::new();
        for (device_id, value) in devices.into_iter().filter(|(_, it)| says_something(it)) {
            let device_id = DeviceId::from(device_id);
            match DeviceKeys::from_json(user_id, &device_id, value.get(), limits) {
                Ok(keys) => drop(of_user.insert(device_id, keys)),
                Err(error) => {
                    let (user_id, device_id) = (user_id.clone(), Some(device_id));
                    self.cannot_use((user_id, device_id, error), limits);
                }
            }
        }
        match self.device_keys.entry(user_id.clone()) {
            Entry::Vacant(entry) => drop(entry.insert(of_user)),
            Entry::Occupied(mut entry) => entry.get_mut().extend(of_user),
        }
    }

    fn cannot_use(&mut self, unusable: (UserId, Option<DeviceId>, FormatError), limits: &Limits) {
        self.unusable_count += 1;
        if self.unusable.len() < limits.findings {
            self.unusable.push(unusable);
        }
    }

    fn cross_signing(
        &mut self,
        object: &mut RawObject<'_>,
        usage: CrossSigningUsage,
        name: &'static str,
        limits: &Limits,
    ) -> Result<BTreeMap<UserId, CrossSigningKey>, ApiError> {
        let mut usable = BTreeMap::new();
        for (user_id, value) in
            members(object, name)?.into_iter().filter(|(_, it)| says_something(it))
        {
            let user_id = UserId::from(user_id);
            match CrossSigningKey::from_json(&user_id, usage, value.get(), limits) {
                Ok(key) => drop(usable.insert(user_id, key)),
                Err(error) => {
                    self.cannot_use((user_id, None, error), limits);
                }
            }
        }
        Ok(usable)
    }
}

/// What is said of something else in the place of a user's devices.
pub(crate) const DEVICES_UNREADABLE: FormatError =
    FormatProblem::NotAnObject.of("the list of the user's devices");

/// Whether there is a key, or anything meant as one: homeservers keep `null` or `{}` for a key that was deleted, and no user has
/// to verify a device for that.
fn says_something(value: &RawValue) -> bool {
    !json::is_nothing(value)
}

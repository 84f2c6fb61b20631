//! [`POST /keys/claim`](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keysclaim)

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    encoding::json,
    homeserver::{
        call::{Call, name, object},
        refusal::Refusal,
        reply::to_body,
        state::State,
    },
    ids::{DeviceId, UserId},
};

type Claimed = BTreeMap<UserId, BTreeMap<DeviceId, BTreeMap<String, Box<RawValue>>>>;

/// Gives out one key for each device that has one; each one-time key is given out once.
pub(super) fn respond(call: &Call<'_>, state: &mut State) -> Result<Vec<u8>, Refusal> {
    #[derive(Serialize)]
    struct Reply {
        one_time_keys: Claimed,
        failures: BTreeMap<(), ()>,
    }
    let wanted = call.json_object()?.take("one_time_keys").ok_or(Refusal::BadJson(SHAPE))?;
    let mut claimed = Claimed::new();
    for (user, device, algorithm) in read(wanted)? {
        let account = state.accounts.get_mut(&user);
        let found = account.and_then(|account| account.devices.get_mut(&device));
        if let Some(key) = found.and_then(|device| device.keys.claim(&algorithm)) {
            let keys = claimed.entry(user).or_default().entry(device).or_default();
            keys.insert(key.name, key.key);
        }
    }
    Ok(to_body(&Reply { one_time_keys: claimed, failures: BTreeMap::new() }))
}

/// Reads `{user: {device: algorithm}}`.
fn read(wanted: &RawValue) -> Result<Vec<(UserId, DeviceId, String)>, Refusal> {
    let mut read = Vec::new();
    for (user, devices) in object(wanted, SHAPE)?.into_members() {
        let user = UserId::from(name(user)?);
        for (device, algorithm) in object(devices, SHAPE)?.into_members() {
            let algorithm = json::public_string(algorithm).map_err(|_| Refusal::BadJson(SHAPE))?;
            read.push((user.clone(), DeviceId::from(name(device)?), algorithm.into_owned()));
        }
    }
    Ok(read)
}

const SHAPE: &str = "one_time_keys must say one algorithm for each device of each user";

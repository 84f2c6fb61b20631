//! [`POST /keys/upload`](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keysupload)

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    device_keys::{AnotherKey, OneTimeKey},
    signed,
};
use crate::{
    encoding::canonical_json::JsonValue,
    homeserver::{
        call::{Call, name, object},
        logins::Caller,
        refusal::Refusal,
        reply::to_body,
        state::{Device, State},
    },
    signed_json::SignedObject,
};

/// Stores all keys, or none.
pub(super) fn respond(
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
) -> Result<Vec<u8>, Refusal> {
    #[derive(Serialize)]
    struct Reply {
        one_time_key_counts: BTreeMap<String, usize>,
    }
    let mut body = call.json_object()?;
    // A member that is `null` is neither absent nor an object.
    let identity = body.take("device_keys").map(|keys| identity(keys, caller)).transpose()?;
    let one_time = body.take("one_time_keys").map_or(Ok(Vec::new()), read_keys)?;
    let fallback = body.take("fallback_keys").map_or(Ok(Vec::new()), read_keys)?;
    let device = state.device(caller);
    // A key does not change under its name: somebody may have been told of it.
    device.keys.add_one_time(one_time).map_err(|AnotherKey| ANOTHER_KEY)?;
    for key in fallback {
        device.keys.set_fallback(key);
    }
    let counts = device.keys.one_time_key_counts();
    if let Some(identity) = identity
        && set_identity(identity, device)
    {
        state.keys_changed(&caller.user);
    }
    Ok(to_body(&Reply { one_time_key_counts: counts }))
}

/// Reads the [`DeviceKeys`](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keysupload_request_devicekeys)
/// of a device, which must be about the device that sends them.
///
/// Whether a key is one of its algorithm is for those who use it: deployed servers take any string, and who tests a reader needs
/// a server that passes it on.
fn identity(keys: &RawValue, caller: &Caller) -> Result<SignedObject, Refusal> {
    let keys = signed::read(keys)?;
    let text = |member| keys.get(member).and_then(JsonValue::as_str);
    let (Some(user), Some(device)) = (text("user_id"), text("device_id")) else {
        return Err(DEVICE_KEYS);
    };
    let is_whole = keys.get("algorithms").is_some_and(is_strings)
        && keys.get("keys").is_some_and(is_object_of(is_string))
        && keys.get("signatures").is_some_and(is_object_of(is_object_of(is_string)));
    if !is_whole {
        return Err(DEVICE_KEYS);
    }
    if user != caller.user.as_str() || device != caller.device.as_str() {
        return Err(Refusal::InvalidParameter("device_keys are of another user or device"));
    }
    Ok(keys)
}

fn is_string(value: &JsonValue) -> bool {
    value.as_str().is_some()
}

fn is_strings(value: &JsonValue) -> bool {
    matches!(value, JsonValue::Array(all) if all.iter().all(is_string))
}

fn is_object_of(fits: impl Fn(&JsonValue) -> bool) -> impl Fn(&JsonValue) -> bool {
    move |value| value.as_object().is_some_and(|all| all.iter().all(|(_, one)| fits(one)))
}

/// Replaces the identity keys unless they are the same, with signatures added since; says whether.
fn set_identity(identity: SignedObject, device: &mut Device) -> bool {
    let stored = &mut device.keys.identity;
    if stored.as_ref().is_some_and(|stored| signed::same_but_for_signatures(stored, &identity)) {
        return false;
    }
    *stored = Some(identity);
    true
}

/// Reads `{"algorithm:id": key}`.
fn read_keys(keys: &RawValue) -> Result<Vec<OneTimeKey>, Refusal> {
    let mut read = Vec::new();
    for (id, key) in object(keys, "one_time_keys and fallback_keys must be objects")?.into_members()
    {
        let name = name(id)?;
        if !name.contains(':') {
            return Err(Refusal::BadJson("The name of a one-time key has no algorithm"));
        }
        if !key.get().starts_with(['{', '"']) {
            return Err(Refusal::BadJson("A one-time key must be an object or a string"));
        }
        read.push(OneTimeKey { name, key: key.to_owned() });
    }
    Ok(read)
}

const DEVICE_KEYS: Refusal =
    Refusal::BadJson("device_keys must have user_id, device_id, algorithms, keys and signatures");

const ANOTHER_KEY: Refusal =
    Refusal::InvalidParameter("There is another one-time key of this name");

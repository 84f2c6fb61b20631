//! [`POST /keys/query`](https://spec.matrix.org/v1.16/client-server-api/#post_matrixclientv3keysquery)

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;

use super::identity::{CrossSigningKey, Identity};
use crate::{
    encoding::{json, json_object::JsonObject},
    homeserver::{
        call::{Call, name, object},
        logins::Caller,
        refusal::Refusal,
        reply::to_body,
        state::{Account, Device, State},
    },
    ids::{DeviceId, UserId},
    signed_json::SignedObject,
};

#[derive(Serialize, Default)]
struct Reply {
    device_keys: BTreeMap<UserId, BTreeMap<DeviceId, JsonObject>>,
    master_keys: BTreeMap<UserId, SignedObject>,
    self_signing_keys: BTreeMap<UserId, SignedObject>,
    user_signing_keys: BTreeMap<UserId, SignedObject>,
    failures: BTreeMap<(), ()>,
}

/// Returns the keys of users, with the signatures that the caller may see.
pub(super) fn respond(
    call: &Call<'_>,
    caller: &Caller,
    state: &mut State,
) -> Result<Vec<u8>, Refusal> {
    let wanted = call.json_object()?.take("device_keys").ok_or(Refusal::BadJson(SHAPE))?;
    let wanted = read(wanted)?;
    let own = state.account(caller).identity.clone();
    let mut reply = Reply::default();
    for (user, devices) in wanted {
        let Some(account) = state.accounts.get(&user) else { continue };
        reply.device_keys.insert(user.clone(), device_keys(account, &devices));
        let identity = &account.identity;
        if let Some(key) = &identity.master {
            reply.master_keys.insert(user.clone(), with_given(key, &user, &own, caller));
        }
        let object = |key: &CrossSigningKey| key.object.clone();
        reply
            .self_signing_keys
            .extend(identity.self_signing.as_ref().map(object).map(|key| (user.clone(), key)));
        if user == caller.user {
            reply
                .user_signing_keys
                .extend(identity.user_signing.as_ref().map(object).map(|key| (user, key)));
        }
    }
    Ok(to_body(&reply))
}

/// The keys of the devices that are named; of all if none is.
fn device_keys(account: &Account, devices: &BTreeSet<DeviceId>) -> BTreeMap<DeviceId, JsonObject> {
    let mut found = BTreeMap::new();
    for (id, device) in &account.devices {
        if let Some(keys) = &device.keys.identity
            && (devices.is_empty() || devices.contains(id))
        {
            found.insert(id.clone(), with_unsigned(keys, device));
        }
    }
    found
}

/// Keys of a device with what the homeserver says of it, in the place of what the device said.
fn with_unsigned(keys: &SignedObject, device: &Device) -> JsonObject {
    #[derive(Serialize)]
    struct Unsigned<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        device_display_name: Option<&'a str>,
    }
    let unsigned = Unsigned { device_display_name: device.display_name.as_deref() };
    let keys = JsonObject::from_our_own(keys.as_json());
    let text = json::with_member(Some(keys.as_raw()), "unsigned", &json::to_text(&unsigned));
    JsonObject::from_our_own(&text)
}

/// A master key with the signatures that the caller made on it.
fn with_given(
    master: &CrossSigningKey,
    user: &UserId,
    own: &Identity,
    caller: &Caller,
) -> SignedObject {
    let mut object = master.object.clone();
    let given = own.given.get(user).filter(|given| given.master == *master.key.key_id());
    for (id, signature) in given.into_iter().flat_map(|given| &given.signatures) {
        object = object.with_signature(&caller.user, id, signature);
    }
    object
}

/// Reads `{user: [device]}`.
fn read(wanted: &RawValue) -> Result<Vec<(UserId, BTreeSet<DeviceId>)>, Refusal> {
    let mut read = Vec::new();
    for (user, devices) in object(wanted, SHAPE)?.into_members() {
        let id = |one: &RawValue| json::public_string(one).ok().map(DeviceId::new);
        let devices = json::array(devices).and_then(|all| all.into_iter().map(id).collect());
        read.push((UserId::from(name(user)?), devices.ok_or(Refusal::BadJson(SHAPE))?));
    }
    Ok(read)
}

const SHAPE: &str = "device_keys must say an array of devices for each user";

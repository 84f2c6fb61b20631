//! [Devices](https://spec.matrix.org/v1.16/client-server-api/#device-management) of a user: their names,
//! logging them out, and deleting them.

use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Homeserver,
    access::{check_password, display_name},
    call::Call,
    logins::Caller,
    refusal::Refusal,
    reply::{empty, to_body},
    state::Device,
};
use crate::{
    encoding::json,
    ids::{DeviceId, UserId},
};

/// An endpoint that is about devices of the user.
pub(super) enum DevicesRoute {
    /// `GET /devices`
    List,
    /// `GET /devices/{deviceId}`
    Get(DeviceId),
    /// `PUT /devices/{deviceId}`
    Rename(DeviceId),
    /// `DELETE /devices/{deviceId}`
    Delete(DeviceId),
    /// `POST /delete_devices`
    DeleteSeveral,
    /// `POST /logout`
    LogOut,
    /// `POST /logout/all`
    LogOutAll,
}

impl DevicesRoute {
    /// Finds the endpoint for a method and the decoded segments of a path after `v3`.
    pub(super) fn find(method: &Method, segments: &[&str]) -> Result<Self, Refusal> {
        match (segments, method) {
            (["devices"], &Method::GET) => Ok(Self::List),
            (["devices", id], &Method::GET) => Ok(Self::Get(DeviceId::from(*id))),
            (["devices", id], &Method::PUT) => Ok(Self::Rename(DeviceId::from(*id))),
            (["devices", id], &Method::DELETE) => Ok(Self::Delete(DeviceId::from(*id))),
            (["delete_devices"], &Method::POST) => Ok(Self::DeleteSeveral),
            (["logout"], &Method::POST) => Ok(Self::LogOut),
            (["logout", "all"], &Method::POST) => Ok(Self::LogOutAll),
            (
                ["devices"] | ["devices", _] | ["delete_devices"] | ["logout"] | ["logout", "all"],
                _,
            ) => Err(Refusal::UnknownMethod),
            _ => Err(Refusal::UnknownPath),
        }
    }
}

/// Does what a request asks for; returns the body of the response.
pub(super) fn respond(
    route: &DevicesRoute,
    call: &Call<'_>,
    caller: &Caller,
    homeserver: &mut Homeserver,
) -> Result<Vec<u8>, Refusal> {
    match route {
        DevicesRoute::List => Ok(list(caller, homeserver)),
        DevicesRoute::Get(id) => {
            let device = homeserver.state.account(caller).devices.get(id).ok_or(UNKNOWN_DEVICE)?;
            Ok(to_body(&Shown::new(id, device)))
        }
        DevicesRoute::Rename(id) => rename(id, call, caller, homeserver),
        DevicesRoute::Delete(id) => {
            let auth = if call.body().is_empty() { None } else { call.json_object()?.take("auth") };
            delete(vec![id.clone()], auth, caller, homeserver)
        }
        DevicesRoute::DeleteSeveral => {
            let mut body = call.json_object()?;
            let named = body.take("devices").and_then(json::array).ok_or(DEVICES)?;
            let id = |one| json::public_string(one).ok().map(DeviceId::new);
            let named = named.into_iter().map(id).collect::<Option<_>>().ok_or(DEVICES)?;
            delete(named, body.take("auth"), caller, homeserver)
        }
        DevicesRoute::LogOut => {
            homeserver.delete_devices(&caller.user, vec![caller.device.clone()]);
            Ok(empty())
        }
        DevicesRoute::LogOutAll => {
            let all = homeserver.state.account(caller).devices.keys().cloned().collect();
            homeserver.delete_devices(&caller.user, all);
            Ok(empty())
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    device_id: &'a DeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn new(device_id: &'a DeviceId, device: &'a Device) -> Self {
        Self { device_id, display_name: device.display_name.as_deref() }
    }
}

fn list(caller: &Caller, homeserver: &mut Homeserver) -> Vec<u8> {
    #[derive(Serialize)]
    struct Reply<'a> {
        devices: Vec<Shown<'a>>,
    }
    let devices = homeserver.state.account(caller).devices.iter();
    to_body(&Reply { devices: devices.map(|(id, device)| Shown::new(id, device)).collect() })
}

fn rename(
    id: &DeviceId,
    call: &Call<'_>,
    caller: &Caller,
    homeserver: &mut Homeserver,
) -> Result<Vec<u8>, Refusal> {
    let name = display_name(&mut call.json_object()?, "display_name")?;
    let device = homeserver.state.account(caller).devices.get_mut(id).ok_or(UNKNOWN_DEVICE)?;
    if let Some(name) = name
        && device.display_name.replace(name.clone()).as_ref() != Some(&name)
    {
        homeserver.state.keys_changed(&caller.user);
    }
    Ok(empty())
}

/// Deletes devices of the caller, who must give the password; one that is gone already does no harm.
fn delete(
    devices: Vec<DeviceId>,
    auth: Option<&RawValue>,
    caller: &Caller,
    homeserver: &mut Homeserver,
) -> Result<Vec<u8>, Refusal> {
    check_password(auth, caller, homeserver.state.account(caller))?;
    homeserver.delete_devices(&caller.user, devices);
    Ok(empty())
}

impl Homeserver {
    /// Forgets devices, with their access tokens, keys and messages.
    fn delete_devices(&mut self, user: &UserId, devices: Vec<DeviceId>) {
        for device in devices {
            let caller = Caller { user: user.clone(), device };
            self.logins.remove_device(&caller);
            let gone = self.state.account(&caller).devices.remove(&caller.device);
            if gone.is_some_and(|device| device.keys.has_identity()) {
                self.state.keys_changed(user);
            }
        }
    }
}

const UNKNOWN_DEVICE: Refusal = Refusal::NotFound("There is no such device");
const DEVICES: Refusal = Refusal::BadJson("devices must be an array of device IDs");

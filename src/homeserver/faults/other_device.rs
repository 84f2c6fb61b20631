//! What another device of the same user does in between.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Fault;
use crate::{
    encoding::json,
    homeserver::{
        Homeserver, account_data::AccountDataRoute, call::Call, logins::Caller,
        room_keys::RoomKeysRoute, router::LoggedInRoute,
    },
    ids::{BackupVersion, DeviceId, UserId},
};

/// The members of a backup version that matter here.
#[derive(Deserialize)]
struct Current<'a> {
    version: BackupVersion,
    #[serde(borrow)]
    algorithm: &'a RawValue,
}

impl Fault {
    /// Does what another device of this user does, if the fault is about one.
    pub(super) fn perform(&self, user: &UserId, homeserver: &mut Homeserver) {
        let mut ask = |route, body: &str| act(homeserver, user, &route, body);
        match self {
            Self::OtherDeviceReplacesVersion { algorithm, auth_data } => {
                let body = version(&json::to_text(algorithm), auth_data);
                ask(LoggedInRoute::RoomKeys(RoomKeysRoute::CreateVersion), &body);
            }
            Self::OtherDeviceSetsAccountData { kind, content } => {
                let route = AccountDataRoute::to_write(user.clone(), kind.clone());
                ask(LoggedInRoute::AccountData(route), content);
            }
            Self::OtherDeviceDeletesVersion | Self::OtherDeviceSignsVersion { .. } => {
                let route = LoggedInRoute::RoomKeys(RoomKeysRoute::GetCurrentVersion);
                let answer = ask(route, "").unwrap_or_default();
                let Ok(current) = serde_json::from_slice(&answer) else { return };
                let (route, body) = self.change(current);
                ask(LoggedInRoute::RoomKeys(route), &body);
            }
            _ => {}
        }
    }

    /// The request that changes the current version.
    fn change(&self, current: Current<'_>) -> (RoomKeysRoute, String) {
        match self {
            Self::OtherDeviceSignsVersion { auth_data } => {
                let body = version(current.algorithm.get(), auth_data);
                (RoomKeysRoute::UpdateVersion(current.version), body)
            }
            _ => (RoomKeysRoute::DeleteVersion(current.version), String::new()),
        }
    }
}

fn version(algorithm: &str, auth_data: &str) -> String {
    format!(r#"{{"algorithm":{algorithm},"auth_data":{auth_data}}}"#)
}

fn act(
    homeserver: &mut Homeserver,
    user: &UserId,
    route: &LoggedInRoute,
    body: &str,
) -> Option<Vec<u8>> {
    // None of these routes looks at the device.
    let caller = Caller { user: user.clone(), device: DeviceId::from("") };
    homeserver.act_for(&caller, route, &Call::new(None, body.as_bytes())).ok()
}

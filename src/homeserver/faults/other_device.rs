//! What another device of the same user does in between.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    encoding::json,
    homeserver::{
        Homeserver, account_data::AccountDataRoute, call::Call, logins::Caller,
        room_keys::RoomKeysRoute, router::LoggedInRoute,
    },
    ids::{BackupVersion, DeviceId, UserId},
};

/// What another device of the same user does just before a request is dealt with, which is when a client can be surprised.
///
/// It goes through the same endpoints as any request, and what they refuse does not happen: without a
/// current version there is nothing to delete or to sign, and what is no JSON is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherDevice {
    /// It makes a new backup version, which is the current one from then on.
    ReplaceVersion {
        /// The algorithm of the new version.
        algorithm: String,
        /// The `auth_data` of the new version, in JSON.
        auth_data: String,
    },
    /// It deletes the current backup version.
    DeleteVersion,
    /// It writes other `auth_data` into the current backup version, with more or fewer signatures for
    /// example.
    SignVersion {
        /// The new `auth_data`, in JSON.
        auth_data: String,
    },
    /// It stores account data, another default key of secret storage for example.
    SetAccountData {
        /// The type.
        kind: String,
        /// The content, in JSON.
        content: String,
    },
}

/// The members of a backup version that matter here.
#[derive(Deserialize)]
struct Current<'a> {
    version: BackupVersion,
    #[serde(borrow)]
    algorithm: &'a RawValue,
}

impl OtherDevice {
    pub(super) fn perform(&self, user: &UserId, homeserver: &mut Homeserver) {
        let mut ask = |route, body: &str| act(homeserver, user, &route, body);
        match self {
            Self::ReplaceVersion { algorithm, auth_data } => {
                let body = version(&json::to_text(algorithm), auth_data);
                ask(LoggedInRoute::RoomKeys(RoomKeysRoute::CreateVersion), &body);
            }
            Self::SetAccountData { kind, content } => {
                let route = AccountDataRoute::to_write(user.clone(), kind.clone());
                ask(LoggedInRoute::AccountData(route), content);
            }
            Self::DeleteVersion | Self::SignVersion { .. } => {
                let route = LoggedInRoute::RoomKeys(RoomKeysRoute::GetCurrentVersion);
                let answer = ask(route, "").unwrap_or_default();
                let Ok(current) = serde_json::from_slice(&answer) else { return };
                let (route, body) = self.change(current);
                ask(LoggedInRoute::RoomKeys(route), &body);
            }
        }
    }

    /// The request that changes the current version.
    fn change(&self, current: Current<'_>) -> (RoomKeysRoute, String) {
        match self {
            Self::SignVersion { auth_data } => {
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

//! The homeserver of the demo, which is in this process, and a device's way to it.

use strongroom::{
    Limits,
    api::{self, AccessToken, BaseUrl},
    homeserver::Homeserver,
    ids::{DeviceId, UserId},
};

use crate::Result;

/// A homeserver with one user, and the device of theirs that talks to it at the moment.
pub(super) struct Connection {
    homeserver: Homeserver,
    base_url: BaseUrl,
    token: AccessToken,
    user_id: UserId,
    device_id: DeviceId,
}

impl Connection {
    /// Starts a homeserver and logs the phone in.
    pub(super) fn new() -> Result<Self> {
        let mut homeserver = Homeserver::new();
        let (user_id, device_id) = (UserId::from("@alice:example.org"), DeviceId::from("PHONE"));
        let token = homeserver.log_in(user_id.clone(), device_id.clone()).as_str().into();
        let base_url = BaseUrl::new("https://matrix.example.org")?;
        Ok(Self { homeserver, base_url, token, user_id, device_id })
    }

    /// Lets another device of the user do the talking from now on.
    pub(super) fn log_in(&mut self, device: &str) {
        self.device_id = device.into();
        let token = self.homeserver.log_in(self.user_id.clone(), self.device_id.clone());
        self.token = token.as_str().into();
    }

    pub(super) fn user_id(&self) -> &UserId {
        &self.user_id
    }

    pub(super) fn device_id(&self) -> &DeviceId {
        &self.device_id
    }

    /// Sends a request and reads the response; also returns the sizes of both bodies together.
    pub(super) fn send<T>(&mut self, endpoint: &api::Request<T>) -> Result<(T, usize)> {
        let request = endpoint.to_http(&self.base_url, &self.token)?;
        let response = self.homeserver.respond(&request);
        let bytes = request.body().len() + response.body().len();
        Ok((endpoint.read_response(&response, &Limits::default())?, bytes))
    }
}

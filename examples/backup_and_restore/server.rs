//! A homeserver in this process, in place of a socket.

use strongroom::{
    Limits,
    api::{AccessToken, BaseUrl, Endpoint},
    homeserver::Homeserver,
    ids::UserId,
};

use crate::Result;

/// The homeserver, and how a device of the one user reaches it.
pub(crate) struct Server {
    homeserver: Homeserver,
    base_url: BaseUrl,
    token: AccessToken,
}

impl Server {
    pub(crate) fn new() -> Result<Self> {
        let mut homeserver = Homeserver::new();
        let token = homeserver.log_in(user_id(), FIRST);
        let base_url = BaseUrl::new("https://matrix.example.org")?;
        Ok(Self { homeserver, base_url, token: token.as_str().into() })
    }

    /// Forgets the token of the device before, and logs another one in.
    pub(crate) fn log_in(&mut self, device: &str) {
        self.token = self.homeserver.log_in(user_id(), device).as_str().into();
    }

    /// Sends a request and reads the response; also says how many bytes went up and down.
    pub(crate) fn send<E: Endpoint>(&mut self, endpoint: &E) -> Result<(E::Response, usize)> {
        let request = endpoint.to_http(&self.base_url, &self.token)?;
        let sent = request.body().len();
        let response = self.homeserver.respond(&request);
        let bytes = sent + response.body().len();
        Ok((endpoint.read_response(&response, &Limits::default())?, bytes))
    }
}

pub(crate) fn user_id() -> UserId {
    UserId::from("@alice:example.org")
}

/// The device that has the sessions.
pub(crate) const FIRST: &str = "FIRST";

//! The homeserver: in this process, or behind a socket.

use std::{fs, path::Path, time::Duration};

use http::{Request, Response};
use strongroom::{
    Limits,
    api::{self, AccessToken, BaseUrl},
    homeserver::Homeserver,
    ids::{DeviceId, UserId},
};
use ureq::Agent;

use crate::Result;

/// A homeserver, and how a device of the one user reaches it.
pub(crate) struct Server {
    transport: Transport,
    base_url: BaseUrl,
    token: AccessToken,
    owner: Owner,
}

enum Transport {
    InMemory(Box<Homeserver>),
    Socket(Agent),
}

/// Whose access token it is.
struct Owner {
    user_id: UserId,
    device_id: DeviceId,
}

impl Server {
    /// A homeserver in this process, with one user.
    pub(crate) fn in_memory() -> Result<Self> {
        let mut homeserver = Homeserver::new();
        let owner = Owner { user_id: "@alice:example.org".into(), device_id: "FIRST".into() };
        let token = homeserver.log_in(owner.user_id.clone(), owner.device_id.clone());
        Ok(Self {
            transport: Transport::InMemory(Box::new(homeserver)),
            base_url: BaseUrl::new("https://matrix.example.org")?,
            token: token.as_str().into(),
            owner,
        })
    }

    /// A homeserver at an address, and the file with the access token of a test account.
    pub(crate) fn at(address: &str, token_file: &Path) -> Result<Self> {
        let base_url = BaseUrl::new(address)?;
        if address.starts_with("https:") {
            return Err("this example has no TLS, which would need C code: use http".into());
        }
        let config = Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
        let mut server = Self {
            transport: Transport::Socket(agent),
            base_url,
            token: fs::read_to_string(token_file)?.trim().into(),
            owner: Owner { user_id: "".into(), device_id: "".into() },
        };
        let ((user_id, device_id), _) = server.send(&api::get_who_am_i())?;
        let device_id = device_id.ok_or("the access token belongs to no device")?;
        server.owner = Owner { user_id, device_id };
        Ok(server)
    }

    /// Lets another device do the talking. Behind a socket there is one token, so both share it.
    pub(crate) fn log_in(&mut self, device: &str) {
        if let Transport::InMemory(homeserver) = &mut self.transport {
            self.token = homeserver.log_in(self.owner.user_id.clone(), device).as_str().into();
        }
    }

    /// The user whose backup it is.
    pub(crate) fn user_id(&self) -> &UserId {
        &self.owner.user_id
    }

    /// The device that has the sessions.
    pub(crate) fn device_id(&self) -> &DeviceId {
        &self.owner.device_id
    }

    /// Sends a request and reads the response; also says how many bytes went up and down.
    pub(crate) fn send<T>(&mut self, endpoint: &api::Request<T>) -> Result<(T, usize)> {
        let limits = Limits::default();
        let request = endpoint.to_http(&self.base_url, &self.token)?;
        let sent = request.body().len();
        let response = match &mut self.transport {
            Transport::InMemory(homeserver) => homeserver.respond(&request),
            Transport::Socket(agent) => {
                exchange(agent, request, endpoint.max_response_bytes(&limits))?
            }
        };
        let bytes = sent + response.body().len();
        Ok((endpoint.read_response(&response, &limits)?, bytes))
    }
}

fn exchange(agent: &Agent, request: Request<Vec<u8>>, limit: usize) -> Result<Response<Vec<u8>>> {
    let (head, body) = agent.run(request)?.into_parts();
    let body = body.into_with_config().limit(limit as u64).read_to_vec()?;
    Ok(Response::from_parts(head, body))
}

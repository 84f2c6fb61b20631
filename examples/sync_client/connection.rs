//! HTTP, as `ureq` does it.

use std::{io::Read, time::Duration};

use http::{Request, Response};
use strongroom::{
    Limits,
    api::{self, AccessToken, BaseUrl},
    client::Operation,
    ids::UserId,
};
use ureq::{Agent, BodyReader};

use crate::Result;

/// A homeserver, and who is logged in there.
#[derive(Clone)]
pub(crate) struct Connection {
    agent: Agent,
    base_url: BaseUrl,
    token: AccessToken,
    user_id: UserId,
}

impl Connection {
    pub(crate) fn new(url: &str, token: &str) -> Result<Self> {
        if url.starts_with("https:") {
            return Err("this example has no TLS, which would need C code: use http".into());
        }
        let config = Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
        let (base_url, token) = (BaseUrl::new(url)?, token.into());
        let mut connection = Self { agent, base_url, token, user_id: "".into() };
        (connection.user_id, _) = connection.call(&api::get_who_am_i())?;
        Ok(connection)
    }

    pub(crate) fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// Sends what the machine wants to be sent. A refusal is an answer; what did not come back is none.
    pub(crate) fn send(
        &self,
        operation: &Operation,
    ) -> Result<Option<Response<BodyReader<'static>>>> {
        let request = operation.to_http(&self.base_url, &self.token)?;
        let response = self.agent.run(request).ok();
        Ok(response.map(|response| response.map(ureq::Body::into_reader)))
    }

    /// Sends what the machine has nothing to do with.
    pub(crate) fn call<T>(&self, endpoint: &api::Request<T>) -> Result<T> {
        let request: Request<Vec<u8>> = endpoint.to_http(&self.base_url, &self.token)?;
        let response = whole(self.agent.run(request)?)?;
        Ok(endpoint.read_response(&response, &Limits::default())?)
    }
}

/// A response that ends early has not arrived.
fn whole(response: Response<ureq::Body>) -> std::io::Result<Response<Vec<u8>>> {
    let (head, body) = response.into_parts();
    let (mut bytes, mut reader) = (Vec::new(), body.into_reader().take(MAX_BYTES));
    reader.read_to_end(&mut bytes)?;
    Ok(Response::from_parts(head, bytes))
}

/// More than any response that is not streamed.
const MAX_BYTES: u64 = 32 << 20;

//! HTTP, as `ureq` does it.

use std::{io::Read as _, time::Duration};

use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use strongroom::ids::{DeviceId, UserId};
use ureq::Agent;

use crate::host::{Remote, Result};

pub(crate) struct Connection {
    agent: Agent,
    token: String,
}

impl Connection {
    /// Logs the user in with the password.
    pub(crate) fn log_in(url: &str, user: &str, password: &str, device: &str) -> Result<Self> {
        let config = Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(TIMEOUT)).build().new_agent();
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": user },
            "password": password,
            "device_id": device,
        });
        let request = Request::post(format!("{url}/_matrix/client/v3/login"))
            .body(serde_json::to_vec(&body)?)?;
        let answer: Value = serde_json::from_slice(&whole(agent.run(request)?)?.into_body())?;
        let token = answer.get("access_token").and_then(Value::as_str);
        let token = token.ok_or_else(|| format!("nobody could be logged in: {answer}"))?.to_owned();
        Ok(Self { agent, token })
    }
}

impl Remote for Connection {
    fn respond(&mut self, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        let sent = self.agent.run(request.clone());
        sent.map_err(Into::into).and_then(whole).unwrap_or_else(|error| bad_gateway(&*error))
    }

    fn log_in(&mut self, _: &UserId, _: &DeviceId) -> String {
        self.token.clone()
    }
}

fn whole(response: Response<ureq::Body>) -> Result<Response<Vec<u8>>> {
    let (head, body) = response.into_parts();
    let mut bytes = Vec::new();
    body.into_reader().read_to_end(&mut bytes)?;
    Ok(Response::from_parts(head, bytes))
}

/// What did not come back counts as the answer of a proxy, which is asked again.
fn bad_gateway(error: &dyn std::error::Error) -> Response<Vec<u8>> {
    eprintln!("{error}");
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

const TIMEOUT: Duration = Duration::from_secs(60);

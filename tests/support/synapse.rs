//! A real homeserver, if there is one: the URL stands in `STRONGROOM_SYNAPSE`.
#![allow(dead_code, reason = "each test includes it and uses a part")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the test reads the environment and stops at the first surprise"
)]

use std::{
    env,
    io::{self, Write as _},
    time::Duration,
};

use getrandom::{SysRng, rand_core::TryRng as _};
use http::{Request, Response};
use serde_json::{Value, json};
use ureq::Agent;

use super::ask::Answer;

/// A homeserver on which anybody may register, as `.ci/synapse` starts it.
pub(crate) struct Synapse {
    url: String,
    agent: Agent,
}

/// A user who was made for one test.
pub(crate) struct Login {
    pub(crate) user_id: String,
    pub(crate) token: String,
}

impl Synapse {
    /// The homeserver that the environment names; without one, says that `test` is not run.
    pub(crate) fn from_environment(test: &str) -> Option<Self> {
        let Ok(url) = env::var("STRONGROOM_SYNAPSE") else {
            // Past the capture of the test harness: a test that was not run must not look like one.
            let note = format!("NOT RUN: {test}, since STRONGROOM_SYNAPSE names no homeserver\n");
            let _ = io::stderr().write_all(note.as_bytes());
            return None;
        };
        let config = Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
        Some(Self { url: url.trim_end_matches('/').to_owned(), agent })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Makes a user whom nobody has used before.
    pub(crate) fn register(&self) -> Login {
        let mut bytes = [0; 8];
        SysRng.try_fill_bytes(&mut bytes).unwrap();
        let name = format!("test{:016x}", u64::from_be_bytes(bytes));
        let auth = json!({ "type": "m.login.dummy" });
        let body = json!({ "auth": auth, "username": name, "password": name }).to_string();
        let (status, answer) = self.ask("", "POST", "/_matrix/client/v3/register", &body);
        assert_eq!(status, 200, "{answer}");
        let text = |member: &str| answer.get(member).and_then(Value::as_str).unwrap().to_owned();
        Login { user_id: text("user_id"), token: text("access_token") }
    }

    /// Sends what the in-memory homeserver would get, too.
    pub(crate) fn ask(&self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !token.is_empty() {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = self.send(request.body(body.as_bytes().to_vec()).unwrap());
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    /// Status and body, which is not read yet.
    pub(crate) fn stream(&self, request: Request<Vec<u8>>) -> (u16, impl io::Read + use<>) {
        let response = self.agent.run(request).unwrap();
        (response.status().as_u16(), response.into_body().into_reader())
    }

    pub(crate) fn send(&self, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let (head, body) = self.agent.run(request).unwrap().into_parts();
        let body = body.into_with_config().limit(1 << 30).read_to_vec().unwrap();
        Response::from_parts(head, body)
    }
}

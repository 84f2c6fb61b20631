//! The way to a homeserver in memory.

use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::Value;
use strongroom::{
    Limits,
    api::{BaseUrl, Endpoint},
    homeserver::Homeserver,
    ids::{DeviceId, UserId},
};

use super::Result;

/// A homeserver in memory. Where a client would open a connection, it is called.
pub(crate) struct Server {
    homeserver: Homeserver,
    base_url: BaseUrl,
}

impl Server {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { homeserver: Homeserver::new(), base_url: BaseUrl::new(URL)? })
    }

    /// Logs a device in, and returns its access token.
    pub(crate) fn log_in(&mut self, user_id: &UserId, device_id: &DeviceId) -> String {
        self.homeserver.log_in(user_id.clone(), device_id.clone())
    }

    /// Sends a request and reads the response.
    pub(crate) fn send<E: Endpoint>(&mut self, token: &str, endpoint: &E) -> Result<E::Response> {
        let response = self.homeserver.respond(&endpoint.to_http(&self.base_url, &token.into())?);
        Ok(endpoint.read_response(&response, &Limits::default())?)
    }

    /// Sends what a machine wants to be sent.
    pub(crate) fn exchange(&mut self, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        self.homeserver.respond(request)
    }

    /// Sends what this crate has no type for: it is what a host's own Olm and cross-signing send.
    pub(crate) fn post(&mut self, token: &str, path: &str, body: &impl Serialize) -> Result<Value> {
        self.call(token, &Method::POST, path, body)
    }

    /// Sends anything.
    pub(crate) fn call(
        &mut self,
        token: &str,
        method: &Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{URL}/_matrix/client/v3/{path}"))
            .header("Authorization", format!("Bearer {token}"))
            .body(serde_json::to_vec(body)?)?;
        let response = self.homeserver.respond(&request);
        if response.status().is_success() {
            Ok(serde_json::from_slice(response.body())?)
        } else {
            Err(format!("the homeserver answered {} to {path}", response.status()).into())
        }
    }
}

const URL: &str = "https://matrix.example.org";

//! A homeserver, and the access token of somebody there.

use std::sync::Arc;

use http::Method;
use serde_json::Value;
use strongroom::{
    Limits,
    api::{self, AccessToken},
    encoding::format::FormatProblem,
    secret::{SecretString, SecretVec},
};
use ureq::BodyReader;

use super::{patience::Repeats, server::Server, trouble::Trouble};
use crate::failure::Failure;

/// Who is logged in somewhere. A clone is the same.
#[derive(Clone)]
pub(crate) struct Connection {
    server: Arc<Server>,
    token: SecretString,
}

impl Connection {
    pub(super) fn new(server: Arc<Server>, token: SecretString) -> Self {
        Self { server, token }
    }

    /// Where it leads.
    pub(crate) fn address(&self) -> &str {
        self.server.address()
    }

    pub(crate) fn failed(&self, trouble: Trouble) -> Failure {
        self.server.failed(trouble)
    }

    /// Sends a request and reads the answer.
    pub(crate) fn send<T>(&self, endpoint: &api::Request<T>) -> Result<T, Trouble> {
        self.send_raw(endpoint).map(|(answer, _)| answer)
    }

    /// Sends a request and reads the answer, which is returned as it came, too; nothing came if nothing was found.
    pub(crate) fn send_raw<T>(
        &self,
        endpoint: &api::Request<T>,
    ) -> Result<(T, SecretVec), Trouble> {
        let limits = Limits::default();
        let (head, body) = self.prepare(endpoint)?;
        match self.server.ask(&head, &body, endpoint.max_response_bytes(&limits)) {
            Ok(body) => Ok((endpoint.read_body(body.expose_bytes(), &limits)?, body)),
            Err(Trouble::Refused(error)) if error.is_not_found() => {
                let nothing = endpoint.when_not_found().ok_or(error)?;
                Ok((nothing, SecretVec::default()))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Sends a request for much, and returns the body of the answer while it arrives.
    pub(crate) fn stream<T>(
        &self,
        endpoint: &api::Request<T>,
    ) -> Result<BodyReader<'static>, Trouble> {
        let (head, body) = self.prepare(endpoint)?;
        self.server.open(&head, &body, Repeats::NotTimeouts)
    }

    /// Asks for what the library has no type for.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Trouble> {
        let head = self.server.request(Method::GET, path, Some(&self.token))?;
        let body = self.server.ask(&head, &[], Limits::default().sync_response_bytes)?;
        serde_json::from_slice(body.expose_bytes()).map_err(|_| FormatProblem::NotJson.into())
    }

    /// Makes the access token invalid, and the device disappear.
    pub(crate) fn log_out(&self) -> Result<(), Trouble> {
        let head = self.server.request(Method::POST, "v3/logout", Some(&self.token))?;
        self.server.ask(&head, b"{}", Limits::default().response_bytes).map(drop)
    }

    fn prepare<T>(
        &self,
        endpoint: &api::Request<T>,
    ) -> Result<(http::request::Parts, Vec<u8>), Trouble> {
        let token = AccessToken::from(self.token.clone());
        Ok(endpoint.to_http(self.server.base_url(), &token)?.into_parts())
    }
}

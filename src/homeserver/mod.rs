//! An in-memory Matrix homeserver to test clients against: requests in, responses out.
//!
//! It keeps several users apart and follows the
//! [specification](https://spec.matrix.org/v1.16/client-server-api/#server-side-key-backups), not the
//! habits of one deployed server. It has no socket, clock, thread or file, and equal requests in
//! equal order get equal responses. Of the client-server API it knows creating and reading backup
//! versions, and storing and reading all keys of one.
//!
//! It takes and returns plain [`http`] types, so any client can be tested against it, not only one
//! that is built on this crate:
//!
//! ```
//! use http::Request;
//! use strongroom::homeserver::Homeserver;
//!
//! let mut homeserver = Homeserver::new();
//! let authorization = format!("Bearer {}", homeserver.log_in("@alice:example.org", "PHONE"));
//! let url = "https://example.org/_matrix/client/v3/room_keys/version";
//!
//! let create = Request::post(url)
//!     .header("Authorization", &authorization)
//!     .body(r#"{"algorithm":"m.megolm_backup.v1.curve25519-aes-sha2","auth_data":{}}"#)?;
//! assert_eq!(homeserver.respond(&create).body(), br#"{"version":"1"}"#);
//!
//! let read = Request::get(url).header("Authorization", &authorization).body("")?;
//! let current = String::from_utf8(homeserver.respond(&read).into_body())?;
//! assert!(current.contains(r#""version":"1","etag":"0","count":0"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Security
//!
//! It is for tests. Anyone can guess the access tokens it makes up, and nothing limits how much a
//! request may store.

mod call;
mod refusal;
mod room_keys;
mod router;

use std::{collections::BTreeMap, fmt};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};

use self::{call::Call, refusal::Refusal, room_keys::Backups, router::Route};
use crate::{
    ids::{DeviceId, UserId},
    secret::SecretString,
};

/// A homeserver in memory, with its users and all they stored.
///
/// A clone is a snapshot: it and the original go separate ways.
#[derive(Clone, Default)]
pub struct Homeserver {
    logins: Vec<Login>,
    accounts: BTreeMap<UserId, Account>,
    tokens_made_up: u64,
}

/// What an access token stands for.
#[derive(Clone)]
struct Login {
    token: SecretString,
    user: UserId,
    device: DeviceId,
}

/// What the homeserver keeps of one user, one field per topic.
#[derive(Clone, Default)]
struct Account {
    backups: Backups,
}

impl Homeserver {
    /// A homeserver without users.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Logs a user in on a device and returns a new access token.
    ///
    /// The user need not exist before. Tokens made up earlier stay valid, also for the same device.
    pub fn log_in(&mut self, user: impl Into<UserId>, device: impl Into<DeviceId>) -> String {
        let token = loop {
            self.tokens_made_up += 1;
            let token = format!("token_{}", self.tokens_made_up);
            if self.login(&token).is_none() {
                break token;
            }
        };
        self.log_in_with_token(user, device, token.as_str());
        token
    }

    /// Logs a user in on a device with an access token of the caller's choice.
    ///
    /// A token stands for one device: whoever had it before is logged out.
    pub fn log_in_with_token(
        &mut self,
        user: impl Into<UserId>,
        device: impl Into<DeviceId>,
        token: impl Into<SecretString>,
    ) {
        let login = Login { token: token.into(), user: user.into(), device: device.into() };
        self.logins.retain(|other| other.token != login.token);
        self.logins.push(login);
    }

    /// Does what a request asks for and returns the response.
    ///
    /// The host in the URL does not matter; the path begins with `/_matrix`. The access token stands
    /// in an `Authorization: Bearer` header, not in the query.
    pub fn respond(&mut self, request: &Request<impl AsRef<[u8]>>) -> Response<Vec<u8>> {
        let call = Call::new(request.uri().query(), request.body().as_ref());
        let (status, body) = match Route::find(request.method(), request.uri().path())
            .and_then(|route| self.act(&route, request.headers(), &call))
        {
            Ok(body) => (StatusCode::OK, body),
            Err(refusal) => (refusal.status(), refusal.body()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn act(
        &mut self,
        route: &Route,
        headers: &HeaderMap,
        call: &Call<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let token = bearer_token(headers).ok_or(Refusal::MissingToken)?;
        let user = self.login(token).ok_or(Refusal::UnknownToken)?.user.clone();
        let account = self.accounts.entry(user).or_default();
        match route {
            Route::RoomKeys(route) => room_keys::respond(route, call, &mut account.backups),
        }
    }

    fn login(&self, token: &str) -> Option<&Login> {
        let token = SecretString::from(token);
        self.logins.iter().find(|login| login.token == token)
    }
}

impl fmt::Debug for Homeserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { logins, accounts: _, tokens_made_up: _ } = self;
        f.debug_struct("Homeserver").field("logins", logins).finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token: _, user, device } = self;
        f.debug_struct("Login").field("user", user).field("device", device).finish_non_exhaustive()
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

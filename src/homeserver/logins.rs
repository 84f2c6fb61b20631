//! Access tokens, and whom they stand for.

use std::fmt;

use http::{HeaderMap, header};

use super::refusal::Refusal;
use crate::{
    ids::{DeviceId, UserId},
    secret::SecretString,
};

/// All access tokens that were ever given out and not taken over.
#[derive(Clone, Default)]
pub(super) struct Logins {
    all: Vec<Login>,
    made_up: u64,
}

/// What an access token stands for.
#[derive(Clone)]
struct Login {
    token: SecretString,
    caller: Caller,
    state: LoginState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LoginState {
    Valid,
    /// The device is still there and may log in again.
    SoftlyLoggedOut,
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
}

impl Logins {
    /// Logs a device in with a token that nobody has.
    pub(super) fn add(&mut self, caller: Caller) -> String {
        let token = loop {
            let token = format!("token_{}", self.next_number());
            if self.find(&token).is_none() {
                break token;
            }
        };
        self.add_with_token(caller, token.as_str().into());
        token
    }

    /// Logs a device in with this token; whoever had it is logged out.
    pub(super) fn add_with_token(&mut self, caller: Caller, token: SecretString) {
        self.all.retain(|other| other.token != token);
        self.all.push(Login { token, caller, state: LoginState::Valid });
    }

    /// Makes a token unknown.
    pub(super) fn remove(&mut self, token: &str) {
        let token = SecretString::from(token);
        self.all.retain(|login| login.token != token);
    }

    /// Makes all tokens of a device unknown.
    pub(super) fn remove_device(&mut self, caller: &Caller) {
        self.all.retain(|login| login.caller != *caller);
    }

    /// Makes a token invalid; the device may log in again.
    pub(super) fn remove_softly(&mut self, token: &str) {
        let token = SecretString::from(token);
        for login in self.all.iter_mut().filter(|login| login.token == token) {
            login.state = LoginState::SoftlyLoggedOut;
        }
    }

    /// Who makes the request with these headers.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<&Caller, Refusal> {
        let token = bearer_token(headers).ok_or(Refusal::MissingToken)?;
        let login = self.find(token).ok_or(Refusal::UnknownToken { soft_logout: false })?;
        match login.state {
            LoginState::Valid => Ok(&login.caller),
            LoginState::SoftlyLoggedOut => Err(Refusal::UnknownToken { soft_logout: true }),
        }
    }

    /// A number that was never returned before.
    pub(super) fn next_number(&mut self) -> u64 {
        self.made_up += 1;
        self.made_up
    }

    fn find(&self, token: &str) -> Option<&Login> {
        let token = SecretString::from(token);
        self.all.iter().find(|login| login.token == token)
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { all, made_up: _ } = self;
        f.debug_list().entries(all.iter().map(|login| &login.caller)).finish()
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}
